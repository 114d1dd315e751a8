//! What befalls a world, and when: a timeline that its seed decides.

mod kind;

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

pub use kind::{Kind, Victim};

/// Something that befalls somebody at a moment of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// After the round's beginning.
    pub at: Duration,
    /// Until it is healed. Zero for what is over at once.
    pub lasts: Duration,
    pub kind: Kind,
    /// Whose process or proxy it is; says nothing where it is Redis.
    pub place: u16,
    /// What else there is to choose: a policy, a command, a number.
    pub detail: u32,
}

/// A time of work, after which everything is healed and looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    pub length: Duration,
    /// In the order of their beginnings.
    pub faults: Vec<Fault>,
}

/// What can befall a world at all.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    pub kinds: &'a [Kind],
    /// Places that are connected through a proxy.
    pub proxied: &'a [bool],
    pub store: bool,
}

impl Round {
    /// A round of this length, with about two faults a second: in some rounds hardly one, in others several at once.
    pub fn plan(rng: &mut Rng, length: Duration, choice: Choice<'_>) -> Self {
        let possible: Vec<_> = choice
            .kinds
            .iter()
            .copied()
            .filter(|kind| match kind.victim() {
                Victim::Process => true,
                Victim::Redis => choice.store,
                Victim::Connection => choice.store && choice.proxied.contains(&true),
            })
            .collect();
        let mut faults = Vec::new();
        let count = length.as_secs_f64() * [0.5, 1.0, 2.0, 3.5][rng.usize(..4)];
        // One absence is enough for a round, of which it takes a good part.
        let mut absent = false;
        for _ in 0..count.ceil() as usize {
            let Some(kind) = draw(rng, &possible) else {
                break;
            };
            if kind == Kind::Away && std::mem::replace(&mut absent, true) {
                continue;
            }
            faults.push(Fault::plan(rng, length, kind, choice));
        }
        faults.sort_by_key(|fault| fault.at);
        Self { length, faults }
    }
}

impl Fault {
    fn plan(rng: &mut Rng, length: Duration, kind: Kind, choice: Choice<'_>) -> Self {
        let (shortest, longest) = kind.lasts(length);
        let lasts = shortest + longest.saturating_sub(shortest).mul_f64(rng.f64());
        // Something is to happen after it, too.
        let latest = length.mul_f64(0.95).saturating_sub(lasts);
        let places: Vec<_> = (0..choice.proxied.len())
            .filter(|place| kind.victim() != Victim::Connection || choice.proxied[*place])
            .collect();
        let place = rng.choice(places).unwrap_or_default();
        Self {
            at: whole(latest.mul_f64(rng.f64())),
            lasts: whole(lasts),
            kind,
            place: place as u16,
            detail: rng.u32(..),
        }
    }
}

/// In milliseconds, which are easier to read.
fn whole(span: Duration) -> Duration {
    Duration::from_millis(span.as_millis() as u64)
}

fn draw(rng: &mut Rng, kinds: &[Kind]) -> Option<Kind> {
    let total: u32 = kinds.iter().map(|kind| kind.weight()).sum();
    if total == 0 {
        return None;
    }
    let mut left = rng.u32(..total);
    kinds.iter().copied().find(|kind| {
        let here = left < kind.weight();
        left = left.saturating_sub(kind.weight());
        here
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LENGTH: Duration = Duration::from_secs(6);

    fn choice(kinds: &[Kind]) -> Choice<'_> {
        Choice {
            kinds,
            proxied: &[true, false, true, false],
            store: true,
        }
    }

    fn rounds(kinds: &[Kind]) -> impl Iterator<Item = Round> {
        (0..200).map(move |seed| Round::plan(&mut Rng::with_seed(seed), LENGTH, choice(kinds)))
    }

    #[test]
    fn one_seed_gives_one_timeline() {
        let [first, again] = [0, 0].map(|_| rounds(&Kind::ALL).collect::<Vec<_>>());
        assert_eq!(first, again);
        assert_ne!(first[0], first[1]);
    }

    #[test]
    fn every_kind_occurs() {
        let occurring: BTreeSet<_> = rounds(&Kind::ALL)
            .flat_map(|round| round.faults)
            .map(|fault| fault.kind)
            .collect();
        assert_eq!(occurring, BTreeSet::from(Kind::ALL));
    }

    #[test]
    fn only_what_was_chosen_occurs_and_only_where_it_can() {
        let chosen = [Kind::Cut, Kind::Kill];
        for round in rounds(&chosen) {
            for fault in round.faults {
                assert!(chosen.contains(&fault.kind));
                assert!(fault.kind == Kind::Kill || fault.place % 2 == 0);
            }
        }
        let alone = Choice {
            store: false,
            ..choice(&Kind::ALL)
        };
        let round = Round::plan(&mut Rng::with_seed(1), 10 * LENGTH, alone);
        assert!(!round.faults.is_empty());
        let victims = round.faults.iter().map(|fault| fault.kind.victim());
        assert!(victims.into_iter().all(|victim| victim == Victim::Process));
    }

    #[test]
    fn faults_begin_in_order_and_end_within_their_round() {
        for round in rounds(&Kind::ALL) {
            assert!(round.faults.is_sorted_by_key(|fault| fault.at));
            for fault in round.faults {
                assert!(fault.at + fault.lasts <= round.length, "{fault:?}");
            }
        }
    }

    #[test]
    fn faults_overlap() {
        let overlap = |round: &Round| {
            let pairs = round.faults.windows(2);
            pairs
                .filter(|pair| pair[1].at < pair[0].at + pair[0].lasts)
                .count()
        };
        assert!(
            rounds(&Kind::ALL)
                .map(|round| overlap(&round))
                .sum::<usize>()
                > 100
        );
    }
}
