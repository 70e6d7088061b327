//! One sign-in, from the host's call to its result. Reads top to bottom.

use std::ffi::CStr;
use std::time::Duration;

use fob_api::{PromptKind, UserName, Verdict};
use pam::{
    constants::{PAM_SILENT, PamFlag, PamResultCode},
    module::PamHandle,
};

use crate::deadline::{Budget, Deadline};
use crate::host::{Person, Visit};
use crate::log::{Foreign, Level};
use crate::options::{Detail, Options, Tokenless};
use crate::trouble::Refusal;
use crate::{answer, ask, conversation, host, log, outcome};

/// Least time from the answer to a refusal. The daemon needs up to one sync of a slow disk for a
/// wrong code (10 to 30 ms on a turning one); an answer that is not sent must not be told from
/// it by the time (the class of CVE-2016-6210).
const REFUSAL_TAKES: Duration = Duration::from_millis(50);

/// Carries out `pam_sm_authenticate(3)`.
///
/// Returns `PAM_SUCCESS` only for an Accept that the daemon gave in this call to this user.
pub fn authenticate(handle: &mut PamHandle, words: &[&CStr], flags: PamFlag) -> PamResultCode {
    let visit = Visit::copy(handle);
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(error) => {
            log::write(Level::Error, visit.service(), format_args!("{error}"));
            return PamResultCode::PAM_SERVICE_ERR;
        }
    };
    let mut journey = Journey { handle, options: &options, visit: &visit, answered: None };
    let (person, end) = journey.travel();
    let answered = journey.answered;
    record(&visit, options.detail, person.as_ref(), &end);

    let outcome = outcome::of(&end, &options);
    if outcome.code != PamResultCode::PAM_SUCCESS
        && let Some(earliest) = answered
    {
        earliest.wait_out();
    }
    if flags & PAM_SILENT == 0
        && let Some(sentence) = outcome.sentence
    {
        conversation::tell(handle, &sentence);
    }
    outcome.code
}

struct Journey<'a> {
    handle: &'a mut PamHandle,
    options: &'a Options,
    visit: &'a Visit,
    /// When a refusal may be told; `None` until there is an answer.
    answered: Option<Deadline>,
}

impl Journey<'_> {
    fn travel(&mut self) -> (Option<UserName>, Result<Verdict, Refusal>) {
        match host::person(self.handle) {
            Ok(Person::Named(user)) => {
                let end = self.decide(&user);
                (Some(user), end)
            }
            Ok(Person::Impossible) => (None, self.pretend()),
            Err(refusal) => (None, Err(refusal)),
        }
    }

    /// Asks for the code, lets the daemon decide, and holds the user's name fixed throughout.
    fn decide(&mut self, user: &UserName) -> Result<Verdict, Refusal> {
        let mut budget = Budget::new(self.options.timeout);
        let context = self.visit.context(self.options.tokenless);
        if self.options.tokenless == Tokenless::MayBeExempt {
            match budget.spend(|deadline| ask::prompt(user, &context, deadline))? {
                PromptKind::Exempt => {
                    host::is_still(self.handle, user)?;
                    return Ok(Verdict::Exempt);
                }
                PromptKind::Code | PromptKind::Next | PromptKind::Pair => {}
            }
        }
        let code = self.answer()?;
        host::is_still(self.handle, user)?;
        let verdict = budget.spend(|deadline| ask::verify(user, &code, &context, deadline))?;
        host::is_still(self.handle, user)?;
        Ok(verdict)
    }

    /// Asks as if, for a name that cannot be one.
    fn pretend(&mut self) -> Result<Verdict, Refusal> {
        self.answer()?;
        Err(Refusal::ImpossibleUser)
    }

    fn answer(&mut self) -> Result<fob_api::Code, Refusal> {
        let code = answer::obtain(self.handle, self.options);
        self.answered = Some(Deadline::after(REFUSAL_TAKES));
        code
    }
}

fn record(visit: &Visit, detail: Detail, user: Option<&UserName>, end: &Result<Verdict, Refusal>) {
    let user = Foreign(user.map_or("?", UserName::as_str));
    let rhost = Foreign(visit.rhost());
    let service = visit.service();
    match (end, detail) {
        (Err(refusal @ Refusal::Trouble(_)), _) => {
            log::write(Level::Error, service, format_args!("user {user} from {rhost}: {refusal}"));
        }
        (Err(refusal @ (Refusal::UserChanged | Refusal::ImpossibleUser)), _) => {
            log::write(Level::Notice, service, format_args!("user {user} from {rhost}: {refusal}"));
        }
        (Err(refusal), Detail::Debug) => {
            log::write(Level::Debug, service, format_args!("user {user} from {rhost}: {refusal}"));
        }
        (Ok(verdict), Detail::Debug) => {
            let word = verdict.word();
            log::write(Level::Debug, service, format_args!("user {user} from {rhost}: {word}"));
        }
        (_, Detail::Trouble) => {}
    }
}
