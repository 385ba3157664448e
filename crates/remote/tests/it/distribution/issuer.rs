//! A token server whose tokens `docker-registry` takes
//! (<https://distribution.github.io/distribution/spec/auth/jwt/>).

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize, SigningKey as _};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use wharf_transport::origin::Origin;

/// Gives whoever shows the password tokens for whatever is asked. It stops when dropped.
pub(super) struct Issuer {
    addr: SocketAddr,
    signer: Arc<Signer>,
    task: JoinHandle<()>,
}

struct Signer {
    key: KeyPair,
    certificate: rcgen::Certificate,
    authorization: String,
    /// The scopes of each request.
    asked: Mutex<Vec<String>>,
}

impl Issuer {
    pub(super) async fn start(user: &str, password: &str) -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).expect("a key");
        let params = CertificateParams::new(["issuer.test".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        let signer = Arc::new(Signer {
            key,
            certificate,
            authorization: format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
            asked: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let serving = Arc::clone(&signer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { addr, signer, task }
    }

    pub(super) fn realm(&self) -> String {
        format!("http://{}/token", self.addr)
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::of(&self.realm().parse().expect("a URL")).expect("an origin")
    }

    pub(super) fn certificate(&self) -> String {
        self.signer.certificate.pem()
    }

    /// The scopes of each request so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.signer.asked.lock().expect("not poisoned").clone()
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers the first request of a connection, and closes it.
async fn serve(stream: TcpStream, signer: Arc<Signer>) {
    let mut lines = BufReader::new(stream).lines();
    let mut head = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let (status, body) = signer.answer(&head);
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    // A client that goes away is no failure of the server.
    let _ = lines.get_mut().write_all(answer.as_bytes()).await;
}

impl Signer {
    fn answer(&self, head: &[String]) -> (&'static str, String) {
        let target = head
            .first()
            .and_then(|line| line.split(' ').nth(1))
            .unwrap_or_default();
        let url: http::Uri = target.parse().expect("a target");
        let scopes: Vec<String> = url
            .query()
            .unwrap_or_default()
            .split('&')
            .filter_map(|pair| pair.strip_prefix("scope="))
            .map(|scope| scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ","))
            .collect();
        self.asked.lock().expect("not poisoned").push(scopes.join(" "));
        let shown = head.iter().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("authorization").then_some(value)
        });
        if shown != Some(self.authorization.as_str()) {
            let body = json!({"errors": [{"code": "UNAUTHORIZED", "message": "who are you"}]});
            return ("401 Unauthorized", body.to_string());
        }
        let token = self.token(&scopes);
        ("200 OK", json!({"token": token, "expires_in": 300}).to_string())
    }

    fn token(&self, scopes: &[String]) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs();
        let access: Vec<_> = scopes
            .iter()
            .filter_map(|scope| {
                let (kind, rest) = scope.split_once(':')?;
                let (name, actions) = rest.rsplit_once(':')?;
                let actions: Vec<_> = actions.split(',').collect();
                Some(json!({"type": kind, "name": name, "actions": actions}))
            })
            .collect();
        let header = json!({
            "typ": "JWT",
            "alg": "RS256",
            "x5c": [STANDARD.encode(self.certificate.der())],
        });
        let claims = json!({
            "iss": "wharf-issuer", "sub": "alice", "aud": "wharf",
            "nbf": now - 10, "iat": now, "exp": now + 300, "jti": format!("{now}"),
            "access": access,
        });
        let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let signature = self.key.sign(signed.as_bytes()).expect("signed");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
