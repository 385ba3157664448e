//! Mirrors through the whole stack: who is asked for what, under which name, and with whose credentials.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, Request, Response};
use tower::{Service as _, ServiceExt as _};
use wharf_authn::{AnonymousKeychain, Basic, MultiKeychain, StaticKeychain};
use wharf_name::{Registry, Repository};
use wharf_transport::mirror::{
    Access, Capabilities, Endpoint, MirrorError, Mirrors, Role, Rule, ServedBy, UpstreamFor,
};
use wharf_transport::origin::Origin;
use wharf_transport::settings::{PlainHttp, RegistrySettings, TlsSettings};
use wharf_transport::{
    Accepted, Actions, Body, BoxError, Error, NeverRetry, RegistryContext, Scope, Transport, TransportBuilder,
};

use crate::fake::{Net, challenge, redirect, respond};

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn rule(prefix: &str) -> Rule {
    Rule::new(prefix.parse().expect("a prefix"))
}

fn endpoint(location: &str) -> Endpoint {
    location.parse().expect("a location")
}

fn registry(name: &str) -> Registry {
    name.parse().expect("a registry")
}

/// Two mirrors and the registry.
fn two_mirrors() -> Mirrors {
    let rule = rule("registry.example")
        .with_mirror(endpoint("one.example"))
        .with_mirror(endpoint("two.example"));
    Mirrors::new().with_rule(rule)
}

/// A request to something in a repository.
fn ask(method: Method, name: &str, tail: &str) -> Request<Body> {
    let repository: Repository = name.parse().expect("a repository");
    let url = format!("https://{}/v2/{}{tail}", repository.registry(), repository.path());
    Request::builder()
        .method(method)
        .uri(url)
        .extension(RegistryContext::of(&repository).with_scope(Scope::repository(&repository, Actions::Pull)))
        .body(Body::empty())
        .expect("parts are valid")
}

fn manifest() -> Request<Body> {
    ask(Method::GET, "registry.example/app", "/manifests/v1")
}

/// Hosts that begin with `down` cannot be reached.
fn builder(net: &Net) -> TransportBuilder {
    let service = net.service();
    Transport::builder().bottom(tower::service_fn(move |request: Request<Body>| {
        let mut service = service.clone();
        async move {
            let origin = Origin::of(request.uri())?;
            if origin.host().starts_with("down") {
                let source = std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into();
                return Err(BoxError::from(Error::Connect { origin, source }));
            }
            service.ready().await?.call(request).await
        }
    }))
}

fn transport(net: &Net, mirrors: Mirrors) -> Transport {
    builder(net).mirrors(mirrors).build().expect("settings are valid")
}

fn served(response: &Response<Body>) -> (String, Role, Vec<String>) {
    let served = response.extensions().get::<ServedBy>().expect("there is a rule");
    let failures = served.failures.iter().map(ToString::to_string).collect();
    (served.registry.to_string(), served.role, failures)
}

fn with_header(mut response: Response<Body>, name: &'static str, value: &'static str) -> Response<Body> {
    response
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    response
}

/// How the first mirror's answer to a request is taken.
async fn fallback(
    request: Request<Body>,
    first: impl Fn() -> Response<Body> + Send + Sync + 'static,
    want: Option<&str>,
) {
    let net = Net::new(move |asked| match asked.host() {
        "one.example" => first(),
        _ => respond(200, "{}"),
    });
    let response = transport(&net, two_mirrors())
        .send(request)
        .await
        .expect("an answer");
    let (by, role, failures) = served(&response);
    assert_eq!(role, Role::Mirror);
    match want {
        None => assert_eq!((by.as_str(), failures.len()), ("one.example", 0)),
        Some(reason) => {
            assert_eq!(by, "two.example");
            assert_eq!(failures, [format!("one.example: {reason}")]);
            assert_eq!(net.asked().len(), 2, "each is asked once");
            assert_eq!(response.into_body().collect(100).await.expect("a body"), "{}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_answer_of_a_mirror() {
    let by_digest = || {
        ask(
            Method::GET,
            "registry.example/app",
            &format!("/manifests/{DIGEST}"),
        )
    };
    let head = || ask(Method::HEAD, "registry.example/app", "/manifests/v1");
    let blob = || ask(Method::GET, "registry.example/app", &format!("/blobs/{DIGEST}"));
    for status in [400, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504] {
        let reason = http::StatusCode::from_u16(status).expect("a status").to_string();
        fallback(manifest(), move || respond(status, "{}"), Some(&reason)).await;
        fallback(head(), move || respond(status, ""), Some(&reason)).await;
        fallback(blob(), move || respond(status, "x"), Some(&reason)).await;
    }
    let html = "<!DOCTYPE html><html>";
    fallback(manifest(), move || respond(200, html), Some("not a manifest")).await;
    fallback(by_digest(), move || respond(200, html), Some("not a manifest")).await;
    fallback(manifest(), || respond(200, ""), Some("not a manifest")).await;
    fallback(manifest(), || respond(200, "[]"), Some("not a manifest")).await;
    let page = || with_header(respond(200, "{}"), "content-type", "text/html; charset=utf-8");
    fallback(manifest(), page, Some("a web page")).await;
    fallback(head(), page, Some("a web page")).await;
    fallback(blob(), page, Some("a web page")).await;
    let other = || with_header(respond(200, "{}"), "docker-content-digest", "sha256:00");
    fallback(by_digest(), other, Some("another digest")).await;

    fallback(manifest(), other, None).await;
    fallback(manifest(), || respond(200, " {\"layers\": []}"), None).await;
    fallback(blob(), move || respond(200, html), None).await;
    fallback(blob(), || respond(206, "x"), None).await;
    fallback(head(), || respond(200, ""), None).await;
    let mut unless_changed = manifest();
    let statuses: &[_] = &[http::StatusCode::OK, http::StatusCode::NOT_MODIFIED];
    unless_changed.extensions_mut().insert(Accepted(statuses));
    fallback(unless_changed, || respond(304, ""), None).await;
    let plain = || with_header(respond(200, "{}"), "content-type", "application/octet-stream");
    fallback(manifest(), plain, None).await;
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_mirror_is_asked_last_for_a_while() {
    let rule = rule("registry.example")
        .with_mirror(endpoint("down.example"))
        .with_mirror(endpoint("two.example"));
    let net = Net::new(|_| respond(200, "{}"));
    let transport = transport(&net, Mirrors::new().with_rule(rule));
    let failures = |response: Response<Body>| served(&response).2;
    let connecting = ["down.example: connecting to https://down.example: connection refused"];
    let first = transport.send(manifest()).await.expect("an answer");
    assert_eq!(failures(first), connecting);
    let second = transport.send(manifest()).await.expect("an answer");
    assert_eq!(failures(second), <[&str; 0]>::default());
    tokio::time::sleep(Duration::from_secs(31)).await;
    let third = transport.send(manifest()).await.expect("an answer");
    assert_eq!(failures(third), connecting);
}

#[tokio::test(start_paused = true)]
async fn a_mirror_that_wants_a_pause_gets_it() {
    let net = Net::new(|asked| match asked.host() {
        "one.example" => with_header(respond(429, ""), "retry-after", "20"),
        _ => respond(200, "{}"),
    });
    let transport = transport(&net, two_mirrors());
    for (sleep, want) in [(0, 1), (19, 0), (2, 1)] {
        tokio::time::sleep(Duration::from_secs(sleep)).await;
        let response = transport.send(manifest()).await.expect("an answer");
        assert_eq!(served(&response).2.len(), want);
    }
}

#[tokio::test(start_paused = true)]
async fn the_registrys_own_answer_is_the_answer() {
    for status in [400, 401, 404, 200] {
        let net = Net::new(move |asked| match asked.host() {
            "registry.example" => respond(status, "<html>"),
            _ => respond(404, ""),
        });
        let answer = transport(&net, two_mirrors()).send(manifest()).await;
        let hosts: Vec<_> = net.asked().iter().map(|asked| asked.host().to_owned()).collect();
        assert_eq!(hosts, ["one.example", "two.example", "registry.example"]);
        match answer {
            Ok(response) => {
                let failures = ["one.example: 404 Not Found", "two.example: 404 Not Found"];
                let failures = failures.map(ToOwned::to_owned).to_vec();
                assert_eq!(
                    served(&response),
                    ("registry.example".to_owned(), Role::Upstream, failures)
                );
            }
            Err(error) => assert_eq!(error.status().map(|got| got.as_u16()), Some(status)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_passing_failure_of_all_is_waited_for() {
    // As in a closed network: the registry is not to be reached, and the mirror hiccups.
    let times = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let net = Net::new(
        move |_| match times.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 | 1 => respond(503, ""),
            _ => respond(200, "{}"),
        },
    );
    let mirrors = || Mirrors::new().with_rule(rule("down.example").with_mirror(endpoint("one.example")));
    let request = || ask(Method::GET, "down.example/app", "/manifests/v1");
    let response = transport(&net, mirrors())
        .send(request())
        .await
        .expect("an answer");
    let (by, _, failures) = served(&response);
    assert_eq!((by.as_str(), failures.len()), ("one.example", 2));

    let net = Net::new(|_| respond(503, ""));
    let mut once = request();
    once.extensions_mut().insert(NeverRetry);
    let error = transport(&net, mirrors())
        .send(once)
        .await
        .expect_err("nobody has it");
    assert_eq!(net.asked().len(), 1);
    assert!(error.is_temporary());
    assert_eq!(
        error.to_string(),
        "no mirror of down.example/app has it (one.example: 503 Service Unavailable)"
    );
    let source = std::error::Error::source(&error).expect("a cause");
    assert_eq!(source.to_string(), "connecting to https://down.example");
}

/// Which URL a mirror at `location` of `prefix` is asked for.
async fn rewritten(prefix: &str, location: Endpoint, name: &str, want: &str) {
    let net = Net::new(|_| respond(200, "{}"));
    let mirrors = Mirrors::new().with_rule(rule(prefix).with_mirror(location));
    let request = ask(Method::GET, name, "/manifests/v1?x=y");
    transport(&net, mirrors).send(request).await.expect("an answer");
    assert_eq!(net.lines(), [format!("GET {want}")], "{prefix} {name}");
}

#[tokio::test]
async fn rewriting() {
    let plain = |location: &str, rest: &str| (endpoint(location), format!("https://{rest}/manifests/v1?x=y"));
    for (prefix, (location, want), name) in [
        (
            "a.example",
            plain("m.example", "m.example/v2/x/y"),
            "a.example/x/y",
        ),
        (
            "a.example",
            plain("m.example/p", "m.example/v2/p/x"),
            "a.example/x",
        ),
        (
            "a.example/x",
            plain("m.example/p", "m.example/v2/p/y"),
            "a.example/x/y",
        ),
        (
            "a.example/x",
            plain("m.example", "m.example/v2/y"),
            "a.example/x/y",
        ),
        (
            "a.example/x",
            plain("m.example/p/q", "m.example/v2/p/q"),
            "a.example/x",
        ),
        (
            "docker.io",
            plain("m.example/hub", "m.example/v2/hub/library/ubuntu"),
            "ubuntu",
        ),
        (
            "docker.io/library",
            plain("m.example/hub", "m.example/v2/hub/ubuntu"),
            "ubuntu",
        ),
        (
            "a.example",
            plain("docker.io", "index.docker.io/v2/library/x"),
            "a.example/x",
        ),
        (
            "*.a.example",
            plain("m.example", "m.example/v2/x"),
            "b.a.example/x",
        ),
        (
            "*.a.example/t",
            plain("m.example/u", "m.example/v2/u/x"),
            "b.a.example/t/x",
        ),
        (
            "a.example/x",
            plain("a.example/z", "a.example/v2/z/y"),
            "a.example/x/y",
        ),
    ] {
        rewritten(prefix, location, name, &want).await;
    }
    use wharf_transport::mirror::RootPath::{BeforeV2, InPlaceOfV2};
    for (url, root_path, want) in [
        (
            "https://m.example",
            BeforeV2,
            "https://m.example/v2/library/ubuntu",
        ),
        (
            "https://m.example/p",
            BeforeV2,
            "https://m.example/p/v2/library/ubuntu",
        ),
        (
            "https://m.example/v2/p",
            InPlaceOfV2,
            "https://m.example/v2/p/library/ubuntu",
        ),
        (
            "https://m.example/p",
            InPlaceOfV2,
            "https://m.example/p/library/ubuntu",
        ),
        (
            "http://m.example:5000",
            BeforeV2,
            "http://m.example:5000/v2/library/ubuntu",
        ),
    ] {
        let location = Endpoint::from_url(url, root_path).expect("a URL");
        let named = location.clone().with_namespace_query();
        rewritten(
            "docker.io",
            location,
            "ubuntu",
            &format!("{want}/manifests/v1?x=y"),
        )
        .await;
        rewritten(
            "docker.io",
            named,
            "ubuntu",
            &format!("{want}/manifests/v1?x=y&ns=docker.io"),
        )
        .await;
    }
}

#[tokio::test]
async fn the_longest_prefix_counts_and_of_equals_the_last() {
    for (name, want) in [
        ("a.example/x/y/z", "four.example"),
        ("a.example/x/z", "three.example"),
        ("a.example/z", "two.example"),
        ("b.example/z", "one.example"),
    ] {
        let net = Net::new(|_| respond(200, "{}"));
        let any = Rule::new(wharf_transport::mirror::Prefix::any()).with_mirror(endpoint("one.example"));
        let mirrors = Mirrors::new()
            .with_rule(rule("a.example/x/y").with_mirror(endpoint("four.example")))
            .with_rule(rule("a.example/x").with_mirror(endpoint("five.example")))
            .with_rule(rule("a.example/x").with_mirror(endpoint("three.example")))
            .with_rule(rule("a.example").with_mirror(endpoint("two.example")))
            .with_rule(any);
        let request = ask(Method::GET, name, "/manifests/v1");
        let response = transport(&net, mirrors).send(request).await.expect("an answer");
        assert_eq!(served(&response).0, want);
    }
}

#[tokio::test]
async fn whether_something_has_to_be_written_is_asked_where_it_is_written() {
    // A mirror may have what the registry lost, or never had.
    let net = Net::new(|_| respond(200, "{}"));
    let transport = transport(&net, two_mirrors());
    let repository: Repository = "registry.example/app".parse().expect("a repository");
    for tail in ["/manifests/v1".to_owned(), format!("/blobs/{DIGEST}")] {
        let mut request = ask(Method::HEAD, "registry.example/app", &tail);
        let context = RegistryContext::of(&repository);
        request
            .extensions_mut()
            .insert(context.with_scope(Scope::repository(&repository, Actions::Push)));
        let response = transport.send(request).await.expect("an answer");
        assert_eq!(
            served(&response),
            ("registry.example".to_owned(), Role::Upstream, vec![])
        );
    }
}

#[tokio::test]
async fn blocked_names_are_not_requested() {
    let blocked = rule("registry.example/secret").with_access(Access::Blocked);
    let net = Net::new(|_| respond(200, "{}"));
    let transport = transport(&net, two_mirrors().with_rule(blocked));
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let error = transport
            .send(ask(method, "registry.example/secret/app", "/manifests/v1"))
            .await
            .expect_err("it is blocked");
        assert!(matches!(&error, Error::Mirror(error) if matches!(**error, MirrorError::Blocked { .. })));
        assert!(!error.is_temporary());
        assert_eq!(
            error.to_string(),
            "registry.example/secret/app is blocked by the rule for registry.example/secret"
        );
    }
    assert_eq!(net.lines(), <[&str; 0]>::default());
    transport
        .send(manifest())
        .await
        .expect("only the prefix is blocked");
}

#[tokio::test]
async fn capabilities() {
    let none = Capabilities::none();
    let rule = rule("registry.example")
        .with_mirror(endpoint("tags.example").with_capabilities(none.with_resolve(true)))
        .with_mirror(endpoint("digests.example").with_capabilities(none.with_pull(true)))
        .with_mirror(endpoint("pushes.example").with_capabilities(none.with_push(true)));
    for (method, tail, want) in [
        (Method::GET, "/manifests/v1".to_owned(), "tags.example"),
        (Method::HEAD, "/manifests/v1".to_owned(), "tags.example"),
        (Method::GET, format!("/manifests/{DIGEST}"), "digests.example"),
        (Method::HEAD, format!("/blobs/{DIGEST}"), "digests.example"),
        (Method::GET, "/tags/list".to_owned(), "registry.example"),
        (Method::GET, format!("/referrers/{DIGEST}"), "registry.example"),
        (Method::PUT, "/manifests/v1".to_owned(), "registry.example"),
        (Method::DELETE, format!("/manifests/{DIGEST}"), "registry.example"),
        (Method::POST, "/blobs/uploads/".to_owned(), "registry.example"),
    ] {
        let net = Net::new(|_| respond(200, "{}"));
        let transport = transport(&net, Mirrors::new().with_rule(rule.clone()));
        let request = ask(method, "registry.example/app", &tail);
        let response = transport.send(request).await.expect("an answer");
        assert_eq!(served(&response).0, want, "{tail}");
        assert_eq!(net.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mirror_for_tags_stands_in_for_digests() {
    for (name, want) in [
        ("registry.example", "registry.example"),
        ("down.example", "one.example"),
    ] {
        let last = Capabilities::default().with_digests_last(true);
        let net = Net::new(|_| respond(200, "{}"));
        let mirrors =
            Mirrors::new().with_rule(rule(name).with_mirror(endpoint("one.example").with_capabilities(last)));
        let transport = transport(&net, mirrors);
        for (tail, want) in [
            ("/manifests/v1".to_owned(), "one.example"),
            (format!("/blobs/{DIGEST}"), "one.example"),
            (format!("/manifests/{DIGEST}"), want),
        ] {
            let request = ask(Method::GET, &format!("{name}/app"), &tail);
            let response = transport.send(request).await.expect("an answer");
            assert_eq!(served(&response).0, want, "{tail}");
        }
    }
}

#[tokio::test]
async fn a_rule_without_a_server_for_a_request_is_an_error() {
    let upstream = Endpoint::as_asked().with_capabilities(Capabilities::none());
    let rule = rule("registry.example")
        .with_mirror(endpoint("one.example"))
        .with_upstream(upstream, UpstreamFor::Everything);
    let net = Net::new(|_| respond(404, ""));
    let transport = transport(&net, Mirrors::new().with_rule(rule));
    let error = transport
        .send(ask(Method::PUT, "registry.example/app", "/manifests/v1"))
        .await;
    assert_eq!(
        error.expect_err("nobody takes it").to_string(),
        "no server is set up for this request to registry.example/app"
    );
    assert!(
        transport
            .send(manifest())
            .await
            .expect_err("there is none")
            .is_not_found()
    );
    assert_eq!(net.asked().len(), 1);
}

#[tokio::test]
async fn an_upstream_for_reads_gets_reads_only() {
    let rule = rule("registry.example/a").with_upstream(endpoint("inside.example/b"), UpstreamFor::Reads);
    let net = Net::new(|_| respond(200, "{}"));
    let transport = transport(&net, Mirrors::new().with_rule(rule));
    for (method, tail, want) in [
        (
            Method::GET,
            "/manifests/v1",
            "https://inside.example/v2/b/x/manifests/v1",
        ),
        (
            Method::PUT,
            "/manifests/v1",
            "https://registry.example/v2/a/x/manifests/v1",
        ),
        (
            Method::GET,
            "/tags/list",
            "https://registry.example/v2/a/x/tags/list",
        ),
    ] {
        let request = ask(method.clone(), "registry.example/a/x", tail);
        let response = transport.send(request).await.expect("an answer");
        assert_eq!(served(&response).1, Role::Upstream);
        assert_eq!(net.lines(), [format!("{method} {want}")]);
    }
}

/// The credentials of each registry are of its own name.
fn keychain() -> MultiKeychain {
    ["registry.example", "one.example", "two.example", "inside.example"]
        .into_iter()
        .fold(MultiKeychain::default(), |all, name| {
            all.with(StaticKeychain::new(registry(name), Basic::new(name, "secret")))
        })
}

fn basic(name: &str) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:secret"));
    format!("Basic {text}")
}

#[tokio::test]
async fn an_upstream_for_everything_gets_uploads_to_their_end() {
    let rule = rule("registry.example").with_upstream(endpoint("inside.example/b"), UpstreamFor::Everything);
    let net = Net::new(|asked| match asked.authorization() {
        None => challenge("Basic realm=x"),
        Some(_) => respond(200, "{}"),
    });
    let transport = builder(&net)
        .keychain(Arc::new(keychain()))
        .mirrors(Mirrors::new().with_rule(rule))
        .build()
        .expect("settings are valid");
    transport
        .send(ask(Method::POST, "registry.example/app", "/blobs/uploads/"))
        .await
        .expect("an answer");
    // Where the server says that the upload goes on.
    let mut request = ask(Method::PUT, "registry.example/app", "");
    *request.uri_mut() = "https://inside.example/upload/1?digest=x".parse().expect("a URL");
    transport.send(request).await.expect("an answer");
    let own = basic("inside.example");
    assert_eq!(
        net.lines()[1..],
        [
            format!("POST https://inside.example/v2/b/app/blobs/uploads/ {own}"),
            format!("PUT https://inside.example/upload/1?digest=x {own}"),
        ]
    );
    // One at a third place gets nothing.
    let mut request = ask(Method::PUT, "registry.example/app", "");
    *request.uri_mut() = "https://storage.example/upload/1".parse().expect("a URL");
    transport
        .send(request)
        .await
        .expect_err("it asks for credentials");
    assert_eq!(net.lines(), ["PUT https://storage.example/upload/1"]);
}

#[tokio::test]
async fn each_endpoint_gets_its_own_credentials_only() {
    let net = Net::new(|asked| match (asked.host(), asked.authorization()) {
        (_, None) => challenge("Basic realm=x"),
        ("registry.example", Some(_)) => respond(200, "{}"),
        _ => respond(404, ""),
    });
    let transport = builder(&net)
        .keychain(Arc::new(keychain()))
        .mirrors(two_mirrors())
        .build()
        .expect("settings are valid");
    let response = transport.send(manifest()).await.expect("an answer");
    assert_eq!(served(&response).0, "registry.example");
    let shown: Vec<_> = net
        .asked()
        .iter()
        .filter_map(|asked| Some((asked.host().to_owned(), asked.authorization()?.to_owned())))
        .collect();
    let want = ["one.example", "two.example", "registry.example"].map(|name| (name.to_owned(), basic(name)));
    assert_eq!(shown, want);
}

#[tokio::test]
async fn a_mirror_without_credentials_gets_none() {
    let net = Net::new(|asked| match (asked.host(), asked.authorization()) {
        (_, None) => challenge("Basic realm=x"),
        _ => respond(200, "{}"),
    });
    let own = StaticKeychain::new(
        registry("registry.example"),
        Basic::new("registry.example", "secret"),
    );
    let transport = builder(&net)
        .keychain(Arc::new(own))
        .mirrors(two_mirrors())
        .build()
        .expect("settings are valid");
    transport.send(manifest()).await.expect("an answer");
    for asked in net.asked() {
        assert!(asked.authorization().is_none() || asked.host() == "registry.example");
    }
}

#[tokio::test]
async fn a_mirrors_realm_is_judged_by_the_mirror_and_gets_its_credentials() {
    let net = Net::new(|asked| match asked.host() {
        // A mirror that wants the registry's token server to have a look at its own client, and one that is honest.
        "one.example" => challenge(r#"Bearer realm="http://169.254.169.254/token""#),
        "two.example" => match asked.authorization() {
            None => challenge(r#"Bearer realm="https://auth.two.example/token",service="two""#),
            Some(_) => respond(200, "{}"),
        },
        "auth.two.example" => respond(200, r#"{"token":"of-two"}"#),
        _ => respond(500, ""),
    });
    let rule = rule("registry.example/team")
        .with_mirror(endpoint("one.example"))
        .with_mirror(endpoint("two.example/copy"));
    let transport = builder(&net)
        .keychain(Arc::new(keychain()))
        .mirrors(Mirrors::new().with_rule(rule))
        .build()
        .expect("settings are valid");
    let request = ask(Method::GET, "registry.example/team/app", "/manifests/v1");
    let response = transport.send(request).await.expect("an answer");
    let (by, _, failures) = served(&response);
    assert_eq!(by, "two.example");
    assert!(failures[0].starts_with("one.example: "), "{failures:?}");
    let asked = net.asked();
    assert!(asked.iter().all(|asked| asked.host() != "169.254.169.254"));
    let token = asked
        .iter()
        .find(|asked| asked.host() == "auth.two.example")
        .expect("an exchange");
    assert_eq!(token.authorization(), Some(basic("two.example").as_str()));
    let scope = "scope=repository%3Acopy%2Fapp%3Apull";
    assert!(
        token.uri.query().is_some_and(|query| query.contains(scope)),
        "{}",
        token.uri
    );
    assert_eq!(
        asked.last().and_then(|asked| asked.authorization()),
        Some("Bearer of-two")
    );
}

#[tokio::test]
async fn what_the_caller_put_on_a_request_stays_at_its_registry() {
    let net = Net::new(|asked| match asked.host() {
        "registry.example" => respond(200, "{}"),
        _ => respond(404, ""),
    });
    let mut request = manifest();
    for header in ["authorization", "cookie", "proxy-authorization"] {
        request
            .headers_mut()
            .insert(header, HeaderValue::from_static("secret"));
    }
    request
        .headers_mut()
        .insert("accept", HeaderValue::from_static("*/*"));
    transport(&net, two_mirrors())
        .send(request)
        .await
        .expect("an answer");
    for asked in net.asked() {
        let secrets = asked.headers.values().filter(|value| *value == "secret").count();
        assert_eq!(secrets, if asked.host() == "registry.example" { 3 } else { 0 });
        assert_eq!(asked.headers["accept"], "*/*");
    }
}

#[tokio::test]
async fn headers_of_an_endpoint_stay_there() {
    let net = Net::new(|asked| match (asked.host(), asked.uri.path()) {
        ("one.example", "/elsewhere") => redirect(307, "https://cdn.example/x"),
        ("one.example", _) => redirect(307, "/elsewhere"),
        ("two.example" | "cdn.example", _) => respond(404, ""),
        _ => respond(200, "{}"),
    });
    let header = HeaderName::from_static("x-token");
    let one = endpoint("one.example").with_header(header.clone(), HeaderValue::from_static("secret"));
    let rule = rule("registry.example")
        .with_mirror(one)
        .with_mirror(endpoint("two.example"));
    transport(&net, Mirrors::new().with_rule(rule))
        .send(manifest())
        .await
        .expect("an answer");
    let got: Vec<_> = net
        .asked()
        .iter()
        .map(|asked| (asked.host().to_owned(), asked.headers.contains_key(&header)))
        .collect();
    let want = [
        ("one.example", true),
        ("one.example", true),
        ("cdn.example", false),
        ("two.example", false),
        ("registry.example", false),
    ];
    assert_eq!(got, want.map(|(host, has)| (host.to_owned(), has)));
}

#[tokio::test]
async fn a_mirror_by_plain_http_gets_credentials_only_if_it_may_be_plain() {
    let net = Net::new(|asked| match asked.authorization() {
        None => challenge("Basic realm=x"),
        Some(_) => respond(200, "{}"),
    });
    let one = endpoint("one.example").with_plain_http(PlainHttp::Only);
    let mirrors = Mirrors::new().with_rule(rule("registry.example").with_mirror(one));
    let transport = |strict: bool| {
        let builder = builder(&net)
            .keychain(Arc::new(keychain()))
            .mirrors(mirrors.clone());
        let never = RegistrySettings::default().with_plain_http(PlainHttp::Never);
        match strict {
            true => builder.registry_settings(&registry("one.example"), never),
            false => builder,
        }
        .build()
        .expect("settings are valid")
    };
    let response = transport(false).send(manifest()).await.expect("an answer");
    assert_eq!(served(&response).0, "one.example");
    assert!(net.lines()[1].starts_with("GET http://one.example/v2/app/manifests/v1 Basic "));
    // What the program itself says about a host goes before what a file says.
    let response = transport(true).send(manifest()).await.expect("an answer");
    assert_eq!(served(&response).0, "registry.example");
    assert!(
        net.lines()
            .iter()
            .all(|line| line.contains("https://registry.example"))
    );
}

#[test]
fn settings_of_one_host_that_differ_are_refused() {
    let net = Net::new(|_| respond(200, ""));
    let insecure = TlsSettings::default().with_insecure_skip_verify();
    let build = |one: Endpoint, two: Endpoint| {
        let mirrors = Mirrors::new()
            .with_rule(rule("a.example").with_mirror(one))
            .with_rule(rule("b.example").with_mirror(two));
        builder(&net).mirrors(mirrors).build()
    };
    let one = || endpoint("m.example/a").with_tls(insecure.clone());
    build(one(), endpoint("m.example/b")).expect("the other says nothing");
    build(one(), endpoint("m.example/b").with_tls(insecure.clone())).expect("they are the same");
    build(one(), endpoint("n.example/b").with_tls(TlsSettings::default())).expect("they are two hosts");
    let error = build(one(), endpoint("m.example/b").with_tls(TlsSettings::default()))
        .expect_err("which one is meant is not known");
    let source = std::error::Error::source(&error).expect("a cause");
    assert_eq!(
        source.to_string(),
        "endpoints at m.example have TLS settings that differ"
    );
}

#[tokio::test]
async fn requests_without_a_rule_are_left_alone() {
    let net = Net::new(|_| respond(200, "<html>"));
    let transport = builder(&net)
        .keychain(Arc::new(AnonymousKeychain))
        .mirrors(two_mirrors())
        .build()
        .expect("settings are valid");
    let response = transport
        .send(ask(Method::GET, "other.example/app", "/manifests/v1"))
        .await;
    let response = response.expect("an answer");
    assert!(response.extensions().get::<ServedBy>().is_none());
    let bare = Request::get("https://registry.example/v2/app/manifests/v1").body(Body::empty());
    transport
        .send(bare.expect("parts are valid"))
        .await
        .expect("an answer");
    assert_eq!(
        net.lines(),
        [
            "GET https://other.example/v2/app/manifests/v1",
            "GET https://registry.example/v2/app/manifests/v1"
        ]
    );
}
