//! What a crate promises not to bring along, proved on its dependency tree.

use std::path::Path;

use crate::command::{self, Failure};
use crate::workspace;

/// With these flags, the package's tree has none of these crates.
struct Promise {
    package: &'static str,
    flags: &'static [&'static str],
    absent: &'static [&'static str],
}

const PROMISES: &[Promise] = &[
    // References are plain text work: no I/O, no runtime.
    Promise {
        package: "wharf-name",
        flags: &["--all-features"],
        absent: &["futures-core", "http", "hyper", "rustls", "tokio", "tower"],
    },
    // Content knows no network, whatever is switched on.
    Promise {
        package: "wharf-v1",
        flags: &["--all-features"],
        absent: &[
            "http",
            "hyper",
            "hyper-util",
            "mio",
            "rustls",
            "socket2",
            "tower",
            "wharf-name",
        ],
    },
    Promise {
        package: "wharf-v1",
        flags: &["--no-default-features"],
        absent: &["flate2", "zstd", "zstd-sys"],
    },
    // Credentials are found here and sent elsewhere.
    Promise {
        package: "wharf-authn",
        flags: &["--all-features"],
        absent: &["hyper", "hyper-util", "rustls"],
    },
    // No TLS unless asked for, and only the provider that was.
    Promise {
        package: "wharf-transport",
        flags: &["--no-default-features"],
        absent: &["aws-lc-rs", "aws-lc-sys", "ring", "rustls"],
    },
    Promise {
        package: "wharf-transport",
        flags: &["--no-default-features", "--features=ring"],
        absent: &["aws-lc-rs", "aws-lc-sys"],
    },
    // The registry is a tower service; the server around it is a choice, and so is TLS.
    Promise {
        package: "wharf-registry",
        flags: &["--no-default-features"],
        absent: &["hyper", "hyper-util", "mio"],
    },
    Promise {
        package: "wharf-registry",
        flags: &["--features=server"],
        absent: &["rustls"],
    },
    Promise {
        package: "wharf-registry",
        flags: &["--all-features"],
        absent: &["wharf-authn", "wharf-remote", "wharf-transport"],
    },
    // What only works on files links no network.
    Promise {
        package: "wharf-archive",
        flags: &["--all-features"],
        absent: &["hyper", "mio", "rustls"],
    },
    Promise {
        package: "wharf-layer",
        flags: &["--all-features"],
        absent: &["hyper", "mio", "rustls"],
    },
    Promise {
        package: "wharf-layout",
        flags: &["--all-features"],
        absent: &["hyper", "mio", "rustls"],
    },
    Promise {
        package: "wharf-cache",
        flags: &["--all-features"],
        absent: &["hyper", "mio", "rustls"],
    },
    Promise {
        package: "wharf-extract",
        flags: &["--all-features"],
        absent: &["hyper", "mio", "rustls"],
    },
    Promise {
        package: "wharf-mutate",
        flags: &["--all-features"],
        absent: &["hyper", "mio", "rustls"],
    },
    Promise {
        package: "wharf-tarball",
        flags: &["--all-features"],
        absent: &["hyper", "mio", "rustls"],
    },
];

/// Never in any tree: TLS is rustls, so that no machine needs a C library's headers.
const NOWHERE: &[&str] = &["native-tls", "openssl", "openssl-sys"];

pub(crate) fn run(root: &Path) -> Result<(), Failure> {
    let mut broken = Vec::new();
    for promise in PROMISES {
        let tree = tree(root, promise.package, promise.flags)?;
        report(
            &mut broken,
            promise.package,
            promise.flags,
            &found(&tree, promise.absent),
        );
    }
    for package in workspace::libraries(root)? {
        let tree = tree(root, package.name.as_str(), &["--all-features"])?;
        report(
            &mut broken,
            package.name.as_str(),
            &["--all-features"],
            &found(&tree, NOWHERE),
        );
    }
    if broken.is_empty() {
        println!(
            "{} promises hold, and no tree has {}",
            PROMISES.len(),
            NOWHERE.join(", ")
        );
        Ok(())
    } else {
        Err(Failure::Check(broken.join("\n")))
    }
}

fn report(broken: &mut Vec<String>, package: &str, flags: &[&str], found: &[&str]) {
    if !found.is_empty() {
        broken.push(format!(
            "{package} {} brings {}",
            flags.join(" "),
            found.join(", ")
        ));
    }
}

/// One package name a line, as `cargo tree` resolves them for every platform.
fn tree(root: &Path, package: &str, flags: &[&str]) -> Result<String, Failure> {
    let mut line = vec![
        "cargo",
        "tree",
        "--locked",
        "--edges=normal",
        "--prefix=none",
        "--target=all",
    ];
    line.extend(["--format={p}", "--package", package]);
    line.extend(flags);
    command::output(root, &line)
}

/// Those of `absent` that the tree has.
fn found<'a>(tree: &str, absent: &[&'a str]) -> Vec<&'a str> {
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    absent
        .iter()
        .copied()
        .filter(|name| names.contains(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "\
wharf-name v0.1.0 (/src/crates/name)
oci-spec v0.10.0
serde_json v1.0.145
tokio-util v0.7.0
serde_json v1.0.145 (*)
";

    #[test]
    fn finds_whole_names_only() {
        assert_eq!(found(TREE, &["tokio", "serde"]), <[&str; 0]>::default());
        assert_eq!(
            found(TREE, &["tokio-util", "hyper", "serde_json"]),
            ["tokio-util", "serde_json"]
        );
    }
}
