//! What the host and the person get to know: the one place that can say `PAM_SUCCESS`.

use fob_api::Verdict;
use pam::constants::PamResultCode;

use crate::options::{Options, Tokenless, Unavailable};
use crate::trouble::Refusal;

/// A PAM result, and a sentence for the person.
pub(crate) struct Outcome {
    /// What the function returns.
    pub(crate) code: PamResultCode,
    /// What is shown; `None` where the host says it itself, and always with a success.
    pub(crate) sentence: Option<String>,
}

/// Maps every way in which a sign-in can end.
///
/// A wrong code, a code for a user without a token and an answer that cannot be a code are the
/// same to whoever tries them.
pub(crate) fn of(end: &Result<Verdict, Refusal>, options: &Options) -> Outcome {
    use PamResultCode as Pam;

    match (end, options.tokenless) {
        (Ok(Verdict::Accept), _) => silent(Pam::PAM_SUCCESS),
        (Ok(Verdict::Exempt), Tokenless::MayBeExempt) => silent(Pam::PAM_IGNORE),
        (Ok(Verdict::Exempt), Tokenless::Refused) => silent(Pam::PAM_AUTH_ERR),
        (Ok(Verdict::Locked), _) => {
            spoken(Pam::PAM_PERM_DENIED, "Too many wrong codes. Ask your administrator.")
        }
        (Ok(Verdict::Reject | Verdict::Unassigned), _) => silent(Pam::PAM_AUTH_ERR),
        (Ok(Verdict::Replay), _) => {
            spoken(Pam::PAM_AUTH_ERR, "This code was used before. Wait for the next one.")
        }
        (Ok(Verdict::Wait(seconds)), _) => {
            let wait = duration(*seconds);
            spoken(Pam::PAM_AUTH_ERR, &format!("Too many wrong codes. Wait {wait}."))
        }
        (Err(Refusal::Conversation), _) => silent(Pam::PAM_CONV_ERR),
        (Err(Refusal::ImpossibleUser | Refusal::NotACode | Refusal::UserChanged), _) => {
            silent(Pam::PAM_AUTH_ERR)
        }
        (Err(Refusal::Trouble(_)), _) => spoken(
            match options.unavailable {
                Unavailable::AuthErr => Pam::PAM_AUTH_ERR,
                Unavailable::AuthinfoUnavail => Pam::PAM_AUTHINFO_UNAVAIL,
            },
            "Codes cannot be checked at the moment. Ask your administrator.",
        ),
    }
}

fn silent(code: PamResultCode) -> Outcome {
    Outcome { code, sentence: None }
}

fn spoken(code: PamResultCode, sentence: &str) -> Outcome {
    Outcome { code, sentence: Some(sentence.to_owned()) }
}

/// Says how long, in the largest unit that a person would use, rounded up.
fn duration(seconds: u32) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        91..=5400 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use fob_api::Verdict;
    use pam::constants::PamResultCode as Pam;

    use super::{Outcome, duration, of};
    use crate::options::Options;
    use crate::trouble::{Refusal, Trouble};

    fn outcome(end: Result<Verdict, Refusal>, words: &[&std::ffi::CStr]) -> Outcome {
        of(&end, &Options::parse(words).unwrap())
    }

    #[test]
    fn only_accept_is_a_success_and_it_is_silent() {
        let verdicts = [
            Verdict::Exempt,
            Verdict::Locked,
            Verdict::Reject,
            Verdict::Replay,
            Verdict::Unassigned,
            Verdict::Wait(0),
        ];
        for verdict in verdicts {
            for words in [&[][..], &[c"nullok"], &[c"unavail=authinfo_unavail"]] {
                assert_ne!(outcome(Ok(verdict), words).code, Pam::PAM_SUCCESS, "{verdict:?}");
            }
        }
        let accept = outcome(Ok(Verdict::Accept), &[]);
        assert_eq!((accept.code, accept.sentence), (Pam::PAM_SUCCESS, None));
    }

    #[test]
    fn an_exemption_that_was_not_asked_for_is_a_refusal() {
        assert_eq!(outcome(Ok(Verdict::Exempt), &[]).code, Pam::PAM_AUTH_ERR);
        assert_eq!(outcome(Ok(Verdict::Exempt), &[c"nullok"]).code, Pam::PAM_IGNORE);
    }

    #[test]
    fn what_a_stranger_can_cause_looks_the_same() {
        let ends = [
            Ok(Verdict::Reject),
            Ok(Verdict::Unassigned),
            Err(Refusal::NotACode),
            Err(Refusal::ImpossibleUser),
        ];
        for end in ends {
            let outcome = outcome(end, &[]);
            assert_eq!((outcome.code, outcome.sentence), (Pam::PAM_AUTH_ERR, None));
        }
    }

    #[test]
    fn trouble_is_never_ignored() {
        let trouble = || Err(Refusal::Trouble(Trouble::Late));
        assert_eq!(outcome(trouble(), &[c"nullok"]).code, Pam::PAM_AUTH_ERR);
        let mapped = outcome(trouble(), &[c"unavail=authinfo_unavail"]);
        assert_eq!(mapped.code, Pam::PAM_AUTHINFO_UNAVAIL);
        assert!(mapped.sentence.is_some());
    }

    #[test]
    fn a_wait_is_said_in_words() {
        let said = [0, 2, 90, 91, 240, 5401, u32::MAX].map(duration);
        let words = [
            "a second",
            "2 seconds",
            "90 seconds",
            "2 minutes",
            "4 minutes",
            "2 hours",
            "1193047 hours",
        ];
        assert_eq!(said, words);
    }
}
