//! What holds for every text.

use std::hash::{DefaultHasher, Hash, Hasher};

use proptest::prelude::*;
use wharf_name::{DigestReference, ParseOptions, Reference, Registry, Repository, Tag};

/// Texts that are nearly names: pieces of them in any order.
fn nearly() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9]{1,4}",
        1 => "[A-Z!% ü]{1,2}",
        4 => prop::sample::select(vec![
            ".", ":", "/", "@", "-", "_", "__", "[", "]", "::1", "[::1]", "localhost", "docker.io", "library/",
            "index.docker.io/", "gcr.io/", ":5000", "://", "%25", "127.0.0.1",
            "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Valid references, as people may write them.
fn valid() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just(String::new()),
        "[a-zA-Z0-9]([a-z0-9-]{0,8}[a-z0-9])?\\.[a-z]{2,3}(:[1-9][0-9]{0,3})?/",
        "localhost(:[1-9][0-9]{0,3})?/",
        any::<std::net::Ipv6Addr>().prop_map(|address| format!("[{address}]/")),
        any::<std::net::Ipv4Addr>().prop_map(|address| format!("{address}:5000/")),
    ];
    // With a dot, the first component is a host, whose labels are at most 63 characters long.
    let path = "[a-z0-9]{1,18}((\\.|_|__|-{1,3})[a-z0-9]{1,18}){0,2}(/[a-z0-9]+){0,3}";
    let tag = prop_oneof![Just(String::new()), ":[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}"];
    let digest = prop_oneof![
        Just(String::new()),
        "@sha256:[0-9a-f]{64}",
        "@sha512:[0-9a-f]{128}"
    ];
    (host, path, tag, digest).prop_map(|(host, path, tag, digest)| format!("{host}{path}{tag}{digest}"))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn check_every_type(text: &str) -> Result<(), TestCaseError> {
    macro_rules! round_trip {
        ($($type:ty),*) => { $(
            match text.parse::<$type>() {
                Ok(value) => {
                    prop_assert_eq!(value.as_typed(), text);
                    let again: $type = value.to_string().parse().expect("what was printed");
                    prop_assert_eq!(again.as_str(), value.as_str());
                    prop_assert_eq!(again.as_typed(), value.as_str());
                }
                Err(error) => {
                    let _ = error.to_string();
                    let _ = error.caret().to_string();
                    prop_assert!(error.input().get(error.span()).is_some());
                }
            }
        )* };
    }
    round_trip!(Registry, Repository, Tag, DigestReference, Reference);
    let _ = ParseOptions::default().with_strict().parse_reference(text);
    let _ = Registry::docker_hub().repository(text);
    let _ = ParseOptions::default().with_default_registry(text);
    let _ = ParseOptions::default().with_default_tag(text);
    Ok(())
}

proptest! {
    #[test]
    fn any_text_parses_or_fails_and_prints(text in any::<String>()) {
        check_every_type(&text)?;
    }

    #[test]
    fn near_names_parse_or_fail_and_print(text in nearly()) {
        check_every_type(&text)?;
    }

    #[test]
    fn valid_texts_are_taken(text in valid()) {
        // A port without a repository is the one deliberate exception of the grammar.
        let reference = text.parse::<Reference>();
        let misread = reference.as_ref().is_err_and(|error| error.span().start == 0);
        prop_assert!(reference.is_ok() || misread && !text.contains('/'), "{:?}", reference);
        check_every_type(&text)?;
    }

    #[test]
    fn strict_takes_what_is_canonical(text in valid()) {
        if let Ok(reference) = text.parse::<Reference>() {
            let strict = ParseOptions::default().with_strict();
            prop_assert_eq!(strict.parse_reference(reference.as_str()), Ok(reference));
        }
    }

    #[test]
    fn order_hash_and_equality_agree(a in nearly(), b in nearly()) {
        if let (Ok(a), Ok(b)) = (a.parse::<Reference>(), b.parse::<Reference>()) {
            prop_assert_eq!(a == b, a.cmp(&b).is_eq());
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            prop_assert!(a != b || hash(&a) == hash(&b));
            prop_assert_eq!(a == b, a.to_string() == b.to_string());
        }
    }
}
