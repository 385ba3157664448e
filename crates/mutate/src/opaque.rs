//! Edits of documents of kinds that nobody here knows.

use std::collections::BTreeMap;

use bytes::Bytes;
use oci_spec::image::Descriptor;
use wharf_v1::DescriptorExt as _;

use crate::Error;
use crate::annotations::collect;
use crate::members::Members;

/// A document with more annotations: any JSON object, such as the manifest of an artifact that is neither
/// image nor index. Those that it has stay, unless a new one has the same key.
///
/// The members come out sorted, each with the text that it had. If nothing changes, so do the bytes.
///
/// ```
/// let document = br#"{"hello":"world","annotations":{"a":"1"}}"#.as_slice();
/// let annotated = wharf_mutate::annotate_document(document, [("foo", "bar")])?;
/// assert_eq!(annotated, r#"{"annotations":{"a":"1","foo":"bar"},"hello":"world"}"#);
/// # Ok::<(), wharf_mutate::Error>(())
/// ```
///
/// Ancestor in Go: `mutate.Annotations`, which fails where there are annotations already.
///
/// # Errors
/// [`Error::Document`] when this is no JSON object, or its `annotations` are no map of texts.
pub fn annotate_document<K, V>(
    document: impl Into<Bytes>,
    annotations: impl IntoIterator<Item = (K, V)>,
) -> Result<Bytes, Error>
where
    K: Into<String>,
    V: Into<String>,
{
    let document = document.into();
    let mut members = Members::parse(&document).map_err(invalid)?;
    let before: Option<BTreeMap<String, String>> = members.get("annotations").map_err(invalid)?;
    let before = before.unwrap_or_default();
    let mut after = before.clone();
    after.extend(collect(annotations));
    if after == before {
        return Ok(document);
    }
    members.set("annotations", &after).map_err(invalid)?;
    Ok(members.to_json().map_err(invalid)?.into())
}

/// A document with this subject, or with none: any JSON object, as for [`annotate_document`].
///
/// Ancestor in Go: `mutate.Subject`.
///
/// # Errors
/// [`Error::Document`] when this is no JSON object.
pub fn set_subject_of_document(
    document: impl Into<Bytes>,
    subject: impl Into<Option<Descriptor>>,
) -> Result<Bytes, Error> {
    let document = document.into();
    let mut members = Members::parse(&document).map_err(invalid)?;
    match subject.into() {
        Some(subject) => members
            .set_json("subject", subject.to_canonical_json())
            .map_err(invalid)?,
        None if members.remove("subject") => {}
        None => return Ok(document),
    }
    Ok(members.to_json().map_err(invalid)?.into())
}

fn invalid(source: serde_json::Error) -> Error {
    Error::Document {
        source: source.into(),
    }
}

#[cfg(test)]
mod tests {
    use wharf_v1::sha256;

    use super::*;

    #[track_caller]
    fn check(document: &'static str, want: &str) {
        let annotated = annotate_document(document, [("foo", "bar")]).expect("an object");
        assert_eq!(annotated, want);
    }

    #[test]
    fn annotations() {
        check(
            r#"{"hello":"world"}"#,
            r#"{"annotations":{"foo":"bar"},"hello":"world"}"#,
        );
        check(
            r#"{ "hello": [1.0, "<"], "annotations": {"a":"1","foo":"old"} }"#,
            r#"{"annotations":{"a":"1","foo":"bar"},"hello":[1.0, "<"]}"#,
        );
        check(r#"{"annotations":null}"#, r#"{"annotations":{"foo":"bar"}}"#);
        check("{}", r#"{"annotations":{"foo":"bar"}}"#);
        let same = r#"{ "annotations": {"foo":"bar"}, "x": 1 }"#;
        check(same, same);
    }

    #[test]
    fn what_is_no_document() {
        for bad in [
            "",
            "[]",
            "1",
            r#"{"annotations":[]}"#,
            r#"{"annotations":{"a":1}}"#,
            "{} {}",
        ] {
            let error = annotate_document(bad, [("foo", "bar")]).expect_err(bad);
            assert!(matches!(error, Error::Document { .. }), "{bad}: {error:?}");
        }
    }

    #[test]
    fn subjects() {
        let digest = sha256("x");
        let subject = Descriptor::new("a/b".into(), 1, digest.clone());
        let with = set_subject_of_document(r#"{"z":1,"a":2}"#, subject).expect("an object");
        let want = format!(r#"{{"a":2,"subject":{{"mediaType":"a/b","size":1,"digest":"{digest}"}},"z":1}}"#);
        assert_eq!(with, want);
        let without = set_subject_of_document(with, None).expect("an object");
        assert_eq!(without, r#"{"a":2,"z":1}"#);
        let untouched = set_subject_of_document(r#"{ "a": 2 }"#, None).expect("an object");
        assert_eq!(untouched, r#"{ "a": 2 }"#);
        assert!(set_subject_of_document("[]", None).is_err());
    }
}
