//! Bars on a terminal: one for each blob on its way, and one for all of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use wharf::remote::Event;
use wharf::v1::oci_spec::image::Descriptor;

/// Digits of a digest that are shown.
const SHOWN: usize = 12;
/// What is smaller has come before a bar could be seen.
const SMALL: u64 = 256 << 10;

/// Bars below what is printed on standard error.
pub(crate) struct Bars {
    all: MultiProgress,
    blob: ProgressStyle,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is to be sent, by digest, from when it is announced until it is there.
    planned: HashMap<String, Planned>,
    /// Blobs with a bar, by digest.
    blobs: HashMap<String, Blob>,
    /// Bytes of all that is to be sent or comes, without what turned out to be there.
    length: u64,
    /// Those of them that went or came.
    position: u64,
    /// Shown from when there is the first bar.
    total: Option<ProgressBar>,
}

#[derive(Debug)]
struct Planned {
    size: u64,
    /// How often it was announced: several copies may go to one registry.
    times: usize,
    sent: u64,
}

#[derive(Debug)]
struct Blob {
    bar: ProgressBar,
    /// Whether it goes to a registry: then it does not count what comes from one.
    is_upload: bool,
    /// Whether its sending has begun.
    is_started: bool,
}

/// How the sending of a blob ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Sent,
    /// The registry had it, or it is left out.
    NotNeeded,
}

impl Bars {
    pub(crate) fn new(colors: bool) -> Self {
        Self::on(ProgressDrawTarget::stderr_with_hz(10), colors)
    }

    fn on(target: ProgressDrawTarget, colors: bool) -> Self {
        let bar = if colors { "{bar:24.cyan/blue}" } else { "{bar:24}" };
        let template = format!(
            "{{prefix:14}} {bar} {{bytes:>10}}/{{total_bytes:<10}} {{bytes_per_sec:>12}} {{eta:>4}} {{msg}}"
        );
        let style = ProgressStyle::with_template(&template);
        Self {
            all: MultiProgress::with_draw_target(target),
            blob: style
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> "),
            state: Mutex::default(),
        }
    }

    /// Prints something in place of the bars, which are drawn below it again.
    pub(crate) fn suspend(&self, print: impl FnOnce()) {
        self.all.suspend(print);
    }

    pub(crate) fn event(&self, event: Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::BlobPlanned { descriptor, .. } => {
                state.plan(descriptor.digest().as_ref(), descriptor.size());
            }
            Event::BlobStarted {
                descriptor: Some(descriptor),
                ..
            } => {
                let (digest, size) = (descriptor.digest().as_ref(), descriptor.size());
                if !state.planned.contains_key(digest) {
                    state.plan(digest, size);
                }
                match state.blobs.get_mut(digest) {
                    Some(known) if known.is_started => known.bar.set_message("retried"),
                    Some(known) => known.is_started = true,
                    None => self.show(&mut state, digest, size, true),
                }
            }
            Event::BlobSent {
                digest: Some(digest),
                bytes,
                ..
            } => state.send(digest.as_ref(), bytes),
            Event::BlobRewound {
                digest: Some(digest),
                bytes,
                ..
            } => state.rewind(digest.as_ref(), bytes),
            // What is read to be sent on is counted where it goes.
            Event::BlobReceived { digest, .. } if state.planned.contains_key(digest.as_ref()) => {}
            Event::BlobReceived {
                digest, bytes, size, ..
            } => {
                if let Some(size) = size.filter(|size| *size >= SMALL)
                    && !state.blobs.contains_key(digest.as_ref())
                {
                    state.length += size;
                    self.show(&mut state, digest.as_ref(), size, false);
                }
                state.receive(digest.as_ref(), bytes);
            }
            Event::BlobResumed { digest, .. } => state.note(digest.as_ref(), "resumed"),
            Event::UploadResumed { descriptor, .. } => state.note(descriptor.digest().as_ref(), "resumed"),
            Event::BlobPushed { descriptor, .. } => state.end(descriptor, End::Sent),
            Event::BlobExists { descriptor, .. }
            | Event::BlobMounted { descriptor, .. }
            | Event::BlobSkipped { descriptor, .. } => state.end(descriptor, End::NotNeeded),
            _ => return,
        }
        state.update();
    }

    /// Shows a bar, unless what comes is small.
    fn show(&self, state: &mut State, digest: &str, size: u64, is_upload: bool) {
        if size < SMALL {
            return;
        }
        let total = state.total.get_or_insert_with(|| {
            let total = ProgressBar::new(0)
                .with_style(self.blob.clone())
                .with_prefix("total");
            self.all.add(total)
        });
        let bar = ProgressBar::new(size)
            .with_style(self.blob.clone())
            .with_prefix(short(digest));
        let bar = self.all.insert_before(total, bar);
        let blob = Blob {
            bar,
            is_upload,
            is_started: is_upload,
        };
        state.blobs.insert(digest.to_owned(), blob);
    }
}

impl State {
    fn plan(&mut self, digest: &str, size: u64) {
        self.length += size;
        let planned = self.planned.entry(digest.to_owned()).or_insert(Planned {
            size,
            times: 0,
            sent: 0,
        });
        planned.times += 1;
        // What was read here before is sent on from now: only one of the two counts.
        if let Some(known) = self.blobs.get_mut(digest).filter(|blob| !blob.is_upload) {
            known.is_upload = true;
            self.length = self.length.saturating_sub(size);
            self.position = self.position.saturating_sub(known.bar.position());
            known.bar.set_position(0);
        }
    }

    fn send(&mut self, digest: &str, bytes: u64) {
        let Some(planned) = self.planned.get_mut(digest) else {
            return;
        };
        planned.sent += bytes;
        self.position += bytes;
        if let Some(blob) = self.blobs.get(digest) {
            blob.bar.inc(bytes);
        }
    }

    fn rewind(&mut self, digest: &str, bytes: u64) {
        let Some(planned) = self.planned.get_mut(digest) else {
            return;
        };
        planned.sent = planned.sent.saturating_sub(bytes);
        self.position = self.position.saturating_sub(bytes);
        if let Some(blob) = self.blobs.get(digest) {
            blob.bar.set_position(blob.bar.position().saturating_sub(bytes));
            blob.bar.set_message("retrying");
        }
    }

    fn receive(&mut self, digest: &str, bytes: u64) {
        let Some(blob) = self.blobs.get(digest).filter(|blob| !blob.is_upload) else {
            return;
        };
        blob.bar.inc(bytes);
        self.position += bytes;
        if blob.bar.position() >= blob.bar.length().unwrap_or(u64::MAX) {
            self.hide(digest);
        }
    }

    fn note(&self, digest: &str, text: &'static str) {
        if let Some(blob) = self.blobs.get(digest) {
            blob.bar.set_message(text);
        }
    }

    fn end(&mut self, descriptor: &Descriptor, end: End) {
        let (digest, size) = (descriptor.digest().as_ref(), descriptor.size());
        let Some(planned) = self.planned.get_mut(digest) else {
            return self.hide(digest);
        };
        planned.times -= 1;
        let sent = planned.sent.min(planned.size);
        planned.sent -= sent;
        if planned.times == 0 {
            self.planned.remove(digest);
        }
        self.position = self.position.saturating_sub(sent);
        match end {
            End::Sent => self.position += size,
            End::NotNeeded => self.length = self.length.saturating_sub(size),
        }
        self.hide(digest);
    }

    /// Takes a bar away.
    fn hide(&mut self, digest: &str) {
        if let Some(blob) = self.blobs.remove(digest) {
            blob.bar.finish_and_clear();
        }
    }

    /// Shows how far it is with everything.
    fn update(&mut self) {
        let is_done = self.blobs.is_empty() && self.planned.is_empty();
        if let Some(total) = &self.total {
            total.set_length(self.length);
            total.set_position(self.position);
            if is_done {
                total.finish_and_clear();
                self.total = None;
            }
        }
        if is_done {
            (self.length, self.position) = (0, 0);
        }
    }
}

/// The beginning of a digest, without its algorithm.
fn short(digest: &str) -> String {
    let encoded = digest.split_once(':').map_or(digest, |(_, encoded)| encoded);
    encoded.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests;
