//! What options take: words, and values that are read here.

use super::{only, rules, time_range};
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _};
use gotrace_slice::compare::{LatencyRule, MatchBy};
use gotrace_slice::profile::Only;
use gotrace_slice::render::{FORMATS, Format};
use gotrace_slice::slice::TimeRange;
use regex::Regex;

/// Where `--root` looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum RootByArg {
    Creation,
    Entry,
    Stack,
    Stretch,
    Task,
    Region,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum MetricArg {
    Latency,
    Goroutine,
    Events,
}

/// How stacks of children are shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum StacksArg {
    Joined,
    Own,
}

/// What rows are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum SortArg {
    Time,
    Count,
    Name,
}

/// Unit of durations.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum UnitArg {
    Auto,
    Ns,
    Us,
    Ms,
    S,
}

/// When to use colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum ColorArg {
    Auto,
    Always,
    Never,
}

/// What `--generate` prints.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Generate {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Elvish,
    Man,
}

pub(super) fn format_parser() -> impl clap::builder::TypedValueParser<Value = &'static Format> {
    let names = FORMATS.iter().map(|f| PossibleValue::new(f.name).help(f.about));
    PossibleValuesParser::new(names).try_map(|name| Format::by_name(&name).ok_or("unknown format"))
}

pub(super) fn parse_goid(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "a goroutine is named by its number, such as 18".to_owned())
}

pub(super) fn parse_by(text: &str) -> Result<MatchBy, String> {
    match text {
        "function" => Ok(MatchBy::Function),
        "line" => Ok(MatchBy::Line),
        _ => match text.parse() {
            Ok(depth) if depth > 0 => Ok(MatchBy::Depth(depth)),
            _ => Err("it is function, line, or a number of functions from 1 on".to_owned()),
        },
    }
}

pub(super) fn parse_count(text: &str) -> Result<usize, String> {
    text.parse().map_err(|_| "give a number of rows; 0 shows all".to_owned())
}

/// Bytes: a number, with k, M, G or T for thousands, millions, …
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().trim_end_matches('b') {
        "" => 1,
        "k" => 1_000,
        "m" => 1_000_000,
        "g" => 1_000_000_000,
        "t" => 1_000_000_000_000,
        _ => 0,
    };
    let size = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).filter(|&size| size > 0);
    size.ok_or_else(|| "give a number of bytes, such as 500M or 20G".to_owned())
}

pub(super) fn parse_only(text: &str) -> Result<(String, Only), String> {
    only::parse(text).map(|only| (text.to_owned(), only))
}

pub(super) fn parse_rule(text: &str) -> Result<(String, LatencyRule), String> {
    rules::parse(text).map(|rule| (text.to_owned(), rule))
}

/// An expression, as pprof takes it.
pub(super) fn parse_regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|e| e.to_string().lines().last().unwrap_or_default().to_owned())
}

pub(super) fn parse_range(text: &str) -> Result<(String, TimeRange), String> {
    time_range::parse(text).map(|range| (text.to_owned(), range))
}
