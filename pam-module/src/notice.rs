//! The sign-in notice: a person who reads of a sign-in that was not his knows before anybody else.

use fob_api::{Utc, VerifyDetails};

/// Most bytes that are shown of the host from which the last code came: it must stay on one line
/// with the rest. Long ones are DNS names, whose beginning names the machine.
const MAX_FROM: usize = 64;
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Returns what a person is told after his code was accepted; `None` for his first code.
///
/// Always with the year: leaving it out needs the present time, and nothing here reads a clock.
pub(crate) fn of(details: &VerifyDetails) -> Option<String> {
    let Utc { year, month, day, hour, minute, .. } = Utc::of_unix(details.last_used?)?;
    let month = MONTHS.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let place = match &details.last_from {
        Some(host) => format!("from {}", shown(host)),
        None => "at this host".to_owned(),
    };
    let wrong = match details.wrong_since {
        None | Some(0) => String::new(),
        Some(1) => " 1 wrong code since.".to_owned(),
        Some(many) => format!(" {many} wrong codes since."),
    };
    Some(format!("Last code used {day} {month} {year} {hour:02}:{minute:02} UTC {place}.{wrong}"))
}

/// Returns what a person is told after an emergency code, with how many he has left.
pub(crate) fn of_emergency(left: usize) -> String {
    match left {
        0 => "This was your last emergency code.".to_owned(),
        1 => "Emergency code used. 1 is left.".to_owned(),
        many => format!("Emergency code used. {many} are left."),
    }
}

/// Shows a name that a stranger may have chosen: printable ASCII, everything else escaped.
fn shown(host: &str) -> String {
    let mut text: String = host.escape_default().collect();
    if text.len() > MAX_FROM {
        text.truncate(MAX_FROM - 3);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use fob_api::VerifyDetails;

    use super::of;

    /// 3 March 2026 09:12:59 UTC, by date(1).
    const MARCH: u64 = 1_772_529_179;

    fn notice(from: Option<&str>, wrong_since: Option<u32>) -> String {
        let last_from = from.map(str::to_owned);
        let last_used = Some(MARCH);
        of(&VerifyDetails { last_used, last_from, wrong_since, ..Default::default() }).unwrap()
    }

    #[test]
    fn the_notice_tells_when_from_where_and_how_many_were_wrong() {
        let last = "Last code used 3 March 2026 09:12 UTC";
        for (from, wrong, text) in [
            (Some("10.0.0.7"), Some(2), " from 10.0.0.7. 2 wrong codes since."),
            (Some("10.0.0.7"), Some(1), " from 10.0.0.7. 1 wrong code since."),
            (Some("fe80::1%eth0"), Some(0), " from fe80::1%eth0."),
            (None, Some(u32::MAX), " at this host. 4294967295 wrong codes since."),
            (None, None, " at this host."),
        ] {
            assert_eq!(notice(from, wrong), format!("{last}{text}"));
        }
    }

    #[test]
    fn an_emergency_code_tells_how_many_are_left() {
        let told = [0, 1, 9].map(super::of_emergency);
        let words = [
            "This was your last emergency code.",
            "Emergency code used. 1 is left.",
            "Emergency code used. 9 are left.",
        ];
        assert_eq!(told, words);
    }

    #[test]
    fn the_first_code_and_a_time_that_cannot_be_have_no_notice() {
        for last_used in [None, Some(253_402_300_800), Some(u64::MAX)] {
            let details = VerifyDetails { last_used, wrong_since: Some(2), ..Default::default() };
            assert_eq!(of(&details), None);
        }
    }

    #[test]
    fn a_hostile_place_stays_one_short_line_of_printable_characters() {
        for from in ["a\nroot signed in\u{1b}[2J\u{202e}é", &"x".repeat(255), &"é".repeat(127)] {
            let notice = notice(Some(from), Some(1));
            assert!(notice.bytes().all(|b| (b' '..=b'~').contains(&b)), "{notice}");
            assert!(notice.len() < 130, "{notice}");
        }
    }
}
