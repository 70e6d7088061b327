//! The table of `fobctl enable`.

use serde_json::{Value, json};

use super::{NOTHING, json as reports, printable, table};
use crate::enable::{Row, With};

/// Returns the table.
pub(crate) fn services(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "There are no PAM services here.\n".to_owned();
    }
    let head = ["SERVICE", "CODE", "BY", "TAKEN BACK IN", "FILE"].map(str::to_owned);
    let rows = rows.iter().map(|row| {
        let code = match (&row.line, row.with) {
            (None, _) => "no",
            (Some(_), None) => "yes",
            (Some(_), Some(With::Password)) => "behind the password",
            (Some(_), Some(With::PublicKey)) => "behind the key",
            (Some(_), Some(With::OneField)) => "in one field",
        };
        let left = row.left.map(|left| format!("{} min", left.div_ceil(60)));
        let file = row.line.as_ref().map_or_else(|| row.file.clone(), ToString::to_string);
        [
            printable(&row.service),
            code.to_owned(),
            row.by.map_or(NOTHING, |by| by.word()).to_owned(),
            left.unwrap_or_else(|| NOTHING.to_owned()),
            printable(&file),
        ]
    });
    table(std::iter::once(head).chain(rows).collect())
}

/// Returns the table as a JSON array.
pub(crate) fn services_json(rows: &[Row]) -> String {
    reports::text(&rows.iter().map(row).collect())
}

fn row(row: &Row) -> Value {
    json!({
        "service": row.service,
        "asks": row.line.is_some(),
        "with": row.with.map(With::word),
        "by": row.by.map(|by| by.word()),
        "file": row.line.as_ref().map_or(&row.file, |place| &place.file),
        "line": row.line.as_ref().and_then(|place| place.line),
        "seconds_until_revert": row.left,
    })
}

/// Returns lines with everything in them replaced that steers a terminal, but for the ends of lines
/// and tabs, which files of PAM have.
pub(crate) fn printable_lines(text: &str) -> String {
    let parts = text.split_inclusive(['\n', '\t']);
    let part = |part: &str| match part.strip_suffix(['\n', '\t']) {
        Some(inner) => {
            let end = if part.ends_with('\n') { '\n' } else { '\t' };
            format!("{}{end}", printable(inner))
        }
        None => printable(part),
    };
    parts.map(part).collect()
}
