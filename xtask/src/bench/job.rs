//! The jobs, and how each program is asked to do them.

use std::path::Path;

use super::server::Server;

/// The image, in the source registry.
pub(super) const IMAGE: &str = "bench/image:v1";

/// A job that several programs can do.
pub(super) struct Job {
    pub(super) name: &'static str,
    /// Our command line; see [`fill`] for what stands in it.
    pub(super) ours: Vec<&'static str>,
    /// Peers, and theirs.
    pub(super) peers: Vec<(&'static str, Vec<&'static str>)>,
}

/// All jobs. `SRC` is the image, `DST` a new repository of the other registry, `NEW` a new one of the same, `DIR` a path
/// that is not there, `LAYER` a tar archive.
pub(super) fn jobs() -> Vec<Job> {
    let job = |name, ours: &[&'static str], peers: &[(&'static str, &[&'static str])]| Job {
        name,
        ours: ours.to_vec(),
        peers: peers
            .iter()
            .map(|(program, line)| (*program, line.to_vec()))
            .collect(),
    };
    vec![
        job(
            "pull",
            &["pull", "--format=oci", "SRC", "DIR"],
            &[
                ("crane-go", &["pull", "--format=oci", "SRC", "DIR"]),
                (
                    "skopeo",
                    &["copy", "-q", "--src-tls-verify=false", "docker://SRC", "oci:DIR"],
                ),
                ("regctl", &["image", "copy", "SRC", "ocidir://DIR"]),
                (
                    "oras",
                    &["copy", "--from-plain-http", "--to-oci-layout", "SRC", "DIR:v1"],
                ),
            ],
        ),
        job(
            "copy",
            &["copy", "SRC", "DST"],
            &[
                ("crane-go", &["copy", "SRC", "DST"]),
                (
                    "skopeo",
                    &[
                        "copy",
                        "-q",
                        "--src-tls-verify=false",
                        "--dest-tls-verify=false",
                        "docker://SRC",
                        "docker://DST",
                    ],
                ),
                ("regctl", &["image", "copy", "SRC", "DST"]),
                (
                    "oras",
                    &["copy", "--from-plain-http", "--to-plain-http", "SRC", "DST"],
                ),
            ],
        ),
        job(
            "export",
            &["export", "SRC", "-"],
            &[("crane-go", &["export", "SRC", "-"])],
        ),
        job(
            "append",
            &["append", "-b", "SRC", "-f", "LAYER", "-t", "NEW"],
            &[("crane-go", &["append", "-b", "SRC", "-f", "LAYER", "-t", "NEW"])],
        ),
        job(
            "flatten",
            &["flatten", "SRC", "-t", "NEW"],
            &[("crane-go", &["flatten", "SRC", "-t", "NEW"])],
        ),
        job(
            "validate",
            &["validate", "--remote", "SRC"],
            &[("crane-go", &["validate", "--remote", "SRC"])],
        ),
    ]
}

/// A command line with the names of this run.
pub(super) fn fill(
    line: &[&str],
    program: &str,
    source: &Server,
    target: &Server,
    place: &Path,
    work: &Path,
) -> Vec<String> {
    let name = place
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
    let names = [
        ("SRC", format!("{}/{IMAGE}", source.host)),
        ("DST", format!("{}/{name}:v1", target.host)),
        ("NEW", format!("{}/{name}:v1", source.host)),
        ("DIR", place.display().to_string()),
        ("LAYER", work.join("extra.tar").display().to_string()),
    ];
    let replaced = line.iter().map(|word| {
        names.iter().fold((*word).to_owned(), |word, (name, value)| {
            match word.strip_suffix(name) {
                Some(before) => format!("{before}{value}"),
                None if word.starts_with(name) && word[name.len()..].starts_with(':') => {
                    word.replacen(name, value, 1)
                }
                None => word,
            }
        })
    });
    std::iter::once(program.to_owned()).chain(replaced).collect()
}
