//! What a person is asked for, and in which words.

use fob_api::{PromptDetails, PromptKind, Verdict, VerifyContext, VerifyDetails};

use crate::one_field::Codes;
use crate::options::{Field, Options, Tokenless};
use crate::outcome::End;

/// The prompt of one-field sign-ins that need no code.
pub(crate) const PASSWORD: &str = "Password: ";
/// Digits of a code if the daemon did not say how many: those of a user without a token.
const DIGITS: u32 = 6;

/// What is needed for a decision.
pub(crate) enum Need {
    /// An answer of this form, whose codes have so many digits.
    Answer(Form, usize),
    /// No code: the daemon says how this ends.
    Nothing(End),
}

/// What an answer looks like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// A code.
    Code,
    /// An emergency code, while no other can be checked: for every user, whether he has some or not.
    Emergency,
    /// A code, and not the one that is shown now: it would be refused.
    Next,
    /// Two codes in a row.
    Pair,
}

impl Form {
    /// Returns the prompt.
    pub(crate) fn prompt(self, options: &Options) -> &str {
        match (self, options.field) {
            (Self::Code, _) => &options.prompt,
            (Self::Emergency, Field::Code) => "Emergency code: ",
            (Self::Emergency, Field::PasswordAndCode) => "Password, a space, emergency code: ",
            (Self::Next, Field::Code) => "Wait for the next code: ",
            (Self::Next, Field::PasswordAndCode) => "Password and the next code: ",
            (Self::Pair, Field::Code) => "Two codes in a row, with a space: ",
            (Self::Pair, Field::PasswordAndCode) => "Password and two codes in a row: ",
        }
    }

    /// Returns how many codes stand behind a password.
    pub(crate) fn codes(self) -> Codes {
        match self {
            Self::Code | Self::Emergency | Self::Next => Codes::One,
            Self::Pair => Codes::Two,
        }
    }
}

/// Returns what the daemon's word means for this PAM file.
pub(crate) fn of(
    kind: PromptKind,
    details: &PromptDetails,
    options: &Options,
    context: &VerifyContext,
) -> Need {
    let form = match (kind, options.tokenless) {
        (PromptKind::Exempt, Tokenless::MayBeExempt) => {
            return Need::Nothing(End::Verdict(Verdict::Exempt, VerifyDetails::default()));
        }
        (PromptKind::Ignored, _) => return Need::Nothing(End::Ignored),
        (PromptKind::Ticket, _) if context.session.is_some() => {
            return Need::Nothing(End::Ticket);
        }
        (PromptKind::Code | PromptKind::Exempt | PromptKind::Ticket, _) => Form::Code,
        (PromptKind::Next, _) => Form::Next,
        (PromptKind::Pair, _) => Form::Pair,
    };
    Need::Answer(form, digits(details.digits))
}

/// Returns how many digits a code has, as a length.
pub(crate) fn digits(said: Option<u32>) -> usize {
    usize::try_from(said.unwrap_or(DIGITS)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Form, PASSWORD};
    use crate::options::Options;

    /// Columns of a line that small greeters show whole. It is this project's own number: swaylock
    /// and i3lock show no text at all, and others cut it where their window ends.
    const COLUMNS: usize = 60;

    #[test]
    fn what_one_field_asks_fits_into_a_greeter() {
        let options = Options::parse(&[c"one_field"]).unwrap();
        for form in [Form::Code, Form::Emergency, Form::Next, Form::Pair] {
            let prompt = form.prompt(&options);
            assert!(prompt.starts_with("Password"), "{prompt}");
            assert!(prompt.is_ascii() && prompt.len() <= COLUMNS, "{prompt}");
        }
        assert!(PASSWORD.len() <= COLUMNS);
    }
}
