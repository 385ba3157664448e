//! Digests in names, documents and headers: only the algorithm's own lower-case hex gets through.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_name::DigestReference;

fuzz_target!(|text: &str| {
    let Ok(reference) = format!("localhost:5000/app@{text}").parse::<DigestReference>() else { return };
    let digest = reference.digest();
    let shown = digest.to_string();
    assert!(text.ends_with(&shown), "{text}");
    // Layouts make paths of it.
    let (algorithm, hex) = shown.split_once(':').expect("a digest has a colon");
    assert!(algorithm.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()), "{shown}");
    assert!(hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) && hex.len() >= 64, "{shown}");
});
