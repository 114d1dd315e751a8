//! A small world that is disturbed in one way, brought to rest and judged.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cachewright_test_support::{Proxy, RedisServer};

use super::process::Process;
use super::scenes::{Gate, Stage};
use super::table::World;
use crate::clock::{Moment, now};
use crate::database::Server;
use crate::oracle::{self, Commit, Facts, Hang, History, Notes, Verdict};
use crate::plan::{Order, WorkerPlan};

/// How long a process has for what it is told.
pub const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(world: World, mutant: Option<&str>, seed: u64) -> io::Result<Verdict> {
    let dir = tempfile::tempdir()?;
    let server = world.has_store().then(RedisServer::start);
    let proxy = server.as_ref().map(|server| Proxy::start(server.addr()));
    let gate = Arc::<Gate>::default();
    let waits = Arc::clone(&gate);
    // Nobody is struck: who was to be stopped waits for its answer instead.
    let strike = move |_, _| {
        waits.wait();
        false
    };
    let database = Server::start(&dir.path().join("database"), strike)?;
    let began = now();
    let url = |number| match (&server, &proxy) {
        (Some(server), _) if world.is_direct(number) => Some(server.url()),
        (_, proxy) => proxy.as_ref().map(Proxy::url),
    };
    let mut processes = Vec::new();
    for number in 1..=world.processes() {
        let plan = WorkerPlan {
            number,
            seed: seed << 8 | u64::from(number),
            url: url(number),
            database: dir.path().join("database"),
            journal: journal(dir.path(), number),
            workload: world.workload(),
            cache: world.cache(),
        };
        processes.push(Process::start(&plan, mutant)?);
    }
    let mut hangs = Vec::new();
    await_all(&mut processes, "ready", &mut hangs);
    match (world, &server, &proxy) {
        (World::Scene(scene), Some(server), Some(proxy)) => {
            Stage::new(server, proxy, &database, &gate, &mut processes).play(scene);
        }
        (_, Some(server), Some(proxy)) => disturb(world, server, proxy, seed),
        _ => thread::sleep(world.span()),
    }
    for order in [Order::Pause, Order::Drain, Order::Sweep, Order::Finish] {
        for process in &mut processes {
            process.tell(order.line());
        }
        await_all(&mut processes, order.answer(), &mut hangs);
        if !hangs.is_empty() {
            break;
        }
    }
    drop(processes);
    oracle::judge(&history(world, dir.path(), began, hangs, &database))
}

fn journal(dir: &Path, number: u16) -> std::path::PathBuf {
    dir.join(format!("worker-{number}.bin"))
}

fn await_all(processes: &mut [Process], answer: &str, hangs: &mut Vec<Hang>) {
    let deadline = Instant::now() + PATIENCE;
    for process in processes {
        if !process.answers(answer, deadline) {
            hangs.push(Hang {
                worker: process.number,
                moment: now(),
                what: format!("`{answer}` was not answered within {PATIENCE:?}"),
            });
        }
    }
}

fn history(
    world: World,
    dir: &Path,
    began: Moment,
    hangs: Vec<Hang>,
    database: &Server,
) -> History {
    let (workload, cache) = (world.workload(), world.cache());
    let nanoseconds = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(Moment::MAX);
    let commits = database.commits().into_iter().map(|commit| Commit {
        register: commit.register,
        version: commit.version,
        at: commit.at,
    });
    let workers = (1..=world.processes()).map(|number| oracle::Worker {
        number,
        notes: Notes::File(journal(dir, number)),
    });
    History {
        workers: workers.collect(),
        commits: commits.collect(),
        facts: Facts {
            began,
            store: world.has_store(),
            settle: nanoseconds(cache.settle),
            patience: nanoseconds(cache.patience),
            store_timeout: nanoseconds(cache.store_timeout),
            load_delay: nanoseconds(workload.load_delay),
            commit_delay: nanoseconds(workload.commit_delay),
            hangs,
            ..Facts::default()
        },
    }
}

/// Disturbs the world for its span, and leaves it in order.
fn disturb(world: World, server: &RedisServer, proxy: &Proxy, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let end = Instant::now() + world.span();
    if world == World::Slow {
        proxy.delay_replies(Duration::from_millis(10));
    }
    while Instant::now() < end {
        let rest = match world {
            World::Losses => {
                proxy.drop_replies_to("SET", 1);
                20..60
            }
            World::Deaf | World::DeafTags => {
                proxy.lose_requests_of("UNLINK", 1);
                20..80
            }
            World::Evictions => {
                evict(server, &mut random);
                5..15
            }
            World::Refusals => {
                refuse(server, true);
                thread::sleep(Duration::from_millis(random.u64(10..40)));
                refuse(server, false);
                100..300
            }
            _ => 100..101,
        };
        thread::sleep(Duration::from_millis(random.u64(rest)));
    }
    proxy.pass();
}

/// Deletes a few generations, and none of the values.
fn evict(server: &RedisServer, random: &mut fastrand::Rng) {
    let mut names = server.command(&["KEYS", "*"]).items();
    names.retain(|name| server.command(&["STRLEN", &name.text()]).integer() == 16);
    for _ in 0..names.len().div_ceil(4) {
        let name = names[random.usize(..names.len())].text();
        server.command(&["DEL", &name]);
    }
}

/// Has the server refuse to write, or not any more.
pub fn refuse(server: &RedisServer, refuses: bool) {
    let replicas = if refuses { "1" } else { "0" };
    server.command(&["CONFIG", "SET", "min-replicas-to-write", replicas]);
}
