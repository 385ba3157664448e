//! A client that costs next to nothing: one connection, no more HTTP than a registry on this machine needs.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take, on a machine that is as busy as can be.
const PATIENCE: Duration = Duration::from_secs(120);

/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

/// A connection to a registry, which is made again when the registry has closed it.
pub(super) struct Client {
    host: String,
    connection: Option<BufReader<TcpStream>>,
    buffer: usize,
}

/// What a request carries.
pub(super) enum Payload<'a> {
    Bytes(&'a [u8]),
    File(&'a Path),
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    /// The path of `Location`, with its query.
    pub(super) location: String,
    pub(super) digest: String,
    /// The body, if it was to be kept.
    pub(super) body: Vec<u8>,
}

impl Client {
    pub(super) fn new(host: &str) -> Self {
        Self::with_buffer(host, BUFFER)
    }

    /// One of many, which reads less at once.
    pub(super) fn with_buffer(host: &str, buffer: usize) -> Self {
        Self {
            host: host.to_owned(),
            connection: None,
            buffer,
        }
    }

    /// Asks, and throws the body of the answer away.
    pub(super) fn ask(&mut self, method: &str, path: &str, payload: Payload<'_>) -> io::Result<Reply> {
        self.exchange(method, path, "application/octet-stream", payload, false)
    }

    /// Asks, and keeps the body of the answer.
    pub(super) fn get(&mut self, path: &str) -> io::Result<Reply> {
        self.exchange("GET", path, "application/octet-stream", Payload::Bytes(b""), true)
    }

    /// Puts a manifest.
    pub(super) fn put_manifest(&mut self, path: &str, manifest: &str) -> io::Result<Reply> {
        let media_type = "application/vnd.oci.image.manifest.v1+json";
        self.exchange(
            "PUT",
            path,
            media_type,
            Payload::Bytes(manifest.as_bytes()),
            false,
        )
    }

    /// Begins an upload and ends it with all its bytes. The status is that of whichever was refused.
    pub(super) fn push(&mut self, repository: &str, digest: &str, payload: Payload<'_>) -> io::Result<Reply> {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let begun = self.ask("POST", &path, Payload::Bytes(b""))?;
        if begun.status != 202 {
            return Ok(begun);
        }
        let and = if begun.location.contains('?') { '&' } else { '?' };
        self.ask("PUT", &format!("{}{and}digest={digest}", begun.location), payload)
    }

    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        media_type: &str,
        payload: Payload<'_>,
        keep: bool,
    ) -> io::Result<Reply> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => {
                let stream = TcpStream::connect(&self.host)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                BufReader::with_capacity(self.buffer, stream)
            }
        };
        let length = match &payload {
            Payload::Bytes(bytes) => bytes.len() as u64,
            Payload::File(path) => path.metadata()?.len(),
        };
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n\r\n",
            self.host
        )
        .into_bytes();
        match payload {
            Payload::Bytes(bytes) => {
                head.extend_from_slice(bytes);
                connection.get_mut().write_all(&head)?;
            }
            Payload::File(path) => {
                connection.get_mut().write_all(&head)?;
                // The kernel moves these by itself.
                io::copy(&mut File::open(path)?, connection.get_mut())?;
            }
        }
        let (reply, closes) = read(&mut connection, method, keep)?;
        if !closes {
            self.connection = Some(connection);
        }
        Ok(reply)
    }
}

/// Reads an answer, and whether it was the last one on its connection.
fn read(connection: &mut BufReader<TcpStream>, method: &str, keep: bool) -> io::Result<(Reply, bool)> {
    let mut reply = Reply::default();
    let (mut length, mut closes) = (None, false);
    let mut line = String::new();
    loop {
        line.clear();
        if connection.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        let Some((name, value)) = text.split_once(": ") else {
            let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
            reply.status = status.ok_or(io::ErrorKind::InvalidData)?;
            continue;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse::<u64>().ok(),
            "connection" => closes = value.eq_ignore_ascii_case("close"),
            "docker-content-digest" => value.clone_into(&mut reply.digest),
            "location" => {
                // Of an absolute one, what comes after the host.
                let path = value.split_once("://").map(|(_, rest)| rest);
                let path = path.map_or(value, |rest| rest.find('/').map_or("/", |at| &rest[at..]));
                path.clone_into(&mut reply.location);
            }
            _ => {}
        }
    }
    if method == "HEAD" || matches!(reply.status, 204 | 304) {
        return Ok((reply, closes));
    }
    let length = length.ok_or_else(|| io::Error::other("an answer without Content-Length"))?;
    let mut body = connection.take(length);
    let came = if keep {
        body.read_to_end(&mut reply.body)? as u64
    } else {
        discard(&mut body)?
    };
    if came < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok((reply, closes))
}

/// Reads to the end, into the buffer that is there already.
fn discard(body: &mut impl io::BufRead) -> io::Result<u64> {
    let mut total = 0;
    loop {
        let there = body.fill_buf()?.len();
        if there == 0 {
            return Ok(total);
        }
        body.consume(there);
        total += there as u64;
    }
}
