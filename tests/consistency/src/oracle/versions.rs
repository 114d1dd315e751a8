//! Which version a register had when.

use std::collections::HashMap;

use super::history::Commit;
use crate::clock::Moment;
use crate::keys::Register;

/// What a register is at before anybody commits.
pub const FIRST: u64 = 1;

#[derive(Debug, Default)]
pub struct Versions(HashMap<Register, Line>);

/// The commits of one register.
#[derive(Debug, Default)]
struct Line {
    by_version: Vec<(u64, Moment)>,
    /// With the highest version so far.
    by_moment: Vec<(Moment, u64)>,
}

impl Versions {
    pub fn new(commits: &[Commit]) -> Self {
        let mut lines: HashMap<Register, Line> = HashMap::new();
        for commit in commits {
            let line = lines.entry(commit.register).or_default();
            line.by_version.push((commit.version, commit.at));
            line.by_moment.push((commit.at, commit.version));
        }
        for line in lines.values_mut() {
            line.by_version.sort_unstable();
            line.by_moment.sort_unstable();
            let mut highest = FIRST;
            for (_, version) in &mut line.by_moment {
                highest = highest.max(*version);
                *version = highest;
            }
        }
        Self(lines)
    }

    /// When `version` was committed, if it was; the first one always was.
    pub fn committed(&self, register: Register, version: u64) -> Option<Moment> {
        if version == FIRST {
            return Some(0);
        }
        let line = &self.0.get(&register)?.by_version;
        let place = line.binary_search_by_key(&version, |(version, _)| *version);
        place.ok().map(|place| line[place].1)
    }

    /// The newest version committed before `moment`.
    pub fn newest_before(&self, register: Register, moment: Moment) -> u64 {
        self.newest(register, |committed| committed < moment)
    }

    /// The newest version committed at `moment` or before.
    pub fn newest_by(&self, register: Register, moment: Moment) -> u64 {
        self.newest(register, |committed| committed <= moment)
    }

    fn newest(&self, register: Register, early: impl Fn(Moment) -> bool) -> u64 {
        let Some(line) = self.0.get(&register) else {
            return FIRST;
        };
        let count = line.by_moment.partition_point(|(moment, _)| early(*moment));
        count
            .checked_sub(1)
            .map_or(FIRST, |last| line.by_moment[last].1)
    }
}
