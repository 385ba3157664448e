//! Filesystems of images.

mod differential;
mod failures;
mod golden;
mod layers;
mod readers;
mod rules;
#[cfg(target_os = "linux")]
mod unpack;
