//! Messages under construction, little endian ("Marshaling").

use zeroize::Zeroizing;

use super::{
    DESTINATION, ERROR_NAME, FIXED_HEADER, INTERFACE, Kind, MEMBER, PATH, REPLY_SERIAL, SIGNATURE,
    VERSION,
};

/// Bytes that a value or header field takes at most beside its text: its code or key's length, its
/// signature, its length, the NULs and the padding ("Marshaling").
const AROUND: usize = 32;

/// The values of a message. Wiped on drop.
pub struct Body {
    signature: &'static str,
    bytes: Bytes,
    room: usize,
}

impl Body {
    /// Returns no values yet, of which there will be those of the signature, in `room` bytes. More
    /// fit, but a buffer that grows leaves a copy of a code behind: [`room`] tells how many to ask
    /// for.
    #[must_use]
    pub fn new(signature: &'static str, room: usize) -> Self {
        Self { signature, bytes: Bytes::behind(&[], room), room }
    }

    /// Adds a string. It has no NUL: that is the business of the types it comes from.
    #[must_use]
    pub fn string(mut self, text: &str) -> Self {
        self.bytes.string(text);
        self
    }

    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: u32) -> Self {
        self.bytes.number(number);
        self
    }

    /// Adds a dictionary of variants, which this function fills.
    #[must_use]
    pub fn dictionary(mut self, fill: impl FnOnce(&mut Entries<'_>)) -> Self {
        let array = self.bytes.open_array(8);
        fill(&mut Entries(&mut self.bytes));
        self.bytes.close_array(&array);
        self
    }

    /// Tells whether all of it fitted its room.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.bytes.0.len() <= self.room
    }
}

/// Returns the bytes that values take at most: of strings their texts, of a dictionary's entries
/// key and value.
#[must_use]
pub fn room(texts: &[&str]) -> usize {
    texts.iter().map(|text| text.len() + AROUND).sum()
}

/// The entries of a dictionary under construction.
pub struct Entries<'a>(&'a mut Bytes);

impl Entries<'_> {
    /// Adds a string, if there is one.
    pub fn string(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.open(key, "s");
            self.0.string(value);
        }
    }

    /// Adds a yes or no, if there is one.
    pub fn truth(&mut self, key: &str, value: Option<bool>) {
        if let Some(value) = value {
            self.open(key, "b");
            self.0.number(value.into());
        }
    }

    /// Adds a number, if there is one.
    pub fn number(&mut self, key: &str, value: Option<u32>) {
        if let Some(value) = value {
            self.open(key, "u");
            self.0.number(value);
        }
    }

    /// Adds a large number, if there is one.
    pub fn large(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.open(key, "t");
            self.0.align(8);
            self.0.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    fn open(&mut self, key: &str, signature: &str) {
        self.0.align(8);
        self.0.string(key);
        self.0.short(signature);
    }
}

/// What the header says, beside the values' signature.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fields<'a> {
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
    /// The bus name; none on a connection that has only one other end.
    pub destination: Option<&'a str>,
}

/// Returns a message as bytes behind what is in front of it already: what goes in the same write.
#[must_use]
pub fn message(
    front: &[u8],
    kind: Kind,
    serial: u32,
    fields: &Fields<'_>,
    body: &Body,
) -> Zeroizing<Vec<u8>> {
    let values = body.bytes.written();
    let texts = [fields.path, fields.interface, fields.member, fields.error_name];
    let texts = texts.map(Option::unwrap_or_default);
    let others = [fields.destination.unwrap_or_default(), body.signature, ""];
    let header = FIXED_HEADER + room(&texts) + room(&others);
    let mut whole = Bytes::behind(front, front.len() + header + values.len());
    whole.0.extend_from_slice(&[b'l', kind.byte(), 0, VERSION]);
    whole.number(length(values));
    whole.number(serial);
    let array = whole.open_array(8);
    for (code, signature, value) in [
        (PATH, "o", fields.path),
        (INTERFACE, "s", fields.interface),
        (MEMBER, "s", fields.member),
        (ERROR_NAME, "s", fields.error_name),
        (DESTINATION, "s", fields.destination),
    ] {
        if let Some(value) = value {
            whole.open_field(code, signature);
            whole.string(value);
        }
    }
    if let Some(serial) = fields.reply_serial {
        whole.open_field(REPLY_SERIAL, "u");
        whole.number(serial);
    }
    if !body.signature.is_empty() {
        whole.open_field(SIGNATURE, "g");
        whole.short(body.signature);
    }
    whole.close_array(&array);
    whole.align(8);
    whole.0.extend_from_slice(values);
    whole.0
}

/// Bytes under construction, with how many are in front of them: positions are counted without.
struct Bytes(Zeroizing<Vec<u8>>, usize);

/// Where an array's length stands, and its first element.
struct Array {
    length: usize,
    start: usize,
}

impl Bytes {
    fn behind(front: &[u8], room: usize) -> Self {
        let mut bytes = Vec::with_capacity(room);
        bytes.extend_from_slice(front);
        Self(Zeroizing::new(bytes), front.len())
    }

    fn written(&self) -> &[u8] {
        self.0.get(self.1..).unwrap_or_default()
    }

    fn align(&mut self, to: usize) {
        let end = self.1 + (self.0.len() - self.1).next_multiple_of(to);
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

    /// Begins an array of structures. Its length is without the padding before the first one.
    fn open_array(&mut self, to: usize) -> Array {
        self.number(0);
        let length = self.0.len() - 4;
        self.align(to);
        Array { length, start: self.0.len() }
    }

    fn close_array(&mut self, array: &Array) {
        let count = length(self.0.get(array.start..).unwrap_or_default());
        if let Some(place) = self.0.get_mut(array.length..array.length + 4) {
            place.copy_from_slice(&count.to_le_bytes());
        }
    }
}

/// What is sent is far below 4 GiB; a length that is not would make the message invalid.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}
