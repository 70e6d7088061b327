//! URIs of authenticator apps, one a line: `otpauth://` of one account each, and
//! `otpauth-migration://`, in which Google Authenticator exports several.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Found, MovedFlaw, Person,
    migration::{self, Export, Part},
    otpauth_uri,
};
use crate::seed::{
    csv::Lines,
    error::{Fault, Flaw},
    place::Places,
};

/// The parts of one export that were found.
struct Parts {
    /// Where the first stands.
    offset: usize,
    /// How many there are, as the export says.
    count: u64,
    /// Which were found.
    found: BTreeSet<u64>,
}

/// Reads every line that is neither blank nor a comment.
pub(super) fn read(text: &str) -> Vec<Person> {
    let mut exports: BTreeMap<u64, Parts> = BTreeMap::new();
    let mut found = Vec::new();
    for (start, line) in Lines::new(text) {
        let uri = line.trim_matches([' ', '\t']);
        let offset = start + line.len() - line.trim_start_matches([' ', '\t']).len();
        if uri.is_empty() || uri.starts_with('#') {
            continue;
        }
        match migration::read(uri, offset) {
            None => found.push(otpauth_uri::read(uri, offset)),
            Some(Err(fault)) => found.push(Found { user: None, offset, token: Err(fault) }),
            Some(Ok(Export { accounts, part })) => {
                found.extend(accounts);
                note(&mut exports, &part, offset);
            }
        }
    }
    let incomplete = exports.into_values().filter(|parts| (parts.found.len() as u64) < parts.count);
    found.extend(incomplete.map(|Parts { offset, .. }| Found {
        user: None,
        offset,
        token: Err(Fault::new(offset, Flaw::Moved(MovedFlaw::NoPart))),
    }));
    // In the order of the text, which is then walked through once.
    found.sort_by_key(|found| found.offset);
    let mut places = Places::new(text);
    found.into_iter().map(|found| found.person(text, &mut places)).collect()
}

/// Notes a part of an export.
fn note(exports: &mut BTreeMap<u64, Parts>, part: &Part, offset: usize) {
    let new = || Parts { offset, count: 0, found: BTreeSet::new() };
    let parts = exports.entry(part.export).or_insert_with(new);
    parts.count = parts.count.max(part.count);
    parts.found.insert(part.index);
}

#[cfg(test)]
mod tests;
