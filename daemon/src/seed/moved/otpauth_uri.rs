//! `otpauth://totp/issuer:account?secret=…`: one account.
//!
//! The form is that of Google Authenticator's page "Key Uri Format", which all apps read. What a
//! URI leaves out is meant as there: SHA-1, 6 digits, 30 seconds. Parameters that change only how
//! an app looks are passed over; any other may change the codes, as Steam's does, and is refused.

use zeroize::Zeroizing;

use super::{Found, Moved, MovedFlaw, Spent};
use crate::{
    record::{Algorithm, Moving, Parameters},
    seed::{
        encoding::seed_from_base32,
        error::{Fault, Flaw},
        value,
    },
};

/// What begins such a URI.
const SCHEME: &str = "otpauth://";
/// Parameters that say nothing of the codes.
const LOOKS: [&str; 5] = ["color", "icon", "image", "issuer", "lock"];
/// Parameters that do.
const KNOWN: [&str; 5] = ["algorithm", "counter", "digits", "period", "secret"];

/// Most parameters of a URI. There are eleven with a meaning, and each is compared with all before.
const PARAMETERS: usize = 32;

/// A part of a URI, its escapes resolved. It may be a seed, so it is wiped.
pub(super) struct Part {
    /// What it says.
    pub(super) text: Zeroizing<String>,
    /// Where it stands.
    pub(super) offset: usize,
}

/// Reads a line.
pub(super) fn read(uri: &str, offset: usize) -> Found {
    let refused = |flaw| Found { user: None, offset, token: Err(Fault::new(offset, flaw)) };
    let Some(rest) = after(uri, SCHEME) else {
        return refused(Flaw::Moved(MovedFlaw::OtherUri));
    };
    let (kind, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let (label, query) = rest.split_once('?').unwrap_or((rest, ""));
    let label = match unescaped(label, offset + uri.len() - rest.len()) {
        Ok(label) => label,
        Err(fault) => return Found { user: None, offset, token: Err(fault) },
    };
    let (issuer, user) = named(&label.text);
    let token = parameters(query, offset + uri.len() - query.len())
        .and_then(|parameters| token((kind, offset), issuer, &parameters, label.offset));
    Found { user, offset, token }
}

/// Returns what is behind a prefix, in either case (RFC 3986 section 3.1).
pub(super) fn after<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Splits a label into issuer and account: a colon stands in neither.
pub(super) fn named(label: &str) -> (Option<&str>, Option<String>) {
    let (issuer, account) = match label.split_once(':') {
        Some((issuer, account)) => (Some(issuer), account.trim_start_matches(' ')),
        None => (None, label),
    };
    (issuer, Some(account).filter(|account| !account.is_empty()).map(str::to_owned))
}

/// Reads `name=value` pairs, each name once, and at most [`PARAMETERS`].
pub(super) fn parameters(query: &str, start: usize) -> Result<Vec<(&str, Part)>, Fault> {
    let mut found: Vec<(&str, Part)> = Vec::new();
    let mut offset = start;
    for pair in query.split('&') {
        if !pair.is_empty() {
            let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
            if found.len() >= PARAMETERS {
                return Err(Fault::new(offset, Flaw::Moved(MovedFlaw::OtherParameter)));
            }
            if found.iter().any(|(known, _)| *known == name) {
                return Err(Fault::new(offset, Flaw::Twice { name: "this parameter" }));
            }
            found.push((name, unescaped(text, offset + pair.len() - text.len())?));
        }
        offset += pair.len() + 1;
    }
    Ok(found)
}

fn token(
    (kind, start): (&str, usize),
    issuer: Option<&str>,
    parameters: &[(&str, Part)],
    label: usize,
) -> Result<Moved, Fault> {
    let other = parameters.iter().find(|(name, _)| !KNOWN.contains(name) && !LOOKS.contains(name));
    if let Some((_, part)) = other {
        return Err(Fault::new(part.offset, Flaw::Moved(MovedFlaw::OtherParameter)));
    }
    let said = |wanted: &str| parameters.iter().find(|(name, _)| *name == wanted).map(|(_, p)| p);
    let is_totp = kind.eq_ignore_ascii_case("totp");
    if !is_totp {
        // A counter in a URI is where it began; which codes were used since, nobody says.
        let is_hotp = kind.eq_ignore_ascii_case("hotp");
        let flaw = if is_hotp { MovedFlaw::NoCounter } else { MovedFlaw::OtherUri };
        return Err(Fault::new(start, Flaw::Moved(flaw)));
    }
    let secret = said("secret").ok_or(Fault::new(start, Flaw::Missing { name: "secret" }))?;
    let seed = seed_from_base32(&secret.text, 0);
    let seed = seed.map_err(|fault| Fault::new(secret.offset, fault.flaw))?;
    if let Some(counter) = said("counter") {
        return Err(Fault::new(counter.offset, Flaw::Moved(MovedFlaw::OtherParameter)));
    }
    let algorithm =
        said("algorithm").map_or(Ok(Algorithm::Sha1), |p| value::hash(&p.text, p.offset))?;
    let digits = said("digits").map_or(Ok(6), |p| value::digits(&p.text, p.offset))?;
    let period =
        said("period").map_or(Ok(value::DEFAULT_PERIOD), |p| value::period(&p.text, p.offset))?;
    let issuer = match said("issuer") {
        Some(part) => value::label(&part.text, part.offset)?,
        None => value::label(issuer.unwrap_or_default(), label)?,
    };
    let parameters = Parameters { algorithm, digits, moving: Moving::Time { period } };
    let spent = Spent::Unsaid { ahead: None, known: None };
    Ok(Moved::of_app(seed, parameters, spent, issuer))
}

/// Resolves escapes (RFC 3986 section 2.1).
fn unescaped(text: &str, offset: usize) -> Result<Part, Fault> {
    let bad = |at: usize| Fault::new(offset + at, Flaw::Moved(MovedFlaw::BadEscape));
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.bytes().enumerate();
    while let Some((at, byte)) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let (_, byte) = rest.next()?;
            char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
        };
        let (high, low) = (digit(), digit());
        let (Some(high), Some(low)) = (high, low) else { return Err(bad(at)) };
        bytes.push(high << 4 | low);
    }
    let decoded = str::from_utf8(&bytes).map_err(|_| bad(0))?;
    if decoded.contains(char::is_control) {
        return Err(bad(0));
    }
    Ok(Part { text: Zeroizing::new(decoded.to_owned()), offset })
}
