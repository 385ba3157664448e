//! `crane inspect`.

use wharf_crane::{ImageSummary, Inspection, inspect};

use crate::context::Context;
use crate::failure::Failure;
use crate::text::{Page, size};

/// Show what an image is: platforms, sizes, layers, labels, what refers to it
///
/// Of an index one image is shown in full: that of --platform, else that for linux/amd64, else the first.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image: a reference, or oci:DIR, oci-archive:FILE, docker-archive:FILE, with or without :NAME
    image: String,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.image)?;
    let inspection = inspect(&context.client()?, &place, context.platform()).await?;
    if args.json {
        return context.out.json(&inspection).await;
    }
    context.out.bytes(page(&inspection).as_bytes()).await
}

fn page(inspection: &Inspection) -> String {
    let mut page = Page::default();
    page.field(0, "Name", &inspection.name);
    page.field(0, "Digest", &inspection.digest);
    page.field(0, "Media type", &inspection.media_type);
    if let Some(artifact_type) = &inspection.artifact_type {
        page.field(0, "Artifact type", artifact_type);
    }
    for (key, value) in &inspection.annotations {
        page.field(0, "Annotation", &format!("{key}={value}"));
    }
    if !inspection.platforms.is_empty() {
        page.gap();
        page.line(0, "Platforms");
        let row = |one: &wharf_crane::PlatformSummary| {
            let platform = match (&one.platform[..], &one.artifact_type) {
                ("-", Some(artifact_type)) => artifact_type.clone(),
                (platform, _) => platform.to_owned(),
            };
            vec![
                platform,
                one.digest.clone(),
                one.total_size.map_or("-".to_owned(), size),
            ]
        };
        page.table(2, &inspection.platforms.iter().map(row).collect::<Vec<_>>());
    }
    if let Some(image) = &inspection.image {
        page.gap();
        add_image(&mut page, image);
    }
    page.gap();
    if inspection.referrers.is_empty() {
        page.line(0, "Referrers     none");
    } else {
        page.line(0, "Referrers");
        let row = |one: &wharf_crane::DescriptorSummary| {
            let kind = one.artifact_type.clone().unwrap_or_else(|| "-".to_owned());
            vec![one.digest.clone(), kind, size(one.size)]
        };
        page.table(2, &inspection.referrers.iter().map(row).collect::<Vec<_>>());
    }
    page.into_text()
}

fn add_image(page: &mut Page, image: &ImageSummary) {
    match &image.platform {
        Some(platform) => page.line(0, &format!("Image for {platform}")),
        None => page.line(0, "Image"),
    }
    let mut field = |name: &str, value: &str| page.field(2, name, value);
    field("Digest", &image.digest);
    field("Config", &image.config_digest);
    if image.platform.is_none() {
        field("Config type", &image.config_media_type);
    }
    field("Size", &size(image.total_size));
    for (name, value) in [
        ("Created", &image.created),
        ("Author", &image.author),
        ("Base", &image.base_name),
        ("Base digest", &image.base_digest),
        ("User", &image.user),
        ("Directory", &image.working_dir),
    ] {
        if let Some(value) = value {
            field(name, value);
        }
    }
    for (name, list) in [("Entrypoint", &image.entrypoint), ("Command", &image.cmd)] {
        if !list.is_empty() {
            field(name, &serde_json::to_string(list).unwrap_or_default());
        }
    }
    for (name, list) in [("Ports", &image.exposed_ports), ("Volumes", &image.volumes)] {
        if !list.is_empty() {
            field(name, &list.join(" "));
        }
    }
    for variable in &image.env {
        field("Env", variable);
    }
    for (key, value) in &image.labels {
        field("Label", &format!("{key}={value}"));
    }
    page.line(2, &format!("Layers ({})", image.layers.len()));
    let row = |layer: &wharf_crane::LayerSummary| {
        let made = layer.title.as_ref().or(layer.created_by.as_ref());
        vec![
            layer.digest.clone(),
            size(layer.size),
            shortened(made.map_or("", String::as_str)),
        ]
    };
    page.table(4, &image.layers.iter().map(row).collect::<Vec<_>>());
}

/// The beginning of a text, as long as it fits a line beside a digest.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
