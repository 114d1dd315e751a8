//! What the driver knows of a world that no worker does, and where all of it is.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::{self, Moment};
use crate::database::read_commits;
use crate::oracle::{Absence, Commit, Facts, Hang, History, Notes, Who, Worker};
use crate::world::World;

/// Written beside the histories as `outcome.json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub began: Moment,
    pub ended: Moment,
    pub lives: Vec<Life>,
    pub stops: Vec<Stop>,
    pub troubles: Vec<Trouble>,
}

/// One process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Life {
    pub worker: u16,
    /// Which of the places that processes take one after another.
    pub place: u16,
    pub from: Moment,
    /// None if it lived until the world ended.
    pub killed: Option<Moment>,
}

/// Somebody was stopped.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Stop {
    /// None is Redis.
    pub worker: Option<u16>,
    pub from: Moment,
    pub to: Moment,
}

/// A process that did not answer while the driver had patience, or that ended without being killed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trouble {
    pub worker: u16,
    pub at: Moment,
    pub what: String,
}

impl Outcome {
    pub fn kills(&self) -> usize {
        self.lives
            .iter()
            .filter(|life| life.killed.is_some())
            .count()
    }
}

pub const PLAN: &str = "world.json";
pub const OUTCOME: &str = "outcome.json";
pub const COMMITS: &str = "commits.bin";
pub const LOG: &str = "faults.log";

/// The file of a worker's history.
pub fn journal(worker: u16) -> String {
    format!("worker-{worker}.bin")
}

/// Everything in a world's directory.
pub fn history(directory: &Path) -> io::Result<History> {
    let world: World = serde_json::from_reader(File::open(directory.join(PLAN))?)?;
    let outcome: Outcome = serde_json::from_reader(File::open(directory.join(OUTCOME))?)?;
    let commits = read_commits(&directory.join(COMMITS))?;
    let commits = commits.into_iter().map(|commit| Commit {
        register: commit.register,
        version: commit.version,
        at: commit.at,
    });
    let workers = outcome.lives.iter().map(|life| Worker {
        number: life.worker,
        notes: Notes::File(directory.join(journal(life.worker))),
    });
    // Who was killed before it opened its journal has none.
    let workers = workers.filter(|worker| match &worker.notes {
        Notes::File(path) => path.exists(),
        #[cfg(test)]
        Notes::Held(_) => true,
    });
    Ok(History {
        workers: workers.collect(),
        commits: commits.collect(),
        facts: facts(&world, &outcome, read_log(directory)?),
    })
}

fn facts(world: &World, outcome: &Outcome, log: Vec<(Moment, String)>) -> Facts {
    let nanoseconds = |span: std::time::Duration| span.as_nanos() as Moment;
    let absences = outcome.stops.iter().map(|stop| Absence {
        who: stop.worker.map_or(Who::Redis, Who::Worker),
        start: stop.from,
        end: stop.to,
    });
    let hangs = outcome.troubles.iter().map(|trouble| Hang {
        worker: trouble.worker,
        moment: trouble.at,
        what: trouble.what.clone(),
    });
    Facts {
        began: outcome.began,
        store: world.store,
        calm: world.is_calm(),
        settle: nanoseconds(world.cache.settle),
        patience: nanoseconds(world.cache.patience),
        store_timeout: nanoseconds(world.cache.store_timeout),
        load_delay: nanoseconds(world.workload.load_delay),
        commit_delay: nanoseconds(world.workload.commit_delay),
        absences: absences.collect(),
        hangs: hangs.collect(),
        log,
    }
}

/// What was done to a world, and when.
pub struct Log(Mutex<File>);

impl Log {
    pub fn create(directory: &Path) -> io::Result<Self> {
        File::create(directory.join(LOG)).map(|file| Self(Mutex::new(file)))
    }

    /// Notes it with this moment.
    pub fn note(&self, what: &str) {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = what.replace('\n', " | ");
        writeln!(file, "{} {line}", clock::now()).expect("a log can be written");
    }
}

fn read_log(directory: &Path) -> io::Result<Vec<(Moment, String)>> {
    let log = std::fs::read_to_string(directory.join(LOG))?;
    let lines = log.lines().filter_map(|line| {
        let (moment, what) = line.split_once(' ')?;
        Some((moment.parse().ok()?, what.to_owned()))
    });
    Ok(lines.collect())
}
