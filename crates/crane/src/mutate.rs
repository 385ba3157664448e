//! Images with other configs and annotations.

use std::path::PathBuf;
use std::sync::Arc;

use wharf::layer::{Compression, Family};
use wharf::mutate::{
    Addendum, ConfigEdits, annotate, annotate_index, append_layers, edit_config, edit_images, recompress,
    remove_annotations, remove_annotations_of_index,
};
use wharf::v1::oci_spec::image::{ImageConfiguration, Os, Platform};
use wharf::v1::{Image, Layer};

use crate::append::{built, is_windows};
use crate::{Content, Error, LayerSource};

/// What [`mutate`] changes. All that is not set stays as it is.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
pub struct MutateOptions {
    /// Annotations to set, in manifests of images and the index.
    pub annotations: Vec<(String, String)>,
    /// Labels to set.
    pub labels: Vec<(String, String)>,
    /// Environment variables to set. Names of new ones get capital letters in an image for Windows.
    pub env: Vec<(String, String)>,
    /// The new entrypoint. What was the command goes, unless there is a new one.
    pub entrypoint: Option<Vec<String>>,
    /// The new command.
    pub cmd: Option<Vec<String>>,
    /// The new user; an empty one is none.
    pub user: Option<String>,
    /// The new working directory; an empty one is none.
    pub working_dir: Option<String>,
    /// The ports that are exposed, in place of those that were.
    pub exposed_ports: Option<Vec<String>>,
    /// For what the image says it is.
    pub platform: Option<Platform>,
    /// Keys of annotations to remove, from manifests of images and the index, before others are set.
    pub remove_annotations: Vec<String>,
    /// Keys of labels to remove, before others are set.
    pub remove_labels: Vec<String>,
    /// Names of environment variables to remove, before others are set.
    pub remove_env: Vec<String>,
    /// How all layers are stored, those that are appended too. Default: as they are.
    pub compression: Option<Compression>,
    /// Layers to append, as for [`append`](crate::append()).
    pub layers: Vec<PathBuf>,
}

impl MutateOptions {
    /// Whether anything but annotations changes.
    #[must_use]
    pub fn edits_images(&self) -> bool {
        self.edits_config() || !self.layers.is_empty() || self.compression.is_some()
    }

    fn edits_config(&self) -> bool {
        let pairs = [&self.labels, &self.env];
        let lists = [&self.entrypoint, &self.cmd, &self.exposed_ports];
        let texts = [&self.user, &self.working_dir];
        pairs.iter().any(|pairs| !pairs.is_empty())
            || lists.iter().any(|list| list.is_some())
            || texts.iter().any(|text| text.is_some())
            || self.platform.is_some()
            || !self.remove_labels.is_empty()
            || !self.remove_env.is_empty()
    }

    /// Changes one config.
    fn apply(&self, config: &mut ImageConfiguration) {
        let mut edits = ConfigEdits::new();
        for key in &self.remove_labels {
            edits = edits.without_label(key);
        }
        for name in &self.remove_env {
            edits = edits.without_env(env_name(config, name));
        }
        for (key, value) in &self.labels {
            edits = edits.label(key, value);
        }
        for (name, value) in &self.env {
            edits = edits.env(env_name(config, name), value);
        }
        if let Some(entrypoint) = &self.entrypoint {
            edits = edits
                .entrypoint(entrypoint.iter().map(String::as_str))
                .without_cmd();
        }
        if let Some(cmd) = &self.cmd {
            edits = edits.cmd(cmd.iter().map(String::as_str));
        }
        edits = match self.user.as_deref() {
            Some("") => edits.without_user(),
            Some(user) => edits.user(user),
            None => edits,
        };
        edits = match self.working_dir.as_deref() {
            Some("") => edits.without_working_dir(),
            Some(path) => edits.working_dir(path),
            None => edits,
        };
        if let Some(ports) = &self.exposed_ports {
            let inner = config.config().as_ref();
            let old = inner.and_then(|inner| inner.exposed_ports().clone());
            for port in old.unwrap_or_default() {
                if !ports.contains(&port) {
                    edits = edits.without_exposed_port(port);
                }
            }
            for port in ports {
                edits = edits.exposed_port(port);
            }
        }
        if let Some(platform) = &self.platform {
            edits = edits.platform(platform.clone());
        }
        edits.apply(config);
    }

    async fn image(
        &self,
        mut image: Arc<dyn Image>,
        layers: &[Arc<dyn Layer>],
    ) -> Result<Arc<dyn Image>, wharf::mutate::Error> {
        if !layers.is_empty() {
            let addenda = layers.iter().cloned().map(Addendum::new);
            image = Arc::new(append_layers(image, addenda));
        }
        if self.edits_config() {
            let options = self.clone();
            image = Arc::new(edit_config(image, move |config| options.apply(config)));
        }
        if let Some(compression) = self.compression {
            image = Arc::new(recompress(image, compression).await?);
        }
        if !self.remove_annotations.is_empty() {
            image = Arc::new(remove_annotations(image, self.remove_annotations.iter().cloned()));
        }
        if !self.annotations.is_empty() {
            image = Arc::new(annotate(image, self.annotations.iter().cloned()));
        }
        Ok(image)
    }

    /// The layers to append to an image of that family.
    async fn built(&self, family: Family, windows: bool) -> Result<Vec<Arc<dyn Layer>>, Error> {
        let sources = self.layers.iter().map(|path| LayerSource::Path(path));
        built(sources, family, windows).await
    }
}

/// A variable's name as the image has it or should have it.
fn env_name(config: &ImageConfiguration, name: &str) -> String {
    if *config.os() != Os::Windows {
        return name.to_owned();
    }
    let inner = config.config().as_ref();
    let there = inner.and_then(|inner| inner.env().as_ref()).into_iter().flatten();
    let mut names = there.filter_map(|variable| Some(variable.split_once('=')?.0));
    match names.find(|known| *known == name) {
        Some(known) => known.to_owned(),
        None => name.to_uppercase(),
    }
}

/// The image with the changes, or the index with every image so (Go: `crane mutate`).
///
/// An index gets the annotations itself, and its images those and all other changes, unless there are no others:
/// then they stay as they are.
///
/// # Errors
/// [`Error::Append`] when a layer cannot be made, [`Error::Mutate`] or [`Error::Content`] when something cannot be
/// read or edited, as the config of what is no image; [`Error::NoImage`] for what is neither image nor index.
pub async fn mutate(content: &Content, options: &MutateOptions) -> Result<Content, Error> {
    match content {
        Content::Image(image) => {
            let layers = if options.layers.is_empty() {
                Vec::new()
            } else {
                options
                    .built(Family::of(&image.media_type()), is_windows(&**image).await?)
                    .await?
            };
            let changed = options.image(Arc::clone(image), &layers).await;
            Ok(Content::Image(changed.map_err(Error::from)?))
        }
        Content::Index(index) => {
            let mut index = Arc::clone(index);
            if options.edits_images() {
                let family = Family::of(&index.media_type());
                let (other, windows) = (
                    options.built(family, false).await?,
                    options.built(family, true).await?,
                );
                let edit = async |listed: wharf::v1::oci_spec::image::Descriptor, image: Arc<dyn Image>| {
                    let platform = listed.platform().as_ref();
                    let layers = match platform.is_some_and(|platform| *platform.os() == Os::Windows) {
                        true => &windows,
                        false => &other,
                    };
                    options.image(image, layers).await
                };
                index = Arc::new(edit_images(index, edit).await?);
            }
            if !options.remove_annotations.is_empty() {
                let keys = options.remove_annotations.iter().cloned();
                index = Arc::new(remove_annotations_of_index(index, keys));
            }
            if !options.annotations.is_empty() {
                index = Arc::new(annotate_index(index, options.annotations.iter().cloned()));
            }
            Ok(Content::Index(index))
        }
        Content::Other { descriptor, .. } => Err(Error::NoImage {
            media_type: descriptor.media_type().clone(),
        }),
    }
}
