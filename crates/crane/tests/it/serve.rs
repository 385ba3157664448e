//! Programs that serve a registry, as processes of their own.

use std::ffi::OsStr;
use std::io::{self, BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;

/// How long a program may take to begin or end, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a program is looked at in the meantime.
const GLANCE: Duration = Duration::from_millis(20);

/// A program that serves a registry. It is killed when this is dropped.
pub(crate) struct Served {
    process: Child,
    pub(crate) host: String,
    /// What it said until it was ready.
    pub(crate) greeting: String,
}

impl Served {
    /// `crane registry serve`, on a port that it picks.
    pub(crate) fn crane(sandbox: &Sandbox, arguments: &[impl AsRef<OsStr>]) -> Self {
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
        let port = greeting
            .trim_end()
            .rsplit(' ')
            .next()
            .expect("some word")
            .to_owned();
        assert!(port.parse::<u16>().is_ok(), "{greeting:?}");
        Self {
            process,
            host: format!("127.0.0.1:{port}"),
            greeting,
        }
    }

    /// Debian's `docker-registry`, if it is there.
    pub(crate) fn distribution(sandbox: &Sandbox) -> Option<Self> {
        if !is_installed("docker-registry") {
            return None;
        }
        // The port may be taken by somebody else before the program is there: then it ends, and another is tried.
        for attempt in 0..5 {
            let port = free_port();
            let config = sandbox.path(&format!("distribution-{attempt}.yml"));
            let storage = sandbox.path("distribution");
            let text = format!(
                "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
                 http: {{addr: '127.0.0.1:{port}'}}\n",
                storage.display()
            );
            std::fs::write(&config, text).expect("config is written");
            let mut command = Command::new("docker-registry");
            command
                .arg("serve")
                .arg(&config)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let mut process = command.spawn().expect("docker-registry starts");
            let host = format!("127.0.0.1:{port}");
            if is_ready(&mut process, &host) {
                return Some(Self {
                    process,
                    host,
                    greeting: String::new(),
                });
            }
        }
        panic!("docker-registry does not start");
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for the end of a program that was told to end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("waitable") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "still running");
            std::thread::sleep(GLANCE);
        }
    }
}

impl Drop for Served {
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

/// Whether a program is installed. Says so when it is not: what needs it is passed over.
pub(crate) fn is_installed(name: &str) -> bool {
    match Command::new(name)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
    {
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            say(format_args!("skipped: {name} not installed"));
            false
        }
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Sends a signal to a process.
pub(crate) fn send(signal: &str, process: u32) {
    let status = Command::new("kill")
        .args(["-s", signal, &process.to_string()])
        .status()
        .expect("kill starts");
    assert!(status.success(), "kill -s {signal} {process}");
}

/// Tells whoever runs the tests. What a passing test prints with the macros is not shown.
fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write as _;

    // Nobody reads it, so nobody misses it.
    let _ = writeln!(std::io::stderr(), "{line}");
}
