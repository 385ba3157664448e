//! `crane registry serve`, as a process of its own.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::ops::{Deref, DerefMut};
use std::process::Stdio;

use wharf_testkit::Served;

use crate::sandbox::Sandbox;

/// A crane that serves a registry. It is killed when this is dropped.
pub(crate) struct ServedCrane {
    served: Served,
    /// What it said until it was ready.
    pub(crate) greeting: String,
}

impl ServedCrane {
    /// On a port that it picks.
    pub(crate) fn start(sandbox: &Sandbox, arguments: &[impl AsRef<OsStr>]) -> Self {
        let mut command = sandbox.command(&["registry", "serve"]);
        let mut process = command
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("crane starts");
        let mut stderr = BufReader::new(process.stderr.take().expect("piped"));
        let mut greeting = String::new();
        stderr.read_line(&mut greeting).expect("readable");
        // It may say more; a pipe that nobody reads would stop it in the end.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let port = greeting.trim_end().rsplit(' ').next().expect("some word");
        assert!(port.parse::<u16>().is_ok(), "{greeting:?}");
        Self {
            served: Served::new(process, format!("127.0.0.1:{port}")),
            greeting,
        }
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
