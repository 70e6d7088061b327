//! The ways in: ssh, sudo, su, login, each with a person at the prompts.

use super::{Host, Person, Transcript};

/// Which of the machine's three sshd is asked.
#[derive(Clone, Copy, Debug)]
pub enum Door {
    /// A key, then a code: the machine's own sshd.
    KeyThenCode,
    /// A password, then a code.
    PasswordThenCode,
    /// A key, then a code from those who have a token (`nullok`).
    KeyThenCodeIfAny,
}

impl Door {
    fn port(self) -> &'static str {
        match self {
            Self::KeyThenCode => "22",
            Self::PasswordThenCode => "2222",
            Self::KeyThenCodeIfAny => "2223",
        }
    }
}

/// Whether Cockpit's page remembers that the password is for sudo, too.
#[derive(Clone, Copy, Debug)]
pub enum Remembered {
    /// Limited access.
    No,
    /// Administrative access, as soon as the page opens.
    Yes,
}

/// A sign-in about to happen: what the person will answer.
#[must_use]
pub struct SignIn<'a> {
    host: &'a Host,
    command: Vec<String>,
    answers: String,
}

impl SignIn<'_> {
    /// Answers the next prompt for a password.
    pub fn password(self, words: &str) -> Self {
        self.answer("password", words)
    }

    /// Answers the next prompt for a code.
    pub fn code(self, words: &str) -> Self {
        self.answer("code", words)
    }

    /// Types a line into the shell that opens.
    pub fn shell(self, words: &str) -> Self {
        self.answer("shell", words)
    }

    fn answer(mut self, kind: &str, words: &str) -> Self {
        self.answers.push_str(&format!("{kind} {words}\n"));
        self
    }

    /// Signs in.
    #[track_caller]
    pub fn run(self) -> Transcript {
        let command: Vec<&str> = self.command.iter().map(String::as_str).collect();
        let output = self.host.run(&command, self.answers.as_bytes());
        assert!(
            output.status.success(),
            "{:?} broke: {}",
            self.command,
            String::from_utf8_lossy(&output.stderr)
        );
        Transcript::parse(&String::from_utf8_lossy(&output.stdout))
    }
}

impl Host {
    /// Signs in through ssh and runs `id -un`.
    pub fn ssh(&self, door: Door, user: &str) -> SignIn<'_> {
        self.sign_in(&["fobtest-ssh", door.port(), user, "id -un"])
    }

    /// Signs in through ssh and runs a command there.
    pub fn ssh_running(&self, door: Door, user: &str, command: &str) -> SignIn<'_> {
        self.sign_in(&["fobtest-ssh", door.port(), user, command])
    }

    /// Signs in through ssh from another address of the loopback network, 127.0.0.0/8.
    pub fn ssh_from(&self, address: &str, door: Door, user: &str) -> SignIn<'_> {
        let from = format!("FOBTEST_FROM={address}");
        self.sign_in(&["env", &from, "fobtest-ssh", door.port(), user, "id -un"])
    }

    /// Becomes root through sudo, on a terminal, and runs `id -un`.
    pub fn sudo(&self, person: &Person) -> SignIn<'_> {
        self.on_a_terminal_as(&person.name, &["sudo", "id", "-un"])
    }

    /// Becomes `to` through su, on a terminal, and runs `id -un`.
    pub fn su(&self, person: &Person, to: &str) -> SignIn<'_> {
        self.on_a_terminal_as(&person.name, &["su", to, "-c", "id -un"])
    }

    /// Signs in at Cockpit's login page; the status of a refusal is that of HTTP. With [`Remembered`],
    /// its bridge then runs sudo.
    pub fn cockpit(&self, person: &Person, sudo: Remembered) -> SignIn<'_> {
        let superuser = match sudo {
            Remembered::No => "none",
            Remembered::Yes => "any",
        };
        self.sign_in(&["fobtest-cockpit", &person.name, superuser])
    }

    /// Signs in at the console and runs `id -un`.
    pub fn login(&self, user: &str) -> SignIn<'_> {
        self.sign_in(&["fobtest-terminal", "login", user]).shell("id -un")
    }

    /// Runs any command as a person, on a terminal.
    pub fn on_a_terminal_as(&self, user: &str, command: &[&str]) -> SignIn<'_> {
        let mut words = vec!["fobtest-terminal", "runuser", "-u", user, "--"];
        words.extend_from_slice(command);
        self.sign_in(&words)
    }

    /// Signs in again and again until the daemon has tried the answer: of one source it tries
    /// pairs and recovery codes ten seconds apart, and waiting costs nobody anything.
    #[track_caller]
    pub fn in_turn(&self, user: &str, sign_in: impl Fn() -> Transcript) -> Transcript {
        for _ in 0..100 {
            let seen = sign_in();
            if self.verdicts(user).last().is_some_and(|verdict| verdict != "wait") {
                return seen;
            }
        }
        panic!("{user}'s turn did not come");
    }

    fn sign_in(&self, command: &[&str]) -> SignIn<'_> {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        SignIn { host: self, command, answers: String::new() }
    }
}
