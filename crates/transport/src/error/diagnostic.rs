//! The errors in the body of a registry's answer.

use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// More diagnostics than this in one answer are not kept.
const MAX_DIAGNOSTICS: usize = 64;

/// One error in the body of a registry's answer
/// ([distribution-spec, Error Codes](https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes)).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// What is wrong.
    pub code: ErrorCode,
    /// The same for people; may be empty.
    pub message: String,
    /// More of it: any JSON, as the registry wrote it.
    pub detail: Option<String>,
}

impl Diagnostic {
    /// The diagnostics in a body. One that is no JSON, or no error by the specification, has none; one bad entry
    /// does not hide the others.
    #[must_use]
    pub fn parse(body: &[u8]) -> Vec<Self> {
        let Ok(Envelope { errors }) = serde_json::from_slice(body) else {
            return Vec::new();
        };
        let Ok(entries) = serde_json::from_str::<Vec<&RawValue>>(errors.get()) else {
            return Vec::new();
        };
        entries
            .into_iter()
            .take(MAX_DIAGNOSTICS)
            .filter_map(Self::parse_entry)
            .collect()
    }

    fn parse_entry(entry: &RawValue) -> Option<Self> {
        let entry: Entry<'_> = serde_json::from_str(entry.get()).ok()?;
        let text = |value: Option<&RawValue>| {
            value
                .and_then(|value| serde_json::from_str::<String>(value.get()).ok())
                .unwrap_or_default()
        };
        let detail = entry.detail.map(RawValue::get).filter(|detail| *detail != "null");
        Some(Self {
            code: ErrorCode::from(text(entry.code)),
            message: text(entry.message),
            detail: detail.map(ToOwned::to_owned),
        })
    }
}

impl fmt::Display for Diagnostic {
    /// `CODE: message`, and `; detail` where there is one. Control characters are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            printable(self.code.as_str()),
            printable(&self.message)
        )?;
        match &self.detail {
            Some(detail) => match serde_json::from_str::<String>(detail) {
                Ok(text) => write!(f, "; {}", printable(&text)),
                Err(_) => write!(f, "; {}", printable(detail)),
            },
            None => Ok(()),
        }
    }
}

/// Text of a server, shortened to a line that a terminal can show.
pub(crate) fn printable(text: &str) -> String {
    const LIMIT: usize = 1024;
    let mut line = String::with_capacity(text.len().min(LIMIT));
    for c in text.trim_end().chars() {
        if line.len() >= LIMIT {
            line.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    errors: &'a RawValue,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    detail: Option<&'a RawValue>,
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $text:literal,)+) => {
        /// What a registry says is wrong. The set is open: codes that are not known here are kept.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $variant,)+
            /// Any other code, as the registry wrote it.
            Other(String),
        }

        impl ErrorCode {
            /// The code's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(code) => code,
                }
            }
        }

        impl From<String> for ErrorCode {
            fn from(code: String) -> Self {
                match code.as_str() {
                    $($text => Self::$variant,)+
                    _ => Self::Other(code),
                }
            }
        }
    };
}

codes! {
    /// `BLOB_UNKNOWN`: the registry does not have the blob.
    BlobUnknown = "BLOB_UNKNOWN",
    /// `BLOB_UPLOAD_INVALID`: the upload cannot go on.
    BlobUploadInvalid = "BLOB_UPLOAD_INVALID",
    /// `BLOB_UPLOAD_UNKNOWN`: the registry does not know the upload.
    BlobUploadUnknown = "BLOB_UPLOAD_UNKNOWN",
    /// `DENIED`: not allowed.
    Denied = "DENIED",
    /// `DIGEST_INVALID`: the content has another digest.
    DigestInvalid = "DIGEST_INVALID",
    /// `MANIFEST_BLOB_UNKNOWN`: a manifest names content that the registry does not have.
    ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN",
    /// `MANIFEST_INVALID`: the manifest is not accepted.
    ManifestInvalid = "MANIFEST_INVALID",
    /// `MANIFEST_UNKNOWN`: the registry does not have the manifest.
    ManifestUnknown = "MANIFEST_UNKNOWN",
    /// `MANIFEST_UNVERIFIED`: the manifest's signature is not accepted.
    ManifestUnverified = "MANIFEST_UNVERIFIED",
    /// `NAME_INVALID`: the repository's name is not accepted.
    NameInvalid = "NAME_INVALID",
    /// `NAME_UNKNOWN`: the registry does not have the repository.
    NameUnknown = "NAME_UNKNOWN",
    /// `SIZE_INVALID`: the content has another size.
    SizeInvalid = "SIZE_INVALID",
    /// `TAG_INVALID`: the tag is not that of the manifest.
    TagInvalid = "TAG_INVALID",
    /// `TOOMANYREQUESTS`: too many requests.
    TooManyRequests = "TOOMANYREQUESTS",
    /// `UNAUTHORIZED`: credentials are missing or wrong.
    Unauthorized = "UNAUTHORIZED",
    /// `UNAVAILABLE`: the registry cannot answer now.
    Unavailable = "UNAVAILABLE",
    /// `UNKNOWN`: the registry does not say.
    Unknown = "UNKNOWN",
    /// `UNSUPPORTED`: the registry does not do this.
    Unsupported = "UNSUPPORTED",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
