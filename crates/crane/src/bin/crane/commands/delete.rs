//! `crane delete`.

use http::StatusCode;
use wharf::name::Reference;
use wharf_crane::{Error, Place, delete};

use crate::context::Context;
use crate::failure::Failure;

/// Delete an image from its registry, or from the list of a layout
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The image, by tag or digest, or oci:DIR:NAME, oci:DIR@DIGEST
    image: String,
}

pub(super) async fn run(args: Args, context: &mut Context) -> Result<(), Failure> {
    let place = context.place(&args.image)?;
    let deleted = delete(&context.client()?, &place).await;
    deleted.map_err(|source| match (&source, &place) {
        (Error::Remote(error), Place::Registry(Reference::Tag(tag)))
            if error.status().is_some_and(no_tags) =>
        {
            let hint = format!(
                "some registries delete by digest only: crane delete $(crane digest --full-ref {tag})"
            );
            Failure::Hinted {
                source: Box::new(source),
                hint,
            }
        }
        _ => source.into(),
    })
}

/// How registries answer that delete nothing by tag.
fn no_tags(status: StatusCode) -> bool {
    [StatusCode::BAD_REQUEST, StatusCode::METHOD_NOT_ALLOWED].contains(&status)
}
