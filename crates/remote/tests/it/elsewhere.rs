//! Layers whose descriptors name other places that have them.

use std::sync::Arc;

use http::{Method, StatusCode, header};
use oci_spec::image::{Descriptor, MediaType};
use wharf_authn::{Basic, StaticKeychain};
use wharf_registry::hook::{Fault, Reaction};
use wharf_v1::media_type::{DOCKER_FOREIGN_LAYER, DOCKER_MANIFEST};
use wharf_v1::partial::StaticLayer;
use wharf_v1::{Image as _, Layer};

use crate::kit::{Kit, recording, reference, repository};

/// An image at `a.test/app:v1` whose one layer is not there, but at `b.test`, and says that it is at `urls`, in which
/// `BLOB` is where it is.
async fn with_urls(urls: &[&str]) -> (Kit, Arc<dyn Layer>, Descriptor) {
    let kit = Kit::with(recording(), recording(), |client| {
        let name = repository("a.test/app").registry().clone();
        let basic = Basic::new("user", "password");
        client.keychain(Arc::new(StaticKeychain::new(name, basic)))
    });
    let layer: Arc<dyn Layer> = Arc::new(wharf_v1::random::layer(1, 1000));
    let stored = kit
        .client
        .write_layer(&repository("b.test/app"), &layer)
        .await
        .expect("written");
    let path = format!("b.test/v2/app/blobs/{}", stored.digest());
    let urls: Vec<String> = urls.iter().map(|url| url.replace("BLOB", &path)).collect();
    let config: Arc<dyn Layer> = Arc::new(StaticLayer::new("{}", MediaType::ImageConfig));
    let config = kit.client.write_layer(&repository("a.test/app"), &config).await;
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": config.expect("written"),
        "layers": [{
            "mediaType": DOCKER_FOREIGN_LAYER,
            "digest": stored.digest(),
            "size": stored.size(),
            "urls": urls,
        }],
    });
    let tag = reference("a.test/app:v1");
    kit.client
        .put(&tag, DOCKER_MANIFEST.into(), manifest.to_string())
        .await
        .expect("written");
    kit.forget_requests();
    let image = kit.client.image(&tag, None).await.expect("there");
    let layer = image.layers().await.expect("known").remove(0);
    (kit, layer, stored)
}

async fn read(layer: &Arc<dyn Layer>) -> Result<usize, wharf_v1::Error> {
    Ok(layer.compressed().await?.collect(1 << 20).await?.len())
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_the_registry_does_not_have_is_read_from_where_it_is() {
    let (kit, layer, stored) = with_urls(&["https://BLOB"]).await;
    assert_eq!(read(&layer).await.expect("good") as u64, stored.size());
    assert_eq!(
        kit.asked_a(),
        ["GET app/manifests/v1 200", "GET app/blobs/D 404"],
        "the registry first"
    );
    assert_eq!(kit.asked_b(), ["GET app/blobs/D 200"]);
}

/// Neither a bad address nor one where nothing is keeps the next from being tried.
#[tokio::test(start_paused = true)]
async fn all_addresses_are_tried() {
    let urls = [
        "https://127.0.0.1/blob",
        "https://b.test/v2/app/blobs/none",
        "https://BLOB",
    ];
    let (kit, layer, stored) = with_urls(&urls).await;
    assert_eq!(read(&layer).await.expect("good") as u64, stored.size());
    assert_eq!(kit.asked_b().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_asked_is_not_asked() {
    for url in [
        "http://BLOB",
        "https://127.0.0.1/v2/app/blobs/x",
        "https://[::1]/x",
        "https://169.254.169.254/x",
        "https://10.1.2.3/x",
        "https://192.168.0.1/x",
        "https://0.0.0.0/x",
        "ftp://b.test/x",
        "file:///etc/passwd",
        "https://user:password@b.test/x",
        "not a url",
    ] {
        let (kit, layer, _) = with_urls(&[url]).await;
        let error = read(&layer).await.expect_err(url);
        let error = error
            .source_ref::<wharf_remote::Error>()
            .expect("the client's own");
        let transport = error.transport().expect("the judge's");
        assert!(
            matches!(transport, wharf_transport::Error::UnsafeUrl(_)),
            "{url}: {transport:?}"
        );
        assert!(kit.asked_b().is_empty(), "{url}");
    }
}

/// It is no matter of the registry: it gets no credential of the registry, and no trust.
#[tokio::test(start_paused = true)]
async fn other_places_get_no_credential_and_no_trust() {
    let (kit, layer, _) = with_urls(&["https://BLOB"]).await;
    let challenge = header::HeaderValue::from_static("Basic realm=\"b\"");
    let unauthorized =
        Reaction::status(StatusCode::UNAUTHORIZED).with_header(header::WWW_AUTHENTICATE, challenge);
    let handle = kit
        .b
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(unauthorized));
    read(&layer).await.expect_err("not let in");
    let asked = kit.b.log().requests();
    assert!(
        asked
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
    handle.remove();
    kit.b
        .faults()
        .add(Fault::on(Method::GET, "/blobs/").then(Reaction::corrupt_body(7)));
    let error = read(&layer).await.expect_err("other bytes");
    assert!(
        matches!(error, wharf_v1::Error::DigestMismatch { .. }),
        "{error:?}"
    );
}

/// A redirect from there leads no further inside than a registry's would.
#[tokio::test(start_paused = true)]
async fn other_places_do_not_lead_inside() {
    let (kit, layer, _) = with_urls(&["https://BLOB"]).await;
    let inside = Reaction::redirect("https://127.0.0.1/v2/app/blobs/x");
    kit.b.faults().add(Fault::on(Method::GET, "/blobs/").then(inside));
    read(&layer).await.expect_err("refused");
    assert_eq!(kit.asked_b().len(), 1);
}
