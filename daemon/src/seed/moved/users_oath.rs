//! The users file of pam_oath: type, user, PIN, seed, and what it writes at each sign-in: moving
//! factor, last code, last time.
//!
//! The moving factor beside a last code is the counter of that code (`usersfile.c` of liboath);
//! without one it is the counter that comes next. Of a token with a clock it means nothing; there
//! the last code tells which step was used last, and pam_oath takes none below it.
//!
//! pam_oath skips rows that it does not know. Here a comment is what begins with `#`, and any other
//! row that is not one is named.

use fob_api::Code;

use super::{Dropped, Found, Moved, MovedFlaw, Person, Scratch, Spent};
use crate::{
    record::{Algorithm, Moving, Parameters},
    seed::{
        csv::{Between, Field, Hash, Row, Rows},
        date,
        encoding::seed_from_hex,
        error::{Fault, Flaw},
        place::Places,
        value,
    },
};

/// Columns of the shortest row.
const REQUIRED: usize = 4;
/// Columns of the longest.
const COLUMNS: usize = 7;

/// Reads every row.
pub(super) fn read(text: &str) -> Vec<Person> {
    let mut places = Places::new(text);
    let rows = Rows::new(text, Hash::Comment, COLUMNS, Between::Blanks);
    rows.map(|row| found(row).person(text, &mut places)).collect()
}

fn found(row: Result<Row, Fault>) -> Found {
    match row {
        Ok(row) => {
            let user = row.fields.get(1).map(|user| user.text.to_string());
            Found { user, offset: row.offset, token: token(&row) }
        }
        Err(fault) => Found { user: None, offset: fault.offset, token: Err(fault) },
    }
}

fn token(row: &Row) -> Result<Moved, Fault> {
    let [kind, _, pin, seed, rest @ ..] = row.fields.as_slice() else {
        return Err(row.too_short(REQUIRED));
    };
    row.refuse_more(COLUMNS)?;
    let (period, digits) = kind_of(kind)?;
    let seed = seed_from_hex(&seed.text, seed.offset)?;
    let counter = match rest.first() {
        Some(field) => value::counter(&field.text, field.offset)?,
        None => 0,
    };
    let last = rest.get(1).map(|field| last_code(field, digits)).transpose()?;
    if let Some(time) = rest.get(2) {
        check_time(time)?;
    }
    let (moving, spent) = match (period, last) {
        (None, None) => (Moving::Counter { next: counter }, Spent::Counted),
        (None, Some(_)) => (Moving::Counter { next: counter }, Spent::UpTo(counter)),
        (Some(period), None) => {
            (Moving::Time { period }, Spent::Unsaid { ahead: None, known: None })
        }
        (Some(period), Some(code)) => (Moving::Time { period }, Spent::Last(code)),
    };
    let parameters = Parameters { algorithm: Algorithm::Sha1, digits, moving };
    let dropped = (!matches!(pin.text.as_str(), "-" | "+")).then_some(Dropped::Pin);
    Ok(Moved {
        seed,
        parameters,
        drift: 0,
        spent,
        issuer: None,
        scratch: Scratch::default(),
        dropped,
    })
}

/// Reads the type: seconds per step, none with a button, and digits.
fn kind_of(field: &Field) -> Result<(Option<u32>, u8), Fault> {
    let mut parts = field.text.split('/');
    let (name, moving, digits) = (parts.next(), parts.next(), parts.next());
    let period = match (name, moving) {
        (Some("HOTP"), None | Some("E")) => None,
        (Some("HOTP"), Some("T30")) => Some(30),
        (Some("HOTP"), Some("T60")) => Some(60),
        _ => return Err(Fault::new(field.offset, Flaw::Moved(MovedFlaw::OtherType))),
    };
    let digits = match digits {
        Some(digits) => value::digits(digits, field.offset)?,
        None => 6,
    };
    match parts.next() {
        None => Ok((period, digits)),
        Some(_) => Err(Fault::new(field.offset, Flaw::Moved(MovedFlaw::OtherType))),
    }
}

/// Reads the last code.
fn last_code(field: &Field, digits: u8) -> Result<Code, Fault> {
    let plain = field.text.bytes().all(|byte| byte.is_ascii_digit());
    let code = Code::parse(&field.text).ok().filter(|code| plain && code.digits() == digits);
    code.ok_or(Fault::new(field.offset, Flaw::Moved(MovedFlaw::BadLastCode)))
}

/// Refuses a last time that is none. What it says is not needed: it is local, and nobody says
/// where; the last code tells it.
fn check_time(field: &Field) -> Result<(), Fault> {
    let local = field.text.strip_suffix('L').and_then(date::unix);
    local.map(drop).ok_or(Fault::new(field.offset, Flaw::BadDate))
}

#[cfg(test)]
mod tests;
