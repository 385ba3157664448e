//! Filesystems of images.

mod differential;
mod failures;
mod files;
mod golden;
mod layers;
mod readers;
mod rules;
mod squash;
#[cfg(target_os = "linux")]
mod unpack;
