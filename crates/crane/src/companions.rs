//! What goes along with an image: what refers to it, and tags that are named after its digest.

use std::collections::HashSet;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use wharf::name::{Reference, Repository};
use wharf::remote::Client;
use wharf::v1::IndexExt as _;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::Digest;

use crate::copy::{CopyOptions, copy_alone};
use crate::{Content, Error, Place, referrers};

/// How far referrers of referrers are followed.
const DEEPEST: usize = 8;

/// Copies what goes along with `content`, which was copied from `src` to `dst`.
pub(crate) async fn copy_companions(
    client: &Client,
    src: &Place,
    dst: &Place,
    content: &Content,
    options: &CopyOptions,
) -> Result<(), Error> {
    let mut copied = HashSet::new();
    let mut manifests = vec![content.descriptor().await?.digest().clone()];
    if let Content::Index(index) = content {
        let children = index.children().await?.into_iter();
        let children =
            children.filter(|child| child.media_type().is_image() || child.media_type().is_index());
        manifests.extend(children.map(|child| child.digest().clone()));
    }
    if options.referrers {
        let mut walk = Walk {
            client,
            src,
            dst,
            copied: &mut copied,
        };
        for manifest in &manifests {
            walk.referrers_of(manifest.clone(), 0).await?;
        }
    }
    if options.digest_tags
        && let (Place::Registry(src), Place::Registry(dst)) = (src, dst)
    {
        manifests.extend(copied);
        let (src, dst) = (src.repository(), dst.repository());
        copy_digest_tags(client, src, dst, &manifests, options).await?;
    }
    Ok(())
}

struct Walk<'a> {
    client: &'a Client,
    src: &'a Place,
    dst: &'a Place,
    /// Those that were copied.
    copied: &'a mut HashSet<Digest>,
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
                copy_alone(self.client, &from, &to, &CopyOptions::default()).await?;
                self.referrers_of(digest, depth + 1).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

/// Copies the tags that begin with one of these digests: `sha256-….sig`, as signing tools make them.
async fn copy_digest_tags(
    client: &Client,
    src: &Repository,
    dst: &Repository,
    manifests: &[Digest],
    options: &CopyOptions,
) -> Result<(), Error> {
    let stems: HashSet<String> = manifests
        .iter()
        .map(|digest| digest.to_string().replace(':', "-"))
        .collect();
    for tag in client.tags(src).collect_all().await? {
        let (stem, suffix) = tag.split_once('.').unwrap_or((&tag, ""));
        // The bare one lists referrers, and is kept when those are written.
        if !stems.contains(stem) || suffix.is_empty() && options.referrers {
            continue;
        }
        let (from, to) = (Reference::Tag(src.tag(&tag)?), Reference::Tag(dst.tag(&tag)?));
        copy_alone(client, &from.into(), &to.into(), &CopyOptions::default()).await?;
    }
    Ok(())
}
