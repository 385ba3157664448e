//! What a request asks for, as far as it matters for who may answer it.

use http::Method;

use crate::{RegistryContext, Scope};

use super::Capabilities;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// The manifest of a tag, or of a digest.
    Manifest {
        digest: Option<String>,
    },
    Blob,
    /// Lists and whatever else is read.
    List,
    /// Writes, and questions whether something still has to be written: what a mirror has, the registry may lack.
    Write,
}

impl Ask {
    /// By the method, what a token for it has to allow, and what follows the repository's name in the path.
    pub(super) fn of(method: &Method, context: &RegistryContext, tail: &str) -> Self {
        if !matches!(*method, Method::GET | Method::HEAD) || is_part_of_write(context) {
            return Self::Write;
        }
        let single = |text: &str| !text.is_empty() && !text.contains('/');
        if let Some(identifier) = tail.strip_prefix("/manifests/").filter(|text| single(text)) {
            // No tag has a colon, and each digest has one.
            let digest = identifier.contains(':').then(|| identifier.to_owned());
            return Self::Manifest { digest };
        }
        match tail.strip_prefix("/blobs/") {
            Some(digest) if single(digest) && digest.contains(':') => Self::Blob,
            _ => Self::List,
        }
    }

    /// Whether mirrors may have it.
    pub(super) fn is_content(&self) -> bool {
        matches!(self, Self::Manifest { .. } | Self::Blob)
    }

    pub(super) fn is_allowed(&self, capabilities: Capabilities) -> bool {
        match self {
            Self::Manifest { digest: None } => capabilities.resolve,
            Self::Manifest { digest: Some(_) } | Self::Blob => capabilities.pull,
            Self::List => true,
            Self::Write => capabilities.push,
        }
    }
}

/// Whether a request is made in order to write: it then needs a token that allows it.
fn is_part_of_write(context: &RegistryContext) -> bool {
    context.repository.as_ref().is_some_and(|repository| {
        let write = Scope::new("repository", repository.path(), ["push"]);
        context.scopes.iter().any(|scope| scope.covers(&write))
    })
}

#[cfg(test)]
mod tests {
    use wharf_name::Repository;

    use super::*;
    use crate::Actions;

    fn context(actions: Actions) -> RegistryContext {
        let repository: Repository = "registry.example/app".parse().expect("a repository");
        RegistryContext::of(&repository).with_scope(Scope::repository(&repository, actions))
    }

    #[track_caller]
    fn check(method: Method, tail: &str, want: Ask) {
        let ask = Ask::of(&method, &context(Actions::Pull), tail);
        assert_eq!(ask, want, "{method} {tail}");
        for actions in [Actions::Push, Actions::Delete] {
            let ask = Ask::of(&method, &context(actions), tail);
            assert_eq!(ask, Ask::Write, "{method} {tail}");
        }
    }

    #[test]
    fn kinds() {
        check(Method::GET, "/manifests/v1", Ask::Manifest { digest: None });
        let digest = Some("sha256:ab".to_owned());
        check(Method::HEAD, "/manifests/sha256:ab", Ask::Manifest { digest });
        check(Method::GET, "/blobs/sha256:ab", Ask::Blob);
        check(Method::GET, "/blobs/uploads/", Ask::List);
        check(Method::GET, "/blobs/uploads/0-1-2", Ask::List);
        check(Method::GET, "/blobs/uploads", Ask::List);
        check(Method::GET, "/tags/list", Ask::List);
        check(Method::GET, "/referrers/sha256:ab", Ask::List);
        check(Method::GET, "/manifests/", Ask::List);
        check(Method::PUT, "/manifests/v1", Ask::Write);
        check(Method::DELETE, "/blobs/sha256:ab", Ask::Write);
        check(Method::POST, "/blobs/uploads/", Ask::Write);
    }
}
