//! What `fobctl explain` says: whether somebody would be asked for a code, and why.

use fob_api::{ExplainReport, PromptKind};
use serde_json::{Value, json};

use super::{json as reports, printable};
use crate::doctor::{Line, Tokenless};

/// Spaces between two columns.
const GAP: usize = 2;

/// A sign-in that was asked about.
pub(crate) struct Explained {
    pub(crate) user: String,
    pub(crate) service: String,
    pub(crate) rhost: Option<String>,
    /// The lines of the service that call the module.
    pub(crate) lines: Vec<Line>,
    pub(crate) kind: PromptKind,
    pub(crate) report: ExplainReport,
}

impl Explained {
    /// Tells whether the daemon's rules or `nullok` exempt him.
    fn is_exempt(&self) -> bool {
        matches!(self.kind, PromptKind::Exempt | PromptKind::Ignored)
    }

    /// Tells whether he would be asked for a code if it were enforced.
    fn is_asked(&self) -> bool {
        !self.lines.is_empty() && !self.is_exempt()
    }

    fn observes(&self) -> bool {
        self.report.mode.as_deref() == Some("observe")
    }

    /// Names the rule that matches, such as `rule 2 (line 12 of fobd.conf: ignore)`.
    fn rule(&self) -> String {
        let number = |number: Option<u32>| number.map_or_else(|| "?".to_owned(), |n| n.to_string());
        let (rule, line) = (number(self.report.rule), number(self.report.line));
        let ask = self.report.ask.as_deref().unwrap_or("?");
        format!("rule {rule} (line {line} of fobd.conf: {ask})")
    }

    /// Says why, in a sentence.
    fn why(&self) -> String {
        let rule = self.report.rule.is_some().then(|| self.rule());
        let by = rule.clone().unwrap_or_else(|| "nullok".to_owned());
        match self.report.reason.as_deref() {
            Some("require") => format!("{by} asks."),
            Some("ignore") => format!("{by} does not ask."),
            Some("enrol") => format!("{by} does not ask who never had a token."),
            Some("nullok") => "no rule matches; the line has nullok, and he has no token.".into(),
            Some("has_token") => format!("{by} asks those who have a token."),
            Some("had_token") => {
                format!("{by} asks those who had a token, or were given recovery codes.")
            }
            Some("no_such_user") => "nobody has this name, and no rule exempts nobody.".into(),
            _ => "no rule matches.".into(),
        }
    }
}

/// Returns one sign-in for a person.
pub(crate) fn explained_text(told: &Explained) -> String {
    let from = told.rhost.as_ref().map(|rhost| format!(" from {rhost}")).unwrap_or_default();
    let whole = format!("{} in {}{from}", told.user, told.service);
    let mut lines = Vec::new();
    if told.lines.is_empty() {
        lines.push(format!("{whole} is not asked: no line of the service calls pam_fob.so."));
        lines.push(format!("With such a line: {}", told.why()));
    } else if told.is_asked() {
        lines.push(format!("{whole} is asked for a code: {}", told.why()));
    } else {
        lines.push(format!("{whole} is not asked for a code: {}", told.why()));
    }
    for line in &told.lines {
        let option = match line.tokenless {
            Tokenless::Asked => "",
            Tokenless::Exempt => ", with nullok",
        };
        lines.push(format!("The line: {}{option}", line.place));
    }
    if told.is_asked() && told.report.ready == Some(false) {
        lines.push("He has no token, and is refused.".to_owned());
    }
    if told.observes() {
        lines.push("NOTHING IS ENFORCED now: fobd observes, and asks nobody.".to_owned());
    }
    lines.iter().map(|line| printable(line) + "\n").collect()
}

/// Returns one sign-in as JSON.
pub(crate) fn explained_json(told: &Explained) -> String {
    reports::text(&value(told))
}

/// Returns many as JSON.
pub(crate) fn explained_all_json(all: &[Explained]) -> String {
    reports::text(&Value::Array(all.iter().map(value).collect()))
}

fn value(told: &Explained) -> Value {
    let lines: Vec<Value> = told
        .lines
        .iter()
        .map(|line| {
            json!({
                "file": line.place.file,
                "line": line.place.line,
                "nullok": line.tokenless == Tokenless::Exempt,
            })
        })
        .collect();
    json!({
        "user": told.user,
        "service": told.service,
        "rhost": told.rhost,
        "asked": told.is_asked(),
        "reason": told.report.reason,
        "rule": told.report.rule,
        "line": told.report.line,
        "ask": told.report.ask,
        "ready": told.report.ready,
        "mode": told.report.mode,
        "stack": lines,
    })
}

/// Returns the matrix: a row for each user, a column for each service.
pub(crate) fn explained_table(all: &[Explained]) -> String {
    let mut services: Vec<&str> = all.iter().map(|told| told.service.as_str()).collect();
    services.sort_unstable();
    services.dedup();
    if services.is_empty() {
        return "No service asks for a code.\n".to_owned();
    }
    let head = ["USER", "TOKEN"].into_iter().chain(services.iter().copied());
    let mut rows: Vec<Vec<String>> = vec![head.map(printable).collect()];
    // Those of one user stand together.
    for of_one in all.chunk_by(|a, b| a.user == b.user) {
        let Some(first) = of_one.first() else { continue };
        let ready = if first.report.ready == Some(true) { "yes" } else { "no" };
        let mut row = vec![printable(&first.user), ready.to_owned()];
        row.extend(services.iter().map(|service| {
            of_one.iter().find(|told| told.service == *service).map(cell).unwrap_or_default()
        }));
        rows.push(row);
    }
    let mut text = aligned(&rows);
    if all.iter().any(Explained::observes) {
        text.push_str("\nNOTHING IS ENFORCED now: fobd observes, and asks nobody.\n");
    }
    text
}

fn cell(told: &Explained) -> String {
    match (told.kind, told.report.rule) {
        (PromptKind::Exempt, _) => "- (nullok)".to_owned(),
        (PromptKind::Ignored, Some(rule)) => format!("- (rule {rule})"),
        (PromptKind::Ignored, None) => "-".to_owned(),
        (_, Some(rule)) => format!("code (rule {rule})"),
        (_, None) => "code".to_owned(),
    }
}

/// Aligns columns of any number.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let line: String = cells.map(|(cell, width)| format!("{cell:<0$}", width + GAP)).collect();
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
