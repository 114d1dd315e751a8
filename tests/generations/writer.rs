//! Changing the database: by an invalidation of a node, of the leaf, of everything, or by writing
//! through.

use cache_core::fence::{Fence, Generation};
use cache_core::layout::{Key, Leaf, Region};
use cache_core::store::{Cursor, Mint, Store, Swap};

use crate::command::Command;
use crate::reader::{count, receive};
use crate::ready::ready;
use crate::world::{Mutant, TTL, World, deadline};

#[derive(Default)]
pub(crate) struct Writer(State);

#[derive(Default)]
enum State {
    #[default]
    Idle,
    /// The version is committed, and these generations are to go until that is acknowledged.
    Invalidate(u64, Vec<Key>),
    /// The version is committed, and every generation is to go; the keys are those of the last
    /// page.
    Clear(u64, Vec<Key>, Option<Cursor>),
    /// The fence of a write-through is read; what comes next is its body.
    Put(Option<Fence>),
    Swap(u64, Option<Fence>),
    Store(u64, Fence),
}

impl Writer {
    pub(crate) fn step(&mut self, world: &mut World) {
        self.0 = match std::mem::take(&mut self.0) {
            State::Idle => begin(world),
            State::Invalidate(version, keys) => invalidate(world, version, keys),
            State::Clear(version, page, next) => clear(world, version, page, next),
            State::Put(fence) => State::Swap(commit(world), fence),
            State::Swap(version, fence) => swap(world, version, fence),
            State::Store(version, fence) => {
                let entry = world.entry(version, &fence);
                let _ = ready(
                    world
                        .store
                        .write(world.keys.value(), entry, TTL, deadline()),
                );
                world.report.puts += 1;
                world.acknowledged(version);
                State::Idle
            }
        };
    }
}

fn commit(world: &mut World) -> u64 {
    world.committed += 1;
    world.committed
}

fn begin(world: &mut World) -> State {
    match world.below(8) {
        0 => State::Clear(commit(world), Vec::new(), Some(Cursor::start())),
        1..=4 => State::Put(before(world)),
        5 => State::Invalidate(commit(world), world.layout.covered_by("booking:stats")),
        6 => {
            let leaf = world
                .layout
                .copies(Region::Leaf(Leaf::of_call("stats", b"")));
            State::Invalidate(commit(world), leaf)
        }
        _ => State::Invalidate(commit(world), world.layout.covered_by("booking")),
    }
}

fn invalidate(world: &mut World, version: u64, keys: Vec<Key>) -> State {
    let command = match world.mutant {
        Some(Mutant::DeleteValue) => Some(Command::Delete(vec![world.keys.value().clone()])),
        Some(Mutant::Counter) => increment(world, &keys[0]),
        _ => None,
    };
    let acknowledged = match command {
        Some(command) => command.run(&world.store).is_ok(),
        None => ready(world.store.invalidate(&keys, deadline())).is_ok(),
    };
    if acknowledged || world.is(Mutant::UnprovenAck) {
        world.acknowledged(version);
        return State::Idle;
    }
    State::Invalidate(version, keys)
}

/// `INCR`, as nobody else takes a turn in between.
fn increment(world: &World, key: &Key) -> Option<Command> {
    let Ok(held) = Command::Read(vec![key.clone()]).run(&world.store) else {
        return Some(Command::Delete(Vec::new()));
    };
    let held = held[0].as_deref().and_then(Generation::from_bytes);
    let number = held.map_or(0, |held| u128::from_be_bytes(held.to_bytes()));
    Some(Command::Set(key.clone(), count(number + 1).to_vec()))
}

fn clear(world: &mut World, version: u64, page: Vec<Key>, next: Option<Cursor>) -> State {
    if !page.is_empty() {
        return match ready(world.store.invalidate(&page, deadline())) {
            Ok(()) => State::Clear(version, Vec::new(), next),
            Err(_) => State::Clear(version, page, next),
        };
    }
    let Some(cursor) = next else {
        world.acknowledged(version);
        return State::Idle;
    };
    let beginning = world.layout.all_generations();
    match ready(world.store.scan(&beginning, cursor, 1, deadline())) {
        Ok(page) if world.is(Mutant::HastyClear) => State::Clear(version, page.keys, None),
        Ok(page) => State::Clear(version, page.keys, page.next),
        Err(_) => State::Clear(version, Vec::new(), Some(Cursor::start())),
    }
}

/// The fence before the body of a write-through.
fn before(world: &World) -> Option<Fence> {
    let reply = ready(world.store.read(world.keys.read(), deadline())).ok()?;
    let (_, observed) = receive(world, reply);
    observed.complete().ok()
}

fn swap(world: &World, version: u64, fence: Option<Fence>) -> State {
    let in_doubt = State::Invalidate(version, vec![world.keys.leaf().clone()]);
    let Some(fence) = fence else { return in_doubt };
    if world.is(Mutant::BlindPut) {
        return State::Store(version, fence);
    }
    let nonce = cache_core::fence::Nonce::random().unwrap();
    let mint = Mint {
        key: world.keys.leaf().clone(),
        nonce,
    };
    let swapped = ready(world.store.swap(mint, TTL, deadline()));
    let swapped = match swapped {
        Ok(Swap::Done { now, .. }) if world.is(Mutant::UncomparedPut) => {
            let previous = Some(fence.generations()[0]);
            Ok(Swap::Done { previous, now })
        }
        other => other,
    };
    match swapped.ok().and_then(|swapped| fence.after_swap(&swapped)) {
        Some(fence) => State::Store(version, fence),
        None => in_doubt,
    }
}
