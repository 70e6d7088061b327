//! A sign-in with a scratch code that came with its user from another program: eight digits, as a
//! code of a token may have, too.
//!
//! Everybody's refused eight digits are hashed, whatever his token shows and whether he has scratch
//! codes, one or none: nothing tells who has (design.md section 4, law 4). As codes of a token, and
//! other than recovery codes of Fob's own, they are not taken while the host's clock is not trusted.

use fob_api::{Code, Error, Verdict};

use super::{Trial, describe};
use crate::{
    audit::Event,
    decide::{
        recovery,
        verify::{Claim, Tried, Typed},
    },
    engine::{Applied, Engine, Notice, ROUNDS, SignIn, verify::Place},
    record::Owner,
    store::Store,
};

/// Digits of a scratch code (google-authenticator(1)).
const DIGITS: u8 = 8;

/// Returns what may be a scratch code: eight digits that were tried as a code of a token, and
/// refused.
pub(in crate::engine) fn candidate(
    typed: Typed<'_>,
    verdict: Verdict,
    tried: Tried,
) -> Option<&Code> {
    match (typed, verdict, tried) {
        (_, Verdict::Accept, _) => None,
        (Typed::Code(code), _, Tried::Code) => Some(code).filter(|code| code.digits() == DIGITS),
        _ => None,
    }
}

/// What a scratch code has come to: the verdict, and what is told of it to its user and the log.
pub(in crate::engine) type Found = Option<(Verdict, Notice, Event)>;

impl<S: Store> Engine<S> {
    /// Looks for digits that a token's decision has refused among a user's scratch codes. What that
    /// cost is durable. An Accept is returned only after the code is used up on the disk; `None`
    /// leaves the refusal as it is.
    ///
    /// # Errors
    ///
    /// `StoreUnavailable`; `Busy` if too many codes are hashed at once.
    pub(in crate::engine) async fn scratch(
        &self,
        sign_in: &SignIn<'_>,
        owner: Option<&Owner>,
        (place, refused): (&Place, Verdict),
        code: &Code,
    ) -> Result<Found, Error> {
        let seat = self.slow_hash.seat().await?;
        let mut salted = None;
        for _ in 0..ROUNDS {
            let trial = self.trial(sign_in.user, owner).await?;
            let known = self.salted(&seat, code, trial.codes.record.salt, salted).await?;
            let from = (place.origin, sign_in.context.rhost.as_deref());
            let at = self.moment().await?;
            let digest = known.digest.as_bytes();
            let mut decision = recovery::verify_scratch(&trial.kept(), digest, from, refused, &at);
            let event = describe(sign_in, &decision);
            let Some(change) = decision.change.take() else { return Ok(None) };
            let (verdict, notice) = (decision.verdict, notice(&trial));
            if let Applied::Yes = self.keep_trial(trial, change, None).await? {
                return Ok(Some((verdict, notice, event)));
            }
            salted = Some(known);
        }
        Err(self.give_up())
    }
}

/// Returns what a user may want to know of the sign-in before: this one's own digits were counted as
/// a wrong code of his token.
fn notice(trial: &Trial) -> Notice {
    match trial.subject.claim {
        Claim::Owner => {
            let notice = Notice::of(&trial.subject.state.record);
            Notice { wrong_since: notice.wrong_since.saturating_sub(1), ..notice }
        }
        Claim::Nobody => Notice::default(),
    }
}
