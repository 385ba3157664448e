//! `/v2/`: [determining support](https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support).

use http::{Method, Response};

use crate::body::Body;
use crate::problem::Problem;

use super::call::Call;
use super::respond::Reply;

pub(super) fn serve(call: &Call<'_>) -> Result<Response<Body>, Problem> {
    match *call.method() {
        Method::GET | Method::HEAD => {
            Ok(Reply::json(call, "application/json", &serde_json::Map::new()).done())
        }
        _ => Err(Problem::method("GET, HEAD")),
    }
}
