//! Series of measurements, and what a table says of them.

use std::collections::BTreeMap;

use super::{floors::Floor, host::Span, house::Contender};

/// What was submitted.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Code {
    /// The code that the token shows.
    Right,
    /// One that it does not show.
    Wrong,
    /// The one that was accepted just before.
    Replayed,
}

impl Code {
    /// Returns the word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Wrong => "wrong",
            Self::Replayed => "replayed",
        }
    }
}

/// What a series is about.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum What {
    /// A floor.
    Floor(Floor),
    /// Sign-ins, each in a fresh process.
    Fresh(Contender, Code),
    /// Sign-ins of one process that has loaded the module before.
    Same(Contender, Code),
}

/// Times in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Times(Vec<u64>);

impl Times {
    /// Adds one.
    pub(super) fn add(&mut self, time: u64) {
        self.0.push(time);
    }

    /// Returns how many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns the time that so many hundredths of them stay below; 0 if there are none.
    pub(super) fn percentile(&self, hundredths: usize) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        sorted.get(last * hundredths / 100).copied().unwrap_or_default()
    }

    /// Returns the median.
    pub(super) fn median(&self) -> u64 {
        self.percentile(50)
    }
}

/// One series: the whole time, the work without the sleep that holds a refusal back, CPU time.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    pub(super) took: Times,
    pub(super) work: Times,
    pub(super) cpu: Times,
}

/// All series of one number of tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Sheet {
    /// How many tokens.
    pub(super) tokens: usize,
    series: BTreeMap<What, Series>,
    /// Results that should not have come, such as a right code that was refused.
    pub(super) odd: BTreeMap<What, usize>,
}

impl Sheet {
    /// Begins one.
    pub(super) fn new(tokens: usize) -> Self {
        Self { tokens, ..Self::default() }
    }

    /// Adds a measurement; right codes are accepted, all others refused.
    pub(super) fn add(&mut self, what: What, span: &Span) {
        let accepted = match what {
            What::Floor(_) | What::Fresh(Contender::Permit, _) | What::Same(_, Code::Right) => true,
            What::Fresh(_, code) | What::Same(_, code) => code == Code::Right,
        };
        if accepted != (span.code == 0) {
            *self.odd.entry(what).or_default() += 1;
        }
        let series = self.series.entry(what).or_default();
        series.took.add(span.took);
        series.work.add(span.work());
        series.cpu.add(span.cpu);
    }

    /// Returns a series; an empty one if there is none.
    pub(super) fn of(&self, what: What) -> Series {
        self.series.get(&what).cloned().unwrap_or_default()
    }

    /// Returns the median work of a series in nanoseconds; `None` if there is none.
    pub(super) fn median(&self, what: What) -> Option<f64> {
        let series = self.series.get(&what)?;
        Some(series.work.median() as f64)
    }

    /// Returns how many times longer the median of the first is.
    pub(super) fn ratio(&self, first: What, second: What) -> Option<f64> {
        Some(self.median(first)? / self.median(second)?)
    }

    /// Returns the floor of a durable sign-in: libpam, a socket, a sync.
    pub(super) fn floor(&self) -> Option<f64> {
        Some(
            self.median(What::Fresh(Contender::Permit, Code::Right))?
                + self.median(What::Floor(Floor::Socket))?
                + self.median(What::Floor(Floor::Sync))?,
        )
    }
}
