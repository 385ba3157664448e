//! Archives of arbitrary bytes, and of arbitrary entries with headers that are valid.

use std::future::Future;
use std::path::Path;

/// What a compressed archive may unpack to, and what is read of any blob, in bytes.
#[allow(dead_code, reason = "not every target reads blobs")]
pub const LIMIT: u64 = 1 << 20;

/// Runs a future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// Writes an archive: the input as it is, or, where it begins with `E`, the entries that it describes, each as
/// a type, a name, a target and content, all but the type with their lengths before them.
#[allow(dead_code, reason = "not every target has archives")]
pub fn write(path: &Path, input: &[u8]) {
    let archive = match input.split_first() {
        Some((b'E', entries)) => tar_of(entries),
        _ => input.to_vec(),
    };
    std::fs::write(path, archive).expect("written");
}

#[allow(dead_code, reason = "not every target has archives")]
pub fn tar_of(mut input: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    while let Some((kind, rest)) = input.split_first() {
        let (name, rest) = field(rest, 1, 100);
        let (target, rest) = field(rest, 1, 100);
        let (content, rest) = field(rest, 2, usize::MAX);
        input = rest;
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name);
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[156] = *kind;
        header[157..157 + target.len()].copy_from_slice(target);
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend_from_slice(&header);
        tar.extend_from_slice(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

/// The next field, whose length stands before it in so many bytes.
#[allow(dead_code, reason = "not every target has archives")]
pub fn field(input: &[u8], prefix: usize, limit: usize) -> (&[u8], &[u8]) {
    let (length, rest) = input.split_at(prefix.min(input.len()));
    let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    rest.split_at(length.min(limit).min(rest.len()))
}
