//! The `gotrace-slice` command.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::install_panic_hook();
    cli::remove_on_signals();
    cli::main()
}
