//! The shares of a user's budget of wrong codes.

/// From where an answer came, as far as a budget goes. A flood on one never touches another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Share {
    /// This host's console and greeters.
    Console,
    /// sudo, su and polkit.
    Escalation,
    /// Remote hosts from which the user signed in lately.
    Known,
    /// Programs that run as the user himself.
    Own,
    /// All other remote hosts.
    Unknown,
}

impl Share {
    /// Every share, in the order of their words.
    pub const ALL: [Self; 5] =
        [Self::Console, Self::Escalation, Self::Known, Self::Own, Self::Unknown];

    /// Returns the word for it on the bus, in JSON and in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Escalation => "escalation",
            Self::Known => "known",
            Self::Own => "own",
            Self::Unknown => "unknown",
        }
    }

    /// Returns the share for a word from the bus.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|share| share.word() == word)
    }
}
