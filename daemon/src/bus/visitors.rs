//! Callers other than root: how many calls of theirs are carried out at once.
//!
//! One costs a look-up, a commit and a place in the queue of both. Root's programs never wait
//! for a place, and one user cannot take all of them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use fob_api::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::Caller;

/// Calls of all callers other than root at once.
const PLACES: usize = 16;
/// Calls of one uid at once: a screen locker needs one.
const PLACES_EACH: usize = 4;

/// The places.
pub(super) struct Visitors {
    places: Arc<Semaphore>,
    seated: Seated,
}

/// How many calls of each uid are being carried out.
type Seated = Arc<Mutex<BTreeMap<u32, usize>>>;

/// A caller while his call is carried out.
pub(super) struct Visitor {
    /// Who he is.
    pub(super) caller: Caller,
    /// Root needs none.
    _seat: Option<Seat>,
}

/// A place that is given back when it is dropped.
struct Seat {
    uid: u32,
    seated: Seated,
    _place: OwnedSemaphorePermit,
}

impl Default for Visitors {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), seated: Seated::default() }
    }
}

impl Visitors {
    /// Takes a place before it is known who calls.
    pub(super) fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::Busy)
    }

    /// Seats a caller who was known from the start.
    pub(super) fn known(&self, caller: Caller) -> Result<Visitor, Error> {
        self.seat(caller, self.place())
    }

    /// Seats a caller on the place that was taken for him; root needs none.
    pub(super) fn seat(
        &self,
        caller: Caller,
        place: Result<OwnedSemaphorePermit, Error>,
    ) -> Result<Visitor, Error> {
        if caller.uid == 0 {
            return Ok(Visitor { caller, _seat: None });
        }
        let place = place?;
        let mut seated = self.seated.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = seated.entry(caller.uid).or_default();
        if *mine >= PLACES_EACH {
            return Err(Error::Busy);
        }
        *mine += 1;
        let seat = Seat { uid: caller.uid, seated: Arc::clone(&self.seated), _place: place };
        Ok(Visitor { caller, _seat: Some(seat) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seated = self.seated.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mine) = seated.get_mut(&self.uid) {
            *mine -= 1;
            if *mine == 0 {
                seated.remove(&self.uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{PLACES, PLACES_EACH, Visitors};
    use crate::access::Caller;

    #[test]
    fn one_user_cannot_take_all_places() {
        let visitors = Visitors::default();
        let many: Vec<_> = (0..PLACES).map(|_| visitors.known(Caller::of(1000))).collect();
        assert_eq!(many.iter().filter(|seat| seat.is_ok()).count(), PLACES_EACH);
        assert!(visitors.known(Caller::of(1001)).is_ok());
    }

    #[test]
    fn a_place_is_given_back() {
        let visitors = Visitors::default();
        for _ in 0..10 * PLACES {
            assert!(visitors.known(Caller::of(1000)).is_ok());
        }
        assert!(visitors.seated.lock().unwrap().is_empty());
    }

    #[test]
    fn root_never_waits_for_a_place() {
        let visitors = Visitors::default();
        let full: Vec<_> =
            (0..PLACES as u32).map(|n| visitors.known(Caller::of(1000 + n))).collect();
        assert!(full.iter().all(Result::is_ok));
        assert!(visitors.known(Caller::of(5000)).is_err());
        let roots: Vec<_> = (0..100).map(|_| visitors.known(Caller::of(0))).collect();
        assert!(roots.iter().all(Result::is_ok));
    }
}
