//! Is this the database that was left? Pure: what was found in, what it means out.

use std::fmt;

use super::{Anchor, Close, Manifest, Unreadable};
use crate::store::{
    Freshness,
    sled::{check::Hot, ledger::Sums},
};

/// What does not fit. The database is not opened then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mismatch {
    /// The anchor cannot be read.
    AnchorDamaged,
    /// The database had an anchor, and it is gone.
    AnchorMissing,
    /// A newer Fob wrote one of them.
    Newer,
    /// The anchor belongs to another database.
    OtherHouse,
    /// The database is older than its anchor.
    RolledBack,
    /// What the database says of its own records is not so.
    Torn,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AnchorDamaged => "its anchor file is damaged",
            Self::AnchorMissing => "its anchor file is missing",
            Self::Newer => "a newer version of Fob wrote it",
            Self::OtherHouse => "its anchor file belongs to another one",
            Self::RolledBack => "it has lost changes that were made",
            Self::Torn => "its records are not those that were written together",
        })
    }
}

/// What was found at the opening.
pub(in super::super) struct Found {
    /// In the database.
    pub(in super::super) manifest: Option<Result<Manifest, Unreadable>>,
    /// Beside it.
    pub(in super::super) anchor: Option<Result<Anchor, Unreadable>>,
    /// Over its records; or what they should be.
    pub(in super::super) sums: Sums,
}

impl Found {
    /// Tells whether the records of a database with at least so many cold ones may be read while
    /// it is served: what they should be is as sure as its manifest and its anchor are. `None`:
    /// they are to be read first.
    pub(in super::super) fn may_wait(&self, large: u64) -> Option<Hot> {
        let (Some(Ok(manifest)), Some(Ok(anchor))) = (self.manifest, self.anchor) else {
            return None;
        };
        if manifest.count < large
            || (manifest.count, manifest.cold) != (self.sums.count, self.sums.cold)
        {
            return None;
        }
        match anchor.close {
            Close::Closed(hot)
                if hot == self.sums.hot && manifest.generation == anchor.generation =>
            {
                Some(Hot::Known)
            }
            Close::Open => Some(Hot::Unknown),
            // It was not read to its end the last time, or did not fit.
            Close::Closed(_) | Close::Doubtful => None,
        }
    }
}

/// A database that may be opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Judged {
    /// It never had an anchor: it is new, or older than anchors are.
    Begin,
    /// It fits.
    Fits(Manifest, Freshness),
}

/// Judges what was found.
///
/// # Errors
///
/// [`Mismatch`]. A manifest that is newer than the anchor is none: the power went between the two.
pub(in super::super) fn judge(found: &Found) -> Result<Judged, Mismatch> {
    let manifest = match (found.manifest, found.anchor) {
        (None, None) => return Ok(Judged::Begin),
        (Some(Err(Unreadable::Newer)), _) | (_, Some(Err(Unreadable::Newer))) => {
            return Err(Mismatch::Newer);
        }
        (None, Some(_)) => return Err(Mismatch::RolledBack),
        (Some(Err(Unreadable::Damaged)), _) => return Err(Mismatch::Torn),
        (Some(Ok(manifest)), _) => manifest,
    };
    if (manifest.count, manifest.cold) != (found.sums.count, found.sums.cold) {
        return Err(Mismatch::Torn);
    }
    let anchor = match found.anchor {
        // The power went before the first anchor was made.
        None if manifest.generation == 0 => return Ok(Judged::Begin),
        None => return Err(Mismatch::AnchorMissing),
        Some(Err(_)) => return Err(Mismatch::AnchorDamaged),
        Some(Ok(anchor)) => anchor,
    };
    if manifest.house != anchor.house {
        return Err(Mismatch::OtherHouse);
    }
    if manifest.generation < anchor.generation
        || (manifest.generation == anchor.generation && manifest.cold != anchor.cold)
    {
        return Err(Mismatch::RolledBack);
    }
    let freshness = match anchor.close {
        Close::Open => Freshness::Unclosed,
        Close::Closed(hot) if hot == found.sums.hot && manifest.generation == anchor.generation => {
            Freshness::Fresh
        }
        Close::Closed(_) | Close::Doubtful => Freshness::Doubtful,
    };
    Ok(Judged::Fits(manifest, freshness))
}

#[cfg(test)]
mod tests {
    use super::{Anchor, Close, Found, Judged, Manifest, Mismatch, Unreadable, judge};
    use crate::store::{
        Freshness,
        sled::{
            anchor::House,
            check::Hot,
            ledger::{Sum, Sums},
        },
    };

    const HOUSE: House = House([1; 16]);
    const SUMS: Sums = Sums { cold: Sum([1; 4]), hot: Sum([2; 4]), count: 9 };

    fn manifest(generation: u64) -> Manifest {
        Manifest::of(HOUSE, generation, &SUMS)
    }

    fn anchor(generation: u64, close: Close) -> Anchor {
        Anchor { house: HOUSE, generation, cold: SUMS.cold, close }
    }

    fn found(manifest: Option<Manifest>, anchor: Option<Anchor>) -> Result<Judged, Mismatch> {
        judge(&Found { manifest: manifest.map(Ok), anchor: anchor.map(Ok), sums: SUMS })
    }

    #[test]
    fn a_database_without_both_begins_and_one_that_had_them_does_not() {
        assert_eq!(found(None, None), Ok(Judged::Begin));
        assert_eq!(found(Some(manifest(0)), None), Ok(Judged::Begin));
        assert_eq!(found(Some(manifest(1)), None), Err(Mismatch::AnchorMissing));
        assert_eq!(found(None, Some(anchor(1, Close::Open))), Err(Mismatch::RolledBack));
    }

    #[test]
    fn what_was_closed_is_fresh_with_the_same_hot_records_and_doubtful_with_others() {
        for (hot, freshness) in [(SUMS.hot, Freshness::Fresh), (SUMS.cold, Freshness::Doubtful)] {
            let judged = found(Some(manifest(5)), Some(anchor(5, Close::Closed(hot))));
            assert_eq!(judged, Ok(Judged::Fits(manifest(5), freshness)));
        }
    }

    #[test]
    fn what_was_not_closed_says_so_and_doubt_lasts_until_it_is() {
        let states = [(Close::Open, Freshness::Unclosed), (Close::Doubtful, Freshness::Doubtful)];
        for (close, freshness) in states {
            let judged = found(Some(manifest(5)), Some(anchor(5, close)));
            assert_eq!(judged, Ok(Judged::Fits(manifest(5), freshness)));
        }
    }

    #[test]
    fn only_what_is_large_fits_and_was_read_to_its_end_may_be_read_later() {
        let wait = |manifest, close, large| {
            let (manifest, anchor) = (Some(Ok(manifest)), Some(Ok(anchor(5, close))));
            Found { manifest, anchor, sums: SUMS }.may_wait(large)
        };
        let closed = Close::Closed(SUMS.hot);
        assert_eq!(wait(manifest(5), closed, 9), Some(Hot::Known));
        assert_eq!(wait(manifest(5), Close::Open, 9), Some(Hot::Unknown));
        assert_eq!(wait(manifest(5), closed, 10), None);
        assert_eq!(wait(manifest(6), closed, 9), None);
        assert_eq!(wait(manifest(5), Close::Closed(SUMS.cold), 9), None);
        assert_eq!(wait(manifest(5), Close::Doubtful, 9), None);
        assert_eq!(wait(Manifest { cold: SUMS.hot, ..manifest(5) }, closed, 9), None);
        assert_eq!(wait(Manifest { count: 10, ..manifest(5) }, closed, 9), None);
        let alone = Found { manifest: Some(Ok(manifest(5))), anchor: None, sums: SUMS };
        assert_eq!(alone.may_wait(9), None);
    }

    #[test]
    fn a_manifest_that_is_ahead_of_the_anchor_fits_and_one_behind_does_not() {
        let open = |generation| Some(anchor(generation, Close::Open));
        let judged = found(Some(manifest(6)), open(5));
        assert_eq!(judged, Ok(Judged::Fits(manifest(6), Freshness::Unclosed)));
        assert_eq!(found(Some(manifest(4)), open(5)), Err(Mismatch::RolledBack));
    }

    #[test]
    fn other_records_another_house_and_another_sum_of_the_same_generation_do_not_fit() {
        let fits = (manifest(5), anchor(5, Close::Open));
        let other = Manifest { cold: SUMS.hot, ..fits.0 };
        assert_eq!(found(Some(other), Some(fits.1)), Err(Mismatch::Torn));
        let other = Manifest { count: 8, ..fits.0 };
        assert_eq!(found(Some(other), Some(fits.1)), Err(Mismatch::Torn));
        let other = Anchor { house: House([2; 16]), ..fits.1 };
        assert_eq!(found(Some(fits.0), Some(other)), Err(Mismatch::OtherHouse));
        let other = Anchor { cold: SUMS.hot, ..fits.1 };
        assert_eq!(found(Some(fits.0), Some(other)), Err(Mismatch::RolledBack));
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be_damaged_or_newer() {
        let judged = |manifest, anchor| judge(&Found { manifest, anchor, sums: SUMS });
        let (whole, beside) = (Ok(manifest(5)), Ok(anchor(5, Close::Open)));
        let (damaged, newer) = (Unreadable::Damaged, Unreadable::Newer);
        assert_eq!(judged(Some(Err(damaged)), Some(beside)), Err(Mismatch::Torn));
        assert_eq!(judged(Some(whole), Some(Err(damaged))), Err(Mismatch::AnchorDamaged));
        assert_eq!(judged(Some(Err(newer)), Some(beside)), Err(Mismatch::Newer));
        assert_eq!(judged(Some(whole), Some(Err(newer))), Err(Mismatch::Newer));
    }
}
