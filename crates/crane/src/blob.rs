//! The bytes of a blob.

use wharf::name::DigestReference;
use wharf::remote::Client;
use wharf::v1::ByteStream;

use crate::Error;

/// The blob that `reference` names, as the registry has it: a layer stays compressed
/// (Go: `crane.PullLayer`). Costs 1 request.
///
/// The stream ends without an error only if the bytes have the digest asked for.
///
/// # Errors
/// [`Error::Remote`] when the registry does not have it, refuses or cannot be reached.
pub async fn blob(client: &Client, reference: &DigestReference) -> Result<ByteStream, Error> {
    Ok(client.blob(reference).await?)
}
