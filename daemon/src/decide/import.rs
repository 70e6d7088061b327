//! May this token of a seed file come into stock, beside what is there already?

use fob_api::{Error, Serial};

use crate::{
    decide::Now,
    record::{Parameters, State, Token, Trace},
    seed::Place,
};

/// A token of a seed file, its seed replaced by the fingerprint.
pub struct Candidate<'a> {
    /// Its serial.
    pub serial: &'a Serial,
    /// The vault's fingerprint of its seed.
    pub fingerprint: [u8; 32],
    /// How it computes its codes.
    pub parameters: &'a Parameters,
    /// From when on the file says that it may be used, Unix time.
    pub not_before: Option<u64>,
    /// When the file says that it expires, Unix time.
    pub not_after: Option<u64>,
    /// Where in the file it stands.
    pub place: Place,
}

/// What the store has under this serial and this seed.
pub struct Known<'a> {
    /// The token with this serial.
    pub token: Option<&'a Token>,
    /// Who has this seed, or had it.
    pub trace: Option<&'a Trace>,
}

/// What to do with it.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// It is new; this is its state: what its seed spent before, if it was here before.
    Add(Box<State>),
    /// It is there already, the same in every respect.
    Unchanged,
}

/// Whether keys are taken that the file calls expired, or too new to be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expiry {
    /// They are refused.
    Heed,
    /// They are taken.
    Ignore,
}

/// Decides on one token of a seed file.
///
/// # Errors
///
/// `BadSeedFile`, with the place, for a serial that is there with another seed or other
/// parameters, a seed that is there under another serial, a lost token, a key that has expired or may not
/// be used yet.
pub fn admit(
    candidate: &Candidate<'_>,
    known: &Known<'_>,
    expiry: Expiry,
    now: Now,
) -> Result<Admission, Error> {
    let serial = candidate.serial;
    let left = known.trace.and_then(|trace| trace.left.as_ref());
    if left.is_some_and(|left| left.lost.is_some()) {
        let what = format!("token {serial} was reported lost and stays out.");
        return Err(refusal(candidate, &what, "ask the vendor for another token."));
    }
    let here = known.trace.filter(|trace| trace.left.is_none());
    if let Some(other) = here.map(|trace| &trace.serial).filter(|other| **other != serial.folded())
    {
        let what =
            format!("token {serial} has the same seed as token {other}, which is here already.");
        return Err(refusal(
            candidate,
            &what,
            "two tokens never share a seed; ask the vendor which serial is right.",
        ));
    }
    if let Some(token) = known.token {
        if token.fingerprint != candidate.fingerprint || token.parameters != *candidate.parameters {
            let what =
                format!("token {serial} is here already, with another seed or other parameters.");
            let hint = format!("run \"fobctl forget {serial}\" first if the file is right.");
            return Err(refusal(candidate, &what, &hint));
        }
        return Ok(Admission::Unchanged);
    }
    if expiry == Expiry::Heed && candidate.not_after.is_some_and(|end| end < now.0) {
        let what = format!("the file says that the key of token {serial} has expired.");
        return Err(refusal(candidate, &what, "add --ignore-expiry to take it all the same."));
    }
    if expiry == Expiry::Heed && candidate.not_before.is_some_and(|start| start > now.0) {
        let what = format!("the file says that the key of token {serial} may not be used yet.");
        return Err(refusal(
            candidate,
            &what,
            "look at the host's clock, or add --ignore-expiry to take it all the same.",
        ));
    }
    Ok(Admission::Add(Box::new(left.map(|left| left.state.clone()).unwrap_or_default())))
}

/// Returns what is known of a seed under its fingerprint here, and under its serial from another
/// house: whoever says that it was lost is believed.
#[must_use]
pub fn combined(own: Option<Trace>, former: Option<Trace>) -> Option<Trace> {
    let (mut own, former) = match (own, former) {
        (Some(own), Some(former)) => (own, former),
        (own, former) => return own.or(former),
    };
    let Some(left) = &former.left else { return Some(own) };
    if left.lost.is_some() {
        return Some(former);
    }
    if let Some(here) = &mut own.left {
        here.state.last_step = here.state.last_step.max(left.state.last_step);
    }
    Some(own)
}

/// Makes the refusal of a file, with the place of the token.
fn refusal(candidate: &Candidate<'_>, what: &str, hint: &str) -> Error {
    let Place { line, column } = candidate.place;
    Error::BadSeedFile {
        fact: format!("line {line}, column {column}: {what}"),
        hint: hint.to_owned(),
    }
}

#[cfg(test)]
mod tests;
