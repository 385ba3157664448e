//! What is left in memory of a secret that was dropped: nothing that can be found.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wharf_authn::{ConfigEditor, Credential, DockerConfig};
use zeroize::Zeroizing;

use crate::ask;

/// What the secrets here are hidden by, so that looking for one is not having it.
const MASK: u8 = 0x5a;
/// How much is read at a time, in bytes.
const CHUNK: usize = 1 << 16;

/// The length of a secret: a buffer that is freed with it is written over in part at most. A multiple of three, so
/// that it is whole in the base64 of a longer text.
const LENGTH: usize = 3000;
/// The length of the parts that are looked for, and where they begin.
const PART: usize = 24;
const STEP: usize = 150;

/// A secret that is in memory nowhere but where it is revealed.
struct Masked(Vec<u8>);

impl Masked {
    fn new(seed: u64) -> Self {
        // Knuth's generator: no part is in it twice, or in another secret.
        let mut state = seed;
        let mut letter = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            b'a' + (state >> 33) as u8 % 26
        };
        Self((0..LENGTH).map(|_| letter() ^ MASK).collect())
    }

    fn reveal(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH));
        text.extend(self.0.iter().map(|byte| char::from(byte ^ MASK)));
        text
    }

    /// The secret behind something that is not.
    fn after(&self, lead: &str) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(lead.len() + LENGTH));
        text.push_str(lead);
        text.push_str(&self.reveal());
        text
    }

    /// `base64(u::secret)`, which has the secret's own base64 in it.
    fn auth(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(self.after("u::").as_bytes()))
    }

    /// How many parts of it are in the memory of this process that can be written to, in clear or in base64.
    fn count(&self) -> usize {
        let encoded: Vec<u8> = {
            let encoded = Zeroizing::new(STANDARD.encode(self.reveal().as_bytes()));
            encoded.bytes().map(|byte| byte ^ MASK).collect()
        };
        let parts = |text: &'_ [u8]| -> Vec<Vec<u8>> {
            let parts = text.windows(PART).step_by(STEP);
            parts.map(<[u8]>::to_vec).collect()
        };
        let parts = [parts(&self.0), parts(&encoded)].concat();

        let memory = File::open("/proc/self/mem").expect("our memory");
        let mut found = 0;
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        for (start, end) in regions() {
            let mut at = start;
            while at < end {
                let most = CHUNK.min((end - at) as usize);
                // A region may be gone by now.
                let Ok(len) = memory.read_at(&mut chunk[..most], at) else {
                    break;
                };
                found += parts
                    .iter()
                    .map(|part| occurrences(&chunk[..len], part))
                    .sum::<usize>();
                if len <= PART {
                    break;
                }
                at += (len - PART) as u64;
            }
        }
        found
    }
}

fn occurrences(text: &[u8], masked: &[u8]) -> usize {
    let is_there = |at: &usize| {
        let same = text.get(*at..at + masked.len());
        same.is_some_and(|same| same.iter().zip(masked).all(|(a, b)| a ^ MASK == *b))
    };
    memchr::memchr_iter(masked[0] ^ MASK, text)
        .filter(is_there)
        .count()
}

/// The memory of this process that can be read and written.
fn regions() -> Vec<(u64, u64)> {
    let maps = BufReader::new(File::open("/proc/self/maps").expect("our maps"));
    let region = |line: String| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        rest.starts_with("rw").then_some((number(start)?, number(end)?))
    };
    maps.lines().map_while(Result::ok).filter_map(region).collect()
}

/// Writes a file with the secret in it as `auth`, as a password with an escape before it, and as a token.
fn write(path: &Path, secret: &Masked) {
    let mut text = Zeroizing::new(String::with_capacity(4 * LENGTH));
    text.push_str(r#"{"auths": {"auth.io": {"auth": ""#);
    text.push_str(&secret.auth());
    text.push_str(r#""}, "escaped.io": {"username": "u", "password": "\u002d\n"#);
    text.push_str(&secret.reveal());
    text.push_str(r#""}, "token.io": {"identitytoken": ""#);
    text.push_str(&secret.reveal());
    text.push_str(r#""}}}"#);
    fs::write(path, text.as_bytes()).expect("a file");
}

#[test]
fn of_a_file_that_was_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    let secret = Masked::new(1);
    write(&path, &secret);
    assert_eq!(secret.count(), 0, "of writing it");

    let config = DockerConfig::from_file(&path).expect("a config");
    let ask = |name| futures_util::FutureExt::now_or_never(ask(&config, name)).expect("no helper");
    let found = ["auth.io", "escaped.io", "token.io"].map(|name| ask(name).expect("an answer"));
    for (credential, lead) in found.iter().zip([":", "-\n", ""]) {
        let (Credential::Basic { password: text, .. } | Credential::IdentityToken { token: text, .. }) =
            credential
        else {
            panic!("{credential:?}");
        };
        assert!(
            text.expose().strip_prefix(lead) == Some(&secret.reveal()),
            "{lead:?}"
        );
    }
    assert!(
        secret.count() >= 6 * LENGTH / STEP,
        "three that are known, three that were found"
    );
    drop(config);
    drop(found);
    assert_eq!(secret.count(), 0);
}

#[test]
fn of_a_credential_that_was_stored() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    let secret = Masked::new(2);
    let editor = ConfigEditor::of_file(&path);
    for name in ["a.io", "b.io", "a.io"] {
        let credential = Credential::basic("u", secret.after(":").as_str());
        let registry = name.parse().expect("a registry");
        let stored = futures_util::FutureExt::now_or_never(editor.store(&registry, &credential));
        stored.expect("no runtime").expect("stored");
        assert!(secret.count() > 0, "it is there still");
    }
    assert_eq!(secret.count(), 0);
    let file = Zeroizing::new(fs::read(&path).expect("a file"));
    let auth = secret.auth();
    let is_there = file.windows(auth.len()).any(|text| text == auth.as_bytes());
    assert!(is_there, "it was stored");
}

#[cfg(feature = "helper")]
#[tokio::test]
async fn of_what_a_helper_said_and_was_told() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("server");
    let server = file.to_str().expect("UTF-8");
    let secret = Masked::new(3);
    let helpers = crate::programs::helpers();
    {
        let credential = Credential::basic("user", secret.after("\"\n").as_str());
        helpers.store("keeps", server, &credential).await.expect("stored");
        let found = helpers.get("keeps", server).await.expect("an answer");
        assert!(found == credential);
        assert!(secret.count() > 0, "it is there still");
    }
    // What was remembered is forgotten.
    helpers.erase("keeps", server).await.expect("erased");
    assert_eq!(secret.count(), 0);
}
