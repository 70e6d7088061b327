//! The dialogue with the person at the terminal, and its replacement by standard input.
//!
//! Questions go to standard error, so that standard output holds only what was done. Without a
//! terminal nothing is asked: the answers are the lines of standard input.

mod countdown;
mod lines;
mod secret;
mod unlabelled;
mod wizard;

use std::{
    io::{self, IsTerminal, Write},
    time::Instant,
};

use fob_api::{CodePair, RecoveryCode, Serial, TokenReport};
use zeroize::Zeroizing;

use crate::failure::{Failure, InputTrouble};
use countdown::{Countdown, on_one_row, write_above};
use lines::Lines;
pub(crate) use secret::{
    SHORTEST, new_passphrase, passphrase, passphrase_of_stdin, password, password_of_descriptor,
};
pub(crate) use unlabelled::Begun;
use wizard::{Heard, Remark, Which, Wizard};

/// Two codes, and how long the person took from one to the other.
pub(crate) struct Codes {
    /// The codes in the order in which they were shown.
    pub(crate) pair: CodePair,
    /// Seconds between the two inputs.
    pub(crate) elapsed: u32,
}

/// What makes a token show its next code.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// Its button.
    Button,
    /// Its clock, every so many seconds.
    Clock(u32),
}

impl Pace {
    /// Reads it from a report. RFC 6238 section 5.2 recommends 30 s, and an old daemon may not
    /// tell.
    fn of(token: &TokenReport) -> Self {
        match token.kind.as_deref() {
            Some("hotp") => Self::Button,
            _ => Self::Clock(token.period.unwrap_or(30)),
        }
    }
}

/// Standard input, with a person at it or not.
pub(crate) struct Dialogue {
    lines: Lines,
    place: Place,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Script,
    Terminal,
}

impl Dialogue {
    /// Opens the dialogue.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if standard input is closed.
    pub(crate) fn open() -> Result<Self, Failure> {
        let place = if io::stdin().is_terminal() { Place::Terminal } else { Place::Script };
        let lines = Lines::of_stdin().map_err(|_| InputTrouble::Unreadable)?;
        Ok(Self { lines, place })
    }

    /// Tells whether a person can answer.
    pub(crate) fn is_in_terminal(&self) -> bool {
        self.place == Place::Terminal
    }

    /// Tells the person something before a question; a script is told nothing. No copy is made: it
    /// may be a seed.
    pub(crate) fn say(&self, sentence: &str) {
        if self.is_in_terminal() {
            write(sentence);
            write("\n");
        }
    }

    /// Asks for a serial and returns it; `None` if what was typed is no serial.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if the input ends.
    pub(crate) fn serial(&mut self, prompt: &str) -> Result<Option<Serial>, Failure> {
        write(prompt);
        Ok(Serial::typed(&self.line(InputTrouble::Ended)?).ok())
    }

    /// Asks for one of the person's recovery codes.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if none comes.
    pub(crate) fn recovery_code(&mut self) -> Result<RecoveryCode, Failure> {
        if self.is_in_terminal() {
            write("One of your recovery codes: ");
        }
        let line = self.line(InputTrouble::Ended)?;
        RecoveryCode::parse(&line).map_err(|_| InputTrouble::NotARecoveryCode.into())
    }

    /// Asks for two codes in a row of this token.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if they do not come.
    pub(crate) fn codes(&mut self, token: &TokenReport) -> Result<Codes, Failure> {
        match self.place {
            Place::Script => self.codes_of_script(token.digits),
            Place::Terminal => self.codes_of_person(token.digits, Pace::of(token)),
        }
    }

    fn codes_of_script(&mut self, digits: Option<u32>) -> Result<Codes, Failure> {
        let mut wizard = Wizard::new(digits);
        let first = self.line(InputTrouble::TooFewLines)?;
        let Heard::First = wizard.hear(&first) else {
            return Err(InputTrouble::NotACode(1).into());
        };
        let start = now();
        let second = self.line(InputTrouble::TooFewLines)?;
        match wizard.hear(&second) {
            Heard::Both(pair) => Ok(Codes { pair, elapsed: seconds_since(start) }),
            Heard::Remark(Remark::SameCode) => Err(InputTrouble::SameCode.into()),
            _ => Err(InputTrouble::NotACode(2).into()),
        }
    }

    fn codes_of_person(&mut self, digits: Option<u32>, pace: Pace) -> Result<Codes, Failure> {
        self.go_on(Wizard::new(digits), now(), pace)
    }

    /// Asks for what is missing of the two codes.
    fn go_on(
        &mut self,
        mut wizard: Wizard,
        mut start: Instant,
        pace: Pace,
    ) -> Result<Codes, Failure> {
        let mut remark = None;
        loop {
            let line = match wizard.awaits() {
                Which::First => self.first_code(remark)?,
                Which::Second => self.second_code(remark, pace, start)?,
            };
            remark = match wizard.hear(&line) {
                Heard::Both(pair) => return Ok(Codes { pair, elapsed: seconds_since(start) }),
                Heard::First => {
                    start = now();
                    None
                }
                Heard::GiveUp => return Err(InputTrouble::TooManyTries.into()),
                Heard::Remark(remark) => Some(remark),
            };
        }
    }

    fn first_code(&mut self, remark: Option<Remark>) -> Result<Zeroizing<String>, Failure> {
        if let Some(remark) = remark {
            write(&format!("{remark}\n"));
        }
        write("Code 1: ");
        self.line(InputTrouble::Ended)
    }

    fn second_code(
        &mut self,
        remark: Option<Remark>,
        pace: Pace,
        start: Instant,
    ) -> Result<Zeroizing<String>, Failure> {
        let sentence = match (remark, pace) {
            (Some(remark), _) => remark.to_string(),
            (None, Pace::Button) => "Press the button again.".to_owned(),
            (None, Pace::Clock(period)) => {
                format!("Wait until the token shows a new code (at most {period} s).")
            }
        };
        if let Pace::Clock(period) = pace
            && io::stderr().is_terminal()
        {
            write(&format!("{}\nCode 2: ", on_one_row(&sentence)));
            self.count_down(&sentence, &Countdown::new(start, period))?;
            let line = self.line(InputTrouble::Ended)?;
            // The Enter key has moved the cursor one row down. What stays is the sentence.
            let _ = write_above(2, &sentence);
            return Ok(line);
        }
        write(&format!("{sentence}\nCode 2: "));
        self.line(InputTrouble::Ended)
    }

    /// Draws the countdown until a line is there. What is typed stays where it is.
    fn count_down(&self, sentence: &str, countdown: &Countdown) -> Result<(), Failure> {
        loop {
            // A line that cannot be drawn is no reason not to read what is typed.
            let _ = write_above(1, &countdown.line(sentence, now()));
            let wait = countdown.next_change(now());
            if self.lines.wait(wait).map_err(|_| InputTrouble::Unreadable)? {
                return Ok(());
            }
        }
    }

    fn line(&mut self, at_end: InputTrouble) -> Result<Zeroizing<String>, Failure> {
        let line = self.lines.next_line().map_err(|_| InputTrouble::Unreadable)?;
        if line.is_none() && self.is_in_terminal() {
            // No Enter key has ended the line of the question.
            write("\n");
        }
        line.ok_or_else(|| at_end.into())
    }
}

fn write(text: &str) {
    // Where standard error is closed, the person types without seeing the question.
    let _ = io::stderr().write_all(text.as_bytes());
}

#[expect(clippy::disallowed_methods, reason = "the dialogue owns the countdown's deadline")]
fn now() -> Instant {
    Instant::now()
}

fn seconds_since(start: Instant) -> u32 {
    u32::try_from(now().saturating_duration_since(start).as_secs()).unwrap_or(u32::MAX)
}
