//! Images with the names that they have in an archive.

use std::sync::Arc;

use wharf_name::Reference;
use wharf_v1::Image;

/// The tag of images that were named by a digest, which an archive cannot hold.
const DIGEST_TAG: &str = "i-was-a-digest";

/// An image and the names that it gets in an archive.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct TaggedImage {
    /// The `RepoTags` of the image, each `name:tag`. May be empty.
    pub repo_tags: Vec<String>,
    /// The image.
    pub image: Arc<dyn Image>,
}

impl TaggedImage {
    /// An image without a name.
    #[must_use]
    pub fn new(image: Arc<dyn Image>) -> Self {
        Self {
            repo_tags: Vec::new(),
            image,
        }
    }

    /// Adds a name, as it is.
    #[must_use]
    pub fn with_repo_tag(mut self, repo_tag: impl Into<String>) -> Self {
        self.repo_tags.push(repo_tag.into());
        self
    }

    /// Adds the name that `docker load` gives the image for a reference: a tag as it was typed, with
    /// `:latest` where no tag was; a digest, for which archives have no place, as the full name of the
    /// repository with the tag `i-was-a-digest`.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// use wharf_tarball::TaggedImage;
    /// use wharf_v1::empty;
    ///
    /// let image = TaggedImage::new(Arc::new(empty::image()))
    ///     .with_reference(&"ubuntu".parse()?)
    ///     .with_reference(&"ghcr.io/org/app:v1".parse()?);
    /// assert_eq!(image.repo_tags, ["ubuntu:latest", "ghcr.io/org/app:v1"]);
    /// # Ok::<(), wharf_name::ParseError>(())
    /// ```
    #[must_use]
    pub fn with_reference(self, reference: &Reference) -> Self {
        let repo_tag = match reference {
            Reference::Tag(tag) => {
                let (typed, tag) = (tag.as_typed(), tag.tag());
                let has_tag = typed.strip_suffix(tag).is_some_and(|name| name.ends_with(':'));
                if has_tag {
                    typed.to_owned()
                } else {
                    format!("{typed}:{tag}")
                }
            }
            Reference::Digest(digest) => format!("{}:{DIGEST_TAG}", digest.repository()),
        };
        self.with_repo_tag(repo_tag)
    }
}

#[cfg(test)]
mod tests {
    use wharf_v1::empty;

    use super::*;

    #[track_caller]
    fn check(reference: &str, want: &str) {
        let image = TaggedImage::new(Arc::new(empty::image()));
        let image = image.with_reference(&reference.parse().expect("a reference"));
        assert_eq!(image.repo_tags, [want], "{reference}");
    }

    #[test]
    fn names_stay_as_typed() {
        check("ubuntu", "ubuntu:latest");
        check("ubuntu:latest", "ubuntu:latest");
        check("ubuntu:22.04", "ubuntu:22.04");
        check("latest", "latest:latest");
        check("localhost:5000/a", "localhost:5000/a:latest");
        check("docker.io/library/ubuntu", "docker.io/library/ubuntu:latest");
        let digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        check(
            &format!("ubuntu{digest}"),
            "index.docker.io/library/ubuntu:i-was-a-digest",
        );
        check(&format!("ghcr.io/a/b:v1{digest}"), "ghcr.io/a/b:i-was-a-digest");
    }
}
