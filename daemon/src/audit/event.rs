//! What happened: a name and its fields, in their order. Codes and seeds are in none.

use std::fmt::{self, Write as _};

use super::{Field, Name, name::Priority};
use crate::access::Caller;

/// What happened: a name and its fields, in their order.
#[derive(Clone, Debug)]
pub struct Event {
    name: Name,
    priority: Priority,
    fields: Vec<(Field, String)>,
}

/// Longest value in characters: untrusted text cannot fill the log. A host name has at most 253
/// (RFC 1035 section 2.3.4).
const LONGEST: usize = 256;

impl Event {
    /// Starts an event.
    #[must_use]
    pub fn new(name: Name) -> Self {
        Self { name, priority: name.row().priority, fields: Vec::new() }
    }

    /// Says it louder or softer than its name does.
    #[must_use]
    pub fn at(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Adds a field. What is too long is cut here, so that nobody can keep more of it.
    #[must_use]
    pub fn with(mut self, field: Field, value: impl fmt::Display) -> Self {
        self.fields.push((field, value.to_string().chars().take(LONGEST).collect()));
        self
    }

    /// Adds a field if there is a value.
    #[must_use]
    pub fn with_some(self, field: Field, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }

    /// Adds who asked for a change.
    #[must_use]
    pub fn by(self, caller: Caller) -> Self {
        self.with(Field::Caller, caller.uid).with_some(Field::LoginUid, caller.login)
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> Name {
        self.name
    }

    /// Returns how loud it is.
    #[must_use]
    pub fn priority(&self) -> Priority {
        self.priority
    }

    /// Returns its fields, each value fit for a terminal and for one line.
    pub fn fields(&self) -> impl Iterator<Item = (Field, String)> {
        self.fields.iter().map(|(field, value)| (*field, plain(value)))
    }
}

/// Returns a value with all characters escaped that steer a terminal or end a line.
fn plain(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for character in value.chars() {
        // A String takes whatever is written into it.
        let _ = write_escaped(&mut text, character);
    }
    text
}

fn write_escaped(out: &mut impl fmt::Write, character: char) -> fmt::Result {
    if steers(character) {
        write!(out, "\\u{{{:x}}}", u32::from(character))
    } else {
        out.write_char(character)
    }
}

/// Tells of a character whether it ends a line, steers a terminal or reorders a line: control
/// characters, separators, and the bidirectional controls of Unicode (UAX #9).
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Event {
    /// `name field="value" …`: one line, whatever a value holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.word())?;
        for (field, value) in &self.fields {
            write!(f, " {}=\"", field.word())?;
            for character in value.chars() {
                if matches!(character, '"' | '\\') {
                    f.write_char('\\')?;
                }
                write_escaped(f, character)?;
            }
            f.write_char('"')?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, Field, Name};

    const HOSTILE: &str = "a\"\n\u{1b}[2J\u{202e}verify user=\"root";

    #[test]
    fn one_event_is_one_line_whatever_a_value_holds() {
        let event = Event::new(Name::Verify).with(Field::User, HOSTILE);
        let line = "verify user=\"a\\\"\\u{a}\\u{1b}[2J\\u{202e}verify user=\\\"root\"";
        assert_eq!(event.to_string(), line);
    }

    #[test]
    fn a_value_has_no_character_that_steers_a_terminal() {
        let event = Event::new(Name::Verify).with(Field::User, HOSTILE);
        let values: Vec<String> = event.fields().map(|(_, value)| value).collect();
        assert_eq!(values, ["a\"\\u{a}\\u{1b}[2J\\u{202e}verify user=\"root"]);
    }

    #[test]
    fn a_long_value_is_cut() {
        let event = Event::new(Name::Verify).with(Field::User, "x".repeat(10_000));
        assert!(event.to_string().len() < 300);
        assert!(event.fields().all(|(_, value)| value.len() == 256));
    }
}
