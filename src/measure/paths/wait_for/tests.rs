//! The forest against a naive one, in both of its forms.

use super::{NodeId, WaitForForest};
use crate::slice::WindowIdx;

/// The same forest, slowly.
#[derive(Default)]
struct NaiveForest {
    parent: Vec<NodeId>,
    credited: Vec<(u64, u64)>,
    own: Vec<Vec<u32>>,
    alive: Vec<NodeId>,
}

impl NaiveForest {
    fn add(&mut self, node: NodeId, credited: (u64, u64)) {
        let n = self.parent.len().max(node.at() + 1);
        self.parent.resize(n, NodeId::NONE);
        self.credited.resize(n, (0, 0));
        self.own.resize(n, Vec::new());
        (self.parent[node.at()], self.credited[node.at()]) = (NodeId::NONE, credited);
        self.alive.push(node);
    }

    /// Whether a node waits for a root that nothing else needs.
    fn is_alone_below_root(&self, node: NodeId) -> bool {
        let root = self.parent[node.at()];
        root != NodeId::NONE
            && self.parent[root.at()] == NodeId::NONE
            && self.own[root.at()].is_empty()
            && self.alive.iter().filter(|other| self.parent[other.at()] == root).count() == 1
    }

    fn root(&self, node: NodeId) -> NodeId {
        let mut at = node;
        while self.parent[at.at()] != NodeId::NONE {
            at = self.parent[at.at()];
        }
        at
    }

    fn is_under(&self, node: NodeId, above: NodeId) -> bool {
        let mut at = node;
        loop {
            if at == above {
                return true;
            }
            if self.parent[at.at()] == NodeId::NONE {
                return false;
            }
            at = self.parent[at.at()];
        }
    }
}

fn random_numbers() -> impl FnMut(u64) -> u64 {
    let mut seed = 7u64;
    move |n| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % n
    }
}

#[test]
fn does_what_a_naive_forest_does() {
    let mut random = random_numbers();
    let n = 40u32;
    let mut forest = WaitForForest::default();
    let mut naive = NaiveForest::default();
    for _ in 0..n {
        let node = forest.add_node();
        naive.add(node, (0, 0));
    }
    for step in 0..30_000 {
        if step == 20_000 {
            // The same forest goes on as a link-cut tree.
            assert!(!forest.is_link_cut);
            forest.become_link_cut();
        }
        let a = naive.alive[random(naive.alive.len() as u64) as usize];
        let b = naive.alive[random(naive.alive.len() as u64) as usize];
        match random(8) {
            0 if naive.parent[a.at()] == NodeId::NONE && naive.root(b) != a => {
                forest.link(a, b);
                naive.parent[a.at()] = b;
            }
            1 if naive.parent[a.at()] != NodeId::NONE => {
                forest.cut(a);
                naive.parent[a.at()] = NodeId::NONE;
            }
            2 => {
                let (root, ns) = (naive.root(a), random(100));
                let late = step > 10_000 && random(2) == 0;
                forest.credit(root, if late { 19 } else { 1 }, ns);
                for node in naive.alive.clone() {
                    if naive.root(node) == root {
                        let (early, last) = &mut naive.credited[node.at()];
                        let of_state = if late { last } else { early };
                        // That of a new node starts anywhere.
                        *of_state = of_state.wrapping_add(ns);
                    }
                }
            }
            3 => {
                let (request, dependents) = (random(3) as u32 * 1000 + a.0, &mut naive.own[a.at()]);
                if let Some(at) = dependents.iter().position(|r| *r == request) {
                    dependents.remove(at);
                    forest.remove(a, WindowIdx(request));
                } else {
                    dependents.push(request);
                    forest.add(a, WindowIdx(request));
                }
            }
            4 if naive.parent[a.at()] == NodeId::NONE && naive.alive.len() < 60 => {
                let new = forest.add_root_above(a);
                naive.add(new, two_states(forest.credited(new)));
                naive.parent[a.at()] = new;
            }
            5 if naive.is_alone_below_root(a) => {
                assert!(forest.is_only_waiter(a));
                forest.remove_root_above(a);
                let root = std::mem::replace(&mut naive.parent[a.at()], NodeId::NONE);
                naive.alive.retain(|node| *node != root);
            }
            6 if naive.own[a.at()].is_empty() && !forest.has_waiters(a) && naive.alive.len() > 20 => {
                forest.remove_node(a);
                naive.alive.retain(|node| *node != a);
            }
            _ => {
                assert_eq!(forest.root(a), naive.root(a));
                assert_eq!(two_states(forest.credited(a)), naive.credited[a.at()]);
                let under = naive.alive.iter().filter(|x| naive.is_under(**x, b)).flat_map(|x| &naive.own[x.at()]);
                let under: Vec<_> = under.collect();
                let only = if let [one] = under[..] { Some(WindowIdx(*one)) } else { None };
                assert_eq!((forest.dependents(b).count as usize, forest.dependents(b).only()), (under.len(), only));
            }
        }
    }
}

/// What was credited in the two states of the test. The last one came when the forest already stood.
fn two_states(credited: &[u64]) -> (u64, u64) {
    (credited[1], credited.get(19).copied().unwrap_or(0))
}

/// Whether `credit_fast` credits, and if so the same as `credit`; it leaves everything as it was if not.
#[test]
fn fast_credits_are_credits_for_one_request() {
    let mut random = random_numbers();
    let (mut general, mut fast) = (WaitForForest::default(), WaitForForest::default());
    let n = 12u32;
    for _ in 0..n {
        assert_eq!(general.add_node(), fast.add_node());
    }
    for request in 0..3 {
        let node = NodeId(random(u64::from(n)) as u32);
        general.add(node, WindowIdx(request));
        fast.add(node, WindowIdx(request));
    }
    let (mut n_fast, mut n_general) = (0, 0);
    for step in 0..20_000 {
        if step == 15_000 {
            general.become_link_cut();
            fast.become_link_cut();
        }
        let (a, b) = (NodeId(random(u64::from(n)) as u32), NodeId(random(u64::from(n)) as u32));
        if general.root(a) != a {
            general.cut(a);
            fast.cut(a);
        } else if random(3) == 0 && general.root(b) != a {
            general.link(a, b);
            fast.link(a, b);
        }
        let (root, state, ns) = (general.root(a), random(20) as usize, random(100));
        let before = fast.credited(root).to_vec();
        if fast.credit_fast(root, state, ns) {
            n_fast += 1;
        } else {
            assert_eq!(fast.credited(root), before);
            fast.credit(root, state, ns);
            n_general += 1;
        }
        general.credit(root, state, ns);
        assert_eq!(general.credited(a), fast.credited(a));
    }
    assert!(n_fast > 1000 && n_general > 1000, "{n_fast} {n_general}");
}

#[test]
fn a_long_chain_costs_no_more_than_its_length() {
    let n = 200_000;
    let mut forest = WaitForForest::default();
    let mut last = forest.add_node();
    for _ in 1..n {
        let node = forest.add_node();
        forest.link(last, node);
        last = node;
    }
    for i in 0..n {
        forest.credit(last, 0, 1);
        assert_eq!(forest.credited(NodeId(i))[0], u64::from(i + 1));
    }
}
