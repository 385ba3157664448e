//! Where the user says that content may be read from besides the registries themselves.

use std::path::Path;

use wharf::transport::mirror::registries_conf::RegistriesConf;
use wharf::transport::mirror::{Mirrors, hosts_toml};

use crate::env;
use crate::failure::Failure;

/// The rules of what the flag names, or else the environment. What other programs are set up with is left alone: a
/// command must not ask another server than the one it names, unless it was told to.
pub(crate) fn load(named: Option<&Path>) -> Result<Mirrors, Failure> {
    let of_environment = env::mirrors();
    match named.or(of_environment.as_deref()) {
        None => Ok(Mirrors::new()),
        // containerd's: a folder with a `hosts.toml` for each registry.
        Some(path) if path.is_dir() => hosts_toml::load_dir(path).map_err(Failure::Mirrors),
        Some(path) => match RegistriesConf::load(path) {
            Ok(conf) => Ok(conf.mirrors()),
            Err(error) => Err(Failure::Mirrors(error)),
        },
    }
}
