//! What the user asked for.

use super::time_range::TimeRange;
use super::window::RootKind;
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
    /// With `stack`: whether to ignore where a server itself begins and ends requests, so that all roots by stack are
    /// stretches.
    pub stretches_alone: bool,
    /// The type of a user task (`runtime/trace.NewTask`).
    pub task: bool,
    /// The type of a user region (`runtime/trace.StartRegion`, `WithRegion`).
    pub region: bool,
}

impl RootBy {
    /// No evidence counts; the other functions start from this.
    pub const NONE: Self =
        Self { creation: false, entry: false, stack: false, stretches_alone: false, task: false, region: false };

    /// The evidence that makes these kinds of roots.
    pub fn kinds(kinds: impl IntoIterator<Item = RootKind>) -> Self {
        let mut root_by = Self::NONE;
        for kind in kinds {
            match kind {
                RootKind::Creation => root_by.creation = true,
                RootKind::Entry => root_by.entry = true,
                RootKind::Stack => root_by.stack = true,
                RootKind::Stretch => (root_by.stack, root_by.stretches_alone) = (true, true),
                RootKind::Task => root_by.task = true,
                RootKind::Region => root_by.region = true,
            }
        }
        root_by
    }

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

/// Which roots, and how far to follow their children. Made by a [`SelectorBuilder`].
#[derive(Clone, Debug)]
pub struct Selector {
    /// What makes a root.
    pub roots: Patterns,
    /// Where the patterns look.
    pub root_by: RootBy,
    /// Where the patterns select requests on a server and other roots: whether the requests alone are roots. True unless
    /// kinds of roots, or goroutines without a pattern, were asked for.
    pub served_first: bool,
    /// Where requests on a server come first: whether they are the only roots also of a trace that has none, as others that
    /// are read with it have some.
    pub served_alone: bool,
    /// Children whose creation stack or entry function matches are not followed.
    pub exclude: Option<Patterns>,
    /// Count descendants until they end, and drop none.
    pub whole_life: bool,
    /// The part of the trace to look at.
    pub time: Option<TimeRange>,
    /// Only roots on these goroutines; empty means all.
    pub goids: Vec<GoId>,
    /// The same as it was given, for reports.
    pub given: SelectorBuilder,
}

impl Selector {
    /// Whether goroutines alone are asked for (`--goid` without patterns): each is a root for all its life.
    pub fn is_goroutine(&self) -> bool {
        !self.goids.is_empty() && self.given.roots.is_empty() && self.given.root_by.is_empty()
    }

    /// A builder to which nothing was given yet.
    pub fn builder() -> SelectorBuilder {
        SelectorBuilder::default()
    }
}

/// What is given to make a [`Selector`].
///
/// ```
/// use gotrace_slice::slice::{RootKind, Selector};
///
/// let selector = Selector::builder().root("Handler").root_by([RootKind::Stack]).exclude(r"^log\.").build()?;
/// assert!(selector.roots.matches("main.(*Server).Handler"));
/// # Ok::<(), gotrace_slice::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct SelectorBuilder {
    pub(crate) roots: Vec<String>,
    pub(crate) root_by: Vec<RootKind>,
    pub(crate) exclude: Vec<String>,
    pub(crate) syntax: PatternSyntax,
    pub(crate) whole_life: bool,
    pub(crate) time: Option<(TimeRange, String)>,
    pub(crate) goids: Vec<u64>,
}

impl SelectorBuilder {
    /// Functions that match this pattern make roots, beside those of other patterns. Without a pattern, all functions do.
    #[must_use]
    pub fn root(mut self, pattern: impl Into<String>) -> Self {
        self.roots.push(pattern.into());
        self
    }

    /// Which kinds of roots there are, all of them alike. Without a call creation, entry and stack, but where there are
    /// requests on a server, only these.
    #[must_use]
    pub fn root_by(mut self, kinds: impl IntoIterator<Item = RootKind>) -> Self {
        self.root_by.extend(kinds);
        self
    }

    /// Children are not followed whose creation stack or entry function matches this pattern.
    #[must_use]
    pub fn exclude(mut self, pattern: impl Into<String>) -> Self {
        self.exclude.push(pattern.into());
        self
    }

    /// How patterns are read.
    #[must_use]
    pub fn syntax(mut self, syntax: PatternSyntax) -> Self {
        self.syntax = syntax;
        self
    }

    /// Whether descendants count until they end, instead of until their root does.
    #[must_use]
    pub fn whole_life(mut self, whole_life: bool) -> Self {
        self.whole_life = whole_life;
        self
    }

    /// The part of the trace to look at; `text` is how reports name it.
    #[must_use]
    pub fn time(mut self, range: TimeRange, text: impl Into<String>) -> Self {
        self.time = Some((range, text.into()));
        self
    }

    /// Only roots on this goroutine, or on others that are given.
    #[must_use]
    pub fn goid(mut self, id: u64) -> Self {
        self.goids.push(id);
        self
    }

    /// The selector. Fails with [`ErrorKind::BadPattern`] where a pattern is no regular expression.
    pub fn build(self) -> Result<Selector> {
        let roots = match self.roots.as_slice() {
            [] => Patterns::new("--root", &[".".to_owned()], PatternSyntax::default())?,
            roots => Patterns::new("--root", roots, self.syntax)?,
        };
        let exclude = match self.exclude.as_slice() {
            [] => None,
            exclude => Some(Patterns::new("--exclude", exclude, self.syntax)?),
        };
        let root_by = match self.root_by.as_slice() {
            [] => RootBy::default(),
            kinds => RootBy::kinds(kinds.iter().copied()),
        };
        Ok(Selector {
            roots,
            root_by,
            served_first: self.root_by.is_empty() && !self.roots.is_empty(),
            served_alone: false,
            exclude,
            whole_life: self.whole_life,
            time: self.time.as_ref().map(|(range, _)| *range),
            goids: self.goids.iter().map(|&id| GoId(id)).collect(),
            given: self,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Go's names may have any letters: what is left out of the features of `regex` must not be these.
    #[test]
    fn letters_beyond_ascii_have_case_and_classes() {
        let matches = |pattern: &str, name: &str| {
            let syntax = PatternSyntax { ignore_case: true, ..PatternSyntax::default() };
            Patterns::new("--root", &[pattern.to_owned()], syntax).map(|patterns| patterns.matches(name))
        };
        assert!(matches("main.ÉTAT", "main.état").unwrap() && !matches("main.ÉTAT", "main.etat").unwrap());
        assert!(matches(r"^main\.\w+$", "main.größe").unwrap() && !matches(r"^main\.\w+$", "main.a-b").unwrap());
        assert!(matches(r"main\.\p{Lu}", "main.Ä").unwrap() && !matches(r"main\.\p{Nd}", "main.Ä").unwrap());
    }
}
