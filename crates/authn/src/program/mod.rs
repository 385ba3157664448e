//! Credential helpers: programs named `docker-credential-…` that keep credentials elsewhere.

#[cfg(not(feature = "helper"))]
mod absent;
#[cfg(feature = "helper")]
mod answer;
mod fault;
#[cfg(feature = "helper")]
mod path;
#[cfg(feature = "helper")]
mod process;
#[cfg(feature = "helper")]
mod run;
mod verb;

#[cfg(not(feature = "helper"))]
pub use self::absent::Helpers;
pub use self::fault::HelperFault;
#[cfg(feature = "helper")]
pub use self::run::Helpers;
pub use self::verb::HelperVerb;
