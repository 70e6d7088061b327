//! What became of the tokens of another program.

use std::collections::BTreeSet;

use fob_api::{AdoptRow, Adopted};
use serde_json::{Value, json};

use super::{Tense, json, printable, table, word};

/// Returns a line for each person.
pub(crate) fn adopted_table(rows: &[AdoptRow], tense: Tense) -> String {
    if rows.is_empty() {
        return "There is nobody to move.\n".to_owned();
    }
    let head = ["USER", "SERIAL", "RESULT"].map(str::to_owned);
    let lines = rows
        .iter()
        .map(|row| [word(row.user.as_deref()), word(row.serial.as_deref()), result(row, tense)]);
    table(std::iter::once(head).chain(lines).collect())
}

fn result(row: &AdoptRow, tense: Tense) -> String {
    let moved = match tense {
        Tense::Done => "moved",
        Tense::Would => "would be moved",
    };
    match row.outcome.as_deref().and_then(Adopted::from_word) {
        Some(Adopted::Moved) => match row.wait {
            Some(seconds) => format!("{moved}; codes are taken in {seconds} s"),
            None => moved.to_owned(),
        },
        Some(Adopted::Already) => "already moved".to_owned(),
        Some(Adopted::Not) => format!("not moved: {}", word(row.fact.as_deref())),
        None => word(row.outcome.as_deref()),
    }
}

/// Returns what is to be done about the rows, each remedy once.
pub(crate) fn adopted_advice(rows: &[AdoptRow]) -> Vec<String> {
    let user = |row: &AdoptRow| printable(row.user.as_deref().unwrap_or("USER"));
    let mut said = BTreeSet::new();
    let mut advice: Vec<String> = rows.iter().filter_map(|row| row.hint.clone()).collect();
    for row in rows {
        let user = user(row);
        if let Some(count) = row.scratch {
            let codes = if count == 1 {
                "1 scratch code".to_owned()
            } else {
                format!("{count} scratch codes")
            };
            advice.push(format!(
                "{codes} of {user} did not come along; run \"fobctl recovery {user}\" for recovery codes."
            ));
        }
        if row.dropped.as_deref() == Some("pin") {
            advice.push(format!(
                "{user} had a PIN besides the code, which Fob does not ask for; let PAM ask for the password."
            ));
        }
    }
    advice.retain(|advice| said.insert(advice.clone()));
    advice.iter().map(|advice| printable(advice)).collect()
}

/// Returns the rows as a JSON array.
pub(crate) fn adopted_json(rows: &[AdoptRow]) -> String {
    json::text(&rows.iter().map(row).collect())
}

fn row(row: &AdoptRow) -> Value {
    json!({
        "user": row.user,
        "serial": row.serial,
        "outcome": row.outcome,
        "reason": row.reason,
        "fact": row.fact,
        "hint": row.hint,
        "wait": row.wait,
        "scratch": row.scratch,
        "dropped": row.dropped,
    })
}
