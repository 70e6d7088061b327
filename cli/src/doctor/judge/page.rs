//! What Cockpit's login page makes of a prompt for the code.

use super::{Bench, Finding, Kind, Severity};

/// The service of the page (`pam_start` in cockpit-session).
const SERVICE: &str = "cockpit";

impl Bench<'_> {
    /// Looks for a prompt that the page may answer by itself: it gives the password to the first one
    /// that is hidden, and people never see that.
    pub(super) fn hidden(&self) -> Option<Finding> {
        let is_hidden = |fob: &usize| {
            let module = self.module(*fob);
            module.is_some_and(|module| module.options.iter().any(|word| word == "noecho"))
        };
        let fob = self.fobs.iter().copied().find(is_hidden).filter(|_| self.service == SERVICE)?;
        let reached = self.everything_right().reached;
        let at = |entry: usize| reached.iter().position(|reached| *reached == entry);
        let password = self.factors.iter().filter_map(|factor| at(*factor)).min();
        let fix = "take noecho out: a code works once, and may be seen.";
        let (severity, happens) = match password {
            Some(password) if Some(password) < at(fob) => (
                Severity::Warns,
                "With noecho Cockpit's page answers the prompt for the code with the password, \
                 wherever no other module has asked for that before.",
            ),
            _ => (
                Severity::LocksOut,
                "With noecho Cockpit's page answers the prompt for the code with the password: \
                 nobody can type a code, and everybody is refused.",
            ),
        };
        let what = (Kind::HiddenPrompt, severity);
        Some(self.finding(what, self.place(fob), happens.to_owned(), fix))
    }
}
