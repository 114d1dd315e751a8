//! Redis, the proxies before it, and what befalls them.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cachewright_test_support::{Proxy, RedisServer, Reply};
use fastrand::Rng;

use crate::clock::{self, Moment};
use crate::faults::{Fault, Kind};
use crate::outcome::{Log, Stop};

const EVICTING: [&str; 7] = [
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];

/// Where Debian's package has it; the linker knows the directory by this name. The C library's `malloc` is put before jemalloc's, which asks
/// for the time while it is being set up, and faketime allocates while it is.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1:libc.so.6";

/// One Redis, and for some places a proxy before it.
pub struct Servers {
    redis: RedisServer,
    /// By place.
    proxies: Vec<Option<Proxy>>,
    /// The file that says how wrong Redis' clock is, if it can be.
    clock: Option<PathBuf>,
    rng: Rng,
    log: Arc<Log>,
    /// Faults that keep it stopped, and gone.
    stopping: usize,
    stopped: Option<Moment>,
    absences: usize,
    stops: Vec<Stop>,
}

impl Servers {
    /// `scratch` is where Redis finds what its clock shows, if that can be set.
    ///
    /// # Errors
    ///
    /// If the clock can't be set after all.
    pub fn start(
        proxied: &[bool],
        scratch: Option<&Path>,
        seed: u64,
        log: Arc<Log>,
    ) -> io::Result<Self> {
        let clock = scratch.map(|scratch| scratch.join("clock"));
        let mut builder = RedisServer::builder();
        if let Some(clock) = &clock {
            set_clock(clock, 0);
            builder = builder
                .env("LD_PRELOAD", FAKETIME)
                .env("FAKETIME_TIMESTAMP_FILE", &clock.to_string_lossy())
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let redis = builder.start();
        let proxies = proxied
            .iter()
            .map(|proxied| proxied.then(|| Proxy::start(redis.addr())));
        let servers = Self {
            proxies: proxies.collect(),
            redis,
            clock,
            rng: Rng::with_seed(seed),
            log,
            stopping: 0,
            stopped: None,
            absences: 0,
            stops: Vec::new(),
        };
        servers.prove_clock()?;
        Ok(servers)
    }

    /// A library that is not there is no error to the linker.
    fn prove_clock(&self) -> io::Result<()> {
        if self.clock.is_none() {
            return Ok(());
        }
        let seconds = || {
            let time = self.redis.command(&["TIME"]).items();
            time[0].text().parse::<i64>().unwrap_or_default()
        };
        let before = seconds();
        self.set_clock(7_200);
        let distance = seconds() - before;
        self.set_clock(0);
        if distance >= 7_200 {
            return Ok(());
        }
        let missing =
            "the clock of Redis can't be set: run scripts/prepare.sh, or leave out step-clock";
        Err(io::Error::other(missing))
    }

    /// What the process at this place connects to.
    pub fn url(&self, place: usize) -> String {
        match &self.proxies[place] {
            Some(proxy) => proxy.url(),
            None => self.redis.url(),
        }
    }

    /// Times for which Redis was stopped.
    pub fn stops(&self) -> &[Stop] {
        &self.stops
    }

    /// What has come through the proxies.
    pub fn traffic(&self) -> String {
        let mut told = String::new();
        for (place, proxy) in self.proxies.iter().enumerate() {
            if let Some(proxy) = proxy {
                let _ = write!(told, "place {place}: {:?}; ", proxy.seen());
            }
        }
        told
    }

    pub fn begin(&mut self, fault: &Fault) {
        let detail = fault.detail;
        match fault.kind {
            Kind::StopRedis if self.absences == 0 => {
                self.stopping += 1;
                self.stopped.get_or_insert_with(clock::now);
                self.redis.pause();
            }
            Kind::Restart | Kind::Away => self.take_away(),
            Kind::KillConnections => drop(self.ask(&["CLIENT", "KILL", "TYPE", "normal"])),
            Kind::Flush => drop(self.ask(&["FLUSHALL"])),
            Kind::Evict => {
                self.shrink(EVICTING[detail as usize % EVICTING.len()], detail);
            }
            Kind::Full => self.shrink("noeviction", detail),
            Kind::RefuseWrites => self.refuse_writes(detail),
            Kind::StepClock => self.step_clock(detail),
            _ => self.disturb(fault),
        }
        if fault.lasts.is_zero() {
            self.end(fault);
        }
    }

    /// What a fault that lasts does again and again.
    pub fn go_on(&mut self, fault: &Fault) {
        let chance = self.rng.u32(..);
        let proxy = self.proxies.get(usize::from(fault.place));
        match (fault.kind, proxy) {
            (Kind::Delete, _) => self.delete_some(),
            (Kind::Shift, Some(Some(proxy))) if chance.is_multiple_of(8) => {
                shift(proxy, chance / 8);
            }
            (Kind::LateRequests, Some(Some(proxy))) => match chance % 4 {
                0 => proxy.hold_requests_of("SET"),
                1 => proxy.insert_reply(b"+OK\r\n"),
                2 => proxy.release_requests(),
                _ => {}
            },
            _ => {}
        }
    }

    pub fn end(&mut self, fault: &Fault) {
        match fault.kind {
            Kind::StopRedis => {
                self.stopping = self.stopping.saturating_sub(1);
                if self.stopping == 0 {
                    self.resume();
                }
            }
            Kind::Restart | Kind::Away => {
                self.absences = self.absences.saturating_sub(1);
                if self.absences == 0 {
                    self.redis.restart();
                }
            }
            Kind::Evict | Kind::Full => {
                self.ask(&["CONFIG", "SET", "maxmemory", "0"]);
            }
            Kind::RefuseWrites => self.take_writes(),
            Kind::StepClock => self.set_clock(0),
            _ => self.calm(fault),
        }
    }

    /// Ends every fault.
    pub fn heal(&mut self) {
        self.proxies.iter().flatten().for_each(Proxy::pass);
        self.stopping = 0;
        self.resume();
        if std::mem::take(&mut self.absences) > 0 || !self.redis.is_running() {
            self.redis.restart();
        }
        self.ask(&["CONFIG", "SET", "maxmemory", "0"]);
        self.take_writes();
        self.set_clock(0);
    }

    fn resume(&mut self) {
        if let Some(from) = self.stopped.take() {
            self.redis.resume();
            self.stops.push(Stop {
                worker: None,
                from,
                to: clock::now(),
            });
        }
    }

    fn take_away(&mut self) {
        self.resume();
        self.stopping = 0;
        self.absences += 1;
        self.redis.kill();
    }

    /// `None` where it can't answer.
    fn ask(&self, words: &[&str]) -> Option<Reply> {
        if self.stopped.is_some() || self.absences > 0 {
            self.log.note(&format!("no {words:?}: Redis is not there"));
            return None;
        }
        let asked = self
            .redis
            .connect()
            .and_then(|mut client| client.command(words));
        match asked {
            Ok(reply) => Some(reply),
            Err(error) => {
                self.log.note(&format!("{words:?}: {error}"));
                None
            }
        }
    }

    /// Gives it less memory than it has taken, or hardly more.
    fn shrink(&self, policy: &str, detail: u32) {
        self.ask(&["CONFIG", "SET", "maxmemory-policy", policy]);
        let Some(reply) = self.ask(&["INFO", "memory"]) else {
            return;
        };
        let used = reply.text().lines().find_map(|line| {
            line.strip_prefix("used_memory:")?
                .trim()
                .parse::<u64>()
                .ok()
        });
        let percent = 90 + u64::from(detail >> 8) % 13;
        let limit = used.unwrap_or(1 << 20) * percent / 100;
        self.log.note(&format!("maxmemory {limit}, {policy}"));
        self.ask(&["CONFIG", "SET", "maxmemory", &limit.to_string()]);
    }

    /// For want of a replica, or as a replica of nobody.
    fn refuse_writes(&self, detail: u32) {
        if detail.is_multiple_of(2) {
            self.ask(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
        } else {
            // Nobody listens there.
            self.ask(&["REPLICAOF", "127.0.0.1", "1"]);
        }
    }

    fn take_writes(&self) {
        self.ask(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
        self.ask(&["REPLICAOF", "NO", "ONE"]);
    }

    /// Deletes a key, of the first few that come: a generation, if there is one among them.
    fn delete_some(&mut self) {
        if self.stopped.is_some() || self.absences > 0 {
            return;
        }
        let Ok(mut client) = self.redis.connect() else {
            return;
        };
        let tries = self.rng.usize(1..5);
        let mut chosen = None;
        for _ in 0..tries {
            let Some(key) = client
                .command(&["RANDOMKEY"])
                .ok()
                .and_then(Reply::into_bytes)
            else {
                return;
            };
            let is_generation = key.windows(2).any(|pair| pair == b":~");
            chosen = Some(key);
            if is_generation {
                break;
            }
        }
        if let Some(key) = chosen {
            let _ = client.command(&[b"UNLINK", key.as_slice()]);
        }
    }

    /// By up to ten seconds, or up to ten hours.
    fn step_clock(&self, detail: u32) {
        let distance = i64::from(detail >> 2) % 10 + 1;
        let unit = if detail & 1 == 0 { 1 } else { 3_600 };
        let way = if detail & 2 == 0 { 1 } else { -1 };
        self.set_clock(distance * unit * way);
    }

    fn set_clock(&self, seconds: i64) {
        if let Some(clock) = &self.clock {
            set_clock(clock, seconds);
        }
    }

    /// What befalls a connection.
    fn disturb(&mut self, fault: &Fault) {
        let Some(Some(proxy)) = self.proxies.get(usize::from(fault.place)) else {
            return;
        };
        let detail = fault.detail;
        let few = detail as usize % 5 + 1;
        match fault.kind {
            Kind::Cut => proxy.cut(),
            Kind::Refuse => {
                proxy.refuse_connections();
                proxy.cut();
            }
            Kind::Delay => proxy.delay_replies(Duration::from_millis(u64::from(detail) % 400)),
            Kind::HoldReplies => match command(detail) {
                Some(command) => proxy.hold_replies_to(command),
                None => proxy.hold_replies(),
            },
            Kind::HoldRequests => match command(detail) {
                Some(command) => proxy.hold_requests_of(command),
                None => proxy.hold_requests(),
            },
            Kind::Shift => shift(proxy, detail),
            Kind::LoseReplies => proxy.swallow_replies(),
            Kind::LoseRequests => match command(detail >> 8) {
                Some(command) => proxy.lose_requests_of(command, few),
                None => proxy.lose_requests(few),
            },
            _ => {}
        }
    }

    /// Ends what [`disturb`](Self::disturb) began.
    fn calm(&mut self, fault: &Fault) {
        let Some(Some(proxy)) = self.proxies.get(usize::from(fault.place)) else {
            return;
        };
        match fault.kind {
            Kind::Refuse => proxy.accept_connections(),
            Kind::Delay => proxy.delay_replies(Duration::ZERO),
            Kind::HoldReplies => proxy.release_replies(),
            Kind::HoldRequests | Kind::LateRequests => proxy.release_requests(),
            Kind::LoseReplies => {
                // Before replies come again: a connection that has lost some is another fault.
                proxy.cut();
                proxy.pass();
            }
            _ => {}
        }
    }
}

/// One of the commands that a cache sends, or any.
fn command(detail: u32) -> Option<&'static str> {
    [None, None, Some("MGET"), Some("SET"), Some("UNLINK")][detail as usize % 5]
}

fn shift(proxy: &Proxy, detail: u32) {
    let command = command(detail >> 8);
    match (detail % 4, command) {
        (0, None) => proxy.drop_replies(1),
        (0, Some(command)) => proxy.drop_replies_to(command, 1),
        (1, None) => proxy.duplicate_replies(1),
        (1, Some(command)) => proxy.duplicate_replies_to(command, 1),
        _ => {
            let replies: [&[u8]; 5] =
                [b"+OK\r\n", b"$-1\r\n", b":1\r\n", b"*0\r\n", b"-ERR no\r\n"];
            proxy.insert_reply(replies[(detail >> 16) as usize % replies.len()]);
        }
    }
}

/// In one step, for Redis reads the file again and again.
fn set_clock(path: &Path, seconds: i64) {
    let new = path.with_extension("new");
    let written = std::fs::write(&new, format!("{seconds:+}\n"));
    written
        .and_then(|()| std::fs::rename(&new, path))
        .expect("the clock of Redis can be set");
}
