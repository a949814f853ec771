//! The sample with requests: the same server, where a refresher outside the slice makes some requests slow.

use super::{selection, stack, trace};
use crate::compare::{CompareOptions, Comparison};
use crate::profile::{
    CutRequest, Exemplar, HandOver, HeapGoals, Lane, LanePiece, Metric, NodeIdx, Overlap, PathPiece, Precision,
    Profile, ProfileFrame, Request, Requests, Sample, StackTree, StateTimes, WakerKind, Wakeup, Weight,
};

const STATES: [&str; 7] = ["running", "runnable", "network", "sync", "syscall", "select", "evil\x1b]0;x\x07"];
const HANDLER: &str = "main.(*Server).Handler";
const SLOW: [u64; 3] = [17, 38, 52];
const MS: u64 = 1_000_000;

/// A request that is cut: its goroutine and when it was first seen; how long, and at which edges.
fn cut((goid, start_ns): (u64, u64), (at_least_ns, cut_start, cut_end): (u64, bool, bool)) -> CutRequest {
    CutRequest {
        goid,
        start_ns,
        at_least_ns,
        root: HANDLER.into(),
        matched: HANDLER.into(),
        by: "stack",
        cut_start,
        cut_end,
        is_chosen: true,
        ..CutRequest::default()
    }
}

/// Sixty requests, three of them slow by a lock. The times of all samples add up to those of all requests.
pub(crate) fn sample_requests() -> Profile {
    let mut tree = StackTree::default();
    let stacks = SharedStacks::new(&mut tree);
    let list: Vec<Request> = (0..60).map(request).collect();
    let mut selection = selection();
    (selection.roots, selection.roots_by_creation, selection.roots_by_stack) = (63, 49, 14);
    selection.shared = 4;
    selection.cut_stacks = 2;
    selection.no_creator = 17;
    selection.undecided = super::undecided(12_300_000, 1_100_000);
    let samples = samples(&stacks, &list);
    let requests = Requests {
        list,
        state_names: STATES.map(String::from).to_vec(),
        roots: vec![HANDLER.into(), "main.Other".into()],
        cut: vec![
            cut((19, 12 * MS), (400 * MS, false, true)),
            cut((20, 0), (3 * MS, true, false)),
            cut((21, 4_800 * MS), (203 * MS, false, true)),
        ],
        partial: 3,
        before_only: 60,
        capped: 1,
        goroutine_ns: Some(4_000 * MS),
        wakeups: wakeups(&stacks),
        slowest: Some(slowest(&stacks)),
        overlap: Overlap {
            gc_ns: 190 * MS,
            stw_ns: 410_000,
            stw_count: 2,
            mark_assist_ns: 20 * MS,
            sweep_ns: 2_600_000,
            stw_runnable_ns: 200_000,
            gc_window_ns: 550 * MS,
            stw_window_ns: 500_000,
            gc_count: 11,
            heap_goals: Some(HeapGoals { min_bytes: 4_194_304, max_bytes: 9_400_000 }),
        },
        ..Requests::default()
    };
    let mut profile = Profile {
        traces: vec![trace()],
        selection,
        metric: Metric::Latency,
        tree,
        samples,
        requests: Some(requests),
        ..Profile::default()
    };
    profile.finish();
    profile
}

/// The same server before the refresher held its lock: no request waits for it, and all sleep a little.
pub(crate) fn sample_before() -> Profile {
    let mut profile = sample_requests();
    profile.traces[0].name = "dir/before.out".into();
    profile.samples.retain(|s| s.state != "sync");
    let warmup =
        [(HANDLER, "/app/server.go", 33), ("main.warmup", "/app/warm.go", 3), ("time.Sleep", "/go/time.go", 9)];
    let stack = stack(&mut profile.tree, &warmup);
    profile.samples.push(Sample {
        stack,
        state: "sleep".into(),
        detail: "",
        precision: Precision::Exact,
        root: HANDLER.into(),
        waited_in: "".into(),
        weight: Weight { events: 60, goroutine_ns: 6 * MS, latency_ns: 6 * MS },
    });
    if let Some(requests) = &mut profile.requests {
        for request in &mut requests.list {
            request.states = request.states.iter().filter(|s| s.0 != 3).collect();
            request.dur_ns = request.states.iter().map(|s| s.1).sum::<u64>() + 100_000;
        }
    }
    profile.finish();
    profile
}

/// The server before and after.
pub(crate) fn sample_comparison() -> Comparison {
    Comparison::of(&sample_requests(), &sample_before(), CompareOptions::default()).unwrap()
}

fn request(i: u64) -> Request {
    let times: Vec<(u16, u64)> = if SLOW.contains(&i) {
        // The 38th is the slowest; its path is below.
        let less = i.abs_diff(38) * MS / 4;
        vec![(0, 31 * MS), (1, 2 * MS), (2, 50 * MS), (3, 130 * MS - less)]
    } else {
        let lock = if i.is_multiple_of(4) { 1_500_000 } else { 0 };
        vec![
            (0, 2 * MS + i * 13 % 7 * 300_000),
            (1, 800_000 + i % 3 * 100),
            (2, 6 * MS + i * 37 % 60 * 500_000),
            (3, lock),
            (4, u64::from(i.is_multiple_of(5)) * 150_000),
            (5, u64::from(i.is_multiple_of(10)) * 30_000),
            (6, u64::from(i == 0) * 400),
        ]
    };
    let states: StateTimes = times.into_iter().filter(|t| t.1 > 0).collect();
    Request {
        goid: 48_075 + i,
        start_ns: i * 80 * MS + i * 29 % 40 * MS,
        dur_ns: states.iter().map(|s| s.1).sum(),
        root: u32::from(i % 20 == 3),
        states,
        at_least_ns: (i % 20 == 7).then_some(1_000 * i).into(),
        may_be_several: i % 40 == 7,
        ..Request::default()
    }
}

/// The stacks that samples, wake-ups and the path share.
struct SharedStacks {
    fetch: NodeIdx,
    lock: NodeIdx,
    render: NodeIdx,
    hostile: NodeIdx,
    handler: NodeIdx,
    /// What the holder did, as samples have it: below the root that waited for it.
    foreign_waits: NodeIdx,
    foreign_reads: NodeIdx,
    foreign_runs: NodeIdx,
    /// The same as pieces of the path have it.
    holder_waits: NodeIdx,
    holder_reads: NodeIdx,
    holder_runs: NodeIdx,
    holder_unlocks: NodeIdx,
    sibling_unlocks: NodeIdx,
}

impl SharedStacks {
    fn new(tree: &mut StackTree) -> Self {
        let conn = ("net/http.(*conn).serve", "/go/src/net/http/server.go", 2102);
        let handler = (HANDLER, "/app/server.go", 33);
        let go = (ProfileFrame::GO, "go statement", 0);
        let waiting = (ProfileFrame::WAITING_FOR, "other goroutine", 0);
        let read = ("internal/poll.(*FD).Read", "/go/src/internal/poll/fd_unix.go", 165);
        let mutex = ("sync.(*Mutex).Lock", "/go/src/sync/mutex.go", 46);
        let unlock = ("sync.(*Mutex).Unlock", "/go/src/sync/mutex.go", 60);
        let cart = ("github.com/shop/cart.load[...]", "/app/cart/cart.go", 30);
        let user = ("main.fetchUser", "/app/user.go", 12);
        let refresh = ("main.(*Cache).refresh", "/app/cache.go", 71);
        let fill = ("main.(*Cache).fill", "/app/cache.go", 90);
        let root = (HANDLER, "", 0);
        let fetching = [user, ("net.(*conn).Read", "/net/net.go", 179), read];
        let child = |n| [conn, handler, go, ("main.(*Server).Handler.func1", "/app/server.go", n)];
        let locking = [&child(44)[..], &[cart, mutex]].concat();
        let held = [("main.(*Cache).lock", "/app/cache.go", 60), mutex];
        let mut holder = |above: &[_], more: &[_]| stack(tree, &[above, &[refresh], more].concat());
        Self {
            foreign_waits: holder(&[root, cart, mutex, waiting], &held),
            foreign_reads: holder(&[root, cart, mutex, waiting], &[fill, read]),
            foreign_runs: holder(&[root, cart, mutex, waiting], &[fill]),
            holder_waits: holder(&[], &held),
            holder_reads: holder(&[], &[fill, read]),
            holder_runs: holder(&[], &[fill]),
            fetch: stack(tree, &[&child(40)[..2], &[waiting], &child(40)[3..], &fetching].concat()),
            lock: stack(tree, &locking),
            render: stack(tree, &[conn, handler, ("main.render", "/app/render.go", 77)]),
            hostile: stack(tree, &[conn, handler, ("main.\x1b[31mred;\u{202e}x", "/app/\x1b.go", 1)]),
            handler: stack(tree, &[conn, handler]),
            holder_unlocks: stack(tree, &[refresh, unlock]),
            sibling_unlocks: stack(tree, &[cart, unlock]),
        }
    }
}

impl SharedStacks {
    /// The state of the request's own wait.
    fn waited_in(&self, stack: NodeIdx) -> &'static str {
        let of_holder = [self.foreign_waits, self.foreign_reads, self.foreign_runs].contains(&stack);
        if of_holder {
            "sync"
        } else if stack == self.fetch {
            "chan receive"
        } else {
            ""
        }
    }
}

fn samples(stacks: &SharedStacks, list: &[Request]) -> Vec<Sample> {
    let of = |state: u16| list.iter().flat_map(|r| r.states.iter()).filter(|s| s.0 == state).map(|s| s.1).sum::<u64>();
    let slow_sync: u64 = SLOW.map(|i| list[i as usize].states.iter().nth(3).map_or(0, |state| state.1)).iter().sum();
    let other = "main.Other";
    let exact = Precision::Exact;
    [
        (stacks.fetch, 2, "", exact, HANDLER, 57, of(2) - 160 * MS),
        (stacks.fetch, 2, "", exact, other, 3, 10 * MS),
        (stacks.foreign_reads, 2, "", exact, HANDLER, 3, 150 * MS),
        (stacks.foreign_waits, 3, "mutex", exact, HANDLER, 3, slow_sync),
        (stacks.lock, 3, "mutex", exact, HANDLER, 15, of(3) - slow_sync),
        (stacks.render, 0, "", Precision::Bracketed, HANDLER, 180, of(0) - 50 * MS),
        (stacks.render, 0, "mark assist", Precision::Sampled, HANDLER, 7, 20 * MS),
        (stacks.foreign_runs, 0, "", Precision::Bracketed, HANDLER, 3, 30 * MS),
        (stacks.render, 1, "", exact, HANDLER, 180, of(1)),
        (stacks.hostile, 4, "cgo", exact, HANDLER, 12, of(4)),
        (stacks.handler, 5, "", exact, HANDLER, 6, of(5)),
        (StackTree::ROOT, 6, "", exact, HANDLER, 1, of(6)),
        (stacks.fetch, 1, "", exact, HANDLER, 60, 0),
    ]
    .map(|(stack, state, detail, precision, root, events, latency_ns)| Sample {
        stack,
        state: STATES[state].into(),
        detail,
        precision,
        root: root.into(),
        waited_in: stacks.waited_in(stack).into(),
        weight: Weight { events, goroutine_ns: latency_ns * 2 + events, latency_ns },
    })
    .into()
}

fn wakeups(stacks: &SharedStacks) -> Vec<Wakeup> {
    let row = |waiting, state: &str, detail, waker, waker_stack, count, wait_ms, max_ms| Wakeup {
        waiting,
        state: state.into(),
        detail,
        waker,
        waker_stack,
        count,
        wait_ns: wait_ms * MS,
        max_ns: max_ms * MS,
        ..Wakeup::default()
    };
    let none = StackTree::ROOT;
    let refresher = Wakeup { waker_goid: Some(19), waker_entry: "main.(*Cache).refresh".into(), ..Wakeup::default() };
    vec![
        row(stacks.fetch, "network", "", WakerKind::Network, none, 60, 1_190, 61),
        Wakeup {
            waker_goid: refresher.waker_goid,
            waker_entry: refresher.waker_entry,
            ..row(stacks.lock, "sync", "mutex", WakerKind::Outside, stacks.holder_unlocks, 16, 590, 190)
        },
        row(stacks.handler, "sync", "wait group", WakerKind::Inside, stacks.render, 40, 200, 190),
        row(stacks.lock, "sync", "mutex", WakerKind::Sibling, stacks.sibling_unlocks, 2, 3, 2),
        row(stacks.render, "GC assist wait", "", WakerKind::Runtime, none, 1, 2, 2),
        row(stacks.render, "sleep", "", WakerKind::Timer, none, 1, 1, 1),
        row(none, "chan receive", "", WakerKind::Unknown, none, 1, 1, 1),
    ]
}

/// Lane and path of the 38th request, in ms times ten.
fn slowest(stacks: &SharedStacks) -> Exemplar {
    let lane = |goid, entry: &str, parent, kind, pieces: &[(u64, u64, u16)]| Lane {
        goid,
        entry: entry.into(),
        parent,
        kind,
        pieces: pieces
            .iter()
            .map(|&(at, dur, state)| LanePiece {
                start_ns: at * 100_000,
                dur_ns: dur * 100_000,
                state,
                ..LanePiece::default()
            })
            .collect(),
        ..Lane::default()
    };
    let inside = WakerKind::Inside;
    let lanes = vec![
        lane(48_113, HANDLER, None, inside, &[(0, 12, 0), (12, 1998, 3), (2010, 10, 1), (2020, 110, 0)]),
        lane(48_118, "main.fetchUser", Some(0), inside, &[(12, 7, 1), (19, 5, 0), (24, 610, 2), (634, 6, 0)]),
        lane(
            48_120,
            "main.(*Server).Handler.func1",
            Some(0),
            inside,
            &[(12, 3, 1), (15, 8, 0), (23, 1900, 3), (1923, 7, 1), (1930, 80, 0)],
        ),
        lane(
            19,
            "main.(*Cache).refresh",
            None,
            WakerKind::Outside,
            &[(0, 1323, 3), (1323, 500, 2), (1823, 100, 0), (1923, 207, 5)],
        ),
    ];
    let path = [
        (0, 12, 0, 0, stacks.handler),
        (12, 3, 2, 1, stacks.lock),
        (15, 8, 2, 0, stacks.lock),
        (23, 1300, 3, 3, stacks.holder_waits),
        (1323, 500, 3, 2, stacks.holder_reads),
        (1823, 100, 3, 0, stacks.holder_runs),
        (1923, 7, 2, 1, stacks.lock),
        (1930, 80, 2, 0, stacks.lock),
        (2010, 10, 0, 1, stacks.handler),
        (2020, 110, 0, 0, stacks.render),
    ]
    .map(|(at, dur, on, state, stack)| PathPiece {
        start_ns: at * 100_000,
        dur_ns: dur * 100_000,
        lane: Some(on),
        goid: lanes[on].goid,
        state: STATES[state].into(),
        stack,
    });
    let hand_overs = [
        (12, 0, 2, "", StackTree::ROOT),
        (1923, 3, 2, STATES[3], stacks.lock),
        (2010, 2, 0, STATES[3], stacks.handler),
    ]
    .map(|(at, from, to, state, stack): (u64, usize, usize, &str, NodeIdx)| HandOver {
        at_ns: at * 100_000,
        from: Some(from),
        from_goid: lanes[from].goid,
        to: Some(to),
        to_goid: lanes[to].goid,
        state: state.into(),
        stack,
    });
    Exemplar { request: 38, path: path.into(), hand_overs: hand_overs.into(), lanes, more_lanes: 2, more_pieces: 0 }
}

#[test]
fn the_sample_is_consistent() {
    let profile = sample_requests();
    let requests = profile.requests.as_ref().unwrap();
    let latency = requests.latency.as_ref().unwrap();
    let slowest = requests.slowest.as_ref().unwrap();
    assert_eq!(profile.total.latency_ns, latency.total_ns);
    assert_eq!(requests.list[slowest.request].dur_ns, latency.max_ns);
    let path: u64 = slowest.path.iter().map(|p| p.dur_ns).sum();
    assert_eq!(path, latency.max_ns);
    assert_eq!(slowest.lanes.iter().map(|l| l.path_ns).sum::<u64>(), path);
    assert!(slowest.path.windows(2).all(|w| w[0].start_ns + w[0].dur_ns == w[1].start_ns));
}
