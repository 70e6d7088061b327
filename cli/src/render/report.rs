//! What `fobctl report` says: who would have been asked for a code, where, and who is ready.

use std::collections::{BTreeMap, BTreeSet};

use fob_api::LogEntry;
use serde_json::{Value, json};

use super::{json as reports, printable, table, time};

/// How often somebody would have been asked in a service.
#[derive(Default)]
struct Asked {
    times: u64,
    /// Unix time of the last one.
    last: u64,
}

/// What fobd has observed.
#[derive(Default)]
pub(crate) struct Observed {
    /// Sign-ins that would have been asked for a code, by user and service.
    asked: BTreeMap<String, BTreeMap<String, Asked>>,
    /// Whether each of them had a token, when he was last seen.
    ready: BTreeMap<String, bool>,
    /// Who would not have been asked at least once.
    exempt: BTreeSet<String>,
    /// Names that nobody has.
    nobody: BTreeSet<String>,
}

impl Observed {
    /// Takes an event `observed`, which must not be older than those before it.
    pub(crate) fn take(&mut self, entry: &LogEntry) {
        let field = |name: &str| entry.fields.get(name).map(String::as_str).unwrap_or_default();
        let user = field("user").to_owned();
        if field("ready") == "nobody" {
            self.nobody.insert(user);
            return;
        }
        if field("would") == "exempt" {
            self.exempt.insert(user);
            return;
        }
        self.ready.insert(user.clone(), field("ready") == "yes");
        let service = field("service").to_owned();
        let asked = self.asked.entry(user).or_default().entry(service).or_default();
        asked.times = asked.times.saturating_add(1);
        asked.last = asked.last.max(entry.time);
    }

    /// Lists who would have been asked, those who are not ready first.
    fn people(&self) -> Vec<(&str, bool, &BTreeMap<String, Asked>)> {
        let ready = |user: &String| self.ready.get(user).copied().unwrap_or_default();
        let people = self.asked.iter().map(|(user, asked)| (user.as_str(), ready(user), asked));
        let mut people: Vec<_> = people.collect();
        people.sort_by_key(|(user, ready, _)| (*ready, *user));
        people
    }
}

/// Returns the report for a person.
pub(crate) fn report_table(observed: &Observed) -> String {
    let people = observed.people();
    let mut text = String::new();
    if people.is_empty() {
        text.push_str("No sign-in was observed that would have been asked for a code.\n");
    } else {
        let head = ["USER", "TOKEN", "SERVICE", "TIMES", "LAST"].map(str::to_owned);
        let rows = people.iter().flat_map(|(user, ready, asked)| {
            asked.iter().map(|(service, asked)| {
                [
                    printable(user),
                    if *ready { "yes" } else { "no" }.to_owned(),
                    printable(service),
                    asked.times.to_string(),
                    time::iso(asked.last),
                ]
            })
        });
        text.push_str(&table(std::iter::once(head).chain(rows).collect()));
        let missing = people.iter().filter(|(_, ready, _)| !ready).count();
        let (have, count) = (if missing == 1 { "has" } else { "have" }, people.len());
        text.push_str(&match missing {
            0 => "\nAll who would be asked have a token.\n".to_owned(),
            _ => format!("\n{missing} of {count} people who would be asked {have} no token.\n"),
        });
    }
    let others = [
        (observed.exempt.len(), "would not be asked somewhere: \"fobctl explain\" says why"),
        (observed.nobody.len(), "tried to sign in that nobody has"),
    ];
    for ((count, what), noun) in others.into_iter().zip([["person", "people"], ["name", "names"]]) {
        let [one, many] = noun;
        match count {
            0 => {}
            1 => text.push_str(&format!("1 {one} {what}.\n")),
            count => text.push_str(&format!("{count} {many} {what}.\n")),
        }
    }
    text
}

/// Returns the report as JSON.
pub(crate) fn report_json(observed: &Observed) -> String {
    let people: Vec<Value> = observed
        .people()
        .into_iter()
        .map(|(user, ready, asked)| {
            let services: Vec<Value> = asked
                .iter()
                .map(|(service, asked)| {
                    json!({ "service": service, "times": asked.times, "last": asked.last })
                })
                .collect();
            json!({ "user": user, "ready": ready, "services": services })
        })
        .collect();
    reports::text(&json!({
        "people": people,
        "exempt": observed.exempt,
        "nobody": observed.nobody,
    }))
}
