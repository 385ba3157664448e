//! What was found.

use std::error::Error as StdError;
use std::fmt::{self, Display};

use oci_spec::image::Digest;

use crate::one_line::OneLine;

/// All that was found wrong, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing is wrong. There may be warnings.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.severity != Severity::Error)
    }

    /// What was found, warnings among it.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }
}

/// A line for each finding.
impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.findings.iter().enumerate() {
            let newline = if i > 0 { "\n" } else { "" };
            write!(f, "{newline}{finding}")?;
        }
        Ok(())
    }
}

/// One thing that is not as it should be. Displays as one line.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it is.
    pub place: Place,
    /// What was checked there.
    pub check: Check,
    /// How bad it is.
    pub severity: Severity,
    /// What there should be, where that can be said.
    pub want: Option<String>,
    /// What there is.
    pub got: String,
}

impl Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = match self.severity {
            Severity::Warning => "warning: ",
            Severity::Error => "",
        };
        write!(f, "{warning}{}: {}: ", self.place, self.check)?;
        // What comes from outside must not break the line, nor reach a terminal as it is.
        if let Some(want) = &self.want {
            write!(f, "want {}, got ", OneLine(want))?;
        }
        write!(f, "{}", OneLine(&self.got))
    }
}

/// How bad a [`Finding`] is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Odd, but no promise is broken.
    Warning,
    /// A promise is broken.
    Error,
}

/// Where a [`Finding`] is: steps from what was checked inwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Place {
    steps: Vec<Step>,
}

impl Place {
    /// The steps, outermost first. None is what was checked itself.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("it");
        }
        for (i, step) in self.steps.iter().enumerate() {
            let separator = if i > 0 { ", " } else { "" };
            write!(f, "{separator}{step}")?;
        }
        Ok(())
    }
}

/// One step of a [`Place`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A child of an index.
    Child {
        /// Its place in the index, counted from 0.
        at: usize,
        /// Its digest, as the index has it.
        digest: Digest,
    },
    /// The document of an image or index.
    Manifest,
    /// The config of an image.
    Config,
    /// A layer of an image.
    Layer {
        /// Its place in the manifest, counted from 0, base first.
        at: usize,
        /// Its digest, as the manifest has it.
        digest: Digest,
    },
    /// The descriptor of the subject.
    Subject,
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Child { at, digest } => write!(f, "manifests[{at}] ({digest})"),
            Self::Manifest => f.write_str("manifest"),
            Self::Config => f.write_str("config"),
            Self::Layer { at, digest } => write!(f, "layers[{at}] ({digest})"),
            Self::Subject => f.write_str("subject"),
        }
    }
}

/// What is checked.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Check {
    /// The content is there.
    Exists,
    /// The content can be read.
    Readable,
    /// A document is one, by the rules of its kind.
    Document,
    /// The digest is that of the bytes, and all that name the content agree on it.
    Digest,
    /// The size is that of the bytes, and all that name the content agree on it.
    Size,
    /// The media type is one and the same wherever it is said.
    MediaType,
    /// `schemaVersion` is 2.
    SchemaVersion,
    /// What a descriptor has inlined as `data` is what it describes.
    Data,
    /// The digest of the uncompressed bytes is the one that the layer and the config say.
    DiffId,
    /// There are as many layers as are listed, and as many diff_ids.
    LayerCount,
    /// A config's `rootfs.type` is `layers`.
    RootfsType,
    /// A config's history has as many entries that made a layer as there are layers.
    History,
    /// Compressed content can be decompressed, and is compressed as its media type says.
    Compression,
    /// A layer is a whole tar archive.
    Tar,
    /// A name is in a layer once.
    DuplicateName,
    /// What an index says of a child's platform is what its config says.
    Platform,
    /// Content keeps to the limits of the run: entries in a layer, children, nesting.
    Limit,
}

impl Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exists => "existence",
            Self::Readable => "cannot be read",
            Self::Document => "document",
            Self::Digest => "digest",
            Self::Size => "size",
            Self::MediaType => "media type",
            Self::SchemaVersion => "schema version",
            Self::Data => "inlined data",
            Self::DiffId => "diff id",
            Self::LayerCount => "number of layers",
            Self::RootfsType => "rootfs type",
            Self::History => "history",
            Self::Compression => "compression",
            Self::Tar => "tar archive",
            Self::DuplicateName => "name in archive twice",
            Self::Platform => "platform",
            Self::Limit => "limit",
        })
    }
}

/// Where findings are noted down.
#[derive(Default)]
pub(super) struct Notes {
    place: Place,
    findings: Vec<Finding>,
}

impl Notes {
    /// Notes for a place further in.
    pub(super) fn at(&self, step: Step) -> Self {
        let mut place = self.place.clone();
        place.steps.push(step);
        Self {
            place,
            findings: Vec::new(),
        }
    }

    /// Takes in what was noted elsewhere.
    pub(super) fn append(&mut self, other: Self) {
        self.findings.extend(other.findings);
    }

    pub(super) fn wrong(&mut self, check: Check, got: impl Display) {
        self.note(check, Severity::Error, None, got);
    }

    pub(super) fn odd(&mut self, check: Check, got: impl Display) {
        self.note(check, Severity::Warning, None, got);
    }

    pub(super) fn mismatch(&mut self, check: Check, want: impl Display, got: impl Display) {
        self.note(check, Severity::Error, Some(want.to_string()), got);
    }

    pub(super) fn equal<T: Display + PartialEq>(&mut self, check: Check, want: &T, got: &T) {
        if want != got {
            self.mismatch(check, want, got);
        }
    }

    pub(super) fn note(&mut self, check: Check, severity: Severity, want: Option<String>, got: impl Display) {
        let (place, got) = (self.place.clone(), got.to_string());
        let finding = Finding {
            place,
            check,
            severity,
            want,
            got,
        };
        // One thing may be seen in several ways.
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    /// What `result` holds; its error is noted as `check`, unless it says more itself.
    pub(super) fn take<T>(&mut self, check: Check, result: Result<T, crate::Error>) -> Option<T> {
        result.map_err(|error| self.error(check, &error)).ok()
    }

    pub(super) fn error(&mut self, check: Check, error: &crate::Error) {
        match error {
            crate::Error::DigestMismatch { got, want, .. } => self.mismatch(Check::Digest, want, got),
            crate::Error::SizeMismatch { got, want } => self.mismatch(Check::Size, want, got),
            crate::Error::NotFound { .. } => self.wrong(Check::Exists, chain(error)),
            crate::Error::Decompress { .. } => self.wrong(Check::Compression, chain(error)),
            crate::Error::InvalidDocument { .. } => self.wrong(Check::Document, chain(error)),
            crate::Error::TooLarge { .. } | crate::Error::Swells { .. } => {
                self.wrong(Check::Limit, chain(error))
            }
            _ => self.wrong(check, chain(error)),
        }
    }

    /// Makes all that was noted here no more than a warning.
    pub(super) fn excuse(&mut self) {
        for finding in &mut self.findings {
            finding.severity = Severity::Warning;
        }
    }
}

/// An error with its causes.
pub(super) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

impl From<Notes> for Report {
    fn from(notes: Notes) -> Self {
        Self {
            findings: notes.findings,
        }
    }
}
