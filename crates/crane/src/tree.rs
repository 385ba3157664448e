//! What hangs together.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use wharf::remote::Client;
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::{Descriptor, Digest};
use wharf::v1::{Child, Image, Index, IndexExt as _, PlatformSpec};

use crate::referrers::title;
use crate::{Content, Error, Place, referrers};

/// How deep a tree goes.
const DEEPEST: usize = 8;
/// How many nodes it has.
const MOST_NODES: usize = 10_000;

/// A manifest or blob and what belongs to it. Serialises as what `crane tree --json` prints; fields may be added.
#[non_exhaustive]
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TreeNode {
    /// What it is.
    pub kind: NodeKind,
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its own bytes as stored.
    pub size: u64,
    /// The platform that it is for, as the index states it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What it is for, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The name of the file that it is, for layers of artifacts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
    /// What refers to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub referrers: Vec<Self>,
    /// Whether it is shown elsewhere in the tree, with all that belongs to it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
    /// Whether it is listed, but not there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub missing: bool,
}

/// What a node is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// An index.
    Index,
    /// An image.
    Image,
    /// A manifest that is no image's.
    Artifact,
    /// The config of an image or artifact.
    Config,
    /// A layer.
    Layer,
    /// Something else that an index lists.
    Blob,
}

impl TreeNode {
    /// Bytes of this and all below it, as stored, what is the same counted once.
    #[must_use]
    pub fn total_size(&self) -> u64 {
        let mut sizes = BTreeMap::new();
        self.collect(&mut sizes);
        sizes.values().fold(0u64, |sum, size| sum.saturating_add(*size))
    }

    fn collect<'a>(&'a self, sizes: &mut BTreeMap<&'a str, u64>) {
        if !self.missing {
            sizes.insert(&self.digest, self.size);
        }
        for node in self.children.iter().chain(&self.referrers) {
            node.collect(sizes);
        }
    }

    fn of(kind: NodeKind, descriptor: &Descriptor) -> Self {
        let platform = descriptor.platform().as_ref();
        Self {
            kind,
            digest: descriptor.digest().to_string(),
            media_type: descriptor.media_type().to_string(),
            size: descriptor.size(),
            platform: platform.map(|platform| PlatformSpec::from(platform).to_string()),
            artifact_type: descriptor.artifact_type().as_ref().map(ToString::to_string),
            title: title(descriptor).map(str::to_owned),
            children: Vec::new(),
            referrers: Vec::new(),
            repeated: false,
            missing: false,
        }
    }
}

/// What is at `place` and all that belongs to it: images of an index, their configs and layers, and what refers to each
/// of them. No layer is read.
///
/// # Errors
/// As [`Place::read`] and [`referrers`]; [`Error::Content`] when a manifest cannot be read or is damaged;
/// [`Error::TooLarge`] when there are more than 10 000 nodes.
pub async fn tree(client: &Client, place: &Place) -> Result<TreeNode, Error> {
    let content = place.read(client).await?;
    let descriptor = content.descriptor().await?;
    let mut walk = Walk {
        client,
        place,
        seen: HashSet::new(),
        nodes: 0,
    };
    match content {
        Content::Image(image) => walk.image(image, descriptor, 0).await,
        Content::Index(index) => walk.index(index, descriptor, 0).await,
        Content::Other { .. } => walk.leaf(NodeKind::Artifact, &descriptor),
    }
}

struct Walk<'a> {
    client: &'a Client,
    place: &'a Place,
    /// Manifests that are shown.
    seen: HashSet<Digest>,
    nodes: usize,
}

impl Walk<'_> {
    fn leaf(&mut self, kind: NodeKind, descriptor: &Descriptor) -> Result<TreeNode, Error> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Error::TooLarge { nodes: MOST_NODES });
        }
        Ok(TreeNode::of(kind, descriptor))
    }

    /// What is listed and not there.
    fn missing(&mut self, descriptor: &Descriptor) -> Result<TreeNode, Error> {
        let kind = match descriptor.media_type() {
            media_type if media_type.is_index() => NodeKind::Index,
            media_type if media_type.is_image() => NodeKind::Image,
            _ => NodeKind::Blob,
        };
        let mut node = self.leaf(kind, descriptor)?;
        node.missing = true;
        Ok(node)
    }

    async fn image(
        &mut self,
        image: Arc<dyn Image>,
        descriptor: Descriptor,
        depth: usize,
    ) -> Result<TreeNode, Error> {
        let manifest = image.manifest().await?;
        let view = manifest.view()?;
        let kind = match view.config().media_type().is_config() {
            true => NodeKind::Image,
            false => NodeKind::Artifact,
        };
        let mut node = self.leaf(kind, &descriptor)?;
        if let Some(artifact_type) = view.artifact_type() {
            node.artifact_type = Some(artifact_type.to_string());
        }
        if !self.seen.insert(descriptor.digest().clone()) {
            node.repeated = true;
            return Ok(node);
        }
        node.children.push(self.leaf(NodeKind::Config, view.config())?);
        for layer in view.layers() {
            node.children.push(self.leaf(NodeKind::Layer, layer)?);
        }
        node.referrers = self.referrers(descriptor.digest(), depth).await?;
        Ok(node)
    }

    async fn index(
        &mut self,
        index: Arc<dyn Index>,
        descriptor: Descriptor,
        depth: usize,
    ) -> Result<TreeNode, Error> {
        let mut node = self.leaf(NodeKind::Index, &descriptor)?;
        if !self.seen.insert(descriptor.digest().clone()) || depth >= DEEPEST {
            node.repeated = depth < DEEPEST;
            return Ok(node);
        }
        for child in index.children().await? {
            let shown = match index.child(&child).await {
                Ok(opened) => self.child(opened, child.clone(), depth + 1).await,
                Err(error) => Err(error.into()),
            };
            node.children.push(match shown {
                Err(error) if error.is_not_found() => self.missing(&child)?,
                shown => shown?,
            });
        }
        node.referrers = self.referrers(descriptor.digest(), depth).await?;
        Ok(node)
    }

    /// Boxed, since it leads back to where it is called from.
    fn child(
        &mut self,
        child: Child,
        descriptor: Descriptor,
        depth: usize,
    ) -> BoxFuture<'_, Result<TreeNode, Error>> {
        async move {
            match child {
                Child::Image(image) => self.image(image, descriptor, depth).await,
                Child::Index(index) => self.index(index, descriptor, depth).await,
                _ => self.leaf(NodeKind::Blob, &descriptor),
            }
        }
        .boxed()
    }

    async fn referrers(&mut self, subject: &Digest, depth: usize) -> Result<Vec<TreeNode>, Error> {
        if depth >= DEEPEST {
            return Ok(Vec::new());
        }
        let mut nodes = Vec::new();
        for descriptor in referrers(self.client, self.place, subject, None).await? {
            let place = self.place.at_digest(descriptor.digest());
            let content = place.read(self.client).await?;
            let child = match content {
                Content::Image(image) => Child::Image(image),
                Content::Index(index) => Child::Index(index),
                Content::Other { .. } => {
                    nodes.push(self.leaf(NodeKind::Artifact, &descriptor)?);
                    continue;
                }
            };
            nodes.push(self.child(child, descriptor, depth + 1).await?);
        }
        Ok(nodes)
    }
}
