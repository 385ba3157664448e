//! Handshakes that fail each in its own way, and what decides how a host is spoken to by TLS.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response, Version};
use http_body_util::Full;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use wharf_name::Registry;
use wharf_transport::certs::CertsDirs;
use wharf_transport::proxy::{Proxies, Proxy};
use wharf_transport::retry::RetryOptions;
use wharf_transport::settings::{
    ClientIdentity, HttpVersions, PlainHttp, RegistrySettings, SystemRoots, TlsSettings,
};
use wharf_transport::{
    Body, Environment, Error, RegistryContext, Resolve, TlsFailure, Transport, TransportBuilder,
};

use crate::proxy::{TestProxy, Way};
use crate::server::{Handler, Seen, serve};
use crate::tls::provider;

/// The one host of these tests.
pub(crate) const HOST: &str = "registry.example";

/// Resolves every name to this machine.
#[derive(Debug)]
struct Here;

impl Resolve for Here {
    fn resolve(&self, _: &str) -> BoxFuture<'static, Result<Vec<IpAddr>, io::Error>> {
        async { Ok(vec![Ipv4Addr::LOCALHOST.into()]) }.boxed()
    }
}

pub(crate) struct Authority {
    pem: String,
    der: rustls::pki_types::CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            der: certificate.der().clone(),
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for the host, as `change` would have it.
    pub(crate) fn issue(&self, change: impl FnOnce(&mut CertificateParams)) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
        change(&mut params);
        (params.signed_by(&key, &self.issuer).expect("a certificate"), key)
    }

    fn identity(&self) -> ClientIdentity {
        let (certificate, key) = self.issue(|_| {});
        ClientIdentity::new(certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn trusted(&self) -> TlsSettings {
        TlsSettings::default()
            .with_system_roots(SystemRoots::Ignored)
            .with_extra_root(self.pem.clone())
    }
}

/// What a server does with the requests that come by HTTP/2.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Http2 {
    Answers,
    Resets,
}

pub(crate) struct TlsServer {
    addr: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsServer {
    async fn start(authority: &Authority) -> Self {
        Self::with(authority.issue(|_| {}), None, &["h2", "http/1.1"], Http2::Answers).await
    }

    /// Wants a client certificate of `clients`, offers `protocols`. Answers `/to/URL` by a redirect there.
    pub(crate) async fn with(
        (certificate, key): (rcgen::Certificate, KeyPair),
        clients: Option<&Authority>,
        protocols: &[&str],
        http2: Http2,
    ) -> Self {
        let acceptor = acceptor((certificate, key), clients, protocols);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Handler = Arc::new(|seen| {
            let response = Response::builder();
            let response = match seen.uri.path().strip_prefix("/to/") {
                Some(url) => response.status(307).header("location", format!("https://{url}")),
                None => response,
            };
            response.body(Full::default()).expect("parts are valid")
        });
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, handler, log) = (acceptor.clone(), Arc::clone(&handler), Arc::clone(&log));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    if is_h2 && http2 == Http2::Resets {
                        let mut connection = ::h2::server::handshake(stream).await.expect("HTTP/2");
                        while let Some(Ok((_, mut respond))) = connection.accept().await {
                            respond.send_reset(::h2::Reason::PROTOCOL_ERROR);
                        }
                    } else {
                        serve(stream, handler, log).await;
                    }
                });
            }
        });
        Self { addr, seen, task }
    }

    pub(crate) fn registry(&self) -> String {
        format!("{HOST}:{}", self.addr.port())
    }

    pub(crate) fn versions(&self) -> Vec<Version> {
        let seen = self.seen.lock().expect("not poisoned");
        seen.iter().map(|seen| seen.version).collect()
    }
}

fn acceptor(
    (certificate, key): (rcgen::Certificate, KeyPair),
    clients: Option<&Authority>,
    protocols: &[&str],
) -> TlsAcceptor {
    let provider = provider();
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(clients.der.clone()).expect("a root");
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("roots"))
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = builder
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate and its key");
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) fn builder(tls: TlsSettings) -> TransportBuilder {
    let settings = RegistrySettings::default()
        .with_plain_http(PlainHttp::Never)
        .with_tls(tls);
    Transport::builder()
        .environment(Environment::default())
        .resolver(Arc::new(Here))
        .retry(RetryOptions::never())
        .default_settings(settings)
}

pub(crate) async fn get(transport: &Transport, registry: &str, path: &str) -> Result<(), Error> {
    let registry: Registry = registry.parse().expect("a registry");
    let request = Request::get(transport.url(&registry, path)?)
        .extension(RegistryContext::new(registry))
        .body(Body::empty())
        .expect("parts are valid");
    transport
        .send(request)
        .await?
        .into_body()
        .collect(1024)
        .await
        .map(drop)
}

pub(crate) async fn get_once(builder: TransportBuilder, server: &TlsServer) -> Result<(), Error> {
    get(&builder.build()?, &server.registry(), "/v2/").await
}

#[track_caller]
pub(crate) fn check_failure(result: &Result<(), Error>, want: TlsFailure) {
    match result {
        Err(error @ Error::Tls { failure, .. }) => {
            assert_eq!(*failure, want, "{error:?}");
            assert!(!error.is_temporary(), "{error:?}");
            assert!(error.to_string().ends_with(&format!(": {want}")), "{error}");
        }
        other => panic!("{want:?} became {other:?}"),
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate() {
    let (trusted, other) = (Authority::new(), Authority::new());
    for (certificate, want) in [
        (other.issue(|_| {}), TlsFailure::UnknownAuthority),
        (
            trusted.issue(|params| params.not_after = date_time_ymd(2001, 1, 1)),
            TlsFailure::Expired,
        ),
        (
            trusted.issue(|params| params.not_before = date_time_ymd(4000, 1, 1)),
            TlsFailure::NotYetValid,
        ),
        (
            trusted.issue(|params| {
                let names = CertificateParams::new(vec!["other.example".to_owned()]);
                params.subject_alt_names = names.expect("a name").subject_alt_names;
            }),
            TlsFailure::WrongName,
        ),
    ] {
        let server = TlsServer::with(certificate, None, &["h2"], Http2::Answers).await;
        check_failure(&get_once(builder(trusted.trusted()), &server).await, want);
        assert!(server.versions().is_empty(), "{want:?}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_client_certificate() {
    let (authority, clients, other) = (Authority::new(), Authority::new(), Authority::new());
    for protocol in ["h2", "http/1.1"] {
        let certificate = authority.issue(|_| {});
        let server = TlsServer::with(certificate, Some(&clients), &[protocol], Http2::Answers).await;
        let result = get_once(builder(authority.trusted()), &server).await;
        check_failure(&result, TlsFailure::ClientCertificateRequired);
        let foreign = authority.trusted().with_client_identity(other.identity());
        check_failure(
            &get_once(builder(foreign), &server).await,
            TlsFailure::ClientCertificateRefused,
        );
        let known = authority.trusted().with_client_identity(clients.identity());
        get_once(builder(known), &server).await.expect("known");
    }
}

#[tokio::test]
async fn a_client_certificate_is_not_shown_where_a_redirect_leads() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let start = || TlsServer::with(authority.issue(|_| {}), Some(&clients), &["h2"], Http2::Answers);
    let (registry, storage) = (start().await, start().await);
    let tls = authority.trusted().with_client_identity(clients.identity());
    let path = format!("/to/{}/blob", storage.registry());

    let transport = builder(tls.clone()).build().expect("settings are valid");
    let result = get(&transport, &registry.registry(), &path).await;
    check_failure(&result, TlsFailure::ClientCertificateRequired);
    assert_eq!((registry.versions().len(), storage.versions().len()), (1, 0));

    // A certificate that is for that host is shown there.
    let own = RegistrySettings::default().with_tls(tls.clone());
    let name = storage.registry().parse().expect("a registry");
    let transport = builder(tls)
        .registry_settings(&name, own)
        .build()
        .expect("settings are valid");
    get(&transport, &registry.registry(), &path)
        .await
        .expect("its own");
}

#[tokio::test]
async fn certs_d_is_read_for_its_host() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let certificate = authority.issue(|_| {});
    let server = TlsServer::with(certificate, Some(&clients), &["h2"], Http2::Answers).await;
    let temp = tempfile::tempdir().expect("temp dir");
    let folder = temp.path().join(server.registry());
    std::fs::create_dir(&folder).expect("a folder");
    let identity = clients.identity();
    std::fs::write(folder.join("ca.crt"), &authority.pem).expect("a file");
    std::fs::write(folder.join("client.cert"), &identity.chain).expect("a file");
    std::fs::write(folder.join("client.key"), &identity.key).expect("a file");
    let dirs = CertsDirs::none().with_dir(temp.path());
    let none = || TlsSettings::default().with_system_roots(SystemRoots::Ignored);

    let transport = builder(none())
        .certs_dirs(dirs.clone())
        .build()
        .expect("settings are valid");
    for _ in 0..2 {
        get(&transport, &server.registry(), "/v2/")
            .await
            .expect("by the folder");
    }
    let result = get_once(builder(none()), &server).await;
    check_failure(&result, TlsFailure::UnknownAuthority);

    std::fs::write(folder.join("ca.crt"), "junk").expect("a file");
    let error = get_once(builder(none()).certs_dirs(dirs), &server)
        .await
        .expect_err("junk");
    assert!(matches!(error, Error::Settings { .. }), "{error:?}");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(
        cause.starts_with(&folder.join("ca.crt").display().to_string()),
        "{cause}"
    );
}

#[tokio::test]
async fn ssl_cert_file_and_dir_are_trusted_in_place_of_the_systems() {
    let authority = Authority::new();
    let server = TlsServer::start(&authority).await;
    let temp = tempfile::tempdir().expect("temp dir");
    let file = temp.path().join("ca.pem");
    std::fs::write(&file, &authority.pem).expect("a file");
    for (variable, value) in [
        ("SSL_CERT_FILE", file.clone()),
        ("SSL_CERT_DIR", temp.path().to_owned()),
    ] {
        let environment =
            Environment::from_lookup(|name| (name == variable).then(|| value.clone().into_os_string()));
        let builder = builder(TlsSettings::default()).environment(environment);
        get_once(builder, &server).await.expect(variable);
    }
    let missing = temp.path().join("missing.pem");
    let environment =
        Environment::from_lookup(|name| (name == "SSL_CERT_FILE").then(|| missing.clone().into_os_string()));
    let builder = builder(TlsSettings::default()).environment(environment);
    let error = get_once(builder, &server).await.expect_err("no such file");
    assert!(matches!(error, Error::Settings { .. }), "{error:?}");
    assert!(format!("{error:?}").contains("missing.pem"), "{error:?}");
}

#[tokio::test]
async fn http_1_can_be_asked_for() {
    let authority = Authority::new();
    let server = TlsServer::start(&authority).await;
    let settings = RegistrySettings::default()
        .with_tls(authority.trusted())
        .with_http_versions(HttpVersions::Http1);
    let builder = builder(authority.trusted())
        .registry_settings(&server.registry().parse().expect("a registry"), settings);
    get_once(builder, &server).await.expect("an answer");
    assert_eq!(server.versions(), [Version::HTTP_11]);
}

#[tokio::test]
async fn http_2_is_given_up_where_its_streams_break() {
    let authority = Authority::new();
    let certificate = authority.issue(|_| {});
    let server = TlsServer::with(certificate, None, &["h2", "http/1.1"], Http2::Resets).await;
    let transport = builder(authority.trusted()).build().expect("settings are valid");
    for _ in 0..3 {
        let error = get(&transport, &server.registry(), "/v2/")
            .await
            .expect_err("reset");
        assert!(matches!(error, Error::Exchange { .. }), "{error:?}");
    }
    for _ in 0..2 {
        get(&transport, &server.registry(), "/v2/")
            .await
            .expect("by HTTP/1.1");
    }
    assert_eq!(server.versions(), [Version::HTTP_11; 2]);
}

/// An HTTP proxy behind TLS.
async fn secure_front(authority: &Authority, proxy: &TestProxy) -> (Proxy, JoinHandle<()>) {
    let acceptor = acceptor(authority.issue(|_| {}), None, &["http/1.1"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let behind = proxy.addr;
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut stream = acceptor.accept(stream).await.expect("trusted");
                let mut behind = TcpStream::connect(behind).await.expect("it listens");
                let _ = copy_bidirectional(&mut stream, &mut behind).await;
            });
        }
    });
    let proxy = format!("https://user:pass@{HOST}:{port}")
        .parse()
        .expect("a proxy");
    (proxy, task)
}

#[tokio::test]
async fn https_goes_through_tunnels() {
    let authority = Authority::new();
    let server = TlsServer::start(&authority).await;
    let proxy = TestProxy::http(Way::To(server.addr)).await;
    let socks = TestProxy::socks(Way::To(server.addr), true).await;
    let (secure, front) = secure_front(&authority, &proxy).await;
    for through in [
        proxy.proxy("http", "user:pass@"),
        secure,
        socks.proxy("socks5", "user:pass@"),
    ] {
        // The name is resolved by the proxy, here only the proxy's own one is.
        let builder = builder(authority.trusted()).proxies(Proxies::direct().with_https(through.clone()));
        let transport = builder.build().expect("settings are valid");
        get(&transport, "registry.example:5000", "/v2/")
            .await
            .expect("through the tunnel");
    }
    front.abort();
    let head = "CONNECT registry.example:5000 HTTP/1.1\r\n";
    let asked = proxy.asked_text();
    assert_eq!((asked.len(), socks.asked().len()), (2, 1));
    for asked in asked {
        assert!(asked.starts_with(head), "{asked}");
        assert!(
            asked.contains("\r\nproxy-authorization: Basic dXNlcjpwYXNz\r\n"),
            "{asked}"
        );
    }
    assert_eq!(server.versions(), [Version::HTTP_2; 3]);
    for seen in server.seen.lock().expect("not poisoned").iter() {
        assert!(
            !seen.headers.contains_key("proxy-authorization"),
            "it is for the proxy"
        );
    }
}
