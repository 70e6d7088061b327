//! D-Bus messages: method calls out, replies in ("Message Protocol", D-Bus Specification).
//!
//! Calls are written by hand, because the code in them must stay in one buffer that is wiped;
//! zbus writes dictionaries and reads replies. Nothing here trusts a length.

use serde::Deserialize;
use zbus::{
    Signature, Type, Variant,
    wire::{Endian, LE, serialized::Context, serialized::Data, to_bytes},
};
use zeroize::Zeroizing;

use crate::trouble::Trouble;

/// Bytes before the header's fields, with their length ("Message Format").
pub(crate) const FIXED_HEADER: usize = 16;
/// Most bytes of a message that is read: a verdict with its details has some 200, and a
/// dictionary may grow. The specification's own limit, 128 MiB, would let a broken daemon fill
/// the host.
const MAX_MESSAGE: usize = 64 * 1024;
/// Room for the longest call: four names of 255 bytes, a code, a path and the names of the
/// interface. A buffer that grew would leave the code behind.
const ROOM: usize = 2048;
/// Protocol version ("Message Format").
const VERSION: u8 = 1;

// Message types and header fields: the tables in "Message Types" and "Header Fields".
const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

/// Whom a call is for.
#[derive(Clone, Copy)]
pub(crate) struct Address<'a> {
    /// The bus name; `None` on a connection that has only one other end.
    pub(crate) destination: Option<&'a str>,
    /// The object.
    pub(crate) path: &'a str,
    /// The interface.
    pub(crate) interface: &'a str,
}

/// The arguments of a call, as they travel. Wiped on drop.
pub(crate) struct Arguments {
    signature: &'static str,
    bytes: Bytes,
}

impl Arguments {
    /// Returns no arguments yet, of which there will be those of the signature.
    pub(crate) fn new(signature: &'static str) -> Self {
        Self { signature, bytes: Bytes::new() }
    }

    /// Adds a string. It has no NUL: that is the business of the types it comes from.
    pub(crate) fn string(mut self, text: &str) -> Self {
        self.bytes.string(text);
        self
    }

    /// Adds a number.
    pub(crate) fn number(mut self, number: u32) -> Self {
        self.bytes.number(number);
        self
    }

    /// Adds a dictionary that zbus can write.
    ///
    /// # Errors
    ///
    /// [`Trouble::Garbled`] if it cannot.
    pub(crate) fn dictionary<T>(mut self, dictionary: &T) -> Result<Self, Trouble>
    where
        T: serde::Serialize + Type,
    {
        let context = Context::new(LE, self.bytes.0.len());
        let encoded = to_bytes(context, dictionary).map_err(|_| Trouble::Garbled("our request"))?;
        self.bytes.0.extend_from_slice(encoded.bytes());
        Ok(self)
    }
}

/// Returns the method call as bytes, little endian.
pub(crate) fn call(
    serial: u32,
    to: Address<'_>,
    member: &str,
    arguments: &Arguments,
) -> Zeroizing<Vec<u8>> {
    let mut fields = Bytes::new();
    fields.field(PATH, "o", to.path);
    fields.field(INTERFACE, "s", to.interface);
    fields.field(MEMBER, "s", member);
    if let Some(destination) = to.destination {
        fields.field(DESTINATION, "s", destination);
    }
    if !arguments.signature.is_empty() {
        fields.open_field(SIGNATURE, "g");
        fields.short(arguments.signature);
    }

    let mut message = Bytes::new();
    message.0.extend_from_slice(&[b'l', METHOD_CALL, 0, VERSION]);
    message.number(length(&arguments.bytes.0));
    message.number(serial);
    message.number(length(&fields.0));
    message.0.extend_from_slice(&fields.0);
    message.align(8);
    message.0.extend_from_slice(&arguments.bytes.0);
    message.0
}

/// Little-endian bytes under construction ("Marshaling"); positions start at a multiple of 8.
struct Bytes(Zeroizing<Vec<u8>>);

impl Bytes {
    fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(ROOM)))
    }

    fn align(&mut self, to: usize) {
        let end = self.0.len().next_multiple_of(to);
        self.0.resize(end, 0);
    }

    fn number(&mut self, number: u32) {
        self.align(4);
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.number(length(text.as_bytes()));
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(0);
    }

    /// A signature: at most 255 bytes, so its length is one. Ours are constants.
    fn short(&mut self, signature: &str) {
        self.0.push(u8::try_from(signature.len()).unwrap_or(u8::MAX));
        self.0.extend_from_slice(signature.as_bytes());
        self.0.push(0);
    }

    fn open_field(&mut self, code: u8, signature: &str) {
        self.align(8);
        self.0.push(code);
        self.short(signature);
    }

    fn field(&mut self, code: u8, signature: &str, value: &str) {
        self.open_field(code, signature);
        self.string(value);
    }
}

/// What we send is far below 4 GiB; a length that is not would make the message invalid.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// A message that came.
pub(crate) struct Incoming {
    kind: u8,
    endian: Endian,
    fields: Fields,
    body: Vec<u8>,
}

#[derive(Default)]
struct Fields {
    error: Option<String>,
    reply_to: Option<u32>,
    sender: Option<String>,
    signature: Option<Signature>,
}

/// Returns the length of the whole message whose first bytes these are.
///
/// # Errors
///
/// [`Trouble::Garbled`] if they do not begin a message that is read here.
pub(crate) fn whole_length(start: &[u8; FIXED_HEADER]) -> Result<usize, Trouble> {
    let header = FixedHeader::read(start)?;
    let before_body = FIXED_HEADER + header.fields.next_multiple_of(8);
    let whole = before_body + header.body;
    if whole > MAX_MESSAGE { Err(Trouble::Garbled("too long")) } else { Ok(whole) }
}

struct FixedHeader {
    endian: Endian,
    kind: u8,
    fields: usize,
    body: usize,
}

impl FixedHeader {
    fn read(start: &[u8; FIXED_HEADER]) -> Result<Self, Trouble> {
        let [order, kind, _, version, b0, b1, b2, b3, _, _, _, _, f0, f1, f2, f3] = *start;
        let (endian, number): (_, fn([u8; 4]) -> u32) = match order {
            b'l' => (Endian::Little, u32::from_le_bytes),
            b'B' => (Endian::Big, u32::from_be_bytes),
            _ => return Err(Trouble::Garbled("byte order")),
        };
        if version != VERSION {
            return Err(Trouble::Garbled("protocol version"));
        }
        let bounded = |bytes| match usize::try_from(number(bytes)) {
            Ok(length) if length <= MAX_MESSAGE => Ok(length),
            _ => Err(Trouble::Garbled("too long")),
        };
        let (body, fields) = (bounded([b0, b1, b2, b3])?, bounded([f0, f1, f2, f3])?);
        Ok(Self { endian, kind, fields, body })
    }
}

impl Incoming {
    /// Reads one whole message.
    ///
    /// # Errors
    ///
    /// [`Trouble::Garbled`] if anything of it is not as the specification says.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Trouble> {
        let start = bytes.first_chunk().ok_or(Trouble::Garbled("header"))?;
        if bytes.len() != whole_length(start)? {
            return Err(Trouble::Garbled("length"));
        }
        let FixedHeader { endian, kind, fields, body } = FixedHeader::read(start)?;
        // The array of fields begins with its length, the last four bytes of the fixed header.
        let array = bytes.get(FIXED_HEADER - 4..FIXED_HEADER + fields);
        let array = array.ok_or(Trouble::Garbled("header"))?;
        let fields = Fields::read(&Data::new(array, Context::new(endian, FIXED_HEADER - 4)))?;
        let body = bytes.get(bytes.len() - body..).ok_or(Trouble::Garbled("length"))?.to_vec();
        Ok(Self { kind, endian, fields, body })
    }

    /// Tells whether this is the reply to that call, from that sender if one is expected.
    pub(crate) fn answers(&self, serial: u32, sender: Option<&str>) -> bool {
        matches!(self.kind, METHOD_RETURN | ERROR)
            && self.fields.reply_to == Some(serial)
            && sender.is_none_or(|sender| self.fields.sender.as_deref() == Some(sender))
    }

    /// Returns the values of a reply.
    ///
    /// # Errors
    ///
    /// [`Trouble::Refused`] for an error reply; [`Trouble::Garbled`] if the values are not of
    /// this type, exactly.
    pub(crate) fn values<T>(self) -> Result<T, Trouble>
    where
        T: for<'d> Deserialize<'d> + Type,
    {
        if self.kind != METHOD_RETURN {
            let name = self.fields.error.ok_or(Trouble::Garbled("error without a name"))?;
            return Err(Trouble::Refused(name.escape_default().to_string()));
        }
        if self.fields.signature.as_ref() != Some(T::SIGNATURE) {
            return Err(Trouble::Garbled("signature"));
        }
        let data = Data::new(self.body.as_slice(), Context::new(self.endian, 0));
        match data.deserialize::<T>() {
            Ok((values, read)) if read == self.body.len() => Ok(values),
            _ => Err(Trouble::Garbled("values")),
        }
    }
}

impl Fields {
    fn read(array: &Data<'_, '_>) -> Result<Self, Trouble> {
        let wrong = || Trouble::Garbled("header fields");
        let (fields, read) = array.deserialize::<Vec<(u8, Variant<'_>)>>().map_err(|_| wrong())?;
        if read != array.bytes().len() {
            return Err(wrong());
        }
        let mut known = Self::default();
        for (code, value) in fields {
            let first = match (code, value) {
                (ERROR_NAME, Variant::Str(name)) => known.error.replace(name.to_string()).is_none(),
                (REPLY_SERIAL, Variant::U32(serial)) => known.reply_to.replace(serial).is_none(),
                (SENDER, Variant::Str(name)) => known.sender.replace(name.to_string()).is_none(),
                (SIGNATURE, Variant::Signature(s)) => known.signature.replace(s).is_none(),
                (ERROR_NAME | REPLY_SERIAL | SENDER | SIGNATURE, _) => false,
                _ => true, // the others say nothing that a reply needs; new ones are allowed
            };
            if !first {
                return Err(wrong());
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use fob_api::{VerifyContext, VerifyDetails};

    use super::{Address, Arguments, Incoming, call};
    use crate::trouble::Trouble;

    type Values = (String, String, VerifyDetails);

    /// `Verify`'s reply to call 1 with accept for alice, written down by hand.
    fn accept() -> Vec<u8> {
        let mut bytes = vec![b'l', 2, 1, 1, 32, 0, 0, 0, 9, 0, 0, 0, 21, 0, 0, 0];
        bytes.extend([5, 1, b'u', 0, 1, 0, 0, 0, 8, 1, b'g', 0, 7]);
        bytes.extend(b"ssa{sv}\0\0\0\0");
        bytes.extend(b"\x06\0\0\0accept\0\0\x05\0\0\0alice\0\0\0\0\0\0\0\0\0\0\0");
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Values, Trouble> {
        let message = Incoming::parse(bytes)?;
        if message.answers(1, None) { message.values() } else { Err(Trouble::Closed) }
    }

    #[test]
    fn a_call_is_what_the_specification_says() {
        let to = Address { destination: None, path: "/a", interface: "b.c" };
        let message = call(7, to, "D", &Arguments::new("s").string("xy"));
        let expected = b"l\x01\0\x01\x07\0\0\0\x07\0\0\0\x37\0\0\0\
            \x01\x01o\0\x02\0\0\0/a\0\0\0\0\0\0\
            \x02\x01s\0\x03\0\0\0b.c\0\0\0\0\0\
            \x03\x01s\0\x01\0\0\0D\0\0\0\0\0\0\0\
            \x08\x01g\0\x01s\0\0\
            \x02\0\0\0xy\0";
        assert_eq!(message.as_slice(), expected);
    }

    #[test]
    fn the_longest_call_fits_the_room_so_that_no_copy_of_the_code_is_left() {
        let name = "n".repeat(255);
        let context = VerifyContext {
            service: Some(name.clone()),
            rhost: Some(name.clone()),
            tty: Some(name.clone()),
            nullok: Some(true),
        };
        let arguments = Arguments::new("ssa{sv}").string(&name).string("12345678");
        let arguments = arguments.dictionary(&context).unwrap();
        assert_eq!(arguments.bytes.0.capacity(), super::ROOM);
        let to = Address { destination: Some(&name), path: "/org/fobd/Fob1", interface: "a.b" };
        assert_eq!(call(1, to, "Verify", &arguments).capacity(), super::ROOM);
    }

    #[test]
    fn a_reply_is_read() {
        let (word, user, details) = read(&accept()).unwrap();
        assert_eq!((word.as_str(), user.as_str(), details.wait), ("accept", "alice", None));
    }

    #[test]
    fn every_truncation_is_damage() {
        let whole = accept();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length} bytes were enough");
        }
        assert!(read(&[whole, vec![0]].concat()).is_err(), "a byte too many was enough");
    }

    /// Every byte takes every value: the reader must not panic, and may only accept what says so.
    #[test]
    fn every_change_of_one_byte_is_read_or_refused() {
        let whole = accept();
        for at in 0..whole.len() {
            for value in 0..=u8::MAX {
                let mut bytes = whole.clone();
                bytes[at] = value;
                if let Ok((word, user, _)) = read(&bytes) {
                    let said = String::from_utf8_lossy(&bytes).into_owned();
                    assert!(said.contains(&word) && said.contains(&user), "byte {at} = {value}");
                }
            }
        }
    }

    #[test]
    fn an_error_reply_gives_its_name_and_no_values() {
        let mut bytes = vec![b'l', 3, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 21, 0, 0, 0];
        bytes.extend([5, 1, b'u', 0, 1, 0, 0, 0, 4, 1, b's', 0, 4, 0, 0, 0]);
        bytes.extend(b"a.\nb\0\0\0\0");
        let error = read(&bytes);
        assert!(matches!(&error, Err(Trouble::Refused(name)) if name == "a.\\nb"), "{error:?}");
    }

    #[test]
    fn a_field_that_stands_twice_is_damage() {
        let mut bytes = vec![b'l', 2, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 16, 0, 0, 0];
        bytes.extend([5, 1, b'u', 0, 1, 0, 0, 0, 5, 1, b'u', 0, 2, 0, 0, 0]);
        assert!(Incoming::parse(&bytes).is_err());
    }
}
