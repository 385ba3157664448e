//! Where `crane registry serve --bucket` keeps its content.

use std::sync::Arc;

use wharf::registry::Store;

use crate::failure::Failure;

/// The store in the bucket that a URL names.
#[cfg(feature = "object-store")]
pub(super) fn open(url: &str) -> Result<Arc<dyn Store>, Failure> {
    use object_store::ObjectStore;
    use object_store::aws::AmazonS3Builder;
    use object_store::local::LocalFileSystem;
    use object_store::memory::InMemory;
    use wharf::registry::store::BucketStore;

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
    Ok(Arc::new(BucketStore::new(bucket, prefix)))
}

/// Not without the crates for it.
#[cfg(not(feature = "object-store"))]
pub(super) fn open(_url: &str) -> Result<Arc<dyn Store>, Failure> {
    Err(Failure::usage(
        "--bucket: this crane was built without the feature object-store",
    ))
}
