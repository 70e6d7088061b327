//! Messages that came.

use super::{
    DESTINATION, ERROR_NAME, FIXED_HEADER, INTERFACE, Kind, MAX_MESSAGE, MEMBER, PATH,
    REPLY_SERIAL, SENDER, SIGNATURE, VERSION,
};

/// How deep containers may lie in each other where a value is passed over. The specification
/// allows 64; what is passed over here is a key that a later Fob adds.
const DEPTH: u32 = 16;

/// A message that is not as the specification says: which part.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Damaged(pub &'static str);

/// The order of the bytes of a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn of(byte: u8) -> Result<Self, Damaged> {
        match byte {
            b'l' => Ok(Self::Little),
            b'B' => Ok(Self::Big),
            _ => Err(Damaged("byte order")),
        }
    }
}

/// Returns the length of the whole message whose first bytes these are.
///
/// # Errors
///
/// [`Damaged`] if they do not begin a message that is read here.
pub fn whole_length(start: &[u8; FIXED_HEADER]) -> Result<usize, Damaged> {
    let Fixed { fields, body, .. } = Fixed::read(start)?;
    let whole = FIXED_HEADER + fields.next_multiple_of(8) + body;
    if whole > MAX_MESSAGE { Err(Damaged("too long")) } else { Ok(whole) }
}

/// The part of the header that has one form.
struct Fixed {
    order: Order,
    kind: Kind,
    flags: u8,
    body: usize,
    serial: u32,
    fields: usize,
}

impl Fixed {
    fn read(start: &[u8; FIXED_HEADER]) -> Result<Self, Damaged> {
        let [order, kind, flags, version, ..] = *start;
        let order = Order::of(order)?;
        if version != VERSION {
            return Err(Damaged("protocol version"));
        }
        let number = |at| Reader { bytes: start, at, order }.number().ok_or(Damaged("header"));
        let bounded = |at| match number(at).map(usize::try_from)? {
            Ok(length) if length <= MAX_MESSAGE => Ok(length),
            _ => Err(Damaged("too long")),
        };
        let (body, serial, fields) = (bounded(4)?, number(8)?, bounded(12)?);
        Ok(Self { order, kind: Kind::of(kind), flags, body, serial, fields })
    }
}

/// What a header says. Fields that are not known here say nothing that a sign-in needs.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// What the message is.
    pub kind: Kind,
    /// The table in "Message Format".
    pub flags: u8,
    /// What its sender numbered it.
    pub serial: u32,
    /// The object.
    pub path: Option<&'a str>,
    /// The interface.
    pub interface: Option<&'a str>,
    /// The method.
    pub member: Option<&'a str>,
    /// The error's name.
    pub error_name: Option<&'a str>,
    /// Which call is answered.
    pub reply_serial: Option<u32>,
    /// The bus name it is for.
    pub destination: Option<&'a str>,
    /// The bus name it is from.
    pub sender: Option<&'a str>,
    /// What the values are; empty if there are none.
    pub signature: &'a str,
}

impl<'a> Header<'a> {
    /// Reads one whole message; returns its header, and what reads its values.
    ///
    /// # Errors
    ///
    /// [`Damaged`] if anything of it is not as the specification says.
    pub fn read(bytes: &'a [u8]) -> Result<(Self, Reader<'a>), Damaged> {
        let start = bytes.first_chunk().ok_or(Damaged("header"))?;
        if bytes.len() != whole_length(start)? {
            return Err(Damaged("length"));
        }
        let Fixed { order, kind, flags, body, serial, fields } = Fixed::read(start)?;
        let end = FIXED_HEADER + fields;
        let array = bytes.get(..end).ok_or(Damaged("header"))?;
        let before_body = bytes.len() - body;
        if bytes.get(end..before_body).is_none_or(|padding| padding.iter().any(|b| *b != 0)) {
            return Err(Damaged("padding"));
        }
        let body = bytes.get(before_body..).ok_or(Damaged("length"))?;
        let mut header = Self {
            kind,
            flags,
            serial,
            path: None,
            interface: None,
            member: None,
            error_name: None,
            reply_serial: None,
            destination: None,
            sender: None,
            signature: "",
        };
        header
            .fill(Reader { bytes: array, at: FIXED_HEADER, order })
            .ok_or(Damaged("header fields"))?;
        Ok((header, Reader { bytes: body, at: 0, order }))
    }

    /// Reads the fields. One that stands twice, or is of another type than its code has, is damage.
    fn fill(&mut self, mut fields: Reader<'a>) -> Option<()> {
        let mut signature = None;
        while !fields.is_at_end() {
            fields.align(8)?;
            let code = fields.byte()?;
            let kind = fields.signature()?;
            let place = match (code, kind) {
                (PATH, "o") => &mut self.path,
                (INTERFACE, "s") => &mut self.interface,
                (MEMBER, "s") => &mut self.member,
                (ERROR_NAME, "s") => &mut self.error_name,
                (DESTINATION, "s") => &mut self.destination,
                (SENDER, "s") => &mut self.sender,
                (REPLY_SERIAL, "u") => {
                    if self.reply_serial.replace(fields.number()?).is_some() {
                        return None;
                    }
                    continue;
                }
                (SIGNATURE, "g") => {
                    if signature.replace(fields.signature()?).is_some() {
                        return None;
                    }
                    continue;
                }
                (0 | PATH..=SIGNATURE, _) => return None,
                _ => {
                    fields.pass(kind)?;
                    continue;
                }
            };
            if place.replace(fields.string()?).is_some() {
                return None;
            }
        }
        self.signature = signature.unwrap_or_default();
        Some(())
    }
}

/// Reads values one after the other. `None` from any function means that the bytes are not such a
/// value.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    order: Order,
}

impl<'a> Reader<'a> {
    /// Tells whether everything was read.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// Returns what was not read.
    #[cfg(test)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Reads bytes that are no whole message.
    #[cfg(test)]
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, order: Order::Little }
    }

    /// Reads a number.
    pub fn number(&mut self) -> Option<u32> {
        self.align(4)?;
        let bytes = *self.take(4)?.first_chunk()?;
        Some(match self.order {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }

    /// Reads a large number.
    pub fn large(&mut self) -> Option<u64> {
        self.align(8)?;
        let bytes = *self.take(8)?.first_chunk()?;
        Some(match self.order {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        })
    }

    /// Reads a yes or no.
    pub fn truth(&mut self) -> Option<bool> {
        match self.number()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    /// Reads a string.
    pub fn string(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        self.text(length)
    }

    /// Reads a dictionary of variants: each key with the signature of its value, which the function
    /// reads, or passes over by [`Reader::pass`].
    pub fn dictionary(
        &mut self,
        mut entry: impl FnMut(&'a str, &'a str, &mut Self) -> Option<()>,
    ) -> Option<()> {
        let length = usize::try_from(self.number()?).ok()?;
        self.align(8)?;
        let end = self.at.checked_add(length)?;
        let mut inside = Self { bytes: self.bytes.get(..end)?, ..*self };
        while !inside.is_at_end() {
            inside.align(8)?;
            let key = inside.string()?;
            let signature = inside.signature()?;
            entry(key, signature, &mut inside)?;
        }
        self.at = end;
        Some(())
    }

    /// Passes over one value of this signature.
    pub fn pass(&mut self, signature: &str) -> Option<()> {
        self.pass_value(signature, DEPTH)
    }

    fn pass_value(&mut self, signature: &str, depth: u32) -> Option<()> {
        one_type(signature.as_bytes(), depth)?.is_empty().then_some(())?;
        self.pass_one(signature.as_bytes(), depth).map(drop)
    }

    /// Passes over a value of the first type of the signature; returns what is behind that type.
    fn pass_one<'s>(&mut self, signature: &'s [u8], depth: u32) -> Option<&'s [u8]> {
        let (kind, rest) = signature.split_first()?;
        match kind {
            b'y' => self.take(1).map(drop)?,
            b'n' | b'q' => self.align(2).and_then(|()| self.take(2)).map(drop)?,
            b'b' => self.truth().map(drop)?,
            b'i' | b'u' => self.number().map(drop)?,
            b'x' | b't' | b'd' => self.large().map(drop)?,
            b's' => self.string().map(drop)?,
            b'o' => is_path(self.string()?).then_some(())?,
            b'g' => is_signature(self.signature()?).then_some(())?,
            b'v' => {
                let inner = self.signature()?;
                self.pass_value(inner, depth.checked_sub(1)?)?;
            }
            b'a' => return self.pass_array(rest, depth.checked_sub(1)?),
            b'(' | b'{' => {
                self.align(8)?;
                let mut inner = rest;
                loop {
                    inner = self.pass_one(inner, depth.checked_sub(1)?)?;
                    if let Some((b')' | b'}', behind)) = inner.split_first() {
                        return Some(behind);
                    }
                }
            }
            _ => return None,
        }
        Some(rest)
    }

    fn pass_array<'s>(&mut self, element: &'s [u8], depth: u32) -> Option<&'s [u8]> {
        let behind = match element {
            [b'{', key_and_value @ ..] => {
                let value = key_and_value.get(1..)?;
                one_type(value, depth)?.strip_prefix(b"}")
            }
            _ => one_type(element, depth),
        };
        let length = usize::try_from(self.number()?).ok()?;
        self.align(match element.first()? {
            b'x' | b't' | b'd' | b'(' | b'{' => 8,
            b'n' | b'q' => 2,
            b'y' | b'g' | b'v' => 1,
            _ => 4,
        })?;
        let end = self.at.checked_add(length)?;
        let mut inside = Self { bytes: self.bytes.get(..end)?, ..*self };
        while !inside.is_at_end() {
            inside.pass_one(element, depth)?;
        }
        self.at = end;
        behind
    }

    fn align(&mut self, to: usize) -> Option<()> {
        let padding = self.at.next_multiple_of(to) - self.at;
        self.take(padding)?.iter().all(|byte| *byte == 0).then_some(())
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn signature(&mut self) -> Option<&'a str> {
        let length = self.byte()?.into();
        self.text(length)
    }

    /// Text of this length with the NUL behind it, and none within.
    fn text(&mut self, length: usize) -> Option<&'a str> {
        let (nul, text) = self.take(length.checked_add(1)?)?.split_last()?;
        (*nul == 0 && !text.contains(&0)).then_some(())?;
        std::str::from_utf8(text).ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(count)?;
        let taken = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }
}

/// Tells whether this is a path of an object.
fn is_path(text: &str) -> bool {
    let element = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    text == "/" || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(element))
}

/// Tells whether this is a signature of any number of types.
fn is_signature(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        match one_type(rest, DEPTH) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    true
}

/// Returns what is behind the first type of a signature. A descriptor is none: none is taken here.
fn one_type(signature: &[u8], depth: u32) -> Option<&[u8]> {
    const BASIC: &[u8] = b"ynqbiuxtdsog";
    let inside = depth.checked_sub(1);
    match signature {
        [b'a', b'{', key, value @ ..] if BASIC.contains(key) => {
            one_type(value, inside?)?.strip_prefix(b"}")
        }
        [b'a', element @ ..] => one_type(element, inside?),
        [b'(', rest @ ..] => {
            let mut rest = one_type(rest, inside?)?;
            loop {
                match rest.strip_prefix(b")") {
                    Some(behind) => return Some(behind),
                    None => rest = one_type(rest, inside?)?,
                }
            }
        }
        [b'v', rest @ ..] => Some(rest),
        [basic, rest @ ..] if BASIC.contains(basic) => Some(rest),
        _ => None,
    }
}
