//! Digests in names, documents and headers: only the algorithm's own lower-case hex gets through.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_name::DigestReference;

fuzz_target!(|text: &str| {
    let parsed = wharf_v1::parse_digest(text);
    if let Ok(digest) = &parsed {
        assert_eq!(digest.to_string(), text);
        // Layouts make paths of it.
        let (algorithm, hex) = text.split_once(':').expect("a digest has a colon");
        assert!(matches!(algorithm, "sha256" | "sha384" | "sha512"), "{text}");
        assert!(
            hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) && hex.len() >= 64,
            "{text}"
        );
    }
    // References have a grammar of their own around it, but the same digests.
    if !text.contains('@') {
        let reference = format!("localhost:5000/app@{text}").parse::<DigestReference>();
        assert_eq!(reference.is_ok(), parsed.is_ok(), "{text}");
    }
});
