//! What a token is asked for.

use std::collections::BTreeSet;
use std::fmt;

use wharf_name::Repository;

/// What a token has to allow: a type of resource, its name, and what will be done with it
/// ([token scope](https://distribution.github.io/distribution/spec/auth/scope/)).
///
/// ```
/// use wharf_transport::Scope;
///
/// let scope = Scope::new("repository", "library/ubuntu", ["pull", "push"]);
/// assert_eq!(scope.to_string(), "repository:library/ubuntu:pull,push");
/// assert!(scope.covers(&Scope::parse("repository:library/ubuntu:pull").expect("a scope")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    kind: String,
    name: String,
    actions: BTreeSet<String>,
}

/// What is done with a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Actions {
    /// Read.
    Pull,
    /// Read and write.
    Push,
    /// Read, write and delete. Some registries demand `delete` by name.
    Delete,
}

impl Scope {
    /// A scope of its parts.
    #[must_use]
    pub fn new<A: Into<String>>(
        kind: impl Into<String>,
        name: impl Into<String>,
        actions: impl IntoIterator<Item = A>,
    ) -> Self {
        Self {
            kind: kind.into(),
            name: name.into(),
            actions: actions.into_iter().map(Into::into).collect(),
        }
    }

    /// Doing something with a repository: `repository:<path>:…`.
    #[must_use]
    pub fn repository(repository: &Repository, actions: Actions) -> Self {
        let actions: &[&str] = match actions {
            Actions::Pull => &["pull"],
            Actions::Push => &["pull", "push"],
            Actions::Delete => &["delete", "pull", "push"],
        };
        Self::new("repository", repository.path(), actions.iter().copied())
    }

    /// Listing the repositories of a registry: `registry:catalog:*`.
    #[must_use]
    pub fn catalog() -> Self {
        Self::new("registry", "catalog", ["*"])
    }

    /// Parses `type:name:action,action`. The name may have colons itself. `None` if the text has another form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions = actions.split(',').filter(|action| !action.is_empty());
        (!kind.is_empty() && !name.is_empty()).then(|| Self::new(kind, name, actions))
    }

    /// Parses the scopes in the parameter of a challenge, which are separated by spaces. Those of another form are
    /// left out.
    #[must_use]
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split_ascii_whitespace().filter_map(Self::parse).collect()
    }

    /// Whether a token for this scope also allows `other`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.name == other.name
            && (self.actions.contains("*") || self.actions.is_superset(&other.actions))
    }

    /// The same for a repository that has another name elsewhere; `None` if it is not for that repository.
    pub(crate) fn renamed(&self, from: &Repository, to: &Repository) -> Option<Self> {
        (self.kind == "repository" && self.name == from.path()).then(|| Self {
            name: to.path().to_owned(),
            ..self.clone()
        })
    }

    /// Adds `scope` to `scopes`: into the one for the same resource where there is one, else at the end.
    pub fn merge_into(scopes: &mut Vec<Self>, scope: &Self) {
        match scopes
            .iter_mut()
            .find(|known| known.kind == scope.kind && known.name == scope.name)
        {
            Some(known) => known.actions.extend(scope.actions.iter().cloned()),
            None => scopes.push(scope.clone()),
        }
    }

    /// Whether tokens for `scopes` allow all that is `wanted`.
    #[must_use]
    pub fn all_covered(scopes: &[Self], wanted: &[Self]) -> bool {
        wanted
            .iter()
            .all(|wanted| scopes.iter().any(|scope| scope.covers(wanted)))
    }
}

impl fmt::Display for Scope {
    /// `type:name:action,action`, actions in alphabetical order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.kind, self.name)?;
        for (at, action) in self.actions.iter().enumerate() {
            write!(f, "{}{action}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        assert_eq!(
            Scope::parse(text).map(|scope| scope.to_string()).as_deref(),
            want,
            "{text}"
        );
    }

    #[test]
    fn scopes_are_parsed_by_their_colons() {
        check("repository:a/b:pull", Some("repository:a/b:pull"));
        check("repository:a/b:push,pull,push", Some("repository:a/b:pull,push"));
        check("repository(plugin):a/b:pull", Some("repository(plugin):a/b:pull"));
        check("repository:host:5000/a:pull", Some("repository:host:5000/a:pull"));
        check("registry:catalog:*", Some("registry:catalog:*"));
        check("repository:a/b:", Some("repository:a/b:"));
        check("openid", None);
        check("a:b", None);
        check(":a:pull", None);
        check("", None);
    }

    #[test]
    fn merging_joins_the_actions_of_one_resource() {
        let mut scopes = Scope::parse_list("repository:a:push repository:b:pull");
        Scope::merge_into(&mut scopes, &Scope::new("repository", "a", ["pull"]));
        Scope::merge_into(&mut scopes, &Scope::catalog());
        let texts: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "repository:a:pull,push",
                "repository:b:pull",
                "registry:catalog:*"
            ]
        );
        assert!(Scope::all_covered(
            &scopes,
            &Scope::parse_list("repository:a:pull repository:b:pull")
        ));
        assert!(!Scope::all_covered(
            &scopes,
            &Scope::parse_list("repository:b:push")
        ));
    }
}
