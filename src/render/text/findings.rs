//! What stands out, and what to do about it.

use super::layout::{ALERT, BOLD, DIM, View, width, wrapped};
use super::sentences;
use crate::profile::{Profile, Requests};
use crate::render::findings::{self, FindingStyle};
use std::io::{self, Write};

/// Columns of the finding's sign, and of the gaps around it and its id.
const SIGN: usize = 4;

/// Nothing where nothing stands out.
pub(super) fn write(view: &View<'_>, profile: &Profile, requests: &Requests, out: &mut dyn Write) -> io::Result<()> {
    if requests.findings.is_empty() {
        return Ok(());
    }
    view.title(out, "FINDINGS", &sentences::findings(requests))?;
    let style = FindingStyle { unit: view.options.unit, full_names: view.options.full_names };
    let ids = requests.findings.iter().map(|f| width(f.id)).max().unwrap_or(0);
    let indent = SIGN + ids + 2;
    for finding in &requests.findings {
        let text = findings::text(finding, profile, requests, style);
        let text = view.ascii(format!("{text} Next: {}.", findings::next(finding.id)));
        let (sign, of_id) = if finding.important { ("!", ALERT) } else { ("i", BOLD) };
        let head = format!(
            "  {} {}{:gap$}",
            view.paint(of_id, sign),
            view.paint(DIM, finding.id),
            "",
            gap = ids + 2 - width(finding.id)
        );
        let lines = wrapped(&text, indent, view.options.width);
        for (i, line) in lines.iter().enumerate() {
            // The first line's indent is where sign and id stand.
            let line = &view.link_places(line);
            let line = if i == 0 { format!("{head}{}", line.trim_start()) } else { line.clone() };
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}
