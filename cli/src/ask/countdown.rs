//! The line that counts down to the token's next code, while somebody types in the line below it.
//!
//! indicatif does not draw it: its bars take the line that the cursor stands in, and here that
//! line belongs to the person who types.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

/// Columns of the bar.
const BAR: u64 = 12;
const SECOND: Duration = Duration::from_secs(1);

/// A countdown to the moment when the token has certainly shown a new code.
pub(crate) struct Countdown {
    end: Instant,
    period: Duration,
}

impl Countdown {
    /// Starts when the first code was typed: the next one appears within one period.
    pub(crate) fn new(start: Instant, period: u32) -> Self {
        let period = Duration::from_secs(period.into());
        Self { end: start + period, period }
    }

    /// Returns how long the line stays as it is; `None` once it has come to its end.
    pub(crate) fn next_change(&self, now: Instant) -> Option<Duration> {
        let left = self.end.checked_duration_since(now)?;
        let part = Duration::from_nanos(left.subsec_nanos().into());
        Some(if part.is_zero() { left.min(SECOND) } else { part }).filter(|wait| !wait.is_zero())
    }

    /// Returns the line: the sentence, the seconds left and a bar.
    pub(crate) fn line(&self, sentence: &str, now: Instant) -> String {
        let left = self.end.saturating_duration_since(now).as_millis().div_ceil(1000);
        if left == 0 {
            return format!("{sentence} A new code is there now.");
        }
        let left = u64::try_from(left).unwrap_or(u64::MAX);
        let whole = self.period.as_secs().max(1);
        let filled = (left.saturating_mul(BAR)).div_ceil(whole).min(BAR);
        let bar = "#".repeat(usize::try_from(filled).unwrap_or(0));
        format!("{sentence} {left:>2} s [{bar:<12}]")
    }
}

/// Returns the text as one that a narrow terminal cuts at its edge and does not wrap, so that it
/// always takes one row: DECAWM off and on again.
pub(crate) fn on_one_row(text: &str) -> String {
    format!("\u{1b}[?7l{text}\u{1b}[?7h")
}

/// Writes `line` over the one that stands `rows` above the cursor, and returns the cursor to its
/// place. One write, so that what is typed meanwhile is not cut in two.
///
/// DECSC and DECRC keep the cursor; CUU and EL move and erase (ECMA-48 sections 8.3.22, 8.3.41).
///
/// # Errors
///
/// If standard error cannot be written.
pub(crate) fn write_above(rows: u8, line: &str) -> io::Result<()> {
    let line = on_one_row(line);
    io::stderr().write_all(format!("\u{1b}7\u{1b}[{rows}A\r\u{1b}[2K{line}\u{1b}8").as_bytes())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Countdown;

    #[expect(clippy::disallowed_methods, reason = "an Instant has no other origin")]
    fn countdown() -> (Countdown, Instant) {
        let start = Instant::now();
        (Countdown::new(start, 30), start)
    }

    #[test]
    fn the_line_counts_whole_seconds_down_to_now() {
        let (countdown, start) = countdown();
        let after = |ms| countdown.line("Wait.", start + Duration::from_millis(ms));
        assert_eq!(after(0), "Wait. 30 s [############]");
        assert_eq!(after(1), "Wait. 30 s [############]");
        assert_eq!(after(20_500), "Wait. 10 s [####        ]");
        assert_eq!(after(29_999), "Wait.  1 s [#           ]");
        assert_eq!(after(30_000), "Wait. A new code is there now.");
        assert_eq!(after(90_000), "Wait. A new code is there now.");
    }

    #[test]
    fn the_next_change_is_at_the_next_whole_second() {
        let (countdown, start) = countdown();
        let after = |ms| countdown.next_change(start + Duration::from_millis(ms));
        assert_eq!(after(0), Some(Duration::from_secs(1)));
        assert_eq!(after(400), Some(Duration::from_millis(600)));
        assert_eq!(after(29_900), Some(Duration::from_millis(100)));
        assert_eq!(after(30_000), None);
        assert_eq!(after(99_000), None);
    }
}
