//! References that somebody typed: no text panics, and what was parsed reads back as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wharf_name::{ParseOptions, Reference, Registry, Repository};

fuzz_target!(|text: &str| {
    let _ = text.parse::<Registry>();
    let _ = text.parse::<Repository>();
    let strict = ParseOptions::default().with_strict();
    match text.parse::<Reference>() {
        Ok(reference) => {
            let shown = reference.to_string();
            assert_eq!(shown.parse::<Reference>().as_ref(), Ok(&reference), "{shown}");
            // What we write is complete: it needs none of the defaults.
            assert_eq!(strict.parse_reference(&shown).as_ref(), Ok(&reference), "{shown}");
        }
        Err(error) => {
            let _ = (error.to_string(), &error.input()[error.span()]);
            assert!(
                strict.parse_reference(text).is_err(),
                "strict takes less, never more"
            );
        }
    }
});
