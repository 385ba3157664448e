use super::*;
use crate::ErrorCode;

fn error(method: Method, status: u16, body: &str) -> RegistryError {
    let url = "https://url.com/v2/?access_token=secret&scope=foo&service=bar"
        .parse()
        .expect("URL");
    let mut error = RegistryError::new(method, &url, StatusCode::from_u16(status).expect("status"));
    error.set_body(Bytes::copy_from_slice(body.as_bytes()), false);
    error
}

#[track_caller]
fn check_text(status: u16, body: &str, want: &str) {
    let prefix = "GET https://url.com/v2/?access_token=REDACTED&scope=foo&service=bar: ";
    assert_eq!(
        error(Method::GET, status, body).to_string(),
        format!("{prefix}{want}")
    );
}

#[test]
fn texts() {
    check_text(400, "", "unexpected status code 400 Bad Request");
    check_text(
        401,
        r#"{"details":"incorrect username or password"}"#,
        r#"unexpected status code 401 Unauthorized: {"details":"incorrect username or password"}"#,
    );
    check_text(522, "", "unexpected status code 522 ");
    check_text(
        400,
        r#"{"StatusCode":400}"#,
        r#"unexpected status code 400 Bad Request: {"StatusCode":400}"#,
    );
    check_text(
        400,
        r#"{"errors":[{"code":"NAME_INVALID","message":"a message for you"}],"StatusCode":400}"#,
        "NAME_INVALID: a message for you",
    );
    check_text(
        400,
        r#"{"errors":[{"code":"NAME_INVALID","message":"a message for you"},
            {"code":"SIZE_INVALID","message":"another message for you","detail":"with some details"}]}"#,
        "multiple errors returned: NAME_INVALID: a message for you; SIZE_INVALID: another message for you; with some details",
    );
    check_text(
        403,
        r#"{"errors":[{"code":"DENIED","message":"no","detail":{"a":1}}]}"#,
        r#"DENIED: no; {"a":1}"#,
    );
    check_text(
        403,
        r#"{"errors":[{"code":"DENIED","message":"no","detail":null}]}"#,
        "DENIED: no",
    );
    check_text(
        500,
        "a\u{1b}[31m\nb",
        r"unexpected status code 500 Internal Server Error: a\u{1b}[31m b",
    );
}

#[test]
fn head_says_where_details_are() {
    let text = error(Method::HEAD, 404, "").to_string();
    assert!(
        text.ends_with("404 Not Found (HEAD responses have no body, use GET for details)"),
        "{text}"
    );
}

#[test]
fn a_bad_entry_does_not_hide_the_others() {
    let error = error(
        Method::GET,
        404,
        r#"{"errors":[{"code":123},7,{"code":"X_NEW","message":"m","extra":true}]}"#,
    );
    let codes: Vec<&str> = error.errors.iter().map(|error| error.code.as_str()).collect();
    assert_eq!(codes, ["", "X_NEW"]);
    assert_eq!(error.errors[1].code, ErrorCode::Other("X_NEW".to_owned()));
}

#[track_caller]
fn check_temporary(status: u16, codes: &[&str], want: bool) {
    let entries: Vec<String> = codes
        .iter()
        .map(|code| format!(r#"{{"code":"{code}"}}"#))
        .collect();
    let body = format!(r#"{{"errors":[{}]}}"#, entries.join(","));
    assert_eq!(
        error(Method::GET, status, &body).is_temporary(),
        want,
        "{status} {codes:?}"
    );
}

#[test]
fn temporary_is_decided_from_status_and_codes() {
    check_temporary(400, &[], false);
    check_temporary(400, &["BLOB_UPLOAD_INVALID"], true);
    check_temporary(400, &["BLOB_UPLOAD_INVALID", "DENIED"], false);
    check_temporary(429, &["TOOMANYREQUESTS"], true);
    check_temporary(400, &["UNAVAILABLE"], true);
    check_temporary(500, &[], true);
    check_temporary(429, &[], true);
    check_temporary(503, &["DENIED"], false);
    check_temporary(400, &["UNKNOWN"], true);
    check_temporary(404, &["MANIFEST_UNKNOWN"], false);
    check_temporary(502, &["MANIFEST_UNKNOWN"], true);
}

#[test]
fn questions() {
    assert!(error(Method::GET, 404, "").is_not_found());
    assert!(error(Method::GET, 400, r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#).is_not_found());
    assert!(error(Method::GET, 401, "").is_unauthorized());
    assert!(error(Method::GET, 403, "").is_denied());
    assert!(!error(Method::GET, 403, "").is_unauthorized());
    assert!(error(Method::GET, 429, "").is_rate_limited());
    assert!(error(Method::GET, 400, r#"{"errors":[{"code":"TOOMANYREQUESTS"}]}"#).is_rate_limited());
}
