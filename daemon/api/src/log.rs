//! The daemon's log on the bus: what is asked for, events, and what a check has found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zbus::{DeserializeDict, SerializeDict, Type};

/// Which events are asked for.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct LogOptions {
    /// Only lines after this one.
    pub after: Option<u64>,
    /// Only lines before this one.
    pub before: Option<u64>,
    /// Most events: 1 to 500; 50 if absent.
    pub limit: Option<u32>,
    /// The newest of them instead of the oldest.
    pub newest: Option<bool>,
    /// Only events about this user.
    pub user: Option<String>,
    /// Only events about the token of this serial.
    pub serial: Option<String>,
    /// Only events of this name, or with this verdict.
    pub event: Option<String>,
    /// Only events of this Unix time or later.
    pub since: Option<u64>,
    /// Only events before this Unix time.
    pub until: Option<u64>,
}

/// One event of the log. Its texts have no control characters.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize, Type)]
pub struct LogEntry {
    /// The line's number, from 1 on.
    pub seq: u64,
    /// Unix time; 0 if the host had no clock.
    pub time: u64,
    /// The event's name.
    pub event: String,
    /// Its fields by their names.
    pub fields: BTreeMap<String, String>,
}

/// What a check of the log has found.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct LogReport {
    /// Files that were looked at.
    pub files: Option<u32>,
    /// Lines that are known to be as they were written.
    pub lines: Option<u64>,
    /// Number of the first line.
    pub first: Option<u64>,
    /// Number of the last line that was checked.
    pub last: Option<u64>,
    /// What is wrong first: `altered`, `file_missing`, `lines_missing` or `truncated`; absent, as
    /// the next two, if nothing is.
    pub wrong: Option<String>,
    /// The name of the file; empty if there is none.
    pub file: Option<String>,
    /// The line in it, from 1 on.
    pub line: Option<u64>,
    /// Every place where something is wrong, in the order of the log; 100 at most.
    pub breaks: Option<Vec<LogBreak>>,
    /// How many more there are.
    pub more: Option<u64>,
}

/// A place where the log is broken.
#[derive(Clone, Debug, Default, SerializeDict, DeserializeDict, Type)]
#[zbus(signature = "a{sv}")]
pub struct LogBreak {
    /// What is wrong, as in the report.
    pub wrong: Option<String>,
    /// The name of the file; empty if there is none.
    pub file: Option<String>,
    /// The line in it, from 1 on.
    pub line: Option<u64>,
    /// The number that the line says it has; absent if it says none.
    pub seq: Option<u64>,
}
