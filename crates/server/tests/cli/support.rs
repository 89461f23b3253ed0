//! A server that goes away with its test, and the command line beside it.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_countersign");

/// The last line of the hints on a first start.
const LAST_HINT: &str = "token verify -";

/// A folder with a data folder and perhaps a server on it.
pub(crate) struct Deployment {
    pub(crate) folder: TempDir,
    /// Credentials and URL, as `first-start.env` has them.
    pub(crate) environment: Vec<(String, String)>,
    server: Option<Server>,
}

/// A running `countersign serve`, killed when it is dropped.
struct Server {
    process: Child,
    /// Kept open: a server that cannot print would be another test.
    _out: BufReader<ChildStdout>,
}

/// What a command came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Deployment {
    /// A folder without a server.
    pub(crate) fn empty() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            environment: Vec::new(),
            server: None,
        }
    }

    /// A server after its first start.
    pub(crate) fn start() -> Self {
        let mut deployment = Self::empty();
        deployment.serve(&[]);
        deployment
    }

    /// Starts the server, and returns what it printed.
    pub(crate) fn serve(&mut self, arguments: &[&str]) -> String {
        let is_first = !self.data_dir().exists();
        let mut process = self
            .serve_command(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        let until = if is_first { LAST_HINT } else { "listening on" };
        let mut printed = String::new();
        let mut line = String::new();
        while !line.trim_end().ends_with(until) && !line.starts_with(until) {
            line.clear();
            if out.read_line(&mut line).unwrap() == 0 {
                let _ = process.wait();
                panic!("the server did not start: {printed}\n{}", self.log());
            }
            printed.push_str(&line);
        }
        self.server = Some(Server { process, _out: out });
        if is_first {
            self.environment = environment_of(&self.data_dir().join("first-start.env"));
        }
        let url = printed
            .lines()
            .find_map(|line| line.strip_prefix("listening on "));
        self.set("COUNTERSIGN_URL", url.unwrap());
        printed
    }

    /// Runs `serve` where it should refuse to start.
    pub(crate) fn serve_refused(&self, environment: &[(&str, &str)]) -> Ran {
        let environment = environment.iter().copied();
        let output = self.serve_command(&[]).envs(environment).output().unwrap();
        Ran {
            err: self.log(),
            ..Ran::of(output)
        }
    }

    fn serve_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(BINARY);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.data_dir())
            .args(arguments)
            .stderr(File::create(self.folder.path().join("serve.log")).unwrap());
        command
    }

    /// Stops the server as an operator does.
    pub(crate) fn stop(&mut self) {
        let mut server = self.server.take().unwrap();
        let script = format!("kill {}", server.process.id());
        let mut shell = Command::new("sh");
        assert!(shell.args(["-c", &script]).status().unwrap().success());
        assert!(server.process.wait().unwrap().success(), "{}", self.log());
    }

    /// What the server logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap()
    }

    /// The data folder.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file of the folder that commands run in.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sets a variable for the commands that follow.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A variable.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.environment.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }

    /// A program with this deployment's environment and no other.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(BINARY).args(arguments).output().unwrap())
    }

    /// Runs a command that works on the data folder.
    pub(crate) fn run_offline(&self, arguments: &[&str]) -> Ran {
        let mut command = self.command(BINARY);
        command.args(arguments).arg("--data-dir").arg(self.data_dir());
        Ran::of(command.output().unwrap())
    }

    /// Runs a command with something on its standard input.
    pub(crate) fn run_on(&self, input: &str, arguments: &[&str]) -> Ran {
        let mut command = self.command(BINARY);
        command.args(arguments).stdin(Stdio::piped());
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read it has ended already.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::of(process.wait_with_output().unwrap())
    }

    /// Runs a command that must succeed, and returns what it printed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments).ok()
    }

    /// Runs a command that must succeed with `--json`.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let text = self.ok(&[&["--json"], arguments].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// Makes a client, and returns its id.
    pub(crate) fn client(&self, arguments: &[&str]) -> String {
        let answer = self.json(&[&["client", "create"], arguments].concat());
        answer["m2m_client"]["client_id"].as_str().unwrap().to_owned()
    }

    /// Gets a token with the credentials of a file.
    pub(crate) fn token(&self, file: &str) -> String {
        let token = self.ok(&["token", "get", "--from", file]);
        token.trim_end().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        let ran = Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }

    /// What it printed, if it succeeded.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// Its complaint, if it ended with this code.
    #[track_caller]
    pub(crate) fn refused(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self.err
    }
}

/// The words of the first line that has this one.
#[track_caller]
pub(crate) fn row<'t>(table: &'t str, word: &str) -> Vec<&'t str> {
    let line = table
        .lines()
        .find(|line| line.split_whitespace().any(|other| other == word));
    line.unwrap_or_else(|| panic!("no {word} in\n{table}"))
        .split_whitespace()
        .collect()
}

/// The `export NAME=value` lines of a file.
pub(crate) fn environment_of(file: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .filter_map(|line| line.trim_start_matches("export ").split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
        .collect()
}

/// Whether only its owner can read a file.
pub(crate) fn is_private(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777 == 0o600
}
