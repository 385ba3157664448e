//! The platform that this process runs on.

use std::env::consts::{ARCH, OS};

use super::PlatformSpec;

impl PlatformSpec {
    /// The platform whose images run on this machine, as far as that is known when the program is built.
    ///
    /// On macOS that is Linux, since containers run in a virtual machine there. Windows has no version in it.
    ///
    /// ```
    /// use wharf_v1::PlatformSpec;
    ///
    /// assert!(PlatformSpec::local().architecture().is_some());
    /// ```
    #[must_use]
    pub fn local() -> Self {
        of_rust(OS, ARCH, cfg!(target_endian = "little"))
    }
}

/// The platform that Rust calls so.
fn of_rust(os: &str, architecture: &str, little_endian: bool) -> PlatformSpec {
    let os = match os {
        "macos" => "linux",
        os => os,
    };
    let architecture = match (architecture, little_endian) {
        ("x86", _) => "386",
        ("powerpc64", true) => "ppc64le",
        ("powerpc64", false) => "ppc64",
        ("mips64", true) => "mips64le",
        ("loongarch64", _) => "loong64",
        (architecture, _) => architecture,
    };
    PlatformSpec::new(os, architecture).normalized()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(os: &str, architecture: &str, little_endian: bool, want: &str) {
        assert_eq!(of_rust(os, architecture, little_endian).to_string(), want);
    }

    #[test]
    fn rusts_names_become_gos() {
        check("linux", "x86_64", true, "linux/amd64");
        check("linux", "aarch64", true, "linux/arm64");
        check("macos", "aarch64", true, "linux/arm64");
        check("windows", "x86_64", true, "windows/amd64");
        check("linux", "arm", true, "linux/arm/v7");
        check("linux", "x86", true, "linux/386");
        check("linux", "powerpc64", true, "linux/ppc64le");
        check("linux", "powerpc64", false, "linux/ppc64");
        check("linux", "s390x", false, "linux/s390x");
        check("linux", "riscv64", true, "linux/riscv64");
        check("linux", "loongarch64", true, "linux/loong64");
    }
}
