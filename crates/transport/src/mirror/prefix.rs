use std::fmt;
use std::str::FromStr;

use wharf_name::Registry;

use super::location::{self, InvalidLocation, LocationProblem, familiar, invalid};

/// Which names a [`Rule`](super::Rule) is for: `host[:port][/path]`, or `*.domain[/path]` for all hosts below a domain.
///
/// A path is matched by whole components, a host with its port: `example.com` is not `example.com:5000`. A domain
/// without a port matches its hosts with any.
///
/// ```
/// use wharf_transport::mirror::Prefix;
///
/// let prefix: Prefix = "example.com/team".parse()?;
/// assert!(prefix.matches(&"example.com/team/app".parse()?));
/// assert!(!prefix.matches(&"example.com/teams/app".parse()?));
/// let prefix: Prefix = "*.example.com".parse()?;
/// assert!(prefix.matches(&"eu.example.com/app".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    hosts: Hosts,
    path: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Hosts {
    Any,
    One(Registry),
    /// The domain with a dot before it.
    Below(String),
}

impl Prefix {
    /// All names, for which there is no other rule.
    #[must_use]
    pub fn any() -> Self {
        Self {
            hosts: Hosts::Any,
            path: String::new(),
        }
    }

    /// All names in a registry.
    #[must_use]
    pub fn of(registry: Registry) -> Self {
        Self {
            hosts: Hosts::One(registry),
            path: String::new(),
        }
    }

    /// Whether a repository's name has this prefix.
    #[must_use]
    pub fn matches(&self, repository: &wharf_name::Repository) -> bool {
        self.rest(repository.registry(), Some(repository.path()))
            .is_some()
    }

    /// What follows the prefix in the path of a repository; `None` if the name does not have the prefix. A request for
    /// a registry as a whole has no path.
    pub(super) fn rest<'a>(&self, registry: &Registry, path: Option<&'a str>) -> Option<&'a str> {
        let here = match &self.hosts {
            Hosts::Any => true,
            Hosts::One(one) => one == registry,
            Hosts::Below(domain) => is_below(registry, domain),
        };
        if !here {
            return None;
        }
        if self.path.is_empty() {
            return Some(path.unwrap_or_default());
        }
        match path?.strip_prefix(&self.path)? {
            "" => Some(""),
            rest => rest.strip_prefix('/'),
        }
    }

    /// The registry, if the prefix is of one.
    pub(super) fn registry(&self) -> Option<&Registry> {
        match &self.hosts {
            Hosts::One(registry) => Some(registry),
            Hosts::Any | Hosts::Below(_) => None,
        }
    }

    /// Of several rules that match, the one with the longest prefix counts.
    pub(super) fn len(&self) -> usize {
        let hosts = match &self.hosts {
            Hosts::Any => 0,
            Hosts::One(registry) => registry.as_str().len(),
            Hosts::Below(domain) => domain.len() + 1,
        };
        hosts + self.path.len()
    }
}

fn is_below(registry: &Registry, domain: &str) -> bool {
    let name = familiar(registry);
    let host = match name.rsplit_once(':') {
        Some((host, _)) if !domain.contains(':') && registry.port().is_some() => host,
        _ => name,
    };
    host.strip_suffix(domain).is_some_and(|label| !label.is_empty())
}

impl FromStr for Prefix {
    type Err = InvalidLocation;

    fn from_str(text: &str) -> Result<Self, InvalidLocation> {
        let Some(domain) = text.strip_prefix("*.") else {
            let (registry, path) = location::parse(text)?;
            return Ok(Self {
                hosts: Hosts::One(registry),
                path,
            });
        };
        if domain.is_empty() || domain.starts_with('/') {
            return Err(invalid(text, LocationProblem::Empty));
        }
        // With a label in place of the star it has to be a host.
        let (registry, path) =
            location::parse(&format!("x.{domain}")).map_err(|error| invalid(text, error.reason))?;
        let domain = registry.as_str().trim_start_matches('x').to_owned();
        Ok(Self {
            hosts: Hosts::Below(domain),
            path,
        })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Any => f.write_str("*")?,
            Hosts::One(registry) => f.write_str(familiar(registry))?,
            Hosts::Below(domain) => write!(f, "*{domain}")?,
        }
        if !self.path.is_empty() {
            write!(f, "/{}", self.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(prefix: &str, name: &str, want: Option<&str>) {
        let prefix: Prefix = prefix.parse().expect("a prefix");
        let name: wharf_name::Repository = name.parse().expect("a repository");
        assert_eq!(prefix.rest(name.registry(), Some(name.path())), want, "{prefix}");
    }

    #[test]
    fn matching() {
        check("example.com", "example.com/a/b", Some("a/b"));
        check("example.com/", "example.com/a/b", Some("a/b"));
        check("Example.com", "example.com/a", Some("a"));
        check("example.com/a", "example.com/a/b", Some("b"));
        check("example.com/a/b", "example.com/a/b", Some(""));
        check("example.com/a", "example.com/ab", None);
        check("example.com", "example.com:5000/a", None);
        check("example.com:5000", "example.com:5000/a", Some("a"));
        check("example.com", "example.com.evil.net/a", None);
        check("docker.io", "ubuntu", Some("library/ubuntu"));
        check("docker.io/library", "ubuntu", Some("ubuntu"));
        check("docker.io/library/ubuntu", "ubuntu", Some(""));
        check("docker.io/ubuntu", "ubuntu", None);
        check("*.example.com", "a.example.com/x", Some("x"));
        check("*.example.com", "a.b.example.com/x", Some("x"));
        check("*.example.com", "a.example.com:5000/x", Some("x"));
        check("*.example.com:5000", "a.example.com:5000/x", Some("x"));
        check("*.example.com:5000", "a.example.com/x", None);
        check("*.example.com", "example.com/x", None);
        check("*.example.com", "aexample.com/x", None);
        check("*.example.com", "a.example.com.net/x", None);
        check("*.example.com/team", "a.example.com/team/x", Some("x"));
        check("*.docker.io", "ubuntu", None);
    }

    #[test]
    fn refused() {
        for text in [
            "",
            "/",
            "/a",
            "https://example.com",
            "user@example.com/a",
            "example.com/a:tag",
            "example.com/a@sha256:0",
            "example.com/A B",
            "*.",
            "*./a",
            "*",
            "a.*.com",
            "*example.com",
            "mirror",
            "mirror/a",
        ] {
            assert!(text.parse::<Prefix>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_can_be_read_can_be_read_again(text in r"(\*\.)?[a-z.*:/@0-9-]{0,24}") {
            if let Ok(prefix) = text.parse::<Prefix>() {
                prop_assert_eq!(prefix.to_string().parse::<Prefix>(), Ok(prefix));
            }
        }
    }
}
