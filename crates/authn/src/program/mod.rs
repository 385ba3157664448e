//! Credential helpers: programs named `docker-credential-…` that keep credentials elsewhere.

#[cfg(not(feature = "helper"))]
mod absent;
mod fault;
#[cfg(feature = "helper")]
mod process;
#[cfg(feature = "helper")]
mod run;

#[cfg(not(feature = "helper"))]
pub use self::absent::Helpers;
pub use self::fault::HelperFault;
#[cfg(feature = "helper")]
pub use self::run::Helpers;
