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
pub(crate) fn adopted_advice(rows: &[AdoptRow], tense: Tense) -> Vec<String> {
    let user = |row: &AdoptRow| printable(row.user.as_deref().unwrap_or("USER"));
    let mut said = BTreeSet::new();
    let mut advice: Vec<String> = rows.iter().filter_map(|row| row.hint.clone()).collect();
    for row in rows {
        let user = user(row);
        advice.extend(scratch(row, &user, tense));
        if row.dropped.as_deref() == Some("pin") {
            advice.push(format!(
                "{user} had a PIN besides the code, which Fob does not ask for; let PAM ask for the password."
            ));
        }
    }
    advice.retain(|advice| said.insert(advice.clone()));
    advice.iter().map(|advice| printable(advice)).collect()
}

/// Says what became of a user's scratch codes.
fn scratch(row: &AdoptRow, user: &str, tense: Tense) -> Vec<String> {
    let codes = |count| match count {
        1 => "1 scratch code".to_owned(),
        count => format!("{count} scratch codes"),
    };
    let kept = row.recovery.map(|count| {
        let were = match (tense, count) {
            (Tense::Done, 1) => "was kept as a recovery code",
            (Tense::Done, _) => "were kept as recovery codes",
            (Tense::Would, 1) => "would be kept as a recovery code",
            (Tense::Would, _) => "would be kept as recovery codes",
        };
        format!(
            "{} of {user} {were}; run \"fobctl recovery {user}\" for stronger ones.",
            codes(count)
        )
    });
    let not_kept = row.scratch.map(|count| {
        let were = if count == 1 { "is" } else { "are" };
        format!(
            "{} of {user} {were} not kept: recovery codes were printed for {user} before; run \
             \"fobctl recovery {user}\" if they are gone.",
            codes(count)
        )
    });
    let malformed = row.malformed.map(|count| {
        let lines = if count == 1 { "1 line".to_owned() } else { format!("{count} lines") };
        format!(
            "{lines} of {user}'s file passed over: no scratch code of 8 digits, or behind a line \
             that is none, or behind 10 codes."
        )
    });
    [kept, not_kept, malformed].into_iter().flatten().collect()
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
        "recovery": row.recovery,
        "scratch": row.scratch,
        "malformed": row.malformed,
        "dropped": row.dropped,
    })
}
