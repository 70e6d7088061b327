//! One sign-in, from the host's call to its result. Reads top to bottom.

use std::ffi::CStr;
use std::time::Duration;

use fob_api::emergency::EmergencyCode;
use fob_api::{PASSWORD_SERVICE, PromptDetails, PromptKind, UserName, VerifyContext};
use nix::unistd::geteuid;
use pam::{
    constants::{PAM_SILENT, PamFlag, PamResultCode},
    module::PamHandle,
    secret::SecretBytes,
};

use crate::answer::Typed;
use crate::ask::Daemon;
use crate::conversation::Tone;
use crate::deadline::{Budget, Deadline};
use crate::host::{Person, Visit};
use crate::log::{Foreign, Level};
use crate::need::{Form, Need};
use crate::one_field::Split;
use crate::options::{Detail, Field, Notice, Options};
use crate::outcome::End;
use crate::password::Right;
use crate::trouble::{Refusal, Trouble};
use crate::{
    answer, conversation, emergency, host, log, need, one_field, outcome, password, stack,
};

/// Least time from the answer to a refusal. The daemon needs up to one sync of a slow disk for a
/// wrong code (10 to 30 ms on a turning one); an answer that is not sent must not be told from
/// it by the time (the class of CVE-2016-6210).
const REFUSAL_TAKES: Duration = Duration::from_millis(50);
/// The same where the password is checked here. Hashing it takes some tenths of a second for a known
/// user, nothing for others, and the daemon comes after that, or not at all: the delay that
/// `pam_unix(8)` asks for hides all three.
const ONE_FIELD_REFUSAL_TAKES: Duration = Duration::from_secs(2);

/// Carries out `pam_sm_authenticate(3)`.
///
/// Returns `PAM_SUCCESS` only for an Accept that the daemon gave in this call to this user, or for
/// an emergency code of his that this call has used up while the daemon gave no verdict; with
/// `one_field` only behind his password, too.
pub fn authenticate(handle: &mut PamHandle, words: &[&CStr], flags: PamFlag) -> PamResultCode {
    let visit = Visit::copy(handle);
    if visit.service() == PASSWORD_SERVICE {
        // The check of a password would ask for one, and check that, without an end.
        let flaw = format_args!("pam_fob.so has no place in this service: take its line out");
        log::write(Level::Error, visit.service(), flaw);
        return PamResultCode::PAM_SERVICE_ERR;
    }
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(error) => {
            log::write(Level::Error, visit.service(), format_args!("{error}"));
            return PamResultCode::PAM_SERVICE_ERR;
        }
    };
    let mut journey = Journey {
        handle,
        options: &options,
        visit: &visit,
        answered: None,
        password: None,
        unadvised: None,
    };
    let (person, end) = stack::wiped_after(|| journey.travel());
    let Journey { answered, password, unadvised, .. } = journey;
    record(&visit, options.detail, person.as_ref(), &end, unadvised.as_ref());

    let outcome = outcome::of(&end, &options).behind(options.field, password.as_ref());
    let outcome = outcome.in_service(visit.service());
    if !matches!(outcome.code, PamResultCode::PAM_SUCCESS | PamResultCode::PAM_IGNORE)
        && let Some(earliest) = answered
    {
        earliest.wait_out();
    }
    if flags & PAM_SILENT == 0
        && let Some((tone, sentence)) = outcome.sentence
        && is_told(tone, &visit, &options)
    {
        conversation::tell(handle, tone, &sentence);
    }
    outcome.code
}

/// Tells whether a sentence of this kind is shown here. A notice is for services that show it
/// before a shell: a greeter would hold it, and sudo is no sign-in (design.md section 8). sudo
/// without a terminal writes sentences into what the program reads that called it: Cockpit's bridge
/// speaks its protocol there. Most of them ask for silence, but not all (`pam_silent`, sudoers(5)).
fn is_told(tone: Tone, visit: &Visit, options: &Options) -> bool {
    match (tone, options.notice) {
        (Tone::Error, _) => visit.has_terminal() || !matches!(visit.service(), "sudo" | "sudo-i"),
        (Tone::Information, Notice::On) => matches!(visit.service(), "sshd" | "login"),
        (Tone::Information, Notice::Off) => false,
    }
}

struct Journey<'a> {
    handle: &'a mut PamHandle,
    options: &'a Options,
    visit: &'a Visit,
    /// When a refusal may be told; `None` until there is an answer.
    answered: Option<Deadline>,
    /// That the password was right, where it is checked here.
    password: Option<Right>,
    /// Why the daemon did not say what to ask for.
    unadvised: Option<Trouble>,
}

impl Journey<'_> {
    fn travel(&mut self) -> (Option<UserName>, Result<End, Refusal>) {
        match host::person(self.handle) {
            Ok(Person::Named(user)) => {
                let end = self.decide(&user);
                (Some(user), end)
            }
            Ok(Person::Impossible) => (None, self.pretend()),
            Err(refusal) => (None, Err(refusal)),
        }
    }

    /// Asks for what the daemon says, lets it decide, and holds the user's name fixed throughout.
    ///
    /// A daemon that did not say what to ask for may be back when the answer is there, so a code
    /// is sent all the same.
    fn decide(&mut self, user: &UserName) -> Result<End, Refusal> {
        let mut budget = Budget::new(self.options.timeout);
        let context = self.visit.context(self.options.tokenless);
        let mut daemon = Daemon::default();
        let advice = budget.spend(|deadline| daemon.prompt(user, &context, deadline));
        let typed = match self.need(advice, &context) {
            Need::Answer(form, digits) => self.answer(user, form, digits),
            Need::Nothing(end) => {
                drop(daemon); // it is asked no more, whatever the person types
                return self.without_a_code(user, end);
            }
        };
        let typed = typed.map_err(|refusal| self.in_trouble(refusal))?;
        host::is_still(self.handle, user)?;
        let answer = match typed {
            Typed::Answer(answer) => answer,
            Typed::Emergency(code) => return self.without_the_daemon(user, &code),
        };
        let (verdict, details) =
            budget.spend(|deadline| daemon.verify(user, &answer, &context, deadline))?;
        host::is_still(self.handle, user)?;
        Ok(End::Verdict(verdict, details))
    }

    fn need(
        &mut self,
        advice: Result<(PromptKind, PromptDetails), Trouble>,
        context: &VerifyContext,
    ) -> Need {
        match advice {
            Ok((kind, details)) => need::of(kind, &details, self.options, context),
            Err(trouble) => {
                self.unadvised = Some(trouble);
                // Only root can read the emergency codes' files.
                let form = if geteuid().is_root() { Form::Emergency } else { Form::Code };
                Need::Answer(form, need::digits(None))
            }
        }
    }

    /// Ends a sign-in that needs no code. Where the module stands in the place of the password's, the
    /// password is asked for all the same: the modules behind it may ask for nothing.
    fn without_a_code(&mut self, user: &UserName, end: End) -> Result<End, Refusal> {
        if self.options.field == Field::PasswordAndCode {
            let answer = self.hidden(need::PASSWORD)?;
            host::is_still(self.handle, user)?;
            let password = one_field::whole(answer.as_bytes()).ok_or(Refusal::NotACode)?;
            self.password = Some(password::check(user, password, self.visit)?);
        }
        host::is_still(self.handle, user)?;
        Ok(end)
    }

    /// Spends an emergency code, if the daemon had no word for this sign-in.
    ///
    /// The daemon may have used the whole deadline up before the prompt, so waiting for a turn
    /// has one of its own.
    fn without_the_daemon(
        &mut self,
        user: &UserName,
        code: &EmergencyCode,
    ) -> Result<End, Refusal> {
        let trouble = self.unadvised.take().ok_or(Refusal::NotACode)?;
        if !geteuid().is_root() {
            return Err(Refusal::Trouble(trouble));
        }
        match emergency::spend(user, code, self.visit.side(), self.options.timeout) {
            Ok(spent) => {
                self.unadvised = Some(trouble);
                host::is_still(self.handle, user)?;
                Ok(End::Emergency(spent))
            }
            Err(denial) => Err(Refusal::Emergency(trouble, denial)),
        }
    }

    /// While no code can be checked, that is what people are told, whatever they type.
    fn in_trouble(&mut self, refusal: Refusal) -> Refusal {
        match (refusal, self.unadvised.take()) {
            (Refusal::NotACode | Refusal::Password(_), Some(trouble)) => Refusal::Trouble(trouble),
            (refusal, _) => refusal,
        }
    }

    /// Asks as if, for a name that cannot be one.
    fn pretend(&mut self) -> Result<End, Refusal> {
        let prompt = Form::Code.prompt(self.options);
        match self.options.field {
            Field::Code => self.visible(prompt).map(drop)?,
            Field::PasswordAndCode => self.hidden(prompt).map(drop)?,
        }
        Err(Refusal::ImpossibleUser)
    }

    /// Gets the code; where the password comes with it, behind a right one only, so that nobody
    /// else can use codes up or have wrong ones counted.
    fn answer(&mut self, user: &UserName, form: Form, digits: usize) -> Result<Typed, Refusal> {
        let prompt = form.prompt(self.options);
        if self.options.field == Field::Code {
            return self.visible(prompt);
        }
        let answer = self.hidden(prompt)?;
        host::is_still(self.handle, user)?;
        let Split { password, typed } =
            one_field::split(answer.as_bytes(), form.codes(), digits).ok_or(Refusal::NotACode)?;
        self.password = Some(password::check(user, password, self.visit)?);
        Ok(typed)
    }

    fn visible(&mut self, prompt: &str) -> Result<Typed, Refusal> {
        let answer = answer::obtain(self.handle, self.options, prompt);
        self.answered = Some(Deadline::after(REFUSAL_TAKES));
        answer
    }

    fn hidden(&mut self, prompt: &str) -> Result<SecretBytes, Refusal> {
        let answer = conversation::ask(self.handle, self.options.echo, prompt);
        self.answered = Some(Deadline::after(ONE_FIELD_REFUSAL_TAKES));
        answer?.ok_or(Refusal::NotACode)
    }
}

fn record(
    visit: &Visit,
    detail: Detail,
    user: Option<&UserName>,
    end: &Result<End, Refusal>,
    unadvised: Option<&Trouble>,
) {
    let user = Foreign(user.map_or("?", UserName::as_str));
    let rhost = Foreign(visit.rhost());
    let write = |level, event: std::fmt::Arguments<'_>| {
        log::write(level, visit.service(), format_args!("user {user} from {rhost}: {event}"));
    };
    if let Some(trouble) = unadvised.map(Trouble::to_string)
        && !matches!(end, Err(refusal) if refusal.to_string() == trouble)
    {
        write(Level::Error, format_args!("asked without the daemon's word: {trouble}"));
    }
    match (end, detail) {
        (Err(refusal @ (Refusal::Emergency(..) | Refusal::Trouble(_))), _) => {
            write(Level::Error, format_args!("{refusal}"));
        }
        (Ok(End::Emergency(spent)), _) => {
            let left = spent.left();
            write(Level::Alert, format_args!("EMERGENCY CODE accepted; the user has {left} left"));
        }
        (Err(refusal @ (Refusal::UserChanged | Refusal::ImpossibleUser)), _) => {
            write(Level::Notice, format_args!("{refusal}"));
        }
        (Err(Refusal::Password(denial)), _) if *denial != password::Denial::Wrong => {
            write(Level::Error, format_args!("{denial}"));
        }
        (Err(refusal), Detail::Debug) => write(Level::Debug, format_args!("{refusal}")),
        (Ok(End::Ticket), Detail::Debug) => {
            write(Level::Debug, format_args!("not asked, for a ticket stands for the code"));
        }
        (Ok(End::Verdict(verdict, _)), Detail::Debug) => {
            write(Level::Debug, format_args!("{}", verdict.word()));
        }
        (Ok(End::Ignored), Detail::Debug) => {
            write(Level::Debug, format_args!("{}", PromptKind::Ignored.word()));
        }
        (_, Detail::Trouble) => {}
    }
}
