//! Types that take whatever there is: they ask for nothing, so they are tried.

use std::any::TypeId;

use super::exploration::{Exploration, Passed};
use super::fault::{Fault, heard};
use super::focus::Sight;
use super::gap::Reason;
use super::sample::{Sample, TEXTS};
use super::shape::{Kind, NodeId};
use super::survey::Route;

pub(super) type Verdict = Result<(), Fault>;

/// What a value that is looked for nothing in comes to.
const UNREACHED: Verdict = Err(Fault::Stuck);

impl Exploration<'_> {
    /// Tries a sample in the place of a value.
    pub(super) fn try_sample(&mut self, node: NodeId, path: &[usize], sample: Sample) -> Verdict {
        if self.is_exhausted() {
            return UNREACHED;
        }
        let attempt = 0;
        let path = path.to_vec();
        match self.pass(Route {
            path,
            sample: Some(sample),
            attempt,
        }) {
            Passed::Ended(verdict) => verdict.unwrap_or(UNREACHED),
            Passed::Broken(reason) => {
                self.gap(node, reason);
                UNREACHED
            }
        }
    }

    /// Looks at what takes anything: an enum whose tag is one of the fields, what buffers its
    /// content to look at it later, or what describes itself.
    pub(super) fn anything(&mut self, node: NodeId, path: &[usize]) {
        let buffers = [
            Sample::Unit,
            Sample::Bool(true),
            Sample::U64(1),
            Sample::Bytes(b""),
        ]
        .into_iter()
        .all(|sample| {
            let _ = self.try_sample(node, path, sample);
            self.survey.was_visited()
        });
        if buffers {
            return self.buffered(node, path);
        }
        let empty = self.try_sample(node, path, Sample::Map(Vec::new()));
        if let Err(Fault::Missing(tag)) = empty {
            let unknown = Sample::Map(vec![(Sample::Str(tag), Sample::Str("?"))]);
            if let Err(Fault::Variants(_)) = self.try_sample(node, path, unknown) {
                return self.tagged(node, path);
            }
        }
        self.survey.with_shape(|shape| shape.make_known(node));
        self.self_describing(node, path, &empty);
    }

    /// serde's derive tries one variant after another behind our back, and drops what they say. It
    /// is heard all the same, which finds many changes and not all.
    fn buffered(&mut self, node: NodeId, path: &[usize]) {
        if self.survey.with_shape(|shape| shape.make_contents(node)) {
            return self.parts(node, path);
        }
        let mut told = Vec::new();
        let mut accepted = None;
        let mut names = Vec::new();
        let texts = ["", "1"].map(Sample::Str);
        let scalars = scalars()
            .into_iter()
            .filter(|sample| !matches!(sample, Sample::Str(_)));
        for sample in scalars.chain(texts).chain([
            Sample::Seq(Vec::new()),
            Sample::Seq(vec![Sample::Unit]),
            Sample::Map(Vec::new()),
        ]) {
            let verdict = self.try_sample(node, path, sample.clone());
            let said = heard();
            names.extend(said.iter().filter_map(|fault| match fault {
                Fault::Missing(name) => Some(*name),
                _ => None,
            }));
            told.extend(said.iter().map(Fault::to_string));
            told.push(verdict.is_ok().to_string());
            if verdict.is_ok() {
                accepted.get_or_insert(sample);
            }
        }
        for name in names {
            let fields = vec![(Sample::Str(name), Sample::Unit)];
            let _ = self.try_sample(node, path, Sample::Map(fields));
            told.extend(heard().iter().map(Fault::to_string));
        }
        self.survey.with_shape(|shape| {
            // The fields of a map of which it is known that they are not all known.
            let parent = shape.nodes[node].parent;
            let fields = parent.and_then(|(parent, _)| shape.nodes[parent].fields.as_ref());
            let is_rest = |at| fields.is_some_and(|fields| at == 0 || !fields.is_numbered);
            if !parent.is_some_and(|(_, at)| is_rest(at)) {
                shape.gap(node, Reason::Untagged);
            }
            shape.nodes[node].is_buffer = true;
            shape.nodes[node].told = told;
            shape.accept(node, accepted);
        });
    }

    fn tagged(&mut self, node: NodeId, path: &[usize]) {
        let mut sight = Sight::new(self, node, path);
        let accepted = sight.survey();
        let told = sight.into_told();
        self.survey.with_shape(|shape| {
            shape.nodes[node].told = told;
            shape.accept(node, accepted);
        });
    }

    /// Takes scalars, which are tried, sequences and maps, which are read from a probe again.
    fn self_describing(&mut self, node: NodeId, path: &[usize], empty: &Verdict) {
        let mut told = Vec::new();
        let mut accepted = None;
        let mut has_text = false;
        for sample in scalars() {
            let is_text = matches!(sample, Sample::Str(_));
            if is_text && has_text {
                continue;
            }
            let verdict = self.try_sample(node, path, sample.clone());
            has_text |= is_text && verdict.is_ok();
            if verdict.is_ok() {
                told.push(sample.to_string());
                accepted.get_or_insert(sample);
            }
        }
        let list = self.try_sample(node, path, Sample::Seq(Vec::new()));
        for (verdict, given, sample, kind) in [
            (&list, "sequence", Sample::Seq(Vec::new()), Kind::Seq),
            (empty, "map", Sample::Map(Vec::new()), Kind::Map),
        ] {
            // A tag is missing from a sequence, too, and told by the map.
            let is_told = kind == Kind::Seq && matches!(verdict, Err(Fault::Missing(_)));
            if is_told || matches!(verdict, Err(fault) if fault.is_type(given)) {
                continue;
            }
            if verdict.is_ok() {
                accepted.get_or_insert(sample);
            }
            let (part, at) = self.survey.with_shape(|shape| {
                let part = shape.add_child(node);
                shape.record(part, kind, TypeId::of::<()>());
                if let Err(Fault::Missing(name)) = verdict {
                    shape.nodes[part].told = vec![format!("missing {name}")];
                }
                (part, shape.nodes[node].children.len() - 1)
            });
            let path = [path, &[at]].concat();
            self.parts(part, &path);
        }
        self.survey.with_shape(|shape| {
            let is_empty = accepted.is_none() && shape.nodes[node].children.is_empty();
            if is_empty {
                shape.gap(node, Reason::Rejects);
            }
            shape.nodes[node].told = told;
            shape.accept(node, accepted);
        });
    }
}

/// What a self-describing format may hold but for sequences and maps; texts at the end.
pub(super) fn scalars() -> Vec<Sample> {
    let mut samples = vec![
        Sample::Unit,
        Sample::Bool(true),
        Sample::U64(1),
        Sample::I64(-1),
        Sample::F64(0.5),
    ];
    samples.extend(TEXTS.iter().copied().map(Sample::Str));
    samples
}
