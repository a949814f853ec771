//! A file of options, as ripgrep has it: `GOTRACE_SLICE_CONFIG_PATH` names it, and nothing else does. Each line is one
//! argument; empty lines and lines that begin with `#` are none. They stand before those of the command line, which win.

use super::display_path;
use super::failure::{CliResult, Failure, reason};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The variable that names the file.
pub(crate) const VARIABLE: &str = "GOTRACE_SLICE_CONFIG_PATH";

/// The arguments of a run.
pub(crate) struct Arguments {
    /// The file of options, if one was read.
    pub(crate) config: Option<PathBuf>,
    /// The program, the file's, and then those that were typed.
    pub(crate) all: Vec<OsString>,
}

/// The arguments as they were typed, without the program. There may be very many: they are copied where they are needed.
pub(crate) fn typed() -> Vec<OsString> {
    std::env::args_os().skip(1).collect()
}

impl Arguments {
    /// What was typed, and the file that the environment names.
    pub(crate) fn of_process() -> CliResult<Self> {
        let mut typed = std::env::args_os();
        let program = typed.next().unwrap_or_else(|| "gotrace-slice".into());
        let typed: Vec<OsString> = typed.collect();
        let named = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let config = named.filter(|_| wants_config(&typed));
        let of_file = config.as_ref().map(|path| read(path)).transpose()?.unwrap_or_default();
        let all = std::iter::once(program).chain(of_file).chain(typed).collect();
        Ok(Self { config, all })
    }
}

/// `--no-config`, and what stands alone, take none.
fn wants_config(typed: &[OsString]) -> bool {
    let options = typed.iter().take_while(|word| *word != "--");
    let is_alone = |word: &OsStr| {
        let word = word.to_string_lossy();
        ["--no-config", "--generate", "--help", "-h", "--version", "-V"].contains(&&*word)
            || word.starts_with("--generate=")
    };
    !options.into_iter().any(|word| is_alone(word))
}

fn read(path: &std::path::Path) -> CliResult<Vec<OsString>> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        Failure::new(format!("{}: cannot read: {}", display_path(path), reason(&e)))
            .help(format!("{VARIABLE} names it; --no-config does without"))
    })?;
    Ok(arguments(&text).map(OsString::from).collect())
}

fn arguments(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_one_argument() {
        let text = "# how I like it\n\n--unit=ms\r\n  --exclude\nnet/http spaces stay\n";
        assert_eq!(arguments(text).collect::<Vec<_>>(), ["--unit=ms", "--exclude", "net/http spaces stay"]);
    }

    #[test]
    fn what_stands_alone_takes_none() {
        let wants = |typed: &[&str]| wants_config(&typed.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(wants(&["-r", "x", "t"]) && wants(&["--", "--no-config"]));
        assert!(!wants(&["t", "--no-config"]) && !wants(&["--generate=man"]) && !wants(&["-V"]));
    }
}
