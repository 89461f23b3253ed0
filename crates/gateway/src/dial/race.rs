//! Connecting to one of several addresses, the next a little after the one before (RFC 8305 section 5).

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::error::DialError;

/// How long an address may stay silent before the next is tried beside it. RFC 8305 recommends it.
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// The first connection that succeeds. The others are dropped.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, DialError> {
    let mut waiting = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut failure = DialError::NoAddress;
    attempts.extend(waiting.next().map(TcpStream::connect));
    loop {
        let more = waiting.len() > 0;
        tokio::select! {
            ended = attempts.next() => match ended {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => {
                    failure = DialError::Connect { kind: error.kind() };
                    attempts.extend(waiting.next().map(TcpStream::connect));
                }
                None => return Err(failure),
            },
            () = tokio::time::sleep(NEXT_AFTER), if more => {
                attempts.extend(waiting.next().map(TcpStream::connect));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::net::TcpListener;

    use super::*;

    /// A port that nobody listens on.
    async fn closed() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    }

    #[tokio::test]
    async fn the_next_address_is_tried_after_a_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = listener.local_addr().unwrap();
        let stream = connect(&[closed().await, closed().await, open]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
    }

    #[tokio::test]
    async fn the_first_address_is_preferred() {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let second = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addresses = [first.local_addr().unwrap(), second.local_addr().unwrap()];
        let stream = connect(&addresses).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[0]);
    }

    #[tokio::test]
    async fn without_an_open_address_the_failure_is_told() {
        let failure = connect(&[closed().await, closed().await]).await.unwrap_err();
        assert_eq!(
            failure,
            DialError::Connect {
                kind: ErrorKind::ConnectionRefused
            }
        );
        assert_eq!(connect(&[]).await.unwrap_err(), DialError::NoAddress);
    }
}
