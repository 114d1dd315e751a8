//! Writers that name entries by a call: which function it is, among those of one name.
#![deny(warnings)]

#[path = "support/service.rs"]
mod service;
#[path = "support/users.rs"]
mod users;

use std::sync::Arc;

use cachewright::{Cache, cached, invalidate_cache};
use service::World;
use users::{Users, outdated, readers_and_writers};

/// What a service may depend on, behind a pointer.
trait Repo {
    fn find(&self, id: u64) -> u64;

    async fn load(&self, id: u64) -> u64;

    /// As good as any.
    #[cached(cache = self.cache(), key_prefix = "default")]
    fn any(&self, id: u64) -> u64 {
        self.find(id)
    }

    fn cache(&self) -> &Cache;
}

impl Repo for Users {
    #[cached(cache = self.cache, key_prefix = "found:{id}")]
    fn find(&self, id: u64) -> u64 {
        let _ = id;
        self.ask()
    }

    #[cached(cache = self.cache, key_prefix = "loaded:{id}")]
    async fn load(&self, id: u64) -> u64 {
        let _ = id;
        self.ask()
    }

    fn cache(&self) -> &Cache {
        &self.cache
    }
}

#[invalidate_cache(cache = cache, entry = repo.find(id), entry = repo.any(id))]
fn write_behind_a_pointer(cache: &Cache, repo: &dyn FindOrAny, id: u64) {
    let _ = (repo, id);
}

/// What of a [`Repo`] can be called behind a pointer.
trait FindOrAny {
    fn find(&self, id: u64) -> u64;
    fn any(&self, id: u64) -> u64;
}

impl<T: Repo> FindOrAny for T {
    fn find(&self, id: u64) -> u64 {
        Repo::find(self, id)
    }

    fn any(&self, id: u64) -> u64 {
        Repo::any(self, id)
    }
}

/// Holds what it reads from.
struct Service<R> {
    cache: Cache,
    repo: Arc<R>,
}

impl<R: Repo + Clone> Service<R> {
    #[invalidate_cache(cache = self.cache, entry = Arc::clone(&self.repo).load(id), entry = <R as Repo>::find(_, id))]
    async fn write(&self, id: u64) {
        let _ = id;
    }

    #[invalidate_cache(cache = self.cache, entry = self.repo.as_ref().clone().load(id), entry = R::any(_, id))]
    fn write_blocking(&self, id: u64) {
        let _ = id;
    }
}

#[tokio::test]
async fn methods_of_traits_are_found_by_their_names() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let service = Service {
            cache: writer.cache.clone(),
            repo: Arc::new(writer.clone()),
        };
        let found = async || Repo::find(users, 7);
        let loaded = async || users.load(7).await;
        let any = async || Repo::any(users, 7);
        let others = async || {
            (
                Repo::find(users, 8),
                users.load(8).await,
                Repo::any(users, 8),
            )
        };

        let named = async || (found().await, loaded().await);
        assert_eq!(
            outdated(users, named, others, service.write(7)).await,
            (2, 0)
        );
        let named = async || loaded().await;
        let bystanders = async || (found().await, Repo::find(users, 9), users.load(9).await);
        let write = async { service.write_blocking(7) };
        assert_eq!(outdated(users, named, bystanders, write).await, (1, 0));
        let write = async { write_behind_a_pointer(&writer.cache, &writer, 7) };
        let named = async || (any().await, found().await);
        assert_eq!(outdated(users, named, loaded, write).await.1, 0);
    }
}

/// Functions of one name that are called with as many arguments, and more.
mod towns {
    use super::{Users, cached};

    #[cached(cache = users.cache, skip(users), key_prefix = "town")]
    pub(super) fn get(users: &Users, id: u64, page: u64) -> u64 {
        let _ = (id, page);
        users.ask()
    }
}

mod streets {
    use super::{Users, cached};

    #[cached(cache = users.cache, key(page, id), key_prefix = "street")]
    pub(super) fn get(users: &Users, id: u64, page: u64) -> u64 {
        let _ = (id, page);
        users.ask()
    }
}

mod houses {
    use super::{Users, cached};

    #[cached(cache = users.cache, key(id * 2), key_prefix = "house")]
    pub(super) fn get(users: &Users, id: u64) -> u64 {
        let _ = id;
        users.ask()
    }
}

struct Rooms<T>(Users, T);

impl<T> Rooms<T> {
    #[cached(cache = self.0.cache, skip(page), key_prefix = "room")]
    fn get(&self, id: u64, page: u64) -> u64 {
        let _ = (id, page);
        self.0.ask()
    }
}

use streets::get as fetch;

#[invalidate_cache(cache = users.cache, entry = towns::get(_, id, page))]
fn write_town(users: &Users, id: u64, page: u64) {
    let _ = (users, id, page);
}

#[invalidate_cache(cache = users.cache, entry = fetch(_, id, page))]
fn write_street(users: &Users, id: u64, page: u64) {
    let _ = (users, id, page);
}

#[invalidate_cache(cache = rooms.0.cache, entry = rooms.get(id, _))]
fn write_room(rooms: &Rooms<fn(u8) -> Vec<String>>, id: u64) {
    let _ = (rooms, id);
}

#[invalidate_cache(cache = rooms.0.cache, entry = Rooms::<fn(u8) -> Vec<String>>::get(_, id, _))]
fn write_room_by_path(rooms: &Rooms<fn(u8) -> Vec<String>>, id: u64) {
    let _ = (rooms, id);
}

#[tokio::test]
async fn functions_of_one_name_each_have_their_own_key_and_aliases_are_seen_through() {
    for (reader, writer) in readers_and_writers() {
        let users = &reader;
        let rooms = |users: &Users| Rooms(users.clone(), (|_| Vec::new()) as fn(u8) -> Vec<String>);
        let (room, writers_room) = (rooms(users), rooms(&writer));
        let house = async || houses::get(users, 1);

        let town = async || towns::get(users, 1, 2);
        let bystanders = async || {
            (
                towns::get(users, 1, 1),
                streets::get(users, 1, 1),
                house().await,
            )
        };
        let write = async { write_town(&writer, 1, 2) };
        assert_eq!(outdated(users, town, bystanders, write).await, (1, 0));

        let street = async || streets::get(users, 1, 2);
        let bystanders = async || (streets::get(users, 1, 1), house().await);
        let write = async { write_street(&writer, 1, 2) };
        assert_eq!(outdated(users, street, bystanders, write).await, (1, 0));

        let named = async || room.get(1, 2);
        let bystanders = async || (room.get(2, 2), house().await, towns::get(users, 5, 5));
        let write = async { write_room(&writers_room, 1) };
        assert_eq!(outdated(users, named, bystanders, write).await, (1, 0));
        // Of the others that may be meant the second argument is needed: they are all outdated.
        let bystanders = async || (room.get(2, 2), house().await);
        let write = async { write_room_by_path(&writers_room, 1) };
        assert_eq!(outdated(users, named, bystanders, write).await, (1, 0));
    }
}

/// Is not cached in this program, nor is any other function of this name.
fn unknown_here(id: u64, page: u64) -> u64 {
    id + page
}

/// Another program caches one, as this module does under another name.
#[invalidate_cache(cache = users.cache, entry = unknown_here(id, _))]
fn write_unknown(users: &Users, id: u64) {
    let _ = (users, id);
}

/// Is not cached either, but one of its name is, with other arguments.
mod apart {
    pub(super) fn load(id: u64, page: u64, size: u64) -> u64 {
        id + page + size
    }
}

#[invalidate_cache(cache = users.cache, entry = apart::load(id, 3, 4))]
fn write_apart(users: &Users, id: u64) {
    let _ = (users, id);
}

#[tokio::test]
async fn a_function_that_takes_something_else_is_invalidated_as_a_whole_up_to_its_fixed_prefix() {
    for (reader, writer) in readers_and_writers() {
        let loaded = async || reader.load(1).await;
        let found = async || Repo::find(&reader, 1);
        let write = async { write_apart(&writer, 7) };
        assert_eq!(outdated(&reader, loaded, found, write).await, (1, 0));
    }
}

#[tokio::test]
async fn the_entries_of_another_program_are_known_by_name_and_given_arguments() {
    use cachewright::__private::{Function, KeyWriter, Returns, lookup};
    static FOREIGN: Function = Function::new("unknown_here", "", "", "", 0);
    for (reader, writer) in readers_and_writers() {
        let foreign = async |id: u64| {
            let key = |key: &mut KeyWriter| {
                key.argument(&id);
            };
            let shape = Returns::<u64>::new().outcome();
            let call = lookup(&reader.cache, &FOREIGN, shape, key, |_| {});
            call.or_compute_blocking(|| reader.ask())
        };
        let write = async { write_unknown(&writer, 1) };
        let write = outdated(
            &reader,
            async || foreign(1).await,
            async || foreign(2).await,
            write,
        );
        assert_eq!(write.await, (1, 0));
    }
    let _ = (unknown_here(1, 2), apart::load(1, 2, 3), World::new());
}
