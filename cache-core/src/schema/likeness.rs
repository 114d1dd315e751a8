//! Whether a type that is met inside one of the same name is that one. Through a buffer a type is
//! known by its name alone, which `Page<Page<u8>>` and `Page<u8>` share.

use super::fault::Fault;
use super::focus::{Sight, Step};
use super::sample::Sample;
use super::tagged::MOST_FIELDS;

/// So many types of one name are looked at inside each other.
const MOST_OF_A_NAME: usize = 4;

/// A type that is being looked at.
pub(super) struct Around {
    /// What serde expects of it.
    name: String,
    /// How many steps lead to it.
    depth: usize,
    /// What its parts say of samples, once that was asked.
    answers: Option<Vec<Answer>>,
}

/// What a part says of a sample by itself; `None` if it takes it, or says nothing of its own. What
/// follows then depends on what is around.
type Answer = Option<Fault>;

/// What a type is to those around it.
pub(super) enum Likeness {
    /// No type of its name is around it.
    New,
    /// It is one of them.
    Again,
    /// Another type of the same name.
    Other,
    /// One that is not looked at, for the sake of an end.
    TooDeep,
}

impl Sight<'_, '_> {
    /// Begins to look into the type at the focus.
    pub(super) fn enter(&mut self, name: &str) {
        self.around.push(Around {
            name: name.to_owned(),
            depth: self.focus.len(),
            answers: None,
        });
    }

    /// Compares the type at the focus with those around it: what all of its fields, variants and
    /// first elements say of two samples, the names of other types among it.
    pub(super) fn likeness(&mut self, name: &str) -> Likeness {
        let same = |around: &Around| around.name == name;
        let places: Vec<_> = (0..self.around.len())
            .filter(|at| same(&self.around[*at]))
            .collect();
        if places.is_empty() {
            return Likeness::New;
        }
        let here = self.answers();
        for at in &places {
            if self.answers_of(*at) == here {
                return Likeness::Again;
            }
        }
        match places.len() < MOST_OF_A_NAME {
            true => Likeness::Other,
            false => Likeness::TooDeep,
        }
    }

    fn answers_of(&mut self, at: usize) -> Vec<Answer> {
        if let Some(answers) = &self.around[at].answers {
            return answers.clone();
        }
        let inner = self.focus.split_off(self.around[at].depth);
        let answers = self.answers();
        self.focus.extend(inner);
        self.around[at].answers = Some(answers.clone());
        answers
    }

    fn answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        if let Err(Fault::Variants(names)) = self.attempt(Sample::Str("?")) {
            for name in names {
                let step = Step::Entry(Vec::new(), name);
                answers.extend(self.at(step, Self::of_two_samples));
            }
            return answers;
        }
        answers.push(self.answer(Sample::Seq(vec![Sample::Unit])));
        answers.push(self.answer(Sample::Seq(vec![Sample::Str("?")])));
        if let Err(Fault::Missing(tag)) = self.attempt(Sample::Map(Vec::new())) {
            let unknown = vec![(Sample::Str(tag), Sample::Str("?"))];
            if let Err(Fault::Variants(names)) = self.attempt(Sample::Map(unknown)) {
                for name in names {
                    let tag = vec![(Sample::Str(tag), Sample::Str(name))];
                    self.fields_answers(&tag, &mut answers);
                }
                return answers;
            }
        }
        self.fields_answers(&[], &mut answers);
        answers
    }

    fn fields_answers(&mut self, beside: &[(Sample, Sample)], answers: &mut Vec<Answer>) {
        for number in 0..MOST_FIELDS {
            let step = Step::Field(beside.to_vec(), Sample::U64(number));
            let [one, other] = self.at(step, Self::of_two_samples);
            let is_field = one != other || matches!(one, Some(Fault::Duplicate(_)));
            answers.extend([one, other]);
            if !is_field {
                return;
            }
        }
    }

    fn of_two_samples(&mut self) -> [Answer; 2] {
        [Sample::Unit, Sample::Str("?")].map(|sample| self.answer(sample))
    }

    fn answer(&mut self, sample: Sample) -> Answer {
        self.attempt(sample).err().filter(|fault| {
            matches!(
                fault,
                Fault::Type(..)
                    | Fault::Value(..)
                    | Fault::Variants(_)
                    | Fault::Fields(_)
                    | Fault::Duplicate(_)
            )
        })
    }
}
