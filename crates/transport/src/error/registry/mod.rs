//! A registry's answer that is not the one asked for.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use wharf_authn::Explanation;

use crate::auth::{Shown, looked_for};
use crate::{Quota, RedactedUrl};

use super::Diagnostic;
use super::diagnostic::printable;

/// A registry's answer that is not the one asked for, as data.
///
/// ```
/// # use wharf_transport::{ErrorCode, RegistryError};
/// # let url: http::Uri = "https://registry.example/v2/app/manifests/v1".parse()?;
/// let mut error = RegistryError::new(http::Method::GET, &url, http::StatusCode::NOT_FOUND);
/// error.set_body(r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"no such tag"}]}"#.into(), false);
/// assert_eq!(error.errors[0].code, ErrorCode::ManifestUnknown);
/// assert_eq!(
///     error.to_string(),
///     "GET https://registry.example/v2/app/manifests/v1: MANIFEST_UNKNOWN: no such tag",
/// );
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {}", Summary(self))]
pub struct RegistryError {
    /// The status of the answer.
    pub status: StatusCode,
    /// The method of the request.
    pub method: Method,
    /// The URL that answered: after redirects, the last one.
    pub url: RedactedUrl,
    /// What the registry says is wrong; may be empty.
    pub errors: Vec<Diagnostic>,
    /// The body of the answer, at most its first 64 KiB.
    pub body: Bytes,
    /// Whether the body was longer.
    pub truncated: bool,
    /// How often the request was sent, `1` if it was not repeated.
    pub attempts: u32,
    /// How long the registry asks to wait before the next request.
    pub retry_after: Option<Duration>,
    /// The registry's name for this request, to quote to its operators.
    pub request_id: Option<String>,
    /// How much may still be asked, if the registry says.
    pub quota: Option<Quota>,
    /// Warnings of the registry.
    pub warnings: Vec<String>,
    /// What the registry says about authorization (parameters `error` and `error_description` of its challenge).
    pub challenge_error: Option<String>,
    /// With what the request was sent, if it was refused with `401` or `403`.
    pub shown: Option<Shown>,
    /// Where credentials were looked for, if the request was refused with `401` or `403`.
    pub credentials: Option<Explanation>,
}

impl RegistryError {
    /// The error of an answer without a body.
    #[must_use]
    pub fn new(method: Method, url: &http::Uri, status: StatusCode) -> Self {
        Self {
            status,
            method,
            url: RedactedUrl::from(url),
            errors: Vec::new(),
            body: Bytes::new(),
            truncated: false,
            attempts: 1,
            retry_after: None,
            request_id: None,
            quota: None,
            warnings: Vec::new(),
            challenge_error: None,
            shown: None,
            credentials: None,
        }
    }

    /// Sets the body and the diagnostics that are in it.
    pub fn set_body(&mut self, body: Bytes, truncated: bool) {
        self.errors = Diagnostic::parse(&body);
        self.body = body;
        self.truncated = truncated;
    }
}

struct Summary<'a>(&'a RegistryError);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RegistryError {
            status,
            method,
            errors,
            body,
            truncated,
            challenge_error,
            shown,
            credentials,
            ..
        } = self.0;
        match errors.as_slice() {
            [] => {
                let reason = status.canonical_reason().unwrap_or_default();
                write!(f, "unexpected status code {} {reason}", status.as_str())?;
                if !body.is_empty() {
                    write!(f, ": {}", printable(&String::from_utf8_lossy(body)))?;
                    if *truncated {
                        f.write_str(" (truncated)")?;
                    }
                } else if *method == Method::HEAD {
                    f.write_str(" (HEAD responses have no body, use GET for details)")?;
                }
            }
            [error] => write!(f, "{error}")?,
            errors => {
                f.write_str("multiple errors returned: ")?;
                for (at, error) in errors.iter().enumerate() {
                    let separator = if at == 0 { "" } else { "; " };
                    write!(f, "{separator}{error}")?;
                }
            }
        }
        if let Some(error) = challenge_error {
            write!(f, " ({})", printable(error))?;
        }
        let missing = shown.as_ref().map(Shown::missing).unwrap_or_default();
        if !missing.is_empty() {
            let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
            write!(f, " (the token does not grant {})", printable(&missing.join(" ")))?;
        }
        // Somebody without credentials may well not be allowed, which is no news.
        let used = credentials.as_ref().and_then(Explanation::used);
        if *status == StatusCode::UNAUTHORIZED || used.is_some() {
            f.write_str(&looked_for(credentials.as_ref()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
