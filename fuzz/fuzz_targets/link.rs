//! `Link` headers of a registry's pages: none panics, what is found stands in the header between angle brackets, and what
//! is written by the book is found whatever stands before it.
#![no_main]

use http::header::LINK;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use wharf_transport::next_link;

fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let headers = HeaderMap::from_iter([(LINK, value.clone())]);
    let found = next_link(&headers);
    if let Ok(Some(target)) = found {
        assert!(!target.is_empty() && !target.contains('>'), "{target}");
        let text = value.to_str().expect("what was read is text");
        assert!(text.contains(&format!("<{target}>")), "{target}");
    }

    // A second header counts as if it stood behind the first.
    let next = HeaderValue::from_static("</v2/app/tags/list?last=b>; rel=\"next\"");
    let headers = HeaderMap::from_iter([(LINK, value), (LINK, next)]);
    match found {
        Ok(None) if !bytes.starts_with(b"<>") && !bytes.windows(2).any(|pair| pair == b"<>") => {
            assert_eq!(next_link(&headers), Ok(Some("/v2/app/tags/list?last=b")));
        }
        Ok(None) => {}
        found => assert_eq!(next_link(&headers), found),
    }
});
