//! One entry of `auths`.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::json::{self, Text};
use crate::{Credential, EntryFault, Secret};

/// Padded or not: docker writes padding, other tools do not.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_allow_trailing_bits(true)
    .with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The fields that mean something; others are none of our business.
#[derive(Default, Deserialize)]
struct Fields {
    #[serde(default)]
    auth: Option<Text>,
    #[serde(default)]
    username: Option<Text>,
    #[serde(default)]
    password: Option<Text>,
    #[serde(default, rename = "identitytoken")]
    identity_token: Option<Text>,
    #[serde(default, rename = "registrytoken")]
    registry_token: Option<Text>,
}

/// Reads an entry; `Anonymous` if it has nothing, as the ones that docker leaves where a helper has it all.
///
/// What can do most comes first: a registry token, an identity token, user and password. `auth` overrides
/// `username` and `password`.
pub(crate) fn parse(raw: &RawValue) -> Result<Credential, EntryFault> {
    let fields: Option<Fields> = json::object(raw.get()).map_err(|_| EntryFault::Shape)?;
    let Fields {
        auth,
        username,
        password,
        identity_token,
        registry_token,
    } = fields.unwrap_or_default();
    let given = |text: Option<Text>| text.map(|text| text.0).filter(|text| !text.is_empty());

    if let Some(token) = given(registry_token) {
        return Ok(Credential::RegistryToken(token));
    }
    let auth = given(auth);
    let username = given(username).map(|username| username.expose().to_owned());
    if let Some(token) = given(identity_token) {
        // Docker leaves the user in `auth` then, without a password; whatever else is there has no use.
        let from_auth = auth
            .and_then(|auth| decode(auth.expose()).ok())
            .map(|(username, _)| username);
        let username = from_auth.filter(|username| !username.is_empty()).or(username);
        return Ok(Credential::IdentityToken { username, token });
    }
    let (username, password) = match auth {
        Some(auth) => decode(auth.expose())?,
        None => (username.unwrap_or_default(), given(password).unwrap_or_default()),
    };
    if username.is_empty() && password.is_empty() {
        return Ok(Credential::Anonymous);
    }
    Ok(Credential::Basic { username, password })
}

/// Decodes `base64(username:password)`.
fn decode(auth: &str) -> Result<(String, Secret), EntryFault> {
    let auth = auth.trim();
    let engine = if auth.contains(['-', '_']) {
        URL_SAFE
    } else {
        STANDARD
    };
    let bytes = Zeroizing::new(engine.decode(auth).map_err(|_| EntryFault::NotBase64)?);
    let text = std::str::from_utf8(&bytes).map_err(|_| EntryFault::NotUtf8)?;
    let (username, password) = text.split_once(':').ok_or(EntryFault::NoColon)?;
    // Old docker on Windows padded passwords with NUL.
    Ok((username.to_owned(), password.trim_matches('\0').into()))
}
