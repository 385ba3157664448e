//! Bars on a terminal: one for each blob on its way, and one for all of them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use wharf::remote::Event;

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
    /// Blobs on their way, by digest.
    blobs: HashMap<String, Blob>,
    total: Option<ProgressBar>,
}

#[derive(Debug)]
struct Blob {
    bar: ProgressBar,
    /// Whether it goes to a registry: then it does not count what comes from one.
    is_upload: bool,
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
        match event {
            Event::BlobStarted {
                descriptor: Some(descriptor),
                ..
            } => {
                self.begin(descriptor.digest().as_ref(), descriptor.size(), true);
            }
            Event::BlobSent {
                digest: Some(digest),
                bytes,
                ..
            } => self.advance(digest.as_ref(), bytes, true),
            Event::BlobRewound {
                digest: Some(digest),
                bytes,
                ..
            } => self.rewind(digest.as_ref(), bytes),
            Event::BlobReceived {
                digest, bytes, size, ..
            } => {
                if let Some(size) = size {
                    self.begin(digest.as_ref(), size, false);
                }
                self.advance(digest.as_ref(), bytes, false);
            }
            Event::BlobResumed { digest, .. } => self.note(digest.as_ref(), "resumed"),
            Event::UploadResumed { descriptor, .. } => self.note(descriptor.digest().as_ref(), "resumed"),
            Event::BlobPushed { descriptor, .. } | Event::BlobExists { descriptor, .. } => {
                self.end(descriptor.digest().as_ref());
            }
            Event::BlobMounted { descriptor, .. } => self.end(descriptor.digest().as_ref()),
            _ => {}
        }
    }

    /// Shows a bar, unless there is one or what comes is small.
    fn begin(&self, digest: &str, size: u64, is_upload: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if size < SMALL {
            return;
        }
        if let Some(known) = state.blobs.get_mut(digest) {
            // What is read here is sent on: only one of the two counts.
            if is_upload && !known.is_upload {
                known.is_upload = true;
                let read = known.bar.position();
                known.bar.set_position(0);
                if let Some(total) = &state.total {
                    total.set_position(total.position().saturating_sub(read));
                }
            } else if is_upload {
                known.bar.set_message("retried");
            }
            return;
        }
        let total = state.total.get_or_insert_with(|| {
            let total = ProgressBar::new(0)
                .with_style(self.blob.clone())
                .with_prefix("total");
            self.all.add(total)
        });
        total.inc_length(size);
        let bar = ProgressBar::new(size)
            .with_style(self.blob.clone())
            .with_prefix(short(digest));
        let bar = self.all.insert_before(total, bar);
        state.blobs.insert(digest.to_owned(), Blob { bar, is_upload });
    }

    fn advance(&self, digest: &str, bytes: u64, is_upload: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(blob) = state.blobs.get(digest).filter(|blob| blob.is_upload == is_upload) else {
            return;
        };
        blob.bar.inc(bytes);
        let is_whole = !is_upload && blob.bar.position() >= blob.bar.length().unwrap_or(u64::MAX);
        if let Some(total) = &state.total {
            total.inc(bytes);
        }
        if is_whole {
            state.forget(digest);
        }
    }

    fn rewind(&self, digest: &str, bytes: u64) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blob) = state.blobs.get(digest) {
            for bar in [Some(&blob.bar), state.total.as_ref()].into_iter().flatten() {
                bar.set_position(bar.position().saturating_sub(bytes));
            }
            blob.bar.set_message("retrying");
        }
    }

    fn note(&self, digest: &str, text: &'static str) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blob) = state.blobs.get(digest) {
            blob.bar.set_message(text);
        }
    }

    fn end(&self, digest: &str) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forget(digest);
    }
}

impl State {
    fn forget(&mut self, digest: &str) {
        if let Some(blob) = self.blobs.remove(digest) {
            blob.bar.finish_and_clear();
        }
        if self.blobs.is_empty()
            && let Some(total) = &self.total
            && total.position() >= total.length().unwrap_or(0)
        {
            total.finish_and_clear();
            self.total = None;
        }
    }
}

/// The beginning of a digest, without its algorithm.
fn short(digest: &str) -> String {
    let encoded = digest.split_once(':').map_or(digest, |(_, encoded)| encoded);
    encoded.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;
    use wharf::name::Repository;
    use wharf::v1::oci_spec::image::{Descriptor, MediaType};

    use super::*;

    struct Screen {
        bars: Bars,
        term: InMemoryTerm,
        repository: Repository,
    }

    impl Screen {
        fn new() -> Self {
            let term = InMemoryTerm::new(12, 120);
            Self {
                bars: Bars::on(ProgressDrawTarget::term_like(Box::new(term.clone())), false),
                term,
                repository: "a.io/app".parse().expect("a repository"),
            }
        }

        /// The first two columns: what, and how much of what.
        fn shown(&self) -> Vec<String> {
            let text = self.term.contents();
            let amount = |line: &str| {
                let words: Vec<&str> = line.split_whitespace().collect();
                let at = words.iter().position(|word| word.contains("B/")).unwrap_or(0);
                let more = words.get(at + 1).copied().unwrap_or_default();
                format!(
                    "{} {} {} {}",
                    words[0],
                    words[at.saturating_sub(1)],
                    words[at],
                    more
                )
            };
            text.lines()
                .filter(|line| !line.trim().is_empty())
                .map(amount)
                .collect()
        }

        fn draw(&self) {
            let state = self.bars.state.lock().expect("no test panics here");
            for blob in state.blobs.values() {
                blob.bar.tick();
            }
            if let Some(total) = &state.total {
                total.tick();
            }
        }
    }

    fn blob(text: &str, size: u64) -> Descriptor {
        Descriptor::new(MediaType::ImageLayer, size, wharf::v1::sha256(text))
    }

    #[test]
    fn an_upload_goes_up_back_and_away() {
        let screen = Screen::new();
        let descriptor = blob("a", 1 << 20);
        let (repository, digest) = (&screen.repository, descriptor.digest());
        screen.bars.event(Event::BlobStarted {
            repository,
            descriptor: Some(&descriptor),
        });
        screen.bars.event(Event::BlobSent {
            repository,
            digest: Some(digest),
            bytes: 512 << 10,
        });
        screen.draw();
        assert_eq!(
            screen.shown(),
            ["ca978112ca1b 512.00 KiB/1.00 MiB", "total 512.00 KiB/1.00 MiB"]
        );
        screen.bars.event(Event::BlobRewound {
            repository,
            digest: Some(digest),
            bytes: 512 << 10,
        });
        screen.draw();
        assert!(
            screen.term.contents().contains("retrying"),
            "{}",
            screen.term.contents()
        );
        screen.bars.event(Event::BlobSent {
            repository,
            digest: Some(digest),
            bytes: 1 << 20,
        });
        screen.bars.event(Event::BlobPushed {
            repository,
            descriptor: &descriptor,
        });
        assert!(screen.shown().is_empty(), "{}", screen.term.contents());
    }

    #[test]
    fn what_is_read_and_sent_counts_once() {
        let screen = Screen::new();
        let descriptor = blob("a", 1 << 20);
        let (repository, digest) = (&screen.repository, descriptor.digest());
        let received = Event::BlobReceived {
            repository,
            digest,
            bytes: 256 << 10,
            size: Some(1 << 20),
        };
        screen.bars.event(received);
        screen.bars.event(Event::BlobStarted {
            repository,
            descriptor: Some(&descriptor),
        });
        screen.bars.event(received);
        screen.bars.event(Event::BlobSent {
            repository,
            digest: Some(digest),
            bytes: 128 << 10,
        });
        screen.draw();
        assert_eq!(
            screen.shown(),
            ["ca978112ca1b 128.00 KiB/1.00 MiB", "total 128.00 KiB/1.00 MiB"]
        );
    }

    #[test]
    fn a_download_ends_when_all_of_it_came() {
        let screen = Screen::new();
        let (first, second) = (blob("a", 1 << 20), blob("b", 2 << 20));
        let repository = &screen.repository;
        for (descriptor, bytes) in [(&first, 1 << 20), (&second, 1 << 20)] {
            let (digest, size) = (descriptor.digest(), Some(descriptor.size()));
            screen.bars.event(Event::BlobReceived {
                repository,
                digest,
                bytes: bytes / 2,
                size,
            });
            screen.bars.event(Event::BlobReceived {
                repository,
                digest,
                bytes: bytes / 2,
                size,
            });
        }
        screen.draw();
        assert_eq!(screen.shown().len(), 2, "{}", screen.term.contents());
        assert!(screen.shown()[1].starts_with("total"), "{:?}", screen.shown());
    }
}
