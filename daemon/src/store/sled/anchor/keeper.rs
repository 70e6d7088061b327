//! Keeps manifest and anchor in step with the database; the writer's, and the opening's before.

use std::{fs::File, io};

use sled::Db;

use super::{
    super::{
        ledger::{Delta, Sums},
        medium::{Disk, Medium},
    },
    Anchor, AnchorPlace, Close, House, Judged, MANIFEST, Manifest,
};
use crate::store::{Freshness, Heat};

/// What the database says of itself, and where else that stands.
pub(in super::super) struct Keeper {
    place: AnchorPlace,
    house: House,
    generation: u64,
    sums: Sums,
    /// How the anchor stands while the store is open.
    open: Close,
}

impl Keeper {
    /// Takes a database over, before anybody is answered: from now on the anchor says that it is
    /// open. One that never had an anchor gets both.
    pub(in super::super) fn begin(
        place: AnchorPlace,
        (db, file): (&Db, &File),
        (judged, sums): (Judged, Sums),
    ) -> io::Result<(Self, Freshness)> {
        let (manifest, freshness) = match judged {
            Judged::Fits(manifest, freshness) => (manifest, freshness),
            Judged::Begin => {
                let mut house = House([0; 16]);
                getrandom::fill(&mut house.0).map_err(io::Error::other)?;
                let manifest = Manifest::of(house, 0, &sums);
                put(db, file, &manifest)?;
                (manifest, Freshness::Fresh)
            }
        };
        let open = match freshness {
            Freshness::Doubtful => Close::Doubtful,
            Freshness::Fresh | Freshness::Unclosed => Close::Open,
        };
        let Manifest { house, generation, .. } = manifest;
        let mut keeper = Self { place, house, generation, sums, open };
        keeper.anchor(open, &mut Disk)?;
        if generation == 0 {
            // There is an anchor now: from here on it must never be missing.
            keeper.generation = 1;
            put(db, file, &Manifest::of(house, 1, &sums))?;
            keeper.anchor(open, &mut Disk)?;
        }
        Ok((keeper, freshness))
    }

    /// Returns the manifest that is to be written in one batch with these changes; `None` if they
    /// are hot ones only.
    pub(in super::super) fn manifest_after(&self, delta: &Delta) -> Option<Manifest> {
        let next = self.generation.checked_add(1).unwrap_or(self.generation);
        let manifest = || Manifest::of(self.house, next, &self.sums.after(delta));
        (delta.heat == Heat::Cold).then(manifest)
    }

    /// Takes changes down that are durable now, and makes the anchor follow a manifest.
    ///
    /// # Errors
    ///
    /// The anchor may be the old one or the new one, and is not tried again.
    pub(in super::super) fn follow(
        &mut self,
        delta: &Delta,
        manifest: Option<&Manifest>,
        medium: &mut dyn Medium,
    ) -> io::Result<()> {
        self.sums = self.sums.after(delta);
        let Some(manifest) = manifest else { return Ok(()) };
        self.generation = manifest.generation;
        self.anchor(self.open, medium)
    }

    /// Takes the hot records down: nothing is written after it.
    ///
    /// # Errors
    ///
    /// As [`Keeper::follow`]: the next opening finds a store that was not closed.
    pub(in super::super) fn close(&mut self, medium: &mut dyn Medium) -> io::Result<()> {
        self.anchor(Close::Closed(self.sums.hot), medium)
    }

    fn anchor(&mut self, close: Close, medium: &mut dyn Medium) -> io::Result<()> {
        let (house, generation, cold) = (self.house, self.generation, self.sums.cold);
        medium.replace(&self.place, &Anchor { house, generation, cold, close }.encode())
    }
}

/// Writes a manifest alone.
fn put(db: &Db, file: &File, manifest: &Manifest) -> io::Result<()> {
    db.insert(MANIFEST, manifest.encode())?;
    db.flush()?;
    Disk.sync(file)
}
