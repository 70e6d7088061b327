//! One line for each decision and each change. Codes and seeds are in none.

use std::{
    fmt::{self, Write as _},
    io::Write as _,
    sync::{Arc, Mutex},
};

/// What happened: a name and its fields, in their order.
#[derive(Clone, Debug)]
pub struct Event {
    name: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl Event {
    /// Starts an event.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self { name, fields: Vec::new() }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl fmt::Display) -> Self {
        self.fields.push((field, value.to_string()));
        self
    }

    /// Adds a field if there is a value.
    #[must_use]
    pub fn with_some(self, field: &'static str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(field, value),
            None => self,
        }
    }
}

/// Longest value in a line: untrusted text cannot fill the journal.
const LONGEST: usize = 256;

impl fmt::Display for Event {
    /// `name field="value" …`: one line, whatever a value holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        for (field, value) in &self.fields {
            write!(f, " {field}=\"")?;
            for character in value.chars().take(LONGEST) {
                match character {
                    '"' | '\\' => write!(f, "\\{character}")?,
                    c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                    c => f.write_char(c)?,
                }
            }
            f.write_char('"')?;
        }
        Ok(())
    }
}

/// Where events go.
#[derive(Clone, Debug)]
pub enum Audit {
    /// Kept, for tests.
    Kept(Arc<Mutex<Vec<String>>>),
    /// The standard error stream: the journal, under a service manager.
    Stderr,
}

impl Audit {
    /// Records an event. A log that cannot be written stops nobody.
    pub fn record(&self, event: &Event) {
        match self {
            Self::Kept(lines) => {
                if let Ok(mut lines) = lines.lock() {
                    lines.push(event.to_string());
                }
            }
            Self::Stderr => {
                // One write for the line: the stream has no buffer of its own.
                let line = format!("{event}\n");
                let _ = std::io::stderr().lock().write_all(line.as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Event;

    #[test]
    fn one_event_is_one_line_whatever_a_value_holds() {
        let event = Event::new("verify").with("user", "a\"\n\u{1b}[2Jverify user=\"root");
        assert_eq!(event.to_string(), "verify user=\"a\\\"\\u{a}\\u{1b}[2Jverify user=\\\"root\"");
    }

    #[test]
    fn a_long_value_is_cut() {
        assert!(Event::new("verify").with("user", "x".repeat(10_000)).to_string().len() < 300);
    }
}
