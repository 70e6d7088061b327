//! The report of `fobctl doctor`.

use serde_json::{Value, json};

use super::{json as reports, printable};
use crate::doctor::{Finding, Report, Severity};

/// Returns the report for a person: the worst first.
pub(crate) fn doctor_text(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&block(finding));
    }
    for unseen in &report.unseen {
        text.push_str(&format!("Not looked at: {}\n", printable(unseen)));
    }
    if report.findings.is_empty() {
        let what = match report.services.as_slice() {
            [] => "no service asks for a code".to_owned(),
            services => printable(&services.join(", ")),
        };
        text.push_str(&format!("Nothing wrong was found ({what}).\n"));
    }
    text
}

fn block(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::FailsOpen => "FAILS OPEN",
        Severity::LocksOut => "LOCKS OUT",
        Severity::Warns => "WARNING",
    };
    let services = match finding.services.as_slice() {
        [] => String::new(),
        services => format!("  {}", services.join(", ")),
    };
    let place = finding.place.as_ref().map(|place| format!("  {place}")).unwrap_or_default();
    let head = printable(&format!("{severity}{services}{place}"));
    let (happens, fix) = (printable(&finding.happens), printable(&finding.fix));
    format!("{head}\n  {happens}\n  Fix: {fix}\n\n")
}

/// Returns the report as a JSON object.
pub(crate) fn doctor_json(report: &Report) -> String {
    let findings: Vec<Value> = report.findings.iter().map(finding).collect();
    reports::text(&json!({
        "findings": findings,
        "services": report.services,
        "unseen": report.unseen,
    }))
}

fn finding(finding: &Finding) -> Value {
    json!({
        "kind": finding.kind.word(),
        "severity": finding.severity.word(),
        "services": finding.services,
        "happens": finding.happens,
        "file": finding.place.as_ref().map(|place| &place.file),
        "line": finding.place.as_ref().and_then(|place| place.line),
        "fix": finding.fix,
    })
}
