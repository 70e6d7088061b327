//! May this user report his token lost? He has no token whose codes could prove him: one of his
//! recovery codes does.

use fob_api::Verdict;

use super::{Decision, Kept, Whence, verify_recovery};
use crate::{
    decide::At,
    record::{Recovery, State},
};

/// Decides on the code with which a user reports his token lost, by its digest: as on one with which
/// he signs in, so a wrong one costs the same and a right one is used up.
///
/// A temporary code is a wrong one here, and stays as it is. Who was given recovery codes is bound by
/// them for good ([`super::unenrolled`]); whoever has only a temporary one would have neither a token
/// nor codes once it is used up, and a PAM file with `nullok` would let him in without any.
///
/// When the token was last used is left as it was: it may tell since when somebody else has it.
#[must_use]
pub fn report_lost(
    kept: &Kept<'_>,
    digest: &[u8; 32],
    whence: &Whence<'_>,
    at: &At<'_>,
) -> Decision {
    let codes = Recovery { temporary: None, ..kept.recovery.clone() };
    let decision = verify_recovery(&Kept { recovery: &codes, ..*kept }, digest, whence, at);
    let is_right = decision.verdict == Verdict::Accept;
    let change = decision.change.map(|(state, codes)| {
        let codes = Recovery { temporary: kept.recovery.temporary.clone(), ..codes };
        if !is_right {
            return (state, codes);
        }
        let (last_used, last_from) = (kept.state.last_used, kept.state.last_from.clone());
        (State { last_used, last_from, ..state }, codes)
    });
    Decision { change, ..decision }
}

#[cfg(test)]
mod tests {
    use fob_api::Verdict;

    use super::report_lost;
    use crate::{
        decide::{
            recovery::{Decision, Found, Kept, Terms, Whence, fresh, grant, issue},
            testing::{NOW, alice, at},
            throttle::{Origin, Rank, pairs::Turn},
            verify::Claim,
        },
        record::{Recovery, Spray, State},
    };

    fn hash(n: u8) -> [u8; 32] {
        [n; 32]
    }

    /// Alice with the recovery codes 1 and 2, and with the temporary code 99.
    fn codes() -> Recovery {
        let issued = issue(&fresh(&alice(), [7; 16]), vec![hash(1), hash(2)], &at(NOW));
        let terms = Terms { seconds: 3600, reason: "left at home".to_owned(), by: 0 };
        grant(&issued, hash(99), &terms, &at(NOW))
    }

    fn state() -> State {
        State { last_used: Some(77), last_from: Some("192.0.2.7".to_owned()), ..State::default() }
    }

    fn report(recovery: &Recovery, codes: Claim, typed: u8) -> Decision {
        let (state, spray) = (state(), Spray::default());
        let kept = Kept { state: &state, recovery, spray: &spray, token: Claim::Owner, codes };
        let whence =
            Whence { origin: Origin::Own, from: None, rank: Rank::User, turn: Turn::Fresh };
        report_lost(&kept, &hash(typed), &whence, &at(NOW))
    }

    #[test]
    fn a_recovery_code_proves_and_is_used_up() {
        let decision = report(&codes(), Claim::Owner, 2);
        assert_eq!((decision.verdict, decision.found), (Verdict::Accept, Some(Found::Recovery)));
        let (after, left) = decision.change.unwrap();
        assert_eq!(left.hashes, [hash(1)]);
        assert_eq!((after.last_used, after.last_from), (state().last_used, state().last_from));
    }

    #[test]
    fn a_temporary_code_proves_nothing_and_stays() {
        let decision = report(&codes(), Claim::Owner, 99);
        assert_eq!((decision.verdict, decision.found), (Verdict::Reject, None));
        let (after, left) = decision.change.unwrap();
        assert_eq!((left.temporary, left.hashes), (codes().temporary, codes().hashes));
        assert_ne!(after.budgets, state().budgets, "it cost nothing");
    }

    #[test]
    fn codes_of_somebody_else_prove_nothing() {
        assert_eq!(report(&codes(), Claim::Nobody, 1).verdict, Verdict::Reject);
    }
}
