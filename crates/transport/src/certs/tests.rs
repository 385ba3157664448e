use std::fs;
use std::path::Path;

use super::*;
use crate::settings::ClientIdentity;

/// A certificate and its key, PEM.
fn pair() -> (String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["registry.example".to_owned()]).expect("a name");
    (
        params.self_signed(&key).expect("a certificate").pem(),
        key.serialize_pem(),
    )
}

/// Directories with these files, below `dir`.
fn dirs(dir: &Path, files: &[(&str, &str)]) -> CertsDirs {
    for (name, text) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().expect("below the directory")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    CertsDirs::none()
        .with_dir(dir.join("one"))
        .with_dir(dir.join("two"))
}

fn load(dirs: &CertsDirs, registry: &str) -> Result<(bool, TlsSettings), CertsError> {
    let mut settings = TlsSettings::default();
    let found = dirs.load(&registry.parse().expect("a registry"), &mut settings)?;
    Ok((found, settings))
}

#[track_caller]
fn check_folder(folder: &str, registry: &str, want: bool) {
    let temp = tempfile::tempdir().expect("temp dir");
    let (certificate, _) = pair();
    let dirs = dirs(temp.path(), &[(&format!("one/{folder}/ca.crt"), &certificate)]);
    let (found, settings) = load(&dirs, registry).expect("good files");
    assert_eq!(
        (found, settings.extra_roots.len()),
        (want, usize::from(want)),
        "{folder} {registry}"
    );
}

#[test]
fn folders_are_named_after_hosts() {
    check_folder("registry.example", "registry.example", true);
    check_folder("registry.example:443", "registry.example", true);
    check_folder("registry.example", "registry.example:443", true);
    check_folder("registry.example:5000", "registry.example:5000", true);
    check_folder("registry.example", "registry.example:5000", false);
    check_folder("registry.example:5000", "registry.example", false);
    check_folder("example", "registry.example", false);
    check_folder("10.0.0.1:5000", "10.0.0.1:5000", true);
    check_folder("[::1]:5000", "[::1]:5000", true);
    check_folder("docker.io", "index.docker.io", true);
    check_folder("index.docker.io", "docker.io", true);
}

#[test]
fn the_first_folder_counts_and_other_files_do_not() {
    let temp = tempfile::tempdir().expect("temp dir");
    let ((a, _), (b, _), (client, key)) = (pair(), pair(), pair());
    let files = [
        ("one/r.example/b.crt", b.as_str()),
        ("one/r.example/a.crt", &a),
        ("one/r.example/client.cert", &client),
        ("one/r.example/client.key", &key),
        ("one/r.example/README", "junk"),
        ("one/r.example/ca.pem", "junk"),
        ("two/r.example/c.crt", "junk"),
        ("two/only.example/c.crt", &a),
    ];
    let dirs = dirs(temp.path(), &files);
    let (found, settings) = load(&dirs, "r.example").expect("good files");
    assert!(found);
    assert_eq!(settings.extra_roots, [a.as_bytes().to_vec(), b.into_bytes()]);
    let identity = settings.client_identity.expect("a pair");
    assert_eq!((identity.chain, identity.key), (client.into(), key.into()));
    assert!(load(&dirs, "only.example").expect("good files").0);
    assert!(!load(&dirs, "none.example").expect("nothing to read").0);
    assert!(!load(&CertsDirs::none(), "r.example").expect("nothing to read").0);
}

#[test]
fn what_is_set_by_code_comes_first() {
    let temp = tempfile::tempdir().expect("temp dir");
    let (certificate, key) = pair();
    let files = [
        ("one/r.example/a.crt", certificate.as_str()),
        ("one/r.example/a.cert", &certificate),
        ("one/r.example/a.key", &key),
    ];
    let dirs = dirs(temp.path(), &files);
    let mut settings = TlsSettings::default()
        .with_extra_root("mine")
        .with_client_identity(ClientIdentity::new("mine", "mine"));
    dirs.load(&"r.example".parse().expect("a registry"), &mut settings)
        .expect("good files");
    assert_eq!(settings.extra_roots.len(), 2);
    assert_eq!(settings.client_identity.expect("still there").chain, "mine");
}

#[track_caller]
fn check_error(files: &[(&str, &str)], want: &str) {
    let temp = tempfile::tempdir().expect("temp dir");
    let dirs = dirs(temp.path(), files);
    let error = load(&dirs, "r.example").expect_err("a broken folder");
    let text = error.to_string().replace(&temp.path().display().to_string(), "");
    assert_eq!(text, want);
}

#[test]
fn errors_name_the_file() {
    let (certificate, key) = pair();
    check_error(
        &[("one/r.example/ca.crt", "junk")],
        "/one/r.example/ca.crt has no usable certificate or key",
    );
    check_error(
        &[(
            "one/r.example/ca.crt",
            "-----BEGIN CERTIFICATE-----\n%%\n-----END CERTIFICATE-----\n",
        )],
        "/one/r.example/ca.crt has no usable certificate or key",
    );
    check_error(&[("one/r.example/ca.crt/x", "")], "reading /one/r.example/ca.crt");
    check_error(
        &[("one/r.example/c.cert", &certificate)],
        "/one/r.example/c.key is missing: it is the key of the client certificate /one/r.example/c.cert \
         (authorities are named *.crt)",
    );
    check_error(
        &[("one/r.example/c.key", &key)],
        "/one/r.example/c.cert is missing: it is the client certificate of the key /one/r.example/c.key",
    );
    check_error(
        &[
            ("one/r.example/c.cert", &certificate),
            ("one/r.example/c.key", &certificate),
        ],
        "/one/r.example/c.key has no usable certificate or key",
    );
    check_error(
        &[("one/r.example/c.cert", &key), ("one/r.example/c.key", &key)],
        "/one/r.example/c.cert has no usable certificate or key",
    );
}

#[test]
fn the_users_directories_come_before_the_systems() {
    let environment = Environment::from_lookup(|name| (name == "XDG_CONFIG_HOME").then(|| "/c".into()));
    let want = [
        "/c/containers/certs.d",
        "/c/docker/certs.d",
        "/etc/containers/certs.d",
        "/etc/docker/certs.d",
    ];
    assert_eq!(CertsDirs::system(&environment).dirs, want.map(PathBuf::from));
    assert_eq!(
        CertsDirs::system(&Environment::default()).dirs,
        want[2..].iter().map(PathBuf::from).collect::<Vec<_>>()
    );
}
