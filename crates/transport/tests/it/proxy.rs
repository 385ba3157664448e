//! Proxies, played by scripts in this process.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wharf_name::Registry;
use wharf_transport::proxy::{NoProxy, Proxies, Proxy, ProxyFailure};
use wharf_transport::retry::RetryOptions;
use wharf_transport::settings::{PlainHttp, ProxyChoice, RegistrySettings};
use wharf_transport::{Body, Environment, Error, RegistryContext, Transport, TransportBuilder};

use crate::server::Server;

/// How the proxy answers whoever asks it for a way.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// Connects everything to this address.
    To(SocketAddr),
    /// By these bytes, and closes.
    Says(&'static [u8]),
}

/// A proxy; it stops when dropped.
pub(crate) struct TestProxy {
    pub(crate) addr: SocketAddr,
    /// What was asked for: heads of HTTP, or the bytes of SOCKS.
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
    task: JoinHandle<()>,
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TestProxy {
    /// Speaks HTTP: `CONNECT` opens a way, all else is answered by `200` and an empty body.
    pub(crate) async fn http(way: Way) -> Self {
        Self::start(move |stream, asked| http(stream, way, asked)).await
    }

    /// Speaks SOCKS 5, and wants `user` and `pass` if `password`.
    pub(crate) async fn socks(way: Way, password: bool) -> Self {
        Self::start(move |stream, asked| async move {
            // The client may hang up whenever it likes.
            let _ = socks(stream, way, password, asked).await;
        })
        .await
    }

    async fn start<F>(serve: impl Fn(TcpStream, Arc<Mutex<Vec<Vec<u8>>>>) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log)));
            }
        });
        Self { addr, asked, task }
    }

    pub(crate) fn asked(&self) -> Vec<Vec<u8>> {
        self.asked.lock().expect("not poisoned").clone()
    }

    pub(crate) fn asked_text(&self) -> Vec<String> {
        let asked = self.asked();
        asked
            .iter()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .collect()
    }

    pub(crate) fn proxy(&self, scheme: &str, user: &str) -> Proxy {
        format!("{scheme}://{user}{}", self.addr)
            .parse()
            .expect("a proxy")
    }
}

async fn http(mut stream: TcpStream, way: Way, asked: Arc<Mutex<Vec<Vec<u8>>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let is_connect = head.starts_with(b"CONNECT ");
    asked.lock().expect("not poisoned").push(head);
    match way {
        Way::To(addr) if is_connect => {
            let mut target = TcpStream::connect(addr).await.expect("the target listens");
            let _ = stream
                .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                .await;
            let _ = copy_bidirectional(&mut stream, &mut target).await;
        }
        Way::To(_) => {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
        }
        Way::Says(bytes) => {
            let _ = stream.write_all(bytes).await;
        }
    }
}

async fn socks(
    mut stream: TcpStream,
    way: Way,
    password: bool,
    asked: Arc<Mutex<Vec<Vec<u8>>>>,
) -> std::io::Result<()> {
    let [_, count] = [stream.read_u8().await?, stream.read_u8().await?];
    let mut methods = vec![0; usize::from(count)];
    stream.read_exact(&mut methods).await?;
    let method = if password { 2 } else { 0 };
    if !methods.contains(&method) {
        return stream.write_all(&[5, 0xff]).await;
    }
    stream.write_all(&[5, method]).await?;
    if password {
        let mut message = [0; 11];
        stream.read_exact(&mut message).await?;
        let right = &message == b"\x01\x04user\x04pass";
        stream.write_all(&[1, u8::from(!right)]).await?;
    }
    let mut request = vec![0; 5];
    stream.read_exact(&mut request).await?;
    let rest = match request[3] {
        1 => 3 + 2,
        3 => usize::from(request[4]) + 2,
        _ => 15 + 2,
    };
    let mut more = vec![0; rest];
    stream.read_exact(&mut more).await?;
    request.extend(more);
    asked.lock().expect("not poisoned").push(request);
    match way {
        Way::To(addr) => {
            let mut target = TcpStream::connect(addr).await?;
            stream
                .write_all(&[5, 0, 0, 3, 4, b'h', b'o', b's', b't', 0, 80])
                .await?;
            copy_bidirectional(&mut stream, &mut target).await?;
            Ok(())
        }
        Way::Says(bytes) => stream.write_all(bytes).await,
    }
}

/// A registry that exists for the proxy only.
const REGISTRY: &str = "registry.example:5000";

fn builder(registry: &Registry, proxies: Proxies) -> TransportBuilder {
    let settings = RegistrySettings::default().with_plain_http(PlainHttp::Only);
    Transport::builder()
        .environment(Environment::default())
        .proxies(proxies)
        .retry(RetryOptions::never())
        .registry_settings(registry, settings)
}

async fn get(builder: TransportBuilder, registry: &str) -> Result<Bytes, Error> {
    let registry: Registry = registry.parse().expect("a registry");
    let transport = builder.build()?;
    let request = Request::get(transport.url(&registry, "/v2/a?x=1")?)
        .extension(RegistryContext::new(registry))
        .body(Body::empty())
        .expect("parts are valid");
    transport.send(request).await?.into_body().collect(1024).await
}

fn registry() -> Registry {
    REGISTRY.parse().expect("a registry")
}

async fn target() -> Server {
    Server::start(|seen| {
        assert!(
            !seen.headers.contains_key("proxy-authorization"),
            "it is for the proxy"
        );
        Response::new(Full::from("through"))
    })
    .await
}

#[tokio::test]
async fn plain_http_is_asked_for_by_whole_urls() {
    let proxy = TestProxy::http(Way::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nthrough")).await;
    let proxies = Proxies::direct().with_http(proxy.proxy("http", "user:p%40ss@"));
    let body = get(builder(&registry(), proxies), REGISTRY)
        .await
        .expect("an answer");
    assert_eq!(body, "through");
    let asked = proxy.asked_text().remove(0);
    assert!(
        asked.starts_with("GET http://registry.example:5000/v2/a?x=1 HTTP/1.1\r\n"),
        "{asked}"
    );
    // user:p@ss
    assert!(
        asked.contains("\r\nproxy-authorization: Basic dXNlcjpwQHNz\r\n"),
        "{asked}"
    );
    assert!(asked.contains("\r\nhost: registry.example:5000\r\n"), "{asked}");
}

#[tokio::test]
async fn socks_connects_by_name() {
    let (target, no_password) = (target().await, "");
    for (user, password) in [("user:pass@", true), ("user:pass@", false), (no_password, false)] {
        let proxy = TestProxy::socks(Way::To(target.addr), password).await;
        let proxies = Proxies::direct().with_http(proxy.proxy("socks5h", user));
        let body = get(builder(&registry(), proxies), REGISTRY)
            .await
            .expect("an answer");
        assert_eq!(body, "through");
        let mut want = vec![5, 1, 0, 3, 16];
        want.extend(b"registry.example");
        want.extend(5000_u16.to_be_bytes());
        assert_eq!(proxy.asked(), [want]);
    }
    let seen = target.seen();
    assert_eq!((seen.len(), seen[0].uri.to_string()), (3, "/v2/a?x=1".to_owned()));
}

#[tokio::test]
async fn socks_connects_by_address() {
    let target = target().await;
    for (name, want) in [
        ("10.1.2.3:80", &[5, 1, 0, 1, 10, 1, 2, 3, 0, 80][..]),
        (
            "[fd00::1]:80",
            &[
                5, 1, 0, 4, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 80,
            ],
        ),
    ] {
        let proxy = TestProxy::socks(Way::To(target.addr), false).await;
        let registry = name.parse().expect("a registry");
        let proxies = Proxies::direct().with_http(proxy.proxy("socks5", ""));
        get(builder(&registry, proxies), name).await.expect("an answer");
        assert_eq!(proxy.asked(), [want]);
    }
}

#[tokio::test]
async fn token_servers_follow_the_same_rules() {
    // A server that is asked for whole URLs is a proxy.
    let proxy = Server::start(|seen| {
        let shown = seen.headers.get("authorization").map(|value| value.as_bytes());
        match (seen.uri.host(), shown) {
            (Some("token.example"), _) => Response::new(Full::from(r#"{"token":"asdf"}"#)),
            (_, Some(b"Bearer asdf")) => Response::new(Full::from("through")),
            _ => Response::builder()
                .status(401)
                .header("www-authenticate", r#"Bearer realm="http://token.example/token""#)
                .body(Full::default())
                .expect("parts are valid"),
        }
    })
    .await;
    let through = format!("http://{}", proxy.addr).parse().expect("a proxy");
    let proxies = Proxies::direct().with_http(through);
    let body = get(builder(&registry(), proxies.clone()), REGISTRY).await;
    assert_eq!(body.expect("an answer"), "through");
    let hosts = || {
        let seen = proxy.seen();
        let hosts = seen.iter().map(|seen| seen.uri.host().map(ToOwned::to_owned));
        hosts.collect::<Option<Vec<_>>>().expect("whole URLs")
    };
    assert_eq!(hosts(), ["registry.example", "token.example", "registry.example"]);

    let proxies = proxies.with_no_proxy(NoProxy::parse("token.example"));
    get(builder(&registry(), proxies), REGISTRY)
        .await
        .expect_err("the name exists for the proxy only");
    assert_eq!(hosts().len(), 4, "the token server is not asked through it");
}

#[tokio::test]
async fn loopback_and_exceptions_go_directly() {
    let (target, proxy) = (target().await, TestProxy::http(Way::Says(b"")).await);
    let proxies = Proxies::direct().with_http(proxy.proxy("http", ""));
    let body = get(
        builder(&target.registry(), proxies.clone()),
        target.registry().as_str(),
    )
    .await;
    assert_eq!(body.expect("directly"), "through");
    assert!(proxy.asked().is_empty());

    let direct = RegistrySettings::default()
        .with_plain_http(PlainHttp::Only)
        .with_proxy(ProxyChoice::Direct);
    for builder in [
        builder(
            &registry(),
            proxies.clone().with_no_proxy(NoProxy::parse(".example:5000")),
        ),
        builder(&registry(), proxies).registry_settings(&registry(), direct),
    ] {
        // The name exists for the proxy only.
        let error = get(builder, REGISTRY).await.expect_err("no such name");
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    }
    assert!(proxy.asked().is_empty());
}

#[tokio::test]
async fn a_registry_can_have_a_proxy_of_its_own() {
    let (target, socks) = (target().await, TestProxy::http(Way::Says(b"")).await);
    let own = TestProxy::socks(Way::To(target.addr), false).await;
    let through = RegistrySettings::default()
        .with_plain_http(PlainHttp::Only)
        .with_proxy(ProxyChoice::Through(own.proxy("socks5", "")));
    let proxies = Proxies::direct().with_http(socks.proxy("http", ""));
    // Even one on loopback, which the rules leave out.
    for name in [REGISTRY.to_owned(), target.registry().to_string()] {
        let registry = name.parse().expect("a registry");
        let builder = builder(&registry, proxies.clone()).registry_settings(&registry, through.clone());
        assert_eq!(get(builder, &name).await.expect("an answer"), "through");
    }
    assert_eq!((own.asked().len(), socks.asked().len()), (2, 0));
}

/// Asks by a proxy that refuses, for an `https` registry where the build can.
async fn refused(proxy: TestProxy, scheme: &str, user: &str, secure: bool) -> Error {
    let proxies = Proxies::direct()
        .with_http(proxy.proxy(scheme, user))
        .with_https(proxy.proxy(scheme, user));
    let mut builder = builder(&registry(), proxies);
    if secure {
        let settings = RegistrySettings::default().with_plain_http(PlainHttp::Never);
        builder = builder.registry_settings(&registry(), settings);
    }
    let error = get(builder, REGISTRY).await.expect_err("refused");
    assert!(!format!("{error:?} {error}").contains("hunter2"), "{error:?}");
    error
}

#[track_caller]
fn check_failure(error: &Error, want: &str, temporary: bool) {
    let Error::Proxy { source, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(source.to_string(), want);
    assert_eq!(error.is_temporary(), temporary, "{error:?}");
}

#[tokio::test]
async fn refusals_of_socks_are_told() {
    const CREDENTIALS: &str = "the proxy does not accept the credentials, or wants some";
    let refuse = |reply| TestProxy::socks(Way::Says(reply), false);
    for (reply, want, temporary) in [
        (
            &[5, 2, 0, 1][..],
            "the proxy does not allow the connection",
            false,
        ),
        (&[5, 4, 0, 1], "the proxy has no route to the host", true),
        (
            &[5, 5, 0, 1],
            "the host refused the connection of the proxy",
            true,
        ),
        (&[5, 8, 0, 1], "the proxy failed (reply 8)", false),
        (&[5, 0, 0, 9], "the proxy does not speak its protocol", false),
        (&[4, 0, 0, 1], "the proxy does not speak its protocol", false),
        (&[5], "the connection with the proxy broke", true),
    ] {
        let error = refused(refuse(reply).await, "socks5", "", false).await;
        check_failure(&error, want, temporary);
    }
    let wants_password = || TestProxy::socks(Way::Says(b""), true);
    let error = refused(wants_password().await, "socks5", "", false).await;
    check_failure(&error, CREDENTIALS, false);
    let error = refused(wants_password().await, "socks5", "user:word@", false).await;
    check_failure(&error, CREDENTIALS, false);
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_for_plain_http_is_no_answer_of_the_registry() {
    let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    let error = refused(
        TestProxy::http(Way::Says(answer)).await,
        "http",
        "user:hunter2@",
        false,
    )
    .await;
    assert!(
        matches!(
            error,
            Error::Proxy {
                source: ProxyFailure::Unauthorized,
                ..
            }
        ),
        "{error:?}"
    );
    assert!(error.status().is_none());
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let proxy = TestProxy::http(Way::Says(b"")).await;
    let addr = proxy.addr;
    let proxies = Proxies::direct().with_http(proxy.proxy("http", "user:hunter2@"));
    drop(proxy);
    tokio::task::yield_now().await;
    let error = get(builder(&registry(), proxies), REGISTRY)
        .await
        .expect_err("nobody listens");
    assert_eq!(
        error.to_string(),
        format!("connecting to http://registry.example:5000 through http://{addr}")
    );
    check_failure(&error, "cannot reach the proxy", true);
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[tokio::test]
async fn refusals_of_connect_are_told() {
    for (answer, want, temporary) in [
        (
            &b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n"[..],
            "the proxy does not accept the credentials, or wants some",
            false,
        ),
        (
            b"HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nnope",
            "the proxy answered 403 Forbidden",
            false,
        ),
        (
            b"HTTP/1.1 503 Service Unavailable\r\n\r\nlater",
            "the proxy answered 503 Service Unavailable",
            true,
        ),
        (
            b"HTTP/1.1 302 Found\r\nlocation: https://evil.example/\r\n\r\n",
            "the proxy answered 302 Found",
            false,
        ),
        (
            b"SSH-2.0-OpenSSH\r\n",
            "the proxy does not speak its protocol",
            false,
        ),
        (
            b"HTTP/1.1 200 OK\r\n\r\nearly",
            "the proxy does not speak its protocol",
            false,
        ),
        (b"", "the connection with the proxy broke", true),
    ] {
        let proxy = TestProxy::http(Way::Says(answer)).await;
        let error = refused(proxy, "http", "user:hunter2@", true).await;
        check_failure(&error, want, temporary);
    }
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
#[tokio::test]
async fn a_registry_that_may_do_without_tls_is_asked_so_when_connect_is_refused() {
    let proxy = TestProxy::http(Way::Says(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")).await;
    let plain = TestProxy::http(Way::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nthrough")).await;
    let proxies = Proxies::direct()
        .with_https(proxy.proxy("http", ""))
        .with_http(plain.proxy("http", ""));
    let allowed = RegistrySettings::default().with_plain_http(PlainHttp::Allowed);
    let builder = builder(&registry(), proxies).registry_settings(&registry(), allowed);
    let body = get(builder, REGISTRY).await.expect("an answer");
    assert_eq!(body, "through");
    assert!(proxy.asked_text()[0].starts_with("CONNECT registry.example:5000 "));
    assert!(plain.asked_text()[0].starts_with("GET http://registry.example:5000/v2/a"));
}
