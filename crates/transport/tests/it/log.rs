//! No secret is ever logged, at any level.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use tokio::runtime::{Builder, Runtime};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use wharf_authn::{AnonymousKeychain, Authenticator, Basic, Credential, Error as AuthnError, StaticKeychain};
use wharf_name::Repository;
use wharf_transport::auth::{AuthOptions, StaleCredentials};
use wharf_transport::origin::Origin;
use wharf_transport::settings::{PlainHttp, RegistrySettings};
use wharf_transport::{Actions, AnswerInfo, Body, Error, RegistryContext, Transport};

use crate::fake::{Net, challenge, keychain, one_shot, pull, redirect, request, respond, send};
use crate::server::{Seen, Server};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// Catches what this thread logs at every level, until the guard is dropped.
    fn catch(&self) -> Guard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        // With one subscriber alone, tracing asks the thread that first comes by an event whether anybody listens, and
        // believes it for all threads: those of other tests say that nobody does.
        let second = tracing::Dispatch::new(tracing_subscriber::registry());
        (tracing::subscriber::set_default(subscriber), second)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
    }
}

type Guard = (tracing::subscriber::DefaultGuard, tracing::Dispatch);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Captured {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test(start_paused = true)]
async fn secrets_are_not_logged() {
    let net = Net::new(|asked| match asked.host() {
        "auth.registry.example" => respond(
            200,
            r#"{"token":"hunter-token","refresh_token":"hunter-refresh"}"#,
        ),
        "cdn.example" => {
            let mut response = respond(503, "down");
            response
                .headers_mut()
                .insert("set-cookie", "hunter-cookie".parse().expect("a header"));
            response
        }
        _ if asked.authorization().is_some() => {
            redirect(307, "https://cdn.example/blob?X-Amz-Signature=hunter-signature")
        }
        _ => challenge(r#"Bearer realm="https://auth.registry.example/token?key=hunter-key",service="svc""#),
    });
    let log = Captured::default();
    let guard = log.catch();
    let wire = log.clone();
    let wire_log = move |text: &str| {
        wire.clone().write_all(text.as_bytes()).expect("in memory");
    };
    let transport = net
        .builder(keychain(Basic::new("user", "hunter-password")))
        .wire_log(wire_log)
        .build()
        .expect("settings are valid");
    let error = send(&transport, pull("app"))
        .await
        .expect_err("the store is down");
    tracing::info!(?transport, "done");
    drop(guard);

    let log = log.text();
    for shown in [
        "registry.example/v2/app/x",
        "X-Amz-Signature=REDACTED",
        "retrying",
        "http.response.status_code=503",
        "redirected",
        "http.request.method=GET",
        "server.address=\"cdn.example\"",
        "--> GET https://registry.example/v2/app/x\n",
        "authorization: REDACTED",
        "set-cookie: REDACTED",
        "location: https://cdn.example/blob?X-Amz-Signature=REDACTED",
        "bearer realm=\"https://auth.registry.example/token?key=REDACTED\"",
        "[body redacted: token response contains credentials]",
    ] {
        assert!(log.contains(shown), "{shown}: {log}");
    }
    assert!(!log.contains("hunter"), "{log}");
    assert!(!log.contains("dXNlcjpodW50ZXItcGFzc3dvcmQ"), "{log}");
    let text = error.to_string();
    assert!(
        text.contains("X-Amz-Signature=REDACTED") && !text.contains("hunter-signature"),
        "{text}"
    );
}

/// Hands out one credential.
#[derive(Debug)]
struct Of(Credential);

impl Authenticator for Of {
    fn credential(&self) -> BoxFuture<'_, Result<Credential, AuthnError>> {
        let credential = self.0.clone();
        Box::pin(async { Ok(credential) })
    }
}

/// A registry that is its own token server, and all of whose answers have secrets. It runs elsewhere, so that what it logs
/// is not caught.
async fn registry(scheme: &'static str, wants_token: bool, runtime: &Runtime) -> (Server, RegistrySettings) {
    let answer = move |seen: &Seen| {
        let host = seen
            .headers
            .get("host")
            .map(|host| host.to_str().expect("ASCII").to_owned());
        let host = host.unwrap_or_else(|| seen.uri.authority().expect("HTTP/2 has one").to_string());
        let response = Response::builder().header("set-cookie", "session=hunter-cookie");
        if seen.uri.path() == "/token" {
            let body = r#"{"token":"hunter-token","refresh_token":"hunter-refresh","expires_in":300}"#;
            return response.body(Full::from(body)).expect("parts are valid");
        }
        if seen.headers.contains_key("authorization") {
            return response.body(Full::default()).expect("parts are valid");
        }
        let challenge = match wants_token {
            true => format!(r#"Bearer realm="{scheme}://{host}/token?key=hunter-key",service="svc""#),
            false => "Basic realm=x".to_owned(),
        };
        let response = response.status(401).header("www-authenticate", challenge);
        response.body(Full::default()).expect("parts are valid")
    };
    #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
    if scheme == "https" {
        let authority = crate::tls::Authority::new();
        let acceptor = crate::tls::acceptor(&authority, &["h2"], None);
        let accept = move |stream| {
            let accepted = acceptor.accept(stream);
            async { accepted.await.ok() }
        };
        let server = runtime.spawn(Server::start_behind(accept, answer)).await;
        let settings = RegistrySettings::default().with_tls(crate::tls::trusting(&authority));
        return (server.expect("started"), settings);
    }
    let server = runtime.spawn(Server::start(answer)).await.expect("started");
    (
        server,
        RegistrySettings::default().with_plain_http(PlainHttp::Only),
    )
}

/// What is logged at every level, by whatever is in the process, while a repository is read and written with a credential.
async fn logged(scheme: &'static str, credential: Credential, wants_token: bool) -> String {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("threads");
    let (server, settings) = registry(scheme, wants_token, &runtime).await;
    let log = Captured::default();
    let guard = log.catch();
    let registry = server.registry();
    let transport = Transport::builder()
        .keychain(Arc::new(StaticKeychain::new(registry.clone(), Of(credential))))
        .registry_settings(&registry, settings)
        .build()
        .expect("settings are valid");
    let repository: Repository = format!("{registry}/app").parse().expect("a repository");
    for (method, body) in [("GET", Body::empty()), ("PUT", Body::full("{}"))] {
        let url = transport.url(&registry, "/v2/app/manifests/x").expect("a URL");
        let request = Request::builder()
            .method(method)
            .uri(url)
            .extension(RegistryContext::of(&repository))
            .body(body)
            .expect("parts are valid");
        assert_eq!(send(&transport, request).await.expect("authenticated"), 200);
    }
    tracing::info!(?transport, "done");
    drop(guard);
    runtime.shutdown_background();
    log.text()
}

#[tokio::test]
async fn nothing_below_logs_secrets_either() {
    let credentials = [
        (Credential::basic("user", "hunter-password"), false),
        (Credential::basic("user", "hunter-password"), true),
        (Credential::identity_token("hunter-identity"), true),
        (Credential::registry_token("hunter-ready"), true),
    ];
    let schemes: &[(&str, &str)] = &[
        ("http", "hyper"),
        #[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
        ("https", "h2::"),
    ];
    for (scheme, below) in schemes {
        for (credential, wants_token) in &credentials {
            let log = logged(scheme, credential.clone(), *wants_token).await;
            assert!(log.contains(below), "or this proves little: {log}");
            for secret in ["hunter", "dXNlcjpodW50ZXItcGFzc3dvcmQ", "session="] {
                let leaks: Vec<_> = log.lines().filter(|line| line.contains(secret)).collect();
                assert!(leaks.is_empty(), "{scheme} {credential:?}: {leaks:#?}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn retries_say_why_with_all_causes() {
    let bottom = tower::service_fn(|request: Request<Body>| async move {
        let origin = Origin::of(request.uri()).expect("an origin");
        let source = io::Error::other("the cable is cut").into();
        Err::<Response<Body>, _>(Error::Connect { origin, source })
    });
    let transport = Transport::builder()
        .bottom(bottom)
        .build()
        .expect("settings are valid");
    let log = Captured::default();
    let guard = log.catch();
    send(&transport, pull("app")).await.expect_err("no connection");
    drop(guard);
    let log = log.text();
    let why = "retrying attempt=1 error=connecting to https://registry.example: the cable is cut";
    assert!(log.contains(why), "{log}");
}

#[tokio::test]
async fn reading_without_a_refused_credential_is_warned_of() {
    let net = Net::new(|asked| match (asked.host(), asked.authorization()) {
        ("auth.registry.example", Some(_)) => respond(401, ""),
        ("auth.registry.example", None) => respond(200, r#"{"token":"anonymous"}"#),
        (_, Some(_)) => respond(200, ""),
        _ => challenge(r#"Bearer realm="https://auth.registry.example/token""#),
    });
    let options = AuthOptions::default().with_stale_credentials(StaleCredentials::PullAnonymously);
    let builder = net.builder(keychain(Basic::new("user", "hunter-password")));
    let transport = builder.auth(options).build().expect("settings are valid");
    let log = Captured::default();
    let guard = log.catch();
    for _ in 0..3 {
        send(&transport, pull("app")).await.expect("anonymously");
    }
    drop(guard);
    let log = log.text();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains(" WARN ")).collect();
    let [warning] = warnings.as_slice() else {
        panic!("one is enough: {warnings:#?}")
    };
    for shown in ["reading without it", "registry=https://registry.example"] {
        assert!(warning.contains(shown), "{warning}");
    }
    assert!(!log.contains("hunter"), "{log}");
}

#[tokio::test]
async fn the_wire_log_shows_what_helps() {
    const MANIFEST: &str = r#"{"schemaVersion":2}"#;
    let net = Net::new(|asked| {
        let mut response = respond(201, asked.body.clone().expect("readable"));
        if let Some(content_type) = asked.headers.get("content-type") {
            response
                .headers_mut()
                .insert("content-type", content_type.clone());
        }
        response
    });
    let shown = async |content_type: &'static str, body: Body| {
        let log = Captured::default();
        let sink = log.clone();
        let transport = net
            .builder(AnonymousKeychain)
            .wire_log(move |text| sink.clone().write_all(text.as_bytes()).expect("in memory"))
            .build()
            .expect("settings are valid");
        let mut put = request("PUT", "app", Actions::Push, body);
        put.headers_mut()
            .insert("content-type", http::HeaderValue::from_static(content_type));
        let response = transport.send(put).await.expect("an answer");
        let body = response.into_body().collect(1 << 20).await.expect("put back");
        (log.text(), body)
    };
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let (text, body) = shown(manifest_type, Body::full(MANIFEST)).await;
    assert_eq!(text.matches(MANIFEST).count(), 2, "{text}");
    assert!(
        text.contains("<-- 201 Created https://registry.example/v2/app/x ("),
        "{text}"
    );
    assert_eq!(body, MANIFEST);
    // Blobs, large documents and credentials are not shown.
    let (text, _) = shown("application/octet-stream", Body::full(MANIFEST)).await;
    assert!(!text.contains("schemaVersion"), "{text}");
    let (text, body) = shown(manifest_type, Body::full(" ".repeat(20_000) + MANIFEST)).await;
    assert!(!text.contains("schemaVersion"), "{text}");
    assert_eq!(body.len(), 20_000 + MANIFEST.len());
    let (text, _) = shown("application/json", Body::full(r#"{"refresh_token":"hunter"}"#)).await;
    assert!(!text.contains("hunter"), "{text}");
    // What can be read once is not touched.
    let (text, body) = shown(manifest_type, one_shot(r#"{"a":1}"#, Some(7))).await;
    assert_eq!((text.matches(r#"{"a":1}"#).count(), body.len()), (1, 7), "{text}");
}

#[tokio::test]
async fn answers_tell_more_than_their_content() {
    for status in [200, 404] {
        let net = Net::new(move |_| {
            let mut response = respond(status, "");
            for (name, value) in [
                ("x-request-id", "abc-123"),
                ("ratelimit-limit", "100;w=21600"),
                ("ratelimit-remaining", "0;w=21600"),
                ("docker-ratelimit-source", "192.0.2.1"),
                ("warning", "299 - \"this tag goes away\""),
                ("warning", "garbage"),
            ] {
                response
                    .headers_mut()
                    .append(name, value.parse().expect("a header"));
            }
            response
        });
        let (request_id, quota, warnings, attempts) =
            match net.transport(AnonymousKeychain).send(pull("app")).await {
                Ok(response) => {
                    let info = response.extensions().get::<AnswerInfo>().expect("always there");
                    let info = info.clone();
                    (info.request_id, info.quota, info.warnings, info.attempts)
                }
                Err(error) => {
                    let error = error.registry_error().expect("an answer");
                    let (request_id, warnings) = (error.request_id.clone(), error.warnings.clone());
                    (request_id, error.quota.clone(), warnings, error.attempts)
                }
            };
        let quota = quota.expect("a quota");
        assert_eq!((quota.limit, quota.remaining), (Some(100), Some(0)));
        assert_eq!(quota.source.as_deref(), Some("192.0.2.1"));
        assert_eq!(request_id.as_deref(), Some("abc-123"));
        assert_eq!((warnings, attempts), (vec!["this tag goes away".to_owned()], 1));
    }
}
