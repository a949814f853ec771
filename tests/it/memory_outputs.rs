//! Memory that an output takes for what it lists: 200 bytes for each request, and 16 for each piece of its time.

#![allow(clippy::print_stdout, reason = "tests say what they measured")]

use crate::common::is_alone;
use crate::memory::HEAP;
use crate::page_summed::made_up;
use gotrace_slice::profile::Profile;
use gotrace_slice::render::{self, FORMATS};

/// Whatever the number of requests: a row group of a table with its dictionaries, and what compresses.
const ROOM: usize = 12 << 20;

/// Bytes that an output of a profile may take.
fn allowed(profile: &Profile) -> usize {
    let stacks = profile.requests.as_ref().and_then(|requests| requests.stacks.as_ref()).expect("stacks");
    let pieces: usize = (0..stacks.len()).map(|i| stacks.of(i).count()).sum();
    println!("{} requests, {pieces} pieces", stacks.len());
    assert!(stacks.len() >= 30_000 && pieces >= 1_000_000);
    ROOM + 200 * stacks.len() + 16 * pieces
}

#[test]
fn what_an_output_lists_by_request_takes_little() {
    if !is_alone(module_path!(), "what_an_output_lists_by_request_takes_little") {
        return;
    }
    let before = HEAP.current_usage();
    let measured = |work: &mut dyn FnMut()| {
        HEAP.reset_peak_usage();
        work();
        HEAP.peak_usage().saturating_sub(before)
    };
    let mut profile = Profile::default();
    let mut peaks = vec![("profile", measured(&mut || profile = made_up()))];
    for format in &FORMATS {
        let write = &mut || (format.profile)(&profile, &render::Options::default(), &mut std::io::sink());
        peaks.push((format.name, measured(&mut || write().expect("a sink"))));
    }
    let allowed = allowed(&profile);
    for (name, peak) in &peaks {
        println!("{name:12} {:8} kB of {} kB", peak >> 10, allowed >> 10);
    }
    let too_much: Vec<_> = peaks.iter().filter(|(_, peak)| *peak > allowed).collect();
    assert!(too_much.is_empty(), "{too_much:?}, and {allowed} are allowed");
}
