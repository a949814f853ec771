//! Names of tasks and regions that differ in nothing but ids, as `GET /users/17` and `GET /users/4242` do.
//!
//! ```text
//!  GET /users/17      ┐
//!  GET /users/4242    ┴─ GET /users/…    ^GET /users/[0-9]+$
//!  GET /users/add     ── a word: a name of its own
//!  GET /v1/ping       ── `v1` is no number: a name of its own
//! ```
//!
//! An id stands alone between characters that are neither letters nor digits. It is a UUID; a hexadecimal number of eight
//! digits or more, of which one is decimal, or with `0x`; a decimal number right after `/`, `=`, `#` or `:`; elsewhere a
//! decimal number of four digits or more. So a phase 1 is not a phase 2, and a status 404 is not a 500. No part of a
//! version (`HTTP/2`, `/1.5`) is an id.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Stands for an id in a group's name.
const ANY_ID: char = '…';
/// Digits from which on a hexadecimal number, and a decimal number anywhere, is an id.
const LONG_HEX: usize = 8;
const LONG_DECIMAL: usize = 4;
/// Length of a UUID, and where its dashes are.
const UUID: usize = 36;
const UUID_DASHES: [usize; 4] = [8, 13, 18, 23];

/// What kind of id a part of a name is; the order is that of the alternatives in a pattern.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum IdKind {
    Decimal,
    LongDecimal,
    Hex,
    Prefixed,
    Uuid,
}

impl IdKind {
    fn pattern(self) -> &'static str {
        match self {
            Self::Decimal => "[0-9]+",
            Self::LongDecimal => "[0-9]{4,}",
            Self::Hex => "[0-9A-Fa-f]{8,}",
            Self::Prefixed => "0x[0-9A-Fa-f]+",
            Self::Uuid => "[0-9A-Fa-f-]{36}",
        }
    }

    /// Of a run of letters and digits between other characters; none for a word.
    fn of(run: &str, before: &str, after: &str) -> Option<Self> {
        let is_hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        if run.bytes().all(|b| b.is_ascii_digit()) {
            return Self::of_decimal(run, before, after);
        }
        if run.strip_prefix("0x").is_some_and(is_hex) {
            return Some(Self::Prefixed);
        }
        let is_long_hex = run.len() >= LONG_HEX && is_hex(run) && run.bytes().any(|b| b.is_ascii_digit());
        is_long_hex.then_some(Self::Hex)
    }

    fn of_decimal(run: &str, before: &str, after: &str) -> Option<Self> {
        let goes_on = after.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let is_version = before.ends_with("HTTP/") || goes_on;
        let is_key = before.ends_with(['/', '=', '#', ':']) && !is_version;
        match (is_key, run.len() >= LONG_DECIMAL) {
            (true, _) => Some(Self::Decimal),
            (false, true) => Some(Self::LongDecimal),
            (false, false) => None,
        }
    }
}

/// Names alike but for their ids.
#[derive(Clone, Debug)]
pub(super) struct NameGroup {
    /// The names between and around the ids.
    texts: Vec<String>,
    /// For each id, the kinds that it has in some name.
    kinds: Vec<Vec<IdKind>>,
}

impl NameGroup {
    /// Of one name; none if it holds no id.
    pub(super) fn of(name: &str) -> Option<Self> {
        let mut group = Self { texts: Vec::new(), kinds: Vec::new() };
        let (mut text_start, mut at) = (0, 0);
        while at < name.len() {
            let len = part_len(&name[at..]);
            if let Some(kind) = id(name, at, len) {
                group.texts.push(name[text_start..at].to_owned());
                group.kinds.push(vec![kind]);
                text_start = at + len;
            }
            at += len;
        }
        group.texts.push(name[text_start..].to_owned());
        (!group.kinds.is_empty()).then_some(group)
    }

    /// Adds another name of the same texts.
    pub(super) fn add(&mut self, other: &Self) {
        for (kinds, more) in self.kinds.iter_mut().zip(&other.kinds) {
            kinds.extend(more);
            kinds.sort_unstable();
            kinds.dedup();
        }
    }

    /// What all its names are called together.
    pub(super) fn name(&self) -> String {
        self.texts.join(&ANY_ID.to_string())
    }

    /// A regular expression that matches all its names, and other names only if they hold other ids of these kinds.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = "^".to_owned();
        for (i, text) in self.texts.iter().enumerate() {
            pattern.push_str(&regex::escape(text));
            let Some(kinds) = self.kinds.get(i) else { break };
            let all: Vec<&str> = kinds.iter().map(|kind| kind.pattern()).collect();
            let _ = if all.len() == 1 { write!(pattern, "{}", all[0]) } else { write!(pattern, "({})", all.join("|")) };
        }
        pattern + "$"
    }
}

/// The length of the first part of a text: a UUID, letters and digits, or one other character.
fn part_len(text: &str) -> usize {
    if starts_with_uuid(text) {
        return UUID;
    }
    let run = text.find(|c: char| !c.is_alphanumeric()).unwrap_or(text.len());
    if run > 0 { run } else { text.chars().next().map_or(1, char::len_utf8) }
}

fn starts_with_uuid(text: &str) -> bool {
    let is_sign = |(i, b): (usize, u8)| if UUID_DASHES.contains(&i) { b == b'-' } else { b.is_ascii_hexdigit() };
    let bytes = text.as_bytes();
    bytes.len() >= UUID
        && bytes.iter().copied().take(UUID).enumerate().all(is_sign)
        && text[UUID..].chars().next().is_none_or(|c| !c.is_alphanumeric())
}

/// The kind of id that a part of a name is; none if it is none.
fn id(name: &str, at: usize, len: usize) -> Option<IdKind> {
    let (before, part, after) = (&name[..at], &name[at..at + len], &name[at + len..]);
    if len == UUID && starts_with_uuid(part) {
        return Some(IdKind::Uuid);
    }
    part.starts_with(|c: char| c.is_ascii_alphanumeric()).then(|| IdKind::of(part, before, after)).flatten()
}

/// For each name the number of its group, where several names are alike but for their ids; and these groups.
pub(super) fn group_names<'a>(names: impl Iterator<Item = &'a str>) -> (Vec<Option<usize>>, Vec<NameGroup>) {
    let of_names: Vec<Option<NameGroup>> = names.map(NameGroup::of).collect();
    let mut members: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (i, group) in of_names.iter().enumerate() {
        if let Some(group) = group {
            members.entry(&group.texts).or_default().push(i);
        }
    }
    let (mut number_of, mut groups) = (vec![None; of_names.len()], Vec::new());
    for members in members.values().filter(|members| members.len() > 1) {
        let mut of_members = members.iter().filter_map(|&i| of_names[i].as_ref());
        let Some(mut group) = of_members.next().cloned() else { continue };
        of_members.for_each(|other| group.add(other));
        for &i in members {
            number_of[i] = Some(groups.len());
        }
        groups.push(group);
    }
    (number_of, groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Vec<(String, String)> {
        let (of, groups) = group_names(names.iter().copied());
        assert!(of.iter().flatten().all(|&i| i < groups.len()));
        for (name, group) in names.iter().zip(of).filter_map(|(name, group)| Some((name, &groups[group?]))) {
            assert!(regex::Regex::new(&group.pattern()).unwrap().is_match(name), "{name}: {}", group.pattern());
        }
        groups.iter().map(|g| (g.name(), g.pattern())).collect()
    }

    fn alike(name: &str, other: &str) -> bool {
        !groups(&[name, other]).is_empty()
    }

    #[test]
    fn names_that_differ_in_ids_are_a_group() {
        let uuid = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
        assert!(alike("GET /users/17", "GET /users/4242"));
        assert!(alike("GET /users/1/orders/2?page=3", "GET /users/3/orders/4?page=5"));
        assert!(alike("job 20241", "job 20242") && alike("job_20241", "job_20242"));
        assert!(alike(&format!("PUT /{uuid}/x"), "PUT /6ba7b811-9dad-11d1-80b4-00c04fd430c8/x"));
        assert!(alike("blob a9c01e5f", "blob 00c01e5f") && alike("page 0x1f", "page 0x2"));
        let mixed = groups(&["GET /é/1.", "GET /é/a9c01e5f.", "GET /é/2."]);
        assert_eq!(mixed, [("GET /é/….".into(), r"^GET /é/([0-9]+|[0-9A-Fa-f]{8,})\.$".into())]);
    }

    #[test]
    fn names_that_differ_in_a_word_or_a_version_are_not() {
        for (name, other) in [
            ("GET /users/add", "GET /users/sum"),
            ("GET /v1/ping", "GET /v2/ping"),
            ("phase 1", "phase 2"),
            ("status 404", "status 500"),
            ("HTTP/1", "HTTP/2"),
            ("lib/1.5", "lib/2.5"),
            ("GET /user1", "GET /user2"),
            ("GET /1st", "GET /2nd"),
            ("GET /é1", "GET /é2"),
            ("add deadbeef", "add facade"),
            ("GET /users/1", "PUT /users/1"),
            ("main.func1.2", "main.func1.3"),
        ] {
            assert!(!alike(name, other), "{name} {other}");
        }
        // One name alone is no group.
        assert!(groups(&["GET /users/17"]).is_empty());
    }
}
