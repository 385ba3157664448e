//! Reaching a host through a proxy.

use std::future::ready;
use std::io;
use std::pin::pin;

use futures_util::future::{Either, select};
use http::header::{HOST, PROXY_AUTHORIZATION};
use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::origin::Origin;
use crate::proxy::{Proxy, ProxyFailure};

use super::stream::BoxStream;

/// Opens a tunnel by `CONNECT`
/// ([RFC 9110, section 9.3.6](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6)).
pub(super) async fn connect(
    stream: BoxStream,
    proxy: &Proxy,
    to: &Origin,
) -> Result<BoxStream, ProxyFailure> {
    let authority = format!("{}:{}", to.host(), to.port());
    let mut request = Request::connect(&authority)
        .header(HOST, &authority)
        .body(Empty::<Bytes>::new())
        .map_err(|_| ProxyFailure::Protocol)?;
    if let Some(authorization) = proxy.authorization() {
        request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
    }
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(ProxyFailure::http)?;
    let asking = pin!(async move { sender.send_request(request).await });
    let opening = pin!(connection.without_shutdown());
    // The connection's future gives the stream back when the tunnel is open. Otherwise it may wait for more of a body
    // that nobody reads.
    let (response, opening) = match select(asking, opening).await {
        Either::Left((response, opening)) => (response, Either::Left(opening)),
        Either::Right((parts, asking)) => (asking.await, Either::Right(ready(parts))),
    };
    match response.map_err(ProxyFailure::http)?.status() {
        status if status.is_success() => {}
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => return Err(ProxyFailure::Unauthorized),
        status => return Err(ProxyFailure::Status(status)),
    }
    let parts = opening.await.map_err(ProxyFailure::http)?;
    if !parts.read_buf.is_empty() {
        // In TLS the client speaks first.
        return Err(ProxyFailure::Protocol);
    }
    Ok(parts.io.into_inner())
}

const VERSION: u8 = 5;
const NO_AUTHENTICATION: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_OF_THESE: u8 = 0xff;

/// Opens a tunnel by SOCKS 5 ([RFC 1928](https://datatracker.ietf.org/doc/html/rfc1928),
/// [RFC 1929](https://datatracker.ietf.org/doc/html/rfc1929)). Names are resolved by the proxy.
pub(super) async fn socks5(
    mut stream: BoxStream,
    proxy: &Proxy,
    to: &Origin,
) -> Result<BoxStream, ProxyFailure> {
    let credential = proxy.credential();
    let greeting: &[u8] = match credential {
        Some(_) => &[VERSION, 2, NO_AUTHENTICATION, PASSWORD],
        None => &[VERSION, 1, NO_AUTHENTICATION],
    };
    stream.write_all(greeting).await?;
    let method = match (read(&mut stream).await?, credential) {
        ([VERSION, NONE_OF_THESE], _) => return Err(ProxyFailure::Unauthorized),
        ([VERSION, NO_AUTHENTICATION], _) => None,
        ([VERSION, PASSWORD], Some(credential)) => Some(credential),
        _ => return Err(ProxyFailure::Protocol),
    };
    if let Some((user, password)) = method {
        let mut message = vec![1];
        for text in [user, password] {
            message.push(u8::try_from(text.len()).map_err(|_| ProxyFailure::Unauthorized)?);
            message.extend_from_slice(text.as_bytes());
        }
        stream.write_all(&message).await?;
        let [_, status] = read(&mut stream).await?;
        if status != 0 {
            return Err(ProxyFailure::Unauthorized);
        }
    }

    let mut request = vec![VERSION, 1, 0];
    push_address(&mut request, to)?;
    request.extend_from_slice(&to.port().to_be_bytes());
    stream.write_all(&request).await?;
    match read(&mut stream).await? {
        [VERSION, 0] => {}
        [VERSION, reply] => return Err(ProxyFailure::Reply(reply)),
        _ => return Err(ProxyFailure::Protocol),
    }
    // The address that the proxy connects from is of no interest, but has to be read.
    let [_, kind] = read(&mut stream).await?;
    let length = match kind {
        1 => 4,
        3 => usize::from(u8::from_be_bytes(read(&mut stream).await?)),
        4 => 16,
        _ => return Err(ProxyFailure::Protocol),
    };
    let mut rest = [0; 257];
    stream.read_exact(&mut rest[..length + 2]).await?;
    Ok(stream)
}

fn push_address(message: &mut Vec<u8>, to: &Origin) -> Result<(), ProxyFailure> {
    let bare = to.host().trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(std::net::IpAddr::V4(address)) => {
            message.push(1);
            message.extend_from_slice(&address.octets());
        }
        Ok(std::net::IpAddr::V6(address)) => {
            message.push(4);
            message.extend_from_slice(&address.octets());
        }
        Err(_) => {
            message.push(3);
            message.push(u8::try_from(bare.len()).map_err(|_| ProxyFailure::Protocol)?);
            message.extend_from_slice(bare.as_bytes());
        }
    }
    Ok(())
}

async fn read<const N: usize>(stream: &mut BoxStream) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
