//! The registry of the distribution project, as Debian ships it.

use std::path::Path;
use std::process::Command;

use crate::{Served, is_installed};

/// Starts `docker-registry`, if it is installed, with its files below `folder`. `auth` is the `auth:` section of its
/// configuration, or empty; manifests and blobs can be deleted.
///
/// # Panics
///
/// If it is installed and does not start.
#[must_use]
#[track_caller]
pub fn docker_registry(folder: &Path, auth: &str) -> Option<Served> {
    if !is_installed("docker-registry") {
        return None;
    }
    let config = folder.join("docker-registry.yml");
    let storage = folder.join("docker-registry");
    Some(Served::start(|host| {
        let text = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}, delete: {{enabled: true}}}}\n\
             http: {{addr: '{host}'}}\n{auth}\n",
            storage.display()
        );
        std::fs::write(&config, text).expect("config is written");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&config);
        command
    }))
}
