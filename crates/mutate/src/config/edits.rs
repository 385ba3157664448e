//! The edits that people ask for, as data.

use std::collections::HashMap;

use oci_spec::image::{Config, ImageConfiguration, Platform};

use super::fields::{Env, set_member, unset_member};
use crate::time::UNKNOWN_TIME;

/// Edits of a config, in the order in which they are made.
///
/// Each sets or removes one thing and leaves all else alone. An edit whose result is there already
/// changes nothing; when none does, config and manifest keep their bytes.
///
/// ```
/// use std::sync::Arc;
/// use wharf_mutate::{ConfigEdits, edit_config};
/// use wharf_v1::{Image as _, empty};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), wharf_v1::Error> {
/// let edits = ConfigEdits::new()
///     .env("PATH", "/bin")
///     .label("org.opencontainers.image.title", "an example")
///     .entrypoint(["/bin/app", "--serve"])
///     .exposed_port("80/tcp")
///     .without_user();
/// let image = edit_config(Arc::new(empty::oci_image()), move |config| edits.apply(config));
/// let config = image.config().await?;
/// let config = config.view()?.config().as_ref().expect("has one now");
/// assert_eq!(config.env().as_deref(), Some(&["PATH=/bin".to_owned()][..]));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "edits do nothing until they are applied"]
pub struct ConfigEdits(Vec<Edit>);

#[derive(Clone, Debug)]
enum Edit {
    Env(String, Option<String>),
    Label(String, Option<String>),
    Entrypoint(Option<Vec<String>>),
    Cmd(Option<Vec<String>>),
    User(Option<String>),
    WorkingDir(Option<String>),
    StopSignal(Option<String>),
    ExposedPort(String, bool),
    Volume(String, bool),
    Created(Option<String>),
    Author(Option<String>),
    Platform(Box<Platform>),
}

impl ConfigEdits {
    /// No edits.
    pub fn new() -> Self {
        Self::default()
    }

    fn and(mut self, edit: Edit) -> Self {
        self.0.push(edit);
        self
    }

    /// Sets an environment variable, at its place if there is one of that name, else after the others.
    pub fn env(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.and(Edit::Env(name.into(), Some(value.into())))
    }

    /// Removes an environment variable.
    pub fn without_env(self, name: impl Into<String>) -> Self {
        self.and(Edit::Env(name.into(), None))
    }

    /// Sets a label of the config.
    pub fn label(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.and(Edit::Label(key.into(), Some(value.into())))
    }

    /// Removes a label of the config.
    pub fn without_label(self, key: impl Into<String>) -> Self {
        self.and(Edit::Label(key.into(), None))
    }

    /// Sets the program that is run, with its first arguments. [`cmd`](Self::cmd) stays as it is.
    pub fn entrypoint<S: Into<String>>(self, entrypoint: impl IntoIterator<Item = S>) -> Self {
        self.and(Edit::Entrypoint(Some(texts(entrypoint))))
    }

    /// Removes the entrypoint.
    pub fn without_entrypoint(self) -> Self {
        self.and(Edit::Entrypoint(None))
    }

    /// Sets the arguments that follow the entrypoint unless a user gives others.
    pub fn cmd<S: Into<String>>(self, cmd: impl IntoIterator<Item = S>) -> Self {
        self.and(Edit::Cmd(Some(texts(cmd))))
    }

    /// Removes the default arguments.
    pub fn without_cmd(self) -> Self {
        self.and(Edit::Cmd(None))
    }

    /// Sets the user, as `user`, `uid`, `user:group` or `uid:gid`.
    pub fn user(self, user: impl Into<String>) -> Self {
        self.and(Edit::User(Some(user.into())))
    }

    /// Removes the user: the runtime's default, mostly root, is used.
    pub fn without_user(self) -> Self {
        self.and(Edit::User(None))
    }

    /// Sets the working directory.
    pub fn working_dir(self, path: impl Into<String>) -> Self {
        self.and(Edit::WorkingDir(Some(path.into())))
    }

    /// Removes the working directory.
    pub fn without_working_dir(self) -> Self {
        self.and(Edit::WorkingDir(None))
    }

    /// Sets the signal that stops the container, as `SIGNAME` or a number.
    pub fn stop_signal(self, signal: impl Into<String>) -> Self {
        self.and(Edit::StopSignal(Some(signal.into())))
    }

    /// Removes the stop signal.
    pub fn without_stop_signal(self) -> Self {
        self.and(Edit::StopSignal(None))
    }

    /// Adds a port to those that are exposed, as `port`, `port/tcp` or `port/udp`.
    pub fn exposed_port(self, port: impl Into<String>) -> Self {
        self.and(Edit::ExposedPort(port.into(), true))
    }

    /// Removes a port, written as it was when it was added.
    pub fn without_exposed_port(self, port: impl Into<String>) -> Self {
        self.and(Edit::ExposedPort(port.into(), false))
    }

    /// Adds a path to those that are volumes.
    pub fn volume(self, path: impl Into<String>) -> Self {
        self.and(Edit::Volume(path.into(), true))
    }

    /// Removes a volume.
    pub fn without_volume(self, path: impl Into<String>) -> Self {
        self.and(Edit::Volume(path.into(), false))
    }

    /// Sets when the image was made, as text in the form of
    /// [RFC 3339](https://datatracker.ietf.org/doc/html/rfc3339#section-5.6).
    pub fn created(self, time: impl Into<String>) -> Self {
        self.and(Edit::Created(Some(time.into())))
    }

    /// Removes when the image was made. It is written as the year 1, which stands for not known.
    pub fn without_created(self) -> Self {
        self.and(Edit::Created(None))
    }

    /// Sets who made the image.
    pub fn author(self, author: impl Into<String>) -> Self {
        self.and(Edit::Author(Some(author.into())))
    }

    /// Removes who made the image.
    pub fn without_author(self) -> Self {
        self.and(Edit::Author(None))
    }

    /// Sets operating system, architecture, variant, version and features of the operating system. What
    /// the platform does not have is removed.
    pub fn platform(self, platform: Platform) -> Self {
        self.and(Edit::Platform(Box::new(platform)))
    }

    /// Makes the edits.
    pub fn apply(&self, config: &mut ImageConfiguration) {
        // One that there is not stays away, unless something is put into it.
        let mut inner = config.config().clone().unwrap_or_default();
        for edit in &self.0 {
            edit.apply(config, &mut inner);
        }
        if inner != config.config().clone().unwrap_or_default() {
            config.set_config(Some(inner));
        }
    }
}

impl Edit {
    fn apply(&self, config: &mut ImageConfiguration, inner: &mut Config) {
        match self {
            Self::Env(name, value) => {
                inner.set_env(Env(inner.env().clone()).with(name, value.as_deref()));
            }
            Self::Label(key, value) => {
                inner.set_labels(with_label(inner.labels().clone(), key, value.clone()));
            }
            Self::Entrypoint(words) => {
                inner.set_entrypoint(words_unless_same(inner.entrypoint(), words));
            }
            Self::Cmd(words) => {
                inner.set_cmd(words_unless_same(inner.cmd(), words));
            }
            Self::User(user) => {
                inner.set_user(unless_same(inner.user(), user, ""));
            }
            Self::WorkingDir(path) => {
                inner.set_working_dir(unless_same(inner.working_dir(), path, ""));
            }
            Self::StopSignal(signal) => {
                inner.set_stop_signal(unless_same(inner.stop_signal(), signal, ""));
            }
            Self::ExposedPort(port, true) => {
                inner.set_exposed_ports(set_member(inner.exposed_ports().clone(), port));
            }
            Self::ExposedPort(port, false) => {
                inner.set_exposed_ports(unset_member(inner.exposed_ports().clone(), port));
            }
            Self::Volume(path, true) => {
                inner.set_volumes(set_member(inner.volumes().clone(), path));
            }
            Self::Volume(path, false) => {
                inner.set_volumes(unset_member(inner.volumes().clone(), path));
            }
            Self::Created(time) => {
                config.set_created(unless_same(config.created(), time, UNKNOWN_TIME));
            }
            Self::Author(author) => {
                config.set_author(unless_same(config.author(), author, ""));
            }
            Self::Platform(platform) => {
                config
                    .set_os(platform.os().clone())
                    .set_architecture(platform.architecture().clone())
                    .set_variant(platform.variant().clone())
                    .set_os_version(platform.os_version().clone())
                    .set_os_features(platform.os_features().clone());
            }
        }
    }
}

fn texts<S: Into<String>>(texts: impl IntoIterator<Item = S>) -> Vec<String> {
    texts.into_iter().map(Into::into).collect()
}

/// What a text is to be. None and `empty` say the same and are not exchanged for each other.
fn unless_same(before: &Option<String>, after: &Option<String>, empty: &str) -> Option<String> {
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| empty.to_owned());
    let same = said(before) == said(after);
    if same { before.clone() } else { after.clone() }
}

/// What a list of words is to be. None and an empty one say the same and are not exchanged for each other.
fn words_unless_same(before: &Option<Vec<String>>, after: &Option<Vec<String>>) -> Option<Vec<String>> {
    let same = before.as_deref().unwrap_or_default() == after.as_deref().unwrap_or_default();
    if same { before.clone() } else { after.clone() }
}

fn with_label(
    labels: Option<HashMap<String, String>>,
    key: &str,
    value: Option<String>,
) -> Option<HashMap<String, String>> {
    match value {
        Some(value) => {
            let mut labels = labels.unwrap_or_default();
            labels.insert(key.to_owned(), value);
            Some(labels)
        }
        None => labels.map(|mut labels| {
            labels.remove(key);
            labels
        }),
    }
}
