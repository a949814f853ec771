//! `--label` and `--label-from-path`: what the user says of the traces.

use super::failure::{CliResult, Failure};
use super::report::Report;
use gotrace_slice::profile::TraceInfo;
use regex::Regex;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Labels of traces.
#[derive(Debug)]
pub(crate) struct Labels {
    /// Of all.
    given: Vec<(String, String)>,
    /// Each named group of it is a label.
    from_path: Option<Regex>,
}

/// Reads the value of `--label`.
pub(crate) fn parse(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write key=value".to_owned()),
    }
}

/// Reads the value of `--label-from-path`.
pub(crate) fn parse_path_pattern(text: &str) -> Result<Regex, String> {
    let regex = Regex::new(text).map_err(|e| e.to_string())?;
    if regex.capture_names().flatten().next().is_none() {
        return Err("it names no label: write (?<host>…) around the part of the path that is one".to_owned());
    }
    Ok(regex)
}

impl Labels {
    /// Labels of all of `traces`; a failure where a path does not match.
    pub(crate) fn new(given: &[(String, String)], from_path: Option<&Regex>, traces: &[PathBuf]) -> CliResult<Self> {
        let labels = Self { given: given.to_vec(), from_path: from_path.cloned() };
        for trace in traces {
            let _ = labels.of(&super::display_path(trace))?;
        }
        Ok(labels)
    }

    /// The labels of a trace. Those of `--label` stand above those of its path, and later ones above earlier ones.
    fn of(&self, path: &str) -> CliResult<BTreeMap<String, String>> {
        let mut labels = BTreeMap::new();
        if let Some(regex) = &self.from_path {
            let Some(found) = regex.captures(path) else {
                return Err(Failure::new(format!("{path}: --label-from-path '{regex}' does not match this path")));
            };
            let groups = regex.capture_names().flatten().filter_map(|name| Some((name, found.name(name)?)));
            labels.extend(groups.map(|(name, text)| (name.to_owned(), text.as_str().to_owned())));
        }
        labels.extend(self.given.iter().cloned());
        Ok(labels)
    }

    /// Adds the labels to the traces of a report.
    pub(crate) fn add_to(&self, report: &mut Report) -> CliResult<()> {
        let Report::Profile(profile) = report else { return Ok(()) };
        profile.traces.iter_mut().try_for_each(|trace: &mut TraceInfo| {
            // Those that a table has are of its traces; what is given now stands above them.
            if trace.table.is_some() {
                let given = self.given.iter().map(|(label, value)| (label.into(), value.into()));
                trace.labels.extend(given);
            } else {
                let labels = self.of(&trace.name)?.into_iter();
                trace.labels = labels.map(|(label, value)| (label.into(), value.into())).collect();
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(given: &[&str], from_path: Option<&str>, path: &str) -> Result<Vec<(String, String)>, String> {
        let given = given.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
        let from_path = from_path.map(parse_path_pattern).transpose()?;
        Labels { given, from_path }.of(path).map(|of| of.into_iter().collect()).map_err(|e| e.message)
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn labels_come_from_the_path_and_from_options() {
        let path = Some("(?<host>[^/]+)/(?<version>[^/]+)/");
        assert_eq!(labels(&[], path, "in/h1/1.10/a.trace"), Ok(pairs(&[("host", "in"), ("version", "h1")])));
        let path = Some("(?<host>[^/]+)/(?<version>[^/]+)/[^/]+$");
        assert_eq!(labels(&[], path, "in/h1/1.10/a.trace"), Ok(pairs(&[("host", "h1"), ("version", "1.10")])));
        let given = ["host=x", "zone=a=b", "zone=c"];
        let both = pairs(&[("host", "x"), ("version", "1"), ("zone", "c")]);
        assert_eq!(labels(&given, path, "h1/1/a"), Ok(both));
        assert_eq!(labels(&["a="], None, "t"), Ok(pairs(&[("a", "")])));
    }

    #[test]
    fn what_is_no_label_is_said() {
        assert!(labels(&["host"], None, "t").unwrap_err().contains("key=value"));
        assert!(labels(&["=x"], None, "t").unwrap_err().contains("key=value"));
        assert!(labels(&[], Some("([^/]+)/"), "t").unwrap_err().contains("names no label"));
        assert!(labels(&[], Some("(?<host>[^/]+)/"), "t").unwrap_err().contains("does not match"));
    }
}
