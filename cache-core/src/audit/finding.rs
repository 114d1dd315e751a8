//! What an audit finds.

use std::fmt;

use super::place::Place;

/// What is wrong, in one word.
///
/// Those that say so are *notes*: right in many programs, wrong in some, and the audit can't tell
/// which. They are printed, and fail [`assert_clean`](super::Audit::assert_clean) only if
/// [`deny`](super::Audit::deny) says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum FindingKind {
    /// A pattern of a writer covers no cached function.
    ///
    /// That is also found where only a lucky value would make it fit: `user:{id}:*` names no entry of
    /// a function under `user:profile:{id}`, unless an id is `profile`.
    UnmatchedPattern,
    /// A writer invalidates a tag that no cached function carries.
    ///
    /// That is also found where only a lucky value would make the two equal.
    UnmatchedTag,
    /// A writer names an entry by a call, and no cached function has that name and takes so many
    /// arguments.
    UnknownEntry,
    /// No pattern covers a cached function, no call names its entries, and nobody invalidates one of
    /// its tags.
    NeverInvalidated,
    /// A cached function, which is invalidated otherwise, carries a tag that no writer invalidates.
    UnusedTag,
    /// An invalidation covers more than it says, every time: a pattern with something behind its `*`,
    /// or a call from which the key of the entry can't be told.
    Widened,
    /// Two functions are kept under prefixes that can be equal and seem to mean different things:
    /// `user:{id}` and `user:{email}`. Between a placeholder and a literal, `user:{id}` and
    /// `user:count`, it is a note.
    CollidingPrefixes,
    /// A key prefix is written in a way in which the others are not.
    UnusualName,
    /// A literal time to live is above the [limit](super::Audit::ttl_limit) of its prefix, or is not
    /// known.
    TtlAboveLimit,
    /// The first value that a function kept does not come back equal from its encoding. That is known
    /// of what the program called before the audit, in a debug build.
    UnequalValue,
    /// The serde shape of a value's type can't be seen whole, and the function has no `version`: after a
    /// change of the hidden part, entries of the old shape may be decoded as the new one. Known of types
    /// that the return type names, and of what the program called before the audit.
    HiddenShape,
    /// A note: a method is cached, and nothing tells the entries of two receivers apart.
    MissingScope,
    /// The program is linked in parts, as by Rust's `dylib`s, and functions of another part than the
    /// audit's were called before it: those are not audited, nor are others that may be there.
    LinkedInParts,
    /// A setting of the audit concerns nothing: an allowance without a finding, or a limit for a
    /// prefix that nobody has.
    UnusedSetting,
    /// There is no annotated function to look at, in the whole program or in one of the
    /// [modules](super::Audit::within) named.
    NothingAudited,
}

impl FindingKind {
    /// What it is, as a heading.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::UnmatchedPattern => "a pattern covers no cached function",
            Self::UnmatchedTag => "a tag is invalidated that no cached function carries",
            Self::UnknownEntry => "an entry is named that no cached function has",
            Self::NeverInvalidated => "nothing invalidates a cached function",
            Self::UnusedTag => "nothing invalidates a tag",
            Self::Widened => "an invalidation covers more than it says",
            Self::CollidingPrefixes => "different things are kept under one prefix",
            Self::UnusualName => "a key prefix is not written like the others",
            Self::TtlAboveLimit => "values may live longer than the limit",
            Self::UnequalValue => "a value does not come back equal from its encoding",
            Self::HiddenShape => "the shape of a value is not seen whole",
            Self::MissingScope => "nothing tells the entries of two receivers apart",
            Self::LinkedInParts => "not all functions of the program are seen",
            Self::UnusedSetting => "a setting of the audit concerns nothing",
            Self::NothingAudited => "there is nothing to audit",
        }
    }

    /// Why it matters.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::UnmatchedPattern | Self::UnmatchedTag => {
                "What the writer means to invalidate is served until its ttl ends."
            }
            Self::UnknownEntry => "The writer invalidates entries that nobody keeps.",
            Self::NeverInvalidated => "After a write its values are served until their ttl ends.",
            Self::UnusedTag => {
                "It costs each hit in a store a generation, and a writer that was meant to name it may have been forgotten."
            }
            Self::Widened => {
                "Entries are lost that nobody has written, and the attribute hides it."
            }
            Self::CollidingPrefixes => {
                "A pattern for the one covers entries of the other, and not those that belong to it."
            }
            Self::UnusualName => "Who writes a pattern guesses such a prefix wrong.",
            Self::TtlAboveLimit => "What must be forgotten in time may not be.",
            Self::UnequalValue => "A hit in a store is another answer than that of the function.",
            Self::HiddenShape => {
                "A change of the hidden part is not noticed: an entry of the old shape may be decoded as the new one."
            }
            Self::MissingScope => {
                "`self` is no part of the key: two services over different data answer for each other. \
                 One service for the whole program is fine."
            }
            Self::LinkedInParts => {
                "What is not seen is not audited, and calls that name entries widen to everything."
            }
            Self::UnusedSetting => {
                "It was meant for something, which is mended, gone, or called otherwise."
            }
            Self::NothingAudited => {
                "An audit of nothing is always clean. A crate is linked only if something of it is used."
            }
        }
    }

    /// Whether its findings are notes.
    pub(super) fn is_note(self) -> bool {
        self == Self::MissingScope
    }
}

/// Its title.
impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// One thing that is wrong, at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub(super) kind: FindingKind,
    pub(super) is_note: bool,
    pub(super) place: Place,
    problem: String,
    way_out: String,
}

impl Finding {
    pub(super) fn new(
        kind: FindingKind,
        place: &Place,
        problem: String,
        way_out: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            is_note: kind.is_note(),
            place: place.clone(),
            problem,
            way_out: way_out.into(),
        }
    }

    /// What is wrong, in one word.
    #[must_use]
    pub fn kind(&self) -> FindingKind {
        self.kind
    }

    /// Whether it doesn't fail [`assert_clean`](super::Audit::assert_clean).
    #[must_use]
    pub fn is_note(&self) -> bool {
        self.is_note
    }

    /// The annotated function that it is about, or the setting of the audit.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is wrong here.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What can be done about it.
    #[must_use]
    pub fn way_out(&self) -> &str {
        &self.way_out
    }
}

/// The place on two lines, then what is wrong and the way out.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, problem, way_out) = (&self.place, &self.problem, &self.way_out);
        let (path, file, line) = (place.path(), place.file(), place.line());
        write!(
            f,
            "{path}\n  --> {file}:{line}\n  {problem}\n  help: {way_out}"
        )
    }
}
