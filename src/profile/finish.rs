//! The derived fields of [`Requests`], computed once, after everything else is there.

use super::cut::{as_last_seen, counting};
use super::latency::RequestSpans;
use super::{CutRequest, Exemplar, Latency, Request, Requests, TraceInfo, latency};
use std::cmp::Reverse;

impl Requests {
    /// Puts the list and the wake-ups in their order, and computes from them what is derived: latency, tail, times on
    /// lanes. All other fields must be filled in before. Calling it again changes nothing.
    pub fn finish(&mut self, traces: &[TraceInfo]) {
        self.sort();
        self.choose_exemplars();
        if self.before_only == 0 {
            self.before_only = self.list.len() as u64;
        }
        let spans = RequestSpans { list: &self.list, added: &[] };
        let durations_ns = spans.durations_ns();
        self.latency = latency::latency(spans, &durations_ns, traces);
        self.tail = latency::tail(self, &durations_ns);
        drop(durations_ns);
        self.at_least = self.least(traces, counting(&self.cut));
        self.at_least_if_single = self.least_if_single(traces);
        self.count_inferred();
        self.time_on_lanes();
    }

    fn count_inferred(&mut self) {
        let least = |r: &Request| if r.may_be_several { 0 } else { r.at_least_ns.get().unwrap_or(r.dur_ns) };
        let mut at_least: Vec<u64> = self.list.iter().map(least).collect();
        let count = |counts: fn(&Request) -> bool| self.list.iter().filter(|r| counts(r)).count() as u64;
        let (inferred, several) = (count(Request::is_inferred), count(|r| r.may_be_several));
        (self.inferred_whole, self.listed_partial) = (count(|r| r.is_inferred() && !r.partial), count(|r| r.partial));
        (self.inferred, self.may_be_several) = (inferred, several);
        self.inferred_at_least_p50_ns = latency::nearest_rank(&mut at_least, 50);
    }

    /// The distribution if these requests that are cut had ended when they were last seen; none without such requests, and
    /// where they are in the list already.
    fn least<'c>(&self, traces: &[TraceInfo], cut: impl Iterator<Item = &'c CutRequest>) -> Option<Latency> {
        let mut cut = cut.peekable();
        if self.include_partial || cut.peek().is_none() {
            return None;
        }
        let spans = RequestSpans { list: &self.list, added: &as_last_seen(cut) };
        latency::latency(spans, &spans.durations_ns(), traces)
    }

    /// With `--only` it is not known which of them would be chosen.
    fn least_if_single(&self, traces: &[TraceInfo]) -> Option<Latency> {
        let several = self.only.is_none() && self.cut.iter().any(|cut| cut.may_be_several);
        several.then(|| self.least(traces, self.cut.iter())).flatten()
    }

    fn sort(&mut self) {
        self.cut.sort_by_key(|c| (c.trace, c.start_ns, c.goid));
        // Stable: those with equal keys come in an order that does not depend on threads.
        let mut order: Vec<usize> = (0..self.wakeups.len()).collect();
        order.sort_by_key(|&i| Reverse(self.wakeups[i].wait_ns));
        if let Some(waits) = self.waits.as_mut().filter(|_| !order.is_sorted()) {
            waits.reorder_wakeups(&order);
        }
        self.wakeups.sort_by_key(|w| Reverse(w.wait_ns));
        if self.list.is_sorted_by_key(key) {
            return;
        }
        let mut order: Vec<usize> = (0..self.list.len()).collect();
        order.sort_by_key(|&i| key(&self.list[i]));
        if let Some(stacks) = &mut self.stacks {
            stacks.reorder(&order);
        }
        if let Some(waits) = &mut self.waits {
            waits.reorder(&order);
        }
        self.list.sort_by_key(key);
        let mut position = vec![0; order.len()];
        for (new, old) in order.into_iter().enumerate() {
            position[old] = new;
        }
        for exemplar in self.slowest.iter_mut().chain(&mut self.exemplars) {
            exemplar.request = position.get(exemplar.request).copied().unwrap_or(exemplar.request);
        }
    }

    fn time_on_lanes(&mut self) {
        for Exemplar { lanes, path, .. } in self.slowest.iter_mut().chain(&mut self.exemplars) {
            for lane in &mut *lanes {
                lane.path_ns = 0;
            }
            for piece in path {
                if let Some(lane) = piece.lane.and_then(|i| lanes.get_mut(i)) {
                    lane.path_ns = lane.path_ns.saturating_add(piece.dur_ns);
                }
            }
        }
    }
}

/// The order of the list. A goroutine starts one request at a time.
fn key(request: &Request) -> (u32, u64, u64) {
    (request.trace, request.start_ns, request.goid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_comes_in_order_and_the_slowest_stays_the_same() {
        let request = |trace, start_ns, dur_ns| Request { trace, start_ns, dur_ns, ..Request::default() };
        let list = vec![request(1, 0, 5), request(0, 9, 1), request(0, 3, 7)];
        let slowest = Some(crate::profile::Exemplar { request: 2, ..Default::default() });
        let wakeup = |wait_ns| crate::profile::Wakeup { wait_ns, ..Default::default() };
        let wakeups = vec![wakeup(1), wakeup(3), wakeup(2)];
        let mut requests = Requests { list, wakeups, slowest, ..Requests::default() };
        requests.finish(&[]);
        assert_eq!(requests.list.iter().map(|r| r.dur_ns).collect::<Vec<_>>(), [7, 1, 5]);
        assert_eq!((requests.slowest.unwrap().request, requests.before_only), (0, 3));
        assert_eq!(requests.wakeups.iter().map(|w| w.wait_ns).collect::<Vec<_>>(), [3, 2, 1]);
    }

    #[test]
    fn inferred_and_cut_requests_of_the_list_are_counted() {
        let request = |ns: Option<u64>, partial| Request { partial, at_least_ns: ns.into(), ..Request::default() };
        let list = vec![request(None, false), request(Some(1), false), request(Some(2), true), request(None, true)];
        let mut requests = Requests { list, ..Requests::default() };
        requests.finish(&[]);
        assert_eq!((requests.inferred, requests.inferred_whole, requests.listed_partial), (2, 1, 2));
    }
}
