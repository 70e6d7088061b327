//! The people of a machine and their tokens.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use super::{Host, NEXT};
use crate::soft_token::SoftToken;

/// The password of every person, and its hash (`openssl passwd -6`).
const PASSWORD: &str = "correct horse";
/// See [`PASSWORD`].
const PASSWORD_HASH: &str = "$6$fobtests$iMBjyb2NQinCxAyiqlp/laV2luIuf1vI1gY4lUUid.za8ZE3rFAzLGnU1fufi0Y6PZXyTmWloRpFyOuMdBaN.1";

/// Somebody with an account, a key that the machine's root may use for ssh, and a password.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user name.
    pub name: String,
    /// The account's password.
    pub password: &'static str,
}

impl Host {
    /// Makes an account; the number behind the name makes it one of a kind.
    #[track_caller]
    pub fn person(&self, name: &str) -> Person {
        let name = format!("{name}{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let _one_at_a_time = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        self.shell(&format!(
            "useradd --create-home --groups users --shell /bin/bash --password '{PASSWORD_HASH}' {name}"
        ));
        Person { name, password: PASSWORD }
    }

    /// Puts the tokens of a seed file into stock.
    #[track_caller]
    pub fn import(&self, seed_file: &str) {
        self.feed("fobctl import -", seed_file.as_bytes());
    }

    /// Puts a token with a button into stock; the number behind its serial makes it one of a kind.
    #[track_caller]
    pub fn button_token(&self, serial: &str) -> SoftToken {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let token = SoftToken::with_button(&format!("{serial}-{number}"));
        self.import(&token.oath_line());
        token
    }

    /// Makes an account with a token with a clock: the codes of the current step and the one before
    /// are spent on the assignment.
    #[track_caller]
    pub fn person_with_clock_token(&self, name: &str) -> (Person, SoftToken) {
        let person = self.person(name);
        let mut token = SoftToken::with_clock(&format!("C-{}", person.name));
        self.import(&token.oath_line());
        let codes = token.show_pair(self.now());
        self.assign(&person, token.serial(), &codes);
        (person, token)
    }

    /// Makes an account with a token with a button, which has any number of codes at once.
    #[track_caller]
    pub fn person_with_button_token(&self, name: &str) -> (Person, SoftToken) {
        let person = self.person(name);
        let mut token = SoftToken::with_button(&format!("B-{}", person.name));
        self.import(&token.oath_line());
        let codes = token.show_pair(self.now());
        self.assign(&person, token.serial(), &codes);
        (person, token)
    }

    /// Assigns a token of the stock.
    #[track_caller]
    pub fn assign(&self, person: &Person, serial: &str, codes: &[String; 2]) {
        self.with_codes(&format!("fobctl assign {} {serial}", person.name), codes);
    }

    /// Runs a `fobctl` command that shows codes to be written down, and returns them.
    #[track_caller]
    pub fn codes_to_keep(&self, command: &str) -> Vec<String> {
        let is_code = |word: &&str| {
            let groups: Vec<&str> = word.split('-').collect();
            groups.len() > 1 && groups.iter().all(|group| matches!(group.len(), 4 | 5))
        };
        self.shell(command).split_whitespace().filter(is_code).map(str::to_owned).collect()
    }

    /// Runs a `fobctl` command that reads two codes.
    #[track_caller]
    pub fn with_codes(&self, command: &str, codes: &[String; 2]) -> String {
        self.feed(command, format!("{}\n{}\n", codes[0], codes[1]).as_bytes())
    }
}
