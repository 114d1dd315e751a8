//! One world: a Redis, a database and some processes, what befalls them, and how that is carried out.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::clock::{self, Moment};
use crate::database::{Ambush, Occasion, Server, Strike, write_commits};
use crate::faults::{Choice, Fault, Kind, Round, Victim};
use crate::guard::Guard;
use crate::outcome::{COMMITS, Log, OUTCOME, Outcome, PLAN};
use crate::plan::{CachePlan, Order, WorkerPlan, Workload};
use crate::servers::Servers;
use crate::workers::Workers;

/// Between two looks at what is due.
const STEP: Duration = Duration::from_millis(5);

/// Everything that is decided before a world begins. Written beside the histories as `world.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct World {
    pub seed: u64,
    /// There is a Redis; otherwise each process has its memory alone.
    pub store: bool,
    /// For each place of a process, whether it is connected through a proxy.
    pub proxied: Vec<bool>,
    /// Redis' clock can be set.
    pub clock: bool,
    pub rounds: Vec<Round>,
    pub workload: Workload,
    pub cache: CachePlan,
}

/// What a world's plan depends on, besides its seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub processes: u16,
    pub kinds: Vec<Kind>,
    pub store: bool,
    pub span: Span,
}

/// How long a world takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A few seconds, which tests of this program have.
    Brief,
    /// 20 to 40 seconds.
    Usual,
    /// Three or four minutes, in which Redis can be away for one and more.
    Long,
}

impl World {
    /// The same seed gives the same world.
    pub fn plan(seed: u64, settings: &Settings) -> Self {
        let mut rng = Rng::with_seed(seed);
        let workload = plan_workload(&mut rng, settings);
        let mut proxied: Vec<_> = (0..settings.processes).map(|_| rng.bool()).collect();
        let through = rng.usize(..proxied.len());
        proxied[through] = true;
        let choice = Choice {
            kinds: &settings.kinds,
            proxied: &proxied,
            store: settings.store,
        };
        // Half a minute, with what is between the rounds.
        let (count, shortest) = match settings.span {
            Span::Brief => (2, 1),
            Span::Usual => (rng.u64(3..=4), 5),
            Span::Long => (2, 75),
        };
        let rounds = (0..count).map(|_| {
            let span = Duration::from_secs(shortest).mul_f64(1.0 + 0.6 * rng.f64());
            Round::plan(
                &mut rng,
                Duration::from_millis(span.as_millis() as u64),
                choice,
            )
        });
        let rounds: Vec<_> = rounds.collect();
        let occurs = |kind| {
            rounds
                .iter()
                .any(|round| round.faults.iter().any(|one| one.kind == kind))
        };
        Self {
            seed,
            store: settings.store,
            clock: occurs(Kind::StepClock),
            proxied,
            rounds,
            workload,
            cache: CachePlan::default(),
        }
    }

    /// Nothing befalls anybody.
    pub fn is_calm(&self) -> bool {
        self.workload.dropped == 0 && self.rounds.iter().all(|round| round.faults.is_empty())
    }

    fn worker(&self, servers: Option<&Servers>, place: usize, database: &Path) -> WorkerPlan {
        WorkerPlan {
            number: 0,
            seed: self.seed,
            url: servers.map(|servers| servers.url(place)),
            database: database.to_owned(),
            journal: Default::default(),
            workload: self.workload.clone(),
            cache: self.cache.clone(),
        }
    }
}

fn plan_workload(rng: &mut Rng, settings: &Settings) -> Workload {
    let milliseconds = |rng: &mut Rng, most: u64| Duration::from_micros(rng.u64(..=most * 1_000));
    let slowness = [2, 5, 20][rng.usize(..3)];
    // Half of the worlds in which nothing is wrong are to be ones in which nobody gives up either.
    let patient = settings.kinds.is_empty() && rng.bool();
    Workload {
        ids: [2, 4, 8, 16, 40][rng.usize(..5)],
        tasks: [4, 8, 16, 24][rng.usize(..4)],
        load_delay: milliseconds(rng, slowness),
        commit_delay: milliseconds(rng, 10),
        rest: milliseconds(rng, 2),
        dropped: if patient { 0 } else { rng.u8(..15) },
        mix: Default::default(),
    }
}

/// Lets a world happen, and writes into `directory`, which is empty, all that is known of it. After each round, which is whole in the
/// directory as far as the processes have written down what they noted, `enough` is asked whether that was the last.
///
/// # Errors
///
/// Those of files and processes. What befalls the world is none.
///
/// # Panics
///
/// If Redis can't be started.
pub fn run(
    world: &World,
    directory: &Path,
    enough: &mut dyn FnMut(&Path) -> io::Result<bool>,
) -> io::Result<Outcome> {
    serde_json::to_writer_pretty(File::create(directory.join(PLAN))?, world)?;
    let mut running = Running::start(world, directory)?;
    for (index, round) in world.rounds.iter().enumerate() {
        running.log.note(&format!("round {index}"));
        running.work(round)?;
        running.look_around()?;
        running.write(directory)?;
        if enough(directory)? {
            break;
        }
        running.workers.order(Order::Resume)?;
    }
    running.workers.finish()?;
    if let Some(servers) = &running.servers {
        running.log.note(&servers.traffic());
    }
    running.write(directory)
}

struct Running {
    began: Moment,
    workers: Arc<Workers>,
    servers: Option<Servers>,
    database: Server,
    log: Arc<Log>,
    _guard: Guard,
    _scratch: tempfile::TempDir,
}

impl Running {
    fn start(world: &World, directory: &Path) -> io::Result<Self> {
        let began = clock::now();
        // Not in `directory`: the name of a socket has to be short.
        let scratch = tempfile::Builder::new().prefix("consistency-").tempdir()?;
        let guard = Guard::of_directory(scratch.path())?;
        let log = Arc::new(Log::create(directory)?);
        let servers = world.store.then(|| {
            let clock = world.clock.then(|| scratch.path());
            Servers::start(&world.proxied, clock, world.seed, Arc::clone(&log))
        });
        let servers = servers.transpose()?;
        let socket = scratch.path().join("database");
        let plans =
            (0..world.proxied.len()).map(|place| world.worker(servers.as_ref(), place, &socket));
        let command = [std::env::current_exe()?.into_os_string(), "worker".into()];
        let workers = Workers::prepare(
            command.to_vec(),
            plans.collect(),
            directory.to_owned(),
            Arc::clone(&log),
        );
        let workers = Arc::new(workers);
        let struck = Arc::clone(&workers);
        let database = Server::start(&socket, move |worker, strike| struck.strike(worker, strike))?;
        workers.start()?;
        Ok(Self {
            began,
            workers,
            servers,
            database,
            log,
            _guard: guard,
            _scratch: scratch,
        })
    }

    /// A round's work, with its faults.
    fn work(&mut self, round: &Round) -> io::Result<()> {
        let begin = Instant::now();
        let mut to_come = round.faults.iter().peekable();
        let mut under_way: Vec<&Fault> = Vec::new();
        while begin.elapsed() < round.length {
            let elapsed = begin.elapsed();
            for fault in under_way.extract_if(.., |fault| fault.at + fault.lasts <= elapsed) {
                self.note("ends", fault);
                self.servers
                    .iter_mut()
                    .for_each(|servers| servers.end(fault));
            }
            while let Some(fault) = to_come.next_if(|fault| fault.at <= elapsed) {
                self.note("begins", fault);
                self.begin(fault);
                if !fault.lasts.is_zero() && fault.kind.victim() != Victim::Process {
                    under_way.push(fault);
                }
            }
            for fault in &under_way {
                self.servers
                    .iter_mut()
                    .for_each(|servers| servers.go_on(fault));
            }
            self.workers.look_after()?;
            std::thread::sleep(STEP);
        }
        Ok(())
    }

    fn note(&self, what: &str, fault: &Fault) {
        let name = fault.kind.name();
        let Fault { place, lasts, .. } = fault;
        self.log
            .note(&format!("{name} {what}, at place {place}, for {lasts:?}"));
    }

    fn begin(&mut self, fault: &Fault) {
        let (occasion, strike) = match fault.kind {
            Kind::KillLoader => (Some(Occasion::Load), Strike::Kill),
            Kind::KillWriter => (Some(Occasion::Commit), Strike::Kill),
            Kind::Kill => (None, Strike::Kill),
            Kind::StopLoader => (Some(Occasion::Load), Strike::Stop(fault.lasts)),
            Kind::StopWriter => (Some(Occasion::Commit), Strike::Stop(fault.lasts)),
            Kind::Stop => (None, Strike::Stop(fault.lasts)),
            Kind::Retire => {
                let whom = self.workers.at(fault.place);
                return whom.into_iter().for_each(|whom| self.workers.retire(whom));
            }
            _ => {
                self.servers
                    .iter_mut()
                    .for_each(|servers| servers.begin(fault));
                return;
            }
        };
        // In half of the cases it is whoever comes first.
        let whom = self.workers.at(fault.place);
        match (occasion, whom) {
            (Some(occasion), whom) => self.database.lie_in_wait(Ambush {
                occasion,
                whom: whom.filter(|_| fault.detail.is_multiple_of(2)),
                strike,
            }),
            (None, Some(whom)) => drop(self.workers.strike(whom, strike)),
            (None, None) => {}
        }
    }

    /// Heals everything, and has everybody look at everything.
    fn look_around(&mut self) -> io::Result<()> {
        self.log.note("everything is healed");
        self.database.let_pass();
        self.servers.iter_mut().for_each(Servers::heal);
        self.workers.heal()?;
        for order in [Order::Pause, Order::Drain, Order::Sweep] {
            self.workers.order(order)?;
        }
        Ok(())
    }

    fn write(&self, directory: &Path) -> io::Result<Outcome> {
        let mut outcome = self.workers.outcome(self.began);
        let stops = self.servers.iter().flat_map(Servers::stops);
        outcome.stops.extend(stops);
        write_commits(&directory.join(COMMITS), &self.database.commits())?;
        let mut file = File::create(directory.join(OUTCOME))?;
        serde_json::to_writer_pretty(&mut file, &outcome)?;
        file.flush()?;
        Ok(outcome)
    }
}

impl Drop for Running {
    /// First the processes, which the database knows too, then what they are connected to.
    fn drop(&mut self) {
        self.workers.end();
    }
}
