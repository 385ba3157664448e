//! Hooks for tests: what was asked, what should go wrong, and which features an older registry lacks.

mod fault;
mod flush;
mod gate;
mod profile;
mod reaction;
mod record;
mod tamper;

pub(crate) use fault::Verdict;
pub use fault::{Fault, FaultHandle, Faults};
#[cfg(feature = "server")]
pub(crate) use flush::Flushes;
pub use gate::Gate;
pub use profile::{Feature, Profile};
pub use reaction::Reaction;
pub use record::{RequestLog, RequestRecord};
#[cfg(feature = "server")]
pub(crate) use tamper::Dropped;
