//! What is asserted of the module's parsers for each input. Not a part of the module: it is
//! compiled for its unit tests, which replay `tests/fuzz/corpus`, and, as the feature `fuzzing`,
//! for the programs of `tests/fuzz`. It stands here because nothing else may link this crate, and
//! its parsers are nobody else's business.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a panic is a finding

use std::ffi::CString;
use std::time::Duration;

use fob_api::{PromptDetails, VerifyDetails};

use crate::message::{FIXED_HEADER, Incoming, Values, whole_length};
use crate::options::Options;
use crate::trouble::Trouble;

/// Words of a PAM file, each ended by a NUL: what is taken is in its range, stands once, and means
/// the same in every order.
pub fn options(bytes: &[u8]) {
    let words: Vec<CString> = bytes.split(|b| *b == 0).map(|w| CString::new(w).unwrap()).collect();
    let mut words: Vec<_> = words.iter().map(CString::as_c_str).collect();
    let options = match Options::parse(&words) {
        Ok(options) => options,
        Err(error) => {
            assert!(!error.to_string().contains(char::is_control), "not one clean line");
            return;
        }
    };
    assert!((Duration::from_secs(1)..=Duration::from_secs(30)).contains(&options.timeout));
    assert!(!options.prompt.is_empty() && options.prompt.len() <= 64);
    assert!(!options.prompt.contains(char::is_control));
    words.reverse();
    assert_eq!(Options::parse(&words).unwrap(), options, "the order matters");
    words.push(words[0]);
    assert!(Options::parse(&words).is_err(), "a word may stand twice");
}

/// The first byte says whether the rest is a whole message or the body of a reply to a method.
/// What is read was written there, and is read as one type only.
pub fn reply(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let message = match choice % 5 {
        0 => rest.to_vec(),
        1 => framed("ssa{sv}", rest),
        2 => framed("sa{sv}", rest),
        3 => framed("s", rest),
        _ => framed("u", rest),
    };
    if let Some(Ok(whole)) = message.first_chunk().map(whole_length) {
        assert!((FIXED_HEADER..=64 * 1024).contains(&whole), "{whole} bytes would be read");
    }
    let verdict = values::<(String, String, VerifyDetails)>(&message);
    if let Some((word, about, _)) = &verdict {
        assert!(holds(&message, word) && holds(&message, about), "nobody said that");
    }
    let read = [
        verdict.is_some(),
        values::<(String, PromptDetails)>(&message).is_some(),
        values::<String>(&message).is_some(),
        values::<u32>(&message).is_some(),
    ];
    assert!(read.into_iter().filter(|read| *read).count() <= 1, "one reply, two meanings");
}

/// Reads a whole message as the reply to call 1 with values of this type.
fn values<T: Values>(bytes: &[u8]) -> Option<T> {
    let message = Incoming::parse(bytes).ok()?;
    let from_nobody = message.answers(1, Some("nobody"));
    if !message.answers(1, None) {
        assert!(!from_nobody, "an answer from somebody else");
        return None;
    }
    match message.values() {
        Ok(values) => Some(values),
        Err(Trouble::Refused(name)) => {
            assert!(!name.contains(char::is_control), "not one clean line");
            None
        }
        Err(Trouble::Garbled(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

/// Returns the reply to call 1 with this body, little endian ("Message Format").
fn framed(signature: &str, body: &[u8]) -> Vec<u8> {
    let mut fields = vec![5, 1, b'u', 0, 1, 0, 0, 0, 8, 1, b'g', 0];
    fields.push(u8::try_from(signature.len()).unwrap());
    fields.extend(signature.bytes().chain([0]));
    let mut message = vec![b'l', 2, 1, 1];
    for number in [body.len(), 9, fields.len()] {
        message.extend(u32::try_from(number).unwrap().to_le_bytes());
    }
    message.extend(fields);
    message.resize(message.len().next_multiple_of(8), 0);
    message.extend(body);
    message
}

fn holds(bytes: &[u8], text: &str) -> bool {
    let text = [text.as_bytes(), &[0]].concat();
    bytes.windows(text.len()).any(|window| window == text)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    #[track_caller]
    fn replay(name: &str, target: fn(&[u8])) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/corpus").join(name);
        let files: Vec<_> =
            fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 3, "{name} has no corpus");
        for file in files {
            println!("{}", file.display()); // shown with the panic
            target(&fs::read(&file).unwrap());
        }
    }

    #[test]
    fn options_of_the_corpus_are_taken_in_every_order_or_refused() {
        replay("pam_options", super::options);
    }

    #[test]
    fn replies_of_the_corpus_are_read_as_one_thing_or_not_at_all() {
        replay("pam_reply", super::reply);
    }
}
