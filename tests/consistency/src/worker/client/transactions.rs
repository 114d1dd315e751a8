//! Transactions: several writers whose commit comes last, as users write them with `defer`.

use std::sync::Arc;

use cachewright::{defer, in_current_deferral};

use super::{Client, Ended};
use crate::clock::now;
use crate::keys::{Key, Scope};
use crate::record::Promise;
use crate::worker::notes::Notes;
use crate::worker::service::{Committed, Failure, Service, Value};
use crate::worker::transaction::{CURRENT, Transaction, UNCOMMITTED};

/// What a transaction does, decided before it begins.
#[derive(Clone, Copy)]
struct Course {
    user: u16,
    item: u16,
    /// What carries a tag of this id is written, too.
    tagged: Option<u16>,
    /// Its own block around the item, which is rolled back or not.
    nested: Option<bool>,
    /// The listings are written by a task of their own.
    spawned: bool,
    rolled_back: bool,
}

impl Client {
    pub(super) async fn transact(&mut self) {
        let course = Course {
            user: self.id(),
            item: self.id(),
            tagged: self.rng.bool().then(|| self.id()),
            nested: self.rng.bool().then(|| self.rng.bool()),
            spawned: self.rng.bool(),
            rolled_back: self.rng.u8(..4) == 0,
        };
        let (service, done) = (Arc::clone(&self.service), Committed::default());
        let transaction = Arc::<Transaction>::default();
        let block = defer(course.run(&service, &transaction, &done));
        let inside = CURRENT.scope(Arc::clone(&transaction), block);
        let (start, end, promise) = match (self.run(inside).await, done.moment()) {
            (Ended::With(Ok(())), Some(committed)) => {
                let promise = Notes::promise(&service.cache);
                (committed, now(), promise)
            }
            (Ended::With(_), _) => return,
            (Ended::Dropped(start, end), None) => (start, end, Promise::Unsettled),
            (Ended::Dropped(_, end), Some(committed)) => (committed, end, Promise::Pending),
        };
        for scope in transaction.written().outdated {
            self.invalidated(scope, promise, start, end);
        }
    }
}

impl Course {
    async fn run(
        self,
        service: &Arc<Service>,
        transaction: &Arc<Transaction>,
        done: &Committed,
    ) -> Result<(), Failure> {
        service.stage_user(self.user, transaction).await?;
        transaction.outdate(Scope::User(self.user));
        sees_its_own(&service.profile(self.user).await);
        if let Some(id) = self.tagged {
            service.stage_tagged(id, transaction).await?;
            transaction.outdate(Scope::TaggedOf(id));
            sees_its_own(&service.profile(id).await);
            sees_its_own(&service.listing(id).await);
        }
        if self.spawned {
            let task = tokio::spawn(CURRENT.scope(
                Arc::clone(transaction),
                in_current_deferral(stage_listings(Arc::clone(service), self.item)),
            ));
            task.await.map_err(|_| Failure)??;
            transaction.outdate(Scope::Bookings);
            sees_its_own(&service.listing(self.item).await);
        }
        let savepoint = transaction.written();
        match self.nested {
            None => self.stage_item(service, transaction).await?,
            Some(kept) => {
                let inner = defer(async {
                    self.stage_item(service, transaction).await?;
                    if kept { Ok(()) } else { Err(Failure) }
                });
                if inner.await.is_err() {
                    transaction.roll_back_to(savepoint);
                }
            }
        }
        if self.rolled_back {
            return Err(Failure);
        }
        let registers = transaction.written().registers;
        service.commit(&registers, done).await
    }

    async fn stage_item(self, service: &Service, transaction: &Transaction) -> Result<(), Failure> {
        service.stage_item(self.item, transaction).await?;
        transaction.outdate(Scope::Item(self.item));
        sees_its_own(&service.price(self.item).await);
        Ok(())
    }
}

async fn stage_listings(service: Arc<Service>, id: u16) -> Result<(), Failure> {
    let transaction = CURRENT.with(Arc::clone);
    service.stage_listings(id, &transaction).await
}

/// Whoever has written something in a transaction is not answered with what was there before.
fn sees_its_own(value: &Result<Value, Failure>) {
    if let Ok(value) = value
        && value.version != UNCOMMITTED
    {
        let key = Key::unpack(value.of);
        eprintln!("a transaction that has written {key:?} was given {value:?}");
        std::process::abort();
    }
}
