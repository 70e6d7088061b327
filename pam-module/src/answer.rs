//! From what a person typed to a code.

use fob_api::Code;
use pam::{items::AuthTok, module::PamHandle, secret::SecretBytes};

use crate::conversation;
use crate::options::{Options, Source};
use crate::trouble::Refusal;

/// Most bytes of an answer: 8 digits with generous spaces between them. sshd and greeters pass on
/// whatever they are sent.
const MAX_ANSWER: usize = 64;

/// Gets the code from where the options say, with one prompt at most.
///
/// # Errors
///
/// [`Refusal::NotACode`] if the answer cannot be a code or is the password;
/// [`Refusal::Conversation`] if the conversation fails.
pub(crate) fn obtain(handle: &PamHandle, options: &Options) -> Result<Code, Refusal> {
    let earlier = match options.source {
        Source::Earlier | Source::EarlierOrPrompt => password(handle),
        Source::Prompt => None,
    };
    match (options.source, earlier.map(|answer| code(answer.as_bytes()))) {
        (Source::Earlier | Source::EarlierOrPrompt, Some(Ok(code))) => Ok(code),
        (Source::Earlier, _) => Err(Refusal::NotACode),
        (Source::EarlierOrPrompt | Source::Prompt, _) => prompted(handle, options),
    }
}

fn prompted(handle: &PamHandle, options: &Options) -> Result<Code, Refusal> {
    let answer = conversation::ask(handle, options.echo, &options.prompt)?;
    let Some(answer) = answer else { return Err(Refusal::NotACode) };
    // A program that answers every prompt with the password must not make it travel. A password
    // of six digits is not looked at either: then this is a wrong code.
    let is_password = password(handle).is_some_and(|known| known.as_bytes() == answer.as_bytes());
    if is_password { Err(Refusal::NotACode) } else { code(answer.as_bytes()) }
}

fn password(handle: &PamHandle) -> Option<SecretBytes> {
    handle.get_item::<AuthTok<'_>>().ok().flatten().map(|item| item.to_owned_secret())
}

fn code(typed: &[u8]) -> Result<Code, Refusal> {
    if typed.len() > MAX_ANSWER {
        return Err(Refusal::NotACode);
    }
    let typed = std::str::from_utf8(typed).map_err(|_| Refusal::NotACode)?;
    Code::parse(typed).map_err(|_| Refusal::NotACode)
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn what_cannot_be_a_code_is_not_one() {
        let long = format!("123456{}", " ".repeat(59));
        for typed in [
            &b""[..],
            b"12345",
            b"123456789",
            b"+12345",
            b"12345\xff",
            b"\x08\n\r\x7fINCORRECT",
            "１２３４５６".as_bytes(),
            long.as_bytes(),
        ] {
            assert!(code(typed).is_err(), "{typed:?} was taken for a code");
        }
    }

    #[test]
    fn spaces_and_dashes_of_a_careful_person_are_dropped() {
        assert_eq!(
            code(b" 123-456 ").map(|code| code.as_str().to_owned()).ok().as_deref(),
            Some("123456")
        );
    }
}
