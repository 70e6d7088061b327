//! The three modules: what stands in their PAM line, what they can hold, where their state is.

use std::path::{Path, PathBuf};

use crate::soft_token::{Algorithm, SoftToken};

/// A PAM module that asks for a token's code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Module {
    /// `libpam-google-authenticator`.
    Google,
    /// `libpam-oath`.
    Oath,
    /// Ours.
    Fob,
}

impl Module {
    /// All of them, in the table's order.
    pub const ALL: [Self; 3] = [Self::Google, Self::Oath, Self::Fob];

    /// Returns its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Google => "google-authenticator",
            Self::Oath => "pam_oath",
            Self::Fob => "Fob",
        }
    }

    /// Returns the Debian package of a peer.
    pub fn package(self) -> Option<&'static str> {
        match self {
            Self::Google => Some("libpam-google-authenticator"),
            Self::Oath => Some("libpam-oath"),
            Self::Fob => None,
        }
    }

    /// Returns where its state lies below the stage's folder.
    pub fn state(self, stage: &Path) -> PathBuf {
        match self {
            Self::Google => stage.join("home"),
            Self::Oath => stage.join("oath"),
            Self::Fob => stage.join("daemon"),
        }
    }

    /// Returns what a small file system is mounted at, for a disk that is full or read-only.
    pub fn room(self, stage: &Path) -> PathBuf {
        match self {
            Self::Fob => stage.join("daemon/state"),
            Self::Google | Self::Oath => self.state(stage),
        }
    }

    /// Returns the file whose loss, damage or reader matters most, for this user.
    pub fn file(self, stage: &Path, user: &str) -> PathBuf {
        match self {
            Self::Google => stage.join("home").join(user).join(".google_authenticator"),
            Self::Oath => stage.join("oath/users.oath"),
            Self::Fob => stage.join("daemon/state/tokens/db"),
        }
    }

    /// Returns module and options as they stand in a PAM file: what its documentation shows, and
    /// what a scenario adds.
    pub fn words(self, stage: &Path, options: &Options) -> String {
        match self {
            Self::Google => format!("pam_google_authenticator.so {}", options.google),
            Self::Oath => {
                let users = self.file(stage, "");
                format!("pam_oath.so usersfile={} {}", users.display(), options.oath)
            }
            Self::Fob => format!("{} {}", stage.join("pam_fob.so").display(), options.fob),
        }
    }

    /// Tells why it cannot hold such a token, if it cannot.
    pub fn lacks(self, shape: Shape) -> Option<&'static str> {
        match self {
            Self::Google if shape.algorithm != Algorithm::SHA1 => Some("knows SHA-1 alone"),
            Self::Google if shape.digits != 6 => Some("knows six digits alone"),
            Self::Oath if shape.algorithm != Algorithm::SHA1 => {
                Some("has no word in its users file for another hash than SHA-1")
            }
            _ => None,
        }
    }
}

/// What a scenario adds to each module's line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// For google-authenticator.
    pub google: &'static str,
    /// For `pam_oath`.
    pub oath: &'static str,
    /// For Fob.
    pub fob: &'static str,
}

/// What makes a token show its next code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moving {
    /// Its clock.
    Clock,
    /// Its button.
    Button,
}

/// What kind of token everybody in a scenario has.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The hash.
    pub algorithm: Algorithm,
    /// Digits of a code.
    pub digits: u8,
    /// Seconds of a step.
    pub period: u64,
    /// Clock or button.
    pub moving: Moving,
}

impl Default for Shape {
    fn default() -> Self {
        Self { algorithm: Algorithm::SHA1, digits: 6, period: 30, moving: Moving::Clock }
    }
}

impl Shape {
    /// The first counter of a token with a button that nobody has used when a scenario begins: the
    /// two before it are those that Fob's assignment asks for.
    pub const FIRST_COUNTER: u64 = 2;

    /// A token with a button.
    pub const BUTTON: Self =
        Self { algorithm: Algorithm::SHA1, digits: 6, period: 30, moving: Moving::Button };

    /// Returns the token of this user.
    pub fn token(self, user: &str) -> SoftToken {
        let serial = format!("DIFF-{}", user.to_uppercase());
        let token = match self.moving {
            Moving::Clock => SoftToken::with_clock(&serial).period(self.period),
            Moving::Button => SoftToken::with_button(&serial),
        };
        token.algorithm(self.algorithm).digits(self.digits)
    }

    /// Returns the text of `~/.google_authenticator`, as `google-authenticator -t -d -r 3 -R 30`
    /// writes it (the answers that its questions recommend).
    pub fn google_file(self, token: &SoftToken) -> String {
        let line = token.entra_line("-");
        let seed = line.split(',').nth(2).unwrap_or_default();
        let kind = match (self.moving, self.period) {
            (Moving::Button, _) => format!("\" HOTP_COUNTER {}\n", Self::FIRST_COUNTER),
            (Moving::Clock, 30) => "\" DISALLOW_REUSE\n\" TOTP_AUTH\n".to_owned(),
            (Moving::Clock, period) => {
                format!("\" STEP_SIZE {period}\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n")
            }
        };
        format!("{seed}\n\" RATE_LIMIT 3 30\n{kind}")
    }

    /// Returns a line of `users.oath`: kind, user, no password, seed, and the counter of a button.
    pub fn oath_line(self, user: &str, token: &SoftToken) -> String {
        let line = token.oath_line();
        let seed = line.split(", ").nth(1).unwrap_or_default();
        match self.moving {
            Moving::Clock => {
                format!("HOTP/T{}/{}\t{user}\t-\t{seed}\n", self.period, self.digits)
            }
            Moving::Button => format!("HOTP\t{user}\t-\t{seed}\t{}\n", Self::FIRST_COUNTER),
        }
    }
}
