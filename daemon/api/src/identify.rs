//! Finding out which token it is that somebody has in the hand: options and report.

use zbus::{DeserializeDict, SerializeDict, Type};

use crate::TokenReport;

/// What a caller may add to identify.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct IdentifyOptions {
    /// Where the page begins: what the page before returned; absent for the first one.
    pub cursor: Option<String>,
    /// Seconds between the two codes' inputs; the second may be two steps on if it is long.
    pub elapsed: Option<u32>,
    /// Search two hours either way, not ten minutes; a button's next thousand codes, not ten.
    pub wide: Option<bool>,
    /// The uid with which the caller signed in before he became root (proc_pid_loginuid(5)): for the
    /// log only.
    pub login_uid: Option<u32>,
}

/// A page of the search for a token.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct IdentifyReport {
    /// Tokens that could have shown the codes, at most 20 of a page.
    pub tokens: Option<Vec<TokenReport>>,
    /// How many there are beyond those.
    pub more: Option<u32>,
    /// Tokens that were looked at.
    pub searched: Option<u32>,
    /// Tokens whose seeds could not be read.
    pub unreadable: Option<u32>,
    /// How much of the whole search is done with this page, in percent.
    pub percent: Option<u32>,
    /// Where the next page begins; empty after the last.
    pub next: Option<String>,
}
