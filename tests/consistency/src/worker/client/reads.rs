//! Reading, in every way there is.

use std::sync::Arc;

use super::{Client, Ended};
use crate::clock::now;
use crate::keys::{Family, Key};
use crate::record::{Event, Shown};
use crate::worker::service::{Failure, Service, Value, plain};

impl Client {
    pub(super) async fn call_one(&mut self) {
        let id = self.id();
        let key = match self.rng.u8(..10) {
            8.. => return self.read_batch().await,
            0..3 => Key::new(Family::Profile, id),
            3 | 4 => Key {
                family: Family::Order,
                id,
                page: self.rng.u8(..2),
            },
            5 => Key::new(Family::Title, id),
            6 => Key::new(Family::Rating, id),
            _ => Key::new(Family::Listing, id),
        };
        self.read(key).await;
    }

    pub async fn read(&mut self, key: Key) {
        let service = Arc::clone(&self.service);
        let start = now();
        let shown = match self.run(show(&service, key)).await {
            Ended::With(shown) => shown,
            Ended::Dropped(..) => Shown::Dropped,
        };
        self.note(Event::Read { key, shown }, start);
    }

    /// Several at once, some of them perhaps twice.
    async fn read_batch(&mut self) {
        let service = Arc::clone(&self.service);
        let count = self.rng.usize(1..5);
        let ids: Vec<u16> = (0..count).map(|_| self.id()).collect();
        let start = now();
        let ended = self.run(service.badges(&ids)).await;
        for id in &ids {
            let shown = match &ended {
                Ended::With(Ok(values)) => values
                    .get(id)
                    .map_or(Shown::Missing, |value| (*value).into()),
                Ended::With(Err(_)) => Shown::Failed,
                Ended::Dropped(..) => Shown::Dropped,
            };
            let key = Key::new(Family::Badge, *id);
            self.note(Event::Read { key, shown }, start);
        }
    }

    pub(super) async fn read_directly(&mut self) {
        let family = *self
            .rng
            .choice(&[Family::Price, Family::Cart])
            .expect("two");
        let key = Key::new(family, self.id());
        match self.rng.u8(..4) {
            0 | 1 => self.read(key).await,
            2 => self.get(key).await,
            _ => self.get_many(family).await,
        }
    }

    async fn get(&mut self, key: Key) {
        let service = Arc::clone(&self.service);
        let start = now();
        let shown = match self.run(service.cache.get::<Value>(&plain(key))).await {
            Ended::With(Ok(value)) => value.map_or(Shown::Missing, Shown::from),
            Ended::With(Err(_)) => Shown::Failed,
            Ended::Dropped(..) => Shown::Dropped,
        };
        self.note(Event::Read { key, shown }, start);
    }

    async fn get_many(&mut self, family: Family) {
        let service = Arc::clone(&self.service);
        let keys: Vec<Key> = (0..4).map(|_| Key::new(family, self.id())).collect();
        let names: Vec<String> = keys.iter().map(|key| plain(*key)).collect();
        let start = now();
        if let Ended::With(Ok(values)) = self.run(service.cache.get_many::<Value>(&names)).await {
            for (key, value) in keys.into_iter().zip(values) {
                let shown = value.map_or(Shown::Missing, Shown::from);
                self.note(Event::Read { key, shown }, start);
            }
        }
    }
}

/// What reading a key comes to, in the way that is its family's.
async fn show(service: &Arc<Service>, key: Key) -> Shown {
    let value = match key.family {
        Family::Profile => service.profile(key.id).await,
        Family::Order => service.order(key.id, key.page).await,
        Family::Rating => {
            let service = Arc::clone(service);
            let rating = move || service.rating(key.id);
            let rated = tokio::task::spawn_blocking(rating).await;
            rated.unwrap_or(Err(Failure))
        }
        Family::Title => match service.title(key.id).await {
            Ok(None) => return Shown::Absent,
            Ok(Some(value)) => Ok(value),
            Err(failure) => Err(failure),
        },
        Family::Listing => service.listing(key.id).await,
        Family::Badge => {
            let values = service.badges(&[key.id]).await;
            values.and_then(|values| values.get(&key.id).copied().ok_or(Failure))
        }
        Family::Local => service.local(key.id).await,
        Family::Price => service.price(key.id).await,
        Family::Cart => match service.cache.get(&plain(key)).await {
            Ok(None) => return Shown::Missing,
            Ok(Some(value)) => Ok(value),
            Err(_) => Err(Failure),
        },
    };
    value.map_or(Shown::Failed, Shown::from)
}
