//! The values of a key: as text, and as the bytes that an encrypted one comes to.

use zeroize::Zeroizing;

use crate::{
    record::Seed,
    seed::{
        encoding::{bytes_from_base64, is_base64, seed_from_base64, seed_from_bytes},
        error::{Fault, Flaw},
        value,
        xml::Text,
    },
};

/// How a value is read from its text, and from its bytes.
pub(super) struct Scalar<T> {
    pub(super) text: fn(&Text) -> Result<T, Fault>,
    pub(super) bytes: fn(Zeroizing<Vec<u8>>) -> Result<T, Flaw>,
}

/// The seed.
pub(super) const SEED: Scalar<Seed> = Scalar { text: seed, bytes: seed_from_bytes };
/// The next counter, an `xs:long`.
pub(super) const COUNTER: Scalar<u64> = Scalar {
    text: |text| number(text).and_then(counter).ok_or(text.fault(Flaw::BadCounter)),
    bytes: |bytes| whole(&bytes).and_then(counter).ok_or(Flaw::BadCounter),
};
/// The seconds per step.
pub(super) const PERIOD: Scalar<u32> = Scalar {
    text: |text| value::period(text.trimmed(), 0).map_err(|fault| text.fault(fault.flaw)),
    bytes: |bytes| match whole(&bytes) {
        Some(30) => Ok(30),
        Some(60) => Ok(60),
        _ => Err(Flaw::BadPeriod),
    },
};
/// A Time of 0 only: what another one means differs between vendors (RFC 6030 section 4.2:
/// intervals since an agreed moment).
pub(super) const TIME: Scalar<()> = Scalar {
    text: |text| zero(number(text)).ok_or(text.fault(Flaw::BadTime)),
    bytes: |bytes| zero(whole(&bytes)).ok_or(Flaw::BadTime),
};
/// Any TimeDrift, an `xs:int`. It counts intervals, not seconds: -12 of a token of 60 s are
/// twelve minutes. It is dropped: it is the drift of the day on which the file was written, and
/// assignment learns today's from two codes.
pub(super) const DRIFT: Scalar<()> = Scalar {
    text: |text| match text.trimmed().parse::<i32>() {
        Ok(_) => Ok(()),
        Err(_) => Err(text.fault(Flaw::BadTime)),
    },
    bytes: |bytes| whole(&bytes).map(drop).ok_or(Flaw::BadTime),
};

/// Reads base64 with any white space in it (XML Schema part 2 section 3.2.16).
pub(super) fn base64(text: &Text) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let (compact, start) = compact(text)?;
    bytes_from_base64(&compact, start)
}

fn seed(text: &Text) -> Result<Seed, Fault> {
    let (compact, start) = compact(text)?;
    seed_from_base64(&compact, start)
}

/// Returns base64 without its white space, and where it starts.
fn compact(text: &Text) -> Result<(Zeroizing<String>, usize), Fault> {
    let mut compact = Zeroizing::new(String::with_capacity(text.value().len()));
    for (index, character) in text.value().char_indices() {
        match character {
            ' ' | '\t' | '\r' | '\n' => {}
            character if is_base64(character) => compact.push(character),
            _ => return Err(Fault::new(text.offset_of(index), Flaw::NotBase64)),
        }
    }
    Ok((compact, text.fault(Flaw::Base64Length).offset))
}

fn number(text: &Text) -> Option<u64> {
    text.trimmed().parse::<i64>().ok().and_then(|number| u64::try_from(number).ok())
}

/// Reads a number that was encrypted. RFC 6030 section 4.2 has 4 or 8 bytes, the highest first;
/// some programs leave leading zeroes out, and some encrypt decimal digits. A number of the first
/// kind whose bytes all are digits would be 12 336 or more as a period or drift, and as a counter
/// of one or two bytes the same as the code pair of the assignment finds anyway.
fn whole(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() || bytes.len() > 19 {
        return None;
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        return str::from_utf8(bytes).ok()?.parse().ok();
    }
    if bytes.len() > 8 {
        return None;
    }
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn counter(number: u64) -> Option<u64> {
    i64::try_from(number).is_ok().then_some(number)
}

fn zero(number: Option<u64>) -> Option<()> {
    (number == Some(0)).then_some(())
}
