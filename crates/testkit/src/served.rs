//! Processes that serve on a loopback port.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to begin or end, on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often a program is looked at in the meantime.
const GLANCE: Duration = Duration::from_millis(20);
/// How many ports are tried.
const ATTEMPTS: usize = 5;

/// A process that serves on the loopback interface. It is killed when this is dropped.
#[derive(Debug)]
pub struct Served {
    process: Child,
    host: String,
}

impl Served {
    /// A process that is ready, and where it serves: `127.0.0.1:port`.
    #[must_use]
    pub fn new(process: Child, host: impl Into<String>) -> Self {
        Self {
            process,
            host: host.into(),
        }
    }

    /// Starts a program that is told its port, and waits until it takes connections. `command` makes the command
    /// line for an address, `127.0.0.1:port`; its standard streams are closed.
    ///
    /// # Panics
    ///
    /// If it does not start, on any of several ports.
    #[track_caller]
    pub fn start(mut command: impl FnMut(&str) -> Command) -> Self {
        // The port may be taken by somebody else before the program is there: then it ends, and another is tried.
        for _ in 0..ATTEMPTS {
            let host = free_address();
            let mut command = command(&host);
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let process = command
                .spawn()
                .unwrap_or_else(|error| panic!("{command:?}: {error}"));
            let mut served = Self { process, host };
            if served.is_ready() {
                return served;
            }
        }
        panic!("{:?} does not start", command("127.0.0.1:0"));
    }

    /// `127.0.0.1:port`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The id of the process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits for the end of a process that was told to end.
    ///
    /// # Panics
    ///
    /// If it is still running after a minute.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "still running");
            std::thread::sleep(GLANCE);
        }
    }

    /// Whether the program takes connections before it ends.
    fn is_ready(&mut self) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let ended = self.process.try_wait().expect("a child can be waited for");
            if ended.is_some() {
                return false;
            }
            if TcpStream::connect(&self.host).is_ok() {
                return true;
            }
            std::thread::sleep(GLANCE);
        }
        false
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_ends_with_what_holds_it() {
        let process = Command::new("sleep").arg("600").spawn().expect("sleep starts");
        let served = Served::new(process, "127.0.0.1:1");
        let id = served.id().to_string();
        assert_eq!(served.host(), "127.0.0.1:1");
        drop(served);
        let alive = Command::new("kill")
            .args(["-0", &id])
            .stderr(Stdio::null())
            .status();
        assert!(!alive.expect("kill starts").success());
    }

    #[test]
    fn one_that_was_told_to_end_is_waited_for() {
        let process = Command::new("sleep").arg("600").spawn().expect("sleep starts");
        let mut served = Served::new(process, "127.0.0.1:1");
        crate::send("TERM", served.id());
        assert_eq!(served.wait().code(), None);
    }

    #[test]
    #[should_panic(expected = "does not start")]
    fn a_program_that_ends_at_once_never_serves() {
        Served::start(|_| Command::new("true"));
    }
}
