//! Where connections lead, by the addresses that names resolve to.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Full;
use tower::ServiceExt as _;
use tower::util::service_fn;
use wharf_authn::{Basic, StaticKeychain};
use wharf_name::{Registry, Repository};
use wharf_transport::auth::AuthFailure;
use wharf_transport::origin::{Origin, Site};
use wharf_transport::retry::RetryOptions;
use wharf_transport::settings::{ClientOptions, PlainHttp, RegistrySettings};
use wharf_transport::{Body, ChosenBy, Environment, Error, HttpClient, RegistryContext, Resolve, Transport};

use crate::server::Server;

/// A resolver that knows these names.
#[derive(Debug)]
struct Names(HashMap<String, Vec<IpAddr>>);

impl Names {
    fn new(names: &[(&str, &[&str])]) -> Arc<Self> {
        let address = |text: &&str| text.parse().expect("an address");
        let names = names
            .iter()
            .map(|(name, addresses)| ((*name).to_owned(), addresses.iter().map(address).collect()));
        Arc::new(Self(names.collect()))
    }
}

impl Resolve for Names {
    fn resolve(&self, host: &str) -> BoxFuture<'static, Result<Vec<IpAddr>, io::Error>> {
        let found = self.0.get(host).cloned();
        async move { found.ok_or_else(|| io::ErrorKind::NotFound.into()) }.boxed()
    }
}

fn transport(names: &[(&str, &[&str])], settings: RegistrySettings) -> Transport {
    Transport::builder()
        .environment(Environment::default())
        .resolver(Names::new(names))
        .retry(RetryOptions::never())
        .default_settings(settings.with_plain_http(PlainHttp::Only))
        .build()
        .expect("settings are valid")
}

async fn get(transport: &Transport, registry: &str, url: &str) -> Result<(), Error> {
    let registry: Registry = registry.parse().expect("a registry");
    let request = Request::get(url)
        .extension(RegistryContext::new(registry))
        .body(Body::empty())
        .expect("parts are valid");
    transport.send(request).await.map(drop)
}

fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().expect("a URL")).expect("an origin")
}

#[track_caller]
fn check_inside(result: &Result<(), Error>) {
    match result {
        Err(Error::UnsafeUrl(error)) if error.site == Site::Address => {}
        other => panic!("{other:?}"),
    }
}

/// A server that redirects `/to/URL` there.
async fn redirecting() -> Server {
    Server::start(|seen| {
        let response = Response::builder();
        let response = match seen.uri.path().strip_prefix("/to/") {
            Some(url) => response.status(307).header("location", format!("http://{url}")),
            None => response,
        };
        response.body(Full::default()).expect("parts are valid")
    })
    .await
}

#[tokio::test]
async fn a_name_may_not_lead_inside() {
    let server = redirecting().await;
    let port = server.addr.port();
    // The registry was never connected, so it is judged by its name: it is on the internet.
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
    ] {
        let transport = transport(&[("inside.example", &[address])], RegistrySettings::default());
        let url = format!("http://inside.example:{port}/");
        check_inside(&get(&transport, "registry.example", &url).await);
        // A realm, which has no registry with it.
        let request = Request::get(&url)
            .extension(ChosenBy(origin("https://registry.example")))
            .body(Body::empty())
            .expect("parts are valid");
        check_inside(&transport.send(request).await.map(drop));
    }
    // What the user asks for is his own.
    let transport = transport(&[("inside.example", &["127.0.0.1"])], RegistrySettings::default());
    let home = format!("inside.example:{port}");
    get(&transport, &home, &format!("http://{home}/"))
        .await
        .expect("the user's own choice");
    assert_eq!(server.seen().len(), 1);
}

/// Token servers whose names lead inside, and what a server there says looks like a token: it is not asked, and the
/// registry never gets to see it.
#[tokio::test]
async fn a_token_from_inside_is_never_shown() {
    let inside = Server::start(|_| Response::new(Full::from(r#"{"token":"from-inside"}"#))).await;
    let port = inside.addr.port();
    let names: &[(&str, &[&str])] = &[
        ("loopback.example", &["127.0.0.1"]),
        ("mapped.example", &["::ffff:127.0.0.1"]),
        ("any.example", &["0.0.0.0"]),
        ("any6.example", &["::"]),
        ("metadata.example", &["169.254.169.254"]),
    ];
    for (name, _) in names {
        let client = HttpClient::new(
            ClientOptions::default().with_resolver(Names::new(names)),
            RegistrySettings::default(),
            [],
        );
        let client = client.expect("settings are valid");
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (log, realm) = (Arc::clone(&shown), format!("http://{name}:{port}/token"));
        // A registry on the internet, and real connections to everybody else.
        let bottom = service_fn(move |request: Request<Body>| {
            let (client, log, realm) = (client.clone(), Arc::clone(&log), realm.clone());
            async move {
                if request.uri().host() != Some("registry.example") {
                    return client.oneshot(request).await;
                }
                let header = request.headers().get("authorization").cloned();
                log.lock().expect("not poisoned").push(header);
                let response = Response::builder().status(401).header(
                    "www-authenticate",
                    format!(r#"Bearer realm="{realm}",service="svc""#),
                );
                Ok(response.body(Body::empty()).expect("parts are valid"))
            }
        });
        let registry: Registry = "registry.example".parse().expect("a registry");
        let transport = Transport::builder()
            .keychain(Arc::new(StaticKeychain::new(
                registry,
                Basic::new("user", "password"),
            )))
            .retry(RetryOptions::never())
            .default_settings(RegistrySettings::default().with_plain_http(PlainHttp::Only))
            .bottom(bottom)
            .build()
            .expect("settings are valid");
        let repository: Repository = "registry.example/app".parse().expect("a repository");
        let request = Request::get("http://registry.example/v2/app/x")
            .extension(RegistryContext::of(&repository))
            .body(Body::empty())
            .expect("parts are valid");
        let error = transport.send(request).await.expect_err(name);
        let Error::Auth(error) = error else {
            panic!("{name}: {error:?}")
        };
        match &error.failure {
            AuthFailure::Exchange(error) => match &**error {
                Error::UnsafeUrl(error) => assert_eq!(error.site, Site::Address, "{name}"),
                other => panic!("{name}: {other:?}"),
            },
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(*shown.lock().expect("not poisoned"), [None], "{name}");
    }
    assert_eq!(inside.seen().len(), 0);
}

#[tokio::test]
async fn an_open_connection_is_no_way_round() {
    let server = redirecting().await;
    let home = format!("inside.example:{}", server.addr.port());
    let transport = transport(&[("inside.example", &["127.0.0.1"])], RegistrySettings::default());
    let url = format!("http://{home}/");
    get(&transport, &home, &url).await.expect("the user's own choice");
    check_inside(&get(&transport, "registry.example", &url).await);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn who_is_inside_leads_to_his_like() {
    let (server, storage) = (redirecting().await, redirecting().await);
    let home = format!("registry.corp.example:{}", server.addr.port());
    let names: &[(&str, &[&str])] = &[
        ("registry.corp.example", &["127.0.0.1"]),
        ("storage.corp.example", &["127.0.0.1"]),
        ("metadata.corp.example", &["169.254.169.254"]),
    ];
    let transport = transport(names, RegistrySettings::default());
    let to = |host: &str| format!("http://{home}/to/{host}:{}/blob", storage.addr.port());
    get(&transport, &home, &to("storage.corp.example"))
        .await
        .expect("of its own kind");
    assert_eq!(storage.seen().len(), 1);
    check_inside(&get(&transport, &home, &to("metadata.corp.example")).await);
}

#[tokio::test]
async fn trusted_targets_may_be_anywhere() {
    let storage = redirecting().await;
    let url = format!("http://storage.example:{}/", storage.addr.port());
    let names: &[(&str, &[&str])] = &[("storage.example", &["127.0.0.1"])];
    let settings = RegistrySettings::default().with_trusted_target(origin(&url));
    get(&transport(names, settings), "registry.example", &url)
        .await
        .expect("trusted");
    let other = RegistrySettings::default().with_trusted_target(origin("http://storage.example:1"));
    check_inside(&get(&transport(names, other), "registry.example", &url).await);
}

#[tokio::test]
async fn of_several_addresses_the_allowed_ones_are_tried() {
    let server = redirecting().await;
    let home = format!("two.example:{}", server.addr.port());
    // Nobody listens at the first; both families are tried.
    let transport = transport(
        &[("two.example", &["::1", "127.0.0.1"])],
        RegistrySettings::default(),
    );
    get(&transport, &home, &format!("http://{home}/"))
        .await
        .expect("by the other family");
}

#[tokio::test]
async fn names_without_addresses_are_errors() {
    let transport = transport(&[("none.example", &[])], RegistrySettings::default());
    for name in ["none.example", "unknown.example"] {
        let error = get(&transport, name, &format!("http://{name}/"))
            .await
            .expect_err("no address");
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    }
}
