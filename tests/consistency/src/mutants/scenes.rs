//! Scenes: what chance brings about too seldom is staged, step by step.
//!
//! There are two processes: one *outside*, which reaches the server directly, and one *inside*, with a proxy before it. Nothing happens
//! but what a scene says.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cachewright_test_support::{Proxy, RedisServer};

use super::arena::{PATIENCE, refuse};
use super::process::Process;
use crate::database::{Ambush, Occasion, Server, Strike};
use crate::keys::{Family, Key};
use crate::plan::{Deed, Order, Verb};

pub const OUTSIDE: u16 = 1;
pub const INSIDE: u16 = 2;

/// What is waited for that only a mutant brings about.
const SOON: Duration = Duration::from_millis(700);

const KEY: Key = Key {
    family: Family::Profile,
    id: 1,
    page: 0,
};

/// Another entry below the same node.
const OTHER: Key = Key {
    family: Family::Order,
    ..KEY
};

/// The generation that a writer of the key's user deletes.
const NODE: &str = "checked:~n:user:1";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scene {
    /// A mint is carried out after its sender has given it up, and after an invalidation by another process.
    LateMint,
    /// The reply to a mint is lost; its nonce comes again after an invalidation.
    RepeatedNonce,
    /// An invalidation is acknowledged while the reply to a read from before it is on its way.
    HeldRead,
    /// A reply comes twice, and another request for the same entry is under way.
    DoubledReply,
    /// A generation is evicted after an invalidation, and made anew for another entry.
    EvictedGeneration,
    /// The same becomes pending again while an attempt waits for its acknowledgement.
    HeldAcknowledgement,
}

/// Where whoever loads waits for its answer.
#[derive(Debug, Default)]
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    shut: bool,
    waiting: bool,
}

impl Gate {
    pub fn wait(&self) {
        let mut state = self.lock();
        while state.shut {
            state.waiting = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn shut(&self, shut: bool) {
        self.lock().shut = shut;
        self.changed.notify_all();
    }

    /// Until somebody waits.
    fn until_waiting(&self) {
        let waits = |state: &mut State| !state.waiting;
        let state = self.lock();
        let waited = self.changed.wait_timeout_while(state, PATIENCE, waits);
        drop(waited);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a scene is played with.
pub struct Stage<'a> {
    server: &'a RedisServer,
    proxy: &'a Proxy,
    database: &'a Server,
    gate: &'a Gate,
    processes: &'a mut [Process],
    deeds: u32,
}

/// Something that was begun.
#[must_use]
struct Begun(u16, Deed);

impl<'a> Stage<'a> {
    pub fn new(
        server: &'a RedisServer,
        proxy: &'a Proxy,
        database: &'a Server,
        gate: &'a Gate,
        processes: &'a mut [Process],
    ) -> Self {
        Self {
            server,
            proxy,
            database,
            gate,
            processes,
            deeds: 0,
        }
    }

    pub fn play(mut self, scene: Scene) {
        match scene {
            Scene::LateMint => self.late_mint(),
            Scene::RepeatedNonce => self.repeated_nonce(),
            Scene::HeldRead => self.held_read(),
            Scene::DoubledReply => self.doubled_reply(),
            Scene::EvictedGeneration => self.evicted_generation(),
            Scene::HeldAcknowledgement => self.held_acknowledgement(),
        }
        self.gate.shut(false);
        self.proxy.pass();
    }

    fn late_mint(&mut self) {
        self.proxy.hold_requests_of("SET");
        self.gate.shut(true);
        self.database.lie_in_wait(Ambush {
            occasion: Occasion::Load,
            whom: Some(INSIDE),
            strike: Strike::Stop(PATIENCE),
        });
        // It has given up the mint when its body loads.
        let first = self.begin_read(INSIDE);
        self.gate.until_waiting();
        self.write(OUTSIDE);
        self.proxy.release_requests();
        self.until(|stage| stage.has_generation());
        // It sees the generation. Who took it for his own before computes under it.
        let asked = self.proxy.count("MGET");
        let second = self.begin_read(INSIDE);
        self.until(|stage| stage.proxy.count("MGET") > asked);
        thread::sleep(Duration::from_millis(100));
        self.gate.shut(false);
        self.ended(first);
        self.ended(second);
    }

    fn repeated_nonce(&mut self) {
        self.proxy.drop_replies_to("SET", 1);
        // Its mints are carried out, and it does not know.
        self.read(INSIDE);
        // Stored under the generations that the other has minted.
        self.read(OUTSIDE);
        self.write(OUTSIDE);
        self.until(|stage| stage.has_generation());
        self.read(OUTSIDE);
    }

    fn held_read(&mut self) {
        self.read(INSIDE);
        self.proxy.hold_replies_to("MGET");
        refuse(self.server, true);
        self.write(INSIDE);
        // The server answers with what is not invalidated there yet.
        let read = self.begin_read(INSIDE);
        self.until(|stage| stage.proxy.held_replies() > 0);
        refuse(self.server, false);
        self.tell(INSIDE, Order::Drain.line());
        self.answers(INSIDE, Order::Drain.answer());
        self.proxy.release_replies();
        self.ended(read);
    }

    fn doubled_reply(&mut self) {
        self.read(INSIDE);
        self.proxy.hold_replies();
        self.proxy.duplicate_replies_to("MGET", 1);
        let asked = self.proxy.count("MGET");
        let before = self.begin_read(INSIDE);
        self.until(|stage| stage.proxy.count("MGET") > asked && stage.proxy.held_replies() > 0);
        self.write(OUTSIDE);
        let after = self.begin_read(INSIDE);
        self.until(|stage| stage.proxy.count("MGET") > asked + 1);
        thread::sleep(Duration::from_millis(20));
        self.proxy.release_replies();
        self.ended(before);
        self.ended(after);
    }

    fn evicted_generation(&mut self) {
        self.read(OUTSIDE);
        self.write(OUTSIDE);
        self.server.command(&["DEL", NODE]);
        let other = self.begin(OUTSIDE, Verb::Read, OTHER);
        self.ended(other);
        self.read(OUTSIDE);
    }

    fn held_acknowledgement(&mut self) {
        self.proxy.hold_replies_to("UNLINK");
        // Lost, pending, and tried at once: that is carried out, and its acknowledgement held.
        self.abandon(INSIDE);
        self.until(|stage| stage.proxy.held_replies() > 0);
        self.read(OUTSIDE);
        self.abandon(INSIDE);
        self.proxy.release_replies();
        thread::sleep(Duration::from_millis(10));
        self.read(INSIDE);
    }

    /// Has a writer dropped whose invalidation is lost.
    fn abandon(&mut self, who: u16) {
        self.proxy.lose_requests_of("UNLINK", 1);
        let begun = self.begin(who, Verb::Abandon, KEY);
        self.ended(begun);
    }

    fn has_generation(&self) -> bool {
        self.server.command(&["EXISTS", NODE]).integer() == 1
    }

    fn read(&mut self, who: u16) {
        let begun = self.begin_read(who);
        self.ended(begun);
    }

    fn begin_read(&mut self, who: u16) -> Begun {
        self.begin(who, Verb::Read, KEY)
    }

    fn write(&mut self, who: u16) {
        let begun = self.begin(who, Verb::Write, KEY);
        self.ended(begun);
    }

    fn begin(&mut self, who: u16, verb: Verb, key: Key) -> Begun {
        self.deeds += 1;
        let deed = Deed {
            number: self.deeds,
            verb,
            key,
        };
        self.tell(who, &deed.line());
        Begun(who, deed)
    }

    /// Waits until it has ended. Who hangs is noticed when the process is to rest.
    fn ended(&mut self, Begun(who, deed): Begun) {
        self.answers(who, &deed.answer());
    }

    fn tell(&mut self, who: u16, line: &str) {
        self.processes[usize::from(who) - 1].tell(line);
    }

    fn answers(&mut self, who: u16, answer: &str) {
        self.processes[usize::from(who) - 1].answers(answer, Instant::now() + PATIENCE);
    }

    /// Waits for something, not for long.
    fn until(&self, what: impl Fn(&Self) -> bool) {
        let end = Instant::now() + SOON;
        while !what(self) && Instant::now() < end {
            thread::sleep(Duration::from_millis(2));
        }
    }
}
