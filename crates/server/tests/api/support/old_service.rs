//! An old service as the network knows it: a socket that answers as it was told and counts who came.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A token endpoint that may say anything, also what no real service would.
pub(crate) struct OldService {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    answer: String,
    /// The requests that came, whole.
    requests: Vec<String>,
    is_held: bool,
    is_gone: bool,
}

/// What a service says to the right secret.
pub(crate) const TOKEN: (u16, &str) = (
    200,
    r#"{"access_token":"eyJ.eyJ.x","token_type":"bearer","expires_in":3600}"#,
);
/// What Stytch says to a wrong one.
pub(crate) const WRONG: (u16, &str) = (400, r#"{"error":"invalid_client"}"#);

impl OldService {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let service = Self {
            address,
            state: state.clone(),
        };
        service.answers(WRONG);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if state.lock().unwrap().is_gone {
                    break;
                }
                serve(stream.unwrap(), &state);
            }
        });
        service
    }

    /// As the configuration names it.
    pub(crate) fn setting(&self, name: &str) -> String {
        format!("{name}=http://{}/oauth2/token", self.address)
    }

    /// From now on.
    pub(crate) fn answers(&self, (status, body): (u16, &str)) {
        self.answers_raw(&format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ));
    }

    /// From now on, headers and all.
    pub(crate) fn answers_raw(&self, answer: &str) {
        answer.clone_into(&mut self.state.lock().unwrap().answer);
    }

    /// Lets everybody wait for an answer, or no longer.
    pub(crate) fn hold(&self, is_held: bool) {
        self.state.lock().unwrap().is_held = is_held;
    }

    /// The requests that came so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Nobody answers there any more.
    pub(crate) fn go_away(&self) {
        self.state.lock().unwrap().is_gone = true;
        // Ends the thread, which holds the socket.
        drop(TcpStream::connect(self.address));
        while TcpStream::connect(self.address).is_ok() {
            std::thread::yield_now();
        }
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&buffer[..read]),
        }
    }
    let request = String::from_utf8(request).unwrap();
    state.lock().unwrap().requests.push(request);
    while state.lock().unwrap().is_held {
        std::thread::yield_now();
    }
    let _ = stream.write_all(state.lock().unwrap().answer.as_bytes());
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}
