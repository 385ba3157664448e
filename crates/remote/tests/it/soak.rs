//! Long runs in bad weather: whatever is said to be there is there, whole, and what was told adds up.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use wharf_name::Reference;
use wharf_registry::hook::{Fault, FaultHandle, Reaction};
use wharf_remote::{Client, CopyOptions, Event, Observer};
use wharf_transport::retry::RetryOptions;
use wharf_v1::oci_spec::image::Digest;
use wharf_v1::{Image as _, Index as _, IndexExt as _};

use crate::kit::{Kit, recording, reference};

/// Operations of one run.
const OPERATIONS: usize = 2000;

/// Of so many requests one goes wrong.
const FAULTY: u64 = 10;

/// A source of numbers that are the same in every run.
#[derive(Clone)]
struct Dice(Arc<Mutex<u64>>);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// A number below `sides`.
    fn roll(&self, sides: u64) -> u64 {
        let mut state = self.0.lock().expect("no panic under it");
        // SplitMix64.
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

/// Everything that goes wrong on the way to a registry and back, each as often as the others.
fn bad_weather(kit: &Kit, dice: &Dice) -> Vec<FaultHandle> {
    let wrong_range = HeaderValue::from_static("bytes 1-2/3");
    let reactions = [
        Reaction::status(StatusCode::INTERNAL_SERVER_ERROR),
        Reaction::status(StatusCode::SERVICE_UNAVAILABLE),
        Reaction::status(StatusCode::TOO_MANY_REQUESTS).with_retry_after("2"),
        Reaction::status(StatusCode::BAD_GATEWAY).with_body("<html>sorry</html>"),
        Reaction::drop_connection(),
        Reaction::drop_connection_after(700),
        Reaction::drop_response(),
        Reaction::cut_body(0),
        Reaction::cut_body(1),
        Reaction::cut_body(900),
        Reaction::corrupt_body(3),
        Reaction::delay(Duration::from_secs(3)),
        Reaction::set_header(header::CONTENT_RANGE, wrong_range),
    ];
    let count = reactions.len() as u64;
    let mut handles = Vec::new();
    for registry in [&kit.a, &kit.b] {
        for reaction in &reactions {
            let dice = dice.clone();
            let fault = Fault::when(move |_| dice.roll(FAULTY * count) == 0);
            handles.push(registry.faults().add(fault.then(reaction.clone())));
        }
    }
    handles
}

/// What the events of one client add up to, by blob.
#[derive(Debug, Default)]
struct Sums(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    planned: u64,
    ended: u64,
    pushed: HashMap<Digest, u64>,
    sent: HashMap<Digest, u64>,
}

impl Observer for Sums {
    fn event(&self, event: Event<'_>) {
        let mut counted = self.0.lock().expect("no panic under it");
        match event {
            Event::BlobPlanned { descriptor, .. } => counted.planned += descriptor.size(),
            Event::BlobExists { descriptor, .. }
            | Event::BlobMounted { descriptor, .. }
            | Event::BlobSkipped { descriptor, .. } => counted.ended += descriptor.size(),
            Event::BlobPushed { descriptor, .. } => {
                counted.ended += descriptor.size();
                *counted.pushed.entry(descriptor.digest().clone()).or_default() += descriptor.size();
            }
            Event::BlobSent {
                digest: Some(digest),
                bytes,
                ..
            } => {
                *counted.sent.entry(digest.clone()).or_default() += bytes;
            }
            Event::BlobRewound {
                digest: Some(digest),
                bytes,
                ..
            } => {
                let sent = counted.sent.entry(digest.clone()).or_default();
                *sent = sent
                    .checked_sub(bytes)
                    .expect("no more is taken back than was sent");
            }
            _ => {}
        }
    }
}

/// What was written.
type Model = HashMap<Reference, Written>;

#[derive(Clone, Default)]
struct Written {
    /// What the reference may name: after a failure also what it did before.
    names: HashSet<Digest>,
    /// Whether it was ever said to be written, so that it names something.
    is_there: bool,
}

struct Soak {
    kit: Kit,
    client: Client,
    dice: Dice,
    model: Model,
}

impl Soak {
    fn any_reference(&self) -> Reference {
        let (host, repository, tag) = (self.dice.roll(2), self.dice.roll(3), self.dice.roll(8));
        let host = ["a.test", "b.test"][usize::try_from(host).expect("small")];
        reference(&format!("{host}/app{repository}:v{tag}"))
    }

    fn some_written(&self) -> Option<Reference> {
        let mut written: Vec<&Reference> = self.model.keys().collect();
        written.sort_by_key(|reference| reference.to_string());
        let at = self.dice.roll((written.len() as u64).max(1));
        written
            .get(usize::try_from(at).expect("small"))
            .map(|reference| (*reference).clone())
    }

    /// `reference` was written, or at least tried to, with this outcome.
    fn note(&mut self, reference: Reference, digest: Option<Digest>, certain: bool) {
        let written = self.model.entry(reference).or_default();
        if certain {
            written.names.clear();
            written.is_there = true;
        }
        written.names.extend(digest);
    }

    /// One operation; whether it worked.
    async fn step(&mut self) -> bool {
        let layers = usize::try_from(self.dice.roll(3)).expect("small") + 1;
        let (seed, size) = (
            self.dice.roll(40),
            [100, 20_000, 150_000][usize::try_from(self.dice.roll(3)).expect("small")],
        );
        let to = self.any_reference();
        match self.dice.roll(8) {
            0 | 1 => {
                let image = wharf_v1::random::image(seed, layers, size);
                let digest = image.descriptor().await.expect("known").digest().clone();
                let written = self.client.write(&to, &image).await;
                self.note(to, Some(digest), written.is_ok());
                written.is_ok()
            }
            2 => {
                let index = wharf_v1::random::index(seed, 2, layers, 300);
                let digest = index.descriptor().await.expect("known").digest().clone();
                let written = self.client.write_index(&to, &index).await;
                self.note(to, Some(digest), written.is_ok());
                written.is_ok()
            }
            3 | 4 => {
                let Some(from) = self.some_written() else {
                    return true;
                };
                let candidates = self.model[&from].names.clone();
                match self.client.copy(&from, &to, &CopyOptions::default()).await {
                    Ok(report) => {
                        let digest = report.descriptor.digest().clone();
                        assert!(
                            candidates.contains(&digest),
                            "{from} names something that was never written"
                        );
                        self.note(to, Some(digest), true);
                        true
                    }
                    Err(_) => {
                        for digest in candidates {
                            self.note(to.clone(), Some(digest), false);
                        }
                        false
                    }
                }
            }
            5 => {
                let Some(from) = self.some_written() else {
                    return true;
                };
                let tag = from
                    .repository()
                    .tag(&format!("t{}", self.dice.roll(4)))
                    .expect("a tag");
                let candidates = self.model[&from].names.clone();
                let tagged = self.client.tag(&from, &tag).await;
                let worked = tagged.is_ok();
                match tagged {
                    Ok(named) => self.note(tag.into(), Some(named.digest().clone()), true),
                    Err(_) => candidates
                        .into_iter()
                        .for_each(|digest| self.note(tag.clone().into(), Some(digest), false)),
                }
                worked
            }
            _ => {
                let Some(from) = self.some_written() else {
                    return true;
                };
                self.read(&self.client.clone(), &from).await.is_ok()
            }
        }
    }

    /// Reads all that a reference names, which is what it should be or an error.
    async fn read(&self, client: &Client, from: &Reference) -> Result<(), Box<dyn std::error::Error>> {
        let fetched = client.get(from).await?;
        let digest = fetched.descriptor().digest();
        assert!(
            self.model[from].names.contains(digest),
            "{from} names {digest}, which was never written there"
        );
        let images = match fetched.index() {
            Err(_) => vec![fetched.image(None).await?],
            Ok(index) => {
                let mut images = Vec::new();
                for child in index.children().await? {
                    let child = from.repository().digest(child.digest().clone());
                    images.push(client.image(&child.into(), None).await?);
                }
                images
            }
        };
        for image in images {
            image.config().await?;
            for layer in image.layers().await? {
                let size = layer.descriptor().await?.size();
                assert_eq!(
                    layer.compressed().await?.collect(1 << 20).await?.len() as u64,
                    size
                );
            }
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn two_thousand_operations_in_bad_weather() {
    let kit = Kit::with(recording(), recording(), |client| client);
    let sums = Arc::new(Sums::default());
    let client = kit.other_client(|client| {
        let retry = RetryOptions::default().with_budget(None);
        client
            .observer(Arc::clone(&sums) as Arc<dyn Observer>)
            .configure(|transport| transport.retry(retry))
    });
    let dice = Dice::new(2026);
    let faults = bad_weather(&kit, &dice);
    let mut soak = Soak {
        kit,
        client,
        dice,
        model: Model::new(),
    };
    let mut worked = 0;
    for _ in 0..OPERATIONS {
        worked += usize::from(soak.step().await);
        // Nobody needs them, and they add up.
        soak.kit.forget_requests();
    }
    assert!(worked > OPERATIONS * 8 / 10, "{worked} of {OPERATIONS} worked");
    let hits: usize = faults.iter().map(FaultHandle::hits).sum();
    assert!(hits > OPERATIONS / 2, "{hits} requests went wrong");
    soak.kit.a.faults().clear();
    soak.kit.b.faults().clear();
    let client = soak.kit.fresh_client();
    for (reference, written) in &soak.model {
        if written.is_there {
            soak.read(&client, reference).await.expect("whole");
        } else if let Err(error) = client.get(reference).await {
            assert!(error.is_not_found(), "{reference}: {error:?}");
        }
    }
    let counted = sums.0.lock().expect("no panic under it");
    for (digest, sent) in &counted.sent {
        let pushed = counted.pushed.get(digest).copied().unwrap_or_default();
        assert_eq!(*sent, pushed, "bytes of {digest} that were sent for good");
    }
    assert!(counted.ended <= counted.planned);
}
