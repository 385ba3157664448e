//! Challenges of a registry: no header panics, and what is written by the book is read by it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_transport::auth::Challenge;

fuzz_target!(|header: &str| {
    let challenges = Challenge::parse(header);
    for challenge in &challenges {
        assert_eq!(challenge.scheme(), challenge.scheme().to_ascii_lowercase());
        let _ = challenge.error();
    }
    if let Some(chosen) = Challenge::choose(&challenges) {
        assert!(challenges.contains(chosen));
    }

    // Any text can be quoted.
    if header.len() < 4096 && !header.chars().any(char::is_control) {
        let quoted = header.replace('\\', "\\\\").replace('"', "\\\"");
        let challenges = Challenge::parse(&format!("Bearer realm=\"{quoted}\", service=\"s\""));
        assert_eq!(challenges.len(), 1, "{quoted}");
        assert_eq!(challenges[0].param("realm"), Some(header));
        assert_eq!(challenges[0].param("service"), Some("s"));
    }
});
