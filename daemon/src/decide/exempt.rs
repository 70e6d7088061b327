//! Who is let past the prompt without a code, and for which reason. The one place: each reason is a
//! variant of [`Exemption`], and the module says of each how it is told on the bus.

use fob_api::PromptKind;

use crate::{
    decide::{At, recovery, rule::Ruling, verify::Unenrolled},
    record::{Recovery, UserTokens},
};

/// Why somebody is not asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exemption {
    /// The host's PAM file says `nullok`, and he has no token.
    Nullok,
    /// The rule with this index says so.
    Rule(usize),
    /// A code was accepted in this session a short time ago ([`super::ticket`]).
    Ticket,
}

impl Exemption {
    /// Returns the word for it on the bus. A module that does not know the word refuses.
    #[must_use]
    pub fn kind(self) -> PromptKind {
        match self {
            Self::Nullok => PromptKind::Exempt,
            Self::Rule(_) => PromptKind::Ignored,
            Self::Ticket => PromptKind::Ticket,
        }
    }
}

/// What is known of somebody who is to be asked or not.
#[derive(Clone, Copy)]
pub struct Standing<'a> {
    /// His tokens; `None` for a user who does not exist.
    pub tokens: Option<&'a UserTokens>,
    /// His recovery codes, if he was given some.
    pub codes: Option<&'a Recovery>,
    /// What the host's PAM file says about users without a token. A rule outweighs it.
    pub unenrolled: Unenrolled,
}

/// Decides whether somebody is not asked at all. One who does not exist is asked and refused like
/// everybody, so that nobody is exempt by a typing error.
///
/// Who was given recovery codes is bound by them ([`recovery::unenrolled`]); and one whose token was
/// lost or retired has enrolled once, so no rule lets him enrol until a day.
#[must_use]
pub fn exemption(ruling: Ruling, standing: &Standing<'_>, at: &At<'_>) -> Option<Exemption> {
    let tokens = standing.tokens?;
    let is_free = |said| {
        let said = recovery::unenrolled(said, standing.codes, at);
        tokens.serials.is_empty() && said == Unenrolled::Exempt
    };
    match ruling {
        Ruling::Enrol(index) => (is_free(Unenrolled::Exempt) && tokens.former.is_empty())
            .then_some(Exemption::Rule(index)),
        Ruling::Ignore(index) => Some(Exemption::Rule(index)),
        Ruling::None => is_free(standing.unenrolled).then_some(Exemption::Nullok),
        Ruling::Require(_) => None,
    }
}

/// Why somebody is asked, or not: for an administrator who wonders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// Nothing exempts him.
    Default,
    /// A rule lets him enrol until a day.
    Enrol,
    /// He could be exempt, but his token was lost or retired, or he was given codes.
    HadToken,
    /// He could be exempt, but he has a token.
    HasToken,
    /// A rule says that he is not asked.
    Ignore,
    /// There is no such user.
    NoSuchUser,
    /// The host's PAM file says `nullok`, and he has no token.
    Nullok,
    /// A rule says that he is asked.
    Require,
}

impl Reason {
    /// Returns the word for it on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Enrol => "enrol",
            Self::HadToken => "had_token",
            Self::HasToken => "has_token",
            Self::Ignore => "ignore",
            Self::NoSuchUser => "no_such_user",
            Self::Nullok => "nullok",
            Self::Require => "require",
        }
    }
}

/// Says why [`exemption`] decides as it does.
#[must_use]
pub fn reason(ruling: Ruling, standing: &Standing<'_>, at: &At<'_>) -> Reason {
    let Some(tokens) = standing.tokens else { return Reason::NoSuchUser };
    let bound = match tokens.serials.is_empty() {
        true => Reason::HadToken,
        false => Reason::HasToken,
    };
    match (ruling, exemption(ruling, standing, at), standing.unenrolled) {
        (Ruling::Ignore(_), ..) => Reason::Ignore,
        (Ruling::Require(_), ..) => Reason::Require,
        (Ruling::Enrol(_), Some(_), _) => Reason::Enrol,
        (Ruling::None, Some(_), _) => Reason::Nullok,
        (Ruling::Enrol(_), None, _) | (Ruling::None, None, Unenrolled::Exempt) => bound,
        (Ruling::None, None, Unenrolled::Refuse) => Reason::Default,
    }
}

#[cfg(test)]
mod tests;
