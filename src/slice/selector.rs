//! What the user asked for.

use super::TimeRange;
use crate::trace::error::{Error, ErrorKind, Result};
use crate::trace::ids::GoId;
use regex::{RegexSet, RegexSetBuilder};

/// Largest compiled size of all patterns together; patterns may come from untrusted input.
const PATTERN_SIZE_LIMIT: usize = 10 << 20;
/// Deepest nesting of a pattern.
const PATTERN_NEST_LIMIT: u32 = 50;

/// Function name patterns of which any may match.
#[derive(Clone, Debug)]
pub struct Patterns {
    texts: Vec<String>,
    set: RegexSet,
}

/// How pattern texts are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PatternSyntax {
    /// The text is matched as it is (`-F`).
    pub fixed_strings: bool,
    /// Upper and lower case are the same (`-i`).
    pub ignore_case: bool,
}

impl Patterns {
    /// Compiles the patterns that `flag` carried. The flag is named in the error.
    pub fn new(flag: &'static str, texts: &[String], syntax: PatternSyntax) -> Result<Self> {
        let bad = |pattern: &str, error: &regex::Error| {
            let (pattern, message) = (pattern.to_owned(), error.to_string());
            Error::new(ErrorKind::BadPattern { flag, pattern, message })
        };
        let build = |sources: &[String]| {
            RegexSetBuilder::new(sources)
                .case_insensitive(syntax.ignore_case)
                .size_limit(PATTERN_SIZE_LIMIT)
                .dfa_size_limit(PATTERN_SIZE_LIMIT)
                .nest_limit(PATTERN_NEST_LIMIT)
                .build()
        };
        let mut sources = Vec::with_capacity(texts.len());
        for text in texts {
            let source = if syntax.fixed_strings { regex::escape(text) } else { text.clone() };
            // One by one first, so that the error names the pattern at fault.
            build(std::slice::from_ref(&source)).map_err(|e| bad(text, &e))?;
            sources.push(source);
        }
        let set = build(&sources).map_err(|e| bad(&texts.join("|"), &e))?;
        Ok(Self { texts: texts.to_vec(), set })
    }

    /// The patterns as given.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether any pattern matches somewhere in a name.
    pub fn matches(&self, name: &str) -> bool {
        self.set.is_match(name)
    }
}

/// Which evidence makes a root. At least one is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootBy {
    /// A frame of the stack of the `go` statement that created the goroutine.
    pub creation: bool,
    /// The goroutine's entry function.
    pub entry: bool,
    /// A function on the goroutine's own stack, for as long as it is there.
    pub stack: bool,
    /// The type of a user task (`runtime/trace.NewTask`).
    pub task: bool,
    /// The type of a user region (`runtime/trace.StartRegion`, `WithRegion`).
    pub region: bool,
}

impl RootBy {
    /// Nothing is looked at: what the others are made of.
    pub const NONE: Self = Self { creation: false, entry: false, stack: false, task: false, region: false };

    /// Whether user tasks or regions are roots.
    pub fn annotations(self) -> bool {
        self.task || self.region
    }
}

impl Default for RootBy {
    fn default() -> Self {
        Self { creation: true, entry: true, stack: true, ..Self::NONE }
    }
}

/// Which roots, and how far to follow their children.
#[derive(Clone, Debug)]
pub struct Selector {
    /// What makes a root.
    pub roots: Patterns,
    /// Where the patterns look.
    pub root_by: RootBy,
    /// Children whose creation stack or entry function matches are not followed.
    pub exclude: Option<Patterns>,
    /// Count descendants until they end, and drop none.
    pub whole_life: bool,
    /// The part of the trace to look at.
    pub time: Option<TimeRange>,
    /// Only roots on these goroutines; empty means all.
    pub goids: Vec<GoId>,
}
