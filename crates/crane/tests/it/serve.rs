//! `crane registry serve`, as a process of its own.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

use wharf_testkit::Served;

use crate::sandbox::Sandbox;

/// A crane that serves a registry. It is killed when this is dropped.
pub(crate) struct ServedCrane {
    served: Served,
    /// What it said until it was ready.
    pub(crate) greeting: String,
    /// Reads what it says later.
    rest: JoinHandle<String>,
}

impl ServedCrane {
    /// On a port that it picks.
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[impl AsRef<OsStr>]) -> Self {
        let mut command = sandbox.command(&["registry", "serve"]);
        command.args(arguments);
        Self::spawn(command)
    }

    /// By a command line that ends in one of `crane registry serve`.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut process = command.stderr(Stdio::piped()).spawn().expect("crane starts");
        let mut stderr = BufReader::new(process.stderr.take().expect("piped"));
        let mut greeting = String::new();
        stderr.read_line(&mut greeting).expect("readable");
        // It may say more; a pipe that nobody reads would stop it in the end.
        let rest = std::thread::spawn(move || {
            let mut rest = String::new();
            // What is no text ends it, and nobody is told more.
            let _ = stderr.read_to_string(&mut rest);
            rest
        });
        let port = greeting.trim_end().rsplit(' ').next().expect("some word");
        assert!(port.parse::<u16>().is_ok(), "{greeting:?}");
        Self {
            served: Served::new(process, format!("127.0.0.1:{port}")),
            greeting,
            rest,
        }
    }

    /// Ends it, and gives what it said after the greeting.
    pub(crate) fn end(self) -> String {
        drop(self.served);
        self.rest.join().expect("read")
    }
}

impl Deref for ServedCrane {
    type Target = Served;

    fn deref(&self) -> &Served {
        &self.served
    }
}

impl DerefMut for ServedCrane {
    fn deref_mut(&mut self) -> &mut Served {
        &mut self.served
    }
}

/// Sends a request and gives what came back, head and body.
pub(crate) fn ask(host: &str, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(host).expect("connected");
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    // A refusal may come before all is sent.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    let answer = String::from_utf8(answer).expect("text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), answer)
}
