//! One name for each platform.

use super::PlatformSpec;

impl PlatformSpec {
    /// The same platform by the names that Go has for it: lower case, `amd64` for `x86_64`, `arm64` for
    /// `aarch64`, `arm/v7` for `armhf` and for `arm` alone, no variant where it is the architecture's first
    /// (`amd64/v1`, `arm64/v8`), `darwin` for `macos`. The rules are those of containerd.
    ///
    /// ```
    /// use wharf_v1::PlatformSpec;
    ///
    /// let spec: PlatformSpec = "Linux/aarch64/v8".parse()?;
    /// assert_eq!(spec.normalized().to_string(), "linux/arm64");
    /// # Ok::<(), wharf_v1::ParsePlatformError>(())
    /// ```
    #[must_use]
    pub fn normalized(&self) -> Self {
        let mut spec = self.clone();
        spec.os = match self.os.to_lowercase() {
            os if os == "macos" => "darwin".to_owned(),
            os => os,
        };
        let (architecture, variant) = (self.architecture.to_lowercase(), self.variant.to_lowercase());
        let (architecture, variant) = match (architecture.as_str(), variant.as_str()) {
            ("i386" | "i486" | "i586" | "i686", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
            ("aarch64" | "arm64", "9" | "v9.0") => ("arm64", "v9"),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", "" | "7") => ("arm", "v7"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "6") => ("arm", "v6"),
            ("arm", "8") => ("arm", "v8"),
            as_it_is => as_it_is,
        };
        spec.architecture = architecture.to_owned();
        spec.variant = variant.to_owned();
        spec
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let spec: PlatformSpec = text.parse().expect(text);
        assert_eq!(spec.normalized().to_string(), want, "{text}");
        assert_eq!(spec.normalized().normalized(), spec.normalized(), "{text}");
    }

    #[test]
    fn names() {
        check("linux", "linux");
        check("linux/amd64", "linux/amd64");
        check("linux/x86_64", "linux/amd64");
        check("linux/x86-64/v3", "linux/amd64/v3");
        check("linux/amd64/v1", "linux/amd64");
        check("linux/i386", "linux/386");
        check("linux/i686", "linux/386");
        check("linux/aarch64", "linux/arm64");
        check("linux/aarch64/v8", "linux/arm64");
        check("linux/arm64/8", "linux/arm64");
        check("linux/arm64/v9", "linux/arm64/v9");
        check("linux/armhf", "linux/arm/v7");
        check("linux/armel", "linux/arm/v6");
        check("linux/arm", "linux/arm/v7");
        check("linux/arm/6", "linux/arm/v6");
        check("Linux/AMD64", "linux/amd64");
        check("macos/aarch64", "darwin/arm64");
        check("windows/amd64:10.0.17763.1", "windows/amd64:10.0.17763.1");
        check("linux/ppc64le/power9", "linux/ppc64le/power9");
    }

    proptest! {
        #[test]
        fn a_name_is_its_own(text in "[a-z]{1,5}/(arm|arm64|amd64|armhf|aarch64|x86_64|i386)(/v?[0-9](\\.[0-9])?)?") {
            let spec: PlatformSpec = text.parse().expect("a platform");
            prop_assert_eq!(spec.normalized().normalized(), spec.normalized());
        }
    }
}
