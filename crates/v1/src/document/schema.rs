//! What fields documents have, of which kinds, and in which order they are written.
//!
//! The order is that of the structs of go-containerregistry, so that an edited document gets the same
//! digest from both. A field that is not listed here is unknown: it is kept as it is, after the others.

use super::DocumentKind;

/// An object's fields, in the order they are written.
pub(super) struct Schema {
    pub(super) fields: &'static [Field],
}

impl Schema {
    /// The schema of a whole document.
    pub(super) fn of(kind: DocumentKind) -> &'static Self {
        match kind {
            DocumentKind::Manifest => &MANIFEST,
            DocumentKind::Index => &INDEX,
            DocumentKind::Config => &CONFIG_FILE,
            DocumentKind::Descriptor => &DESCRIPTOR,
        }
    }
}

/// One field of an object.
pub(super) struct Field {
    /// The name in JSON.
    pub(super) name: &'static str,
    /// The name that the typed view has for it. oci-spec 0.10 reads and writes a platform's `os.version`
    /// and `os.features` with an underscore.
    pub(super) view_name: &'static str,
    pub(super) kind: Kind,
    pub(super) presence: Presence,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    Integer,
    Flag,
    /// An RFC 3339 time.
    Time,
    /// A list of texts.
    Texts,
    /// A map of texts to texts.
    TextMap,
    /// A set of texts, as an object whose values are `{}`.
    Set,
    Object(&'static Schema),
    List(&'static Schema, Identity),
}

/// What makes an element of a list the same element after an edit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Identity {
    /// Its digest: what is known of one content is not true of another.
    Digest,
    /// All that it says, or its place while the list keeps its length.
    Place,
}

/// When a field is written, and what the typed view gets where there is none.
#[derive(Clone, Copy)]
pub(super) enum Presence {
    /// Written unless empty; may be missing in the view.
    Optional,
    /// Like `Optional`, but the typed view does not have it.
    Hidden,
    /// Always written, with this text where it is missing; may be missing in the view.
    Written(&'static str),
    /// Always written, with this text where it is missing; the view gets it too.
    Filled(&'static str),
    /// A document without it is invalid.
    Required,
}

const fn field(name: &'static str, kind: Kind, presence: Presence) -> Field {
    Field {
        name,
        view_name: name,
        kind,
        presence,
    }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    field(name, kind, Presence::Optional)
}

const fn hidden(name: &'static str, kind: Kind) -> Field {
    field(name, kind, Presence::Hidden)
}

const fn filled(name: &'static str, kind: Kind, default: &'static str) -> Field {
    field(name, kind, Presence::Filled(default))
}

const fn renamed(mut field: Field, view_name: &'static str) -> Field {
    field.view_name = view_name;
    field
}

const CREATED: Field = field(
    "created",
    Kind::Time,
    Presence::Written("\"0001-01-01T00:00:00Z\""),
);

/// [Descriptor](https://github.com/opencontainers/image-spec/blob/main/descriptor.md).
static DESCRIPTOR: Schema = Schema {
    fields: &[
        filled("mediaType", Kind::Text, "\"\""),
        field("size", Kind::Integer, Presence::Required),
        field("digest", Kind::Text, Presence::Required),
        optional("data", Kind::Text),
        optional("urls", Kind::Texts),
        optional("annotations", Kind::TextMap),
        optional("platform", Kind::Object(&PLATFORM)),
        optional("artifactType", Kind::Text),
    ],
};

static PLATFORM: Schema = Schema {
    fields: &[
        filled("architecture", Kind::Text, "\"\""),
        filled("os", Kind::Text, "\"\""),
        renamed(optional("os.version", Kind::Text), "os_version"),
        renamed(optional("os.features", Kind::Texts), "os_features"),
        optional("variant", Kind::Text),
        optional("features", Kind::Texts),
    ],
};

/// [Image manifest](https://github.com/opencontainers/image-spec/blob/main/manifest.md).
static MANIFEST: Schema = Schema {
    fields: &[
        filled("schemaVersion", Kind::Integer, "2"),
        optional("mediaType", Kind::Text),
        field("config", Kind::Object(&DESCRIPTOR), Presence::Required),
        filled("layers", Kind::List(&DESCRIPTOR, Identity::Digest), "[]"),
        optional("annotations", Kind::TextMap),
        optional("subject", Kind::Object(&DESCRIPTOR)),
        optional("artifactType", Kind::Text),
    ],
};

/// [Image index](https://github.com/opencontainers/image-spec/blob/main/image-index.md).
static INDEX: Schema = Schema {
    fields: &[
        filled("schemaVersion", Kind::Integer, "2"),
        optional("mediaType", Kind::Text),
        filled("manifests", Kind::List(&DESCRIPTOR, Identity::Digest), "[]"),
        optional("annotations", Kind::TextMap),
        optional("subject", Kind::Object(&DESCRIPTOR)),
        optional("artifactType", Kind::Text),
    ],
};

/// [Image config](https://github.com/opencontainers/image-spec/blob/main/config.md).
static CONFIG_FILE: Schema = Schema {
    fields: &[
        filled("architecture", Kind::Text, "\"\""),
        optional("author", Kind::Text),
        hidden("container", Kind::Text),
        CREATED,
        hidden("docker_version", Kind::Text),
        optional("history", Kind::List(&HISTORY, Identity::Place)),
        filled("os", Kind::Text, "\"\""),
        filled(
            "rootfs",
            Kind::Object(&ROOTFS),
            "{\"type\":\"layers\",\"diff_ids\":null}",
        ),
        field("config", Kind::Object(&CONFIG), Presence::Written("{}")),
        optional("os.version", Kind::Text),
        optional("variant", Kind::Text),
        optional("os.features", Kind::Texts),
    ],
};

static HISTORY: Schema = Schema {
    fields: &[
        optional("author", Kind::Text),
        CREATED,
        optional("created_by", Kind::Text),
        optional("comment", Kind::Text),
        optional("empty_layer", Kind::Flag),
    ],
};

static ROOTFS: Schema = Schema {
    fields: &[
        filled("type", Kind::Text, "\"layers\""),
        // A list that was never there is `null`, as Go writes it; the view sees an empty list.
        filled("diff_ids", Kind::Texts, "null"),
    ],
};

static CONFIG: Schema = Schema {
    fields: &[
        hidden("AttachStderr", Kind::Flag),
        hidden("AttachStdin", Kind::Flag),
        hidden("AttachStdout", Kind::Flag),
        optional("Cmd", Kind::Texts),
        hidden("Healthcheck", Kind::Object(&HEALTHCHECK)),
        hidden("Domainname", Kind::Text),
        optional("Entrypoint", Kind::Texts),
        optional("Env", Kind::Texts),
        hidden("Hostname", Kind::Text),
        hidden("Image", Kind::Text),
        optional("Labels", Kind::TextMap),
        hidden("OnBuild", Kind::Texts),
        hidden("OpenStdin", Kind::Flag),
        hidden("StdinOnce", Kind::Flag),
        hidden("Tty", Kind::Flag),
        optional("User", Kind::Text),
        optional("Volumes", Kind::Set),
        optional("WorkingDir", Kind::Text),
        optional("ExposedPorts", Kind::Set),
        hidden("ArgsEscaped", Kind::Flag),
        hidden("NetworkDisabled", Kind::Flag),
        hidden("MacAddress", Kind::Text),
        optional("StopSignal", Kind::Text),
        hidden("Shell", Kind::Texts),
    ],
};

static HEALTHCHECK: Schema = Schema {
    fields: &[
        hidden("Test", Kind::Texts),
        hidden("Interval", Kind::Integer),
        hidden("Timeout", Kind::Integer),
        hidden("StartPeriod", Kind::Integer),
        hidden("Retries", Kind::Integer),
    ],
};
