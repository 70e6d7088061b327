//! One row of the table of numbers, whatever struct the numbers stand in.

use std::fmt;

/// What a setting is set to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Value {
    /// A whole number; the setting's name says of what.
    Number(u64),
    /// One of a few words.
    Word(&'static str),
}

impl fmt::Display for Value {
    /// As it stands in the configuration file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => write!(f, "\"{word}\""),
        }
    }
}

/// What a setting may be set to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Allowed {
    /// A whole number.
    Numbers {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// One of these words.
    Words(&'static [&'static str]),
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers { least, most } if least == most => write!(f, "{least}"),
            Self::Numbers { least, most } => write!(f, "{least} to {most}"),
            Self::Words(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
                f.write_str(&quoted.join(" or "))
            }
        }
    }
}

/// A type that a setting may have.
pub trait Setting: Sized {
    /// Returns it as the table shows it.
    fn value(self) -> Value;

    /// Takes a value; `None` if it is none of this type.
    fn from_value(value: Value) -> Option<Self>;
}

impl Setting for u64 {
    fn value(self) -> Value {
        Value::Number(self)
    }

    fn from_value(value: Value) -> Option<Self> {
        match value {
            Value::Number(number) => Some(number),
            Value::Word(_) => None,
        }
    }
}

impl Setting for u32 {
    fn value(self) -> Value {
        Value::Number(self.into())
    }

    fn from_value(value: Value) -> Option<Self> {
        u64::from_value(value)?.try_into().ok()
    }
}

impl Setting for usize {
    fn value(self) -> Value {
        // Every target of Fob has at most 64 bits.
        Value::Number(self.try_into().unwrap_or(u64::MAX))
    }

    fn from_value(value: Value) -> Option<Self> {
        u64::from_value(value)?.try_into().ok()
    }
}

/// A value is not one that the setting may have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct OutOfRange;

/// One setting: its name in the file, its range and reasons, and the field of `P` that it sets.
#[derive(Debug)]
pub struct Row<P> {
    /// What it is: sentences, as they stand at the field.
    pub about: &'static str,
    /// Its name in the file. Of what it is a number stands in it.
    pub key: &'static str,
    /// Of what it is a number; empty for a word.
    pub unit: &'static str,
    /// What it may be set to.
    pub allowed: Allowed,
    /// Why the default is what it is, with the source; no full stop.
    pub reason: &'static str,
    /// Why it may not be set to more or less; no full stop.
    pub limits: &'static str,
    pub(super) read: fn(&P) -> Value,
    pub(super) write: fn(&mut P, Value) -> Option<()>,
}

impl<P> Row<P> {
    /// Returns what it is set to.
    pub fn get(&self, policy: &P) -> Value {
        (self.read)(policy)
    }

    /// Sets it.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`]; nothing is set then.
    pub fn set(&self, policy: &mut P, value: Value) -> Result<(), OutOfRange> {
        let allowed = match (self.allowed, value) {
            (Allowed::Numbers { least, most }, Value::Number(number)) => {
                (least..=most).contains(&number)
            }
            (Allowed::Words(words), Value::Word(word)) => words.contains(&word),
            _ => false,
        };
        if !allowed {
            return Err(OutOfRange);
        }
        (self.write)(policy, value).ok_or(OutOfRange)
    }
}
