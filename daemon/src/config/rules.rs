//! The rules of the configuration file, `[[rule]]`: from what stands there to what is decided by.
//! Pure. A mistake names its line and column, and fobd does not start with it: a rule that is not
//! what its author meant asks the wrong people.

use std::fmt;

use toml::Spanned;

use super::file::{BadFile, Given, Mistake};
use crate::{
    decide::{
        policy::Policy,
        rule::{Ask, BadNetwork, Day, MOST, Network, Rule, Rules},
    },
    seed::{Place, Places},
};

/// The name of the table.
pub(super) const KEY: &str = "rule";
/// Most words of a selector: a longer list is a group.
const WORDS: usize = 64;
/// Most bytes of a word: LOGIN_NAME_MAX of Linux with its NUL (limits.h(0p)).
const LONGEST: usize = 255;

/// A mistake in the rules.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RuleMistake {
    /// What `ask` says is none of the three.
    Ask,
    /// Something else than tables stands there.
    Form,
    /// It has no such key.
    Key {
        /// The name.
        key: String,
        /// Whether a setting has this name, which stands in front of all rules.
        is_setting: bool,
    },
    /// A word of `network` is no network.
    Network {
        /// What was perhaps meant.
        meant: Option<Network>,
    },
    /// It does not say what to ask.
    NoAsk,
    /// The calendar has no such day.
    NoSuchDay,
    /// There are more than [`MOST`].
    TooMany,
    /// No sign-in gets to it.
    Unreached {
        /// The number of the rule in front that leaves nothing.
        by: usize,
        /// Whether that one has no selector.
        is_bare: bool,
    },
    /// A selector is no word and no list of words.
    Words {
        /// The selector.
        key: &'static str,
    },
}

impl RuleMistake {
    /// Returns the remedy.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Ask | Self::NoAsk => "ask = \"require\", \"ignore\", or \"enrol-by\" and the last \
                                        day (UTC) on which one without a token is not asked, such as \
                                        \"enrol-by 2026-12-31\"."
                .to_owned(),
            Self::Form => "begin each rule with a line [[rule]].".to_owned(),
            Self::Key { is_setting: true, .. } => {
                "settings stand above the first [[rule]].".to_owned()
            }
            Self::Key { is_setting: false, .. } => {
                "a rule has user, group, service, network and ask.".to_owned()
            }
            Self::Network { meant: Some(meant) } => format!("did you mean \"{meant}\"?"),
            Self::Network { meant: None } => {
                "write \"192.0.2.0/24\", \"2001:db8::/32\" or a single address; names are none."
                    .to_owned()
            }
            Self::NoSuchDay => "a day is written 2026-12-31.".to_owned(),
            Self::TooMany => "put users into a group, and services into one list.".to_owned(),
            Self::Unreached { is_bare: true, .. } => {
                "put the rule without a selector last.".to_owned()
            }
            Self::Unreached { is_bare: false, .. } => {
                "the first rule that matches decides: put this one in front, or take it out."
                    .to_owned()
            }
            Self::Words { .. } => format!(
                "write one word in quotes, or up to {WORDS} in brackets: [\"alice\", \"bob\"]."
            ),
        }
    }
}

impl fmt::Display for RuleMistake {
    /// The fact, without a full stop.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask => {
                f.write_str("ask must be \"require\", \"ignore\" or \"enrol-by\" with a day")
            }
            Self::Form => f.write_str("rule is not a table"),
            Self::Key { key, .. } => write!(f, "a rule has no {key:?}"),
            Self::Network { meant: Some(_) } => {
                f.write_str("the address has bits behind the length of its network")
            }
            Self::Network { meant: None } => f.write_str("this is no network"),
            Self::NoAsk => f.write_str("the rule has no ask"),
            Self::NoSuchDay => f.write_str("there is no such day"),
            Self::TooMany => write!(f, "there are more than {MOST} rules"),
            Self::Unreached { by, is_bare: true } => write!(
                f,
                "rule {by} has no selector and holds for everybody, so this one is never reached"
            ),
            Self::Unreached { by, is_bare: false } => {
                write!(f, "rule {by} holds for all that this one does, so it is never reached")
            }
            Self::Words { key } => {
                write!(
                    f,
                    "{key} must be a word or a list of words of 1 to {LONGEST} bytes, without \
                     commas, or spaces around them"
                )
            }
        }
    }
}

/// Reads the rules.
pub(super) fn parse(given: &Spanned<Given>, places: &mut Places<'_>) -> Result<Rules, BadFile> {
    let mut rules: Vec<Rule> = Vec::new();
    let Given::List(tables) = given.get_ref() else { return bad(places, given, RuleMistake::Form) };
    for table in tables {
        let Given::Table(entries) = table.get_ref() else {
            return bad(places, table, RuleMistake::Form);
        };
        if rules.len() == MOST {
            return bad(places, table, RuleMistake::TooMany);
        }
        let rule = rule(table, entries, places)?;
        let front = rules.iter().enumerate().find(|(_, front)| front.covers(&rule));
        let bare = rules.iter().enumerate().find(|(_, front)| front.is_bare());
        if let Some((index, front)) = bare.or(front) {
            let (by, is_bare) = (index.saturating_add(1), front.is_bare());
            return bad(places, table, RuleMistake::Unreached { by, is_bare });
        }
        rules.push(rule);
    }
    Ok(Rules(rules))
}

/// Reads one rule.
fn rule(
    table: &Spanned<Given>,
    entries: &[(Spanned<String>, Spanned<Given>)],
    places: &mut Places<'_>,
) -> Result<Rule, BadFile> {
    let line = places.at(table.span().start).line;
    let mut rule = Rule {
        line,
        users: Vec::new(),
        groups: Vec::new(),
        services: Vec::new(),
        networks: Vec::new(),
        ask: Ask::Require,
    };
    let mut said = None;
    for (key, given) in entries {
        match key.get_ref().as_str() {
            "user" => rule.users = words("user", given, places)?,
            "group" => rule.groups = words("group", given, places)?,
            "service" => rule.services = services(given, places)?,
            "network" => rule.networks = networks(given, places)?,
            "ask" => said = Some(ask(given, places)?),
            other => {
                let is_setting = Policy::TABLE.iter().any(|row| row.key == other);
                let mistake = RuleMistake::Key { key: other.to_owned(), is_setting };
                return bad(places, key, mistake);
            }
        }
    }
    match said {
        Some(ask) => Ok(Rule { ask, ..rule }),
        None => bad(places, table, RuleMistake::NoAsk),
    }
}

/// Reads a selector: a word, or a list of them.
fn words(
    key: &'static str,
    given: &Spanned<Given>,
    places: &mut Places<'_>,
) -> Result<Vec<String>, BadFile> {
    let one = std::slice::from_ref(given);
    let list = match given.get_ref() {
        Given::Word(_) => one,
        Given::List(list) if !list.is_empty() && list.len() <= WORDS => list,
        _ => return bad(places, given, RuleMistake::Words { key }),
    };
    let mut words = Vec::new();
    for given in list {
        match given.get_ref() {
            Given::Word(word) if is_word(word) => words.push(word.clone()),
            _ => return bad(places, given, RuleMistake::Words { key }),
        }
    }
    Ok(words)
}

/// Tells whether a text may be the name of a user, a group or a service. A comma or a space around
/// it is a list that was written in one word, or a typing error: such a rule would match nobody.
fn is_word(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && c != ',';
    (1..=LONGEST).contains(&text.len()) && text.trim() == text && text.chars().all(is_plain)
}

/// Reads the selector of services. Linux-PAM has all of them in lower case (`pam_start.c`), however
/// the program and the file below /etc/pam.d are spelled.
fn services(given: &Spanned<Given>, places: &mut Places<'_>) -> Result<Vec<String>, BadFile> {
    let words = words("service", given, places)?;
    Ok(words.into_iter().map(|word| word.to_ascii_lowercase()).collect())
}

/// Reads the selector of networks.
fn networks(given: &Spanned<Given>, places: &mut Places<'_>) -> Result<Vec<Network>, BadFile> {
    let words = words("network", given, places)?;
    let mut networks = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let network = Network::parse(word);
        match network {
            Ok(network) => networks.push(network),
            Err(why) => {
                let meant = match why {
                    BadNetwork::Form => None,
                    BadNetwork::HostBits(meant) => Some(meant),
                };
                let at = match given.get_ref() {
                    Given::List(list) => list.get(index).unwrap_or(given),
                    _ => given,
                };
                return bad(places, at, RuleMistake::Network { meant });
            }
        }
    }
    Ok(networks)
}

/// Reads what a rule says.
fn ask(given: &Spanned<Given>, places: &mut Places<'_>) -> Result<Ask, BadFile> {
    let Given::Word(word) = given.get_ref() else { return bad(places, given, RuleMistake::Ask) };
    match (word.as_str(), word.strip_prefix("enrol-by ")) {
        ("require", _) => Ok(Ask::Require),
        ("ignore", _) => Ok(Ask::Ignore),
        (_, Some(day)) => match Day::parse(day) {
            Some(day) => Ok(Ask::EnrolBy(day)),
            None => bad(places, given, RuleMistake::NoSuchDay),
        },
        _ => bad(places, given, RuleMistake::Ask),
    }
}

/// Refuses what stands somewhere.
fn bad<T, U>(places: &mut Places<'_>, at: &Spanned<T>, what: RuleMistake) -> Result<U, BadFile> {
    let place: Place = places.at(at.span().start);
    Err(BadFile { place, mistake: Mistake::Rule(what) })
}

#[cfg(test)]
mod tests;
