//! Shows that the oracle would notice: each rule is broken on purpose, in a world where that matters, until somebody is accused.
//!
//! `consistency mutants [--seed SEED] [NAME…]`, in a build with `--cfg mutants` alone.

mod arena;
mod process;
mod scenes;
mod table;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use std::{env, io, thread};

use table::{CHASES, Chase, LEFT_OUT, World};

use crate::oracle::Verdict;

/// How long a mutant is chased before it counts as not caught.
const LIMIT: Duration = Duration::from_secs(90);

/// So many worlds exist at once.
const AT_ONCE: usize = 2;

/// What chasing a mutant came to.
struct Hunt {
    /// The verdict that accused somebody.
    caught: Option<Verdict>,
    rounds: u32,
    reads: u64,
    took: Duration,
}

/// Chases those that are named, or all, and then lets the same worlds be without any. Answers whether every one was caught and nobody
/// else accused.
pub fn run(arguments: &[String]) -> io::Result<bool> {
    if !cfg!(mutants) {
        return Err(io::Error::other(
            "no rule can be broken in this build: it needs RUSTFLAGS=\"--cfg mutants\"",
        ));
    }
    let (seed, names) = parse(arguments)?;
    let named = |chase: &&Chase| names.is_empty() || names.iter().any(|name| name == chase.mutant);
    let chases: Vec<&Chase> = CHASES.iter().filter(named).collect();
    if let Some(unknown) = names
        .iter()
        .find(|name| chases.iter().all(|chase| chase.mutant != *name))
    {
        return Err(io::Error::other(format!("no mutant is named {unknown}")));
    }
    let mut worlds: Vec<World> = chases.iter().map(|chase| chase.world).collect();
    worlds.sort_unstable();
    worlds.dedup();
    println!("seed {seed}");
    let began = Instant::now();
    let clean = AtomicBool::new(true);
    each(&chases, |chase| {
        let hunt = hunt(chase, seed)?;
        println!("{}", line(chase, &hunt));
        clean.fetch_and(hunt.caught.is_some(), SeqCst);
        Ok(())
    })?;
    each(&worlds, |world| {
        let verdict = arena::run(*world, None, seed)?;
        let is_clean = verdict.is_clean();
        let reads = verdict.reads();
        let accused = if is_clean {
            "nobody accused"
        } else {
            "ACCUSED"
        };
        println!(
            "{:<28} {accused} in {reads} reads",
            format!("(none, {world:?})")
        );
        if !is_clean {
            println!("{verdict}");
        }
        clean.fetch_and(is_clean, SeqCst);
        Ok(())
    })?;
    for (mutant, why) in LEFT_OUT.iter().filter(|_| names.is_empty()) {
        println!("{mutant:<28} left to others: {why}");
    }
    for mutant in without_a_place() {
        println!("{mutant:<28} has no place in the table");
        clean.store(false, SeqCst);
    }
    println!("{} mutants, {} s", chases.len(), began.elapsed().as_secs());
    Ok(clean.into_inner())
}

/// The mutants of this build that are neither chased nor left out.
fn without_a_place() -> Vec<String> {
    let mut names = Vec::new();
    #[cfg(mutants)]
    for mutant in cache_core::mutants::Mutant::ALL {
        names.push(mutant.name());
    }
    names.retain(|name| {
        CHASES.iter().all(|chase| chase.mutant != name)
            && LEFT_OUT.iter().all(|(mutant, _)| mutant != name)
    });
    names
}

fn parse(arguments: &[String]) -> io::Result<(u64, Vec<String>)> {
    let (mut seed, mut names) = (1, Vec::new());
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seed" {
            let given = arguments.next().and_then(|seed| seed.parse().ok());
            seed = given.ok_or_else(|| io::Error::other("--seed needs a number"))?;
        } else {
            names.push(argument.clone());
        }
    }
    Ok((seed, names))
}

/// Does `work` with each item, a few at a time.
fn each<T: Sync>(items: &[T], work: impl Fn(&T) -> io::Result<()> + Sync) -> io::Result<()> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, SeqCst)) {
                    if let Err(error) = work(item) {
                        *failed.lock().expect("nobody panics with it") = Some(error);
                    }
                }
            });
        }
    });
    failed
        .into_inner()
        .expect("nobody panics with it")
        .map_or(Ok(()), Err)
}

fn hunt(chase: &Chase, seed: u64) -> io::Result<Hunt> {
    let began = Instant::now();
    let mut hunt = Hunt {
        caught: None,
        rounds: 0,
        reads: 0,
        took: Duration::ZERO,
    };
    while hunt.caught.is_none() && began.elapsed() < LIMIT {
        let verdict = arena::run(
            chase.world,
            Some(chase.mutant),
            seed + u64::from(hunt.rounds),
        )?;
        hunt.rounds += 1;
        hunt.reads += verdict.reads();
        if !verdict.is_clean() {
            hunt.caught = Some(verdict);
        } else if env::var_os("CONSISTENCY_VERBOSE").is_some() {
            println!("{} {verdict}", chase.mutant);
        }
    }
    hunt.took = began.elapsed();
    Ok(hunt)
}

fn line(chase: &Chase, hunt: &Hunt) -> String {
    let Hunt {
        caught,
        rounds,
        reads,
        took,
    } = hunt;
    let verdict = match caught {
        Some(verdict) => {
            let rules = verdict.accused.iter();
            let rules = rules.map(|(rule, count)| format!("{} ×{count}", rule.name()));
            format!("caught: {}", rules.collect::<Vec<_>>().join(", "))
        }
        None => "NOT CAUGHT".to_owned(),
    };
    let (mutant, breaks, seconds) = (chase.mutant, chase.breaks, took.as_secs_f64());
    format!(
        "{mutant:<28} {verdict}; {reads} reads, round {rounds}, {seconds:.1} s\n{:<28} ({breaks})",
        ""
    )
}
