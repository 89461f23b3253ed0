//! Connecting to one of several addresses, the next a little after the one before (RFC 8305 section 5).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::error::DialError;

/// How long an address may stay silent before the next is tried beside it. RFC 8305 recommends it.
const NEXT_AFTER: Duration = Duration::from_millis(250);

/// The first connection that succeeds. The others are dropped.
pub(super) async fn first<T, Attempt>(
    addresses: &[SocketAddr],
    connect: impl Fn(SocketAddr) -> Attempt,
) -> Result<T, DialError>
where
    Attempt: Future<Output = io::Result<T>>,
{
    let mut waiting = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut failure = DialError::NoAddress;
    attempts.extend(waiting.next().map(&connect));
    loop {
        let more = waiting.len() > 0;
        tokio::select! {
            ended = attempts.next() => match ended {
                Some(Ok(connection)) => return Ok(connection),
                Some(Err(error)) => {
                    failure = DialError::Connect { kind: error.kind() };
                    attempts.extend(waiting.next().map(&connect));
                }
                None => return Err(failure),
            },
            () = tokio::time::sleep(NEXT_AFTER), if more => {
                attempts.extend(waiting.next().map(&connect));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    /// What an address does: after so many milliseconds it takes the connection or refuses it.
    type Behaviour = (u64, bool);

    const OPEN: bool = true;
    const CLOSED: bool = false;
    const NEVER: Behaviour = (u64::MAX / 1_000_000, OPEN);

    /// Which address is connected to, and after how many milliseconds of a clock that only these waits move.
    async fn outcome(behaviours: &[Behaviour]) -> (Result<usize, DialError>, u128) {
        let addresses: Vec<_> = (0..behaviours.len())
            .map(|index| SocketAddr::from(([127, 0, 0, 1], u16::try_from(index).unwrap())))
            .collect();
        let start = Instant::now();
        let result = first(&addresses, async |address: SocketAddr| {
            let index = usize::from(address.port());
            let (after, opens) = behaviours[index];
            sleep(Duration::from_millis(after)).await;
            if opens {
                Ok(index)
            } else {
                Err(ErrorKind::ConnectionRefused.into())
            }
        })
        .await;
        (result, start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_address_is_preferred() {
        assert_eq!(outcome(&[(200, OPEN), (0, OPEN)]).await, (Ok(0), 200));
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_address_is_tried_at_once_after_a_failure() {
        assert_eq!(
            outcome(&[(10, CLOSED), (10, CLOSED), (10, OPEN)]).await,
            (Ok(2), 30)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn silence_holds_the_next_address_up_for_a_moment_only() {
        assert_eq!(outcome(&[NEVER, NEVER, (10, OPEN)]).await, (Ok(2), 510));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_address_may_still_win() {
        assert_eq!(outcome(&[(300, OPEN), NEVER]).await, (Ok(0), 300));
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_fail_the_last_failure_is_told() {
        let refused = DialError::Connect {
            kind: ErrorKind::ConnectionRefused,
        };
        assert_eq!(outcome(&[(0, CLOSED), (300, CLOSED)]).await, (Err(refused), 300));
        assert_eq!(outcome(&[]).await, (Err(DialError::NoAddress), 0));
    }
}
