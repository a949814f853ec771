//! Which goroutine is at work for whom, while critical paths are walked back: a forest whose trees are linked, cut
//! and credited.
//!
//! A goroutine that waits delegates to the one that ended its wait; the root of a tree is the one at work. What the
//! root does counts for every request in its tree. So a credit is written at the root alone, and a node's sum is
//! what stands on its way up to the root; linking and cutting keep it.
//!
//! Most ways up are a step or two long, and are simply gone up. Where one is long, as in a queue at a lock, the
//! forest turns into a link-cut tree (Sleator and Tarjan, without change of root), in which all of this takes
//! logarithmic time: a forest of single nodes is one already.

mod link_cut;

use crate::slice::WindowIdx;

/// A node.
pub(crate) type NodeId = u32;

/// No node.
pub(crate) const NOBODY: NodeId = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Splay tree of the preferred path; the left is nearer to the root. None while ways are short.
    left: NodeId,
    right: NodeId,
    /// Above in the splay tree; at its top, the node that the path hangs on.
    parent: NodeId,
    /// Requests that ride on this very node.
    own: Dependents,
    /// Requests in trees that hang on this node but not on its preferred path. Not kept while ways are short.
    hanging: Dependents,
    /// Requests of the whole splay tree and what hangs on it; while ways are short, of the tree below.
    total: Dependents,
}

const BLANK: Node = Node {
    left: NOBODY,
    right: NOBODY,
    parent: NOBODY,
    own: Dependents::NONE,
    hanging: Dependents::NONE,
    total: Dependents::NONE,
};

/// Requests, as far as matters: how many, and which one if it is one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Dependents {
    pub(crate) count: u32,
    /// All their numbers, by exclusive or.
    which: u32,
}

impl Dependents {
    const NONE: Self = Self { count: 0, which: 0 };

    /// One request.
    fn one(request: WindowIdx) -> Self {
        Self { count: 1, which: request.0 }
    }

    /// The request, if there is exactly one.
    #[inline]
    pub(crate) fn only(self) -> Option<WindowIdx> {
        (self.count == 1).then_some(WindowIdx(self.which))
    }

    #[inline]
    fn and(self, other: Self) -> Self {
        Self { count: self.count.wrapping_add(other.count), which: self.which ^ other.which }
    }

    #[inline]
    fn without(self, other: Self) -> Self {
        Self { count: self.count.wrapping_sub(other.count), which: self.which ^ other.which }
    }
}

/// Numbers of this many states are added up at a time.
const LANES: usize = 8;

type Lane = [u64; LANES];

/// Steps of the longest way that is simply gone up: about as many cost as much as a step in the link-cut tree.
const SHORT: u32 = 100;

/// The forest. Sums have one number per state, of the states that were credited so far.
#[derive(Debug)]
pub(crate) struct WaitForForest {
    /// Rows of numbers of a node, and as many of its splay tree.
    lanes: usize,
    nodes: Vec<Node>,
    /// Per node, its own numbers. Differences, so they wrap.
    numbers: Vec<Lane>,
    /// Per node, the numbers of its splay tree; empty while ways are short.
    sums: Vec<Lane>,
    free: Vec<NodeId>,
    /// What was asked for last.
    found: Vec<Lane>,
    /// Whether a way was long.
    long: bool,
}

impl Default for WaitForForest {
    fn default() -> Self {
        Self {
            lanes: 1,
            nodes: Vec::new(),
            numbers: Vec::new(),
            sums: Vec::new(),
            free: Vec::new(),
            found: Vec::new(),
            long: false,
        }
    }
}

impl WaitForForest {
    /// A node by itself. As only differences of its numbers count, it may begin with any.
    #[inline]
    pub(crate) fn add(&mut self) -> NodeId {
        if let Some(node) = self.free.pop() {
            self.nodes[node as usize] = BLANK;
            if self.long {
                let at = self.row(node);
                self.numbers[at..at + self.lanes].fill(Lane::default());
                self.sums[at..at + self.lanes].fill(Lane::default());
            }
            return node;
        }
        self.grow()
    }

    #[cold]
    fn grow(&mut self) -> NodeId {
        self.nodes.push(BLANK);
        self.numbers.resize(self.nodes.len() * self.lanes, Lane::default());
        if self.long {
            self.sums.resize(self.numbers.len(), Lane::default());
        }
        self.nodes.len() as NodeId - 1
    }

    /// Makes room for a further state.
    #[cold]
    fn widen(&mut self, state: usize) {
        let before = self.lanes;
        self.lanes = (state / LANES + 1).next_power_of_two();
        for numbers in [&mut self.numbers, &mut self.sums] {
            let mut wider = vec![Lane::default(); numbers.len() / before * self.lanes];
            for (from, to) in numbers.chunks_exact(before).zip(wider.chunks_exact_mut(self.lanes)) {
                to[..before].copy_from_slice(from);
            }
            *numbers = wider;
        }
    }

    /// Gives a node back that is alone in its tree.
    #[inline]
    pub(crate) fn release(&mut self, node: NodeId) {
        self.free.push(node);
    }

    /// Where a node's numbers stand.
    #[inline]
    fn row(&self, node: NodeId) -> usize {
        node as usize * self.lanes
    }

    fn node(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    fn total(&self, node: NodeId) -> Dependents {
        if node == NOBODY { Dependents::NONE } else { self.nodes[node as usize].total }
    }

    /// Goes on as a link-cut tree if a way was long: single nodes are splay trees.
    #[inline]
    fn went_up(&mut self, steps: u32) {
        if steps > SHORT {
            self.lengthen();
        }
    }

    #[cold]
    fn lengthen(&mut self) {
        self.long = true;
        self.sums.clone_from(&self.numbers);
        for node in &mut self.nodes {
            node.hanging = node.total.without(node.own);
        }
    }

    /// Changes which requests ride on a node and on all above it. While ways are short.
    #[inline]
    fn change_up(&mut self, node: NodeId, change: impl Fn(Dependents) -> Dependents) {
        let (mut at, mut steps) = (node, 0);
        while at != NOBODY {
            let one = self.node(at);
            one.total = change(one.total);
            at = one.parent;
            steps += 1;
        }
        self.went_up(steps);
    }

    /// Puts the numbers of a node and of all above it together with those of `into`. While ways are short.
    #[inline]
    fn gather(&mut self, into: NodeId, node: NodeId, change: impl Fn(u64, u64) -> u64) {
        for lane in 0..self.lanes {
            let row = self.row(into) + lane;
            let mut gathered = self.numbers[row];
            let mut at = node;
            while at != NOBODY {
                let above = &self.numbers[self.row(at) + lane];
                for (number, above) in gathered.iter_mut().zip(above) {
                    *number = change(*number, *above);
                }
                at = self.nodes[at as usize].parent;
            }
            self.numbers[row] = gathered;
        }
    }

    /// A request rides on a node from now on.
    pub(crate) fn board(&mut self, node: NodeId, request: WindowIdx) {
        self.change_riders(node, |riders| riders.and(Dependents::one(request)));
    }

    /// A request does not ride on a node any more.
    pub(crate) fn alight(&mut self, node: NodeId, request: WindowIdx) {
        self.change_riders(node, |riders| riders.without(Dependents::one(request)));
    }

    fn change_riders(&mut self, node: NodeId, change: impl Fn(Dependents) -> Dependents) {
        if self.long {
            self.access(node);
        }
        let one = self.node(node);
        one.own = change(one.own);
        if self.long {
            self.pull(node);
        } else {
            self.change_up(node, change);
        }
    }

    /// Requests that ride on a node or on what delegates to it.
    #[inline]
    pub(crate) fn requests(&mut self, node: NodeId) -> Dependents {
        if self.long {
            self.access(node);
            let Node { own, hanging, .. } = self.nodes[node as usize];
            return own.and(hanging);
        }
        self.nodes[node as usize].total
    }

    /// The root of a node's tree.
    #[inline]
    pub(crate) fn root(&mut self, node: NodeId) -> NodeId {
        if self.long {
            return self.far_root(node);
        }
        let (mut at, mut steps) = (node, 0);
        loop {
            let above = self.nodes[at as usize].parent;
            if above == NOBODY {
                self.went_up(steps);
                return at;
            }
            at = above;
            steps += 1;
        }
    }

    /// `node`, a root, delegates to `to`, which is in another tree.
    #[inline]
    pub(crate) fn link(&mut self, node: NodeId, to: NodeId) {
        if self.long {
            return self.link_far(node, to);
        }
        self.gather(node, to, u64::wrapping_sub);
        self.node(node).parent = to;
        let riders = self.nodes[node as usize].total;
        self.change_up(to, |above| above.and(riders));
    }

    /// `node` works itself again.
    #[inline]
    pub(crate) fn cut(&mut self, node: NodeId) {
        if self.long {
            return self.cut_far(node);
        }
        let Node { parent, total, .. } = self.nodes[node as usize];
        self.gather(node, parent, u64::wrapping_add);
        self.node(node).parent = NOBODY;
        self.change_up(parent, |above| above.without(total));
    }

    /// All requests of a root's tree spend `ns` in a state.
    #[inline]
    pub(crate) fn credit(&mut self, root: NodeId, state: usize, ns: u64) {
        if state >= self.lanes * LANES {
            self.widen(state);
        }
        let row = self.row(root) + state / LANES;
        if self.long {
            self.access(root);
        }
        let number = &mut self.numbers[row][state % LANES];
        *number = number.wrapping_add(ns);
        if self.long {
            let sum = &mut self.sums[row][state % LANES];
            *sum = sum.wrapping_add(ns);
        }
    }

    /// The same where there is just one request in the tree; gives that request. Does nothing elsewhere, where ways are
    /// long, and where there is no room for the state yet.
    #[inline]
    pub(crate) fn credit_one(&mut self, root: NodeId, state: usize, ns: u64) -> Option<WindowIdx> {
        if self.long || state >= self.lanes * LANES {
            return None;
        }
        let only = self.nodes[root as usize].total.only()?;
        let at = self.row(root) * LANES + state;
        let number = &mut self.numbers.as_flattened_mut()[at];
        *number = number.wrapping_add(ns);
        Some(only)
    }

    /// What a node's requests were credited, state by state; differences of two times count.
    pub(crate) fn credited(&mut self, node: NodeId) -> &[u64] {
        self.found.clear();
        if self.long {
            self.access(node);
            let row = self.row(node);
            self.found.extend_from_slice(&self.sums[row..row + self.lanes]);
            return self.found.as_flattened();
        }
        self.found.resize(self.lanes, Lane::default());
        let (mut at, mut steps) = (node, 0);
        while at != NOBODY {
            let row = self.row(at);
            let numbers = &self.numbers[row..row + self.lanes];
            for (sum, number) in self.found.as_flattened_mut().iter_mut().zip(numbers.as_flattened()) {
                *sum = sum.wrapping_add(*number);
            }
            at = self.nodes[at as usize].parent;
            steps += 1;
        }
        self.went_up(steps);
        self.found.as_flattened()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same forest, slowly.
    #[derive(Default)]
    struct Plain {
        parent: Vec<NodeId>,
        credited: Vec<(u64, u64)>,
        own: Vec<Vec<u32>>,
    }

    impl Plain {
        fn root(&self, node: NodeId) -> NodeId {
            let mut at = node;
            while self.parent[at as usize] != NOBODY {
                at = self.parent[at as usize];
            }
            at
        }

        fn is_under(&self, node: NodeId, above: NodeId) -> bool {
            let mut at = node;
            loop {
                if at == above {
                    return true;
                }
                if self.parent[at as usize] == NOBODY {
                    return false;
                }
                at = self.parent[at as usize];
            }
        }
    }

    #[test]
    fn does_what_a_plain_forest_does() {
        let mut seed = 7u64;
        let mut random = move |n: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % n
        };
        let n = 40u32;
        let mut forest = WaitForForest::default();
        let mut plain = Plain::default();
        for _ in 0..n {
            forest.add();
            plain.parent.push(NOBODY);
            plain.credited.push((0, 0));
            plain.own.push(Vec::new());
        }
        for step in 0..30_000 {
            if step == 20_000 {
                // The same forest goes on as a link-cut tree.
                assert!(!forest.long);
                forest.lengthen();
            }
            let a = random(u64::from(n)) as NodeId;
            let b = random(u64::from(n)) as NodeId;
            match random(5) {
                0 if plain.parent[a as usize] == NOBODY && plain.root(b) != a => {
                    forest.link(a, b);
                    plain.parent[a as usize] = b;
                }
                1 if plain.parent[a as usize] != NOBODY => {
                    forest.cut(a);
                    plain.parent[a as usize] = NOBODY;
                }
                2 => {
                    let (root, ns) = (plain.root(a), random(100));
                    let late = step > 10_000 && random(2) == 0;
                    forest.credit(root, if late { 19 } else { 1 }, ns);
                    for node in 0..n {
                        if plain.root(node) == root {
                            let (early, last) = &mut plain.credited[node as usize];
                            *if late { last } else { early } += ns;
                        }
                    }
                }
                3 => {
                    let (request, riders) = (random(3) as u32 * n + a, &mut plain.own[a as usize]);
                    if let Some(at) = riders.iter().position(|r| *r == request) {
                        riders.remove(at);
                        forest.alight(a, WindowIdx(request));
                    } else {
                        riders.push(request);
                        forest.board(a, WindowIdx(request));
                    }
                }
                _ => {
                    assert_eq!(forest.root(a), plain.root(a));
                    let credited = forest.credited(a);
                    // The last state came when the forest already stood.
                    let last = credited.get(19).copied().unwrap_or(0);
                    assert_eq!((credited[1], last), plain.credited[a as usize]);
                    let under = (0..n).filter(|&x| plain.is_under(x, b)).flat_map(|x| &plain.own[x as usize]);
                    let under: Vec<_> = under.collect();
                    let only = if let [one] = under[..] { Some(WindowIdx(*one)) } else { None };
                    assert_eq!((forest.requests(b).count as usize, forest.requests(b).only()), (under.len(), only));
                }
            }
        }
    }

    #[test]
    fn a_long_chain_costs_no_more_than_its_length() {
        let n = 200_000;
        let mut forest = WaitForForest::default();
        for i in 0..n {
            let node = forest.add();
            if i > 0 {
                forest.link(node - 1, node);
            }
        }
        for i in 0..n {
            forest.credit(n - 1, 0, 1);
            assert_eq!(forest.credited(i)[0], u64::from(i + 1));
        }
    }
}
