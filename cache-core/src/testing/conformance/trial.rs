//! What the checks have in common.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::Failure;
use crate::fence::{Generation, Nonce};
use crate::layout::Key;
use crate::store::{Cursor, Deadline, Mint, Store};

/// The outcome of a check.
pub(super) type Outcome = Result<(), Failure>;

/// For what nothing is to be seen of its end.
pub(super) const TTL: Duration = Duration::from_secs(60);

/// What is about to end.
pub(super) const SHORT: Duration = Duration::from_millis(60);

/// So long is waited for what must happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// One check of one store, with names that nothing else has.
pub(super) struct Trial<'a> {
    pub(super) store: &'a dyn Store,
    beginning: String,
}

impl<'a> Trial<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        let nonce = Nonce::random().expect("a source of random numbers");
        let nonce = u128::from_be_bytes(nonce.to_bytes());
        Self {
            store,
            beginning: format!("conformance-{nonce:032x}:"),
        }
    }

    /// A key of this check alone.
    pub(super) fn key(&self, name: &str) -> Key {
        self.binary_key(name.as_bytes())
    }

    pub(super) fn binary_key(&self, name: &[u8]) -> Key {
        Key::from_bytes([self.beginning.as_bytes(), name].concat())
    }

    /// Time enough for any operation.
    pub(super) fn deadline(&self) -> Deadline {
        Deadline::after(PATIENCE)
    }

    pub(super) async fn read(&self, key: &Key) -> Result<Option<Vec<u8>>, Failure> {
        let keys = std::slice::from_ref(key);
        let mut reply = self.store.read(keys, self.deadline()).await?;
        if reply.len() != 1 {
            let message = format!("a read of 1 key was answered for {}", reply.len());
            return Err(Failure::new(message));
        }
        Ok(reply.remove(0))
    }

    pub(super) async fn write(&self, key: &Key, value: &[u8], ttl: Duration) -> Outcome {
        let written = self.store.write(key, value.to_vec(), ttl, self.deadline());
        match written.await? {
            crate::store::Written::Stored => Ok(()),
            crate::store::Written::Full => Err(Failure::new("the store has no room for a check")),
        }
    }

    /// Mints one generation. Gives what was offered and what is there.
    pub(super) async fn mint(
        &self,
        key: &Key,
        ttl: Duration,
    ) -> Result<(Generation, Option<Generation>), Failure> {
        let (mint, offered) = offer(key);
        let shown = self.store.mint(vec![mint], ttl, self.deadline()).await?;
        match shown.as_slice() {
            [shown] => Ok((offered, *shown)),
            _ => Err(Failure::new("a mint of 1 key was answered otherwise")),
        }
    }

    pub(super) async fn invalidate(&self, keys: &[Key]) -> Outcome {
        Ok(self.store.invalidate(keys, self.deadline()).await?)
    }

    /// Every key that a scan names; begun anew when the store says that it lost its place.
    pub(super) async fn scan(&self, beginning: &Key, limit: usize) -> Result<Vec<Key>, Failure> {
        let patience = Instant::now() + PATIENCE * 6;
        let mut failures = 0;
        'anew: loop {
            let (mut named, mut cursor) = (Vec::new(), Cursor::start());
            loop {
                if Instant::now() > patience {
                    return Err(Failure::new("a scan came to no end"));
                }
                let scan = self.store.scan(beginning, cursor, limit, self.deadline());
                let page = match scan.await {
                    Ok(page) => page,
                    Err(error) if error.is_outage() && failures < 5 => {
                        failures += 1;
                        continue 'anew;
                    }
                    Err(error) => return Err(error.into()),
                };
                named.extend(page.keys);
                match page.next {
                    Some(next) if next.is_start() => {
                        return Err(Failure::new("a scan goes on where it began"));
                    }
                    Some(next) => cursor = next,
                    None => return Ok(named),
                }
            }
        }
    }

    /// Waits until there is nothing under a key.
    pub(super) async fn until_gone(&self, key: &Key) -> Outcome {
        let patience = Instant::now() + PATIENCE;
        while self.read(key).await?.is_some() {
            if Instant::now() > patience {
                let message =
                    format!("something should have gone, and is there after {PATIENCE:?}");
                return Err(Failure::new(message));
            }
            give_way().await;
        }
        Ok(())
    }
}

/// A mint of a fresh nonce, and the generation that it would be.
pub(super) fn offer(key: &Key) -> (Mint, Generation) {
    let nonce = Nonce::random().expect("a source of random numbers");
    let offered = Generation::from_bytes(&nonce.to_bytes()).expect("no nonce is zero");
    let key = key.clone();
    (Mint { key, nonce }, offered)
}

/// Lets others have a turn.
pub(super) async fn give_way() {
    let mut given = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls futures together until all have ended.
pub(super) async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|cx| {
        let mut left = false;
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            match future.as_mut().poll(cx) {
                Poll::Ready(ended) => *output = Some(ended),
                Poll::Pending => left = true,
            }
        }
        if left { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

/// Polls a future once and drops it.
pub(super) async fn poll_and_drop<F: Future + Unpin>(mut future: F) {
    poll_fn(|cx| {
        let _ = Pin::new(&mut future).poll(cx);
        Poll::Ready(())
    })
    .await;
}
