//! Enums whose tag is one of their fields (`#[serde(tag = "…")]`), and what they hold.
//!
//! serde reads such an enum into a buffer, finds the tag, and reads the variant from the buffer: no
//! part of it ever asks us. So values are put together and tried, and the errors tell what to put
//! in next. Two properties of serde's derive make all fields visible, optional ones included: a
//! field is known by its number, too, and one that is given twice is an error that names it, if it
//! was accepted the first time.

use super::anything::{Verdict, scalars};
use super::fault::Fault;
use super::focus::{Sight, Step};
use super::gap::Reason;
use super::likeness::Likeness;
use super::sample::{Sample, TEXTS};

pub(super) const MOST_FIELDS: u64 = 256;
const DEEPEST: usize = 16;
const LONGEST_TUPLE: usize = 32;

impl Sight<'_, '_> {
    /// Describes the whole value. A value of a recursive type needs one of itself, which is known
    /// the second time.
    pub(super) fn survey(&mut self) -> Option<Sample> {
        let accepted = self.look();
        if !self.is_incomplete {
            return accepted;
        }
        self.told.clear();
        self.is_incomplete = false;
        let accepted = self.look();
        if self.is_incomplete {
            self.gap(Reason::Rejects);
        }
        accepted
    }

    /// Describes what is at the focus, and gives a value of it if there is one that can be found.
    fn look(&mut self) -> Option<Sample> {
        let depth = self.focus.len();
        if self.exploration.is_exhausted() {
            self.gap(Reason::TooLarge);
            return None;
        }
        if depth > DEEPEST {
            self.gap(Reason::TooDeep);
            return None;
        }
        let mut accepted = None;
        self.tell(format_args!("value {depth}"));
        let (expected, is_untagged) = self.scalars(&mut accepted);
        if is_untagged {
            self.gap(Reason::Untagged);
            return accepted;
        }
        let Some(type_name) = expected.filter(|expected| is_a_types(expected)) else {
            self.compounds("", &mut accepted);
            return accepted;
        };
        self.inside(type_name, accepted, |sight, type_name, accepted| {
            sight.compounds(type_name, accepted);
        })
    }

    /// Looks into a type, unless that is what is being done further outside.
    fn inside(
        &mut self,
        mut type_name: String,
        mut accepted: Option<Sample>,
        look: impl FnOnce(&mut Self, &str, &mut Option<Sample>),
    ) -> Option<Sample> {
        match self.likeness(&type_name) {
            Likeness::New => self.enter(&type_name),
            Likeness::Again => {
                self.tell("again");
                let known = self.known.get(&type_name).cloned();
                let accepted = accepted.or(known);
                self.is_incomplete |= accepted.is_none();
                return accepted;
            }
            Likeness::Other => {
                self.tell("another of that name");
                self.enter(&type_name);
                // Its values are none of the one around it.
                type_name = format!("{type_name} in {}", self.around.len());
            }
            Likeness::TooDeep => {
                self.gap(Reason::TooDeep);
                return accepted;
            }
        }
        look(self, &type_name, &mut accepted);
        self.around.pop();
        if let Some(sample) = &accepted {
            self.known.insert(type_name, sample.clone());
        }
        accepted
    }

    /// Tries what is neither a text nor has parts. Gives what was expected instead, and whether one
    /// thing after another was.
    fn scalars(&mut self, accepted: &mut Option<Sample>) -> (Option<String>, bool) {
        let mut expected = None;
        let mut is_untagged = false;
        for sample in scalars().into_iter().take_while(|sample| !is_text(sample)) {
            let is_plain = matches!(sample, Sample::Unit | Sample::Bool(_) | Sample::F64(_));
            let verdict = self.attempt(sample.clone());
            match &verdict {
                Err(Fault::Type(_, text)) => {
                    expected.get_or_insert_with(|| text.clone());
                }
                // serde's derive has no other words when nothing fits.
                Err(Fault::Custom) if is_plain => is_untagged = true,
                _ => {}
            }
            self.judge(sample, verdict, accepted);
        }
        (expected, is_untagged)
    }

    fn compounds(&mut self, type_name: &str, accepted: &mut Option<Sample>) {
        let was_incomplete = self.is_incomplete;
        if self.takes_anything(accepted) {
            return self.tell("takes anything");
        }
        if self.text(accepted) {
            return;
        }
        if !has_fields(type_name) {
            self.sequence(accepted);
        }
        self.map(type_name, accepted);
        if accepted.is_none() && was_incomplete == self.is_incomplete {
            self.gap(Reason::Rejects);
        }
    }

    /// What takes everything describes itself: there is no end to it, and no shape.
    fn takes_anything(&mut self, accepted: &Option<Sample>) -> bool {
        let samples = [
            Sample::Unit,
            Sample::Bool(true),
            Sample::F64(0.5),
            Sample::Str("?"),
            Sample::Seq(vec![Sample::Bool(true)]),
            Sample::Map(vec![(Sample::Str("?"), Sample::Bool(true))]),
        ];
        accepted.is_some()
            && samples.into_iter().all(|sample| {
                let verdict = self.attempt(sample);
                self.accepts(&verdict)
            })
    }

    /// Notes whether a sample was accepted, or why not.
    fn judge(&mut self, sample: Sample, verdict: Verdict, accepted: &mut Option<Sample>) -> bool {
        if self.accepts(&verdict) {
            self.tell(format_args!("takes {sample}"));
            accepted.get_or_insert(sample);
            return true;
        }
        if let Err(fault) = verdict {
            self.tell(fault);
        }
        false
    }

    /// Tries texts; true if it is an enum of which that has told all.
    fn text(&mut self, accepted: &mut Option<Sample>) -> bool {
        for text in TEXTS {
            let verdict = self.attempt(Sample::Str(text));
            match verdict {
                Err(Fault::Variants(names)) => {
                    self.variants(names, accepted);
                    return true;
                }
                Err(fault @ Fault::Type(..)) if !self.accepts(&Err(fault.clone())) => {
                    self.tell(fault);
                    return false;
                }
                verdict if self.accepts(&verdict) => {
                    self.judge(Sample::Str(text), verdict, accepted);
                    return false;
                }
                _ => {}
            }
        }
        self.tell("no text");
        false
    }

    /// The variants of an enum that is not tagged by a field.
    fn variants(&mut self, names: &'static [&'static str], accepted: &mut Option<Sample>) {
        // serde expects a string or a map, and tells no name.
        let type_name = format!("enum of {}", names.join("\0"));
        *accepted = self.inside(type_name, accepted.take(), |sight, type_name, accepted| {
            for name in names {
                sight.variant(name, accepted);
                sight.know(type_name, accepted);
            }
        });
    }

    fn variant(&mut self, name: &'static str, accepted: &mut Option<Sample>) {
        self.tell(format_args!("variant {name}"));
        let verdict = self.attempt(Sample::Str(name));
        if self.judge(Sample::Str(name), verdict, accepted) {
            return;
        }
        let content = self.at(Step::Entry(Vec::new(), name), Self::look);
        let whole = content.map(|content| Sample::Map(vec![(Sample::Str(name), content)]));
        if let Some(whole) = whole {
            accepted.get_or_insert(whole);
        }
    }

    fn know(&mut self, type_name: &str, accepted: &Option<Sample>) {
        if let Some(sample) = accepted.clone().filter(|_| !type_name.is_empty()) {
            self.known.entry(type_name.to_owned()).or_insert(sample);
        }
    }

    fn sequence(&mut self, accepted: &mut Option<Sample>) {
        let empty = self.attempt(Sample::Seq(Vec::new()));
        if matches!(&empty, Err(fault) if fault.is_type("sequence")) {
            return;
        }
        let is_list = self.judge(Sample::Seq(Vec::new()), empty.clone(), accepted);
        let mut elements = Vec::new();
        for at in 0..LONGEST_TUPLE {
            self.tell(format_args!("element {at}"));
            let step = Step::Element(elements.clone(), empty.clone());
            let Some(element) = self.at(step, Self::look) else {
                return;
            };
            elements.push(element);
            let verdict = self.attempt(Sample::Seq(elements.clone()));
            if is_list || self.judge(Sample::Seq(elements.clone()), verdict, accepted) {
                return;
            }
        }
        self.gap(Reason::TooLarge);
    }

    fn map(&mut self, type_name: &str, accepted: &mut Option<Sample>) {
        let empty = self.attempt(Sample::Map(Vec::new()));
        if matches!(&empty, Err(fault) if fault.is_type("map")) {
            return;
        }
        if let Err(Fault::Missing(tag)) = empty {
            let unknown = vec![(Sample::Str(tag), Sample::Str("?"))];
            if let Err(Fault::Variants(names)) = self.attempt(Sample::Map(unknown)) {
                self.tell(format_args!("tag {tag}"));
                for name in names {
                    self.tell(format_args!("variant {name}"));
                    let tag = vec![(Sample::Str(tag), Sample::Str(name))];
                    if let Some(whole) = self.fields(tag) {
                        accepted.get_or_insert(whole);
                        self.know(type_name, accepted);
                    }
                }
                return;
            }
            if type_name.starts_with("internally ") {
                self.gap(Reason::OpenTag);
            }
        }
        if let Some(whole) = self.fields(Vec::new()) {
            accepted.get_or_insert(whole);
        }
    }

    /// All fields beside some that are given, by their numbers.
    fn fields(&mut self, beside: Vec<(Sample, Sample)>) -> Option<Sample> {
        let base = self.attempt(Sample::Map(beside.clone()));
        if let Err(fault @ (Fault::Missing(_) | Fault::Fields(_))) = &base {
            self.tell(fault);
        }
        let mut whole = Some(beside.clone());
        for number in 0..MOST_FIELDS {
            let key = Sample::U64(number);
            let step = Step::Field(beside.clone(), key.clone());
            let (one, other) = self.at(step, |sight| {
                let one = sight.attempt(Sample::Unit);
                (one, sight.attempt(Sample::Str("?")))
            });
            if is_given(&one, &beside) && is_given(&other, &beside) {
                continue;
            }
            if one == other && is_no_field(&one, &base) {
                return match number {
                    0 => self.without_numbers(beside, &base, &one),
                    _ => self.complete(whole?),
                };
            }
            self.tell(format_args!("field {number}"));
            let field = self.field(beside.clone(), key.clone());
            whole = whole.zip(field).map(|(mut whole, field)| {
                whole.push((key, field));
                whole
            });
        }
        self.gap(Reason::TooLarge);
        None
    }

    /// One field: what it is, its name, and a value of it.
    fn field(&mut self, beside: Vec<(Sample, Sample)>, key: Sample) -> Option<Sample> {
        self.at(Step::Field(beside, key), |sight| {
            let field = sight.look()?;
            if let Err(Fault::Duplicate(name)) = sight.attempt(field.clone()) {
                sight.tell(format_args!("named {name}"));
            }
            Some(field)
        })
    }

    /// Fields that are known by their names alone: those that an error lists, or asks for.
    fn named(&mut self, beside: Vec<(Sample, Sample)>) -> Option<Sample> {
        let mut whole = beside;
        let mut unknown = whole.clone();
        unknown.push((Sample::Str("?"), Sample::Unit));
        if let Err(Fault::Fields(names)) = self.attempt(Sample::Map(unknown)) {
            for name in names {
                self.tell(format_args!("field {name}"));
                let field = self.field(whole.clone(), Sample::Str(name))?;
                whole.push((Sample::Str(name), field));
            }
            return self.complete(whole);
        }
        self.gap(Reason::Flatten);
        for _ in 0..MOST_FIELDS {
            let Err(Fault::Missing(name)) = self.attempt(Sample::Map(whole.clone())) else {
                break;
            };
            let key = Sample::Str(name);
            if whole.iter().any(|(known, _)| *known == key) {
                break;
            }
            self.tell(format_args!("field {name}"));
            let field = self.field(whole.clone(), key.clone())?;
            whole.push((key, field));
        }
        self.complete(whole)
    }

    fn complete(&mut self, fields: Vec<(Sample, Sample)>) -> Option<Sample> {
        let whole = Sample::Map(fields);
        let verdict = self.attempt(whole.clone());
        self.accepts(&verdict).then_some(whole)
    }

    /// What has no field of number 0: nothing at all, a map, or fields that are known by their
    /// names alone.
    fn without_numbers(
        &mut self,
        beside: Vec<(Sample, Sample)>,
        base: &Verdict,
        verdict: &Verdict,
    ) -> Option<Sample> {
        if !self.accepts(base) {
            return self.named(beside);
        }
        let whole = Sample::Map(beside.clone());
        if verdict != base {
            // The keys of a map are no numbers, or its values are not what was tried.
            if let Err(fault) = verdict {
                self.tell(fault);
            }
            self.at(Step::Entry(beside, "1"), Self::look);
        } else if let Some((_, tag)) = beside.first() {
            // Nothing can be read as an empty sequence, and flattened fields can't.
            let listed = self.attempt(Sample::Seq(vec![tag.clone()]));
            if !self.accepts(&listed) {
                self.gap(Reason::Flatten);
            }
        }
        Some(whole)
    }
}

/// Whether a verdict says that a field is there twice which is given beside.
fn is_given(verdict: &Verdict, beside: &[(Sample, Sample)]) -> bool {
    match verdict {
        Err(Fault::Duplicate(name)) => beside.iter().any(|(key, _)| *key == Sample::Str(name)),
        _ => false,
    }
}

/// Whether a verdict, which is the same whatever is given, says that there is no field: it is
/// ignored, or its number is refused. (A field is accepted, or refuses in its own words.)
fn is_no_field(verdict: &Verdict, base: &Verdict) -> bool {
    match verdict {
        Err(Fault::Duplicate(_)) => false,
        Err(Fault::Custom) => verdict == base,
        _ => true,
    }
}

fn is_text(sample: &Sample) -> bool {
    matches!(sample, Sample::Str(_))
}

/// Whether what serde expects is told by the name of a type.
fn is_a_types(expected: &str) -> bool {
    let kinds = ["struct ", "tuple struct ", "enum "];
    has_fields(expected) || kinds.iter().any(|kind| expected.starts_with(kind))
}

/// Whether a type has fields: it may be read as a sequence then, too.
fn has_fields(expected: &str) -> bool {
    let kinds = [
        "struct ",
        "internally tagged enum ",
        "adjacently tagged enum ",
    ];
    kinds.iter().any(|kind| expected.starts_with(kind))
}
