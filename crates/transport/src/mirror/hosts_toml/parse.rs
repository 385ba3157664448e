use std::path::{Path, PathBuf};

use http::{HeaderName, HeaderValue};

use crate::settings::{PlainHttp, TlsSettings};

use super::super::config::{ConfigError, ConfigProblem, Document, ErrorAt, Node, Table};
use super::super::{Capabilities, Endpoint, RootPath};
use super::{Host, HostsToml};

impl HostsToml {
    /// Parses the text of a file. `file` is its name, which is for errors, and to the directory of which paths are
    /// relative.
    ///
    /// # Errors
    /// [`ConfigError`], which names the line and the key.
    pub fn parse(text: &str, file: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let file = file.as_ref();
        let dir = file.parent().unwrap_or(Path::new(""));
        let document = Document::parse(text, file)?;
        let root = document.root();
        let mut hosts = Vec::new();
        if let Some(tables) = root.get("host") {
            for (url, host) in tables.table()?.entries() {
                let table = host.table()?;
                let endpoint = Endpoint::from_url(url, root_path(&table)?)
                    .map_err(|error| host.error(ConfigProblem::Location(error)))?;
                hosts.push(host_of(&table, endpoint.with_namespace_query(), dir)?);
            }
        }
        let endpoint = match root.get("server") {
            Some(node) if !node.text()?.is_empty() => Endpoint::from_url(node.text()?, root_path(&root)?)
                .map_err(|error| node.error(ConfigProblem::Location(error)))?
                .with_namespace_query(),
            _ => Endpoint::as_asked(),
        };
        Ok(Self {
            file: file.to_owned(),
            hosts,
            server: host_of(&root, endpoint, dir)?,
        })
    }
}

fn root_path(table: &Table<'_>) -> Result<RootPath, ConfigError> {
    Ok(match table.flag("override_path")? {
        true => RootPath::InPlaceOfV2,
        false => RootPath::BeforeV2,
    })
}

fn host_of(table: &Table<'_>, mut endpoint: Endpoint, dir: &Path) -> Result<Host, ConfigError> {
    let capabilities = table.items("capabilities")?;
    if !capabilities.is_empty() {
        let mut allowed = Capabilities::none();
        for node in capabilities {
            allowed = match node.text()?.to_ascii_lowercase().as_str() {
                "pull" => allowed.with_pull(true),
                "resolve" => allowed.with_resolve(true),
                "push" => allowed.with_push(true),
                // Of newer versions; lists are for the server itself here anyway.
                "referrers" => allowed,
                _ => {
                    let want = "pull, resolve, push, referrers";
                    return Err(node.error(ConfigProblem::Value { want }));
                }
            };
        }
        endpoint = endpoint.with_capabilities(allowed);
    }
    if let Some(headers) = table.get("header") {
        for (name, values) in headers.table()?.entries() {
            for value in values.one_or_more() {
                let header = HeaderName::from_bytes(name.as_bytes()).ok();
                let content = HeaderValue::from_str(value.text()?).ok();
                let (Some(header), Some(content)) = (header, content) else {
                    return Err(value.error(ConfigProblem::Header));
                };
                endpoint = endpoint.with_header(header, content);
            }
        }
    }
    let path = |node: &Node<'_>| Ok(dir.join(node.text()?));
    let ca = match table.get("ca") {
        None => Vec::new(),
        Some(node) => node.one_or_more().iter().map(path).collect::<Result<_, _>>()?,
    };
    let client = client(table, dir)?;
    let skip_verify = table.flag("skip_verify")?;
    if skip_verify {
        endpoint = endpoint.with_tls(TlsSettings::default().with_insecure_skip_verify());
    }
    let has_tls = !ca.is_empty() || client.is_some() || table.get("skip_verify").is_some();
    let port = endpoint.registry().and_then(|registry| registry.port());
    if has_tls && endpoint.plain_http() == Some(PlainHttp::Only) && !matches!(port, None | Some(80)) {
        endpoint = endpoint.with_plain_http(PlainHttp::Allowed);
    }
    Ok(Host { endpoint, ca, client })
}

/// One file with both, a list of such, or a list of pairs. All are looked at, the first one counts.
fn client(table: &Table<'_>, dir: &Path) -> Result<Option<(PathBuf, PathBuf)>, ConfigError> {
    let Some(node) = table.get("client") else {
        return Ok(None);
    };
    let mut first = None;
    for item in node.one_or_more() {
        let pair = if item.is_array() {
            match item.items()?.as_slice() {
                [certificate, key] => (dir.join(certificate.text()?), dir.join(key.text()?)),
                _ => {
                    let (want, got) = ("a pair of certificate and key", "array");
                    return Err(item.error(ConfigProblem::Type { want, got }));
                }
            }
        } else {
            let both = dir.join(item.text()?);
            (both.clone(), both)
        };
        first.get_or_insert(pair);
    }
    Ok(first)
}
