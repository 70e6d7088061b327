//! Who does not get in although he should, and what is only odd.

use super::{Before, Bench, FOB, Factors, Finding, Kind, Place, Return, Severity, What, World};
use crate::doctor::{Exempts, pam::Absence};

impl Bench<'_> {
    pub(super) fn no_line(&self) -> Finding {
        let (place, happens) = match self.elsewhere.first() {
            Some(place) => (
                place.clone(),
                "No code is asked for: this line is not of kind auth, and only those ask."
                    .to_owned(),
            ),
            None => {
                (Place::of(self.file), format!("No code is asked for: no auth line names {FOB}."))
            }
        };
        let fix = "put \"auth required pam_fob.so\" behind the line that asks for the password.";
        self.finding((Kind::NoLine, Severity::FailsOpen), Some(place), happens, fix)
    }

    /// Looks for somebody who gets in with all that is right.
    pub(super) fn nobody_passes(&self) -> Option<Finding> {
        let mut right = self.right();
        right.push(Factors::None);
        if self.worlds(&right, Return::SUCCESS).into_iter().any(|world| self.case(world).lets_in())
        {
            return None;
        }
        let everybody = "Everybody is refused, also with the right password and code:";
        let broken = self.entries.iter().find_map(|entry| match &entry.what {
            What::Broken(flaw) => Some((entry.place.clone(), flaw.clone())),
            What::Module(_) if entry.control.is_bad() => {
                Some((entry.place.clone(), "its control field says nothing that PAM knows".into()))
            }
            _ => None,
        });
        if let Some((place, flaw)) = broken {
            let what = (Kind::BrokenLine, Severity::LocksOut);
            let fix = "write the line as pam.conf(5) says.";
            return Some(self.finding(what, Some(place), format!("{everybody} {flaw}."), fix));
        }
        let missing = self.missing.iter().position(|missing| *missing);
        let missing = self.fobs.iter().copied().find(|fob| self.is_missing(*fob)).or(missing);
        if let Some(at) = missing {
            let happens =
                format!("{everybody} the module file {} is not in PAM's folder.", self.name(at));
            let fix = "install the package of the module again, or take the line out.";
            let what = (Kind::ModuleMissing, Severity::LocksOut);
            return Some(self.finding(what, self.place(at), happens, fix));
        }
        let flaw = self.fobs.iter().find_map(|fob| self.flaw(*fob).map(|flaw| (*fob, flaw)));
        if let Some((at, flaw)) = flaw {
            let fix = "correct the options behind pam_fob.so; README.md lists them.";
            let what = (Kind::BadOption, Severity::LocksOut);
            let happens = format!("{everybody} {flaw}.");
            return Some(self.finding(what, self.place(at), happens, fix));
        }
        let all = World { factors: Factors::All, tests: usize::MAX, fob: Return::SUCCESS };
        let refusing = self.case(all).reached.last().copied().unwrap_or_default();
        let happens = format!("{everybody} no way through the auth lines succeeds.");
        let fix = "compare the lines with those of the distribution; \"[success=N …]\" may skip \
            too few or too many.";
        let what = (Kind::NobodyPasses, Severity::LocksOut);
        Some(self.finding(what, self.place(refusing), happens, fix))
    }

    pub(super) fn silent(&self, fob: usize) -> Option<Finding> {
        self.module(fob).filter(|module| module.absence == Absence::Silent)?;
        let happens =
            "If the module file is missing, nothing in the log says why people are refused.";
        let fix = "take the \"-\" before the line away.";
        Some(self.finding((Kind::Silent, Severity::Warns), self.place(fob), happens.into(), fix))
    }

    pub(super) fn code_alone(&self, fob: usize) -> Option<Finding> {
        if self.before == Before::Key || !self.is_enough(fob) {
            return None;
        }
        let happens = "A right code alone is enough: whoever finds the token is in, without a \
            password or a key.";
        let fix = "let the password be asked for before, by a line that is required; for sshd, \
            see its AuthenticationMethods.";
        let what = (Kind::CodeAlone, Severity::FailsOpen);
        Some(self.finding(what, self.place(fob), happens.to_owned(), fix))
    }

    /// Looks at users whom the daemon exempts: by `nullok` in the line, or by its own settings.
    pub(super) fn exempt(&self, fob: usize) -> Option<Finding> {
        let module = self.module(fob)?;
        let nullok = module.options.iter().any(|option| option == NULLOK);
        if self.is_missing(fob) {
            return None;
        }
        let exempted = exempted(self.exempts, nullok.then_some(NULLOK))?;
        let Exempted { who, why, opens, locks_out } = exempted;
        let nothing = self.in_through(fob, &[Factors::None], Return::IGNORE);
        // A ticket is a code of some minutes ago: who has one was asked.
        let was_asked = self.exempts == Exempts::Tickets && !nullok;
        if nothing.is_some() && self.before == Before::Nothing && !was_asked {
            let happens =
                format!("{who} are in with nothing: {why} exempts them, and no other line asks.");
            let fix =
                "ask for the password before, by a line that is required, or exempt nobody here.";
            return Some(self.finding((opens, Severity::FailsOpen), self.place(fob), happens, fix));
        }
        let mut right = self.right();
        right.push(Factors::None);
        let anybody = |result| {
            self.worlds(&right, result).into_iter().any(|world| self.case(world).lets_in())
        };
        if anybody(Return::IGNORE) || !anybody(Return::SUCCESS) {
            return None;
        }
        let happens = format!(
            "{who} are refused in spite of {why}: no other module has an opinion, and PAM refuses \
             then."
        );
        let fix = if self.is_one_field(fob) {
            "put \"auth required pam_permit.so\" behind it: with one_field the module has found \
             the password right then."
        } else {
            "put \"auth required pam_permit.so\" behind it, if a key or password was asked for \
             before."
        };
        Some(self.finding((locks_out, Severity::LocksOut), self.place(fob), happens, fix))
    }

    pub(super) fn twice(&self) -> Option<Finding> {
        let run = self.everything_right();
        let mut asked = run.reached.iter().copied().filter(|at| self.fobs.contains(at));
        let (first, second) = (asked.next()?, asked.next()?);
        let happens = format!(
            "The code is asked for twice ({} asks before), and the same code is never good twice: \
            people wait for the next one.",
            self.place(first).map(|place| place.to_string()).unwrap_or_default()
        );
        let fix = "take one of the two lines out.";
        Some(self.finding((Kind::AskedTwice, Severity::Warns), self.place(second), happens, fix))
    }

    /// Looks at what is asked for beside the code, and when.
    pub(super) fn order(&self, fob: usize) -> Option<Finding> {
        let run = self.everything_right();
        let at = |entry: usize| run.reached.iter().position(|reached| *reached == entry);
        let asked = self.factors.iter().copied().find(|factor| at(*factor).is_some())?;
        if self.before == Before::Key {
            let happens = format!(
                "The password is asked for as well as the key and the code: {} is in the stack.",
                self.name(asked)
            );
            let fix = "if key and code are enough, put the line of pam_fob.so in the place of the \
                password's (fobctl enable sshd --with publickey).";
            let what = (Kind::PasswordToo, Severity::Warns);
            return Some(self.finding(what, self.place(asked), happens, fix));
        }
        (at(fob)? < at(asked)?).then(|| {
            let happens = "The code is asked for before the password: whoever knows a name can \
                try codes, until two in a row are asked for.";
            let fix = "move the line of pam_fob.so behind the one that asks for the password.";
            let what = (Kind::CodeFirst, Severity::Warns);
            self.finding(what, self.place(fob), happens.to_owned(), fix)
        })
    }
}

/// The option by which users without a token are exempt.
const NULLOK: &str = "nullok";

/// Whom the daemon lets past, in words.
struct Exempted {
    who: &'static str,
    why: &'static str,
    opens: Kind,
    locks_out: Kind,
}

/// Returns whom the daemon lets past at a line with this option; `None` if nobody.
fn exempted(exempts: Exempts, nullok: Option<&str>) -> Option<Exempted> {
    let by_line = (Kind::NullokOpens, Kind::NullokLocksOut);
    let by_daemon = (Kind::ExemptionOpens, Kind::ExemptionLocksOut);
    let (who, why, (opens, locks_out)) = match (exempts, nullok) {
        (Exempts::Nobody, None) => return None,
        (Exempts::Nobody, Some(_)) => ("Users without a token", NULLOK, by_line),
        (Exempts::Everybody, _) => ("People", "the observe mode of fobd.conf", by_daemon),
        (Exempts::Some, None) => {
            ("Users whom a rule of fobd.conf does not ask", "that rule", by_daemon)
        }
        (Exempts::Tickets, None) => {
            ("Users with a ticket", "ticket_minutes of fobd.conf", by_daemon)
        }
        (Exempts::Tickets, Some(_)) => {
            ("Users without a token, or with a ticket,", "nullok or ticket_minutes", by_line)
        }
        (Exempts::Some, Some(_)) => {
            ("Users without a token, or whom a rule does not ask,", "nullok or that rule", by_line)
        }
    };
    Some(Exempted { who, why, opens, locks_out })
}
