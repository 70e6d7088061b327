//! The configuration file.

use fobd::{
    config::{BadFile, Settings, parse},
    decide::{
        policy::{Allowed, Policy, Value},
        rule::MOST,
    },
};

/// A text: every number that is taken is in its range, and what was taken can be written down and
/// read again.
pub(super) fn config(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    match parse(text) {
        Ok(settings) => taken(&settings),
        Err(bad) => refused(&bad),
    }
}

fn taken(settings: &Settings) {
    for row in Policy::TABLE {
        let allowed = match (row.get(&settings.policy), row.allowed) {
            (Value::Number(number), Allowed::Numbers { least, most }) => {
                (least..=most).contains(&number)
            }
            (Value::Word(word), Allowed::Words(words)) => words.contains(&word),
            _ => false,
        };
        assert!(allowed, "{} is out of its range", row.key);
        let default = row.get(&settings.policy) == row.get(&Policy::DEFAULT);
        assert!(default || settings.lines.contains_key(row.key), "{} was set by nobody", row.key);
    }
    assert!(settings.rules.0.len() <= MOST, "more rules than anybody reads");
    for (index, rule) in settings.rules.0.iter().enumerate() {
        assert!(!rule.to_string().contains(char::is_control), "not one clean line: {rule}");
        let front = settings.rules.0.iter().take(index);
        assert!(!front.into_iter().any(|front| front.covers(rule)), "never reached: {rule}");
    }
    let written: Vec<String> = settings.changes().map(|line| line + "\n").collect();
    assert_eq!(parse(&written.concat()).unwrap().policy, settings.policy);
}

fn refused(bad: &BadFile) {
    assert!(bad.place.line >= 1 && bad.place.column >= 1);
    let said = bad.to_string();
    assert!(!said.contains(char::is_control), "not one clean line: {said:?}");
}
