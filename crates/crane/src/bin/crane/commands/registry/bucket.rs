//! Where `crane registry serve --bucket` keeps its content.

use std::sync::Arc;
use std::time::Duration;

use wharf::registry::Store;
use wharf::registry::store::Garbage;
#[cfg(feature = "object-store")]
use wharf::registry::store::{BucketGarbageOptions, BucketStore};

use crate::failure::Failure;

/// The store in the bucket that a URL names.
#[cfg(feature = "object-store")]
pub(super) fn open(url: &str) -> Result<Arc<dyn Store>, Failure> {
    Ok(Arc::new(store(url)?))
}

/// Removes what nobody needs from the bucket that a URL names.
#[cfg(feature = "object-store")]
pub(super) async fn collect(
    url: &str,
    dry_run: bool,
    grace: Duration,
    upload_expiry: Duration,
) -> Result<Garbage, Failure> {
    let options = BucketGarbageOptions::default()
        .with_dry_run(dry_run)
        .with_grace(grace)
        .with_upload_expiry(upload_expiry);
    let failed = |source| Failure::Registry {
        directory: url.into(),
        source,
    };
    store(url)?.collect_garbage(options).await.map_err(failed)
}

#[cfg(feature = "object-store")]
fn store(url: &str) -> Result<BucketStore, Failure> {
    use object_store::ObjectStore;
    use object_store::aws::AmazonS3Builder;
    use object_store::local::LocalFileSystem;
    use object_store::memory::InMemory;

    let failed =
        |error: object_store::Error| Failure::local(format!("opening {url}"), std::io::Error::other(error));
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let (bucket, prefix): (Arc<dyn ObjectStore>, &str) = match scheme {
        "s3" => {
            let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            // Keys, region and endpoint: AWS_ACCESS_KEY_ID, AWS_REGION, AWS_ENDPOINT_URL and so on.
            let bucket = AmazonS3Builder::from_env().with_bucket_name(name).build();
            (Arc::new(bucket.map_err(failed)?), prefix)
        }
        "file" => {
            let made = std::fs::create_dir_all(rest);
            made.map_err(|error| Failure::local(format!("making {rest}"), error))?;
            (
                Arc::new(LocalFileSystem::new_with_prefix(rest).map_err(failed)?),
                "",
            )
        }
        "memory" => (Arc::new(InMemory::new()), ""),
        _ => {
            return Err(Failure::usage(format!(
                "--bucket: {url:?} is none of s3://BUCKET/PREFIX, file:///DIR and memory://"
            )));
        }
    };
    Ok(BucketStore::new(bucket, prefix))
}

/// Not without the crates for it.
#[cfg(not(feature = "object-store"))]
pub(super) fn open(_url: &str) -> Result<Arc<dyn Store>, Failure> {
    Err(missing())
}

#[cfg(not(feature = "object-store"))]
pub(super) fn collect(
    _url: &str,
    _dry_run: bool,
    _grace: Duration,
    _upload_expiry: Duration,
) -> std::future::Ready<Result<Garbage, Failure>> {
    std::future::ready(Err(missing()))
}

#[cfg(not(feature = "object-store"))]
fn missing() -> Failure {
    Failure::usage("--bucket: this crane was built without the feature object-store")
}
