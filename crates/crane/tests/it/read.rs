//! Commands that read.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, header};
use insta::assert_snapshot;
use wharf::authn::{Basic, StaticKeychain};
use wharf::name::Reference;
use wharf::registry::Registry;
use wharf::registry::auth::{Authentication, Bearer, BearerOptions, Users};
use wharf::registry::hook::{Fault, Reaction};
use wharf::remote::Client;

use crate::fixture::{image, index};
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

fn start() -> (TestRegistry, Sandbox) {
    let registry = TestRegistry::start();
    let sandbox = Sandbox::new().hide(registry.host.clone(), "[host]");
    (registry, sandbox)
}

#[test]
fn digest() {
    let (registry, sandbox) = start();
    let of_image = registry.put_image("app:v1", &image());
    let of_index = registry.put_index("multi:v1", &index());
    assert_snapshot!(of_image, @"sha256:51beb566bce5c162e49ff5d8a3ea75d507c4583d4329bd6739329ca374a1300c");
    assert_snapshot!(of_index, @"sha256:957814b446d1d4333e609a9fe53cc4d53347cbcb314e711d854b922c5f25f336");

    assert_eq!(
        sandbox.stdout(&["digest", &registry.at("app:v1")]),
        format!("{of_image}\n")
    );
    assert_snapshot!(registry.requests().join("\n"), @"HEAD /v2/app/manifests/v1 200");
    let full = sandbox.stdout(&["digest", "--full-ref", &registry.at("app:v1")]);
    assert_eq!(full, format!("{}@{of_image}\n", registry.at("app")));
    assert_eq!(
        sandbox.stdout(&["digest", &registry.at("multi:v1")]),
        format!("{of_index}\n")
    );
    registry.requests();

    // The index says it all: no need to read the child.
    let arm = sandbox.stdout(&["digest", "--platform", "linux/arm64", &registry.at("multi:v1")]);
    assert_snapshot!(arm, @"sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3");
    assert_snapshot!(registry.requests().join("\n"), @"GET /v2/multi/manifests/v1 200");
    assert_eq!(
        sandbox.stdout(&["--platform=linux/arm64/v8", "digest", &registry.at("multi:v1")]),
        arm
    );
    // A plain image has one digest, whatever is asked for.
    assert_eq!(
        sandbox.stdout(&["digest", "--platform=plan9/mips", &registry.at("app:v1")]),
        format!("{of_image}\n")
    );

    assert_snapshot!(sandbox.crane(&["digest", "--platform=linux", &registry.at("multi:v1")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/multi:v1: no child with platform linux (there are: linux/amd64, linux/arm64/v8, windows/amd64:10.0.20348.1)
    ");
    assert_snapshot!(sandbox.crane(&["digest", &registry.at("app:nope")]), @"
    exit 1
    -- stderr
    Error: checking manifest [host]/app:nope: HEAD http://[host]/v2/app/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in app
    ");
}

#[test]
fn manifest() {
    let (registry, sandbox) = start();
    registry.put_index("multi:v1", &index());
    assert_snapshot!(sandbox.stdout(&["manifest", &registry.at("multi:v1")]), @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":397,"digest":"sha256:1fb95e91ccc05287930cccfeb815db650828c4999e01cdc9a435844329826023","platform":{"architecture":"amd64","os":"linux"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":397,"digest":"sha256:47db1d5c2c853d56fd50eb5e931febacb20dc6c0cfa19d42d8fae2faceb40bc3","platform":{"architecture":"arm64","os":"linux","variant":"v8"}},{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":397,"digest":"sha256:cf4ad7c74b1d93a8928b398b1971f15af9f6329cf497f737020aa23e9bd84cf8","platform":{"architecture":"amd64","os":"windows","os.version":"10.0.20348.1"}}],"annotations":{"kept":"<as is>"}}"#);
    assert_snapshot!(sandbox.stdout(&["manifest", "--platform=windows/amd64:10.0.20348.1", &registry.at("multi:v1")]), @r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":333,"digest":"sha256:3000702f22f7c9eef40e1be99e391c62b89debc8e16cbcc3eb1b17bbb8483824"},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","size":2048,"digest":"sha256:6a6178ed1b4bf452067f1e3cdc152513dfa2b8fa09b21b9d755cac490f4eedc6"}]}"#);
    assert_snapshot!(sandbox.crane(&["manifest", &registry.at("multi:nope")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/multi:nope: GET http://[host]/v2/multi/manifests/nope: MANIFEST_UNKNOWN: no manifest nope in multi
    ");
    assert_snapshot!(sandbox.crane(&["manifest", "--platform=linux/s390x", &registry.at("multi:v1")]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/multi:v1: no child with platform linux/s390x (there are: linux/amd64, linux/arm64/v8, windows/amd64:10.0.20348.1)
    ");
}

/// What claims to be a manifest has to be one; of what is something else, nothing is known, and it is shown as it came.
#[test]
fn a_manifest_that_is_no_json() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let body = "no \u{1b}[31mJSON";
    let digest = wharf::v1::sha256(body).to_string().parse().expect("a header");
    let name = HeaderName::from_static("docker-content-digest");
    let length = body.len().to_string().parse().expect("a header");
    let fault = Fault::on(Method::GET, "/manifests/")
        .then(Reaction::replace_body(body))
        .then(Reaction::set_header(name, digest))
        .then(Reaction::set_header(header::CONTENT_LENGTH, length));
    registry.registry.faults().add(fault);
    let app = registry.at("app:v1");
    for arguments in [
        &["manifest", &app][..],
        &["config", &app],
        &["export", &app],
        &["copy", &app, &registry.at("copied:v1")],
        &["validate", "--remote", &app],
    ] {
        let shown = sandbox.crane(arguments);
        let want =
            "fetching manifest [host]/app:v1: the body is not a manifest: expected ident at line 1 column 2";
        assert!(shown.starts_with("exit 1\n"), "{arguments:?}: {shown}");
        assert!(shown.contains(want), "{arguments:?}: {shown}");
    }

    let other = HeaderValue::from_static("application/x-other");
    let fault = Fault::on(Method::GET, "/manifests/").then(Reaction::set_header(header::CONTENT_TYPE, other));
    registry.registry.faults().add(fault);
    assert_eq!(sandbox.stdout(&["manifest", &app]), body);
    assert_snapshot!(sandbox.crane(&["config", &app]), @"
    exit 1
    -- stderr
    Error: fetching manifest [host]/app:v1: unexpected media type application/x-other for manifest
    ");
}

#[test]
fn config() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    registry.put_index("multi:v1", &index());
    assert_snapshot!(sandbox.stdout(&["config", &registry.at("app:v1")]), @r#"{"architecture":"amd64","created":"0001-01-01T00:00:00Z","history":[{"author":"random.Image","created":"0001-01-01T00:00:00Z","created_by":"random","comment":"this is a random history 0 of 2"},{"author":"random.Image","created":"0001-01-01T00:00:00Z","created_by":"random","comment":"this is a random history 1 of 2"}],"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:1ae8f52203f9b94ed0a0618a14101ab0f7840cf98e17bfa9818028717c1c7fbf","sha256:5e2ec8efc9d7cac0e8d4cf3b1bbe16773c40d9790fd10dd4128a46d50c01b094"]},"config":{}}"#);
    registry.requests();
    let amd = sandbox.stdout(&["config", &registry.at("multi:v1")]);
    assert_eq!(registry.requests().len(), 3);
    assert_eq!(
        sandbox.stdout(&["config", "--platform", "linux/amd64", &registry.at("multi:v1")]),
        amd
    );
    assert_ne!(
        sandbox.stdout(&["config", "--platform", "linux/arm64", &registry.at("multi:v1")]),
        amd
    );
}

#[test]
fn lists() {
    let (registry, sandbox) = start();
    for tag in ["app:v2", "app:v1", "app:sha256-0123", "team/tool:latest"] {
        registry.put_image(tag, &image());
    }
    assert_snapshot!(sandbox.crane(&["ls", &registry.at("app")]), @"
    exit 0
    -- stdout
    sha256-0123
    v1
    v2
    ");
    assert_snapshot!(registry.requests().join("\n"), @"GET /v2/app/tags/list?n=1000 200");
    assert_snapshot!(sandbox.crane(&["ls", "-O", "--full-ref", &registry.at("app")]), @"
    exit 0
    -- stdout
    [host]/app:v1
    [host]/app:v2
    ");
    assert_snapshot!(sandbox.crane(&["catalog", &registry.host]), @"
    exit 0
    -- stdout
    app
    team/tool
    ");
    assert_snapshot!(sandbox.crane(&["catalog", "--full-ref", &registry.host]), @"
    exit 0
    -- stdout
    [host]/app
    [host]/team/tool
    ");
    assert_snapshot!(sandbox.crane(&["ls", &registry.at("nope")]), @"
    exit 1
    -- stderr
    Error: reading tags for [host]/nope: GET http://[host]/v2/nope/tags/list?n=1000: NAME_UNKNOWN: no repository nope
    ");
    assert_snapshot!(sandbox.crane(&["ls", &registry.at("app:v1")]), @r#"
    exit 1
    -- stderr
    Error: parsing repo "[host]/app:v1": repository can only contain the characters `abcdefghijklmnopqrstuvwxyz0123456789_-./`: app:v1
    "#);
    assert_snapshot!(sandbox.crane(&["catalog", &registry.at("app")]), @"
    exit 1
    -- stderr
    Error: registries must be valid RFC 3986 URI authorities: [host]/app
    ");
}

#[test]
fn blob() {
    let (registry, sandbox) = start();
    registry.put_image("app:v1", &image());
    let manifest: serde_json::Value =
        serde_json::from_str(&sandbox.stdout(&["manifest", &registry.at("app:v1")])).expect("JSON");
    let config = manifest["config"]["digest"].as_str().expect("digest");
    let blob = registry.at(&format!("app@{config}"));
    assert_eq!(
        sandbox.stdout(&["blob", &blob]),
        sandbox.stdout(&["config", &registry.at("app:v1")])
    );
    let absent = registry.at(&format!("app@sha256:{:0>64}", 1));
    assert_snapshot!(sandbox.crane(&["blob", &absent]), @"
    exit 1
    -- stderr
    Error: fetching blob [host]/app@sha256:0000000000000000000000000000000000000000000000000000000000000001: GET http://[host]/v2/app/blobs/sha256:0000000000000000000000000000000000000000000000000000000000000001: BLOB_UNKNOWN: no blob sha256:0000000000000000000000000000000000000000000000000000000000000001 in app
    ");
}

/// What a digest costs where a token is wanted: the question, the token, the answer.
#[test]
fn a_digest_behind_a_token_takes_three_requests() {
    let users = Users::new().with("alice", "secret");
    let bearer = Authentication::Bearer(Bearer::with_options(users, BearerOptions::default()));
    let registry = TestRegistry::serve(Registry::builder().record().authentication(bearer).build());
    let reference: Reference = registry.at("app:v1").parse().expect("reference");
    let alice = StaticKeychain::new(reference.registry().clone(), Basic::new("alice", "secret"));
    let client = Client::builder()
        .keychain(Arc::new(alice))
        .build()
        .expect("client");
    registry.run(client.write(&reference, &image())).expect("written");
    registry.requests();
    registry.run(client.head(&reference)).expect("there");
    assert_eq!(registry.requests(), ["HEAD /v2/app/manifests/v1 200"], "warm");

    let sandbox = Sandbox::new();
    // `alice:secret`
    let config = format!(
        r#"{{"auths":{{"{}":{{"auth":"YWxpY2U6c2VjcmV0"}}}}}}"#,
        registry.host
    );
    std::fs::create_dir(sandbox.path(".docker")).expect("directory");
    std::fs::write(sandbox.path(".docker/config.json"), config).expect("file");
    sandbox.stdout(&["digest", &registry.at("app:v1")]);
    assert_snapshot!(registry.requests().join("\n"), @"
    HEAD /v2/app/manifests/v1 401
    GET /token?scope=repository%3Aapp%3Apull&service=wharf 200
    HEAD /v2/app/manifests/v1 200
    ");
}
