//! What refers to an image, copied with it from or to a layout. Between registries the client does that.

use std::collections::HashSet;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use wharf::remote::Client;
use wharf::v1::IndexExt as _;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::Digest;

use crate::copy::copy_alone;
use crate::{Content, Error, Place, referrers};

/// How far referrers of referrers are followed.
const DEEPEST: usize = 8;

/// Copies what refers to `content`, which was copied from `src` to `dst`, one of which is no registry.
pub(crate) async fn copy_referrers(
    client: &Client,
    src: &Place,
    dst: &Place,
    content: &Content,
) -> Result<(), Error> {
    let mut manifests = vec![content.descriptor().await?.digest().clone()];
    if let Content::Index(index) = content {
        let children = index.children().await?.into_iter();
        let children =
            children.filter(|child| child.media_type().is_image() || child.media_type().is_index());
        manifests.extend(children.map(|child| child.digest().clone()));
    }
    let mut walk = Walk {
        client,
        src,
        dst,
        copied: HashSet::new(),
    };
    for manifest in manifests {
        walk.referrers_of(manifest, 0).await?;
    }
    Ok(())
}

struct Walk<'a> {
    client: &'a Client,
    src: &'a Place,
    dst: &'a Place,
    /// Those that were copied.
    copied: HashSet<Digest>,
}

impl Walk<'_> {
    fn referrers_of(&mut self, subject: Digest, depth: usize) -> BoxFuture<'_, Result<(), Error>> {
        async move {
            if depth >= DEEPEST {
                return Ok(());
            }
            for referrer in referrers(self.client, self.src, &subject, None).await? {
                let digest = referrer.digest().clone();
                if !self.copied.insert(digest.clone()) {
                    continue;
                }
                let (from, to) = (self.src.at_digest(&digest), self.dst.at_digest(&digest));
                copy_alone(self.client, &from, &to, &[]).await?;
                self.referrers_of(digest, depth + 1).await?;
            }
            Ok(())
        }
        .boxed()
    }
}
