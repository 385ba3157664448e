//! Headers that the user wants sent to registries: `HttpHeaders` in docker's file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde::Deserialize;
use tower::util::MapRequestLayer;
use wharf::authn::ConfigEditor;
use wharf::transport::{Body, RegistryContext};

use crate::failure::Failure;

/// The most bytes that the file may have.
const LIMIT: u64 = 4 << 20;

/// What of the file is read here.
#[derive(Default, Deserialize)]
struct Fields {
    #[serde(default, rename = "HttpHeaders")]
    headers: Option<BTreeMap<String, String>>,
}

/// The headers of the file of the user who runs this. There are none where there is no file. What HTTP itself or
/// authentication decides is not among them.
pub(crate) fn load() -> Result<HeaderMap, Failure> {
    let Ok(editor) = ConfigEditor::from_env() else {
        return Ok(HeaderMap::new());
    };
    let failed = |error| {
        Failure::local(
            format!("parsing config file ({})", editor.path().display()),
            error,
        )
    };
    // As where credentials are looked for: what a directory of that name is for, nobody knows.
    if editor.path().is_dir() {
        return Ok(HeaderMap::new());
    }
    let file = match File::open(editor.path()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HeaderMap::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut text = String::new();
    if file.take(LIMIT + 1).read_to_string(&mut text).map_err(failed)? as u64 > LIMIT {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    parse(&text).map_err(|error| failed(io::Error::other(error)))
}

fn parse(text: &str) -> Result<HeaderMap, Box<dyn std::error::Error + Send + Sync>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let fields: Fields = match text {
        "" => Fields::default(),
        text => serde_json::from_str(text)?,
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields.headers.unwrap_or_default() {
        let parsed = HeaderName::try_from(&name);
        let parsed = parsed.map_err(|_| format!("{name:?} in HttpHeaders is no name of a header"))?;
        let value = HeaderValue::try_from(value);
        let mut value = value.map_err(|_| format!("{name:?} in HttpHeaders has no value of a header"))?;
        // People keep secrets there.
        value.set_sensitive(true);
        let decided = [USER_AGENT, AUTHORIZATION, HOST, CONTENT_LENGTH, TRANSFER_ENCODING];
        if !decided.contains(&parsed) {
            headers.insert(parsed, value);
        }
    }
    Ok(headers)
}

/// A layer of the HTTP stack that adds headers to each request that goes to a registry itself: not to its token server,
/// nor to where it keeps its blobs.
pub(crate) fn layer(
    headers: HeaderMap,
) -> MapRequestLayer<impl Fn(Request<Body>) -> Request<Body> + Clone + Send + Sync + use<>> {
    MapRequestLayer::new(move |mut request: Request<Body>| {
        let host = request.uri().authority().map(|authority| authority.as_str());
        let context = request.extensions().get::<RegistryContext>();
        let is_own = context.is_some_and(|context| host == Some(context.registry.as_str()));
        if is_own {
            for (name, value) in &headers {
                if !request.headers().contains_key(name) {
                    request.headers_mut().insert(name.clone(), value.clone());
                }
            }
        }
        request
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_file() {
        let names = |text| -> Result<Vec<String>, String> {
            let headers = parse(text).map_err(|error| error.to_string())?;
            Ok(headers.keys().map(ToString::to_string).collect::<Vec<_>>())
        };
        let check = |text, want: &[&str]| {
            assert_eq!(
                names(text),
                Ok(want.iter().map(|name| (*name).to_owned()).collect()),
                "{text}"
            );
        };
        check("", &[]);
        check("{}", &[]);
        check(r#"{"HttpHeaders":null}"#, &[]);
        check(
            r#"{"auths":{},"HttpHeaders":{"X-Meta":"a","User-Agent":"b","authorization":"c"}}"#,
            &["x-meta"],
        );
        let fails = |text, want: &str| {
            let error = names(text).expect_err("no headers");
            assert!(error.contains(want), "{text}: {error}");
        };
        fails(
            r#"{"HttpHeaders":{"a b":"c"}}"#,
            "\"a b\" in HttpHeaders is no name",
        );
        fails(
            r#"{"HttpHeaders":{"a":"b\n"}}"#,
            "\"a\" in HttpHeaders has no value",
        );
        fails(r#"{"HttpHeaders":[]}"#, "invalid type");
    }
}
