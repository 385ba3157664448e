//! Credential helpers: programs named `docker-credential-…` that keep credentials elsewhere.

#[cfg(not(feature = "helper"))]
mod absent;
#[cfg(feature = "helper")]
mod answer;
mod fault;
mod keychain;
#[cfg(feature = "helper")]
mod path;
#[cfg(feature = "helper")]
mod process;
#[cfg(feature = "helper")]
mod run;
#[cfg(all(feature = "helper", target_os = "linux"))]
mod tree;
mod verb;

#[cfg(not(feature = "helper"))]
pub use self::absent::Helpers;
pub use self::fault::HelperFault;
pub use self::keychain::HelperKeychain;
#[cfg(feature = "helper")]
pub use self::run::Helpers;
pub use self::verb::HelperVerb;
