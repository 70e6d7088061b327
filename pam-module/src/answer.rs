//! From what a person typed to an answer: a code, two codes in a row, a recovery code, or an
//! emergency code.

use fob_api::{Answer, emergency::EmergencyCode};
use pam::{items::AuthTok, module::PamHandle, secret::SecretBytes};

use crate::conversation;
use crate::options::{Options, Source};
use crate::trouble::Refusal;

/// Most bytes of an answer: two codes of 8 digits with generous spaces between them. sshd and
/// greeters pass on whatever they are sent.
const MAX_ANSWER: usize = 64;

/// What was typed, told apart by its form.
pub(crate) enum Typed {
    /// For the daemon.
    Answer(Answer),
    /// For root's own files; it never travels.
    Emergency(EmergencyCode),
}

/// Gets the answer from where the options say, with this prompt at most.
///
/// # Errors
///
/// [`Refusal::NotACode`] if the answer cannot be a code or is the password;
/// [`Refusal::Conversation`] if the conversation fails.
pub(crate) fn obtain(
    handle: &PamHandle,
    options: &Options,
    prompt: &str,
) -> Result<Typed, Refusal> {
    let earlier = match options.source {
        Source::Earlier | Source::EarlierOrPrompt => password(handle),
        Source::Prompt => None,
    };
    match (options.source, earlier.map(|answer| digits(answer.as_bytes()))) {
        (Source::Earlier | Source::EarlierOrPrompt, Some(Ok(answer))) => Ok(answer),
        (Source::Earlier, _) => Err(Refusal::NotACode),
        (Source::EarlierOrPrompt | Source::Prompt, _) => prompted(handle, options, prompt),
    }
}

fn prompted(handle: &PamHandle, options: &Options, prompt: &str) -> Result<Typed, Refusal> {
    let answer = conversation::ask(handle, options.echo, prompt)?;
    let Some(answer) = answer else { return Err(Refusal::NotACode) };
    // A program that answers every prompt with the password must not make it travel. A password
    // of six digits is not looked at either: then this is a wrong code.
    let is_password = password(handle).is_some_and(|known| known.as_bytes() == answer.as_bytes());
    if is_password { Err(Refusal::NotACode) } else { parse(answer.as_bytes()) }
}

fn password(handle: &PamHandle) -> Option<SecretBytes> {
    handle.get_item::<AuthTok<'_>>().ok().flatten().map(|item| item.to_owned_secret())
}

/// Takes codes only: many a password of ten letters has the form of a recovery code, and must
/// not travel; one of sixteen is not looked at either.
fn digits(earlier: &[u8]) -> Result<Typed, Refusal> {
    match parse(earlier)? {
        answer @ Typed::Answer(Answer::Code(_) | Answer::Pair(_)) => Ok(answer),
        Typed::Answer(Answer::Recovery(_)) | Typed::Emergency(_) => Err(Refusal::NotACode),
    }
}

fn parse(typed: &[u8]) -> Result<Typed, Refusal> {
    if typed.len() > MAX_ANSWER {
        return Err(Refusal::NotACode);
    }
    let typed = std::str::from_utf8(typed).map_err(|_| Refusal::NotACode)?;
    Answer::parse(typed)
        .map(Typed::Answer)
        .or_else(|_| EmergencyCode::parse(typed).map(Typed::Emergency))
        .map_err(|_| Refusal::NotACode)
}

#[cfg(test)]
mod tests {
    use super::{Typed, digits, parse};

    fn wire(typed: &[u8]) -> Option<String> {
        match parse(typed) {
            Ok(Typed::Answer(answer)) => Some(answer.to_wire().to_string()),
            Ok(Typed::Emergency(_)) => Some("emergency".to_owned()),
            Err(_) => None,
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_not_one() {
        let long = format!("123456{}", " ".repeat(59));
        for typed in [
            &b""[..],
            b"12345",
            b"123456789",
            b"123456 123456",
            b"+12345",
            b"12345\xff",
            b"\x08\n\r\x7fINCORRECT",
            "１２３４５６".as_bytes(),
            long.as_bytes(),
        ] {
            assert!(wire(typed).is_none(), "{typed:?} was taken for a code");
        }
    }

    #[test]
    fn spaces_and_dashes_of_a_careful_person_are_dropped() {
        for (typed, answer) in [
            (&b" 123-456 "[..], "123456"),
            (b"123456 654321", "123456654321"),
            (b"ABCDE-FGHJ0", "abcdefghj0"),
            (b"ABCD-EFGH-JKMN-PQRS", "emergency"),
        ] {
            assert_eq!(wire(typed).as_deref(), Some(answer));
        }
    }

    #[test]
    fn a_password_of_ten_letters_is_no_recovery_code() {
        assert!(digits(b"basketball").is_err() && digits(b"123456").is_ok());
        assert!(digits(b"basketballplayer").is_err());
    }
}
