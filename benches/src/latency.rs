//! Comparisons of calls that wait for a server: what one caller waits, and what many get done.
//!
//! As in [`harness`](crate::harness), contenders take turns within a round, and ratios to the first of them are taken round by
//! round.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// The future of one call.
pub type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One way of doing the work: answers a key.
pub struct Remote {
    name: &'static str,
    call: fn(u64) -> Call,
}

impl Remote {
    /// A contender.
    #[must_use]
    pub fn new(name: &'static str, call: fn(u64) -> Call) -> Self {
        Self { name, call }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// How often every contender has its turn.
    pub rounds: usize,
    /// Calls of one caller in a turn.
    pub calls: usize,
}

impl Effort {
    /// Enough for figures that repeat; with `--quick` enough to see that everything runs.
    #[must_use]
    pub fn from_args() -> Self {
        if std::env::args().any(|argument| argument == "--quick") {
            let (rounds, calls) = (3, 200);
            Self { rounds, calls }
        } else {
            let (rounds, calls) = (21, 4_000);
            Self { rounds, calls }
        }
    }
}

/// Prints the median time of a call of one caller, and the median of its ratio to the first contender's.
///
/// # Panics
///
/// If there are no contenders or no rounds.
pub fn one_caller(runtime: &Runtime, effort: Effort, keys: &[u64], contenders: &[Remote]) {
    let times = interleave(effort.rounds, contenders, |contender| {
        let timed = async {
            let mut times = Vec::with_capacity(effort.calls);
            for &key in keys.iter().cycle().take(effort.calls) {
                let began = Instant::now();
                (contender.call)(key).await;
                times.push(began.elapsed());
            }
            times
        };
        let mut times = runtime.block_on(timed);
        times.sort_unstable();
        micros(times[times.len() / 2])
    });
    print("one caller, p50", "µs", contenders, &times);
}

/// Prints how many thousand calls a second `callers` tasks get answered, and the median of the ratio to the first contender's.
///
/// # Panics
///
/// If there are no contenders, rounds or callers.
pub fn many_callers(
    runtime: &Runtime,
    effort: Effort,
    callers: usize,
    keys: &[u64],
    contenders: &[Remote],
) {
    let each = (effort.calls * 8 / callers).max(1);
    let rates = interleave(effort.rounds, contenders, |contender| {
        let call = contender.call;
        let began = Instant::now();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..callers)
                .map(|caller| {
                    let keys: Vec<u64> = keys
                        .iter()
                        .cycle()
                        .skip(caller * 31)
                        .take(each)
                        .copied()
                        .collect();
                    tokio::spawn(async move {
                        for key in keys {
                            call(key).await;
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.expect("no contender panics");
            }
        });
        (callers * each) as f64 / began.elapsed().as_secs_f64() / 1_000.0
    });
    let title = format!("{callers} callers");
    print(&title, "k calls/s", contenders, &rates);
}

/// What `turn` measures for each contender, round by round.
fn interleave(
    rounds: usize,
    contenders: &[Remote],
    mut turn: impl FnMut(&Remote) -> f64,
) -> Vec<Vec<f64>> {
    let mut measured = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        for place in 0..contenders.len() {
            let which = (round + place) % contenders.len();
            measured[which].push(turn(&contenders[which]));
        }
    }
    measured
}

fn print(title: &str, unit: &str, contenders: &[Remote], measured: &[Vec<f64>]) {
    println!("{title:<44} {unit:>10} {:>8}", "ratio");
    for (contender, own) in contenders.iter().zip(measured) {
        let ratios = own.iter().zip(&measured[0]).map(|(own, floor)| own / floor);
        let (value, ratio) = (median(own.iter().copied()), median(ratios));
        println!("  {:<42} {value:>10.1} {ratio:>8.2}", contender.name);
    }
    println!();
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// The value in the middle.
///
/// # Panics
///
/// If there are no values.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_value_in_the_middle() {
        assert_eq!(median([9.0, 1.0, 5.0].into_iter()), 5.0);
    }
}
