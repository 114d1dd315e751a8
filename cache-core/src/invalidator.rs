//! What the program knows about a function that invalidates before it is called.

/// The static descriptor of one annotated writer.
#[derive(Debug)]
pub struct Invalidator {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    patterns: &'static [&'static str],
    entries: &'static [&'static str],
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
        }
    }

    /// Its patterns, as they are written.
    #[must_use]
    pub const fn patterns(mut self, patterns: &'static [&'static str]) -> Self {
        self.patterns = patterns;
        self
    }

    /// The names of the functions whose entries it names by a call.
    #[must_use]
    pub const fn entries(mut self, functions: &'static [&'static str]) -> Self {
        self.entries = functions;
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

    pub(crate) fn called(&self) -> &'static [&'static str] {
        self.entries
    }
}
