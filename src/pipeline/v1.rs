//! One trace of Go 1.5 – 1.21 through both passes. It is one generation; its events are made anew for each pass.

use super::Ticker;
use crate::binary::Resolver;
use crate::error::{Result, Warning};
use crate::event::{EventKind, Sink};
use crate::format::version::V1;
use crate::measure::{Measured, Measurer, Task};
use crate::order::v1::{OldTrace, open};
use crate::slice::Selector;
use crate::source::Source;
use crate::survey::Survey;
use crate::survey::classes::{Classifier, StackClass};
use crate::survey::ordered::{OrderedTrace, classes, survey};
use crate::symbols::Symbols;
use crate::time::Time;

/// A trace that is in memory, ordered.
pub(super) struct Recording {
    trace: OldTrace,
    bytes: u64,
    /// Where another trace begins behind this one.
    pub(super) next_trace: Option<u64>,
}

/// A source without its beginning.
struct Behind<'a> {
    source: &'a dyn Source,
    start: u64,
}

impl Source for Behind<'_> {
    fn size(&self) -> u64 {
        self.source.size().saturating_sub(self.start)
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.source.read_at(buf, self.start + offset)
    }
}

impl Recording {
    /// Reads the trace whose header stands at `start`.
    pub(super) fn open(
        source: &dyn Source,
        version: V1,
        start: u64,
        resolver: Option<&(dyn Resolver + Sync)>,
    ) -> Result<Self> {
        let resolver = resolver.map(|r| r as &dyn Resolver);
        let source = Behind { source, start };
        let trace = open(&source, version, resolver)?;
        Ok(Self { next_trace: trace.next_trace.map(|at| start + at), trace, bytes: source.size() })
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.trace.warnings.push(warning);
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.trace.warnings)
    }

    /// Pass 1.
    pub(super) fn survey(&mut self, selector: Option<&Selector>, ticker: &Ticker<'_>) -> Survey {
        let symbols = std::mem::take(&mut self.trace.symbols);
        let classes = stack_classes(&symbols, selector);
        let known = OrderedTrace {
            goroutines: &self.trace.goroutines,
            symbols,
            start: self.trace.start,
            file_events: self.trace.file_events,
        };
        let mut events = self.trace.events();
        let mut survey = survey(known, events.by_ref(), classes.as_deref(), selector.is_none());
        let walked = events.walked(survey.end);
        survey.gomaxprocs = survey.gomaxprocs.or(walked.first_procs);
        self.trace.settle(walked);
        ticker.add(self.bytes);
        survey
    }

    /// Pass 2.
    pub(super) fn measure(&self, task: Task<'_>, ticker: &Ticker<'_>) -> (Measured, Time) {
        let mut measurer = Measurer::new(task);
        measurer.begin_generation(self.trace.start);
        for event in self.trace.events() {
            let subject = if let EventKind::Transition(t) = &event.kind { t.g } else { event.g };
            if measurer.wants(subject) || measurer.wants(event.g) {
                measurer.event(&event, 0);
            }
        }
        ticker.add(self.bytes);
        (measurer.finish(self.trace.end), self.trace.end)
    }
}

/// What each stack says; none when nothing asks for that.
fn stack_classes(symbols: &Symbols, selector: Option<&Selector>) -> Option<Vec<StackClass>> {
    let matches = selector.map(|s| |name: &str| s.roots.matches(name));
    let roots = matches.as_ref().map(|m| m as &(dyn Fn(&str) -> bool + Sync));
    let wanted = selector.is_none_or(|s| s.root_by.stack);
    wanted.then(|| classes(symbols, &Classifier::new(roots)))
}
