//! The rules of fobd.conf: is this person asked for a code here, today? The first rule that matches
//! decides; where none does, everybody is asked, as the host's PAM file says.
//!
//! What is not known is never a reason to exempt: nobody who does not exist is, nor root unless a
//! rule names him; a group that the host does not know matches only rules that ask, and so does a
//! service that is not named, and the network of a remote host that is named by no address.

mod network;

use std::{collections::BTreeMap, fmt, net::IpAddr};

use fob_api::Utc;

pub use network::{BadNetwork, Network};

use crate::decide::Now;

/// Most rules: a policy that nobody can read is not one. Each sign-in goes through all of them.
pub const MOST: usize = 64;
/// The uid of root, which few rules may exempt.
const ROOT: u32 = 0;
/// What rules call uid 0, whatever its name is.
pub const ROOTS_NAME: &str = "root";
/// Seconds of a day of UTC, which has no leap seconds in Unix time.
const SECONDS: u64 = 86_400;

/// A day of UTC, in days since 1 January 1970.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Day(u64);

impl Day {
    /// After all days that a rule can name.
    pub const LAST: Self = Self(u64::MAX);

    /// Returns the day of a moment.
    #[must_use]
    pub fn of(now: Now) -> Self {
        Self(now.0 / SECONDS)
    }

    /// Parses `2026-12-31` (ISO 8601-1 section 5.2.2); `None` if it has another form or no calendar
    /// has it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Utc::parse_day(text).map(|begin| Self(begin / SECONDS))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Utc::of_unix(self.0.saturating_mul(SECONDS)) {
            Some(date) => f.write_str(&date.day()),
            None => f.write_str("after the year 9999"),
        }
    }
}

/// What a rule says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ask {
    /// Until this day has ended, who has no token is not asked; afterwards everybody is.
    EnrolBy(Day),
    /// Nobody is asked.
    Ignore,
    /// Everybody is asked, whatever the host's PAM file says.
    Require,
}

impl fmt::Display for Ask {
    /// As it stands in the configuration file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EnrolBy(day) => write!(f, "enrol-by {day}"),
            Self::Ignore => f.write_str("ignore"),
            Self::Require => f.write_str("require"),
        }
    }
}

/// A rule. Each selector that has words must match, by any of its words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rule {
    /// Where it stands in the file: the line, from 1.
    pub line: u32,
    /// Names of users as the host's user database has them; uid 0 is `root`.
    pub users: Vec<String>,
    /// Names of groups, of which the user must be in one.
    pub groups: Vec<String>,
    /// Names of PAM services.
    pub services: Vec<String>,
    /// Where the sign-in comes from, as the service says.
    pub networks: Vec<Network>,
    /// What it says.
    pub ask: Ask,
}

/// Whether somebody is in a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Membership {
    /// He is.
    Member,
    /// He is not.
    Other,
    /// The host has no such group, or says so.
    Unknown,
}

/// In which of the groups that the rules name somebody is. One that is missing is not known.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Groups(pub BTreeMap<String, Membership>);

impl Groups {
    /// Tells whether he is in this group.
    #[must_use]
    pub fn of(&self, group: &str) -> Membership {
        self.0.get(group).copied().unwrap_or(Membership::Unknown)
    }
}

/// Who signs in.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// His name as the host's user database has it; what was typed for one who does not exist.
    pub name: &'a str,
    /// His uid; `None` for one who does not exist.
    pub uid: Option<u32>,
    /// His groups.
    pub groups: &'a Groups,
}

/// From where somebody signs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
    /// From a remote host with this address.
    Address(IpAddr),
    /// On the host itself.
    Here,
    /// From a remote host whose address is not known. A name proves nothing: whoever owns the
    /// address writes it into the DNS. A link-local address with its zone belongs to no network.
    Unknown,
}

/// Where he signs in.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// The PAM service.
    pub service: Option<&'a str>,
    /// From where, as the service says.
    pub source: Source,
}

/// What the rules say of a sign-in, and the index of the rule that says it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ruling {
    /// None matches: what the host's PAM file says holds.
    None,
    /// He is not asked as long as he never had a token.
    Enrol(usize),
    /// He is not asked.
    Ignore(usize),
    /// He is asked.
    Require(usize),
}

impl Ruling {
    /// Returns the index of the rule that decides.
    #[must_use]
    pub fn by(self) -> Option<usize> {
        match self {
            Self::None => None,
            Self::Enrol(index) | Self::Ignore(index) | Self::Require(index) => Some(index),
        }
    }
}

/// The rules, in the order of the file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules(pub Vec<Rule>);

impl Rules {
    /// Decides what is said of a sign-in on a day.
    #[must_use]
    pub fn ask(&self, person: &Person<'_>, visit: &Visit<'_>, today: Day) -> Ruling {
        let mut rules = self.0.iter().enumerate();
        let Some((index, rule)) = rules.find(|(_, rule)| rule.matches(person, visit, today)) else {
            return Ruling::None;
        };
        match rule.ask {
            Ask::EnrolBy(day) if today <= day => Ruling::Enrol(index),
            Ask::Ignore => Ruling::Ignore(index),
            Ask::EnrolBy(_) | Ask::Require => Ruling::Require(index),
        }
    }

    /// Returns a rule by its index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&Rule> {
        self.0.get(index)
    }

    /// Lists the groups that the rules name, each once.
    #[must_use]
    pub fn groups(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.0.iter().flat_map(|rule| &rule.groups).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Rule {
    /// Tells whether it has no selector: it matches every sign-in.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.users.is_empty()
            && self.groups.is_empty()
            && self.services.is_empty()
            && self.networks.is_empty()
    }

    /// Tells whether nothing is left for another rule behind this one, as far as their words say:
    /// every word of that one is one of this.
    #[must_use]
    pub fn covers(&self, behind: &Self) -> bool {
        // One that exempts passes root over unless it names him: he may be meant behind it.
        let names_root = |rule: &Self| rule.users.iter().any(|user| user == ROOTS_NAME);
        let may_be_root = behind.users.is_empty() || names_root(behind);
        let leaves_root = self.ask != Ask::Require && !names_root(self);
        let reaches_root = behind.ask == Ask::Require || names_root(behind);
        let networks = self.networks.is_empty()
            || !behind.networks.is_empty()
                && behind
                    .networks
                    .iter()
                    .all(|network| self.networks.iter().any(|wider| wider.covers(network)));
        includes(&self.users, &behind.users)
            && includes(&self.groups, &behind.groups)
            && includes(&self.services, &behind.services)
            && networks
            && !(may_be_root && leaves_root && reaches_root)
    }

    /// Tells whether it holds for a sign-in on a day.
    fn matches(&self, person: &Person<'_>, visit: &Visit<'_>, today: Day) -> bool {
        let exempts = self.exempts(today);
        if exempts && !self.may_exempt(person) {
            return false;
        }
        let name = if person.uid == Some(ROOT) { ROOTS_NAME } else { person.name };
        let is_in = |group: &String| match person.groups.of(group) {
            Membership::Member => true,
            Membership::Other => false,
            Membership::Unknown => !exempts,
        };
        any_or_none(&self.users, |user| user == name)
            && any_or_none(&self.groups, is_in)
            && any_or_none(&self.services, |service| {
                visit.service.map_or(!exempts, |own| own == service)
            })
            && any_or_none(&self.networks, |network| match visit.source {
                Source::Address(address) => network.contains(address),
                Source::Here => false,
                Source::Unknown => !exempts,
            })
    }

    /// Tells whether it exempts anybody on a day.
    #[must_use]
    pub fn exempts(&self, today: Day) -> bool {
        match self.ask {
            Ask::EnrolBy(day) => today <= day,
            Ask::Ignore => true,
            Ask::Require => false,
        }
    }

    /// Tells whether an exemption may be meant for somebody: nobody is exempt by a typing error, and
    /// root only where he is named. An account that has his name and not his uid is never meant.
    fn may_exempt(&self, person: &Person<'_>) -> bool {
        match person.uid {
            None => false,
            Some(ROOT) => self.users.iter().any(|user| user == ROOTS_NAME),
            Some(_) => person.name != ROOTS_NAME,
        }
    }
}

impl fmt::Display for Rule {
    /// `user alice or bob, service sshd: ignore`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<String> = self.networks.iter().map(Network::to_string).collect();
        let selectors = [
            ("user", &self.users),
            ("group", &self.groups),
            ("service", &self.services),
            ("network", &networks),
        ];
        let mut parts = Vec::new();
        for (key, words) in selectors.iter().filter(|(_, words)| !words.is_empty()) {
            parts.push(format!("{key} {}", words.join(" or ")));
        }
        let who = if parts.is_empty() { "everything else".to_owned() } else { parts.join(", ") };
        write!(f, "{who}: {}", self.ask)
    }
}

/// Tells whether a selector that says nothing, or one of its words, matches.
fn any_or_none<T>(words: &[T], matches: impl FnMut(&T) -> bool) -> bool {
    words.is_empty() || words.iter().any(matches)
}

/// Tells whether a selector matches all that another one does.
fn includes(wider: &[String], narrower: &[String]) -> bool {
    wider.is_empty() || !narrower.is_empty() && narrower.iter().all(|word| wider.contains(word))
}

#[cfg(test)]
mod tests;
