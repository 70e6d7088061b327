//! Who signs in: users with a token each, known to all contenders alike.

use std::fmt::Write as _;

use crate::soft_token::SoftToken;

/// Users who sign in, of however many there are. All others have tokens and never come.
const MOST: usize = 64;
/// Those whose codes are asked about without PAM.
const CALLERS: u32 = 64;
/// The first uid of those who sign in.
const FIRST_UID: u32 = 20_000;
/// The first uid of those whose codes are asked about without PAM.
const FIRST_CALLER: u32 = 30_000;

/// A user with a token: SHA-1, six digits, 30 s, and no drift.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) token: SoftToken,
}

impl Person {
    /// Makes those who sign in where there are so many tokens.
    pub(super) fn some(tokens: usize) -> Vec<Self> {
        let count = u32::try_from(tokens.min(MOST)).unwrap();
        let person = |number| Self {
            name: format!("bench{number:02}"),
            uid: FIRST_UID + number,
            token: SoftToken::with_clock(&format!("BENCH{number:02}")),
        };
        (0..count).map(person).collect()
    }

    /// Makes those whose codes are asked about without PAM, as fast as can be: their tokens have
    /// buttons, so that no code waits for its time.
    pub(super) fn callers() -> Vec<Self> {
        let person = |number| Self {
            name: format!("caller{number:02}"),
            uid: FIRST_CALLER + number,
            token: SoftToken::with_button(&format!("CALLER{number:02}")),
        };
        (0..CALLERS).map(person).collect()
    }

    /// Returns the code that his token shows at a Unix time.
    pub(super) fn code(&self, now: u64) -> String {
        self.token.code_at(now)
    }

    /// Returns a code that it does not show within hours of a Unix time; another one for each
    /// number.
    pub(super) fn wrong_code(&self, now: u64, number: usize) -> String {
        let mut codes = self.token.wrong_codes(self.token.step_at(now), 8);
        codes.nth(number * 7 % 1000).unwrap()
    }
}

/// Returns the lines of passwd(5), with homes in `homes`.
pub(super) fn passwd(people: &[Person], homes: &str) -> String {
    let mut text = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n".to_owned();
    for Person { name, uid, .. } in people {
        let _ = writeln!(text, "{name}:x:{uid}:{uid}::{homes}/{name}:/bin/sh");
    }
    text
}
