//! What `fobctl import --from` is told.

use clap::Args;
use fob_api::{AdoptSource, UserName};

/// What is said of vendors' files alone. Each argument below refuses all of them by itself: clap asks
/// for a required one no more where something else excludes that.
const OF_VENDORS: [&str; 7] =
    ["format", "encoding", "kind", "ignore_expiry", "partial", "password_fd", "batch"];

/// `fobctl import --from`.
#[derive(Args, Debug)]
pub(crate) struct From {
    /// Take tokens over from another program, each with its user
    #[arg(
        long = "from",
        value_name = "PROGRAM",
        value_parser = AdoptSource::ALL.map(AdoptSource::word),
        conflicts_with_all = OF_VENDORS,
    )]
    pub(crate) program: Option<String>,
    /// With --from google-authenticator, FILE and these are users; without any, all users are
    #[arg(value_name = "USER", requires = "program", conflicts_with_all = OF_VENDORS)]
    pub(crate) more: Vec<String>,
    /// Give the one token of the file to this user, whomever the file names
    #[arg(long, requires = "program", conflicts_with_all = OF_VENDORS, value_parser = UserName::parse)]
    pub(crate) user: Option<UserName>,
    /// Where the users' files are, as the option secret= of pam_google_authenticator says it
    #[arg(long, value_name = "PATH", requires = "program", conflicts_with_all = OF_VENDORS)]
    pub(crate) secret: Option<String>,
}

impl From {
    /// Returns the program that was named.
    pub(crate) fn source(&self) -> Option<AdoptSource> {
        self.program.as_deref().and_then(AdoptSource::from_word)
    }
}
