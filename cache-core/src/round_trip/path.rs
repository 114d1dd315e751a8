//! Where in a value something is, told without any part of the value.

use std::fmt;

/// From the whole value inwards.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Step>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// A field or a variant: names come from the program's source.
    Name(&'static str),
    /// An element of a tuple.
    Position(usize),
    /// An element of a sequence.
    Index(usize),
    /// A value of a map, whose keys are data and so not to be told; or an element of a sequence that
    /// has no order.
    Any,
}

impl Path {
    pub(super) fn push(&mut self, step: Step) {
        self.0.push(step);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// The text of it; none for the whole value.
    pub(super) fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| self.to_string())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A type that contains itself may be nested without end.
        const SHOWN: usize = 16;
        for (place, step) in self.0.iter().take(SHOWN).enumerate() {
            let dot = if place == 0 { "" } else { "." };
            match step {
                Step::Name(name) => write!(f, "{dot}{name}")?,
                Step::Position(position) => write!(f, "{dot}{position}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Any => f.write_str("[_]")?,
            }
        }
        if self.0.len() > SHOWN {
            f.write_str("…")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_an_expression() {
        let mut path = Path::default();
        assert_eq!(path.text(), None);
        let steps = [Step::Name("orders"), Step::Index(0), Step::Name("prices")];
        for step in steps.into_iter().chain([Step::Any, Step::Position(1)]) {
            path.push(step);
        }
        assert_eq!(path.text().unwrap(), "orders[0].prices[_].1");
        let mut path = Path::default();
        path.push(Step::Index(3));
        assert_eq!(path.text().unwrap(), "[3]");
        (0..99).for_each(|_| path.push(Step::Name("next")));
        assert!(path.text().unwrap().ends_with(".next…"));
    }
}
