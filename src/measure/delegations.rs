//! Which goroutine is at work for whom, while critical paths are walked back: a forest whose trees are linked, cut
//! and credited, each in logarithmic time (a link-cut tree after Sleator and Tarjan, without change of root).
//!
//! A goroutine that waits delegates to the one that ended its wait; the root of a tree is the one at work. What the
//! root does counts for every request in its tree. So a credit is written at the root alone, and a node's sum is
//! what stands on its way up to the root; linking and cutting keep it.

/// A node.
pub(super) type NodeId = u32;

/// No node.
pub(super) const NOBODY: NodeId = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Splay tree of the preferred path; the left is nearer to the root.
    left: NodeId,
    right: NodeId,
    /// Above in the splay tree; at its top, the node that the path hangs on.
    parent: NodeId,
    /// Requests that ride on this very node.
    own: u32,
    /// Requests in trees that hang on this node but not on its preferred path.
    hanging: u32,
    /// Requests of the whole splay tree and what hangs on it.
    total: u32,
}

const BLANK: Node = Node { left: NOBODY, right: NOBODY, parent: NOBODY, own: 0, hanging: 0, total: 0 };

/// The forest. Sums have one number per state.
#[derive(Default, Debug)]
pub(super) struct Delegations {
    states: usize,
    nodes: Vec<Node>,
    /// Per node: its own numbers, then those of its splay tree. Differences, so they wrap.
    numbers: Vec<u64>,
    free: Vec<NodeId>,
}

impl Delegations {
    /// With sums of `states` numbers.
    pub(super) fn new(states: usize) -> Self {
        Self { states, ..Self::default() }
    }

    /// A node by itself.
    pub(super) fn add(&mut self) -> NodeId {
        if let Some(node) = self.free.pop() {
            self.nodes[node as usize] = BLANK;
            let at = self.own_at(node);
            self.numbers[at..at + 2 * self.states].fill(0);
            return node;
        }
        self.nodes.push(BLANK);
        self.numbers.resize(self.nodes.len() * 2 * self.states, 0);
        self.nodes.len() as NodeId - 1
    }

    /// Gives a node back that is alone in its tree.
    pub(super) fn release(&mut self, node: NodeId) {
        self.free.push(node);
    }

    fn own_at(&self, node: NodeId) -> usize {
        node as usize * 2 * self.states
    }

    fn sum_at(&self, node: NodeId) -> usize {
        self.own_at(node) + self.states
    }

    fn node(&mut self, node: NodeId) -> &mut Node {
        &mut self.nodes[node as usize]
    }

    fn total(&self, node: NodeId) -> u32 {
        if node == NOBODY { 0 } else { self.nodes[node as usize].total }
    }

    /// So many requests ride on a node.
    pub(super) fn set_own(&mut self, node: NodeId, rides: u32) {
        self.access(node);
        self.node(node).own = rides;
        self.pull(node);
    }

    /// Requests that ride on a node or on what delegates to it.
    pub(super) fn requests(&mut self, node: NodeId) -> u32 {
        self.access(node);
        let node = self.nodes[node as usize];
        node.own + node.hanging
    }

    /// The root of a node's tree.
    pub(super) fn root(&mut self, node: NodeId) -> NodeId {
        self.access(node);
        let mut at = node;
        while self.nodes[at as usize].left != NOBODY {
            at = self.nodes[at as usize].left;
        }
        self.splay(at);
        at
    }

    /// `node`, a root, delegates to `to`, which is in another tree.
    pub(super) fn link(&mut self, node: NodeId, to: NodeId) {
        self.access(node);
        self.access(to);
        let (own, above) = (self.own_at(node), self.sum_at(to));
        for i in 0..self.states {
            self.numbers[own + i] = self.numbers[own + i].wrapping_sub(self.numbers[above + i]);
        }
        self.node(node).parent = to;
        self.pull(node);
        let total = self.total(node);
        self.node(to).hanging += total;
        self.pull(to);
    }

    /// `node` works itself again.
    pub(super) fn cut(&mut self, node: NodeId) {
        self.access(node);
        let left = self.nodes[node as usize].left;
        if left == NOBODY {
            return;
        }
        let (own, sum) = (self.own_at(node), self.sum_at(node));
        self.numbers.copy_within(sum..sum + self.states, own);
        self.node(left).parent = NOBODY;
        self.node(node).left = NOBODY;
        self.pull(node);
    }

    /// All requests of a root's tree spend `ns` in a state.
    pub(super) fn credit(&mut self, root: NodeId, state: usize, ns: u64) {
        self.access(root);
        let (own, sum) = (self.own_at(root) + state, self.sum_at(root) + state);
        self.numbers[own] = self.numbers[own].wrapping_add(ns);
        self.numbers[sum] = self.numbers[sum].wrapping_add(ns);
    }

    /// What a node's requests were credited, state by state; differences of two times count.
    pub(super) fn credited(&mut self, node: NodeId) -> &[u64] {
        self.access(node);
        let sum = self.sum_at(node);
        &self.numbers[sum..sum + self.states]
    }

    /// Computes a node's sums from those below it in its splay tree.
    fn pull(&mut self, node: NodeId) {
        let Node { left, right, own, hanging, .. } = self.nodes[node as usize];
        let total = own + hanging + self.total(left) + self.total(right);
        self.node(node).total = total;
        let (from, to) = (self.own_at(node), self.sum_at(node));
        self.numbers.copy_within(from..from + self.states, to);
        for child in [left, right] {
            if child != NOBODY {
                let below = self.sum_at(child);
                for i in 0..self.states {
                    self.numbers[to + i] = self.numbers[to + i].wrapping_add(self.numbers[below + i]);
                }
            }
        }
    }

    /// Whether a node is the top of its splay tree.
    fn is_top(&self, node: NodeId) -> bool {
        let parent = self.nodes[node as usize].parent;
        parent == NOBODY || {
            let above = self.nodes[parent as usize];
            above.left != node && above.right != node
        }
    }

    fn rotate(&mut self, node: NodeId) {
        let parent = self.nodes[node as usize].parent;
        let above = self.nodes[parent as usize].parent;
        let parent_is_top = self.is_top(parent);
        let is_left = self.nodes[parent as usize].left == node;
        let inner = if is_left { self.nodes[node as usize].right } else { self.nodes[node as usize].left };
        if is_left {
            self.node(parent).left = inner;
            self.node(node).right = parent;
        } else {
            self.node(parent).right = inner;
            self.node(node).left = parent;
        }
        if inner != NOBODY {
            self.node(inner).parent = parent;
        }
        self.node(parent).parent = node;
        self.node(node).parent = above;
        if !parent_is_top {
            if self.nodes[above as usize].left == parent {
                self.node(above).left = node;
            } else {
                self.node(above).right = node;
            }
        }
        self.pull(parent);
        self.pull(node);
    }

    fn splay(&mut self, node: NodeId) {
        while !self.is_top(node) {
            let parent = self.nodes[node as usize].parent;
            if !self.is_top(parent) {
                let above = self.nodes[parent as usize].parent;
                let same_side =
                    (self.nodes[above as usize].left == parent) == (self.nodes[parent as usize].left == node);
                self.rotate(if same_side { parent } else { node });
            }
            self.rotate(node);
        }
    }

    /// Makes the way from the root to `node` preferred, and `node` the top of its splay tree.
    fn access(&mut self, node: NodeId) {
        let one = self.nodes[node as usize];
        if one.parent == NOBODY && one.right == NOBODY {
            return;
        }
        let mut below = NOBODY;
        let mut at = node;
        while at != NOBODY {
            self.splay(at);
            let right = self.nodes[at as usize].right;
            let hangs_now = self.total(right);
            let hung_before = self.total(below);
            let me = self.node(at);
            me.hanging = me.hanging + hangs_now - hung_before;
            me.right = below;
            self.pull(at);
            below = at;
            at = self.nodes[at as usize].parent;
        }
        self.splay(node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same forest, slowly.
    #[derive(Default)]
    struct Plain {
        parent: Vec<NodeId>,
        credited: Vec<u64>,
        own: Vec<u32>,
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
        let mut forest = Delegations::new(2);
        let mut plain = Plain::default();
        for _ in 0..n {
            forest.add();
            plain.parent.push(NOBODY);
            plain.credited.push(0);
            plain.own.push(0);
        }
        for _ in 0..20_000 {
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
                    forest.credit(root, 1, ns);
                    for node in 0..n {
                        if plain.root(node) == root {
                            plain.credited[node as usize] += ns;
                        }
                    }
                }
                3 => {
                    plain.own[a as usize] = random(3) as u32;
                    forest.set_own(a, plain.own[a as usize]);
                }
                _ => {
                    assert_eq!(forest.root(a), plain.root(a));
                    assert_eq!(forest.credited(a), [0, plain.credited[a as usize]]);
                    let under = (0..n).filter(|&x| plain.is_under(x, b)).map(|x| plain.own[x as usize]).sum::<u32>();
                    assert_eq!(forest.requests(b), under);
                }
            }
        }
    }

    #[test]
    fn a_long_chain_costs_no_more_than_its_length() {
        let n = 200_000;
        let mut forest = Delegations::new(1);
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
