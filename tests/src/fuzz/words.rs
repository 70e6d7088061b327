//! What people type, and the line of an emergency slot.

use fob_api::{
    Answer, Code, CodePair, RecoveryCode, Serial, UserName,
    emergency::{EmergencyCode, MAX_LINE, Slot},
};

/// Most bytes of a user (`limits.h(0p)`).
const MOST_USER: usize = 255;
/// Most bytes of a serial, as its type says.
const MOST_SERIAL: usize = 64;

/// An answer at the prompt: what is taken is one thing only, and travels without a change.
pub(super) fn answer(bytes: &[u8]) {
    let Ok(typed) = str::from_utf8(bytes) else { return };
    let forms = [
        Code::parse(typed).is_ok(),
        CodePair::parse(typed).is_ok(),
        RecoveryCode::parse(typed).is_ok(),
        EmergencyCode::parse(typed).is_ok(),
    ];
    assert!(forms.iter().filter(|taken| **taken).count() <= 1, "taken for two things");
    let answer = Answer::parse(typed);
    assert_eq!(answer.is_ok(), forms[..3].contains(&true));
    if let Ok(answer) = answer {
        let wire = answer.to_wire();
        assert!(wire.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
        assert!(wire.len() <= 16);
        let again = Answer::parse(&wire).ok().unwrap();
        assert!(again.to_wire() == wire, "it does not travel unchanged");
        assert!(normalised(typed) == *wire, "something else was read than was typed");
    }
    if let Ok(code) = EmergencyCode::parse(typed) {
        let again = EmergencyCode::parse(&code.grouped()).unwrap();
        assert!(again.grouped() == code.grouped());
    }
}

/// What the digits and letters of an answer are, said in another way than the parsers do.
fn normalised(typed: &str) -> String {
    let kept = typed.to_ascii_lowercase().replace([' ', '\t', '-'], "");
    kept.replace('o', "0").replace(['i', 'l'], "1")
}

/// A user's name and a serial: what is taken is short, prints as it was typed and reads the same.
pub(super) fn name(bytes: &[u8]) {
    let Ok(typed) = str::from_utf8(bytes) else { return };
    if let Ok(user) = UserName::parse(typed) {
        assert_eq!(user.as_str(), typed, "a name is never changed");
        assert!(!typed.is_empty() && typed.len() <= MOST_USER);
        assert!(!typed.contains(char::is_control));
        assert_eq!(UserName::parse(&user.to_string()), Ok(user));
    }
    if let Ok(serial) = Serial::parse(typed) {
        assert_eq!(serial.as_str(), typed.trim_matches([' ', '\t']));
        assert!(!serial.as_str().is_empty() && serial.as_str().len() <= MOST_SERIAL);
        assert!(serial.as_str().bytes().all(|byte| byte.is_ascii_graphic()));
        let folded = Serial::parse(&serial.folded()).unwrap();
        assert_eq!(folded.folded(), serial.folded(), "folding twice is folding once");
        assert_eq!(Serial::parse(&serial.to_string()), Ok(serial));
    }
}

/// The file of an emergency slot: there is one way to write each slot, and a recipe that is too
/// cheap, or too much for a host in trouble, is not taken.
pub(super) fn emergency_slot(bytes: &[u8]) {
    let Ok(line) = str::from_utf8(bytes) else { return };
    let Some(slot) = Slot::parse(line) else { return };
    assert!((1024..=32 * 1024).contains(&slot.recipe.memory));
    assert!((1..=10).contains(&slot.recipe.passes));
    assert!(line.len() <= MAX_LINE);
    assert_eq!(slot.line(), line.to_ascii_lowercase(), "hex alone may be in either case");
    assert_eq!(Slot::parse(&slot.line()), Some(slot));
}
