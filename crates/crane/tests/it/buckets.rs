//! `crane registry` with its content in a bucket.

use insta::assert_snapshot;

use crate::fixture::image;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;
use crate::serve::{ServedCrane, ask};

/// Two servers on one bucket have the same, if this crane has buckets at all.
#[test]
fn servers_share_a_bucket() {
    let sandbox = Sandbox::new();
    let bucket = format!("--bucket=file://{}", sandbox.path("bucket").display());
    if cfg!(not(feature = "object-store")) {
        assert_snapshot!(sandbox.crane(&["registry", "serve", "--bucket=memory://"]), @"
        exit 1
        -- stderr
        Error: --bucket: this crane was built without the feature object-store
        ");
        let collected = sandbox.crane(&["registry", "gc", "--bucket=memory://"]);
        assert!(
            collected.contains("without the feature object-store"),
            "{collected}"
        );
        return;
    }
    let source = TestRegistry::start();
    source.put_image("app:v1", &image());
    let servers = [(); 2].map(|()| ServedCrane::start(&sandbox, &[&bucket]));
    let [first, second] = servers
        .each_ref()
        .map(|server| format!("{}/app:v1", server.host()));
    sandbox.stdout(&["copy", &source.at("app:v1"), &first]);
    assert_eq!(
        sandbox.stdout(&["validate", "--remote", &second]),
        format!("PASS: {second}\n")
    );
    assert!(
        sandbox
            .crane(&["registry", "serve", "--bucket=ftp://bucket"])
            .starts_with("exit 1\n")
    );

    // While both of them run, what no repository has goes, and an upload that is not gone on with.
    let (status, answer) = ask(servers[0].host(), "POST", "/v2/app/blobs/uploads/", b"");
    assert_eq!(status, 202, "{answer}");
    let upload = answer
        .lines()
        .find_map(|line| line.strip_prefix("docker-upload-uuid: "))
        .expect("an upload");
    let blob = wharf::v1::sha256("nobody's");
    let path = format!("/v2/app/blobs/uploads/?digest={blob}");
    let (status, answer) = ask(servers[0].host(), "POST", &path, b"nobody's");
    assert_eq!(status, 201, "{answer}");
    let path = format!("/v2/app/blobs/{blob}");
    let (status, answer) = ask(servers[1].host(), "DELETE", &path, b"");
    assert_eq!(status, 202, "{answer}");
    let gc = |arguments: &[&str]| {
        let line = [&["registry", "gc", &*bucket], arguments].concat();
        sandbox.crane(&line).replace(upload, "[upload]")
    };
    assert_snapshot!(gc(&[]), @"
    exit 0
    -- stderr
    [time] removed 0 bytes
    ");
    assert_snapshot!(gc(&["--grace=0", "--upload-expiry=0", "--dry-run"]), @"
    exit 0
    -- stderr
    [time] would remove upload [upload] to app
    [time] would remove sha256:766d63f0332125220adc982e51598010024acc16a916d500187bf15f5d0e4a54, 8 bytes
    [time] would remove 8 bytes
    ");
    assert_snapshot!(gc(&["--grace=0", "--upload-expiry=0"]), @"
    exit 0
    -- stderr
    [time] removed upload [upload] to app
    [time] removed sha256:766d63f0332125220adc982e51598010024acc16a916d500187bf15f5d0e4a54, 8 bytes
    [time] removed 8 bytes
    ");
    assert_snapshot!(gc(&["--grace=0", "--upload-expiry=0"]), @"
    exit 0
    -- stderr
    [time] removed 0 bytes
    ");
    assert_eq!(
        sandbox.stdout(&["validate", "--remote", &second]),
        format!("PASS: {second}\n")
    );
}
