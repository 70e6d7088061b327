//! Whether somebody would be asked for a code, as a report.

use zbus::{DeserializeDict, SerializeDict, Type};

/// Why somebody is asked for a code, or not.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct ExplainReport {
    /// What decides: `default`, `enrol`, `had_token`, `has_token`, `ignore`, `no_such_user`,
    /// `nullok` or `require`.
    pub reason: Option<String>,
    /// The number of the rule of fobd.conf that matches, from 1; absent if none does.
    pub rule: Option<u32>,
    /// The line in which it begins.
    pub line: Option<u32>,
    /// What it says, as in the file.
    pub ask: Option<String>,
    /// Whether he has a token.
    pub ready: Option<bool>,
    /// `observe` while nobody is asked for a code, and `enforce` otherwise.
    pub mode: Option<String>,
}
