//! World after world.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::guard::Guard;
use crate::options::{Options, Until};
use crate::oracle::{self, Verdict};
use crate::outcome::{self, Outcome};
use crate::world::{self, Settings, Span, World};

/// The sums over all worlds.
#[derive(Default)]
struct Total {
    worlds: u64,
    reads: u64,
    constrained: u64,
    invalidations: u64,
    commits: u64,
    faults: usize,
    kills: usize,
    violations: u64,
}

/// Lets worlds happen until it is enough, and says of each what it came to. Whether all were clean.
pub fn run(options: &Options) -> io::Result<bool> {
    let begin = Instant::now();
    let first = options.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let base = options.keep.clone();
    let base = base.unwrap_or_else(|| std::env::temp_dir().join("consistency-histories"));
    let mut total = Total::default();
    loop {
        let over = match options.until {
            Until::Elapsed(time) => total.worlds > 0 && begin.elapsed() >= time,
            Until::Worlds(worlds) => total.worlds >= worlds,
        };
        if over {
            break;
        }
        let seed = first.wrapping_add(total.worlds);
        one(seed, options, &base, &mut total)?;
    }
    println!("{}", total.line());
    Ok(total.violations == 0)
}

fn one(seed: u64, options: &Options, base: &Path, total: &mut Total) -> io::Result<()> {
    let world = World::plan(seed, &options.settings);
    let directory = empty(base, seed)?;
    let guard = match options.keep {
        Some(_) => None,
        None => Some(Guard::of_directory(&directory)?),
    };
    let outcome = world::run(&world, &directory, &mut |_| Ok(false))?;
    let verdict = oracle::judge(&outcome::history(&directory)?)?;
    let line = total.add(&world, &outcome, &verdict);
    println!("{line}");
    drop(guard);
    if verdict.is_clean() {
        if options.keep.is_none() {
            std::fs::remove_dir_all(&directory)?;
        }
    } else {
        println!("{verdict}");
        println!("the history is in {}", directory.display());
        println!(
            "again: consistency run --worlds 1 {}",
            again(seed, &options.settings)
        );
    }
    Ok(())
}

/// A new directory for the world of this seed.
fn empty(base: &Path, seed: u64) -> io::Result<PathBuf> {
    let process = std::process::id();
    let directory = base.join(format!("seed-{seed}-{process}"));
    std::fs::create_dir_all(base)?;
    std::fs::create_dir(&directory)?;
    Ok(directory)
}

/// The options that give the same world.
fn again(seed: u64, settings: &Settings) -> String {
    let names: Vec<_> = settings.kinds.iter().map(|kind| kind.name()).collect();
    let faults = match names.len() {
        0 => "none".to_owned(),
        count if count == crate::faults::Kind::ALL.len() => "all".to_owned(),
        _ => names.join(","),
    };
    let memory = if settings.store { "" } else { " --memory" };
    let span = match settings.span {
        Span::Brief => " --brief",
        Span::Usual => "",
        Span::Long => " --long",
    };
    format!(
        "--seed {seed} --processes {} --faults {faults}{memory}{span}",
        settings.processes
    )
}

/// Judges a history again. Whether it is clean.
pub fn judge(directory: &Path) -> io::Result<bool> {
    let verdict = oracle::judge(&outcome::history(directory)?)?;
    println!("{verdict}");
    Ok(verdict.is_clean())
}

impl Total {
    fn add(&mut self, world: &World, outcome: &Outcome, verdict: &Verdict) -> String {
        let faults: usize = world.rounds.iter().map(|round| round.faults.len()).sum();
        let invalidations = verdict
            .invalidations
            .iter()
            .chain(&verdict.sets)
            .sum::<u64>();
        let violations = verdict.accused.values().sum::<u64>();
        let seconds = (outcome.ended - outcome.began) / crate::clock::SECOND;
        self.worlds += 1;
        self.reads += verdict.reads();
        self.constrained += verdict.constrained;
        self.invalidations += invalidations;
        self.commits += verdict.commits;
        self.faults += faults;
        self.kills += outcome.kills();
        self.violations += violations;
        format!(
            "seed {}: {seconds} s, {faults} faults, {} kills, {} stops, {} reads ({} bound), {invalidations} invalidations, {} commits, {violations} violations",
            world.seed,
            outcome.kills(),
            outcome.stops.len(),
            verdict.reads(),
            verdict.constrained,
            verdict.commits,
        )
    }

    fn line(&self) -> String {
        let Self {
            worlds,
            reads,
            constrained,
            invalidations,
            commits,
            faults,
            kills,
            violations,
        } = self;
        format!(
            "{worlds} worlds, {faults} faults, {kills} kills, {reads} reads ({constrained} bound), {invalidations} invalidations, {commits} commits, {violations} violations"
        )
    }
}
