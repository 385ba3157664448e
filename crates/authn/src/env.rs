//! The one place where this crate reads the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::Secret;

/// The variables that say where credentials are.
///
/// Unset and empty are the same. Relative `XDG_*` paths are ignored, as the [XDG specification] demands.
///
/// | Variable | Meaning |
/// |---|---|
/// | `REGISTRY_AUTH_FILE` | a file of credentials |
/// | `DOCKER_AUTH_CONFIG` | the text of such a file |
/// | `DOCKER_CONFIG` | the directory of docker's `config.json`; default `~/.docker` |
/// | `XDG_RUNTIME_DIR` | where podman keeps `containers/auth.json`; of this process, on Linux, default `/run/containers/<uid>/auth.json` |
/// | `XDG_CONFIG_HOME` | where it may also be; default `~/.config` |
/// | `HOME` (Windows: `USERPROFILE`) | the home directory, `~` |
/// | `GITHUB_TOKEN`, `GITHUB_ACTOR` | the token of a GitHub workflow, and whose it is |
/// | `PATH` | where credential helpers are |
///
/// [XDG specification]: https://specifications.freedesktop.org/basedir-spec/latest/
#[derive(Clone, Debug, Default)]
pub struct Environment {
    registry_auth_file: Option<PathBuf>,
    docker_auth_config: Option<Secret>,
    docker_config: Option<PathBuf>,
    xdg_runtime_dir: Option<PathBuf>,
    /// Where podman keeps its file without that.
    user_auth_file: Option<PathBuf>,
    xdg_config_home: Option<PathBuf>,
    home: Option<PathBuf>,
    github_token: Option<Secret>,
    github_actor: Option<String>,
    #[cfg(feature = "helper")]
    path: Option<OsString>,
}

impl Environment {
    /// Reads the environment of this process, once.
    pub fn from_process() -> Self {
        Self {
            user_auth_file: user_auth_file(),
            ..Self::from_lookup(variable)
        }
    }

    /// Asks `lookup` for each variable.
    ///
    /// ```
    /// use wharf_authn::{DefaultKeychain, Environment};
    ///
    /// let environment = Environment::from_lookup(|name| (name == "HOME").then(|| "/home/alice".into()));
    /// let keychain = DefaultKeychain::new(environment);
    /// # drop(keychain);
    /// ```
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let lookup = |name| lookup(name).filter(|value| !value.is_empty());
        let text = |name| {
            let lossy = |text: OsString| text.to_string_lossy().into_owned();
            lookup(name).map(|text| text.into_string().unwrap_or_else(lossy))
        };
        let path = |name| lookup(name).map(PathBuf::from);
        let absolute = |name| path(name).filter(|path| path.is_absolute());
        Self {
            registry_auth_file: path("REGISTRY_AUTH_FILE"),
            // What is not UTF-8 is not JSON either, and is reported as such when it is read.
            docker_auth_config: text("DOCKER_AUTH_CONFIG").map(Secret::from),
            docker_config: path("DOCKER_CONFIG"),
            xdg_runtime_dir: absolute("XDG_RUNTIME_DIR"),
            user_auth_file: None,
            xdg_config_home: absolute("XDG_CONFIG_HOME"),
            home: path(if cfg!(windows) { "USERPROFILE" } else { "HOME" }),
            github_token: text("GITHUB_TOKEN").map(Secret::from),
            github_actor: text("GITHUB_ACTOR"),
            #[cfg(feature = "helper")]
            path: lookup("PATH"),
        }
    }

    pub(crate) fn registry_auth_file(&self) -> Option<&Path> {
        self.registry_auth_file.as_deref()
    }

    pub(crate) fn docker_auth_config(&self) -> Option<&Secret> {
        self.docker_auth_config.as_ref()
    }

    /// Docker's `config.json`.
    pub(crate) fn docker_config_file(&self) -> Option<PathBuf> {
        let home = || self.home.as_ref().map(|home| home.join(".docker"));
        Some(self.docker_config.clone().or_else(home)?.join("config.json"))
    }

    /// The `containers/auth.json` that lasts as long as the session.
    pub(crate) fn runtime_auth_file(&self) -> Option<PathBuf> {
        let of_session = self.xdg_runtime_dir.as_ref();
        let of_session = of_session.map(|directory| directory.join("containers/auth.json"));
        of_session.or_else(|| self.user_auth_file.clone())
    }

    /// The `containers/auth.json` that stays.
    pub(crate) fn config_auth_file(&self) -> Option<PathBuf> {
        let home = || self.home.as_ref().map(|home| home.join(".config"));
        Some(
            self.xdg_config_home
                .clone()
                .or_else(home)?
                .join("containers/auth.json"),
        )
    }

    pub(crate) fn github_token(&self) -> Option<&Secret> {
        self.github_token.as_ref()
    }

    pub(crate) fn github_actor(&self) -> Option<&str> {
        self.github_actor.as_deref()
    }

    /// Where programs are looked for.
    #[cfg(feature = "helper")]
    pub(crate) fn path(&self) -> Option<&OsString> {
        self.path.as_ref()
    }
}

/// The file of whoever has no session, as root in a container or a service, by the user that this process runs as.
fn user_auth_file() -> Option<PathBuf> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        let user = std::fs::metadata("/proc/self").ok()?.uid();
        Some(format!("/run/containers/{user}/auth.json").into())
    }
    #[cfg(not(target_os = "linux"))]
    None
}

/// A variable of this process.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the file that reads the environment"
)]
pub(crate) fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_session_comes_before_that_of_the_user() {
        let environment = |directory: &'static str| Environment {
            user_auth_file: Some("/run/containers/7/auth.json".into()),
            ..Environment::from_lookup(move |name| (name == "XDG_RUNTIME_DIR").then(|| directory.into()))
        };
        let file = |directory| environment(directory).runtime_auth_file().expect("a file");
        for unset in ["", "relative"] {
            assert_eq!(file(unset), Path::new("/run/containers/7/auth.json"));
        }
        #[cfg(unix)]
        assert_eq!(file("/run/user/7"), Path::new("/run/user/7/containers/auth.json"));
        // Others than this process have no user.
        assert_eq!(Environment::from_lookup(|_| None).runtime_auth_file(), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_user_is_that_of_this_process() {
        let id = std::process::Command::new("id")
            .arg("-u")
            .output()
            .expect("id starts");
        let id = String::from_utf8(id.stdout).expect("a number");
        let want = format!("/run/containers/{}/auth.json", id.trim());
        assert_eq!(user_auth_file().as_deref(), Some(Path::new(&want)));
    }
}
