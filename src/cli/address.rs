//! A trace that is named by its address in the network: the program opens no connection, so it says what to type instead.

use super::args::Args;
use super::display_path;
use super::failure::{CliResult, Failure};
use gotrace_slice::render::shell;
use std::ffi::OsString;
use std::path::Path;

/// Where a trace is kept that is read from a server.
const KEPT: &str = "trace.out";
/// What serves traces, where `net/http/pprof` is imported.
const ENDPOINT: &str = "debug/pprof/trace?seconds=5";

/// Refuses addresses. `typed` gives the command line as it was typed, without the program.
pub(crate) fn check(args: &Args, typed: impl FnOnce() -> Vec<OsString>) -> CliResult<()> {
    let is_address = |path: &&std::path::PathBuf| is_url(&display_path(path)) && !path.exists();
    if let Some(base) = args.vs.iter().find(is_address) {
        let url = with_endpoint(&display_path(base));
        return Err(refused(base)
            .help("read it with curl, and give the file:")
            .help(format!("    curl -sS {} -o base.out", shell::quote(&url))));
    }
    let Some(trace) = args.traces.iter().find(is_address) else { return Ok(()) };
    let url = with_endpoint(&display_path(trace));
    let typed = typed();
    let words =
        typed.iter().map(|word| if Path::new(word) == trace { "-".to_owned() } else { display_path(word.as_ref()) });
    let words: Vec<String> = words.map(|word| shell::quote(&word).into_owned()).collect();
    let command = format!("    curl -sS {} | tee {KEPT} | gotrace-slice {}", shell::quote(&url), words.join(" "));
    Err(refused(trace).help("read it with curl:").help(command))
}

fn refused(path: &Path) -> Failure {
    Failure::new(format!("{}: is an address, and gotrace-slice opens no connection", display_path(path)))
}

fn is_url(text: &str) -> bool {
    let scheme = |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    scheme("http://") || scheme("https://")
}

/// An address of a server alone, with that of its traces.
fn with_endpoint(url: &str) -> String {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    match url[host..].split_once('/') {
        None => format!("{url}/{ENDPOINT}"),
        Some((_, "")) => format!("{url}{ENDPOINT}"),
        Some((_, "debug/pprof" | "debug/pprof/")) => {
            format!("{}/{}", url.trim_end_matches('/'), ENDPOINT.trim_start_matches("debug/pprof/"))
        }
        Some(_) => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn said(typed: &[&str]) -> Vec<String> {
        let args = Args::try_parse_from(std::iter::once(&"gotrace-slice").chain(typed)).unwrap();
        check(&args, || typed.iter().map(OsString::from).collect()).map_or_else(|failure| failure.help, |()| Vec::new())
    }

    #[test]
    fn the_line_to_type_is_the_command_with_curl_before_it() {
        let url = "http://HOST/debug/pprof/trace?seconds=5";
        assert_eq!(
            said(&["-r", "a b", url])[1],
            format!("    curl -sS '{url}' | tee trace.out | gotrace-slice -r 'a b' -")
        );
        assert_eq!(said(&["-r", "x", "--vs", url, "t"])[1], format!("    curl -sS '{url}' -o base.out"));
        assert!(said(&["-r", "http://x", "trace.out"]).is_empty());
    }

    #[test]
    fn a_server_alone_gets_the_endpoint() {
        for url in ["http://h:6060", "http://h:6060/", "http://h:6060/debug/pprof", "http://h:6060/debug/pprof/"] {
            assert_eq!(with_endpoint(url), "http://h:6060/debug/pprof/trace?seconds=5");
        }
        assert_eq!(with_endpoint("HTTPS://h/x/trace"), "HTTPS://h/x/trace");
    }
}
