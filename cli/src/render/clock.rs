//! A token's clock in words, and which tokens need a hand soon.

use fob_api::{MAX_RATE, TokenReport};
use serde_json::{Value, json};

use super::{NOTHING, json as reports, moment, table, time, word};

/// Seconds of a day.
const DAY: u64 = 86_400;
/// Days without a sign-in after which a token is told: half a year is the rarest use that the
/// clock model is measured at.
const LONG: u64 = 183;

/// Returns a sentence on the token's clock; `None` if nothing is known of it.
pub(crate) fn clock_sentence(token: &TokenReport) -> Option<String> {
    Some(match token.drift? {
        0 => "Its clock is right.".to_owned(),
        drift => format!("Its clock is {}.", drift_words(Some(drift))),
    })
}

/// Returns the drift for a column: `+12 s`.
pub(super) fn drift(token: &TokenReport) -> String {
    token.drift.map_or_else(
        || NOTHING.to_owned(),
        |s| if s == 0 { "0 s".to_owned() } else { format!("{s:+} s") },
    )
}

/// Returns the rate for a column: `+3.3 ppm`.
pub(super) fn rate(token: &TokenReport) -> String {
    token.rate.map_or_else(|| NOTHING.to_owned(), |ppm| format!("{:+.1} ppm", rounded(ppm)))
}

/// Returns the day until which the next code is expected to be accepted; `no` if that has passed.
pub(super) fn in_sync(token: &TokenReport) -> String {
    match (token.in_sync_until, token.drift) {
        (Some(until), _) => time::day(until),
        (None, Some(_)) => "no".to_owned(),
        (None, None) => NOTHING.to_owned(),
    }
}

/// Returns the drift in words: `12 s ahead`.
pub(super) fn drift_words(drift: Option<i64>) -> String {
    match drift {
        None => NOTHING.to_owned(),
        Some(0) => "none".to_owned(),
        Some(s @ 1..) => format!("{s} s ahead"),
        Some(s) => format!("{} s behind", s.unsigned_abs()),
    }
}

/// Returns the rate in words: `gains 0.3 s a day (+3.3 ppm)`.
pub(super) fn rate_words(token: &TokenReport) -> String {
    let Some(ppm) = token.rate else { return NOTHING.to_owned() };
    let seconds = rounded(ppm * 1e-6 * DAY as f64);
    let verb = if seconds < 0.0 { "loses" } else { "gains" };
    format!("{verb} {:.1} s a day ({})", seconds.abs(), rate(token))
}

/// Returns until when the token is in sync in words.
pub(super) fn in_sync_words(token: &TokenReport) -> String {
    match (token.in_sync_until, token.drift) {
        (Some(until), _) => format!("until {}", moment(Some(until))),
        (None, Some(_)) => {
            "no; its next code may be refused, and the one after it mends that".to_owned()
        }
        (None, None) => NOTHING.to_owned(),
    }
}

/// Returns a number with one decimal, and no minus before a zero.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0 + 0.0
}

/// Why a token needs a hand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Need {
    /// Its clock runs faster or slower than any sound quartz.
    Faulty,
    /// Its clock is not known well enough any more.
    OutOfSync,
    /// Its clock will not be known well enough soon.
    Soon(u64),
    /// Nobody has signed in with it for long.
    Unused(u64),
}

impl Need {
    /// Returns what a token needs: everything that is within `days` from `now`, Unix time. Worst
    /// first.
    pub(crate) fn of(token: &TokenReport, now: u64, days: u64) -> Vec<Self> {
        let end = now.saturating_add(days.saturating_mul(DAY));
        let faulty = token.rate.is_some_and(|ppm| ppm.abs() >= MAX_RATE);
        let sync = match (token.in_sync_until, token.drift) {
            (Some(until), _) if until <= end => Some(Self::Soon(until)),
            (None, Some(_)) => Some(Self::OutOfSync),
            _ => None,
        };
        let unused = token.last_used.filter(|used| now.saturating_sub(*used) > LONG * DAY);
        let needs = [faulty.then_some(Self::Faulty), sync, unused.map(Self::Unused)];
        needs.into_iter().flatten().collect()
    }

    fn word(self) -> &'static str {
        match self {
            Self::Faulty => "faulty",
            Self::OutOfSync => "out-of-sync",
            Self::Soon(_) => "soon",
            Self::Unused(_) => "unused",
        }
    }

    fn advice(self) -> String {
        match self {
            Self::Faulty => "replace it: no sound clock is that fast or slow".to_owned(),
            Self::OutOfSync => "resync it".to_owned(),
            Self::Soon(until) => format!("use or resync it before {}", time::day(until)),
            Self::Unused(used) => format!("not used since {}", time::day(used)),
        }
    }
}

/// Returns the table of `fobctl forecast`.
pub(crate) fn forecast_table(needy: &[(TokenReport, Vec<Need>)], days: u64) -> String {
    if needy.is_empty() {
        return format!("No token needs a hand in the next {days} days.\n");
    }
    let head = ["SERIAL", "USER", "DRIFT", "RATE", "WHAT TO DO"].map(str::to_owned);
    let rows = needy.iter().map(|(token, needs)| {
        let advice: Vec<String> = needs.iter().map(|need| need.advice()).collect();
        [
            word(token.serial.as_deref()),
            word(token.user.as_deref()),
            drift(token),
            rate(token),
            advice.join("; "),
        ]
    });
    table(std::iter::once(head).chain(rows).collect())
}

/// Returns the forecast as a JSON array: each token's report, and its needs as words.
pub(crate) fn forecast_json(needy: &[(TokenReport, Vec<Need>)]) -> String {
    let with_needs = |(token, needs): &(TokenReport, Vec<Need>)| {
        let words: Vec<&str> = needs.iter().map(|need| need.word()).collect();
        let mut value = reports::token(token);
        if let Value::Object(report) = &mut value {
            report.insert("needs".to_owned(), json!(words));
        }
        value
    };
    reports::text(&needy.iter().map(with_needs).collect())
}

#[cfg(test)]
mod tests {
    use fob_api::TokenReport;

    use super::{DAY, Need, forecast_table, in_sync_words, rate_words};

    const NOW: u64 = 2_000_000_000;

    fn token() -> TokenReport {
        TokenReport {
            serial: Some("77".to_owned()),
            user: Some("alice".to_owned()),
            drift: Some(12),
            rate: Some(3.25),
            in_sync_until: Some(NOW + 200 * DAY),
            last_used: Some(NOW - DAY),
            ..TokenReport::default()
        }
    }

    #[test]
    fn a_token_that_is_used_and_known_needs_nothing() {
        assert_eq!(Need::of(&token(), NOW, 60), []);
        let button = TokenReport { drift: None, rate: None, in_sync_until: None, ..token() };
        assert_eq!(Need::of(&button, NOW, 60), []);
    }

    #[test]
    fn each_need_is_told_worst_first() {
        let until = NOW + 60 * DAY;
        let soon = TokenReport { in_sync_until: Some(until), ..token() };
        assert_eq!(Need::of(&soon, NOW, 60), [Need::Soon(until)]);
        assert_eq!(Need::of(&soon, NOW, 59), []);
        let used = NOW - 184 * DAY;
        let worst = TokenReport {
            rate: Some(-50.0),
            in_sync_until: None,
            last_used: Some(used),
            ..token()
        };
        let needs = [Need::Faulty, Need::OutOfSync, Need::Unused(used)];
        assert_eq!(Need::of(&worst, NOW, 60), needs);
        let table = forecast_table(&[(worst, needs.to_vec())], 60);
        assert_eq!(
            table,
            "SERIAL  USER   DRIFT  RATE       WHAT TO DO\n\
             77      alice  +12 s  -50.0 ppm  replace it: no sound clock is that fast or slow; \
             resync it; not used since 2032-11-15\n"
        );
    }

    #[test]
    fn the_edges_of_time_are_no_panic() {
        let old = TokenReport { last_used: Some(u64::MAX), in_sync_until: Some(0), ..token() };
        for now in [0, u64::MAX] {
            let _ = Need::of(&old, now, u64::MAX);
        }
    }

    #[test]
    fn a_rate_is_told_by_the_day() {
        let with = |rate| rate_words(&TokenReport { rate, ..TokenReport::default() });
        assert_eq!(with(Some(11.6)), "gains 1.0 s a day (+11.6 ppm)");
        assert_eq!(with(Some(-3.25)), "loses 0.3 s a day (-3.3 ppm)");
        assert_eq!(with(Some(-0.01)), "gains 0.0 s a day (+0.0 ppm)");
        assert_eq!(with(None), "-");
    }

    #[test]
    fn a_clock_that_is_lost_is_told_with_the_way_out() {
        let lost = TokenReport { in_sync_until: None, ..token() };
        assert!(in_sync_words(&lost).starts_with("no; its next code may be refused"));
        assert_eq!(in_sync_words(&TokenReport::default()), "-");
    }
}
