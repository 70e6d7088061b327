//! The numbers of verification, as one table: a field of [`Policy`], what the configuration file
//! calls it, its default, its range, and the reasons, all in one place. Parsing, `fobd
//! --check-config`, `packaging/fobd.conf` and the README's table are made from it.
//!
//! A new number is one entry of the `policy!` below, then
//! `cargo run -p fobd --example settings` (that file says what to do with its output).

mod row;

pub use row::{Allowed, OutOfRange, Row, Setting, Value};

/// Makes a struct of numbers with its defaults (`DEFAULT`) and its table (`TABLE`).
macro_rules! policy {
    (
        $(#[$about:meta])*
        $seen:vis struct $Name:ident {
            $(
                $(#[doc = $text:literal])+
                $field:ident: $kind:ty = $default:expr, { $($part:ident: $value:expr),+ $(,)? }
            )+
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        $seen struct $Name {
            $( $(#[doc = $text])+ $seen $field: $kind, )+
        }

        impl $Name {
            /// What holds unless the administrator says otherwise.
            $seen const DEFAULT: Self = Self { $( $field: $default, )+ };

            /// The table: a row for each field, in their order.
            $seen const TABLE: &'static [Row<Self>] = &[
                $( Row {
                    about: concat!($( $text ),+),
                    $( $part: $value, )+
                    read: |policy| Setting::value(policy.$field),
                    write: |policy, value| {
                        Setting::from_value(value).map(|value| policy.$field = value)
                    },
                }, )+
            ];
        }

        impl Default for $Name {
            fn default() -> Self {
                Self::DEFAULT
            }
        }
    };
}

/// When the host's clock may teach anything about the tokens' clocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Belief {
    /// While it is known to be synchronised.
    Synchronised,
    /// Always: the administrator vouches for it.
    Trusted,
}

impl Belief {
    /// The words for them.
    const WORDS: &'static [&'static str] = &["synchronised", "trusted"];
}

impl Setting for Belief {
    fn value(self) -> Value {
        Value::Word(match self {
            Self::Synchronised => "synchronised",
            Self::Trusted => "trusted",
        })
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Word("synchronised") => Some(Self::Synchronised),
            Value::Word("trusted") => Some(Self::Trusted),
            Value::Word(_) | Value::Number(_) => None,
        }
    }
}

/// Whether what was decided about who is asked holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// It does.
    Enforce,
    /// Nobody is asked for a code; who would be is told in the log.
    Observe,
}

impl Mode {
    /// The words for them.
    const WORDS: &'static [&'static str] = &["enforce", "observe"];

    /// Returns the word for it in the configuration file and on the bus.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Observe => "observe",
        }
    }
}

impl Setting for Mode {
    fn value(self) -> Value {
        Value::Word(self.word())
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Word("enforce") => Some(Self::Enforce),
            Value::Word("observe") => Some(Self::Observe),
            Value::Word(_) | Value::Number(_) => None,
        }
    }
}

/// Whether tokens may be made that are a program on a phone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VirtualTokens {
    /// They may.
    Allowed,
    /// Only hardware is wanted.
    Refused,
}

impl VirtualTokens {
    /// The words for them.
    const WORDS: &'static [&'static str] = &["allowed", "refused"];
}

impl Setting for VirtualTokens {
    fn value(self) -> Value {
        Value::Word(match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        })
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Word("allowed") => Some(Self::Allowed),
            Value::Word("refused") => Some(Self::Refused),
            Value::Word(_) | Value::Number(_) => None,
        }
    }
}

policy! {
    /// The numbers of verification. All are defaults of clock-and-throttle.md.
    pub struct Policy {
        /// Whether anybody is asked for a code: enforce; or observe, and the log tells who would be.
        mode: Mode = Mode::Enforce, {
            key: "mode",
            unit: "",
            allowed: Allowed::Words(Mode::WORDS),
            reason: "whoever writes the module into a PAM file wants codes to be asked for",
            limits: "with observe the sign-in is as it was without Fob, while fobd answers: run it \
                     until \"fobctl report\" names nobody without a token, and no longer",
        }
        /// Steps on either side of the predicted one at sign-in, at least.
        window: u64 = 1, {
            key: "window_steps",
            unit: "steps",
            allowed: Allowed::Numbers { least: 1, most: 4 },
            reason: "a code is read and typed within the step after its own (RFC 6238 section 5.2)",
            limits: "without a neighbour a code read at a step's end is refused; beyond 4 steps of \
                     30 s a code lives longer than two minutes (NIST SP 800-63B)",
        }
        /// Seconds on either side of the predicted step beyond which no code is accepted at sign-in,
        /// however unsure the token's clock is.
        window_cap: u64 = 120, {
            key: "window_cap_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 30, most: 300 },
            reason: "in whole steps, 4 at 30 s and 2 at 60 s: hardly a code lives longer than two \
                     minutes (NIST SP 800-63B section 5.1.4.2)",
            limits: "under 30 s a token that was not used for months is refused; beyond 5 minutes a \
                     code that somebody saw is good for too long",
        }
        /// Counters ahead of the next one at sign-in with an HOTP token.
        look_ahead: u64 = 10, {
            key: "look_ahead_counters",
            unit: "counters",
            allowed: Allowed::Numbers { least: 1, most: 100 },
            reason: "a button is pressed in a pocket, too (RFC 4226 section 7.4)",
            limits: "each counter is one more code that a guess may hit",
        }
        /// Seconds on either side of the token's expected time in which a pair is searched inside a
        /// sign-in.
        pair_prompt: u64 = 10 * 60, {
            key: "pair_prompt_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 60, most: 30 * 60 },
            reason: "a clock that was followed until lately is not farther off",
            limits: "under a minute not even the next code is in range; every step is one more place \
                     that two guesses may hit",
        }
        /// Seconds on either side of the host's time in which the pair of a user's own resync is
        /// searched.
        pair_own: u64 = 2 * 60 * 60, {
            key: "pair_own_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 60, most: 2 * 60 * 60 },
            reason: "12 ppm over the five years of a battery are 32 minutes",
            limits: "under a minute not even the next code is in range; beyond 2 hours it is for an \
                     administrator to judge",
        }
        /// Seconds on either side of the host's time in which an administrator's pair is taken
        /// without a question.
        pair_administrator: u64 = 2 * 60 * 60, {
            key: "pair_administrator_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 60, most: 26 * 60 * 60 },
            reason: "12 ppm over 5 years are 32 minutes, and a clock may be set an hour wrong",
            limits: "under a minute not even the next code is in range; beyond 26 hours, every time \
                     zone, it is the wrong seed",
        }
        /// Seconds on either side of the host's time in which an administrator's pair is taken after
        /// he has confirmed it.
        pair_far: u64 = 26 * 60 * 60, {
            key: "pair_far_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 60, most: 26 * 60 * 60 },
            reason: "tokens that the vendor set to a time zone, 14 hours at most, and to the wrong day",
            limits: "under a minute not even the next code is in range; beyond 26 hours, every time \
                     zone, it is the wrong seed",
        }
        /// Counters ahead in which a pair of an HOTP token is searched.
        pair_look_ahead: u64 = 1000, {
            key: "pair_look_ahead_counters",
            unit: "counters",
            allowed: Allowed::Numbers { least: 10, most: 10_000 },
            reason: "a button is played with; two codes in a row are hit by chance once in 1e9 \
                     searches (RFC 4226 section 7.4)",
            limits: "under 10 a resync finds no more than a sign-in; each of 10 000 codes is computed \
                     while somebody waits",
        }
        /// Most tokens that one user may have.
        tokens_per_user: usize = 1, {
            key: "tokens_per_user",
            unit: "tokens",
            allowed: Allowed::Numbers { least: 1, most: 1 },
            reason: "one token is one thing to lose",
            limits: "only the first token of a user signs in for now",
        }
        /// Whether an administrator may make tokens that are a program on somebody's phone.
        virtual_tokens: VirtualTokens = VirtualTokens::Allowed, {
            key: "virtual_tokens",
            unit: "",
            allowed: Allowed::Words(VirtualTokens::WORDS),
            reason: "a phone is at hand before the ordered token is",
            limits: "set it to refused where only hardware is wanted: a phone's seed can be copied; \
                     those that are assigned already go on",
        }
        /// When the host's clock is believed: while it is known to be synchronised, or always.
        clock: Belief = Belief::Synchronised, {
            key: "clock",
            unit: "",
            allowed: Allowed::Words(Belief::WORDS),
            reason: "a clock that nobody keeps right would teach every token's clock wrongly",
            limits: "set it to trusted where something that systemd does not know keeps it right",
        }
        /// Wrong codes of a share in 24 hours before it is asked for pairs.
        wrong_per_day: u32 = 5, {
            key: "wrong_codes_per_day",
            unit: "codes",
            allowed: Allowed::Numbers { least: 1, most: 30 },
            reason: "somebody who mistypes, tries again and looks for his glasses; the longer \
                     budget stops the guesser",
            limits: "without one, a typing error would cost a pair; beyond 30 the 30 days' \
                     budget is all spent in one",
        }
        /// Wrong codes of a share in 30 days before it is asked for pairs.
        wrong_per_month: u32 = 30, {
            key: "wrong_codes_per_month",
            unit: "codes",
            allowed: Allowed::Numbers { least: 1, most: 100 },
            reason: "365 guesses in a year, at 3e-6 each, hit a code with 0.1 %",
            limits: "NIST SP 800-63B section 5.2.2 allows 100 wrong ones in a row; 1 200 guesses in \
                     a year hit with 0.4 %",
        }
        /// Wrong codes of a share of root's in 24 hours before it is asked for pairs.
        root_wrong_per_day: u32 = 3, {
            key: "root_wrong_codes_per_day",
            unit: "codes",
            allowed: Allowed::Numbers { least: 1, most: 10 },
            reason: "whoever is root types with care",
            limits: "without one, a typing error would cost a pair; beyond 10 the 30 days' budget \
                     is soon spent",
        }
        /// Wrong codes of a share of root's in 30 days before it is asked for pairs.
        root_wrong_per_month: u32 = 10, {
            key: "root_wrong_codes_per_month",
            unit: "codes",
            allowed: Allowed::Numbers { least: 1, most: 30 },
            reason: "122 guesses in a year, at 3e-6 each, hit a code with 0.04 %",
            limits: "365 guesses in a year hit with 0.1 %; root is worth more than a user",
        }
        /// Wrong codes and pairs in a row after which only a right pair ends the asking for pairs.
        wrong_in_a_row: u32 = 100, {
            key: "wrong_codes_in_a_row",
            unit: "codes",
            allowed: Allowed::Numbers { least: 10, most: 100 },
            reason: "the most that NIST SP 800-63B section 5.2.2 allows",
            limits: "under 10 it is spent on a bad day, and time alone would not refill it",
        }
        /// Wrong codes from unknown sources in 24 hours, over all users, before all unknown sources
        /// are asked for pairs.
        host_wrong_per_day: u32 = 200, {
            key: "host_wrong_codes_per_day",
            unit: "codes",
            allowed: Allowed::Numbers { least: 10, most: 2_000 },
            reason: "200 guesses a day, spread over all users, hit somebody's code within a month \
                     with 1.8 %",
            limits: "10 are the typing errors of a few people; 2 000 a day hit within a month with \
                     16 %",
        }
        /// Seconds between two pairs of one source.
        pair_pause: u32 = 10, {
            key: "pair_pause_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 1, most: 60 },
            reason: "who types two codes needs longer",
            limits: "the owner waits as long after he mistyped a pair",
        }
        /// Pairs that are tried for a user in a second.
        pairs_per_second: u32 = 10, {
            key: "pairs_per_second",
            unit: "pairs",
            allowed: Allowed::Numbers { least: 1, most: 25 },
            reason: "10 a second for a year, at 3e-12 a pair, hit with 0.1 %; the owner finds a turn \
                     among them",
            limits: "25 a second for a year hit with 0.24 %",
        }
        /// Pairs that are tried for root in a second.
        root_pairs_per_second: u32 = 1, {
            key: "root_pairs_per_second",
            unit: "pairs",
            allowed: Allowed::Numbers { least: 1, most: 5 },
            reason: "1 a second for a year, at 3e-12 a pair, hits with 0.01 %",
            limits: "5 a second for a year hit with 0.05 %",
        }
        /// Days for which a source stays known after a code from there was accepted.
        known_source_days: u32 = 30, {
            key: "known_source_days",
            unit: "days",
            allowed: Allowed::Numbers { least: 1, most: 365 },
            reason: "as long as the longer budget looks back",
            limits: "an address belongs to somebody else in the end; without one, a flood from \
                     unknown sources would reach the owner",
        }
        /// Seconds within which two refused codes of a source are taken for a pair.
        pair_patience: u32 = 180, {
            key: "pair_patience_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 60, most: 600 },
            reason: "the next code of a 60 s token is there, read and typed",
            limits: "under a minute the next code may not be there yet; two codes that are ten \
                     minutes apart are no pair",
        }
        /// Seconds within which the same wrong code counts once and is tried once.
        same_code: u32 = 60, {
            key: "same_code_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 0, most: 120 },
            reason: "people and programs send an answer twice, and the second is no second guess",
            limits: "it is not tried again so long: beyond two minutes a code whose time comes later \
                     would be refused",
        }
        /// Seconds between two tries of a user to resync his token himself.
        resync_pause: u32 = 60, {
            key: "resync_pause_seconds",
            unit: "seconds",
            allowed: Allowed::Numbers { least: 30, most: 3_600 },
            reason: "one a minute for a year, at up to 1e-9 a pair in a range of 2 h, hits with 0.05 %",
            limits: "one in 30 s for a year hits with 0.1 %; within an hour the owner wants to sign in",
        }
        /// Minutes after an accepted code in which sudo and polkit do not ask for another one, in
        /// the same login and on the same terminal.
        ticket_minutes: u32 = 0, {
            key: "ticket_minutes",
            unit: "minutes",
            allowed: Allowed::Numbers { least: 0, most: 60 },
            reason: "0 asks each time; a ticket is good to whatever runs on that terminal",
            limits: "sudo's own default is 15 (sudoers(5), timestamp_timeout); after an hour another \
                     person may sit there",
        }
    }
}

#[cfg(test)]
mod tests;
