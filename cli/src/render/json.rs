//! Reports as JSON: every key of the report, `null` where nothing is known, times as Unix seconds.

use fob_api::{ShareReport, StatusReport, TokenReport, UserReport};
use serde_json::{Value, json};

/// Returns a list of tokens as a JSON array.
pub(crate) fn tokens_json(tokens: &[TokenReport]) -> String {
    text(&tokens.iter().map(token).collect())
}

/// Returns a token as a JSON object.
pub(crate) fn token_json(report: &TokenReport) -> String {
    text(&token(report))
}

/// Returns a user as a JSON object with an array of his tokens.
pub(crate) fn user_json(report: &UserReport) -> String {
    let tokens: Vec<Value> = report.tokens.iter().flatten().map(token).collect();
    let shares: Vec<Value> = report.shares.iter().flatten().map(share).collect();
    text(&json!({
        "user": report.user,
        "uid": report.uid,
        "recovery_left": report.recovery_left,
        "temporary_until": report.temporary_until,
        "temporary_reason": report.temporary_reason,
        "temporary_by": report.temporary_by,
        "tokens": tokens,
        "shares": shares,
    }))
}

/// Returns the daemon's state as a JSON object.
pub(crate) fn status_json(report: &StatusReport) -> String {
    text(&json!({
        "version": report.version,
        "now": report.now,
        "stock": report.stock,
        "assigned": report.assigned,
        "lost": report.lost,
        "retired": report.retired,
        "key": report.key,
        "key_from": report.key_from,
        "rekey": report.rekey,
        "mode": report.mode,
        "exempting": report.exempting,
        "ticket_minutes": report.ticket_minutes,
    }))
}

fn share(report: &ShareReport) -> Value {
    json!({
        "share": report.share,
        "asks": report.asks,
        "wrong": report.wrong,
        "in_a_row": report.in_a_row,
        "until": report.until,
    })
}

pub(super) fn token(report: &TokenReport) -> Value {
    json!({
        "serial": report.serial,
        "state": report.state,
        "user": report.user,
        "kind": report.kind,
        "algorithm": report.algorithm,
        "digits": report.digits,
        "period": report.period,
        "drift": report.drift,
        "rate": report.rate,
        "in_sync_until": report.in_sync_until,
        "last_used": report.last_used,
        "imported": report.imported,
        "manufacturer": report.manufacturer,
        "model": report.model,
        "batch": report.batch,
    })
}

/// Writes the value; characters that steer a terminal are escaped, so that the data stay exact.
///
/// serde_json escapes only those below U+0020 (RFC 8259 section 7 asks for no more). All of them
/// can only stand inside a string.
pub(super) fn text(value: &Value) -> String {
    escaped(&format!("{value:#}\n"))
}

/// Writes the value in one line, as [`text`] does.
pub(super) fn one_line(value: &Value) -> String {
    escaped(&format!("{value}\n"))
}

fn escaped(json: &str) -> String {
    let mut text = String::new();
    for c in json.chars() {
        match c {
            '\n' => text.push(c),
            c if super::steers(c) => text.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => text.push(c),
        }
    }
    text
}
