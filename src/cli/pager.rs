//! A report that is longer than the screen goes through a pager, as git's do: `PAGER`, or else `less -RFX`.

use super::args::Args;
use super::unfinished;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::{Command, Stdio};

/// Colours are shown, a short text is not held up, and it stays on the screen afterwards.
const DEFAULT: &str = "less -RFX";

/// The pager for a report; none where none is wanted, or standard output is no terminal.
pub(crate) fn wanted(args: &Args) -> Option<String> {
    if args.no_pager || cfg!(not(unix)) || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return None;
    }
    let named = std::env::var("PAGER").unwrap_or_else(|_| DEFAULT.to_owned());
    Some(named).filter(|pager| !matches!(pager.trim(), "" | "cat"))
}

/// Whether a report does not fit on the screen, so long as it is known how high that is.
pub(crate) fn is_long(report: &[u8]) -> bool {
    let rows = terminal_size::terminal_size_of(io::stdout()).map_or(usize::MAX, |(_, rows)| usize::from(rows.0));
    // A line for the prompt.
    report.split(|byte| *byte == b'\n').count() > rows
}

/// Shows a report. `false` where the pager could not be started: then nothing was shown.
pub(crate) fn show(pager: &str, report: &[u8]) -> bool {
    let mut command = Command::new("sh");
    // Of words after `-c` the first is the name that the shell has in its own messages.
    command.args(["-c", pager, "gotrace-slice"]).stdin(Stdio::piped());
    // Ctrl-C is the pager's while it runs: without its parent it would go on in the background.
    unfinished::leave_interrupts(true);
    let shown = run(&mut command, report);
    unfinished::leave_interrupts(false);
    shown
}

fn run(command: &mut Command, report: &[u8]) -> bool {
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut stdin) = child.stdin.take() {
        // It may be left before it has read all.
        let _ = stdin.write_all(report);
    }
    let ended = child.wait();
    // The shell's words for a command that is not there, or cannot be run.
    !matches!(ended.map(|status| status.code()), Ok(Some(126 | 127)) | Err(_))
}
