//! Images of one layer.

use std::sync::Arc;

use wharf::mutate::{FlattenOptions, flatten_index};

use crate::{Content, Error};

/// The image with all its layers merged into one, or the index with every image so (Go: `crane flatten`).
///
/// The new layers lie in temporary files as long as what is returned is there.
///
/// # Errors
/// [`Error::Mutate`] when something cannot be read, or is damaged; [`Error::NoImage`] for what is neither image
/// nor index.
pub async fn flatten(content: &Content, options: &FlattenOptions) -> Result<Content, Error> {
    Ok(match content {
        Content::Image(image) => Content::Image(Arc::new(
            wharf::mutate::flatten(Arc::clone(image), options).await?,
        )),
        Content::Index(index) => Content::Index(Arc::new(flatten_index(Arc::clone(index), options).await?)),
        Content::Other { descriptor, .. } => {
            return Err(Error::NoImage {
                media_type: descriptor.media_type().clone(),
            });
        }
    })
}
