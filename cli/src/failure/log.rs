//! What is said of a log that is not whole.

use fob_api::{LogBreak, LogReport};

use crate::render::printable;

/// Returns what is wrong, and where.
pub(super) fn fact(report: &LogReport) -> String {
    let whole = report.lines.unwrap_or_default();
    let places = report.breaks.as_deref().unwrap_or_default();
    let count = (places.len() as u64).saturating_add(report.more.unwrap_or_default());
    if count > 1 {
        return format!("the log is broken at {count} places; {whole} lines are in order.");
    }
    let (file, line) = (report.file.clone(), report.line);
    let place = place(&LogBreak { file, line, ..LogBreak::default() });
    let place = if place.is_empty() { place } else { format!(" at {place}") };
    let what = what(report.wrong.as_deref());
    format!("the log is broken{place}: {what}; {whole} other lines are in order.")
}

/// Returns a line for each place where a log is broken, if there are several.
pub(crate) fn places(report: &LogReport) -> String {
    let places = report.breaks.as_deref().unwrap_or_default();
    if places.len() < 2 {
        return String::new();
    }
    let line = |broken: &LogBreak| {
        let number = broken.seq.map(|seq| format!(" (number {seq})")).unwrap_or_default();
        format!("{}{number}: {}\n", place(broken), what(broken.wrong.as_deref()))
    };
    let mut text: String = places.iter().map(line).collect();
    if let Some(more @ 1..) = report.more {
        text.push_str(&format!("and {more} more\n"));
    }
    text
}

fn place(broken: &LogBreak) -> String {
    let file = broken.file.as_deref().map(printable).filter(|file| !file.is_empty());
    match (file, broken.line) {
        (Some(file), Some(line)) => format!("{file}, line {line}"),
        (Some(file), None) => file,
        (None, _) => String::new(),
    }
}

fn what(word: Option<&str>) -> &'static str {
    match word {
        Some("altered") => "a line is not as it was written",
        Some("file_missing") => "a file is missing before this place",
        Some("lines_missing") => "lines are missing before this place",
        Some("truncated") => "lines are missing at the end",
        _ => "something is wrong",
    }
}

/// Returns what to do about it.
pub(super) const HINT: &str = "compare with \"journalctl -u fobd\"; copy /var/lib/fobd/log away \
    before you look for who could write there as root. The place stays in the log until its file \
    is rotated away.";
