//! A link to a server that can be made as bad as links get.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a copier sleeps before it looks again whether the link has thawed.
const THAW_EVERY: Duration = Duration::from_millis(10);

const HEALTHY: u8 = 0;
const CUT: u8 = 1;
const FROZEN: u8 = 2;

/// A proxy in front of a server at 127.0.0.1.
pub struct Link {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    state: AtomicU8,
    /// Loses the answer to what holds these bytes, by cutting the connection once the server has it.
    loses: Mutex<Option<Vec<u8>>>,
    streams: Mutex<Vec<TcpStream>>,
}

impl Link {
    /// A healthy link to the server on this port.
    pub fn to(target: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            state: AtomicU8::new(HEALTHY),
            loses: Mutex::default(),
            streams: Mutex::default(),
        });
        let accepting = shared.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Nobody holds the link any more.
                if Arc::strong_count(&accepting) == 1 {
                    break;
                }
                accepting.connect(client);
            }
        });
        Ok(Self { address, shared })
    }

    /// The port to connect to in place of the server's.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// All connections end, and no new one comes to be.
    pub fn cut(&self) {
        self.shared.state.store(CUT, Ordering::SeqCst);
        self.shared.end_all();
    }

    /// Nothing passes any more, and nobody is told.
    pub fn freeze(&self) {
        self.shared.state.store(FROZEN, Ordering::SeqCst);
    }

    /// Everything passes again, also what was held back.
    pub fn heal(&self) {
        self.shared.state.store(HEALTHY, Ordering::SeqCst);
    }

    /// Cuts the connection that commits next, after the server has the commit and before its answer is through.
    pub fn lose_next_commit(&self) {
        self.lose_answer_to("COMMIT\0");
    }

    /// Cuts the connection that sends these words next, such as a value that a statement is given, after the server has them
    /// and before its answer is through.
    pub fn lose_answer_to(&self, words: &str) {
        *self.shared.loses() = Some(words.as_bytes().to_vec());
    }

    /// Whether that has happened.
    pub fn has_lost_it(&self) -> bool {
        self.shared.loses().is_none()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.cut();
        // Wakes the accepting thread, so that it sees that it is alone.
        let _woken = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn connect(self: &Arc<Self>, client: TcpStream) {
        if self.state.load(Ordering::SeqCst) == CUT {
            return;
        }
        let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target)) else {
            return;
        };
        let both = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
        let (Some(there), Some(back)) = (both(), both()) else {
            return;
        };
        let _quick = (client.set_nodelay(true), server.set_nodelay(true));
        self.lock().extend([client, server]);
        let (up, down) = (self.clone(), self.clone());
        std::thread::spawn(move || up.copy(there.0, there.1, true));
        std::thread::spawn(move || down.copy(back.1, back.0, false));
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, is_upwards: bool) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            while self.state.load(Ordering::SeqCst) == FROZEN {
                std::thread::sleep(THAW_EVERY);
            }
            let bytes = buffer.get(..read).unwrap_or_default();
            let is_lost = is_upwards && self.loses_answer_to(bytes);
            if is_lost {
                // The way back ends first, so that no answer slips through.
                let _ended = from.shutdown(Shutdown::Write);
            }
            if to.write_all(bytes).is_err() {
                break;
            }
            if is_lost {
                std::thread::sleep(Duration::from_millis(200));
                break;
            }
        }
        let _ended = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    /// Whether the answer to these bytes shall be lost; once.
    fn loses_answer_to(&self, bytes: &[u8]) -> bool {
        let mut loses = self.loses();
        let found = |words: &Vec<u8>| bytes.windows(words.len()).any(|window| window == words);
        let is_lost = loses.as_ref().is_some_and(found);
        if is_lost {
            *loses = None;
        }
        is_lost
    }

    fn loses(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.loses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end_all(&self) {
        for stream in self.lock().drain(..) {
            let _ended = stream.shutdown(Shutdown::Both);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
