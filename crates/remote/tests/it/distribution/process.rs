//! `docker-registry` as a process.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wharf_name::Registry;

/// How long the program may take to begin, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked at in the meantime.
const GLANCE: Duration = Duration::from_millis(20);

/// A running registry. It is killed when this is dropped.
pub(super) struct Distribution {
    process: Child,
    host: String,
    _folder: TempDir,
}

impl Distribution {
    /// Starts a registry that keeps its files in `folder`; `auth` is the part of its configuration about that.
    pub(super) fn start(folder: TempDir, auth: &str) -> Self {
        let config = folder.path().join("config.yml");
        // The port may be taken by somebody else before the program is there: then it ends, and another is tried.
        for _ in 0..5 {
            let port = free_port();
            let text = format!(
                "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
                 http: {{addr: '127.0.0.1:{port}'}}\n{auth}",
                folder.path().join("storage").display()
            );
            std::fs::write(&config, text).expect("config is written");
            let mut process = Command::new("docker-registry")
                .arg("serve")
                .arg(&config)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("docker-registry starts");
            let host = format!("127.0.0.1:{port}");
            if is_ready(&mut process, &host) {
                return Self {
                    process,
                    host,
                    _folder: folder,
                };
            }
        }
        panic!("docker-registry does not start");
    }

    pub(super) fn name(&self) -> Registry {
        self.host.parse().expect("an address is a registry")
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Whether the program takes connections before it ends.
fn is_ready(process: &mut Child, host: &str) -> bool {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if process.try_wait().expect("waitable").is_some() {
            return false;
        }
        if TcpStream::connect(host).is_ok() {
            return true;
        }
        std::thread::sleep(GLANCE);
    }
    let _ = process.kill();
    false
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

/// Whether `docker-registry` is installed. Says so when it is not: what needs it is passed over.
pub(super) fn is_installed() -> bool {
    let found = Command::new("docker-registry")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match found {
        Ok(_) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            say(format_args!("skipped: docker-registry not installed"));
            false
        }
        Err(error) => panic!("docker-registry: {error}"),
    }
}

/// Tells whoever runs the tests. What a passing test prints with the macros is not shown.
fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;

    // Nobody reads it, so nobody misses it.
    let _ = writeln!(std::io::stderr(), "{line}");
}
