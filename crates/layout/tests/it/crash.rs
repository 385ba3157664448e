//! A writer that is killed at any moment leaves a layout that is whole.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wharf_layout::{AppendOptions, CollectMode, Layout};
use wharf_v1::{IndexExt as _, Matcher, random};

/// How often a writer is killed. What CI has time for, unless the build is told otherwise.
fn rounds() -> u64 {
    let told = option_env!("WHARF_CRASH_ROUNDS");
    told.map_or(25, |rounds| rounds.parse().expect("a number"))
}

/// The file that tells the test binary, when it is started beside it, to be the writer. It holds a seed.
const ORDERS: &str = "write-until-killed";

/// Not a test of its own: what the process that is killed does. Elsewhere it does nothing.
#[tokio::test]
async fn writer() {
    let Ok(orders) = std::fs::read_to_string(ORDERS) else {
        return;
    };
    let mut seed: u64 = orders.trim().parse().expect("a seed");
    let layout = Layout::create("layout").await.expect("create");
    loop {
        // The parent waits for these lines.
        println!("\nwriting");
        let image = random::image(seed, 3, 50_000);
        let options = AppendOptions::new().with_ref_name("replaced");
        let kept = AppendOptions::new().with_ref_name(format!("kept-{}", seed % 5));
        match seed % 4 {
            0 => layout.append_image(&image, &kept).await.map(drop),
            1 => layout
                .replace_index(
                    &random::index(seed, 2, 2, 20_000),
                    &Matcher::name("replaced"),
                    &options,
                )
                .await
                .map(drop),
            2 => {
                let mut transaction = layout.transaction();
                transaction.remove(&Matcher::any());
                transaction.append_image(&image, &kept).await.expect("append");
                transaction
                    .append_image(&random::image(seed + 1, 1, 100), &options)
                    .await
                    .expect("append");
                transaction.commit().await.map(drop)
            }
            _ => layout.collect_garbage(CollectMode::Remove).await.map(drop),
        }
        .expect("written");
        seed += 1;
    }
}

#[tokio::test]
async fn a_killed_writer_leaves_a_good_layout() {
    let dir = tempfile::tempdir().expect("temp dir");
    let mut listed = 0;
    for round in 0..rounds() {
        kill_a_writer(dir.path(), round);
        let layout = Layout::open(dir.path().join("layout")).await.expect("open");
        let verified = layout.verify().await.expect("verify");
        assert!(verified.is_good(), "round {round}: {:?}", verified.damaged);
        listed += layout
            .index()
            .await
            .expect("index")
            .children()
            .await
            .expect("entries")
            .len();
        // What a crash left over goes, and nothing that is needed.
        if round % 10 == 9 {
            layout
                .collect_garbage(CollectMode::Remove)
                .await
                .expect("collect");
            let again = layout
                .collect_garbage(CollectMode::DryRun)
                .await
                .expect("collect");
            assert_eq!(
                (again.blobs.len(), again.left_over.len(), again.strays.len()),
                (0, 0, 0)
            );
            assert!(layout.verify().await.expect("verify").is_good());
        }
    }
    assert!(listed > 0, "the writers got to list something");
}

fn kill_a_writer(directory: &Path, round: u64) {
    std::fs::write(directory.join(ORDERS), (round * 1000 + round % 4).to_string()).expect("write");
    let program = std::env::current_exe().expect("the tests");
    let mut child = Command::new(program)
        .args(["--exact", "crash::writer", "--nocapture"])
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let mut lines = output.lines().map(|line| line.expect("text"));
    let mut next = || {
        assert!(lines.any(|line| line == "writing"), "the writer ended by itself");
        Instant::now()
    };
    let mut began = next();
    let mut lasted = Duration::ZERO;
    for _ in 0..=round % 4 {
        let now = next();
        lasted = now - began;
        began = now;
    }
    // Some moment of the write that has begun now: the golden ratio spreads the rounds over it.
    let fraction = (round as f64 * 0.618_033_988_75).fract();
    std::thread::sleep(lasted.mul_f64(fraction));
    // SIGKILL, on Unix.
    child.kill().expect("killed");
    child.wait().expect("ended");
}
