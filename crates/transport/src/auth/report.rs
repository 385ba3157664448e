//! What was shown to a registry that refused, for the message.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use crate::Scope;

/// A longer token is not looked into.
const MAX_TOKEN: usize = 16 << 10;
/// More grants of a token are not reported.
const MAX_GRANTS: usize = 64;

/// With what a request was sent that the registry refused.
///
/// What a token grants is read from the token itself where that is a JSON web token. It has not been verified and
/// is good for messages only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shown {
    /// With no credentials: there are none, or the registry did not ask.
    Nothing,
    /// With user and password.
    Basic,
    /// With a token.
    #[non_exhaustive]
    Token {
        /// What the token was asked for.
        asked: Vec<Scope>,
        /// What it grants, if it says.
        granted: Option<Vec<Scope>>,
    },
}

impl Shown {
    /// What a token was asked for and does not grant, if it says what it grants.
    #[must_use]
    pub fn missing(&self) -> Vec<&Scope> {
        match self {
            Self::Token {
                asked,
                granted: Some(granted),
            } => asked
                .iter()
                .filter(|scope| !Scope::all_covered(granted, std::slice::from_ref(*scope)))
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// The claim `access` of a JSON web token
/// (<https://distribution.github.io/distribution/spec/auth/jwt/>).
pub(super) fn granted(token: &str) -> Option<Vec<Scope>> {
    #[derive(Deserialize)]
    struct Claims {
        access: Option<Vec<Access>>,
    }
    #[derive(Deserialize)]
    struct Access {
        #[serde(rename = "type")]
        kind: String,
        name: String,
        #[serde(default)]
        actions: Vec<String>,
    }
    if token.len() > MAX_TOKEN {
        return None;
    }
    let mut parts = token.split('.');
    let claims = parts.nth(1)?;
    parts.next()?;
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?;
    let claims: Claims = serde_json::from_slice(&claims).ok()?;
    let scope = |access: Access| Scope::new(access.kind, access.name, access.actions);
    Some(claims.access?.into_iter().take(MAX_GRANTS).map(scope).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(claims: &str, want: Option<&str>) {
        let token = format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims));
        let granted = granted(&token).map(|granted| {
            let texts: Vec<String> = granted.iter().map(ToString::to_string).collect();
            texts.join(" ")
        });
        assert_eq!(granted.as_deref(), want, "{claims}");
    }

    #[test]
    fn grants_are_read_from_tokens() {
        check(
            r#"{"access":[{"type":"repository","name":"a/b","actions":["push","pull"]}]}"#,
            Some("repository:a/b:pull,push"),
        );
        check(
            r#"{"access":[{"type":"repository","name":"a"}]}"#,
            Some("repository:a:"),
        );
        check(r#"{"access":[]}"#, Some(""));
        check(r#"{"access":null}"#, None);
        check(r#"{"access":"all"}"#, None);
        check("{}", None);
        check("[", None);
        for token in ["", "opaque", "a.b", "a.%%.c", "..", &"a.".repeat(20_000)] {
            assert_eq!(granted(token), None, "{token}");
        }
    }
}
