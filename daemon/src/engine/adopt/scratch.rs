//! Scratch codes of google-authenticator as their user's recovery codes.

use fob_api::{Code, Error};

use crate::{
    decide::recovery,
    engine::{Engine, Extent},
    record::Owner,
    store::{Guard, Key, Store, Write},
};

/// What becomes of a user's scratch codes.
pub(super) enum Fate {
    /// They become his recovery codes, by this write; none in a dry run.
    Kept(Option<(Guard, Write)>),
    /// There are none.
    NoCodes,
    /// He was given codes before, which stay.
    NotKept,
}

impl<S: Store> Engine<S> {
    /// Decides on a user's scratch codes. They are hashed as recovery codes are, each some ten
    /// milliseconds of work.
    pub(super) async fn fate_of_scratch(
        &self,
        owner: &Owner,
        codes: &[Code],
        extent: Extent,
    ) -> Result<Fate, Error> {
        if codes.is_empty() {
            return Ok(Fate::NoCodes);
        }
        let kept = self.own_codes(owner, self.salt()?).await?;
        if !recovery::takes_scratch(&kept.record) {
            return Ok(Fate::NotKept);
        }
        if extent == Extent::DryRun {
            return Ok(Fate::Kept(None));
        }
        let seat = self.slow_hash.seat().await?;
        let digests = self.hash(&seat, codes.to_vec(), kept.record.salt).await?;
        let hashes = digests.iter().map(|digest| *digest.as_bytes()).collect();
        let after = recovery::issue(&kept.record, hashes, &self.moment().await?);
        let write = self.put(Key::recovery(owner.uid), &after)?;
        Ok(Fate::Kept(Some((kept.guard, write))))
    }
}
