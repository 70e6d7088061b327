//! What is said of a log that is not whole.

use fob_api::LogReport;

use crate::render::printable;

/// Returns what is wrong, and where.
pub(super) fn fact(report: &LogReport) -> String {
    let file = report.file.as_deref().map(printable).filter(|file| !file.is_empty());
    let place = match (file, report.line) {
        (Some(file), Some(line)) => format!(" at {file}, line {line}"),
        (Some(file), None) => format!(" at {file}"),
        (None, _) => String::new(),
    };
    let whole = report.lines.unwrap_or_default();
    let what = match report.wrong.as_deref() {
        Some("altered") => "a line is not as it was written",
        Some("file_missing") => "a file is missing before this place",
        Some("lines_missing") => "lines are missing before this place",
        Some("truncated") => "lines are missing at the end",
        _ => "something is wrong",
    };
    format!("the log is broken{place}: {what}; {whole} lines before it are in order.")
}

/// Returns what to do about it.
pub(super) const HINT: &str = "compare with \"journalctl -u fobd\"; copy /var/lib/fobd/log away \
    before you look for who could write there as root. The place stays in the log until its file \
    is rotated away.";
