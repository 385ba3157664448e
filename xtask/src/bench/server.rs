//! Registries for the time of a run, and what they took.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::measure::Cost;
use crate::command::Failure;

/// A program that is a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Ours,
    Debians,
}

impl Program {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "crane",
            Self::Debians => "docker-registry",
        }
    }
}

/// A server for the time of a run.
pub(super) struct Server {
    pub(super) host: String,
    child: Child,
    /// Processor time until it was ready, in seconds.
    idle: f64,
    began: Instant,
}

impl Server {
    /// Starts a server with its content in `folder`, and waits until it takes connections.
    pub(super) fn start(program: Program, crane: &Path, folder: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| Failure::Check(format!("{}: {error}", program.name()));
        fs::create_dir_all(folder).map_err(failed)?;
        let host = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(failed)?
            .to_string();
        let mut command = match program {
            Program::Ours => {
                let mut command = Command::new(crane);
                command
                    .args(["registry", "serve", "--address", &host, "--disk"])
                    .arg(folder);
                command
            }
            Program::Debians => {
                let config = folder.join("config.yml");
                let text = format!(
                    "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
                     storage: {{filesystem: {{rootdirectory: '{}'}}, delete: {{enabled: true}}}}\n\
                     http: {{addr: '{host}'}}\n",
                    folder.join("registry").display()
                );
                fs::write(&config, text).map_err(failed)?;
                let mut command = Command::new("docker-registry");
                command.arg("serve").arg(config);
                command
            }
        };
        let log = fs::File::create(folder.with_extension("log")).map_err(failed)?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(failed)?;
        let mut server = Self {
            host,
            child,
            idle: 0.0,
            began: Instant::now(),
        };
        for _ in 0..200 {
            if TcpStream::connect(&server.host).is_ok() {
                server.idle = server.cpu()?;
                server.began = Instant::now();
                return Ok(server);
            }
            sleep(Duration::from_millis(20));
        }
        Err(Failure::Check(format!("{} does not start", program.name())))
    }

    /// What it took since it was ready. The peak is of its whole life.
    pub(super) fn cost(&self) -> Result<Cost, Failure> {
        Ok(Cost {
            cpu: self.cpu()? - self.idle,
            wall: self.began.elapsed().as_secs_f64(),
            peak: self.peak()?,
        })
    }

    /// Seconds of processor time so far, its own and the kernel's for it.
    fn cpu(&self) -> Result<f64, Failure> {
        /// Linux counts in hundredths of a second, whatever the kernel's own clock does.
        const TICKS: f64 = 100.0;
        let stat = self.proc("stat")?;
        // The name of the program, in parentheses, may have spaces; what comes after it is numbers.
        let fields = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
        match (ticks(11), ticks(12)) {
            (Some(user), Some(system)) => Ok((user + system) / TICKS),
            _ => Err(Failure::Check(format!("/proc/…/stat says {stat:?}"))),
        }
    }

    /// The most memory that it took up, in MiB.
    pub(super) fn peak(&self) -> Result<f64, Failure> {
        let status = self.proc("status")?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
        peak.map(|kib| kib / 1024.0)
            .ok_or_else(|| Failure::Check("/proc/…/status has no VmHWM".to_owned()))
    }

    fn proc(&self, file: &str) -> Result<String, Failure> {
        let path = format!("/proc/{}/{file}", self.child.id());
        fs::read_to_string(&path).map_err(|error| Failure::Check(format!("{path}: {error}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
