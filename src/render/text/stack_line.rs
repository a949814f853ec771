//! One stack on one line: outermost user function → … → leaf.

use super::layout::{View, width};
use crate::profile::ProfileFrame;
use crate::render::names;
use std::hash::{Hash, Hasher};

/// Frames looked at from either end: no line shows more, and fitting stays cheap.
const MAX_PIECES: usize = 48;
/// Frames tried for the room that is left between the ends.
const MAX_TRIES: usize = 12;
/// Columns of a cut name that still say something beside the `…` for its callees.
const MIN_NAME: usize = 10;
/// Before the name of a goroutine that another one waits for.
const WAITS_FOR: &str = "waits for ";

/// A stack ready to be fitted into a line. Equal chains look the same.
#[derive(PartialEq, Eq)]
pub(super) struct StackLine {
    /// Names from the outermost to the leaf.
    pieces: Vec<String>,
    /// The pieces in the order in which they deserve room.
    wanted: Vec<usize>,
    /// `user.go:12` of the innermost frame that is the user's own.
    pub(super) place: String,
    /// The whole chain, for sorting by name.
    pub(super) key: String,
}

impl Hash for StackLine {
    /// The key is all pieces: chains with equal ones are hardly ever different.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
        self.place.hash(state);
    }
}

impl StackLine {
    /// Whether the leaf has this name.
    pub(super) fn ends_with(&self, name: &str) -> bool {
        self.pieces.last().is_some_and(|leaf| leaf == name)
    }

    /// Whether a frame is the user's own.
    pub(super) fn is_user(frame: &ProfileFrame) -> bool {
        !frame.is_pseudo() && !names::is_std(&frame.function)
    }

    /// Reads a stack, innermost frame first. Of one with a frame of the user's own before the first pseudo frame, which
    /// is not [`ProfileFrame::WAITING_FOR`], the frames beyond the one after that do not matter.
    pub(super) fn new(stack: &[&ProfileFrame], full_names: bool) -> Self {
        match stack.split_first() {
            Some((leaf, rest)) if leaf.function == ProfileFrame::AFTER_LAST_STACK => {
                let mut line = Self::of_frames(rest, full_names);
                line.end_with(&leaf.function);
                line
            }
            _ => Self::of_frames(stack, full_names),
        }
    }

    /// Adds a pseudo frame at the leaf, which deserves room before the outer frames.
    fn end_with(&mut self, pseudo: &str) {
        self.wanted.insert(self.wanted.len().min(1), self.pieces.len());
        self.pieces.push(pseudo.to_owned());
        self.key = self.pieces.join(" ");
    }

    fn of_frames(stack: &[&ProfileFrame], full_names: bool) -> Self {
        let own_end = stack.iter().position(|f| f.is_pseudo()).unwrap_or(stack.len());
        // A goroutine of the same request stands below its own creation, and is shown like any child.
        let is = |at: usize, name: &str| stack.get(at).is_some_and(|f| f.function == name);
        let inside = own_end + 1 >= stack.len() || is(own_end + 1, ProfileFrame::GO);
        let foreign = is(own_end, ProfileFrame::WAITING_FOR) && !inside;
        let is_user = |f: &&ProfileFrame| Self::is_user(f);
        let own = trimmed(&stack[..own_end]);
        let outermost = own.iter().rposition(is_user);
        let mut shown: Vec<&ProfileFrame> = own[..outermost.map_or(own.len(), |i| i + 1)].to_vec();
        let mut pieces: Vec<String> =
            shown.iter().map(|f| names::function(&f.function, full_names).into_owned()).collect();
        let n_own = shown.len();
        // The request that waits for another goroutine is named before it, and who started one without user code.
        let creator = stack[own_end..].iter().find(|f| is_user(f)).filter(|_| foreign || outermost.is_none());
        if (foreign || creator.is_some())
            && let Some(first) = pieces.last_mut()
        {
            first.insert_str(0, if foreign { WAITS_FOR } else { "go " });
        }
        if let Some(creator) = creator {
            pieces.push(names::function(&creator.function, full_names).into_owned());
            shown.push(creator);
        }
        let place = stack.iter().find(|f| is_user(f)).or(stack.first());
        let place = place.map_or_else(String::new, |f| names::place(&f.file, f.line));
        let (pieces, wanted) = outermost_first(pieces, &shown, shown.len() > n_own, foreign);
        let key = pieces.join(" ");
        Self { pieces, wanted, place, key }
    }

    /// The piece that deserves room first: the innermost function of the user's own.
    pub(super) fn innermost(&self) -> &str {
        self.wanted.first().map_or("an unknown stack", |&i| &self.pieces[i])
    }

    /// As much of the chain as fits: first the innermost user function, then the leaf, the outermost, and the rest.
    pub(super) fn fit(&self, view: &View<'_>, max: usize) -> String {
        if self.pieces.is_empty() {
            return view.fit("(no stack recorded)", max);
        }
        let mut keep = vec![true; self.pieces.len()];
        let whole = self.join(view, &keep);
        if width(&whole) <= max {
            return whole;
        }
        keep.fill(false);
        // The first is shown even if only its end fits.
        let first = self.wanted[0];
        keep[first] = true;
        let alone = self.join(view, &keep);
        if width(&alone) > max {
            let rest = width(&alone) - width(&self.pieces[first]);
            return match max.checked_sub(rest).filter(|&room| room >= MIN_NAME) {
                Some(room) => alone.replacen(&self.pieces[first], &cut(view, &self.pieces[first], room), 1),
                None => cut(view, &self.pieces[first], max),
            };
        }
        for &i in self.wanted.iter().skip(1).take(MAX_TRIES) {
            keep[i] = true;
            if width(&self.join(view, &keep)) > max {
                keep[i] = false;
            }
        }
        self.join(view, &keep)
    }

    fn join(&self, view: &View<'_>, keep: &[bool]) -> String {
        let mut parts: Vec<&str> = Vec::new();
        for (piece, &kept) in self.pieces.iter().zip(keep) {
            if kept {
                parts.push(piece);
            } else if !parts.is_empty() && parts.last() != Some(&view.glyphs.dots) {
                parts.push(view.glyphs.dots);
            }
        }
        parts.join(view.glyphs.arrow)
    }
}

/// The end of a name, its most telling part; after [`WAITS_FOR`] if the piece begins so and there is room.
fn cut(view: &View<'_>, piece: &str, max: usize) -> String {
    match (piece.strip_prefix(WAITS_FOR), max.checked_sub(WAITS_FOR.len())) {
        (Some(name), Some(room)) if room >= MIN_NAME => format!("{WAITS_FOR}{}", view.fit_end(name, room)),
        _ => view.fit_end(piece, max),
    }
}

/// Without the frames at the leaf that only park the goroutine, unless there are no others.
fn trimmed<'a, 'b>(own: &'a [&'b ProfileFrame]) -> &'a [&'b ProfileFrame] {
    let first = own.iter().position(|f| !names::only_parks(&f.function)).unwrap_or(0);
    &own[first..]
}

/// Turns pieces round, cuts what is beyond reading, and ranks them.
fn outermost_first(
    mut pieces: Vec<String>,
    shown: &[&ProfileFrame],
    by_creator: bool,
    foreign: bool,
) -> (Vec<String>, Vec<usize>) {
    let mut user: Vec<bool> = shown.iter().map(|f| !names::is_std(&f.function)).collect();
    pieces.reverse();
    user.reverse();
    if pieces.len() > 2 * MAX_PIECES {
        let middle = MAX_PIECES..pieces.len() - MAX_PIECES;
        pieces.splice(middle.clone(), []);
        user.splice(middle, []);
    }
    let last = pieces.len().saturating_sub(1);
    // Where only the creator is the user's, what it started says more than the creator.
    let innermost_user = user.iter().rposition(|&u| u).map(|i| if by_creator && i == 0 { 1 } else { i });
    // Another goroutine's name says what it is to this one: that must not get lost.
    let other = (by_creator || foreign).then_some(usize::from(by_creator));
    let mut wanted: Vec<usize> = other.into_iter().chain(innermost_user).chain([last, 0]).collect();
    wanted.extend((0..pieces.len()).rev().filter(|&i| user[i]));
    wanted.extend(innermost_user.map(|i| i + 1));
    wanted.extend((0..pieces.len()).rev());
    let mut seen = vec![false; pieces.len()];
    wanted.retain(|&i| i < seen.len() && !std::mem::replace(&mut seen[i], true));
    (pieces, wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Options;

    fn frame(function: &str, line: u32) -> ProfileFrame {
        ProfileFrame { function: function.into(), file: format!("/src/f{line}.go"), line }
    }

    fn chain(functions: &[&str], max: usize) -> (String, String) {
        let frames: Vec<ProfileFrame> = functions.iter().zip(1..).map(|(f, line)| frame(f, line)).collect();
        let stack: Vec<&ProfileFrame> = frames.iter().collect();
        let options = Options::default();
        let chain = StackLine::new(&stack, false);
        (chain.fit(&View::new(&options), max), chain.place)
    }

    #[test]
    fn a_chain_begins_at_the_users_code_and_drops_the_parking_frames() {
        let stack = ["runtime.gopark", "sync.(*Mutex).Lock", "main.load", "main.H", "net/http.(*conn).serve"];
        assert_eq!(chain(&stack, 80), ("main.H → main.load → sync.(*Mutex).Lock".into(), "f3.go:3".into()));
        assert_eq!(chain(&stack, 32).0, "main.load → sync.(*Mutex).Lock");
        assert_eq!(chain(&stack, 22).0, "main.H → main.load → …");
        assert_eq!(chain(&stack, 15).0, "main.load → …");
        assert_eq!(chain(&stack, 6).0, "….load");
        let stack = ["time.Sleep", "main.FanOutHandler.func1.1"];
        assert_eq!(chain(&stack, 27).0, "….FanOutHandler.func1.1 → …");
    }

    #[test]
    fn what_follows_the_last_stack_ends_with_a_pseudo_frame() {
        let stack = ["[after the last stack]", "main.loop", "main.worker"];
        assert_eq!(chain(&stack, 80), ("main.worker → main.loop → [after the last stack]".into(), "f2.go:2".into()));
        assert_eq!(chain(&stack, 40).0, "main.loop → [after the last stack]");
        assert_eq!(chain(&["[after the last stack]"], 40).0, "[after the last stack]");
    }

    #[test]
    fn a_goroutine_without_user_code_names_its_creator() {
        let stack = ["internal/poll.(*FD).Read", "net/http.(*persistConn).readLoop", "[go]", "net/http.dial", "main.H"];
        let expected = "main.H → go http.(*persistConn).readLoop → poll.(*FD).Read";
        assert_eq!(chain(&stack, 80), (expected.into(), "f5.go:5".into()));
        assert_eq!(chain(&stack, 40).0, "go http.(*persistConn).readLoop → …");
    }

    #[test]
    fn a_wait_for_another_goroutine_says_so() {
        let stack = ["internal/poll.(*FD).Read", "main.fill", "main.refresh", "[waiting for]", "main.H"];
        let expected = "main.H → waits for main.refresh → main.fill → poll.(*FD).Read";
        assert_eq!(chain(&stack, 80), (expected.into(), "f2.go:2".into()));
        assert_eq!(chain(&stack, 46).0, "waits for main.refresh → main.fill → …");
        assert_eq!(chain(&stack, 28).0, "waits for main.refresh → …");
        assert_eq!(chain(&stack, 24).0, "waits for …n.refresh → …");
        assert_eq!(chain(&["runtime.gopark", "[waiting for]", "main.H"], 40).0, "main.H → waits for runtime.gopark");
        // A server's own function is no news, that the goroutine is another one is.
        let stack = ["time.Sleep", "main.nap", "main.worker", "[waiting for]", "net/http.serverHandler.ServeHTTP"];
        assert_eq!(chain(&stack, 80).0, "waits for main.worker → main.nap → time.Sleep");
        assert_eq!(chain(&stack, 30).0, "waits for main.worker → …");
    }

    #[test]
    fn a_goroutine_of_the_same_request_is_shown_as_a_child() {
        let stack = ["time.Sleep", "main.H.func1", "[waiting for]", "[go]", "main.H"];
        assert_eq!(chain(&stack, 80).0, "main.H.func1 → time.Sleep");
        assert_eq!(chain(&["time.Sleep", "main.H.func1", "[waiting for]"], 80).0, "main.H.func1 → time.Sleep");
        let stack = ["internal/poll.(*FD).Read", "net/http.(*persistConn).readLoop", "[waiting for]", "[go]", "main.H"];
        assert_eq!(chain(&stack, 80).0, "main.H → go http.(*persistConn).readLoop → poll.(*FD).Read");
    }

    #[test]
    fn odd_stacks_have_a_text_too() {
        assert_eq!(chain(&[], 40).0, "(no stack recorded)");
        assert_eq!(chain(&["runtime.gopark"], 40), ("runtime.gopark".into(), "f1.go:1".into()));
        assert_eq!(chain(&["[go]", "main.main"], 40).0, "main.main");
        let deep = vec!["main.recurse"; 5000];
        assert!(width(&chain(&deep, 60).0) <= 60);
    }
}
