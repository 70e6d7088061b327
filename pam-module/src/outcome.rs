//! What the host and the person get to know: the one place that can say `PAM_SUCCESS`.

use fob_api::{Verdict, VerifyDetails};
use pam::constants::PamResultCode;

use crate::conversation::Tone;
use crate::emergency::Spent;
use crate::notice;
use crate::options::{Field, Options, Tokenless, Unavailable};
use crate::password::Right;
use crate::trouble::Refusal;

/// The service of Cockpit's login page (`pam_start` in cockpit-session).
const WEB_SERVICE: &str = "cockpit";
/// What the page shows whatever was wrong, to whoever tries.
const NOT_ACCEPTED: &str = "The code was not accepted. Wait for the next one, and sign in again.";

/// What people are told while no code can be checked.
const TROUBLE: &str = "Codes cannot be checked at the moment. Ask your administrator.";
/// The same for programs of one field, whose line is short.
const SHORT_TROUBLE: &str = "Codes cannot be checked now. Ask your administrator.";

/// How a sign-in ends if there is no trouble.
pub(crate) enum End {
    /// There was no verdict, and an administrator's emergency code was spent.
    Emergency(Spent),
    /// The daemon said that its rules do not ask this user, whatever the host's PAM file says.
    Ignored,
    /// A code was accepted in this session a short time ago: nobody was asked.
    Ticket,
    /// The daemon decided, and told this beside it.
    Verdict(Verdict, VerifyDetails),
}

/// A PAM result, and a sentence for the person.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Outcome {
    /// What the function returns.
    pub(crate) code: PamResultCode,
    /// What is shown; `None` where the host says it itself.
    pub(crate) sentence: Option<(Tone, String)>,
}

impl Outcome {
    /// Returns the same, if the password was right where it had to be checked here; else a refusal.
    ///
    /// There the module stands in the place of the password's. So it does not only take the proof for
    /// its success: PAM_IGNORE, too, leaves the user to modules that may ask for nothing.
    pub(crate) fn behind(self, field: Field, password: Option<&Right>) -> Self {
        let lets_past = matches!(self.code, PamResultCode::PAM_SUCCESS | PamResultCode::PAM_IGNORE);
        match (field, password) {
            (Field::PasswordAndCode, None) if lets_past => silent(PamResultCode::PAM_AUTH_ERR),
            _ => self,
        }
    }

    /// Returns what a service gets in which people would not see it.
    ///
    /// Of all refusals Cockpit's login page shows the sentence of `PAM_PERM_DENIED` alone; for
    /// `PAM_AUTH_ERR` it says "Authentication failed", and people would look for their mistake in the
    /// password (design.md section 8). Where the password was wrong, too, its module has refused
    /// before, and the first refusal of a stack is the one that counts.
    pub(crate) fn in_service(self, service: &str) -> Self {
        if service != WEB_SERVICE || self.code != PamResultCode::PAM_AUTH_ERR {
            return self;
        }
        let sentence = self.sentence.unwrap_or_else(|| (Tone::Error, NOT_ACCEPTED.to_owned()));
        Self { code: PamResultCode::PAM_PERM_DENIED, sentence: Some(sentence) }
    }
}

/// Maps every way in which a sign-in can end.
///
/// Every refusal by a verdict is the same to whoever tries, and so is an answer that cannot be a
/// code: a text would tell a guesser which users, tokens and codes there are. What an honest
/// person should know stands in the next prompt.
pub(crate) fn of(end: &Result<End, Refusal>, options: &Options) -> Outcome {
    use PamResultCode as Pam;

    match (end, options.tokenless) {
        (Ok(End::Verdict(Verdict::Accept, details)), _) => Outcome {
            code: Pam::PAM_SUCCESS,
            sentence: notice::of(details).map(|notice| (Tone::Information, notice)),
        },
        (Ok(End::Emergency(spent)), _) => Outcome {
            code: Pam::PAM_SUCCESS,
            sentence: Some((Tone::Information, notice::of_emergency(spent.left()))),
        },
        // The other modules of the stack decide, as for whoever is exempt.
        (Ok(End::Ignored | End::Ticket), _) => silent(Pam::PAM_IGNORE),
        (Ok(End::Verdict(Verdict::Exempt, _)), Tokenless::MayBeExempt) => silent(Pam::PAM_IGNORE),
        (Ok(End::Verdict(Verdict::Exempt, _)), Tokenless::Refused) => silent(Pam::PAM_AUTH_ERR),
        (
            Ok(End::Verdict(
                Verdict::Locked
                | Verdict::Reject
                | Verdict::Replay
                | Verdict::Unassigned
                | Verdict::Wait(_),
                _,
            )),
            _,
        ) => silent(Pam::PAM_AUTH_ERR),
        (Err(Refusal::Conversation), _) => silent(Pam::PAM_CONV_ERR),
        (
            Err(
                Refusal::ImpossibleUser
                | Refusal::NotACode
                | Refusal::Password(_)
                | Refusal::UserChanged,
            ),
            _,
        ) => silent(Pam::PAM_AUTH_ERR),
        (Err(Refusal::Emergency(..) | Refusal::Trouble(_)), _) => Outcome {
            code: match options.unavailable {
                Unavailable::AuthErr => Pam::PAM_AUTH_ERR,
                Unavailable::AuthinfoUnavail => Pam::PAM_AUTHINFO_UNAVAIL,
            },
            sentence: Some((Tone::Error, trouble(options.field).to_owned())),
        },
    }
}

fn trouble(field: Field) -> &'static str {
    match field {
        Field::Code => TROUBLE,
        Field::PasswordAndCode => SHORT_TROUBLE,
    }
}

fn silent(code: PamResultCode) -> Outcome {
    Outcome { code, sentence: None }
}

#[cfg(test)]
mod tests {
    use fob_api::{Verdict, VerifyDetails};
    use pam::constants::PamResultCode as Pam;

    use super::{End, Outcome, Tone, of};
    use crate::emergency::Denial;
    use crate::options::{Field, Options};
    use crate::password::{self, Right};
    use crate::trouble::{Refusal, Trouble};

    const REFUSING: [Verdict; 6] = [
        Verdict::Locked,
        Verdict::Reject,
        Verdict::Replay,
        Verdict::Unassigned,
        Verdict::Wait(0),
        Verdict::Wait(u32::MAX),
    ];

    fn outcome(end: Result<Verdict, Refusal>, words: &[&std::ffi::CStr]) -> Outcome {
        let end = end.map(|verdict| End::Verdict(verdict, VerifyDetails::default()));
        of(&end, &Options::parse(words).unwrap())
    }

    #[test]
    fn only_accept_is_a_success_and_without_an_earlier_code_it_is_silent() {
        for verdict in REFUSING.into_iter().chain([Verdict::Exempt]) {
            for words in [&[][..], &[c"nullok"], &[c"unavail=authinfo_unavail"]] {
                assert_ne!(outcome(Ok(verdict), words).code, Pam::PAM_SUCCESS, "{verdict:?}");
            }
        }
        let accept = outcome(Ok(Verdict::Accept), &[]);
        assert_eq!(accept, Outcome { code: Pam::PAM_SUCCESS, sentence: None });
    }

    #[test]
    fn an_exemption_that_was_not_asked_for_is_a_refusal() {
        assert_eq!(outcome(Ok(Verdict::Exempt), &[]).code, Pam::PAM_AUTH_ERR);
        assert_eq!(outcome(Ok(Verdict::Exempt), &[c"nullok"]).code, Pam::PAM_IGNORE);
    }

    #[test]
    fn whom_the_daemons_rules_do_not_ask_is_left_to_the_other_modules() {
        let ignored = Outcome { code: Pam::PAM_IGNORE, sentence: None };
        for words in [&[][..], &[c"nullok"], &[c"unavail=authinfo_unavail"]] {
            assert_eq!(of(&Ok(End::Ignored), &Options::parse(words).unwrap()), ignored);
        }
    }

    #[test]
    fn what_a_stranger_can_cause_looks_the_same() {
        let refused = Outcome { code: Pam::PAM_AUTH_ERR, sentence: None };
        for words in [&[][..], &[c"one_field"]] {
            for verdict in REFUSING {
                assert_eq!(outcome(Ok(verdict), words), refused, "{verdict:?}");
            }
            let wrong = Refusal::Password(password::Denial::Wrong);
            for refusal in [Refusal::NotACode, Refusal::ImpossibleUser, wrong] {
                assert_eq!(outcome(Err(refusal), words), refused);
            }
        }
    }

    #[test]
    fn without_a_right_password_no_verdict_and_no_exemption_lets_anybody_past_one_field() {
        let of_both = Field::PasswordAndCode;
        for (end, code) in [
            (End::Verdict(Verdict::Accept, VerifyDetails::default()), Pam::PAM_SUCCESS),
            (End::Ignored, Pam::PAM_IGNORE),
            (End::Ticket, Pam::PAM_IGNORE),
        ] {
            let end = Ok(end);
            let outcome = || of(&end, &Options::parse(&[c"one_field"]).unwrap());
            assert_eq!(outcome().behind(of_both, Some(&Right::for_tests())).code, code);
            let refused = Outcome { code: Pam::PAM_AUTH_ERR, sentence: None };
            assert_eq!(outcome().behind(of_both, None), refused);
            assert_eq!(outcome().behind(Field::Code, None).code, code);
        }
    }

    #[test]
    fn a_right_password_alone_is_nothing() {
        for verdict in REFUSING {
            let outcome = outcome(Ok(verdict), &[c"one_field"]);
            let outcome = outcome.behind(Field::PasswordAndCode, Some(&Right::for_tests()));
            assert_eq!(outcome.code, Pam::PAM_AUTH_ERR, "{verdict:?}");
        }
    }

    #[test]
    fn a_refusal_tells_nothing_of_the_last_sign_in() {
        let details = VerifyDetails { last_used: Some(1), ..VerifyDetails::default() };
        for verdict in REFUSING {
            let end = Ok(End::Verdict(verdict, details.clone()));
            assert_eq!(of(&end, &Options::parse(&[]).unwrap()).sentence, None, "{verdict:?}");
        }
    }

    #[test]
    fn a_page_that_shows_nothing_else_gets_one_sentence_for_every_refusal() {
        let shown = (Tone::Error, super::NOT_ACCEPTED.to_owned());
        let refused = Outcome { code: Pam::PAM_PERM_DENIED, sentence: Some(shown) };
        for verdict in REFUSING {
            let outcome = outcome(Ok(verdict), &[]);
            assert_eq!(outcome.in_service("cockpit"), refused, "{verdict:?}");
        }
        for refusal in [Refusal::NotACode, Refusal::ImpossibleUser] {
            assert_eq!(outcome(Err(refusal), &[]).in_service("cockpit"), refused);
        }
    }

    #[test]
    fn no_service_turns_a_refusal_into_anything_else_nor_anything_else_into_a_refusal() {
        for service in ["cockpit", "sshd", "sudo", "?"] {
            let end = |end, words: &[_]| outcome(end, words).in_service(service).code;
            assert_eq!(end(Ok(Verdict::Accept), &[]), Pam::PAM_SUCCESS, "{service}");
            assert_eq!(end(Ok(Verdict::Exempt), &[c"nullok"]), Pam::PAM_IGNORE, "{service}");
            let trouble = Err(Refusal::Trouble(Trouble::Late));
            let mapped = end(trouble, &[c"unavail=authinfo_unavail"]);
            assert_eq!(mapped, Pam::PAM_AUTHINFO_UNAVAIL, "{service}");
            let wrong = [Pam::PAM_AUTH_ERR, Pam::PAM_PERM_DENIED];
            assert!(wrong.contains(&end(Ok(Verdict::Reject), &[])), "{service}");
        }
    }

    #[test]
    fn trouble_is_never_ignored() {
        let trouble = || Err(Refusal::Trouble(Trouble::Late));
        assert_eq!(outcome(trouble(), &[c"nullok"]).code, Pam::PAM_AUTH_ERR);
        let denied = Refusal::Emergency(Trouble::Late, Denial::Wrong);
        assert_eq!(outcome(Err(denied), &[c"nullok"]), outcome(trouble(), &[]));
        let mapped = outcome(trouble(), &[c"unavail=authinfo_unavail"]);
        assert_eq!(mapped.code, Pam::PAM_AUTHINFO_UNAVAIL);
        assert!(matches!(mapped.sentence, Some((Tone::Error, _))));
    }
}
