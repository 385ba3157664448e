//! Descriptors on their own, outside of a manifest or index.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use oci_spec::image::Descriptor;
use serde_json::Value;

use super::DocumentKind;
use super::canonical::{self, Sides};
use super::parse::{self, InvalidAs as _};
use super::schema::Schema;
use crate::{Error, Hasher};

/// Reads a descriptor from JSON, as tolerant as [`Document::view`](super::Document::view) is.
///
/// [`Descriptor`]'s own `Deserialize` does not take `null` for what is missing, and overlooks a
/// platform's `os.version` and `os.features`.
///
/// ```
/// use wharf_v1::{DescriptorExt as _, parse_descriptor, sha256};
///
/// let digest = sha256("{}");
/// let json = format!(
///     r#"{{"size":2,"digest":"{digest}","urls":null,"platform":{{"os":"windows","os.version":"10.0"}}}}"#
/// );
/// let descriptor = parse_descriptor(json.as_bytes())?;
/// assert_eq!(descriptor.platform().as_ref().and_then(|p| p.os_version().as_deref()), Some("10.0"));
/// assert_eq!(
///     descriptor.to_canonical_json(),
///     format!(
///         r#"{{"mediaType":"","size":2,"digest":"{digest}","platform":{{"architecture":"","os":"windows","os.version":"10.0"}}}}"#
///     )
/// );
/// # Ok::<(), wharf_v1::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidDocument`] when this is no JSON of a descriptor.
pub fn parse_descriptor(json: &[u8]) -> Result<Descriptor, Error> {
    let kind = DocumentKind::Descriptor;
    let value: Value = serde_json::from_slice(json).invalid_as(kind)?;
    parse::typed(kind, value)
}

/// Conveniences for [`Descriptor`].
pub trait DescriptorExt {
    /// The descriptor as JSON, in the canonical form that documents have.
    ///
    /// Do not use its own `Serialize`: maps come out in no order, and a platform's `os.version` under
    /// another name.
    fn to_canonical_json(&self) -> String;

    /// The content that the descriptor brings along as `data`, if it does
    /// ([image-spec](https://github.com/opencontainers/image-spec/blob/main/descriptor.md#embedded-content)),
    /// verified. Go: `verify.Descriptor`.
    ///
    /// # Errors
    /// [`Error::SizeMismatch`] or [`Error::DigestMismatch`] when it is not what the descriptor describes,
    /// [`Error::InvalidDocument`] when it is no base64, [`Error::UnsupportedAlgorithm`] when it cannot be
    /// verified.
    fn inlined(&self) -> Result<Option<Bytes>, Error>;
}

impl DescriptorExt for Descriptor {
    fn to_canonical_json(&self) -> String {
        let schema = Schema::of(DocumentKind::Descriptor);
        let after = parse::untyped(schema, self);
        let sides = Sides {
            after: Some(&after),
            ..Sides::default()
        };
        canonical::object(schema, sides).expect("what is there after is written")
    }

    fn inlined(&self) -> Result<Option<Bytes>, Error> {
        let Some(encoded) = self.data() else {
            return Ok(None);
        };
        let bytes = STANDARD.decode(encoded).invalid_as(DocumentKind::Descriptor)?;
        let mut hasher = Hasher::new(self.digest().algorithm())?;
        let (got, want) = (bytes.len() as u64, self.size());
        if got != want {
            return Err(Error::SizeMismatch { got, want });
        }
        hasher.update(&bytes);
        let (got, want) = (hasher.finish(), self.digest().clone());
        if got != want {
            return Err(Error::DigestMismatch {
                got,
                want,
                read: self.size(),
            });
        }
        Ok(Some(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use oci_spec::image::MediaType;
    use proptest::prelude::*;

    use super::*;
    use crate::PlatformSpec;

    #[test]
    fn maps_are_sorted_and_markup_is_escaped() {
        let digest = crate::sha256("x");
        let mut descriptor = Descriptor::new(MediaType::from("a+b"), 1, digest.clone());
        descriptor
            .set_annotations(Some(
                [("z", "<"), ("a", "&"), ("m", "")]
                    .map(|(k, v)| (k.into(), v.into()))
                    .into(),
            ))
            .set_urls(Some(vec!["https://example.com/?a=1&b=2".to_owned()]))
            .set_data(Some("eA==".to_owned()))
            .set_artifact_type(Some(MediaType::from("t")));
        assert_eq!(
            descriptor.to_canonical_json(),
            format!(
                concat!(
                    r#"{{"mediaType":"a+b","size":1,"digest":"{}","data":"eA==","#,
                    r#""urls":["https://example.com/?a=1\u0026b=2"],"#,
                    r#""annotations":{{"a":"\u0026","m":"","z":"\u003c"}},"artifactType":"t"}}"#,
                ),
                digest
            )
        );
    }

    /// What is inlined; for an error its text.
    #[track_caller]
    fn inlines(encoded: Option<&str>, size: u64, content: &str, want: Result<Option<&str>, &str>) {
        let mut descriptor = Descriptor::new(MediaType::ImageConfig, size, crate::sha256(content));
        descriptor.set_data(encoded.map(str::to_owned));
        match (descriptor.inlined(), want) {
            (Ok(got), Ok(want)) => assert_eq!(got.as_deref(), want.map(str::as_bytes)),
            (Err(got), Err(want)) => assert!(got.to_string().starts_with(want), "{got}"),
            (got, want) => panic!("{got:?} and not {want:?}"),
        }
    }

    #[test]
    fn only_what_was_promised_counts() {
        inlines(Some("YWJj"), 3, "abc", Ok(Some("abc")));
        inlines(Some(""), 0, "", Ok(Some("")));
        inlines(None, 3, "abc", Ok(None));
        inlines(Some("YWJj"), 0, "abc", Err("error verifying size; got 3, want 0"));
        inlines(Some("YWJj"), 3, "other", Err("error verifying sha256 checksum"));
        inlines(Some("!"), 3, "abc", Err("parsing descriptor"));
        let odd = oci_spec::image::Digest::try_from("md5:abc").expect("fits the grammar");
        let mut descriptor = Descriptor::new(MediaType::ImageConfig, 3, odd);
        descriptor.set_data(Some("YWJj".to_owned()));
        assert!(matches!(
            descriptor.inlined(),
            Err(Error::UnsupportedAlgorithm { .. })
        ));
    }

    #[test]
    fn what_is_wrong_is_placed() {
        let error = parse_descriptor(br#"{"size":1}"#).expect_err("no digest");
        assert_eq!(error.to_string(), "parsing descriptor");
        assert_eq!(
            error.source().expect("has a cause").to_string(),
            "digest is missing"
        );
        assert!(parse_descriptor(b"").is_err());
        assert!(parse_descriptor(b"{} {}").is_err());
    }

    proptest! {
        #[test]
        fn parsing_undoes_writing(
            media_type: String,
            size in 0..=i64::MAX as u64,
            annotations in prop::collection::hash_map(".{0,4}", ".{0,4}", 1..4),
            os in "[a-z]{1,5}",
            version in ".{1,4}",
            features in prop::collection::vec(".{0,3}", 1..3),
        ) {
            let platform = PlatformSpec::new(os, "arm").with_os_version(version).with_os_features(features);
            let mut descriptor = Descriptor::new(media_type.as_str().into(), size, crate::sha256(&media_type));
            descriptor.set_annotations(Some(annotations)).set_platform(Some(platform.to_platform()));
            let parsed = parse_descriptor(descriptor.to_canonical_json().as_bytes()).expect("our own");
            prop_assert_eq!(parsed, descriptor);
        }
    }
}
