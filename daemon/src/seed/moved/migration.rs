//! `otpauth-migration://offline?data=…`: accounts that Google Authenticator exports, a protocol
//! buffer in base64.
//!
//! The message has no published description; its fields are known from what the app writes, and
//! are the same in all programs that read it: accounts (1), how many parts the export has (3),
//! which one this is (4), and the export's number (5); of an account the seed (1), name (2),
//! issuer (3), hash (4), digits (5), type (6) and counter (7). The reader takes a field once, and
//! passes over fields that it does not know, as the encoding asks for.
//!
//! The app moves its counter on before it shows a code: the counter is that of the last code.

use zeroize::Zeroizing;

use super::{Found, Moved, MovedFlaw, Spent, otpauth_uri};
use crate::{
    record::{Algorithm, Moving, Parameters},
    seed::{
        encoding::{bytes_from_base64, seed_from_bytes},
        error::{Fault, Flaw},
        value,
    },
};

/// What begins such a URI.
const SCHEME: &str = "otpauth-migration://offline?";

/// What an export holds.
pub(super) struct Export {
    pub(super) accounts: Vec<Found>,
    pub(super) part: Part,
}

/// Which part of which export it is.
pub(super) struct Part {
    pub(super) export: u64,
    pub(super) count: u64,
    pub(super) index: u64,
}

/// Reads a line; `None` if it is no export.
pub(super) fn read(uri: &str, offset: usize) -> Option<Result<Export, Fault>> {
    let query = otpauth_uri::after(uri, SCHEME)?;
    let start = offset + uri.len() - query.len();
    Some(otpauth_uri::parameters(query, start).and_then(|parameters| {
        let data = parameters.iter().find(|(name, _)| *name == "data");
        let (_, data) = data.ok_or(Fault::new(start, Flaw::Missing { name: "data" }))?;
        let bytes = bytes_from_base64(&data.text, 0);
        let bytes = bytes.map_err(|fault| Fault::new(data.offset, fault.flaw))?;
        export(&bytes, offset).ok_or(bad(data.offset))
    }))
}

fn bad(offset: usize) -> Fault {
    Fault::new(offset, Flaw::Moved(MovedFlaw::BadExport))
}

/// Reads the message; `None` if it is damaged.
fn export(bytes: &[u8], offset: usize) -> Option<Export> {
    let mut accounts = Vec::new();
    let (mut count, mut index, mut number) = (None, None, None);
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(account)) => accounts.push(found(account, offset)?),
            (3, Value::Number(value)) => once(&mut count, value)?,
            (4, Value::Number(value)) => once(&mut index, value)?,
            (5, Value::Number(value)) => once(&mut number, value)?,
            (1 | 3 | 4 | 5, _) => return None,
            _ => {}
        }
    }
    let part = Part {
        export: number.unwrap_or_default(),
        count: count.unwrap_or(1),
        index: index.unwrap_or_default(),
    };
    Some(Export { accounts, part })
}

/// The fields of an account.
#[derive(Default)]
struct Account<'b> {
    seed: Option<&'b [u8]>,
    name: Option<&'b [u8]>,
    issuer: Option<&'b [u8]>,
    hash: Option<u64>,
    digits: Option<u64>,
    kind: Option<u64>,
    counter: Option<u64>,
}

/// Reads an account; `None` if it is damaged.
fn found(bytes: &[u8], offset: usize) -> Option<Found> {
    let mut account = Account::default();
    let mut fields = Fields(bytes);
    while let Some(field) = fields.next()? {
        match field {
            (1, Value::Bytes(value)) => once(&mut account.seed, value)?,
            (2, Value::Bytes(value)) => once(&mut account.name, value)?,
            (3, Value::Bytes(value)) => once(&mut account.issuer, value)?,
            (4, Value::Number(value)) => once(&mut account.hash, value)?,
            (5, Value::Number(value)) => once(&mut account.digits, value)?,
            (6, Value::Number(value)) => once(&mut account.kind, value)?,
            (7, Value::Number(value)) => once(&mut account.counter, value)?,
            (1..=7, _) => return None,
            _ => {}
        }
    }
    let name = str::from_utf8(account.name.unwrap_or_default()).ok()?;
    let said = str::from_utf8(account.issuer.unwrap_or_default()).ok()?;
    if name.contains(char::is_control) {
        return None;
    }
    let (issuer, user) = otpauth_uri::named(name);
    let issuer = Some(said).filter(|said| !said.is_empty()).or(issuer).unwrap_or_default();
    let token = token(&account, issuer).map_err(|flaw| Fault::new(offset, flaw));
    Some(Found { user, offset, token })
}

fn token(account: &Account<'_>, issuer: &str) -> Result<Moved, Flaw> {
    let algorithm = match account.hash.unwrap_or_default() {
        0 | 1 => Algorithm::Sha1,
        2 => Algorithm::Sha256,
        3 => Algorithm::Sha512,
        _ => return Err(Flaw::OtherHash),
    };
    let digits = match account.digits.unwrap_or_default() {
        0 | 1 => 6,
        2 => 8,
        _ => return Err(Flaw::Moved(MovedFlaw::BadDigits)),
    };
    let counter = account.counter.unwrap_or_default();
    let (moving, spent) = match account.kind {
        Some(1) if i64::try_from(counter).is_err() => return Err(Flaw::BadCounter),
        Some(1) => (Moving::Counter { next: counter }, Spent::UpTo(counter)),
        Some(2) => {
            let period = value::DEFAULT_PERIOD;
            (Moving::Time { period }, Spent::Unsaid { ahead: None, known: None })
        }
        _ => return Err(Flaw::OtherType),
    };
    let bytes = Zeroizing::new(account.seed.unwrap_or_default().to_vec());
    let seed = seed_from_bytes(bytes)?;
    let issuer = value::label(issuer, 0).map_err(|fault| fault.flaw)?;
    let parameters = Parameters { algorithm, digits, moving };
    Ok(Moved::of_app(seed, parameters, spent, issuer))
}

/// Keeps a value that may be there once; `None` if it is there again.
fn once<T>(kept: &mut Option<T>, value: T) -> Option<()> {
    kept.replace(value).is_none().then_some(())
}

/// The value of a field.
enum Value<'b> {
    Number(u64),
    Bytes(&'b [u8]),
    /// Of a fixed length, which no known field is.
    Fixed,
}

/// The fields of a message that were not read yet.
struct Fields<'b>(&'b [u8]);

impl<'b> Fields<'b> {
    /// Returns the number of the next field and its value; `Some(None)` at the end, `None` if
    /// there is no field.
    fn next(&mut self) -> Option<Option<(u64, Value<'b>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => self.bytes(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => self.bytes(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some(Some((tag >> 3, value)))
    }

    /// Reads a number of seven bits a byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.bytes(1)? else { return None };
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn bytes(&mut self, length: usize) -> Option<&'b [u8]> {
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
