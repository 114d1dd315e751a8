//! The kinds of faults.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whom a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    Process,
    /// What is between a process and Redis.
    Connection,
    Redis,
}

macro_rules! kinds {
    ($($kind:ident, $name:literal, $victim:ident, $weight:literal, $from:literal ..= $to:literal, $what:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind {
            $(#[doc = $what] #[serde(rename = $name)] $kind,)*
        }

        impl Kind {
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$kind),*];

            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// A line of explanation.
            pub fn what(self) -> &'static str {
                match self { $(Self::$kind => $what,)* }
            }

            pub fn victim(self) -> Victim {
                match self { $(Self::$kind => Victim::$victim,)* }
            }

            /// How often it occurs, compared with others.
            pub(super) fn weight(self) -> u32 {
                match self { $(Self::$kind => $weight,)* }
            }

            /// The shortest and the longest that it lasts, in milliseconds.
            fn milliseconds(self) -> (u64, u64) {
                match self { $(Self::$kind => ($from, $to),)* }
            }
        }
    };
}

kinds! {
    KillLoader, "kill-loader", Process, 4, 0..=0, "kill -9 of a process while a body of its loads, before the database answers";
    KillWriter, "kill-writer", Process, 4, 0..=0, "kill -9 of a process after its commit and before its invalidation";
    Kill, "kill", Process, 2, 0..=0, "kill -9 of a process, whatever it is at";
    StopLoader, "stop-loader", Process, 6, 300..=1_500, "a process is stopped while a body of its loads, and fills later";
    StopWriter, "stop-writer", Process, 3, 300..=1_500, "a process is stopped after its commit, and invalidates later";
    Stop, "stop", Process, 3, 300..=1_500, "a process is stopped, whatever it is at";
    Retire, "retire", Process, 3, 0..=0, "a process is told to end, does so when what it has pending is acknowledged, and another takes its place";
    StopRedis, "stop-redis", Redis, 5, 300..=1_500, "Redis is stopped for longer than every deadline, and then does what it was sent";
    KillConnections, "kill-connections", Redis, 3, 0..=0, "CLIENT KILL TYPE normal";
    Cut, "cut", Connection, 4, 0..=0, "connections are cut";
    Refuse, "refuse", Connection, 2, 100..=1_500, "connections are cut, and new ones refused for a while";
    Delay, "delay", Connection, 4, 300..=2_000, "replies come late, all by the same time";
    HoldReplies, "hold-replies", Connection, 4, 50..=1_500, "replies are held for a while, past the client's deadline or not";
    HoldRequests, "hold-requests", Connection, 8, 300..=1_500, "requests are held past the client's deadline and arrive then";
    LateRequests, "late-requests", Connection, 6, 300..=2_000, "requests are held for moments in which replies go wrong: their client gives up, and they arrive later";
    Shift, "shift", Connection, 6, 0..=500, "a reply is dropped, doubled or inserted, so that those after it answer other requests; again and again";
    LoseReplies, "lose-replies", Connection, 4, 50..=800, "replies are lost after their commands were carried out, and then the connections are";
    LoseRequests, "lose-requests", Connection, 3, 0..=0, "requests get lost";
    Flush, "flush", Redis, 3, 0..=0, "FLUSHALL";
    Delete, "delete", Redis, 6, 200..=2_000, "single keys are deleted one after another, generations above all, as by eviction";
    Evict, "evict", Redis, 5, 300..=2_500, "maxmemory is too small, with one of the policies that evict";
    Full, "full", Redis, 4, 300..=2_000, "maxmemory is too small, and nothing may be evicted: OOM";
    RefuseWrites, "refuse-writes", Redis, 4, 100..=1_500, "Redis answers reads and refuses writes, invalidations too: NOREPLICAS, READONLY";
    Restart, "restart", Redis, 3, 0..=0, "Redis is killed and comes back empty";
    Away, "away", Redis, 2, 1_500..=4_000, "Redis is killed and comes back empty after a long while: seconds, or a minute in a long world";
    StepClock, "step-clock", Redis, 4, 100..=3_000, "the clock of Redis is set, by seconds or by hours, either way, and corrected later";
}

/// A round from here on is one of a long world.
const LONG: Duration = Duration::from_secs(30);

impl Kind {
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The shortest and the longest that it lasts in a round of this length.
    pub(super) fn lasts(self, round: Duration) -> (Duration, Duration) {
        if self == Self::Away && round >= LONG {
            return (round.mul_f64(0.8), round.mul_f64(0.9));
        }
        let (shortest, longest) = self.milliseconds();
        let most = round.mul_f64(0.8);
        (
            Duration::from_millis(shortest).min(most),
            Duration::from_millis(longest).min(most),
        )
    }
}
