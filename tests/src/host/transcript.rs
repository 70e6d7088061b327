//! What a sign-in looked like from the person's chair.

/// The prompts seen, the text shown, and how it ended.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Transcript {
    /// The prompts, in the order in which they came.
    pub prompts: Vec<String>,
    /// The other text: of the program, of the shell, of the module.
    pub text: Vec<String>,
    /// The exit status of ssh, sudo, su or login; -1 if there was none.
    pub status: i32,
}

impl Transcript {
    /// Reads what `fobtest-ssh` and `fobtest-terminal` print.
    #[track_caller]
    pub(crate) fn parse(report: &str) -> Self {
        let mut transcript = Self { status: -1, ..Self::default() };
        for line in report.lines() {
            match line.split_once(' ') {
                Some(("prompt", text)) => transcript.prompts.push(text.to_owned()),
                Some(("out" | "err", text)) => transcript.text.push(text.to_owned()),
                Some(("status", number)) => transcript.status = number.parse().unwrap_or(-1),
                _ => panic!("not a line of a transcript: {line:?}"),
            }
        }
        transcript
    }

    /// Returns what anybody would have seen: with `USER` in place of the user's name.
    #[must_use]
    pub fn of_anybody(&self, user: &str) -> Self {
        let plain =
            |lines: &[String]| lines.iter().map(|line| line.replace(user, "USER")).collect();
        Self { prompts: plain(&self.prompts), text: plain(&self.text), status: self.status }
    }

    /// Returns the last prompt, without what ssh puts before it.
    pub fn last_prompt(&self) -> &str {
        let prompt = self.prompts.last().map_or("", String::as_str);
        prompt.split_once(") ").map_or(prompt, |(_, prompt)| prompt)
    }

    /// Tells whether a prompt for a code was seen.
    pub fn asked_for_a_code(&self) -> bool {
        self.prompts.iter().any(|prompt| is_for_a_code(prompt))
    }

    /// Tells whether a text was shown.
    pub fn says(&self, text: &str) -> bool {
        self.text.iter().any(|line| line.contains(text))
    }

    /// Asserts that a code was asked for, and that the command ran and printed `name`.
    #[track_caller]
    pub fn assert_signed_in_as(&self, name: &str) {
        assert!(self.asked_for_a_code(), "no code was asked for: {self:?}");
        self.assert_runs_as(name);
    }

    /// Asserts that the command ran and printed `name`, whatever was asked for.
    #[track_caller]
    pub fn assert_runs_as(&self, name: &str) {
        assert_eq!(self.status, 0, "the sign-in failed: {self:?}");
        assert!(self.text.iter().any(|line| line == name), "not signed in as {name}: {self:?}");
    }

    /// Asserts that a code was asked for, and that the person was then refused.
    ///
    /// The prompt matters: a service that does not run refuses everybody, too.
    #[track_caller]
    pub fn assert_refused_at_the_code(&self, name: &str) {
        assert!(self.asked_for_a_code(), "no code was asked for: {self:?}");
        self.assert_did_not_run_as(name);
    }

    /// Asserts that the command did not run.
    #[track_caller]
    pub fn assert_did_not_run_as(&self, name: &str) {
        assert!(!self.text.iter().any(|line| line == name), "signed in as {name}: {self:?}");
    }
}

/// Tells whether a prompt is the module's: `Token code: `, `Wait for the next code: `, `Two codes
/// in a row, with a space: ` (ssh puts `(user@host) ` before it).
fn is_for_a_code(prompt: &str) -> bool {
    prompt.to_ascii_lowercase().contains("code")
}

#[cfg(test)]
mod tests {
    use super::Transcript;

    #[test]
    fn a_report_becomes_a_transcript() {
        let seen = Transcript::parse("prompt (a@b) Token code: \nout a\nerr No.\nstatus 255\n");
        assert_eq!(seen.prompts, ["(a@b) Token code: "]);
        assert_eq!(seen.text, ["a", "No."]);
        assert_eq!(seen.status, 255);
        assert!(seen.asked_for_a_code());
    }

    #[test]
    fn two_users_who_see_the_same_have_the_same_transcript_of_anybody() {
        let of = |user: &str| {
            Transcript::parse(&format!(
                "prompt ({user}@b) Token code: \nerr {user}: No.\nstatus 255\n"
            ))
        };
        assert_eq!(of("alice").last_prompt(), "Token code: ");
        assert_ne!(of("alice"), of("bob"));
        assert_eq!(of("alice").of_anybody("alice"), of("bob").of_anybody("bob"));
    }

    #[test]
    #[should_panic(expected = "no code was asked for")]
    fn a_refusal_without_a_prompt_is_no_proof() {
        Transcript::parse("err Connection refused\nstatus 255\n").assert_refused_at_the_code("a");
    }

    #[test]
    #[should_panic(expected = "signed in as a")]
    fn a_shell_is_no_refusal() {
        Transcript::parse("prompt Token code: \nout a\nstatus 0\n").assert_refused_at_the_code("a");
    }
}
