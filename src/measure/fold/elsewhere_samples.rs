//! From the sums of one trace to the time in other goroutines that all traces have in common, and from that to samples.

use super::elsewhere::{ElsewhereOfAll, OF_ELSEWHERE, SharedKey, SharedSum};
use super::samples::{Elsewhere, Folder, Frames, NO_SAMPLE, SampleKey, Sums, detail_of};
use crate::measure::intervals::aggregate::{Key, SumIdx};
use crate::measure::intervals::states::StateKey;
use crate::measure::paths::stack_time::ElsewhereKey;
use crate::measure::paths::wait_chains::{WaitChainIdx, WaitChains};
use crate::profile::{NodeIdx, ProfileFrame, ShownWaits, StackTree, ToldWaits, UnseenWaits, Weight};
use crate::trace::ids::StringIdx;
use rustc_hash::FxHashMap;

/// Time of one trace: the waits before what was done, and whether any number of others follows these.
type OfTrace = ((Vec<Option<Key>>, bool), Option<Key>, ElsewhereKey, u64);

/// Times of a trace under chains that are told by as few waits as those of all, in an order that does not depend on who
/// measured what first.
fn of_trace(elsewhere: &mut Elsewhere<'_>, key_of: impl Fn(SumIdx) -> Option<Key>) -> Vec<OfTrace> {
    let mut times: FxHashMap<ElsewhereKey, u64> = FxHashMap::default();
    for &(key, ns) in elsewhere.times {
        let of_key = times.entry(shortened(elsewhere.chains, key)).or_default();
        *of_key = of_key.saturating_add(ns);
    }
    let waits = |chain| {
        let (waits, is_ended) = elsewhere.chains.waits(chain);
        (waits.into_iter().map(&key_of).collect::<Vec<Option<Key>>>(), is_ended)
    };
    let mut all: Vec<OfTrace> =
        times.into_iter().map(|(key, ns)| (waits(key.chain), key_of(key.sum), key, ns)).collect();
    all.sort_unstable_by(|a, b| (&a.0, a.1, a.2.label).cmp(&(&b.0, b.1, b.2.label)));
    all
}

fn shortened(chains: &mut WaitChains, key: ElsewhereKey) -> ElsewhereKey {
    ElsewhereKey { chain: chains.shortened(key.chain), ..key }
}

/// For what a sum of a trace is looked up.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Role {
    /// A request's own wait.
    Own,
    /// A further one.
    Further,
    /// What was done at their end.
    Work,
}

/// Finds the sums of one trace among those of all.
struct Sharing<'f, 's> {
    folder: &'f mut Folder,
    frames: Frames<'s>,
    sums: Sums<'s>,
    known: FxHashMap<(Role, SumIdx), SumIdx>,
}

impl Sharing<'_, '_> {
    /// A chain of waits, the own one first, and whether any number of others follows.
    fn chain(&mut self, (waits, is_ended): (&[SumIdx], bool)) -> WaitChainIdx {
        let mut chain = WaitChainIdx::EMPTY;
        for (i, wait) in waits.iter().enumerate() {
            let wait = self.sum(if i == 0 { Role::Own } else { Role::Further }, *wait);
            chain = self.folder.elsewhere.chains.longer(chain, wait);
        }
        if is_ended { self.folder.elsewhere.chains.ended(chain) } else { chain }
    }

    /// The number of a root's name.
    fn root(&mut self, label: StringIdx) -> u32 {
        self.folder.number(self.sums.naming.symbols.text(label))
    }

    /// A sum of the trace; none for what is no sum.
    fn sum(&mut self, role: Role, of_trace: SumIdx) -> SumIdx {
        let Some((key, _)) = self.sums.list.get(of_trace.at()) else { return SumIdx::NONE };
        if let Some(known) = self.known.get(&(role, of_trace)) {
            return *known;
        }
        let symbols = self.sums.naming.symbols;
        let nothing = SharedSum::default();
        let but_stack = match role {
            Role::Own => SharedSum {
                own: self.sums.nodes[of_trace.at()],
                state: self.folder.number(key.state.name(symbols)),
                root: self.root(self.sums.naming.chains.get(key.chain).label),
                ..nothing
            },
            Role::Further => nothing,
            Role::Work => SharedSum {
                state: self.folder.number(key.state.name(symbols)),
                detail: detail_of(key, symbols),
                precision: key.precision,
                ..nothing
            },
        };
        let Folder { tree, elsewhere: ElsewhereOfAll { stacks, sums, .. }, .. } = &mut *self.folder;
        let frames = self.frames.outermost_first(tree, key.stack, key.line_known);
        let stack = frames.into_iter().fold(StackTree::ROOT, |under, frame| stacks.push(under, frame));
        let shared = SumIdx(sums.insert_full(SharedSum { stack, ..but_stack }).0 as u32);
        self.known.insert((role, of_trace), shared);
        shared
    }
}

impl Folder {
    /// Adds what requests of a trace spent in other goroutines than their own. Where times of single requests are wanted, gives
    /// what stands for the sample of each.
    pub(super) fn add_elsewhere(&mut self, mut elsewhere: Elsewhere<'_>, sums: Sums<'_>) -> Vec<u32> {
        let before = self.elsewhere.chains.most_hops();
        self.elsewhere.chains.limit_hops(elsewhere.chains.most_hops());
        elsewhere.chains.limit_hops(self.elsewhere.chains.most_hops());
        let times = of_trace(&mut elsewhere, |sum| sums.list.get(sum.at()).map(|(key, _)| *key));
        let mut shared: FxHashMap<ElsewhereKey, SharedKey> = FxHashMap::default();
        let frames = Frames::new(sums.naming.symbols);
        let mut sharing = Sharing { folder: self, frames, sums, known: FxHashMap::default() };
        for (_, key, of_trace, ns) in times {
            let Some(key) = key else { continue };
            let (waits, is_ended) = elsewhere.chains.waits(of_trace.chain);
            let chain = sharing.chain((&waits, is_ended));
            let of_all =
                SharedKey { chain, sum: sharing.sum(Role::Work, of_trace.sum), root: sharing.root(of_trace.label) };
            shared.insert(of_trace, of_all);
            sharing.folder.elsewhere.add(of_all, ns);
            sharing.folder.count_collector(&key, ns);
        }
        self.elsewhere.tell_fewer_waits(before);
        if !elsewhere.of_each_request {
            return Vec::new();
        }
        let of_requests = &mut self.elsewhere.of_requests;
        let mut place = |key| {
            let of_all = shared.get(&shortened(elsewhere.chains, key))?;
            Some(OF_ELSEWHERE | of_requests.insert_full(*of_all).0 as u32)
        };
        elsewhere.times.iter().map(|(key, _)| place(*key).unwrap_or(NO_SAMPLE)).collect()
    }

    /// Makes samples of what requests spent in other goroutines, below the stacks that they waited on. Gives what finds the
    /// sample that stands somewhere, and how the stacks tell waits.
    pub(super) fn place_elsewhere(&mut self) -> (impl Fn(u32) -> u32 + use<>, ToldWaits) {
        let mut all = std::mem::take(&mut self.elsewhere);
        let mut told = ToldWaits { shown: Some(ShownWaits::by_one(all.chains.most_hops())), unseen: Vec::new() };
        let mut samples: FxHashMap<SharedKey, u32> = FxHashMap::default();
        for (key, latency_ns) in std::mem::take(&mut all.times) {
            let (waits, is_ended) = all.chains.waits(key.chain);
            let of = |sum: &SumIdx| all.sums.get_index(sum.at());
            let Some(work) = of(&key.sum) else { continue };
            let own = waits.first().and_then(of);
            let root = if self.name(key.root).is_empty() { own.map(|own| own.root) } else { Some(key.root) };
            let root = root.unwrap_or_else(|| self.number(""));
            let above = own.map(|own| own.own).filter(|node| *node != StackTree::ROOT);
            let above = above.unwrap_or_else(|| self.root_frame(root));
            let hops: Vec<NodeIdx> = waits.iter().filter_map(of).map(|wait| wait.stack).collect();
            // Not waited at all: the request's own goroutine, which works for a request of another name as well.
            let is_own = waits.is_empty() && !is_ended;
            let mut stack = if is_own { above } else { self.push_waits(&all.stacks, above, &hops) };
            if is_ended {
                stack = self.push_pseudo(stack, ProfileFrame::MORE, ProfileFrame::FURTHER_GOROUTINES);
            }
            let stack = self.push_stack(&all.stacks, stack, work.stack);
            // Where chains are told by no wait, the request's own has no state either. It was a wait all the same.
            let no_state = if waits.is_empty() && is_ended { StateKey::UNKNOWN_NAME } else { "" };
            let waited_in = own.map_or_else(|| self.number(no_state), |own| own.state);
            let SharedSum { state, detail, precision, .. } = *work;
            let sample = SampleKey { state, stack, detail, precision, root, waited_in };
            let sample = self.add_sample(sample, Weight { latency_ns, ..Weight::default() });
            samples.insert(key, sample);
            let unseen = (0..).zip(&waits).filter(|(_, wait)| of(wait).is_none()).fold(0, |all, (i, _)| all | 1 << i);
            if unseen != 0 {
                told.unseen.push(UnseenWaits { sample, waits: waits.len() as u8, unseen, ns: latency_ns });
            }
        }
        let mut sample_of = |key: &SharedKey| {
            let chain = all.chains.shortened(key.chain);
            let sample = samples.get(&SharedKey { chain, ..*key }).copied();
            debug_assert!(sample.is_some(), "time of a request that is no time of all requests");
            sample.unwrap_or_default()
        };
        let of_requests: Vec<u32> = all.of_requests.iter().map(&mut sample_of).collect();
        let sample_at =
            move |place| if place < OF_ELSEWHERE { place } else { of_requests[(place - OF_ELSEWHERE) as usize] };
        (sample_at, told)
    }

    /// The node below which there is what a goroutine did that a request waited for at the end of these waits, of which
    /// the first is on the stack `above`. Waits on one stack that follow each other are one frame with their number.
    fn push_waits(&mut self, stacks: &StackTree, above: NodeIdx, hops: &[NodeIdx]) -> NodeIdx {
        let mut node = above;
        for (i, alike) in hops.chunk_by(|a, b| a == b).enumerate() {
            if i > 0 {
                node = self.push_stack(stacks, node, alike[0]);
            }
            node = self.waiting_for(node, alike.len());
        }
        if hops.is_empty() { self.waiting_for(node, 1) } else { node }
    }

    fn push_stack(&mut self, stacks: &StackTree, under: NodeIdx, stack: NodeIdx) -> NodeIdx {
        let leaf_first: Vec<u32> = stacks.frame_indexes(stack).collect();
        leaf_first.into_iter().rev().fold(under, |node, frame| self.tree.push(node, frame))
    }

    /// Below it stands what another goroutine did after `n` waits on the stack of `under`.
    fn waiting_for(&mut self, under: NodeIdx, n: usize) -> NodeIdx {
        self.push_pseudo(under, &ProfileFrame::of_waits(n), ProfileFrame::OTHER_GOROUTINE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::fold::samples::Naming;
    use crate::measure::intervals::aggregate::Aggregate;
    use crate::measure::intervals::timeline::CollectorWork;
    use crate::measure::paths::wait_chains::most_pairs;
    use crate::profile::{Precision, RequestStacks, RequestTotals};
    use crate::slice::spawn_chains::{SpawnChainIdx, SpawnChains};
    use crate::trace::ids::StackIdx;
    use crate::trace::symbols::{Frame, Symbols};
    use std::collections::BTreeMap;

    /// Functions: where a request waited, where the goroutine that it waited for did, and what was done then.
    type Time = [u32; 3];

    fn key(symbols: &mut Symbols, function: &str) -> Key {
        let function = symbols.intern(function);
        let frame = symbols.intern_frame(Frame { function, file: StringIdx::EMPTY, line: 1 });
        Key {
            chain: SpawnChainIdx::FIRST,
            stack: symbols.push_frame(StackIdx::EMPTY, frame),
            state: StateKey::RUNNING,
            precision: Precision::Exact,
            line_known: true,
            collector: CollectorWork::None,
        }
    }

    /// Adds a trace in which one request spent 1 ns in each of these times. With `each`, gives what stands for their samples.
    fn add(folder: &mut Folder, times: &[Time], each: bool) -> Vec<u32> {
        let (mut symbols, mut spawned) = (Symbols::default(), SpawnChains::default());
        spawned.root(symbols.intern("root"));
        let (mut sums, mut chains) = (Aggregate::default(), WaitChains::default());
        let of = |[own, further, work]: &Time| {
            let mut sum = |name: String| sums.add(key(&mut symbols, &name), 0, 0);
            let own = chains.longer(WaitChainIdx::EMPTY, sum(format!("own{own}")));
            let chain = chains.longer(own, sum(format!("further{further}")));
            (ElsewhereKey { chain, sum: sum(format!("work{work}")), label: StringIdx::EMPTY }, 1)
        };
        let times: Vec<_> = times.iter().map(of).collect();
        let naming = Naming { chains: &spawned, symbols: &symbols, joined: true };
        let elsewhere = Elsewhere { times: &times, chains: &mut chains, of_each_request: each };
        folder.add_sums(sums, Some(elsewhere), naming).elsewhere
    }

    /// The functions of samples, and their time.
    fn finish(folder: Folder, stacks: Option<&mut RequestStacks>) -> (Vec<String>, BTreeMap<String, u64>) {
        let (tree, samples, _) = folder.finish(stacks);
        let name = |node| {
            let frames: Vec<&str> = tree.stack(node).map(|frame| frame.function.as_str()).collect();
            frames.into_iter().rev().collect::<Vec<_>>().join(" ")
        };
        let names: Vec<String> = samples.iter().map(|sample| name(sample.stack)).collect();
        let times = names.iter().cloned().zip(samples.iter().map(|sample| sample.weight.latency_ns)).collect();
        (names, times)
    }

    fn folded(traces: &[&[Time]]) -> BTreeMap<String, u64> {
        let mut folder = Folder::default();
        for times in traces {
            add(&mut folder, times, false);
        }
        finish(folder, None).1
    }

    #[test]
    fn all_traces_have_as_much_room_as_one() {
        let n = most_pairs(2) as u32;
        for (extra, told) in [(0, n), (1, 10)] {
            let all: Vec<Time> = (0..n + extra).map(|i| [i % 10, i, 7]).collect();
            let of_one = folded(&[&all]);
            assert_eq!((of_one.len() as u32, of_one.values().sum()), (told, u64::from(n + extra)));
            let many: Vec<&[Time]> = all.chunks(100).collect();
            let (first, rest) = all.split_at(7);
            for traces in [many, vec![first, rest], vec![rest, &[], first]] {
                assert_eq!(folded(&traces), of_one, "{} traces, {extra} too many", traces.len());
            }
        }
        // What comes later is told by fewer waits too.
        let all: Vec<Time> = (0..=n).map(|i| [i % 10, i, 7]).collect();
        let later = folded(&[&all, &[[11, 1, 7], [11, 2, 7]]]);
        assert_eq!(later.get("own11 [waiting for] [more] work7"), Some(&2));
    }

    #[test]
    fn what_traces_have_in_common_takes_room_once() {
        let n = most_pairs(2) as u32;
        let all: Vec<Time> = (0..n).map(|i| [i % 10, i, 7]).collect();
        let backwards: Vec<Time> = all.iter().rev().copied().collect();
        let both = folded(&[&all, &backwards]);
        assert_eq!(both.len() as u32, n);
        assert_eq!(both["own3 [waiting for] further13 [waiting for] work7"], 2);
    }

    #[test]
    fn times_of_requests_find_the_samples_that_their_chains_are_told_by() {
        let n = most_pairs(2) as u32;
        for extra in [0, 1] {
            let (mut folder, mut stacks) = (Folder::default(), RequestStacks::default());
            let early = [[3, 8, 7], [3, 9, 7]];
            let others: Vec<Time> = (0..n - 3 + extra).map(|i| [4, 100 + i, 7]).collect();
            for times in [&early[..], &others, &[[3, 8, 7], [3, 10, 7]]] {
                let places = add(&mut folder, times, true);
                stacks.push(RequestTotals::default(), places.into_iter().map(|place| (place, 1)), []);
            }
            let (names, _) = finish(folder, Some(&mut stacks));
            let of = |request| stacks.of(request).map(|(at, ns)| format!("{}: {ns}", names[at])).collect::<Vec<_>>();
            let waits = |further| format!("own3 [waiting for] further{further} [waiting for] work7: 1");
            let told = [0, 2].map(|request| {
                let mut told = of(request);
                told.sort();
                told
            });
            if extra == 0 {
                assert_eq!(told, [[waits(8), waits(9)], [waits(10), waits(8)]]);
            } else {
                assert_eq!(told, [["own3 [waiting for] [more] work7: 2"]; 2]);
            }
        }
    }
}
