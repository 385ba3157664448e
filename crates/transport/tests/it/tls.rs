//! TLS against a server in this process, over HTTP/1.1 and HTTP/2.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, Version};
use http_body_util::Full;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use wharf_name::Registry;
use wharf_transport::settings::{ClientIdentity, PlainHttp, RegistrySettings, SystemRoots, TlsSettings};
use wharf_transport::{Body, Error, RegistryContext, Transport};

use crate::server::{Handler, Seen, Server, serve};

/// An authority with certificates for one server and one client.
pub(crate) struct Authority {
    pem: String,
    key: KeyPair,
    params: CertificateParams,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { pem, key, params }
    }

    fn issue(&self, names: &[&str], usage: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("valid names");
        params.extended_key_usages = vec![usage];
        let issuer = Issuer::from_params(&self.params, &self.key);
        (params.signed_by(&key, &issuer).expect("a certificate"), key)
    }
}

/// What the build speaks TLS by.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    #[cfg(not(feature = "aws-lc-rs"))]
    let provider = rustls::crypto::ring::default_provider();
    Arc::new(provider)
}

/// Speaks TLS as the authority's server, offers `protocols`, and wants a client certificate of `clients`.
pub(crate) fn acceptor(
    authority: &Authority,
    protocols: &[&str],
    clients: Option<&Authority>,
) -> TlsAcceptor {
    let (certificate, key) = authority.issue(
        &["127.0.0.1", "::1", "localhost"],
        ExtendedKeyUsagePurpose::ServerAuth,
    );
    let provider = provider();
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = rustls::RootCertStore::empty();
            let root = clients.params.self_signed(&clients.key).expect("a certificate");
            roots.add(root.der().clone()).expect("a root");
            let verifier =
                rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("roots"))
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
    let mut config = builder
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    config.alpn_protocols = protocols
        .iter()
        .map(|protocol| protocol.as_bytes().to_vec())
        .collect();
    TlsAcceptor::from(Arc::new(config))
}

struct TlsServer {
    registry: Registry,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl TlsServer {
    async fn start(authority: &Authority, protocols: &[&str], clients: Option<&Authority>) -> Self {
        Self::listen("127.0.0.1:0", acceptor(authority, protocols, clients)).await
    }

    async fn listen(address: &str, acceptor: TlsAcceptor) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let registry = listener
            .local_addr()
            .expect("bound")
            .to_string()
            .parse()
            .expect("a registry");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let handler: Handler = Arc::new(|seen| Response::new(Full::new(seen.body.clone())));
        let log = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, handler, log) = (acceptor.clone(), Arc::clone(&handler), Arc::clone(&log));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, handler, log).await;
                    }
                });
            }
        });
        Self { registry, seen, task }
    }

    async fn echo(&self, tls: TlsSettings, body: Body) -> Result<Bytes, Error> {
        let settings = RegistrySettings::default().with_tls(tls);
        let transport = Transport::builder()
            .registry_settings(&self.registry, settings)
            .build()?;
        self.echo_over(&transport, body).await
    }

    async fn echo_over(&self, transport: &Transport, body: Body) -> Result<Bytes, Error> {
        let request = Request::put(transport.url(&self.registry, "/v2/")?)
            .extension(RegistryContext::new(self.registry.clone()))
            .body(body)
            .expect("parts are valid");
        transport.send(request).await?.into_body().collect(16 << 20).await
    }

    fn versions(&self) -> Vec<Version> {
        self.seen
            .lock()
            .expect("not poisoned")
            .iter()
            .map(|seen| seen.version)
            .collect()
    }
}

pub(crate) fn trusting(authority: &Authority) -> TlsSettings {
    TlsSettings::default()
        .with_system_roots(SystemRoots::Ignored)
        .with_extra_root(authority.pem.clone())
}

#[tokio::test]
async fn the_version_is_negotiated() {
    let authority = Authority::new();
    for (protocols, version) in [
        (&["h2", "http/1.1"][..], Version::HTTP_2),
        (&["http/1.1"][..], Version::HTTP_11),
        (&[][..], Version::HTTP_11),
    ] {
        let server = TlsServer::start(&authority, protocols, None).await;
        let echo = server
            .echo(trusting(&authority), Body::full("asdf"))
            .await
            .expect("trusted");
        assert_eq!((echo, server.versions()), (Bytes::from("asdf"), vec![version]));
    }
}

#[tokio::test]
async fn a_registry_may_be_an_address_of_ipv6() {
    let authority = Authority::new();
    for protocol in ["h2", "http/1.1"] {
        let server = TlsServer::listen("[::1]:0", acceptor(&authority, &[protocol], None)).await;
        assert!(server.registry.to_string().starts_with("[::1]:"));
        let echo = server.echo(trusting(&authority), Body::full("asdf")).await;
        assert_eq!(echo.expect("trusted"), "asdf");
        let seen = server.seen.lock().expect("not poisoned");
        let host = seen[0].uri.authority().map(ToString::to_string);
        let host = host.or_else(|| Some(seen[0].headers["host"].to_str().ok()?.to_owned()));
        assert_eq!(host, Some(server.registry.to_string()));
    }
}

#[tokio::test]
async fn large_bodies_pass_both_ways() {
    let authority = Authority::new();
    let bytes: Bytes = (0..5_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    for protocol in ["h2", "http/1.1"] {
        let server = TlsServer::start(&authority, &[protocol], None).await;
        let echo = server
            .echo(trusting(&authority), Body::full(bytes.clone()))
            .await
            .expect("trusted");
        assert!(echo == bytes, "{protocol}");
    }
}

#[tokio::test]
async fn an_unknown_authority_is_an_error_and_no_reason_for_plain_http() {
    let server = TlsServer::start(&Authority::new(), &["h2"], None).await;
    for settings in [TlsSettings::default(), trusting(&Authority::new())] {
        // The registry is on loopback, so plain HTTP would be allowed.
        let error = server
            .echo(settings, Body::empty())
            .await
            .expect_err("not trusted");
        assert!(matches!(error, Error::Tls { .. }), "{error:?}");
        assert!(!error.is_temporary());
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.contains("certificate"), "{cause}");
    }
    assert!(server.versions().is_empty());
}

#[tokio::test]
async fn checking_can_be_switched_off_for_one_registry() {
    let authority = Authority::new();
    let (one, other) = (
        TlsServer::start(&authority, &["h2"], None).await,
        TlsServer::start(&authority, &["h2"], None).await,
    );
    let transport = Transport::builder()
        .insecure(&one.registry)
        .build()
        .expect("settings are valid");
    one.echo_over(&transport, Body::empty())
        .await
        .expect("not checked");
    let error = other
        .echo_over(&transport, Body::empty())
        .await
        .expect_err("checked");
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
}

#[tokio::test]
async fn a_client_shows_its_certificate_to_its_own_registry_only() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let server = TlsServer::start(&servers, &["http/1.1"], Some(&clients)).await;
    let (certificate, key) = clients.issue(&["me"], ExtendedKeyUsagePurpose::ClientAuth);
    let identity = ClientIdentity::new(certificate.pem(), key.serialize_pem());
    assert!(!format!("{identity:?}").contains("PRIVATE"));
    let echo = server
        .echo(
            trusting(&servers).with_client_identity(identity.clone()),
            Body::full("asdf"),
        )
        .await;
    assert_eq!(echo.expect("known"), "asdf");
    server
        .echo(trusting(&servers), Body::empty())
        .await
        .expect_err("no certificate");

    let other: Registry = "localhost:1".parse().expect("a registry");
    let transport = Transport::builder()
        .default_settings(RegistrySettings::default().with_tls(trusting(&servers)))
        .registry_settings(
            &other,
            RegistrySettings::default().with_tls(trusting(&servers).with_client_identity(identity)),
        )
        .build()
        .expect("settings are valid");
    server
        .echo_over(&transport, Body::empty())
        .await
        .expect_err("the certificate is for another registry");
}

#[tokio::test]
async fn bad_files_are_named_when_the_stack_is_built() {
    let registry: Registry = "registry.example".parse().expect("a registry");
    for (tls, what) in [
        (
            TlsSettings::default().with_extra_root("junk"),
            "reading a certificate authority",
        ),
        (
            TlsSettings::default().with_client_identity(ClientIdentity::new("junk", "junk")),
            "reading the client key",
        ),
    ] {
        let settings = RegistrySettings::default().with_tls(tls);
        let error = Transport::builder()
            .registry_settings(&registry, settings)
            .build()
            .expect_err("no PEM");
        assert_eq!(error.to_string(), what);
    }
}

#[tokio::test]
async fn a_loopback_registry_without_tls_is_found_at_once() {
    let server = Server::start(|_| Response::default()).await;
    let transport = Transport::builder().build().expect("settings are valid");
    let start = std::time::Instant::now();
    for _ in 0..2 {
        let request = Request::get(transport.url(&server.registry(), "/v2/").expect("a URL"))
            .extension(RegistryContext::new(server.registry()))
            .body(Body::empty())
            .expect("parts are valid");
        transport.send(request).await.expect("plain");
    }
    assert_eq!(server.seen().len(), 2);
    assert!(start.elapsed().as_secs() < 5, "no limit was waited for");

    let settings = RegistrySettings::default().with_plain_http(PlainHttp::Never);
    let strict = Transport::builder()
        .default_settings(settings)
        .build()
        .expect("settings are valid");
    let request = Request::get(strict.url(&server.registry(), "/v2/").expect("a URL"))
        .extension(RegistryContext::new(server.registry()))
        .body(Body::empty())
        .expect("parts are valid");
    let error = strict.send(request).await.expect_err("no TLS");
    assert!(matches!(error, Error::NotTls { .. }), "{error:?}");
}

#[tokio::test]
async fn endpoints_of_a_hosts_toml_have_their_own_authorities_and_certificates() {
    let (of_mirror, of_upstream) = (Authority::new(), Authority::new());
    let mirror = TlsServer::start(&of_mirror, &["h2"], Some(&of_mirror)).await;
    let upstream = TlsServer::start(&of_upstream, &["h2"], None).await;
    let (certificate, key) = of_mirror.issue(&["client"], ExtendedKeyUsagePurpose::ClientAuth);

    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("registry.example");
    std::fs::create_dir(&dir).expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("a file");
    write("mirror.pem", &of_mirror.pem);
    write("upstream.pem", &of_upstream.pem);
    write("client.cert", &certificate.pem());
    write("client.key", &key.serialize_pem());
    let hosts = |client: &str| {
        format!(
            "server = \"https://{}\"\nca = \"upstream.pem\"\n\
             [host.\"https://{}\"]\nca = [\"mirror.pem\"]\n{client}\n",
            upstream.registry, mirror.registry
        )
    };
    let repository: wharf_name::Repository = "registry.example/app".parse().expect("a repository");
    for (client, want) in [
        ("client = [[\"client.cert\", \"client.key\"]]", &mirror.registry),
        ("", &upstream.registry),
    ] {
        write("hosts.toml", &hosts(client));
        let mirrors = wharf_transport::mirror::hosts_toml::load_dir(root.path()).expect("all is there");
        let transport = Transport::builder()
            .mirrors(mirrors)
            .build()
            .expect("certificates");
        let request = Request::get("https://registry.example/v2/app/blobs/sha256:ab")
            .extension(RegistryContext::of(&repository))
            .body(Body::empty())
            .expect("parts are valid");
        let response = transport.send(request).await.expect("one of them answers");
        let served: &wharf_transport::mirror::ServedBy = response.extensions().get().expect("a rule");
        assert_eq!(served.registry, *want, "{client} {:?}", served.failures);
    }
    let query = |server: &TlsServer| {
        let seen = server.seen.lock().expect("not poisoned");
        seen.iter()
            .map(|seen| seen.uri.query().map(ToOwned::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(query(&mirror), [Some("ns=registry.example".to_owned())]);
    assert_eq!(query(&upstream), [Some("ns=registry.example".to_owned())]);
}
