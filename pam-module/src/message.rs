//! Method calls out, replies in. The bytes are `fob_api::message`'s business.

use fob_api::message::{Body, Fields, Header, Kind, Reader, message};
use fob_api::{PromptDetails, VerifyDetails};
use zeroize::Zeroizing;

pub(crate) use fob_api::message::{FIXED_HEADER, whole_length};

use crate::trouble::Trouble;

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

/// Returns a method call as bytes behind what goes in the same write. Wiped on drop.
pub(crate) fn call(
    front: &[u8],
    serial: u32,
    to: Address<'_>,
    member: &str,
    arguments: &Body,
) -> Zeroizing<Vec<u8>> {
    let fields = Fields {
        path: Some(to.path),
        interface: Some(to.interface),
        member: Some(member),
        destination: to.destination,
        ..Fields::default()
    };
    message(front, Kind::Call, serial, &fields, arguments)
}

/// What a method returns.
pub(crate) trait Values: Sized {
    /// The types of the values.
    const SIGNATURE: &'static str;

    /// Reads them; `None` if they are not of those types.
    fn read(values: &mut Reader<'_>) -> Option<Self>;
}

impl Values for u32 {
    const SIGNATURE: &'static str = "u";

    fn read(values: &mut Reader<'_>) -> Option<Self> {
        values.number()
    }
}

impl Values for String {
    const SIGNATURE: &'static str = "s";

    fn read(values: &mut Reader<'_>) -> Option<Self> {
        values.string().map(str::to_owned)
    }
}

impl Values for (String, PromptDetails) {
    const SIGNATURE: &'static str = "sa{sv}";

    fn read(values: &mut Reader<'_>) -> Option<Self> {
        Some((values.string()?.to_owned(), PromptDetails::read(values)?))
    }
}

impl Values for (String, String, VerifyDetails) {
    const SIGNATURE: &'static str = "ssa{sv}";

    fn read(values: &mut Reader<'_>) -> Option<Self> {
        let (word, about) = (values.string()?.to_owned(), values.string()?.to_owned());
        Some((word, about, VerifyDetails::read(values)?))
    }
}

/// A message that came.
pub(crate) struct Incoming<'a> {
    header: Header<'a>,
    body: Reader<'a>,
}

impl<'a> Incoming<'a> {
    /// Reads one whole message.
    ///
    /// # Errors
    ///
    /// [`Trouble::Garbled`] if anything of it is not as the specification says.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let (header, body) = Header::read(bytes)?;
        Ok(Self { header, body })
    }

    /// Tells whether this is the reply to that call, from that sender if one is expected.
    pub(crate) fn answers(&self, serial: u32, sender: Option<&str>) -> bool {
        matches!(self.header.kind, Kind::Return | Kind::Error)
            && self.header.reply_serial == Some(serial)
            && sender.is_none_or(|sender| self.header.sender == Some(sender))
    }

    /// Returns the values of a reply.
    ///
    /// # Errors
    ///
    /// [`Trouble::Refused`] for an error reply; [`Trouble::Garbled`] if the values are not of
    /// this type, exactly.
    pub(crate) fn values<T: Values>(mut self) -> Result<T, Trouble> {
        if self.header.kind != Kind::Return {
            let name = self.header.error_name.ok_or(Trouble::Garbled("error without a name"))?;
            return Err(Trouble::Refused(name.escape_default().to_string()));
        }
        if self.header.signature != T::SIGNATURE {
            return Err(Trouble::Garbled("signature"));
        }
        let values = T::read(&mut self.body).filter(|_| self.body.is_at_end());
        values.ok_or(Trouble::Garbled("values"))
    }
}

#[cfg(test)]
mod tests {
    use fob_api::VerifyDetails;

    use super::Incoming;
    use crate::trouble::Trouble;

    type Verdict = (String, String, VerifyDetails);

    fn read(bytes: &[u8]) -> Result<Verdict, Trouble> {
        let message = Incoming::parse(bytes)?;
        if message.answers(1, None) { message.values() } else { Err(Trouble::Closed) }
    }

    /// `Verify`'s reply to this call with accept for alice, written down by hand.
    fn accept(serial: u8) -> Vec<u8> {
        let mut bytes = vec![b'l', 2, 1, 1, 32, 0, 0, 0, 9, 0, 0, 0, 21, 0, 0, 0];
        bytes.extend([5, 1, b'u', 0, serial, 0, 0, 0, 8, 1, b'g', 0, 7]);
        bytes.extend(b"ssa{sv}\0\0\0\0");
        bytes.extend(b"\x06\0\0\0accept\0\0\x05\0\0\0alice\0\0\0\0\0\0\0\0\0\0\0");
        bytes
    }

    #[test]
    fn a_reply_is_read_if_it_answers_this_call() {
        let (word, user, details) = read(&accept(1)).unwrap();
        assert_eq!((word.as_str(), user.as_str(), details.wait), ("accept", "alice", None));
        assert!(matches!(read(&accept(2)), Err(Trouble::Closed)));
    }

    #[test]
    fn values_of_another_type_are_damage() {
        let bytes = accept(1);
        let read = Incoming::parse(&bytes).unwrap().values::<String>();
        assert!(matches!(read, Err(Trouble::Garbled("signature"))));
    }

    #[test]
    fn an_error_reply_gives_its_name_and_no_values() {
        let mut bytes = vec![b'l', 3, 1, 1, 0, 0, 0, 0, 9, 0, 0, 0, 21, 0, 0, 0];
        bytes.extend([5, 1, b'u', 0, 1, 0, 0, 0, 4, 1, b's', 0, 4, 0, 0, 0]);
        bytes.extend(b"a.\nb\0\0\0\0");
        let error = read(&bytes);
        assert!(matches!(&error, Err(Trouble::Refused(name)) if name == "a.\\nb"), "{error:?}");
    }
}
