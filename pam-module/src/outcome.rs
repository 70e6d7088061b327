//! What the host and the person get to know: the one place that can say `PAM_SUCCESS`.

use fob_api::{Verdict, VerifyDetails};
use pam::constants::PamResultCode;

use crate::conversation::Tone;
use crate::emergency::Spent;
use crate::notice;
use crate::options::{Options, Tokenless, Unavailable};
use crate::trouble::Refusal;

/// How a sign-in ends if there is no trouble.
pub(crate) enum End {
    /// There was no verdict, and an administrator's emergency code was spent.
    Emergency(Spent),
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
        (Err(Refusal::ImpossibleUser | Refusal::NotACode | Refusal::UserChanged), _) => {
            silent(Pam::PAM_AUTH_ERR)
        }
        (Err(Refusal::Emergency(..) | Refusal::Trouble(_)), _) => Outcome {
            code: match options.unavailable {
                Unavailable::AuthErr => Pam::PAM_AUTH_ERR,
                Unavailable::AuthinfoUnavail => Pam::PAM_AUTHINFO_UNAVAIL,
            },
            sentence: Some((
                Tone::Error,
                "Codes cannot be checked at the moment. Ask your administrator.".to_owned(),
            )),
        },
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
    use crate::options::Options;
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
    fn what_a_stranger_can_cause_looks_the_same() {
        let refused = Outcome { code: Pam::PAM_AUTH_ERR, sentence: None };
        for verdict in REFUSING {
            assert_eq!(outcome(Ok(verdict), &[]), refused, "{verdict:?}");
        }
        for refusal in [Refusal::NotACode, Refusal::ImpossibleUser] {
            assert_eq!(outcome(Err(refusal), &[]), refused);
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
