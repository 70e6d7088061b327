//! The configuration file's text. Pure: text in, numbers out.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use toml::Spanned;

use super::rules::{self, RuleMistake};
use crate::{
    decide::{
        policy::{Allowed, Policy, Row, Value},
        rule::Rules,
    },
    seed::{Place, Places},
};

/// What a file says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Settings {
    /// The numbers in force.
    pub policy: Policy,
    /// The names that the file sets, each with its line.
    pub lines: BTreeMap<&'static str, u32>,
    /// The rules about who is asked.
    pub rules: Rules,
}

/// Why a text is no configuration file, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BadFile {
    /// Where the mistake stands.
    pub place: Place,
    /// What it is.
    pub mistake: Mistake,
}

/// A mistake in the text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Mistake {
    /// It is not TOML.
    Form {
        /// What the parser says, without a full stop.
        what: String,
    },
    /// The value is not one that the setting may have.
    Range {
        /// The setting.
        key: &'static str,
        /// What it may be set to.
        allowed: Allowed,
        /// Why.
        limits: &'static str,
    },
    /// It stands in the rules.
    Rule(RuleMistake),
    /// No setting has this name.
    Unknown {
        /// The name.
        key: String,
        /// A setting whose name is much like it.
        nearest: Option<&'static str>,
    },
}

impl Settings {
    /// Returns what the file sets, as it stands there.
    pub fn changes(&self) -> impl Iterator<Item = String> {
        let set = Policy::TABLE.iter().filter(|row| self.lines.contains_key(row.key));
        set.map(|row| format!("{} = {}", row.key, row.get(&self.policy)))
    }
}

impl BadFile {
    /// Returns the remedy.
    pub fn hint(&self) -> String {
        match &self.mistake {
            Mistake::Form { .. } => {
                "a line is a name, an equals sign and a whole number; after a # \
                                     comes a comment."
                    .to_owned()
            }
            Mistake::Range { limits, .. } => format!("{limits}."),
            Mistake::Rule(mistake) => mistake.hint(),
            Mistake::Unknown { nearest: Some(nearest), .. } => {
                format!("did you mean {nearest}? The README lists all settings.")
            }
            Mistake::Unknown { nearest: None, .. } => "the README lists all settings.".to_owned(),
        }
    }
}

impl fmt::Display for BadFile {
    /// Where and what, in one sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        match &self.mistake {
            Mistake::Form { what } => write!(f, "{what}."),
            Mistake::Range { key, allowed: allowed @ Allowed::Numbers { .. }, .. } => {
                write!(f, "{key} must be a whole number, {allowed}.")
            }
            Mistake::Range { key, allowed, .. } => write!(f, "{key} must be {allowed}."),
            Mistake::Rule(mistake) => write!(f, "{mistake}."),
            Mistake::Unknown { key, .. } => write!(f, "there is no setting {key:?}."),
        }
    }
}

/// Reads the text of a configuration file. What it does not set keeps its default.
///
/// # Errors
///
/// [`BadFile`] for the first mistake.
pub fn parse(text: &str) -> Result<Settings, BadFile> {
    let mut places = Places::new(text);
    let entries: BTreeMap<Spanned<String>, Spanned<Given>> =
        toml::from_str(text).map_err(|error| BadFile {
            place: places.at(error.span().unwrap_or_default().start),
            mistake: Mistake::Form { what: one_line(error.message()) },
        })?;
    let mut entries: Vec<_> = entries.into_iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let mut settings = Settings::default();
    for (key, given) in entries {
        let place = places.at(key.span().start);
        if key.get_ref() == rules::KEY {
            settings.rules = rules::parse(&given, &mut places)?;
            continue;
        }
        let row = Policy::TABLE.iter().find(|row| row.key == key.get_ref()).ok_or_else(|| {
            let mistake =
                Mistake::Unknown { nearest: nearest(key.get_ref()), key: key.get_ref().clone() };
            BadFile { place, mistake }
        })?;
        let value = value(row, given.get_ref());
        value.and_then(|value| row.set(&mut settings.policy, value).ok()).ok_or_else(|| {
            let mistake = Mistake::Range { key: row.key, allowed: row.allowed, limits: row.limits };
            BadFile { place: places.at(given.span().start), mistake }
        })?;
        settings.lines.insert(row.key, place.line);
    }
    Ok(settings)
}

/// Returns what was given as a value of the table; `None` if no setting can have it.
fn value(row: &Row<Policy>, given: &Given) -> Option<Value> {
    match (given, row.allowed) {
        (Given::Number(number), _) => u64::try_from(*number).ok().map(Value::Number),
        (Given::Word(word), Allowed::Words(words)) => {
            words.iter().find(|known| *known == word).map(|known| Value::Word(known))
        }
        _ => None,
    }
}

/// What stands behind an equals sign.
pub(super) enum Given {
    /// A list.
    List(Vec<Spanned<Given>>),
    /// A whole number.
    Number(i64),
    /// Names, each with what stands behind its equals sign, in the order of the file.
    Table(Vec<(Spanned<String>, Spanned<Given>)>),
    /// A text.
    Word(String),
    /// Something that no setting is.
    Other,
}

impl<'de> Deserialize<'de> for Given {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GivenVisitor)
    }
}

struct GivenVisitor;

impl<'de> Visitor<'de> for GivenVisitor {
    type Value = Given;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a word")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Given, E> {
        Ok(Given::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Given, E> {
        Ok(Given::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Given, E> {
        Ok(Given::Number(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Given, A::Error> {
        let mut entries = Vec::new();
        // A date comes as a table, too, with a name of the parser's that stands nowhere.
        while let Ok(name) = map.next_key::<Spanned<String>>() {
            let Some(name) = name else { return Ok(Given::Table(entries)) };
            entries.push((name, map.next_value()?));
        }
        Ok(Given::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Given, A::Error> {
        let mut given = Vec::new();
        while let Some(one) = list.next_element()? {
            given.push(one);
        }
        Ok(Given::List(given))
    }

    fn visit_str<E>(self, word: &str) -> Result<Given, E> {
        Ok(Given::Word(word.to_owned()))
    }
}

/// Returns the setting whose name is most like this one: at least half of it can stay.
fn nearest(key: &str) -> Option<&'static str> {
    let near = Policy::TABLE.iter().map(|row| (distance(key, row.key), row.key));
    near.filter(|(far, name)| far * 2 <= name.len()).min().map(|(_, name)| name)
}

/// Returns how many characters are added, dropped or changed from one name to the other
/// (Levenshtein's distance).
fn distance(from: &str, to: &str) -> usize {
    let mut costs: Vec<usize> = (0..=to.chars().count()).collect();
    for (row, left) in from.chars().enumerate() {
        let mut before = row; // the cost of the names up to here, without this pair of characters
        let mut last = row + 1;
        for (cost, right) in costs.iter_mut().skip(1).zip(to.chars()) {
            let kept = before + usize::from(left != right);
            before = *cost;
            last = kept.min(before + 1).min(last + 1);
            *cost = last;
        }
        if let Some(first) = costs.first_mut() {
            *first = row + 1;
        }
    }
    costs.last().copied().unwrap_or_default()
}

/// Returns a text of another's making as one line without a full stop.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
