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

#[test]
fn the_total_is_of_all_that_was_announced() {
    let screen = Screen::new();
    let blobs = [
        blob("a", 1 << 20),
        blob("b", 2 << 20),
        blob("c", 1 << 20),
        blob("d", 1000),
    ];
    let repository = &screen.repository;
    for descriptor in &blobs {
        screen.bars.event(Event::BlobPlanned {
            repository,
            descriptor,
        });
    }
    let [first, there, _, small] = &blobs;
    screen.bars.event(Event::BlobExists {
        repository,
        descriptor: there,
    });
    for (descriptor, bytes) in [(first, 512 << 10), (small, 1000)] {
        screen.bars.event(Event::BlobStarted {
            repository,
            descriptor: Some(descriptor),
        });
        screen.bars.event(Event::BlobSent {
            repository,
            digest: Some(descriptor.digest()),
            bytes,
        });
    }
    screen.draw();
    assert_eq!(
        screen.shown(),
        ["ca978112ca1b 512.00 KiB/1.00 MiB", "total 512.98 KiB/2.00 MiB"]
    );
    // What ends without all of its bytes being told is whole all the same.
    for descriptor in [first, small] {
        screen.bars.event(Event::BlobPushed {
            repository,
            descriptor,
        });
    }
    screen.draw();
    assert_eq!(screen.shown(), ["total 1.00 MiB/2.00 MiB"]);
    screen.bars.event(Event::BlobSkipped {
        repository,
        descriptor: &blobs[2],
    });
    assert!(screen.shown().is_empty(), "{}", screen.term.contents());
}
