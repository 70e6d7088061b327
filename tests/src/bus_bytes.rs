//! D-Bus messages as bytes, for servers that must be able to answer wrongly.
//!
//! Written apart from the module's own code, so that both do not share a mistake.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a panic is a failed test

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use fob_api::VerifyContext;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use zbus::{
    Type, Variant,
    wire::{Endian, serialized::Context, serialized::Data, to_bytes},
};

/// A method call that came.
#[derive(Clone, Debug)]
pub struct Request {
    /// What the caller numbered it.
    pub serial: u32,
    /// The bus name it is for, empty on a peer connection.
    pub destination: String,
    /// The method.
    pub member: String,
    /// The object.
    pub path: String,
    /// The interface.
    pub interface: String,
    /// The process that asks.
    pub pid: i32,
    body: Vec<u8>,
}

impl Request {
    /// Returns the arguments of `Verify`.
    pub fn verify(&self) -> (String, String, VerifyContext) {
        assert_eq!(self.member, "Verify");
        self.arguments()
    }

    /// Returns the arguments of `Prompt`.
    pub fn prompt(&self) -> (String, VerifyContext) {
        assert_eq!(self.member, "Prompt");
        self.arguments()
    }

    /// Returns the one text argument of a method of the bus.
    pub fn text(&self) -> String {
        self.arguments()
    }

    fn arguments<T: for<'d> serde::Deserialize<'d> + Type>(&self) -> T {
        Data::new(self.body.as_slice(), Context::new(Endian::Little, 0)).deserialize().unwrap().0
    }
}

/// The header of a message as the specification lays it out.
type Header<'a> = (u8, u8, u8, u8, u32, u32, Vec<(u8, Variant<'a>)>);

/// Reads `\0AUTH EXTERNAL <hex>` and `BEGIN`; returns the hex. `None` if the caller went away.
pub fn read_authentication(stream: &mut BufReader<UnixStream>) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let uid = line.strip_prefix("\0AUTH EXTERNAL ")?.trim_end().to_owned();
    let mut begin = String::new();
    stream.read_line(&mut begin).ok()?;
    assert_eq!(begin, "BEGIN\r\n");
    Some(uid)
}

/// Reads one method call; `None` if the caller went away.
pub fn read_request(stream: &mut BufReader<UnixStream>) -> Option<Request> {
    let mut fixed = [0; 16];
    stream.read_exact(&mut fixed).ok()?;
    let number =
        |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let (body, serial, fields) = (number(4) as usize, number(8), number(12) as usize);
    let mut rest = vec![0; fields.next_multiple_of(8) + body];
    stream.read_exact(&mut rest).ok()?;

    let header: Vec<u8> = fixed.iter().chain(rest.get(..fields).unwrap()).copied().collect();
    let data = Data::new(header, Context::new(Endian::Little, 0));
    let (header, _) = data.deserialize::<Header<'_>>().unwrap();
    assert_eq!((header.0, header.1, header.3), (b'l', 1, 1), "not a method call");
    let field = |code: u8| {
        let value = header.6.iter().find(|(c, _)| *c == code).map(|(_, value)| value);
        value.map_or_else(String::new, |value| match value {
            Variant::Str(text) => text.to_string(),
            Variant::ObjectPath(path) => path.to_string(),
            other => panic!("field {code} is {other:?}"),
        })
    };
    Some(Request {
        serial,
        destination: field(6),
        member: field(3),
        path: field(1),
        interface: field(2),
        pid: getsockopt(stream.get_ref(), PeerCredentials).ok()?.pid(),
        body: rest.split_off(fields.next_multiple_of(8)),
    })
}

/// Says who we are and begins, as the D-Bus specification has it ("Authentication Protocol").
pub fn begin(stream: &mut UnixStream) {
    stream.write_all(hello().as_bytes()).unwrap();
    read_welcome(stream);
}

/// Returns what a caller says first: who it is ("Authentication Protocol", mechanism EXTERNAL).
#[must_use]
pub fn hello() -> String {
    let uid = nix::unistd::geteuid().to_string();
    let uid: String = uid.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("\0AUTH EXTERNAL {uid}\r\nBEGIN\r\n")
}

/// Reads that fobd believes who a caller is.
pub fn read_welcome(stream: &mut impl Read) {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    assert!(answer.starts_with(b"OK "), "{answer:?}");
}

/// Returns a call of fobd's interface as bytes, with `fds` descriptors announced.
pub fn call<T>(serial: u32, member: &str, signature: &str, values: &T, fds: u32) -> Vec<u8>
where
    T: serde::Serialize + Type,
{
    let body = to_bytes(Context::new(Endian::Little, 0), values).unwrap().bytes().to_vec();
    let mut fields = Vec::new();
    for (code, kind, value) in [
        (1, b'o', fob_api::address::OBJECT_PATH),
        (2, b's', fob_api::address::INTERFACE),
        (3, b's', member),
    ] {
        align(&mut fields);
        fields.extend([code, 1, kind, 0]);
        fields.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        fields.extend(value.bytes().chain([0]));
    }
    if !signature.is_empty() {
        align(&mut fields);
        fields.extend([8, 1, b'g', 0, u8::try_from(signature.len()).unwrap()]);
        fields.extend(signature.bytes().chain([0]));
    }
    if fds > 0 {
        align(&mut fields);
        fields.extend([9, 1, b'u', 0]);
        fields.extend(fds.to_le_bytes());
    }
    let mut message = vec![b'l', 1, 0, 1];
    for number in [body.len(), serial as usize, fields.len()] {
        message.extend(u32::try_from(number).unwrap().to_le_bytes());
    }
    message.extend(fields);
    align(&mut message);
    message.extend(&body);
    message
}

/// Reads the next message and returns its kind (2 is a reply, 3 an error) and its body; `None` if
/// the other side hung up.
pub fn read_answer(stream: &mut impl Read) -> Option<(u8, Vec<u8>)> {
    let mut fixed = [0; 16];
    stream.read_exact(&mut fixed).ok()?;
    let number =
        |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let (body, fields) = (number(4) as usize, number(12) as usize);
    let mut rest = vec![0; fields.next_multiple_of(8) + body];
    stream.read_exact(&mut rest).ok()?;
    Some((fixed[1], rest.split_off(fields.next_multiple_of(8))))
}

/// A reply under construction.
pub struct Reply {
    kind: u8,
    endian: Endian,
    to: u32,
    sender: Option<String>,
    error: Option<String>,
    signature: &'static str,
    body: Vec<u8>,
}

impl Reply {
    /// Returns the reply to a call, with these values of this signature.
    pub fn to<T: serde::Serialize + Type>(
        serial: u32,
        signature: &'static str,
        values: &T,
    ) -> Self {
        Self::in_order(Endian::Little, serial, signature, values)
    }

    /// The same in a byte order.
    pub fn in_order<T>(endian: Endian, to: u32, signature: &'static str, values: &T) -> Self
    where
        T: serde::Serialize + Type,
    {
        let body = to_bytes(Context::new(endian, 0), values).unwrap().bytes().to_vec();
        Self { kind: 2, endian, to, sender: None, error: None, signature, body }
    }

    /// Returns the error reply to a call, with the body (ss).
    pub fn error(serial: u32, name: &str) -> Self {
        let reply = Self::to(serial, "ss", &("a fact.", "a hint."));
        Self { kind: 3, error: Some(name.to_owned()), ..reply }
    }

    /// Returns a signal, which answers nothing.
    pub fn signal() -> Self {
        Self { kind: 4, ..Self::to(0, "s", &"org.fobd.Fob1") }
    }

    /// Says who sends it, as a bus does.
    #[must_use]
    pub fn from(mut self, sender: &str) -> Self {
        self.sender = Some(sender.to_owned());
        self
    }

    /// Returns the message as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        if self.kind == 4 {
            self.field(&mut fields, 1, "o", "/org/freedesktop/DBus");
            self.field(&mut fields, 2, "s", "org.freedesktop.DBus");
            self.field(&mut fields, 3, "s", "NameAcquired");
        } else {
            align(&mut fields);
            fields.extend([5, 1, b'u', 0]);
            fields.extend(self.number(self.to));
        }
        if let Some(name) = &self.error {
            self.field(&mut fields, 4, "s", name);
        }
        if let Some(name) = &self.sender {
            self.field(&mut fields, 7, "s", name);
        }
        align(&mut fields);
        fields.extend([8, 1, b'g', 0, u8::try_from(self.signature.len()).unwrap()]);
        fields.extend(self.signature.bytes().chain([0]));

        let order = if self.endian == Endian::Little { b'l' } else { b'B' };
        let mut message = vec![order, self.kind, 1, 1];
        message.extend(self.number(u32::try_from(self.body.len()).unwrap()));
        message.extend(self.number(77));
        message.extend(self.number(u32::try_from(fields.len()).unwrap()));
        message.extend(fields);
        align(&mut message);
        message.extend(&self.body);
        message
    }

    fn field(&self, fields: &mut Vec<u8>, code: u8, signature: &str, value: &str) {
        align(fields);
        fields.extend([code, 1]);
        fields.extend(signature.bytes().chain([0]));
        fields.extend(self.number(u32::try_from(value.len()).unwrap()));
        fields.extend(value.bytes().chain([0]));
    }

    fn number(&self, number: u32) -> [u8; 4] {
        match self.endian {
            Endian::Little => number.to_le_bytes(),
            Endian::Big => number.to_be_bytes(),
        }
    }
}

fn align(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}
