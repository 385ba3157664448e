//! Platforms that somebody typed: no text panics, and what was parsed reads back as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_v1::PlatformSpec;

fuzz_target!(|text: &str| {
    match text.parse::<PlatformSpec>() {
        Ok(spec) => {
            let shown = spec.to_string();
            assert_eq!(shown.parse::<PlatformSpec>().as_ref(), Ok(&spec), "{shown:?}");
            assert_eq!(PlatformSpec::from(&spec.to_platform()), spec, "{shown:?}");
            assert!(spec.is_satisfied_by(&spec.to_platform()), "{shown:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
