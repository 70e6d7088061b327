//! What was done and what there is: sentences, tables, JSON. The only place that prints to
//! standard output.
//!
//! Texts of the daemon can come from a vendor's file; nothing is printed before its control
//! characters are replaced.

mod adopt;
mod backup;
mod clock;
mod doctor;
mod enable;
mod explain;
mod formats;
mod json;
mod log;
mod picture;
mod recovery;
mod rekey;
mod report;
mod tickets;
mod time;

use std::io::{self, Write};

use fob_api::{PromptKind, Share, ShareReport, StatusReport, TokenReport, UserReport};

use crate::failure::Failure;
pub(crate) use adopt::{adopted_advice, adopted_json, adopted_table};
pub(crate) use backup::{Tense, backup_sentence, restore_report};
pub(crate) use clock::{Need, clock_sentence, forecast_json, forecast_table};
pub(crate) use doctor::{doctor_json, doctor_text};
pub(crate) use enable::{printable_lines, services, services_json};
pub(crate) use explain::{
    Explained, explained_all_json, explained_json, explained_table, explained_text,
};
pub(crate) use formats::format_sheets;
pub(crate) use json::{status_json, token_json, tokens_json, user_json};
pub(crate) use log::{log_json, log_lines, log_verdict};
pub(crate) use picture::{key_to_type, picture};
pub(crate) use recovery::{code_columns, date};
pub(crate) use rekey::rekey_sentences;
pub(crate) use report::{Observed, report_json, report_table};
pub(crate) use tickets::{revoked_sentence, ticket_table, tickets_json};

/// What stands where nothing is known.
const NOTHING: &str = "-";
/// Space between two columns.
const GAP: usize = 2;

/// Prints a text, with a line end behind it if it has none.
///
/// # Errors
///
/// [`Failure::Output`] if standard output does not take it.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| if text.ends_with('\n') { Ok(()) } else { out.write_all(b"\n") })
        .and_then(|()| out.flush())
        .map_err(Failure::Output)
}

/// Returns the text with every character replaced that steers a terminal or reorders a line:
/// control characters, line separators and the bidirectional controls of Unicode (UAX #9).
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the table of `fobctl list`.
pub(crate) fn token_table(tokens: &[TokenReport]) -> String {
    if tokens.is_empty() {
        return "There are no such tokens.\n".to_owned();
    }
    let head = ["SERIAL", "STATE", "USER", "KIND", "DRIFT", "RATE", "IN SYNC UNTIL", "LAST USED"]
        .map(str::to_owned);
    let rows = tokens.iter().map(|token| {
        [
            word(token.serial.as_deref()),
            word(token.state.as_deref()),
            word(token.user.as_deref()),
            word(token.kind.as_deref()),
            clock::drift(token),
            clock::rate(token),
            clock::in_sync(token),
            moment(token.last_used),
        ]
    });
    table(std::iter::once(head).chain(rows).collect())
}

/// Returns one token as a block of lines.
pub(crate) fn token_block(token: &TokenReport) -> String {
    let rows = [
        ["token", &word(token.serial.as_deref())],
        ["state", &word(token.state.as_deref())],
        ["user", &word(token.user.as_deref())],
        ["codes", &codes(token)],
        ["drift", &clock::drift_words(token.drift)],
        ["rate", &clock::rate_words(token)],
        ["in sync", &clock::in_sync_words(token)],
        ["last used", &moment(token.last_used)],
        ["imported", &moment(token.imported)],
        ["maker", &word(token.manufacturer.as_deref())],
        ["model", &word(token.model.as_deref())],
        ["batch", &word(token.batch.as_deref())],
    ];
    table(rows.map(|row| row.map(str::to_owned)).to_vec())
}

/// Returns a user and his tokens as blocks of lines.
pub(crate) fn user_block(user: &UserReport) -> String {
    let tokens = user.tokens.as_deref().unwrap_or_default();
    let uid = user.uid.map_or_else(|| NOTHING.to_owned(), |uid| uid.to_string());
    let held = if tokens.is_empty() { "none".to_owned() } else { tokens.len().to_string() };
    let mut rows = vec![
        ["user".to_owned(), word(user.user.as_deref())],
        ["uid".to_owned(), uid],
        ["tokens".to_owned(), held],
    ];
    rows.extend(user.shares.iter().flatten().filter_map(share_row));
    rows.extend(recovery::recovery_row(user));
    rows.extend(recovery::temporary_row(user));
    let mut text = table(rows);
    for token in tokens {
        text.push('\n');
        text.push_str(&token_block(token));
    }
    text
}

/// Returns what a share of a user's budget is asked for; `None` where no wrong code counts.
fn share_row(report: &ShareReport) -> Option<[String; 2]> {
    let wrong = report.wrong.unwrap_or_default().max(report.in_a_row.unwrap_or_default());
    let pair = report.asks.as_deref() == Some(PromptKind::Pair.word());
    if wrong == 0 && !pair {
        return None;
    }
    let share = report.share.as_deref().and_then(Share::from_word);
    let counted = match wrong {
        1 => "1 wrong code".to_owned(),
        wrong => format!("{wrong} wrong codes"),
    };
    let whence = share.map_or("from elsewhere", share_words);
    let asked = match (pair, report.until) {
        (false, _) => "one code is enough".to_owned(),
        (true, Some(until)) => format!("two codes in a row until {}", time::iso(until)),
        (true, None) => "two codes in a row".to_owned(),
    };
    Some(["wrong codes".to_owned(), format!("{counted} {whence}; {asked}")])
}

/// Says from where the answers of a share come.
pub(crate) fn share_words(share: Share) -> &'static str {
    match share {
        Share::Console => "at the console",
        Share::Escalation => "in sudo and su",
        Share::Known => "from hosts where the user signed in lately",
        Share::Own => "in programs of the user",
        Share::Unknown => "from unknown hosts",
    }
}

/// Returns the daemon's state as a block of lines.
pub(crate) fn status_block(status: &StatusReport) -> String {
    let count = |n: Option<u32>| n.map_or_else(|| NOTHING.to_owned(), |n| n.to_string());
    let rows = [
        ["version", &word(status.version.as_deref())],
        ["its clock", &moment(status.now)],
        ["assigned", &count(status.assigned)],
        ["in stock", &count(status.stock)],
        ["lost", &count(status.lost)],
        ["retired", &count(status.retired)],
    ];
    let mut rows = rows.map(|row| row.map(str::to_owned)).to_vec();
    if let Some(key) = &status.key {
        let from = word(status.key_from.as_deref());
        rows.push(["master key".to_owned(), format!("{} ({from})", printable(key))]);
    }
    if status.mode.as_deref() == Some("observe") {
        let remedy =
            "NOTHING IS ENFORCED: nobody is asked for a code (mode = \"observe\" in fobd.conf)";
        rows.push(["mode".to_owned(), remedy.to_owned()]);
    }
    if let Some(exempting) = status.exempting.filter(|count| *count > 0) {
        rows.push([
            "exempt".to_owned(),
            format!("somebody by {exempting} of the rules of fobd.conf"),
        ]);
    }
    if status.rekey.is_some() {
        let remedy = "there is a second key: \"fobctl rekey\" seals everything by one";
        rows.push(["rekey".to_owned(), remedy.to_owned()]);
    }
    table(rows)
}

/// Returns what a token's codes are like, such as `TOTP, SHA1, 6 digits, every 30 s`.
pub(crate) fn codes(token: &TokenReport) -> String {
    let mut parts = vec![word(token.kind.as_deref()).to_uppercase()];
    parts.extend(token.algorithm.as_deref().map(printable));
    parts.extend(token.digits.map(|digits| format!("{digits} digits")));
    parts.extend(token.period.map(|period| format!("every {period} s")));
    parts.join(", ")
}

fn word(text: Option<&str>) -> String {
    match text {
        None | Some("") => NOTHING.to_owned(),
        Some(text) => printable(text),
    }
}

fn moment(unix: Option<u64>) -> String {
    unix.map_or_else(|| NOTHING.to_owned(), time::iso)
}

/// Aligns the columns; the last one is not padded.
fn table<const N: usize>(rows: Vec<[String; N]>) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<fill$}", fill = width + GAP));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests;
