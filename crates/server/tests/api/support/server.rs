//! The real program, started as an operator starts it, and spoken to over a real socket.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PROJECT_ID: &str = "project-test-55555555-5555-4555-8555-555555555555";
pub(crate) const PROJECT_SECRET: &str = "secret-test-Zb6Vh2Lw9QxR4nTk8Yc1Mf7Ps3Dg5JaE";
pub(crate) const OPERATOR_KEY: &str = "cso_Wm4Rt8Yk2Np6Vs9Xc3Bh7Jd5Lf1Qg0ZaTuEi";

pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The gateway's own, where it has one.
    pub(crate) gateway: Option<SocketAddr>,
    pub(crate) dir: TempDir,
}

/// What came back, as far as it came.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Server {
    /// Starts it on a free port with settings as environment variables.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let log = File::create(dir.path().join("log")).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir.path().join("data"))
            .current_dir(dir.path())
            .env_clear()
            .env("COUNTERSIGN_BOOTSTRAP_PROJECT_ID", PROJECT_ID)
            .env("COUNTERSIGN_BOOTSTRAP_PROJECT_SECRET", PROJECT_SECRET)
            .env("COUNTERSIGN_BOOTSTRAP_OPERATOR_KEY", OPERATOR_KEY)
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut gateway = None;
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("gateway listening on http://") {
                gateway = address.parse().ok();
            }
            line.strip_prefix("listening on http://")?.parse().ok()
        });
        let address = address.unwrap_or_else(|| {
            panic!(
                "never listened: {}",
                std::fs::read_to_string(dir.path().join("log")).unwrap()
            );
        });
        // Read on, or a full pipe would stop it.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            address,
            gateway,
            dir,
        }
    }

    /// Sends bytes and reads until the other side is done. What it does not want to read any more is not an error.
    pub(crate) fn exchange(&self, request: &[u8]) -> RawAnswer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let _not_read_to_the_end = stream.write_all(request);
        RawAnswer::read(&mut stream)
    }

    /// An ordinary request.
    pub(crate) fn request(&self, method: &str, path: &str, authorization: &str, body: &str) -> RawAnswer {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {authorization}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n",
            self.address
        );
        self.exchange(format!("{head}{body}").as_bytes())
    }

    /// The same by HTTP/2, whose header compression is another place that might tell.
    pub(crate) fn http2(&self, method: &str, path: &str, authorization: &str, body: &str) -> u16 {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", authorization)
            .header("content-type", "application/json")
            .body(())
            .unwrap();
        let body = Bytes::copy_from_slice(body.as_bytes());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let stream = tokio::net::TcpStream::connect(self.address).await.unwrap();
            let (mut sender, connection) = h2::client::handshake(stream).await.unwrap();
            tokio::spawn(connection);
            let (answer, mut sending) = sender.send_request(request, false).unwrap();
            sending.send_data(body, true).unwrap();
            answer.await.unwrap().status().as_u16()
        })
    }

    /// A request of the project's backend, which must succeed.
    #[track_caller]
    pub(crate) fn backend(&self, method: &str, path: &str, body: &str) -> Value {
        self.request(method, path, &project_basic(), body).ok()
    }

    /// A request of the operator, which must succeed.
    #[track_caller]
    pub(crate) fn admin(&self, method: &str, path: &str, body: &str) -> Value {
        self.request(method, path, &format!("Bearer {OPERATOR_KEY}"), body)
            .ok()
    }

    /// Where the log is being written.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }

    /// The files of the database.
    pub(crate) fn database_files(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.dir.path().join("data"))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        files
            .filter(|file| {
                file.file_name()
                    .unwrap()
                    .to_string_lossy()
                    .contains("countersign.db")
            })
            .collect()
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _status = self.child.wait();
    }
}

pub(crate) fn project_basic() -> String {
    format!(
        "Basic {}",
        STANDARD.encode(format!("{PROJECT_ID}:{PROJECT_SECRET}"))
    )
}

impl RawAnswer {
    /// Reads until the connection ends, gracefully or not.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            bytes.extend_from_slice(&buffer[..count]);
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        Self {
            status,
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }
}
