//! A place to run the binary in: a directory of its own, no settings of the user, no network but loopback.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A temporary directory to run commands in.
pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
    hidden: Vec<(String, &'static str)>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("temporary directory");
        let hidden = vec![(dir.path().display().to_string(), "[dir]")];
        Self { dir, hidden }
    }

    /// Shows `text` as `name` in what commands print: ports change from run to run.
    pub(crate) fn hide(mut self, text: impl Into<String>, name: &'static str) -> Self {
        self.hidden.push((text.into(), name));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The names of the files in the directory, hidden ones included.
    pub(crate) fn list(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path()).expect("readable");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// A command line of crane, not started yet.
    pub(crate) fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crane"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null());
        command
            .env_clear()
            .env("HOME", self.dir.path())
            .env("TMPDIR", self.dir.path());
        command
    }

    /// Runs crane and shows what came of it: exit status, standard output, standard error.
    pub(crate) fn crane(&self, arguments: &[impl AsRef<OsStr>]) -> String {
        self.show(&self.command(arguments).output().expect("crane starts"))
    }

    /// Runs crane, which must succeed, and gives its standard output.
    #[track_caller]
    pub(crate) fn stdout(&self, arguments: &[impl AsRef<OsStr>]) -> String {
        let output = self.command(arguments).output().expect("crane starts");
        assert!(output.status.success(), "{}", self.show(&output));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs crane with something on standard input.
    pub(crate) fn fed(&self, arguments: &[impl AsRef<OsStr>], input: impl AsRef<[u8]>) -> Output {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("crane starts");
        let mut stdin = child.stdin.take().expect("piped");
        // A command that reads nothing of it may be gone.
        let _ = stdin.write_all(input.as_ref());
        drop(stdin);
        child.wait_with_output().expect("it ends")
    }

    pub(crate) fn show(&self, output: &Output) -> String {
        let mut shown = match output.status.code() {
            Some(code) => format!("exit {code}\n"),
            None => "killed\n".to_owned(),
        };
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            if !bytes.is_empty() {
                let _ = writeln!(
                    shown,
                    "-- {name}\n{}",
                    self.filtered(&String::from_utf8_lossy(bytes)).trim_end()
                );
            }
        }
        shown
    }

    fn filtered(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (shown, name) in &self.hidden {
            text = text.replace(shown, name);
        }
        if let Some((before, after)) = text.split_once(".wharf-") {
            // The name of a temporary file.
            text = format!("{before}.wharf-[random]{}", after.get(6..).unwrap_or_default());
        }
        text.lines().fold(String::new(), |mut all, line| {
            let _ = writeln!(all, "{}", without_time(line));
            all
        })
    }
}

/// `2026/01/02 03:04:05 pushed …` → `[time] pushed …`, and ` wait=1.234s` → ` wait=[time]`.
fn without_time(line: &str) -> String {
    if let Some((before, after)) = line.split_once(" wait=") {
        let rest = after.find(' ').map_or("", |end| &after[end..]);
        return without_time(&format!("{before} wait:[time]{rest}"));
    }
    const FORM: &str = "dddd/dd/dd dd:dd:dd ";
    let timed = line.len() >= FORM.len()
        && line.bytes().zip(FORM.bytes()).all(|(c, form)| {
            if form == b'd' {
                c.is_ascii_digit()
            } else {
                c == form
            }
        });
    if timed {
        format!("[time] {}", &line[FORM.len()..])
    } else {
        line.to_owned()
    }
}

/// What a file holds.
#[track_caller]
pub(crate) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
