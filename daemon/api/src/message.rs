//! D-Bus messages as bytes ("Message Protocol", D-Bus Specification), for the one call that has
//! to be fast: a sign-in. Both ends of fobd's own socket use it; everything else goes by zbus.
//!
//! Nothing here trusts a length, allocates for one, or keeps a copy of a code.

mod read;
mod write;

pub use read::{Damaged, Header, Reader, whole_length};
pub use write::{Body, Entries, Fields, message, room};

/// Bytes before the header's fields, with their length ("Message Format").
pub const FIXED_HEADER: usize = 16;
/// Most bytes of a message that is read: a sign-in and its verdict have some 200, and a
/// dictionary may grow. The specification's own limit, 128 MiB, would let one end fill the other.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// Protocol version ("Message Format").
const VERSION: u8 = 1;

/// What a message is: the table in "Message Types".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A call of a method.
    Call,
    /// What a method returns.
    Return,
    /// Why it returns nothing.
    Error,
    /// A signal, or a type that a later specification adds.
    Other,
}

impl Kind {
    fn of(byte: u8) -> Self {
        match byte {
            1 => Self::Call,
            2 => Self::Return,
            3 => Self::Error,
            _ => Self::Other,
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Call => 1,
            Self::Return => 2,
            Self::Error => 3,
            Self::Other => 4,
        }
    }
}

// Codes of the header fields: the table in "Header Fields".
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

#[cfg(test)]
mod tests;
