//! What the program knows about a function that invalidates before it is called.

/// A call that names entries: the name of the called function, whether it is called by its path, and
/// for each of the arguments whether it is given (`_` is not).
pub type CalledEntry = (&'static str, bool, &'static [bool]);

/// The static descriptor of one annotated writer.
#[derive(Debug)]
pub struct Invalidator {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    patterns: &'static [&'static str],
    entries: &'static [CalledEntry],
    tags: &'static [&'static str],
}

impl Invalidator {
    /// A writer by its bare name and its place.
    #[must_use]
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            name,
            module,
            file,
            line,
            patterns: &[],
            entries: &[],
            tags: &[],
        }
    }

    /// Its patterns, as they are written.
    #[must_use]
    pub const fn patterns(mut self, patterns: &'static [&'static str]) -> Self {
        self.patterns = patterns;
        self
    }

    /// The calls by which it names entries.
    #[must_use]
    pub const fn entries(mut self, calls: &'static [CalledEntry]) -> Self {
        self.entries = calls;
        self
    }

    /// The tags that it invalidates, as they are written.
    #[must_use]
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn place(&self) -> (&'static str, &'static str, u32) {
        (self.module, self.file, self.line)
    }

    pub(crate) fn written_patterns(&self) -> &'static [&'static str] {
        self.patterns
    }

    pub(crate) fn written_tags(&self) -> &'static [&'static str] {
        self.tags
    }

    pub(crate) fn called(&self) -> &'static [CalledEntry] {
        self.entries
    }
}
