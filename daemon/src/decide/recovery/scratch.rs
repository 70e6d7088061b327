//! Scratch codes that came with their user from google-authenticator, kept among his recovery codes:
//! eight digits, each good once.
//!
//! Ten of them are hit by a guess in nine million (2^-23), so the rule of recovery codes, one try a
//! second whatever was wrong before, would let a year's guesser in. They are tried only where one
//! code of a token is: eight digits are decided on as a code first and cost what a wrong one costs,
//! and only if the share had something left for that are they compared here. 30 wrong ones in 30
//! days give a guesser of a share 4e-5 a year, less than those of a token do.

use fob_api::Verdict;

use super::{Decision, Found, Kept, note, take_recovery};
use crate::{
    decide::{
        At,
        throttle::{self, Origin},
        verify::Claim,
    },
    record::Recovery,
};

/// Decides on eight digits that were tried as a code of the token and refused so, by their digest
/// under the salt of `kept.recovery`.
///
/// A code that is found is removed, so it is never accepted again; the wrong code of the token that
/// it was stays counted. One that is not found is refused as it was, and nothing changes: what it
/// costs was written before.
#[must_use]
pub fn verify_scratch(
    kept: &Kept<'_>,
    digest: &[u8; 32],
    from: (Origin, Option<&str>),
    refused: Verdict,
    at: &At<'_>,
) -> Decision {
    let share = throttle::share(&kept.state.budgets, from.0, at);
    let (mut state, mut recovery) = (kept.state.clone(), kept.recovery.clone());
    let is_found = take_recovery(&mut recovery, digest);
    if !is_found || kept.codes == Claim::Nobody {
        return Decision { verdict: refused, change: None, spray: None, share, found: None };
    }
    state.writes = state.writes.wrapping_add(1);
    if kept.token == Claim::Owner {
        note(&mut state, share, from, at);
    }
    let found = Some(Found::Recovery);
    let change = Some((state, recovery));
    Decision { verdict: Verdict::Accept, change, spray: None, share, found }
}

/// Tells whether scratch codes become somebody's recovery codes: if he was never given any. His own
/// are stronger; and of one who has used all of his, or whose codes a restore did not bring back,
/// nobody knows whether these were among them.
#[must_use]
pub fn takes_scratch(recovery: &Recovery) -> bool {
    recovery.issued.is_none()
}

#[cfg(test)]
mod tests {
    use fob_api::Verdict;

    use super::{takes_scratch, verify_scratch};
    use crate::{
        decide::{
            recovery::{Decision, Found, Kept, Terms, fresh, grant, issue},
            testing::{NOW, after, alice, at},
            throttle::Origin,
            verify::Claim,
        },
        record::{Recovery, Spray, State},
    };

    const FROM: (Origin, Option<&str>) = (Origin::Remote(Some([9; 8])), Some("10.0.0.7"));

    /// Alice with the scratch codes 1 to 5.
    fn kept() -> Recovery {
        let hashes = (1..=5).map(|n| [n; 32]).collect();
        issue(&fresh(&alice(), [7; 16]), hashes, &at(NOW))
    }

    fn decide(state: &State, recovery: &Recovery, of: (Claim, Claim), code: u8) -> Decision {
        let (token, codes) = of;
        let kept = Kept { state, recovery, spray: &Spray::default(), token, codes };
        verify_scratch(&kept, &[code; 32], FROM, Verdict::Reject, &at(after(NOW, 60)))
    }

    const HIS: (Claim, Claim) = (Claim::Owner, Claim::Owner);

    #[test]
    fn each_scratch_code_is_accepted_once() {
        let mut recovery = kept();
        for code in [3, 1, 5, 2, 4] {
            let decision = decide(&State::default(), &recovery, HIS, code);
            assert_eq!(
                (decision.verdict, decision.found),
                (Verdict::Accept, Some(Found::Recovery))
            );
            recovery = decision.change.unwrap().1;
            let again = decide(&State::default(), &recovery, HIS, code);
            assert_eq!((again.verdict, again.found), (Verdict::Reject, None));
        }
        assert_eq!((recovery.hashes.len(), recovery.issued), (0, Some(NOW.0)));
    }

    #[test]
    fn a_wrong_one_is_refused_as_it_was_and_changes_nothing() {
        for refused in [Verdict::Reject, Verdict::Replay, Verdict::Unassigned] {
            let (state, recovery) = (State::default(), kept());
            let (token, codes) = HIS;
            let spray = Spray::default();
            let kept = Kept { state: &state, recovery: &recovery, spray: &spray, token, codes };
            let decision = verify_scratch(&kept, &[6; 32], FROM, refused, &at(NOW));
            assert_eq!(decision.verdict, refused);
            assert!(decision.change.is_none() && decision.spray.is_none());
        }
    }

    #[test]
    fn it_is_nobody_elses() {
        let decision = decide(&State::default(), &kept(), (Claim::Owner, Claim::Nobody), 1);
        assert!(decision.verdict == Verdict::Reject && decision.change.is_none());
    }

    #[test]
    fn it_is_good_for_who_has_lost_his_token_and_says_nothing_in_the_state_of_others() {
        let decision = decide(&State::default(), &kept(), (Claim::Nobody, Claim::Owner), 1);
        assert_eq!(decision.verdict, Verdict::Accept);
        let (state, recovery) = decision.change.unwrap();
        assert_eq!((state.last_used, recovery.hashes.len()), (None, 4));
    }

    #[test]
    fn the_next_sign_in_with_the_token_tells_of_it() {
        let state = decide(&State::default(), &kept(), HIS, 1).change.unwrap().0;
        assert_eq!(state.last_used, Some(NOW.0 + 60));
        assert_eq!(state.last_from.as_deref(), Some("10.0.0.7"));
    }

    #[test]
    fn a_temporary_code_is_none() {
        let terms = Terms { seconds: 600, reason: "left at home".to_owned(), by: 0 };
        let granted = grant(&kept(), [99; 32], &terms, &at(NOW));
        let decision = decide(&State::default(), &granted, HIS, 99);
        assert!(decision.verdict == Verdict::Reject && decision.change.is_none());
    }

    #[test]
    fn whoever_was_given_codes_once_gets_no_scratch_codes() {
        assert!(takes_scratch(&fresh(&alice(), [7; 16])));
        assert!(!takes_scratch(&kept()));
        assert!(!takes_scratch(&Recovery { hashes: Vec::new(), ..kept() }));
        let terms = Terms { seconds: 600, reason: "left at home".to_owned(), by: 0 };
        assert!(takes_scratch(&grant(&fresh(&alice(), [7; 16]), [99; 32], &terms, &at(NOW))));
    }
}
