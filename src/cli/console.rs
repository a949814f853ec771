//! Standard output and standard error: colours, widths, and the form of messages.

use super::failure::{Detail, Failure};
use super::wrap::wrap;
use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Color, Style};
use gotrace_slice::render::clean::clean;
use gotrace_slice::render::{Options, units};
use gotrace_slice::trace::error::Warning;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

const ERROR: Style = bold(AnsiColor::Red);
const WARNING: Style = bold(AnsiColor::Yellow);
const HELP: Style = bold(AnsiColor::Cyan);

/// Characters of a warning's message; names in it may be of any length.
const MAX_MESSAGE: usize = 1_000;

const fn bold(color: AnsiColor) -> Style {
    Style::new().bold().fg_color(Some(Color::Ansi(color)))
}

/// Whether to colour standard output, by `--color` and the environment (`NO_COLOR`, `CLICOLOR`, `TERM`).
pub(crate) fn stdout_has_color(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        choice => choice != ColorChoice::Never,
    }
}

/// Whether standard output is a terminal that shows links (`FORCE_HYPERLINK=1` says so of any), and escapes are wanted.
pub(crate) fn stdout_has_hyperlinks(choice: ColorChoice) -> bool {
    stdout_has_color(choice) && supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout)
}

/// Columns of standard output: the terminal's, `COLUMNS`, or the default.
pub(crate) fn width() -> usize {
    let terminal = || terminal_size::terminal_size_of(io::stdout()).map(|(w, _)| usize::from(w.0));
    let variable = || std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    terminal().filter(|&w| w > 0).or_else(variable).unwrap_or(Options::DEFAULT_WIDTH)
}

/// Whether the locale can show more than ASCII.
pub(crate) fn is_utf8() -> bool {
    if cfg!(windows) {
        return true;
    }
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
}

/// Standard error with its messages. A message that cannot be written is no reason to fail.
pub(crate) struct Console {
    choice: ColorChoice,
}

impl Console {
    pub(crate) fn new(choice: ColorChoice) -> Self {
        Self { choice }
    }

    fn stderr(&self) -> AutoStream<io::Stderr> {
        match self.choice {
            ColorChoice::Auto => AutoStream::auto(io::stderr()),
            choice => AutoStream::new(io::stderr(), choice),
        }
    }

    fn say(&self, style: Style, label: &str, text: &str) {
        self.line(&format!("{style}{label}:{style:#} {text}"), label.len() + 2);
    }

    /// A message on lines as long as the terminal's, set in from the second on. Where there is no terminal, programs read it: on
    /// one line.
    fn line(&self, text: &str, indent: usize) {
        let terminal = terminal_size::terminal_size_of(io::stderr()).map(|(width, _)| usize::from(width.0));
        let _ = writeln!(self.stderr(), "{}", wrap(text, terminal.unwrap_or(usize::MAX), indent));
    }

    /// `error: …`, what it is about, and `help: …`.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.say(ERROR, "error", &failure.message);
        for line in &failure.detail {
            match line {
                Detail::Words(text) => self.line(&format!("    {text}"), 4),
                Detail::AsItIs(text) => drop(writeln!(self.stderr(), "    {text}")),
            }
        }
        for line in &failure.help {
            if line.starts_with(' ') {
                let _ = writeln!(self.stderr(), "{line}");
            } else {
                self.say(HELP, "help", line);
            }
        }
    }

    /// `warning: trace.out: …, at byte …`. The name is left out when it is not known.
    pub(crate) fn warning(&self, name: Option<&str>, warning: &Warning) {
        let mut text = name.map_or_else(String::new, |n| format!("{}: ", clean(n)));
        text.extend(clean(&warning.message).chars().take(MAX_MESSAGE));
        if let Some(offset) = warning.offset.filter(|_| !warning.message.contains("at byte")) {
            let lost =
                if warning.bytes > 0 { format!(", {} not used", units::bytes(warning.bytes)) } else { String::new() };
            let _ = write!(text, " (at byte {}{lost})", units::count(offset));
        }
        // What costs no data is only worth knowing.
        let (style, label) = if warning.data_lost { (WARNING, "warning") } else { (HELP, "note") };
        self.say(style, label, &text);
    }

    /// What was done, and a command for it, which stays on one line.
    pub(crate) fn note(&self, text: &str, command: Option<&str>) {
        self.say(HELP, "note", &clean(text));
        if let Some(command) = command {
            let _ = writeln!(self.stderr(), "    {}", clean(command));
        }
    }

    /// What the parser of arguments says is wrong; its lines stay lines.
    pub(crate) fn usage(&self, error: &clap::Error) {
        for line in error.render().ansi().to_string().trim_end().lines() {
            self.line(line, "error: ".len());
        }
    }

    /// A warning that is not about a trace.
    pub(crate) fn remark(&self, text: &str) {
        self.say(WARNING, "warning", &clean(text));
    }

    /// A line of `-v`.
    pub(crate) fn verbose(&self, text: &str) {
        self.line(&clean(text), 2);
    }
}

/// Whether messages of progress would be seen.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
