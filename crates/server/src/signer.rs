//! Signing off the I/O threads, in a bounded queue.
//!
//! An RSA signature takes a third of a millisecond of pure computation; on an I/O thread it would hold up every other
//! connection. When more tokens are asked for than can be signed, the queue fills and later requests hear so at once,
//! instead of waiting for a time-out and then asking again.
//!
//! ES256 and EdDSA take ten to twenty microseconds, no more than reading the request does. Handing such a job to another
//! thread and waking up for its answer costs half as much again, so these are signed in place.

use std::sync::Arc;

use countersign_core::Algorithm;
use countersign_core::grant::Grant;
use countersign_token::issue::{SignError, SigningKey, sign};
use tokio::sync::oneshot;

/// Most answers that are given together: a little over a millisecond of signing.
const ANSWERED_TOGETHER: usize = 4;

/// The queue and its threads, which end when the last handle on the queue is gone.
#[derive(Clone)]
pub struct Signer {
    queue: flume::Sender<Job>,
}

struct Job {
    key: Arc<SigningKey>,
    grant: Grant,
    answer: Answer,
}

type Answer = oneshot::Sender<Result<String, SignError>>;

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The queue is full.
    #[error("the signing queue is full")]
    Full,
    /// The signing threads are gone.
    #[error("the signer has stopped")]
    Stopped,
    /// The signature itself failed.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// Answers are given some at a time: each wakes an I/O thread, and while many wait, that is a good part of what is left to
/// save beside the signature. Only what waits already is taken together, and only a thread's share of it, so nobody waits
/// for whoever comes later, and no thread is idle for it.
fn sign_forever(jobs: &flume::Receiver<Job>, threads: usize) {
    let mut signed = Vec::with_capacity(ANSWERED_TOGETHER);
    while let Ok(first) = jobs.recv() {
        let share = (jobs.len() / threads).min(ANSWERED_TOGETHER - 1);
        let taken = std::iter::once(first).chain(jobs.try_iter().take(share));
        signed.extend(taken.filter_map(Job::signed));
        for (answer, token) in signed.drain(..) {
            let _gone = answer.send(token);
        }
    }
}

impl Job {
    fn signed(self) -> Option<(Answer, Result<String, SignError>)> {
        // A caller that has gone away needs no signature.
        if self.answer.is_closed() {
            return None;
        }
        let token = sign(&self.key, self.grant.token_type, &self.grant.claims);
        Some((self.answer, token))
    }
}

impl Signer {
    /// Starts `threads` threads behind a queue of `length`.
    pub fn start(threads: usize, length: usize) -> std::io::Result<Self> {
        let (queue, jobs) = flume::bounded::<Job>(length);
        for number in 0..threads {
            let jobs = jobs.clone();
            std::thread::Builder::new()
                .name(format!("sign-{number}"))
                .spawn(move || sign_forever(&jobs, threads))?;
        }
        Ok(Self { queue })
    }

    /// Signs a token.
    pub async fn sign(&self, key: Arc<SigningKey>, grant: Grant) -> Result<String, SignerError> {
        match key.algorithm() {
            Algorithm::Es256 | Algorithm::EdDsa => Ok(sign(&key, grant.token_type, &grant.claims)?),
            Algorithm::Rs256 => self.enqueue(key, grant).await,
        }
    }

    async fn enqueue(&self, key: Arc<SigningKey>, grant: Grant) -> Result<String, SignerError> {
        let (answer, signed) = oneshot::channel();
        self.queue
            .try_send(Job { key, grant, answer })
            .map_err(|error| match error {
                flume::TrySendError::Full(_) => SignerError::Full,
                flume::TrySendError::Disconnected(_) => SignerError::Stopped,
            })?;
        Ok(signed.await.map_err(|_| SignerError::Stopped)??)
    }

    /// Tokens waiting.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}
