//! Servers whose own certificate calls itself an authority, as `openssl req -x509` makes them.

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use wharf_transport::certs::CertsDirs;
use wharf_transport::settings::{RegistrySettings, SystemRoots, TlsSettings};
use wharf_transport::{Environment, TlsFailure};

use crate::handshake::{Authority, HOST, Http2, TlsServer, builder, check_failure, get, get_once};

/// A certificate for the host that is an authority, as `change` would have it, with the key given or a new one.
fn self_signed(key: Option<&KeyPair>, change: impl FnOnce(&mut CertificateParams)) -> (Certificate, KeyPair) {
    let new = KeyPair::generate().expect("a key").serialize_pem();
    let pem = key.map_or(new, KeyPair::serialize_pem);
    let key = KeyPair::from_pem(&pem).expect("a key");
    let mut params = CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, HOST);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    (params.self_signed(&key).expect("a certificate"), key)
}

async fn server(certificate: (Certificate, KeyPair)) -> TlsServer {
    TlsServer::with(certificate, None, &["h2"], Http2::Answers).await
}

fn nobody() -> TlsSettings {
    TlsSettings::default().with_system_roots(SystemRoots::Ignored)
}

fn trusting(pem: String) -> TlsSettings {
    nobody().with_extra_root(pem)
}

#[tokio::test]
async fn the_certificate_that_is_trusted_is_accepted() {
    let (certificate, key) = self_signed(None, |_| {});
    let pem = certificate.pem();
    let server = server((certificate, key)).await;
    get_once(builder(trusting(pem.clone())), &server)
        .await
        .expect("by settings");
    // Also where others are trusted besides.
    let tls = Authority::new().trusted().with_extra_root(pem.clone());
    get_once(builder(tls), &server).await.expect("one of several");

    let temp = tempfile::tempdir().expect("temp dir");
    let folder = temp.path().join(server.registry());
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("ca.crt");
    std::fs::write(&file, &pem).expect("a file");
    let by_folder = builder(nobody()).certs_dirs(CertsDirs::none().with_dir(temp.path()));
    get_once(by_folder, &server).await.expect("by a folder");

    let environment =
        Environment::from_lookup(|name| (name == "SSL_CERT_FILE").then(|| file.clone().into_os_string()));
    let by_environment = builder(TlsSettings::default()).environment(environment);
    get_once(by_environment, &server)
        .await
        .expect("by the environment");
}

#[tokio::test]
async fn its_name_and_dates_still_count() {
    let other_name = |params: &mut CertificateParams| {
        let names = CertificateParams::new(vec!["other.example".to_owned()]);
        params.subject_alt_names = names.expect("a name").subject_alt_names;
    };
    for (certificate, want) in [
        (
            self_signed(None, |params| params.not_after = date_time_ymd(2001, 1, 1)),
            TlsFailure::Expired,
        ),
        (
            self_signed(None, |params| params.not_before = date_time_ymd(4000, 1, 1)),
            TlsFailure::NotYetValid,
        ),
        (self_signed(None, other_name), TlsFailure::WrongName),
    ] {
        let tls = trusting(certificate.0.pem());
        let server = server(certificate).await;
        check_failure(&get_once(builder(tls), &server).await, want);
        assert!(server.versions().is_empty(), "{want:?}");
    }
}

#[tokio::test]
async fn no_other_certificate_is_accepted_for_it() {
    let (trusted, key) = self_signed(None, |_| {});
    // Of the same name and key, but not the same; and one that the trusted one has signed.
    let (again, _) = self_signed(Some(&key), |params| params.serial_number = Some(7.into()));
    let again_key = KeyPair::from_pem(&key.serialize_pem()).expect("a key");
    let authority = Authority::new();
    let below = authority.issue(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    for (tls, certificate) in [
        (trusting(trusted.pem()), (again, again_key)),
        (authority.trusted(), below),
    ] {
        let server = server(certificate).await;
        let result = get_once(builder(tls), &server).await;
        check_failure(&result, TlsFailure::BadCertificate);
        assert!(server.versions().is_empty());
    }
}

#[tokio::test]
async fn it_is_trusted_at_its_own_host_only() {
    let (certificate, key) = self_signed(None, |_| {});
    let tls = trusting(certificate.pem());
    let server = server((certificate, key)).await;
    let elsewhere = format!("{HOST}:1").parse().expect("a registry");
    let transport = builder(nobody())
        .registry_settings(&elsewhere, RegistrySettings::default().with_tls(tls))
        .build()
        .expect("settings are valid");
    let result = get(&transport, &server.registry(), "/v2/").await;
    check_failure(&result, TlsFailure::BadCertificate);
}
