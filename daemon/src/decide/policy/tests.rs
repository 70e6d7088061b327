use super::{Allowed, OutOfRange, Policy, Row, Setting, Value};

/// A setting that is a word.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mood {
    Calm,
    Loud,
}

impl Setting for Mood {
    fn value(self) -> Value {
        match self {
            Self::Calm => Value::Word("calm"),
            Self::Loud => Value::Word("loud"),
        }
    }

    fn from_value(value: Value) -> Option<Self> {
        [Self::Calm, Self::Loud].into_iter().find(|mood| mood.value() == value)
    }
}

policy! {
    /// A table that holds all kinds of settings.
    struct Sample {
        /// How many.
        small: u32 = 3, {
            key: "small_steps",
            unit: "steps",
            allowed: Allowed::Numbers { least: 2, most: u64::MAX },
            reason: "none",
            limits: "none",
        }
        /// How
        /// loud.
        mood: Mood = Mood::Calm, {
            key: "mood",
            unit: "",
            allowed: Allowed::Words(&["calm", "loud"]),
            reason: "none",
            limits: "none",
        }
    }
}

fn row(key: &str) -> &'static Row<Sample> {
    Sample::TABLE.iter().find(|row| row.key == key).unwrap()
}

#[test]
fn a_row_reads_and_sets_its_own_field() {
    let mut sample = Sample::default();
    assert_eq!(row("small_steps").get(&sample), Value::Number(3));
    assert_eq!(row("small_steps").set(&mut sample, Value::Number(2)), Ok(()));
    assert_eq!(row("mood").set(&mut sample, Value::Word("loud")), Ok(()));
    assert_eq!(sample, Sample { small: 2, mood: Mood::Loud });
    assert_eq!(row("mood").get(&sample), Value::Word("loud"));
}

#[test]
fn a_value_outside_the_range_sets_nothing() {
    let mut sample = Sample::default();
    for (key, value) in [
        ("small_steps", Value::Number(1)),
        ("small_steps", Value::Number(u64::from(u32::MAX) + 1)),
        ("small_steps", Value::Word("calm")),
        ("mood", Value::Word("sad")),
        ("mood", Value::Number(1)),
    ] {
        assert_eq!(row(key).set(&mut sample, value), Err(OutOfRange), "{key} = {value}");
    }
    assert_eq!(sample, Sample::DEFAULT);
}

#[test]
fn what_a_setting_is_stands_at_its_field() {
    assert_eq!(row("mood").about, " How loud.");
}

#[test]
fn every_default_is_in_its_range_and_every_edge_of_a_range_is_taken() {
    for row in Policy::TABLE {
        let default = row.get(&Policy::DEFAULT);
        let edges = match row.allowed {
            Allowed::Numbers { least, most } => vec![Value::Number(least), Value::Number(most)],
            Allowed::Words(words) => words.iter().map(|word| Value::Word(word)).collect(),
        };
        for value in edges.into_iter().chain([default]) {
            let mut policy = Policy::default();
            assert_eq!(row.set(&mut policy, value), Ok(()), "{} = {value}", row.key);
            assert_eq!(row.get(&policy), value, "{}", row.key);
        }
    }
}

#[test]
fn a_name_is_used_once_and_says_of_what_it_is_a_number() {
    let mut keys: Vec<&str> = Policy::TABLE.iter().map(|row| row.key).collect();
    for row in Policy::TABLE {
        assert!(row.key.contains(row.unit), "{} is in {}", row.key, row.unit);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        assert!(row.key.bytes().all(plain), "{} needs quotes", row.key);
    }
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), Policy::TABLE.len());
}

#[test]
fn every_number_has_its_reasons() {
    for row in Policy::TABLE {
        assert!(row.about.ends_with('.'), "{}", row.key);
        for text in [row.reason, row.limits] {
            assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", row.key);
        }
    }
}

#[test]
fn values_and_what_is_allowed_are_told_as_the_file_has_them() {
    assert_eq!(Value::Number(3).to_string(), "3");
    assert_eq!(Value::Word("calm").to_string(), "\"calm\"");
    let numbers = |least, most| Allowed::Numbers { least, most }.to_string();
    assert_eq!((numbers(1, 4), numbers(1, 1)), ("1 to 4".to_owned(), "1".to_owned()));
    assert_eq!(Allowed::Words(&["calm", "loud"]).to_string(), "\"calm\" or \"loud\"");
}
