//! The dialogue for two codes, as a pure state machine: a line goes in, what to do next comes out.

use std::fmt;

use fob_api::{Code, CodePair};

/// How often something that is no code is taken before the dialogue gives up.
const TRIES: u8 = 5;

/// Which code is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Which {
    /// The one that the token shows now.
    First,
    /// The one that it shows next.
    Second,
}

/// What a line led to.
pub(crate) enum Heard {
    /// Both codes are there.
    Both(CodePair),
    /// The first code is there.
    First,
    /// Not a code, once too often.
    GiveUp,
    /// The line does not do; the same code is asked for again.
    Remark(Remark),
}

/// Why a line does not do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Remark {
    /// It is no code at all.
    NotACode,
    /// It is the first code again.
    SameCode,
    /// This token's codes have another number of digits.
    WrongDigits(u32),
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACode => f.write_str("A code has 6 to 8 digits."),
            Self::SameCode => f.write_str("That is the same code. Wait for the next one."),
            Self::WrongDigits(digits) => write!(f, "A code of this token has {digits} digits."),
        }
    }
}

/// The state of a dialogue.
pub(crate) struct Wizard {
    digits: Option<u32>,
    first: Option<Code>,
    mistakes: u8,
}

impl Wizard {
    /// Starts a dialogue about a token whose codes have `digits` digits, where that is known.
    pub(crate) fn new(digits: Option<u32>) -> Self {
        Self { digits, first: None, mistakes: 0 }
    }

    /// Returns which code the next line should hold.
    pub(crate) fn awaits(&self) -> Which {
        if self.first.is_none() { Which::First } else { Which::Second }
    }

    /// Returns the first code, once it is there.
    pub(crate) fn first(&self) -> Option<&Code> {
        self.first.as_ref()
    }

    /// Takes a line that was typed.
    pub(crate) fn hear(&mut self, line: &str) -> Heard {
        let Ok(code) = Code::parse(line) else { return self.mistake(Remark::NotACode) };
        if let Some(digits) = self.digits.filter(|digits| *digits != u32::from(code.digits())) {
            return self.mistake(Remark::WrongDigits(digits));
        }
        let Some(first) = self.first.take() else {
            self.first = Some(code);
            return Heard::First;
        };
        match CodePair::new(first.clone(), code) {
            Ok(pair) => Heard::Both(pair),
            Err(_) => {
                // The most frequent error, and no guess: not counted.
                self.first = Some(first);
                Heard::Remark(Remark::SameCode)
            }
        }
    }

    fn mistake(&mut self, remark: Remark) -> Heard {
        self.mistakes += 1;
        if self.mistakes < TRIES { Heard::Remark(remark) } else { Heard::GiveUp }
    }
}

#[cfg(test)]
mod tests {
    use super::{Heard, Wizard};

    /// Feeds the lines and notes what came out of each.
    fn talk(digits: Option<u32>, lines: &[&str]) -> Vec<String> {
        let mut wizard = Wizard::new(digits);
        let mut notes = Vec::new();
        for line in lines {
            let heard = wizard.hear(line);
            notes.push(match heard {
                Heard::Both(pair) => format!("{} {}", pair.first.as_str(), pair.second.as_str()),
                Heard::First => format!("next: {:?}", wizard.awaits()),
                Heard::GiveUp => "give up".to_owned(),
                Heard::Remark(remark) => format!("{:?}: {remark}", wizard.awaits()),
            });
        }
        notes
    }

    #[test]
    fn two_codes_make_a_pair_in_their_order() {
        assert_eq!(talk(None, &["123 456", "654-321"]), ["next: Second", "123456 654321"]);
    }

    #[test]
    fn the_same_code_twice_is_asked_again_however_often() {
        let mut lines = vec!["123456"; 20];
        lines.push("654321");
        let notes = talk(None, &lines);
        assert_eq!(notes[1], "Second: That is the same code. Wait for the next one.");
        assert_eq!(notes[19], notes[1]);
        assert_eq!(notes[20], "123456 654321");
    }

    #[test]
    fn what_is_no_code_is_asked_again() {
        let notes = talk(None, &["", "hello", "123456", "12345", "654321"]);
        assert_eq!(notes[0], "First: A code has 6 to 8 digits.");
        assert_eq!(notes[1], notes[0]);
        assert_eq!(notes[3], "Second: A code has 6 to 8 digits.");
        assert_eq!(notes[4], "123456 654321");
    }

    #[test]
    fn the_fifth_line_that_is_no_code_ends_the_dialogue() {
        let notes = talk(None, &["a", "b", "123456", "c", "d", "e"]);
        assert_eq!(notes[4], "Second: A code has 6 to 8 digits.");
        assert_eq!(notes[5], "give up");
    }

    #[test]
    fn a_code_of_another_length_is_noticed_before_it_is_sent() {
        let notes = talk(Some(6), &["12345678", "123456", "654321"]);
        assert_eq!(notes[0], "First: A code of this token has 6 digits.");
        assert_eq!(notes[2], "123456 654321");
    }
}
