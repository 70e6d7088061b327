//! Events of the log as lines that people read, and as JSON.

use std::collections::BTreeMap;

use fob_api::{LogEntry, LogReport, Utc};
use serde_json::json;

use super::{NOTHING, json::one_line, printable};

/// Columns of an event's name and of a user's: longer ones move the rest of the line.
const WIDTHS: (usize, usize) = (12, 10);
/// What stands in a line by itself; all other fields follow with their names.
const TOLD: [&str; 7] = ["caller", "rhost", "serial", "service", "share", "user", "verdict"];

/// Returns events as lines: time, event, user, from where, token, and what else there is.
pub(crate) fn log_lines(entries: &[LogEntry]) -> String {
    entries.iter().map(line).collect()
}

/// Returns events as JSON, each an object on a line of its own.
pub(crate) fn log_json(entries: &[LogEntry]) -> String {
    let object = |entry: &LogEntry| {
        let LogEntry { seq, time, event, fields } = entry;
        one_line(&json!({ "seq": seq, "time": time, "event": event, "fields": fields }))
    };
    entries.iter().map(object).collect()
}

/// Returns what a check of a log in order says.
pub(crate) fn log_verdict(report: &LogReport) -> String {
    let (lines, files) = (report.lines.unwrap_or_default(), report.files.unwrap_or_default());
    if lines == 0 {
        return "The log is empty.\n".to_owned();
    }
    let (first, last) = (report.first.unwrap_or_default(), report.last.unwrap_or_default());
    let (lines, files) = (counted(lines, "line"), counted(u64::from(files), "file"));
    format!("The log is whole: {lines} in {files}, numbers {first} to {last}.\n")
}

fn counted(count: u64, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}

fn line(entry: &LogEntry) -> String {
    let field = |name: &str| entry.fields.get(name).map(|value| printable(value));
    let (event, user) = (said(entry), field("user").unwrap_or_else(|| NOTHING.to_owned()));
    let mut line = format!(
        "{}  {event:<wide$}  {user:<narrow$}",
        moment(entry.time),
        wide = WIDTHS.0,
        narrow = WIDTHS.1
    );
    let whence = match (field("service"), field("rhost")) {
        (Some(service), Some(rhost)) => Some(format!("{service} from {rhost}")),
        (Some(service), None) => Some(service),
        (None, rhost) => rhost.map(|rhost| format!("from {rhost}")),
    };
    let serial = field("serial").map(|serial| format!("token {serial}"));
    let parts = whence.into_iter().chain(serial).chain(rest(&entry.fields));
    for part in parts {
        line.push_str("  ");
        line.push_str(&part);
    }
    format!("{}\n", line.trim_end())
}

/// Returns what happened in a word: a decision on a code by its verdict.
fn said(entry: &LogEntry) -> String {
    let verdict = entry.fields.get("verdict").filter(|_| entry.event == "verify");
    match verdict.map(String::as_str) {
        Some("accept") => "accepted".to_owned(),
        Some("reject") => "rejected".to_owned(),
        Some(verdict) => printable(verdict),
        None => printable(&entry.event),
    }
}

/// Returns the fields that are not told by themselves; who called only if it was not root.
fn rest(fields: &BTreeMap<String, String>) -> impl Iterator<Item = String> {
    let caller = fields.get("caller").filter(|uid| *uid != "0");
    let caller = caller.map(|uid| format!("by uid {}", printable(uid)));
    let others = fields.iter().filter(|(name, _)| !TOLD.contains(&name.as_str()));
    let others = others.map(|(name, value)| format!("{}={}", printable(name), printable(value)));
    caller.into_iter().chain(others)
}

fn moment(unix: u64) -> String {
    match Utc::of_unix(unix) {
        Some(Utc { year, month, day, hour, minute, second }) => {
            format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
        }
        None => format!("@{unix}"),
    }
}

#[cfg(test)]
mod tests {
    use fob_api::{LogEntry, LogReport};

    use super::{log_json, log_lines, log_verdict};

    fn entry(event: &str, fields: &[(&str, &str)]) -> LogEntry {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let (time, event) = (1_795_320_669, event.to_owned());
        LogEntry { seq: 7, time, event, fields: fields.collect() }
    }

    #[test]
    fn an_event_is_one_line_that_people_read() {
        for (event, fields, line) in [
            (
                "verify",
                &[
                    ("verdict", "accept"),
                    ("user", "alice"),
                    ("service", "sshd"),
                    ("rhost", "192.0.2.7"),
                    ("serial", "2300512345"),
                    ("share", "unknown"),
                    ("caller", "0"),
                ][..],
                "accepted      alice       sshd from 192.0.2.7  token 2300512345",
            ),
            (
                "verify",
                &[("verdict", "replay"), ("user", "bob"), ("service", "sudo"), ("caller", "1001")],
                "replay        bob         sudo  by uid 1001",
            ),
            ("fence", &[("reason", "unclean")], "fence         -           reason=unclean"),
            ("stopping", &[], "stopping      -"),
        ] {
            let expected = format!("2026-11-22 04:11:09 UTC  {line}\n");
            assert_eq!(log_lines(&[entry(event, fields)]), expected);
        }
    }

    #[test]
    fn nothing_of_an_event_steers_the_terminal() {
        let hostile = "a\u{1b}[2J\n\u{202e}";
        let entry = entry(hostile, &[("user", hostile), ("rhost", hostile), (hostile, hostile)]);
        for text in [log_lines(std::slice::from_ref(&entry)), log_json(&[entry])] {
            assert_eq!(text.matches('\n').count(), 1, "{text:?}");
            assert!(!text.trim_end().contains(super::super::steers), "{text:?}");
        }
    }

    #[test]
    fn json_is_an_object_on_each_line() {
        let both = [entry("ready", &[("version", "0.1.0")]), entry("stopping", &[])];
        let text = log_json(&both);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["fields"]["version"], "0.1.0");
        assert_eq!((&lines[1]["seq"], &lines[1]["time"]), (&7.into(), &1_795_320_669_u64.into()));
    }

    #[test]
    fn a_log_in_order_is_counted() {
        let report = LogReport {
            files: Some(1),
            lines: Some(3),
            first: Some(1),
            last: Some(3),
            ..LogReport::default()
        };
        let expected = "The log is whole: 3 lines in 1 file, numbers 1 to 3.\n";
        assert_eq!(log_verdict(&report), expected);
    }
}
