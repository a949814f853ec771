//! `--generate`: completions and the man page, for packagers and for those who installed with cargo.

use super::arg_values::Generate;
use super::args::Args;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::io::{self, Write};

/// Writes what was asked for.
pub(crate) fn write(what: Generate, out: &mut dyn Write) -> io::Result<()> {
    let mut command = Args::command();
    let shell = match what {
        Generate::Bash => Shell::Bash,
        Generate::Zsh => Shell::Zsh,
        Generate::Fish => Shell::Fish,
        Generate::PowerShell => Shell::PowerShell,
        Generate::Elvish => Shell::Elvish,
        Generate::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page)?;
            return out.write_all(with_headings(&String::from_utf8_lossy(&page)).as_bytes());
        }
    };
    // The generators panic on a writer that fails, so they write to memory.
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, "gotrace-slice", &mut text);
    out.write_all(&text)
}

/// The man page with examples and exit codes under headings of their own: what follows the options is one text to its
/// generator.
fn with_headings(page: &str) -> String {
    let examples = ".SH EXAMPLES\n.nf\n";
    let exit_codes = ".fi\n.SH \"EXIT STATUS\"\n.nf\n";
    let page = page.replace(".SH EXTRA\nExamples:\n", examples).replace("\nExit codes:\n", &format!("\n{exit_codes}"));
    page.replace(".SH VERSION", ".fi\n.SH VERSION")
}
