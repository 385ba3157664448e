//! A registry for the time of a run.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::command::Failure;

/// Our own registry on disk, on a free port.
pub(super) struct Server {
    pub(super) host: String,
    child: Child,
}

impl Server {
    pub(super) fn start(crane: &str, work: &Path, name: &str) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Check(format!("registry {name}: {error}"));
        let log = work.join(format!("registry-{name}.log"));
        let child = Command::new(crane)
            .args(["registry", "serve", "--address", "127.0.0.1:0", "--disk"])
            .arg(work.join(format!("registry-{name}")))
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log).map_err(failed)?)
            .spawn()
            .map_err(failed)?;
        let mut server = Self {
            host: String::new(),
            child,
        };
        // It says on which port once it listens.
        for _ in 0..100 {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let port = text
                .split_once("serving on port ")
                .map(|(_, rest)| rest.split_whitespace().next().unwrap_or(""));
            if let Some(port) = port.filter(|port| !port.is_empty() && text.ends_with('\n')) {
                server.host = format!("127.0.0.1:{port}");
                return Ok(server);
            }
            sleep(Duration::from_millis(50));
        }
        Err(Failure::Check(format!(
            "registry {name} does not say where it listens"
        )))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
