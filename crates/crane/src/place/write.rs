//! Storing something at a place.

use std::path::Path;
use std::sync::Arc;

use wharf::layout::{AppendOptions, ArchiveBuilder, Layout};
use wharf::name::Tag;
use wharf::remote::Client;
use wharf::tarball::{self, TaggedImage, WriteOptions};
use wharf::v1::media_type::MediaTypeExt as _;
use wharf::v1::oci_spec::image::Descriptor;
use wharf::v1::{Image, Matcher};

use crate::{Content, Entry, Error, Place};

impl Place {
    /// Stores `content` here, and says what it is.
    ///
    /// A layout that is there gets it added, in place of what has the same name; a file is replaced. A docker
    /// archive holds one image, so of an index that for `linux/amd64`. A failure leaves no partial file, and no
    /// layout that was not there before.
    ///
    /// `client` is used for registries only.
    ///
    /// # Errors
    /// [`Error::Remote`] when a registry refuses or cannot be reached; [`Error::Save`] when it cannot be stored,
    /// or reading it fails on the way; [`Error::NoImage`] when a file cannot hold it; [`Error::WrongDigest`] when
    /// the place has a digest, and it is not that of `content`.
    pub async fn write(&self, client: &Client, content: &Content) -> Result<Descriptor, Error> {
        match self {
            Self::Registry(reference) => Ok(match content {
                Content::Image(image) => client.write(reference, image).await?,
                Content::Index(index) => client.write_index(reference, index).await?,
                Content::Other { descriptor, raw } => {
                    client
                        .put(reference, descriptor.media_type().clone(), raw.clone())
                        .await?
                }
            }),
            Self::Layout { path, entry } => {
                let options = self.entry_options(entry, content).await?;
                into_layout(path, entry, content, &options).await
            }
            Self::LayoutArchive { path, entry } => {
                let options = self.entry_options(entry, content).await?;
                let builder = match content {
                    Content::Image(image) => ArchiveBuilder::new().with_image(Arc::clone(image), &options),
                    Content::Index(index) => ArchiveBuilder::new().with_index(Arc::clone(index), &options),
                    other => return Err(no_image(other)),
                };
                let written = builder.write_file(path).await;
                written.map_err(|error| Error::save("OCI archive", path, error))?;
                content.descriptor().await
            }
            Self::DockerArchive { path, tag } => {
                let image = content.image(None).await?;
                let manifest = image.manifest().await?;
                let config = manifest.view()?.config().media_type();
                if !config.is_config() {
                    return Err(Error::NoImage {
                        media_type: config.clone(),
                    });
                }
                into_docker_archive(path, tag.as_ref(), Arc::clone(&image)).await?;
                Ok(image.descriptor().await?)
            }
        }
    }

    /// How the entry is made that a layout gets.
    async fn entry_options(&self, entry: &Entry, content: &Content) -> Result<AppendOptions, Error> {
        let options = AppendOptions::new();
        match entry {
            Entry::Only => Ok(options),
            Entry::Named(name) => Ok(options.with_ref_name(name)),
            Entry::Digest(want) => {
                let have = content.descriptor().await?;
                if have.digest() == want {
                    return Ok(options);
                }
                Err(Error::WrongDigest {
                    place: self.to_string(),
                    have: have.digest().clone(),
                })
            }
        }
    }
}

async fn into_layout(
    path: &Path,
    entry: &Entry,
    content: &Content,
    options: &AppendOptions,
) -> Result<Descriptor, Error> {
    let failed = |error| Error::save("OCI layout", path, error);
    if matches!(content, Content::Other { .. }) {
        return Err(no_image(content));
    }
    let layout = Layout::create(path).await.map_err(failed)?;
    let written = match (content, entry) {
        (Content::Image(image), Entry::Named(name)) => {
            layout.replace_image(image, &Matcher::name(name), options).await
        }
        (Content::Index(index), Entry::Named(name)) => {
            layout.replace_index(index, &Matcher::name(name), options).await
        }
        (Content::Image(image), _) => layout.append_image(image, options).await,
        (Content::Index(index), _) => layout.append_index(index, options).await,
        (Content::Other { .. }, _) => return Err(no_image(content)),
    };
    written.map_err(failed)
}

async fn into_docker_archive(path: &Path, tag: Option<&Tag>, image: Arc<dyn Image>) -> Result<(), Error> {
    let mut tagged = TaggedImage::new(image);
    if let Some(tag) = tag {
        tagged = tagged.with_reference(&tag.clone().into());
    }
    let written = tarball::write_file(&[tagged], path, &WriteOptions::new()).await;
    written
        .map(drop)
        .map_err(|error| Error::save("tarball", path, error))
}

fn no_image(content: &Content) -> Error {
    Error::NoImage {
        media_type: content.media_type(),
    }
}
