//! A registry that is asked without a socket in between.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use oci_spec::image::Digest;
use tower::ServiceExt as _;
use wharf_registry::{Body, DirectoryStore, Options, Registry};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry under test.
pub(crate) struct Harness {
    pub(crate) registry: Registry,
    _dir: Option<tempfile::TempDir>,
}

/// A response, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The request, for messages.
    of: String,
}

impl Harness {
    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry, _dir: None }
    }

    /// A registry with each of the stores.
    pub(crate) async fn each() -> Vec<Self> {
        Self::each_with(Options::default()).await
    }

    pub(crate) async fn each_with(options: Options) -> Vec<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let directory = DirectoryStore::open(dir.path()).await.expect("a store");
        let builder = || Registry::builder().options(options.clone()).record();
        vec![
            Self::new(builder().build()),
            Self {
                registry: builder().store(Arc::new(directory)).build(),
                _dir: Some(dir),
            },
        ]
    }

    /// Sends a request.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let of = format!("{} {}", request.method(), request.uri());
        let Ok(response) = self.registry.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            body,
            of,
        }
    }

    /// Sends a request with headers and a body, whose length is told.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Reply {
        let body = body.into();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !body.is_empty()
            || [Method::POST, Method::PUT, Method::PATCH].contains(&method.parse().expect("a method"))
        {
            request = request.header(CONTENT_LENGTH, body.len());
        }
        self.send(request.body(Body::full(body)).expect("a request"))
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask("GET", path, &[], "").await
    }

    pub(crate) async fn head(&self, path: &str) -> Reply {
        self.ask("HEAD", path, &[], "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.ask("DELETE", path, &[], "").await
    }

    /// Puts a manifest.
    pub(crate) async fn put(&self, path: &str, media_type: &str, manifest: impl Into<Bytes>) -> Reply {
        self.ask("PUT", path, &[(CONTENT_TYPE.as_str(), media_type)], manifest)
            .await
    }

    /// Pushes a blob in one request.
    pub(crate) async fn blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        let bytes = bytes.into();
        let digest = wharf_v1::sha256(&bytes);
        let path = format!("/v2/{repository}/blobs/uploads/?digest={digest}");
        self.ask("POST", &path, &[], bytes).await.expect(201);
        digest
    }

    /// Begins an upload and returns where it is.
    pub(crate) async fn upload(&self, repository: &str) -> String {
        let reply = self
            .ask("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], "")
            .await;
        reply.expect(202).header(LOCATION.as_str()).to_owned()
    }

    /// Pushes an image of one layer and returns the manifest.
    pub(crate) async fn image(&self, repository: &str, tag: &str) -> (Digest, String) {
        let config = self.blob(repository, "{}").await;
        let layer = self.blob(repository, format!("layer of {tag}")).await;
        let manifest = manifest_of(&config, &layer);
        self.put(
            &format!("/v2/{repository}/manifests/{tag}"),
            MANIFEST,
            manifest.clone(),
        )
        .await
        .expect(201);
        (wharf_v1::sha256(&manifest), manifest)
    }
}

pub(crate) fn manifest_of(config: &Digest, layer: &Digest) -> String {
    format!(
        r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"{config}","size":2}},"layers":[{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"{layer}","size":9}}]}}"#
    )
}

impl Reply {
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> &Self {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}: {}",
            self.of,
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(
            self.header("docker-distribution-api-version"),
            "registry/2.0",
            "{}",
            self.of
        );
        self
    }

    /// An error with the specification's envelope.
    #[track_caller]
    pub(crate) fn expect_error(&self, status: u16, code: &str) -> &Self {
        self.expect(status);
        assert_eq!(self.header("content-type"), "application/json", "{}", self.of);
        if !self.of.starts_with("HEAD") {
            let json: serde_json::Value = serde_json::from_slice(&self.body).expect("an envelope");
            assert_eq!(json["errors"][0]["code"], code, "{}: {json}", self.of);
            assert!(json["errors"][0]["message"].is_string(), "{}: {json}", self.of);
        }
        self
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self
            .headers
            .get(name)
            .unwrap_or_else(|| panic!("{}: no {name}", self.of));
        value.to_str().expect("a header of text")
    }

    #[track_caller]
    pub(crate) fn expect_header(&self, name: &str, value: &str) -> &Self {
        assert_eq!(self.header(name), value, "{}: {name}", self.of);
        self
    }

    #[track_caller]
    pub(crate) fn expect_body(&self, body: impl AsRef<[u8]>) -> &Self {
        assert_eq!(self.body, body.as_ref(), "{}", self.of);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }
}
