//! No siblings of a folder know each other in a circle: each can be read after those that it names.

use super::sources;
use std::collections::{BTreeMap, BTreeSet};

/// The names on the way from `src` to a module: `["trace", "v2"]`.
type ModulePath = Vec<String>;

/// Which of a folder's modules names which others.
type Siblings = BTreeMap<String, BTreeSet<String>>;

#[test]
fn no_siblings_know_each_other_in_a_circle() {
    let folders = siblings_by_folder(&code_by_module());
    assert!(folders.len() > 20, "paths were found in {} folders only", folders.len());
    let circles: Vec<String> = folders
        .iter()
        .filter_map(|(folder, siblings)| {
            let circle = find_circle(siblings)?;
            Some(format!("src/{}: {}", folder.join("/"), circle.join(" → ")))
        })
        .collect();
    assert!(circles.is_empty(), "move what both need into a file of its own: {circles:#?}");
}

#[test]
fn paths_are_found_in_groups_and_below_parents() {
    let module = module_path("a/b/c.rs");
    let found = |code: &str| {
        let paths = named_paths(code, &module);
        paths.iter().map(|path| path.join("::")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("let x = crate::d::f(self::y, super::e::Z);"), "d::f a::b::c::y a::b::e::Z");
    assert_eq!(found("use super::super::{self, d as e, f::{g, h::*}};"), "a a::d a::f::g a::f::h");
    assert_eq!(found("pub(crate) use crate::{\n    d::{E, F},\n    g,\n};"), "d::E d::F g");
    assert_eq!(found("pub(super) fn f(self) -> mycrate::d { Self::g(x::crate_::y) }"), "");
}

#[test]
fn circles_are_found_over_several_siblings() {
    let siblings = |edges: &[(&str, &str)]| {
        let mut siblings = Siblings::new();
        for (from, to) in edges {
            siblings.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        siblings
    };
    assert_eq!(find_circle(&siblings(&[("a", "b"), ("a", "c"), ("b", "c"), ("d", "a")])), None);
    let circle = find_circle(&siblings(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b")]));
    assert_eq!(circle, Some(["b", "c", "d", "b"].map(str::to_owned).to_vec()));
}

/// Each module's code, without tests.
fn code_by_module() -> BTreeMap<ModulePath, String> {
    let is_crate_root = |path: &str| matches!(path, "lib.rs" | "main.rs");
    sources()
        .iter()
        .filter(|file| !is_crate_root(&file.path))
        .map(|file| {
            let lines: Vec<&str> = file.code_without_tests().map(|(_, line)| line.as_str()).collect();
            (module_path(&file.path), lines.join("\n"))
        })
        .collect()
}

/// The module that a file below `src` holds.
fn module_path(file: &str) -> ModulePath {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// For each folder, which of its modules names which others: a path from `a::b::c` to `a::d::e` is one from `b` to `d`
/// in folder `a`. Parents and what is below them may name each other.
fn siblings_by_folder(modules: &BTreeMap<ModulePath, String>) -> BTreeMap<ModulePath, Siblings> {
    let mut folders: BTreeMap<ModulePath, Siblings> = BTreeMap::new();
    for (from, code) in modules {
        for mut to in named_paths(code, from) {
            while !to.is_empty() && !modules.contains_key(&to) {
                to.pop();
            }
            let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(a), Some(b)) = (from.get(shared), to.get(shared)) {
                let siblings = folders.entry(from[..shared].to_vec()).or_default();
                siblings.entry(a.clone()).or_default().insert(b.clone());
            }
        }
    }
    folders
}

/// What the code of `module` names by paths from `crate`, `super` and `self`.
fn named_paths(code: &str, module: &[String]) -> Vec<ModulePath> {
    let start = regex::Regex::new(r"(^|[^\w:$])(crate|super|self)::").unwrap();
    let mut paths = Vec::new();
    for found in start.captures_iter(code) {
        let first = found.get(2).expect("the path's first word");
        take_tree(&mut Tokens(&code[first.start()..]), &mut Vec::new(), &mut paths);
    }
    paths.iter().map(|path| resolve(path, module)).collect()
}

/// A path from the crate's root.
fn resolve(path: &[String], module: &[String]) -> ModulePath {
    let mut base = if path[0] == "crate" { Vec::new() } else { module.to_vec() };
    for word in path {
        match word.as_str() {
            "crate" | "self" => {}
            "super" => drop(base.pop()),
            name => base.push(name.to_owned()),
        }
    }
    base
}

/// The words and signs of code.
struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    /// Steps over a sign, if it comes next.
    fn skip(&mut self, sign: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// The word that comes next; empty if none does.
    fn word(&mut self) -> &'a str {
        let text = self.0.trim_start();
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.0 = rest;
        word
    }
}

/// Takes one path, or a group of them as in `a::{b, c::d}`; adds each to `paths`, after the path that it is in.
fn take_tree(tokens: &mut Tokens<'_>, before: &mut Vec<String>, paths: &mut Vec<ModulePath>) {
    let depth = before.len();
    loop {
        if tokens.skip("{") {
            while !tokens.skip("}") && !tokens.0.is_empty() {
                take_tree(tokens, before, paths);
                if tokens.skip("as ") {
                    tokens.word();
                }
                if !tokens.skip(",") && !tokens.0.trim_start().starts_with('}') {
                    break;
                }
            }
            break;
        }
        if !tokens.skip("*") {
            before.push(tokens.word().to_owned());
        }
        if !tokens.skip("::") {
            paths.push(before.clone());
            break;
        }
    }
    before.truncate(depth);
}

/// The first circle, from a module back to itself.
fn find_circle(siblings: &Siblings) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    siblings.keys().find_map(|start| walk(start, siblings, &mut Vec::new(), &mut done))
}

/// Goes from a module to all that it leads to, but for those from which no circle was found. `way` led to it.
fn walk<'a>(
    module: &'a str,
    siblings: &'a Siblings,
    way: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
) -> Option<Vec<String>> {
    if done.contains(module) {
        return None;
    }
    let was_here = way.iter().position(|&on_way| on_way == module);
    way.push(module);
    if let Some(start) = was_here {
        return Some(way[start..].iter().map(|&name| name.to_owned()).collect());
    }
    let next = siblings.get(module).into_iter().flatten();
    let circle = next.into_iter().find_map(|next| walk(next, siblings, way, done));
    way.pop();
    done.insert(module);
    circle
}
