//! Registries behind TLS, whose certificates only a folder of the user's knows.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use wharf::registry::server::{Server, ServerOptions, Tls};

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// A registry behind TLS, by a certificate as `openssl req -x509` makes it.
pub(crate) struct Front {
    pub(crate) host: String,
    pub(crate) certificate: String,
    _server: Server,
}

impl Front {
    pub(crate) fn of(registry: &TestRegistry) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let tls = Tls::from_pem(certificate.as_bytes(), key.serialize_pem().as_bytes()).expect("they fit");
        let options = ServerOptions::default().with_tls(tls);
        let serving = Server::bind_with(registry.registry.clone(), "127.0.0.1:0", options);
        let server = registry.run(serving).expect("loopback");
        Self {
            host: server.host(),
            certificate,
            _server: server,
        }
    }

    /// Gives the certificate to a directory of folders.
    fn trust_in(&self, dir: &Path) -> PathBuf {
        let folder = dir.join(&self.host);
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("ca.crt");
        std::fs::write(&file, &self.certificate).expect("a file");
        file
    }
}

#[test]
fn folders_of_podman_and_docker_are_read() {
    let registry = TestRegistry::start();
    let digest = registry.put_image("app:v1", &image());
    let front = Front::of(&registry);
    let app = format!("{}/app:v1", front.host);
    for dir in [".config/containers/certs.d", ".config/docker/certs.d"] {
        let sandbox = Sandbox::new();
        let before = sandbox.crane(&["digest", &app]);
        assert!(before.starts_with("exit 1"), "{before}");
        assert!(before.contains("the certificate cannot be verified"), "{before}");
        front.trust_in(&sandbox.path(dir));
        assert_eq!(sandbox.stdout(&["digest", &app]), format!("{digest}\n"), "{dir}");
    }
    let sandbox = Sandbox::new();
    front.trust_in(&sandbox.path("conf/containers/certs.d"));
    let mut command = sandbox.command(&["digest", &app]);
    let command = command.env("XDG_CONFIG_HOME", sandbox.path("conf"));
    let output = command.output().expect("crane starts");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{digest}\n"));
}

#[test]
fn a_folder_is_for_its_host_and_has_to_be_sound() {
    let registry = TestRegistry::start();
    registry.put_image("app:v1", &image());
    let (front, other) = (Front::of(&registry), Front::of(&registry));
    let sandbox = Sandbox::new();
    let file = other.trust_in(&sandbox.path(".config/containers/certs.d"));
    let shown = sandbox.crane(&["digest", &format!("{}/app:v1", front.host)]);
    assert!(shown.contains("the certificate cannot be verified"), "{shown}");

    std::fs::write(file, "junk").expect("a file");
    let shown = sandbox.crane(&["digest", &format!("{}/app:v1", other.host)]);
    assert!(shown.starts_with("exit 1"), "{shown}");
    assert!(
        shown.contains("ca.crt has no usable certificate or key"),
        "{shown}"
    );
}
