//! How long answers took.

use std::time::Duration;

/// The times of some answers, and what they said.
#[derive(Clone, Debug, Default)]
pub struct Times {
    /// In microseconds.
    taken: Vec<u32>,
}

impl Times {
    /// Takes one down.
    pub fn add(&mut self, taken: Duration) {
        self.taken.push(u32::try_from(taken.as_micros()).unwrap_or(u32::MAX));
    }

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.taken.len()
    }

    /// Returns the time within which this share of the answers came: 0.5 is the median, 1 the
    /// longest. Nothing if there are none.
    #[must_use]
    pub fn at(&self, share: f64) -> Duration {
        let mut sorted = self.taken.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        // A share of an index is one.
        let place = (share * last as f64).round() as usize;
        Duration::from_micros(sorted.get(place).copied().unwrap_or_default().into())
    }

    /// Puts times together.
    #[must_use]
    pub fn of(all: impl IntoIterator<Item = Self>) -> Self {
        Self { taken: all.into_iter().flat_map(|times| times.taken).collect() }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Times;

    #[test]
    fn a_share_of_the_answers_came_within_its_time() {
        let mut times = Times::default();
        assert_eq!(times.at(0.5), Duration::ZERO);
        (0..=100).rev().for_each(|number| times.add(Duration::from_micros(number)));
        let shares = [0.0, 0.5, 0.99, 1.0].map(|share| times.at(share).as_micros());
        assert_eq!(shares, [0, 50, 99, 100]);
    }
}
