//! What a cache may answer, and what it must.
//!
//! For each entry the model keeps every value that might still be answered. Where nothing has
//! gone wrong it knows which one *must* be: then a miss is a mistake, too. An invalidation that was
//! acknowledged takes values away from all processes; one that was not takes them from the process
//! that asked, and from the others once nothing is pending any more.

use std::collections::BTreeMap;

/// Which entry: the path of its nodes, the function's name included, and the arguments.
pub(crate) type Place = (String, String);

/// A process by its number.
pub(crate) type Process = usize;

#[derive(Debug, Default)]
struct Entry {
    candidates: Vec<Candidate>,
    /// The one that is there for certain, as long as it lives.
    certain: Option<u64>,
}

#[derive(Debug)]
struct Candidate {
    value: u64,
    /// In seconds; `None` where it is not known, or the time stands still.
    ends: Option<u64>,
    /// To whom it must not be given any more.
    denied: Vec<Process>,
}

impl Candidate {
    fn lives(&self, now: u64) -> bool {
        self.ends.is_none_or(|ends| ends > now)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) now: u64,
    /// Whether entries live by a time that is stepped; else none ends by itself.
    is_stepped: bool,
    entries: BTreeMap<Place, Entry>,
}

/// What an invalidation covers.
#[derive(Debug, Clone)]
pub(crate) enum Region {
    /// A node and all below.
    Node(String),
    /// What carries this tag.
    Tag(String),
    Everything,
}

impl Region {
    /// By the definition of a pattern: whatever has its segments in front of the first star. A
    /// function's version is no part of its name.
    pub(crate) fn of(pattern: &str) -> Self {
        let segments = pattern.split(':').take_while(|segment| *segment != "*");
        let node = segments.collect::<Vec<_>>().join(":");
        Self::Node(node.trim_end_matches(".v1").to_owned())
    }

    pub(crate) fn covers(&self, (path, arguments): &Place) -> bool {
        match self {
            Self::Everything => true,
            // Both functions carry the tag of their only argument that is not in their path.
            Self::Tag(tag) => !arguments.is_empty() && *tag == format!("number:{arguments}"),
            Self::Node(node) => {
                let below = path.strip_prefix(node.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            }
        }
    }
}

impl Model {
    pub(crate) fn new(is_stepped: bool) -> Self {
        Self {
            is_stepped,
            ..Self::default()
        }
    }

    /// What a process may be given.
    pub(crate) fn may(&self, place: &Place, process: Process) -> Vec<u64> {
        let entry = self.entries.get(place);
        let candidates = entry.into_iter().flat_map(|entry| &entry.candidates);
        let allowed = candidates.filter(|it| it.lives(self.now) && !it.denied.contains(&process));
        allowed.map(|candidate| candidate.value).collect()
    }

    /// What is there, if it is known.
    pub(crate) fn must(&self, place: &Place) -> Option<u64> {
        let entry = self.entries.get(place)?;
        let mut candidates = entry.candidates.iter();
        let certain = candidates.find(|it| Some(it.value) == entry.certain)?;
        let ends = certain.ends;
        let lives = ends.map_or(!self.is_stepped, |ends| ends > self.now);
        lives.then_some(certain.value)
    }

    /// How long what is there still lives, if that is known.
    pub(crate) fn time_left(&self, place: &Place) -> Option<u64> {
        let value = self.must(place)?;
        let candidates = &self.entries.get(place)?.candidates;
        let ends = candidates.iter().find(|it| it.value == value)?.ends?;
        Some(ends - self.now)
    }

    /// A value may be there from now on, beside others.
    pub(crate) fn may_hold(&mut self, place: &Place, value: u64, ends: Option<u64>) {
        let entry = self.entries.entry(place.clone()).or_default();
        entry.certain = None;
        entry.candidates.push(Candidate {
            value,
            ends,
            denied: Vec::new(),
        });
    }

    /// A value has been stored. `others` are values that may still be written late.
    pub(crate) fn holds(&mut self, place: &Place, value: u64, ends: Option<u64>, others: bool) {
        let entry = self.entries.entry(place.clone()).or_default();
        if !others {
            entry.candidates.clear();
        }
        entry.certain = Some(value);
        entry.candidates.push(Candidate {
            value,
            ends,
            denied: Vec::new(),
        });
    }

    /// A value was found where that says that no other is there.
    pub(crate) fn found(&mut self, place: &Place, value: u64, others: bool) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.certain = Some(value);
            entry.candidates.retain(|it| others || it.value == value);
        }
    }

    /// Nothing was found where that says that nothing is there.
    pub(crate) fn found_nothing(&mut self, place: &Place) {
        self.entries.remove(place);
    }

    /// What is there lives until another moment.
    pub(crate) fn ends(&mut self, place: &Place, ends: Option<u64>) {
        if let Some(entry) = self.entries.get_mut(place) {
            let known = entry.candidates.len() == 1;
            for candidate in &mut entry.candidates {
                candidate.ends = ends.filter(|_| known);
            }
        }
    }

    /// An invalidation was acknowledged.
    pub(crate) fn remove(&mut self, covered: impl Fn(&Place) -> bool) {
        self.entries.retain(|place, _| !covered(place));
    }

    /// An invalidation returned, and nobody knows whether the store has heard of it.
    pub(crate) fn deny(&mut self, covered: impl Fn(&Place) -> bool, process: Process) {
        for (place, entry) in &mut self.entries {
            if covered(place) {
                entry.certain = None;
                let candidates = entry.candidates.iter_mut();
                candidates.for_each(|candidate| candidate.denied.push(process));
            }
        }
    }

    /// All that a process has invalidated is acknowledged.
    pub(crate) fn acknowledged(&mut self, process: Process) {
        for entry in self.entries.values_mut() {
            entry.candidates.retain(|it| !it.denied.contains(&process));
        }
    }

    /// What is covered may have vanished.
    pub(crate) fn forget(&mut self, covered: impl Fn(&Place) -> bool) {
        let entries = self.entries.iter_mut();
        for (_, entry) in entries.filter(|(place, _)| covered(place)) {
            entry.certain = None;
        }
    }
}
