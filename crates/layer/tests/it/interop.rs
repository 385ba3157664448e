//! Other people's decoders read what we compress.

use std::process::Command;

use wharf_layer::{Compression, LayerBuilder};
use wharf_testkit::{is_installed, run};

use crate::support::{stored, stream, tar_of};

#[tokio::test]
async fn other_decoders_read_it() {
    // Several blocks: text, runs, and what cannot be compressed.
    let mut content = include_bytes!("interop.rs").repeat(400);
    content.extend(vec![0; 1 << 20]);
    content.extend((0..1u32 << 18).flat_map(|n| n.wrapping_mul(0x9e37_79b1).wrapping_pow(3).to_le_bytes()));
    let tar = tar_of("file", &content);
    let dir = tempfile::tempdir().expect("temp dir");
    let path = dir.path().join("layer");
    for (compression, programs) in [
        (
            Compression::Gzip { level: 1 },
            &[
                &["gzip", "-cd"][..],
                &["python3", "-m", "gzip", "-d"],
                &["pigz", "-cd"],
            ][..],
        ),
        (
            Compression::Gzip { level: 6 },
            &[
                &["gzip", "-cd"],
                &["python3", "-m", "gzip", "-d"],
                &["pigz", "-cd"],
            ],
        ),
        (Compression::zstd(), &[&["zstd", "-cd"]]),
    ] {
        let builder = LayerBuilder::from_stream(stream(tar.clone())).compression(compression);
        let layer = builder.build().await.expect("layer");
        std::fs::write(&path, stored(&layer).await).expect("write");
        for program in programs.iter().filter(|program| is_installed(program[0])) {
            let input = std::fs::File::open(&path).expect("there");
            let mut command = Command::new(program[0]);
            let output = run(command.args(&program[1..]).stdin(input));
            assert!(output.stdout == tar, "{compression:?} by {program:?}");
        }
    }
}
