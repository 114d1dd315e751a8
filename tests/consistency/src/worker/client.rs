//! One of the tasks that use the service: which thing it does next, and what it notes of it.

mod reads;
mod transactions;
mod writes;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;

use super::service::{Service, pause};
use crate::clock::now;
use crate::keys::{Family, Key};
use crate::record::Event;

pub struct Client {
    pub service: Arc<Service>,
    pub task: u16,
    pub rng: Rng,
    /// How many of a hundred futures are dropped before they have ended.
    pub dropped: u8,
    /// Every future is dropped after this time.
    pub abandons_after: Option<Duration>,
}

/// How a future came to its end.
enum Ended<T> {
    With(T),
    /// It was dropped, which lasted from the one moment to the other.
    Dropped(u64, u64),
}

impl Client {
    /// Does one thing.
    pub async fn step(&mut self) {
        let mix = self.service.workload.mix;
        let weights = [
            mix.calls,
            mix.local_calls,
            mix.direct_reads,
            mix.direct_writes,
            mix.writers,
            mix.exact_writers,
            mix.invalidations,
            mix.clears,
            mix.transactions,
            mix.tags,
            mix.updates,
        ];
        let total: u32 = weights.into_iter().map(u32::from).sum();
        let mut left = self.rng.u32(..total);
        let chosen = weights.into_iter().position(|weight| {
            let here = left < u32::from(weight);
            left = left.saturating_sub(weight.into());
            here
        });
        match chosen {
            Some(0) => self.call_one().await,
            Some(1) => {
                let id = self.id();
                self.read(Key::new(Family::Local, id)).await;
            }
            Some(2) => self.read_directly().await,
            Some(3) => self.write_directly().await,
            Some(4) => self.write().await,
            Some(5) => self.write_exactly().await,
            Some(6) => self.invalidate().await,
            Some(7) => self.clear().await,
            Some(8) => self.transact().await,
            Some(9) => self.write_by_tag().await,
            _ => self.update().await,
        }
        let rest = self.service.workload.rest;
        pause(rest.mul_f64(self.rng.f64())).await;
    }

    fn id(&mut self) -> u16 {
        self.rng.u16(..self.service.workload.ids)
    }

    fn note(&self, event: Event, start: u64) {
        self.service.notes.add(event, self.task, start);
    }

    /// Runs a future, or drops it somewhere on its way. It is polled once at least: before that it has done nothing.
    async fn run<T>(&mut self, future: impl Future<Output = T>) -> Ended<T> {
        let mut future = Box::pin(future);
        if self.abandons_after.is_none() && self.rng.u8(..100) >= self.dropped {
            return Ended::With(future.await);
        }
        let ended = match (self.abandons_after, self.rng.u8(..4)) {
            (Some(span), _) => within(future.as_mut(), span).await,
            (_, 0) => within(future.as_mut(), Duration::from_millis(self.rng.u64(..400))).await,
            (_, 1) => {
                within(
                    future.as_mut(),
                    Duration::from_micros(self.rng.u64(..5_000)),
                )
                .await
            }
            _ => polled(future.as_mut(), self.rng.u8(1..8)).await,
        };
        match ended {
            Some(output) => Ended::With(output),
            None => {
                let start = now();
                drop(future);
                Ended::Dropped(start, now())
            }
        }
    }
}

async fn within<F: Future>(future: Pin<&mut F>, span: Duration) -> Option<F::Output> {
    tokio::time::timeout(span, future).await.ok()
}

/// The output, unless it takes more polls than `most`.
async fn polled<F: Future>(mut future: Pin<&mut F>, most: u8) -> Option<F::Output> {
    let mut left = most;
    poll_fn(|cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
