//! What a client does, told on standard error.

use wharf::remote::{Event, Observer};

use crate::failure::chain;
use crate::printer::{bars, log};

/// Tells what moved, what was there already, and what is tried again: one line each, and on a terminal a bar for what is
/// on its way.
#[derive(Debug)]
pub(crate) struct Progress;

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        if let Some(bars) = bars() {
            bars.event(event);
        }
        match event {
            Event::BlobExists { descriptor, .. } => {
                log(format_args!("existing blob: {}", descriptor.digest()))
            }
            Event::BlobMounted { descriptor, .. } => {
                log(format_args!("mounted blob: {}", descriptor.digest()))
            }
            Event::BlobPushed { descriptor, .. } => log(format_args!("pushed blob: {}", descriptor.digest())),
            Event::MountRefused { from, .. } => log(format_args!("retrying without mount from {from}")),
            Event::Retrying { error, .. } => log(format_args!("retrying {}", chain(error))),
            Event::UploadResumed {
                descriptor,
                offset,
                error,
                ..
            } => {
                let digest = descriptor.digest();
                log(format_args!(
                    "resuming upload of {digest} after {offset} bytes: {}",
                    chain(error)
                ));
            }
            Event::BlobResumed { digest, offset, .. } => {
                log(format_args!("resuming blob {digest} after {offset} bytes"));
            }
            Event::ManifestExists {
                reference,
                descriptor,
            } => match reference.tag() {
                Some(tag) => log(format_args!("existing manifest: {tag}@{}", descriptor.digest())),
                None => log(format_args!("existing manifest: {}", descriptor.digest())),
            },
            Event::ReferrersTagUpdated { reference, .. } => {
                let tag = reference.identifier();
                log(format_args!("updating fallback tag {tag} with new referrer"));
            }
            Event::ManifestPushed {
                reference,
                descriptor,
            } => {
                let (digest, size) = (descriptor.digest(), descriptor.size());
                log(format_args!("{reference}: digest: {digest} size: {size}"));
            }
            _ => {}
        }
    }
}
