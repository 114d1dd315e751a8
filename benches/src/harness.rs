//! Comparisons inside one run.
//!
//! A round lets every contender do the whole workload once; rounds are repeated and begin with another contender each time, so
//! that a slow moment of the machine hits all of them alike. Reported are the median time of a call and the median of the
//! round-by-round ratios to the first contender, the floor.

use crate::allocations;
use crate::latency::median;
use crate::workload::zipf;
use std::hint::black_box;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Answers every key on the runtime.
type Run<'a> = dyn Fn(&Runtime, &[u64]) + 'a;

/// One way of doing the work.
pub struct Contender<'a> {
    name: &'a str,
    run: Box<Run<'a>>,
}

impl<'a> Contender<'a> {
    /// A contender that answers each key of the workload by `call(key, "eu")`.
    ///
    /// The loop is one future on the runtime, so that entering the runtime isn't part of a call; dropping the answer is.
    pub fn new<V, F>(name: &'a str, call: F) -> Self
    where
        F: AsyncFn(u64, &'static str) -> V + 'a,
    {
        let run = move |runtime: &Runtime, keys: &[u64]| {
            runtime.block_on(async {
                for &key in keys {
                    black_box(call(black_box(key), black_box("eu")).await);
                }
            });
        };
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// The work that all contenders of a comparison do.
#[derive(Debug)]
pub struct Comparison {
    runtime: Runtime,
    keys: u64,
    calls: Vec<u64>,
    rounds: usize,
}

impl Comparison {
    /// 31 rounds of 100,000 calls drawn from `keys` keys (see [`zipf`]), enough for figures that repeat within a few per cent;
    /// if the program was called with `--quick`, 3 rounds of 10,000, enough to see that everything runs.
    ///
    /// # Panics
    ///
    /// If `keys` is one of the numbers that [`zipf`] can't draw from, or if there is no runtime to be had.
    #[must_use]
    pub fn from_args(keys: u64) -> Self {
        let quick = std::env::args().any(|argument| argument == "--quick");
        let (rounds, calls) = if quick { (3, 10_000) } else { (31, 100_000) };
        Self::new(keys, zipf(keys, calls), rounds)
    }

    fn new(keys: u64, calls: Vec<u64>, rounds: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .expect("a runtime on the current thread needs nothing from the system");
        Self {
            runtime,
            keys,
            calls,
            rounds,
        }
    }

    /// Runs `contenders`, the first of which is the floor, and prints a table under `title`.
    ///
    /// # Panics
    ///
    /// If there are no contenders.
    pub fn run(&self, title: &str, contenders: &[Contender<'_>]) {
        let every_key: Vec<u64> = (0..self.keys).collect();
        for contender in contenders {
            (contender.run)(&self.runtime, &every_key);
        }
        let times = self.interleave(contenders);
        let per_call = |time: Duration| time.as_nanos() as f64 / self.calls.len() as f64;
        let rows: Vec<Row<'_>> = contenders
            .iter()
            .zip(&times)
            .map(|(contender, own)| Row {
                name: contender.name,
                nanoseconds: median(own.iter().map(|&time| per_call(time))),
                ratio: median(
                    own.iter()
                        .zip(&times[0])
                        .map(|(&time, &floor)| per_call(time) / per_call(floor)),
                ),
                allocations: self.allocations(contender),
            })
            .collect();
        print(title, &rows);
    }

    /// The times of each contender, one for each round.
    fn interleave(&self, contenders: &[Contender<'_>]) -> Vec<Vec<Duration>> {
        let mut times = vec![Vec::with_capacity(self.rounds); contenders.len()];
        for round in 0..self.rounds {
            for turn in 0..contenders.len() {
                let which = (round + turn) % contenders.len();
                let start = Instant::now();
                (contenders[which].run)(&self.runtime, &self.calls);
                times[which].push(start.elapsed());
            }
        }
        times
    }

    fn allocations(&self, contender: &Contender<'_>) -> f64 {
        let counted = allocations::during(|| (contender.run)(&self.runtime, &self.calls));
        counted as f64 / self.calls.len() as f64
    }
}

/// What was measured for one contender.
struct Row<'a> {
    name: &'a str,
    nanoseconds: f64,
    ratio: f64,
    allocations: f64,
}

fn print(title: &str, rows: &[Row<'_>]) {
    let floor = rows[0].allocations;
    println!(
        "{title:<44} {:>8} {:>8} {:>12} {:>12}",
        "ns/hit", "ratio", "allocations", "beyond value"
    );
    for row in rows {
        println!(
            "  {:<42} {:>8.1} {:>8.2} {:>12.2} {:>12.2}",
            row.name,
            row.nanoseconds,
            row.ratio,
            row.allocations,
            row.allocations - floor,
        );
    }
    println!();
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Contender};
    use std::cell::RefCell;

    #[test]
    fn contenders_take_turns_and_each_round_begins_with_another() {
        let calls = RefCell::new(Vec::new());
        let first = Contender::new("first", async |key, _| calls.borrow_mut().push(key));
        let second = Contender::new("second", async |key, _| calls.borrow_mut().push(key + 10));
        let times = Comparison::new(9, vec![1, 2], 2).interleave(&[first, second]);
        assert_eq!(*calls.borrow(), [1, 2, 11, 12, 11, 12, 1, 2]);
        assert_eq!(times.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn every_key_is_warm_before_a_contender_is_timed() {
        let calls = RefCell::new(Vec::new());
        let only = Contender::new("only", async |key, region| {
            assert_eq!(region, "eu");
            calls.borrow_mut().push(key);
        });
        Comparison::new(3, vec![7], 2).run("one contender", &[only]);
        assert_eq!(
            *calls.borrow(),
            [0, 1, 2, 7, 7, 7],
            "the keys, two rounds, and one to count allocations"
        );
    }
}
