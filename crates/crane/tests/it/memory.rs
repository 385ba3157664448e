//! Memory does not grow with what moves.

use std::fs::read_to_string;
use std::process::{Command, Stdio};
use std::sync::Arc;

use wharf::v1::oci_spec::image::MediaType;
use wharf::v1::partial::StaticLayer;

use crate::fixture::image_of;
use crate::registry::TestRegistry;
use crate::sandbox::Sandbox;

/// The size of a layer, many times what a process may take.
const LAYER: usize = 160 << 20;
/// The most that a process may take, in KiB.
const MOST: u64 = 40 << 10;

#[test]
fn a_large_layer_is_copied_pulled_pushed_and_exported() {
    let (registry, other) = (TestRegistry::start(), TestRegistry::start());
    let sandbox = Sandbox::new();
    let layer = StaticLayer::new(vec![0; LAYER], MediaType::ImageLayer);
    let diff_id = layer.as_descriptor().digest().to_string();
    let descriptor = layer.as_descriptor().clone();
    registry.put_image(
        "app:v1",
        &image_of(Arc::new(layer), &descriptor, &diff_id, "amd64"),
    );
    let (app, copied) = (registry.at("app:v1"), other.at("copied:v1"));
    for arguments in [
        &["copy", &app, &copied][..],
        &["pull", "--format=oci", &app, "layout"],
        &["push", "layout", &registry.at("pushed:v1")],
        &["pull", &app, "file.tar"],
        &["export", &app, "-"],
    ] {
        let peak = peak_of(&mut sandbox.command(arguments));
        assert!(peak < MOST, "{arguments:?} took {peak} KiB");
    }
}

/// Runs a command, which must succeed, and says the most memory that it took up, in KiB.
#[track_caller]
fn peak_of(command: &mut Command) -> u64 {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    loop {
        // The mark only rises, so what is read last is what counts.
        let text = read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("waitable") {
            assert!(status.success(), "{command:?}: {status}");
            assert!(peak > 0, "no figure for {command:?}");
            return peak;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
