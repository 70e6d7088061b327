//! Codes of a token of which nobody knows which one it is: one first, a second if that is not enough.

use std::time::Instant;

use fob_api::TokenReport;

use super::{Codes, Dialogue, Heard, Pace, Place, Remark, Wizard, now, seconds_since};
use crate::failure::{Failure, InputTrouble};

/// Seconds in which every token with a clock shows another code: 30 or 60 (RFC 6238 section 5.2).
const LONGEST_PERIOD: u32 = 60;

/// The first code, and when it was typed.
pub(crate) struct Begun {
    wizard: Wizard,
    start: Instant,
}

impl Begun {
    /// Returns the code.
    pub(crate) fn code(&self) -> &str {
        self.wizard.first().map_or("", |code| code.as_str())
    }
}

impl Dialogue {
    /// Asks for the code that the token shows.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if it does not come.
    pub(crate) fn code(&mut self) -> Result<Begun, Failure> {
        let mut wizard = Wizard::new(None);
        let mut remark = None;
        loop {
            let line = match self.place {
                Place::Script => self.line(InputTrouble::Ended)?,
                Place::Terminal => self.first_code(remark)?,
            };
            remark = match (wizard.hear(&line), self.place) {
                (Heard::First, _) => return Ok(Begun { wizard, start: now() }),
                (_, Place::Script) => return Err(InputTrouble::NotACode(1).into()),
                (Heard::Remark(remark), Place::Terminal) => Some(remark),
                _ => return Err(InputTrouble::TooManyTries.into()),
            };
        }
    }

    /// Tells whether a script has written one more line. A person always may.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if standard input cannot be read.
    pub(crate) fn has_another_line(&mut self) -> Result<bool, Failure> {
        match self.place {
            Place::Script => self.lines.has_another().map_err(|_| InputTrouble::Unreadable.into()),
            Place::Terminal => Ok(true),
        }
    }

    /// Asks for the code that the token shows next.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if it does not come.
    pub(crate) fn code_behind(&mut self, begun: Begun) -> Result<Codes, Failure> {
        let Begun { mut wizard, start } = begun;
        if self.place == Place::Terminal {
            let token = TokenReport { period: Some(LONGEST_PERIOD), ..TokenReport::default() };
            return self.go_on(wizard, start, Pace::of(&token));
        }
        let second = self.line(InputTrouble::TooFewLines)?;
        match wizard.hear(&second) {
            Heard::Both(pair) => Ok(Codes { pair, elapsed: seconds_since(start) }),
            Heard::Remark(Remark::SameCode) => Err(InputTrouble::SameCode.into()),
            _ => Err(InputTrouble::NotACode(2).into()),
        }
    }
}
