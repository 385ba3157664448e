//! Pages of lists.

use crate::name::excerpt;
use crate::problem::{Code, Problem};
use crate::store::Page;

use super::call::Call;

/// The page that a request wants by its parameters `n` and `last`, no larger than the registry's limit.
pub(super) fn page(call: &Call<'_>) -> Result<Page, Problem> {
    let most = call.options().page_limit;
    let limit = match call.query.get("n") {
        None => most,
        Some(n) if !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()) => {
            // More digits than fit are more than there can be.
            n.parse().unwrap_or(most).min(most)
        }
        Some(n) => {
            return Err(
                Problem::new(Code::Unsupported, format!("n is no number: {:?}", excerpt(n)))
                    .with_status(http::StatusCode::BAD_REQUEST),
            );
        }
    };
    Ok(match call.query.get("last").filter(|last| !last.is_empty()) {
        Some(last) => Page::after(last, limit),
        None => Page::first(limit),
    })
}
