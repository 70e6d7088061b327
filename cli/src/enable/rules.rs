//! Who is asked at a service that was enabled: rules of fobd's, in a block for each service at the end of
//! its configuration file. Pure, text in and text out.
//!
//! A line of PAM could say the same and would let everybody pass where a group cannot be looked up; fobd
//! refuses there. Rules of an administrator's hand stand in front, and the first that matches decides.

use std::{fmt, str::FromStr};

use fob_api::Utc;

use super::text_of;

/// The file (fobd.conf(5)).
pub(crate) const FILE: &str = "/etc/fob/fobd.conf";
/// Around the service's name in the first line of a block.
const BEGIN: (&str, &str) = ("# Who is asked at ", ": written by \"fobctl enable\".");
/// Around it in the last line.
const END: (&str, &str) = ("# What \"fobctl enable\" wrote for ", " ends here.");
/// Seconds of a day of UTC, which has no leap seconds in Unix time.
const DAY: u64 = 86_400;

/// A day of UTC on which everybody begins to be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FirstDay {
    /// Unix time of its first second; not 0.
    begin: u64,
}

impl FirstDay {
    /// Tells whether it has begun.
    pub(crate) fn has_begun(self, now: u64) -> bool {
        self.begin <= now
    }
}

impl FromStr for FirstDay {
    type Err = &'static str;

    /// Parses `2027-01-01` (ISO 8601-1 section 5.2.2).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The day before it is written down.
        let begin = Utc::parse_day(text).filter(|begin| *begin >= DAY);
        begin.map(|begin| Self { begin }).ok_or("it is no day; write one as 2027-01-01")
    }
}

/// Returns the day of a second as fobd.conf has it.
fn day(unix: u64) -> String {
    Utc::of_unix(unix).map(Utc::day).unwrap_or_default()
}

impl fmt::Display for FirstDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&day(self.begin))
    }
}

/// Who is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Who {
    /// Whoever was before: everybody, unless there is a rule.
    AsBefore,
    Everybody,
    Some(Only),
}

/// Whom a rule leaves to be asked, of those whom it may exempt at all: root is not one of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Only {
    /// Members of this group.
    pub(crate) group: Option<String>,
    /// Before this day only who ever had a token.
    pub(crate) from: Option<FirstDay>,
}

impl Only {
    /// Returns the block for a service, in which each character is a byte ([`text_of`]). The last day of
    /// "enrol-by" is the day before that on which everybody begins to be asked.
    fn block(&self, service: &str) -> String {
        let ask = match self.from {
            Some(from) => format!("enrol-by {}", day(from.begin.saturating_sub(DAY))),
            None => "require".to_owned(),
        };
        let group = self.group.as_ref().map(|group| format!("group = \"{group}\"\n"));
        let group = group.unwrap_or_default();
        let mut block = format!("{}{service}{}\n", BEGIN.0, BEGIN.1);
        block.push_str(&format!("[[rule]]\n{group}service = \"{service}\"\nask = \"{ask}\"\n"));
        if self.group.is_some() {
            block.push_str(&format!("[[rule]]\nservice = \"{service}\"\nask = \"ignore\"\n"));
        }
        block.push_str(&format!("{}{service}{}\n", END.0, END.1));
        text_of(block.as_bytes())
    }
}

/// Tells whether a name can stand between quotes of TOML (toml.io, "Basic strings") as it is.
pub(crate) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|letter: char| letter.is_control() || "\"\\".contains(letter))
}

/// Somebody has edited what was written for a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Edited;

/// Returns the block of a service; `None` if there is none.
///
/// # Errors
///
/// [`Edited`], if it is not one that [`put_in`] writes.
pub(crate) fn found(text: &str, service: &str) -> Result<Option<String>, Edited> {
    match place(text, service) {
        None => Ok(None),
        Some((_, block, _)) if is_written(block, service) => Ok(Some(block.to_owned())),
        Some(_) => Err(Edited),
    }
}

/// Splits a text into what is in front of a service's block, the block, and what is behind. A block
/// that does not end goes to the end of the text.
fn place<'a>(text: &'a str, service: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let line =
        |(before, after): (&str, &str)| text_of(format!("{before}{service}{after}").as_bytes());
    let (begin, end) = (line(BEGIN), line(END));
    let mut at = 0;
    let mut start = None;
    for line in text.split_inclusive('\n') {
        let next = at + line.len();
        match start {
            None if line.trim_end() == begin => start = Some(at),
            Some(start) if line.trim_end() == end => {
                return Some((text.get(..start)?, text.get(start..next)?, text.get(next..)?));
            }
            _ => {}
        }
        at = next;
    }
    start.and_then(|start| Some((text.get(..start)?, text.get(start..)?, "")))
}

/// Tells whether a block is one that [`Only::block`] makes: it is made again of what it says.
fn is_written(block: &str, service: &str) -> bool {
    let value = |name: &str| {
        let mut lines = block.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \"")?.strip_suffix('"'))
    };
    let group = value("group").map(super::bytes_of);
    let group = group.map(String::from_utf8).transpose();
    let last = value("ask").and_then(|ask| ask.strip_prefix("enrol-by "));
    let last = last.map(|last| last.parse::<FirstDay>().map_err(drop)).transpose();
    let (Ok(group), Ok(last)) = (group, last) else { return false };
    let from = last.map(|last| FirstDay { begin: last.begin.saturating_add(DAY) });
    Only { group, from }.block(service) == block
}

/// Returns the file with a block for a service, in the place of one that is there.
///
/// # Errors
///
/// [`Edited`].
pub(crate) fn put_in(text: &str, service: &str, only: &Only) -> Result<String, Edited> {
    found(text, service)?;
    Ok(with(text, service, Some(&only.block(service))))
}

/// Returns the file without the block of a service.
///
/// # Errors
///
/// [`Edited`].
pub(crate) fn take_out(text: &str, service: &str) -> Result<String, Edited> {
    found(text, service)?;
    Ok(with(text, service, None))
}

/// Returns the file with this block of a service, or without one. A new one stands at the end.
fn with(text: &str, service: &str, block: Option<&str>) -> String {
    let block = block.unwrap_or_default();
    match place(text, service) {
        Some((before, _, behind)) => format!("{before}{block}{behind}"),
        None if text.is_empty() || text.ends_with('\n') || block.is_empty() => {
            format!("{text}{block}")
        }
        None => format!("{text}\n{block}"),
    }
}

/// Takes a change back in a file that somebody has edited since: blocks are again what they were, and
/// the rest stays.
///
/// # Errors
///
/// [`Edited`], if a block that was changed is another one now.
pub(super) fn undo(before: &str, after: &str, present: &str) -> Result<String, Edited> {
    let mut text = present.to_owned();
    for service in services(after).into_iter().chain(services(before)) {
        let block = |text: &str| place(text, &service).map(|(_, block, _)| block.to_owned());
        let (old, new, now) = (block(before), block(after), block(&text));
        if old == new || now == old {
            continue;
        }
        if now != new {
            return Err(Edited);
        }
        text = with(&text, &service, old.as_deref());
    }
    Ok(text)
}

/// Returns the services that have a block.
fn services(text: &str) -> Vec<String> {
    let name = |line: &str| {
        line.trim_end().strip_prefix(BEGIN.0)?.strip_suffix(BEGIN.1).map(str::to_owned)
    };
    let bytes = |name: String| String::from_utf8(super::bytes_of(&name)).ok();
    text.lines().filter_map(name).filter_map(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::{Edited, FirstDay, Only, found, is_plain, put_in, take_out, undo};
    use crate::enable::text_of;

    const CONF: &str = "# mine\nwindow_steps = 2\n";

    fn only(group: Option<&str>, from: Option<&str>) -> Only {
        let from = from.map(|day| day.parse().unwrap());
        Only { group: group.map(str::to_owned), from }
    }

    #[test]
    fn members_are_asked_and_everybody_else_is_not() {
        let text = put_in(CONF, "sshd", &only(Some("staff"), None)).unwrap();
        let block = "# Who is asked at sshd: written by \"fobctl enable\".\n\
            [[rule]]\ngroup = \"staff\"\nservice = \"sshd\"\nask = \"require\"\n\
            [[rule]]\nservice = \"sshd\"\nask = \"ignore\"\n\
            # What \"fobctl enable\" wrote for sshd ends here.\n";
        assert_eq!(text, format!("{CONF}{block}"));
    }

    #[test]
    fn the_last_day_to_enrol_is_the_one_before_everybody_is_asked() {
        for (from, last) in [
            ("2027-01-01", "2026-12-31"),
            ("2028-03-01", "2028-02-29"),
            ("1970-01-02", "1970-01-01"),
        ] {
            let text = put_in("", "su", &only(None, Some(from))).unwrap();
            let rule = format!("[[rule]]\nservice = \"su\"\nask = \"enrol-by {last}\"\n#");
            assert!(text.contains(&rule), "{text}");
            assert_eq!(from.parse::<FirstDay>().unwrap().to_string(), from);
        }
        let both = put_in("", "su", &only(Some("staff"), Some("2027-01-01"))).unwrap();
        assert!(
            both.contains("group = \"staff\"\nservice = \"su\"\nask = \"enrol-by 2026-12-31\"\n")
        );
        assert!(both.contains("[[rule]]\nservice = \"su\"\nask = \"ignore\"\n"));
    }

    #[test]
    fn a_day_is_written_in_one_form_and_is_one_of_the_calendar() {
        for text in
            ["2027-02-29", "2027-1-01", "1.1.2027", "1970-01-01", "", "2027-01-01-", "+027-01-01"]
        {
            assert!(text.parse::<FirstDay>().is_err(), "{text}");
        }
        let from: FirstDay = "2027-01-01".parse().unwrap();
        assert!(!from.has_begun(1_798_761_599) && from.has_begun(1_798_761_600));
    }

    #[test]
    fn what_was_put_in_is_found_replaced_and_taken_out() {
        for rule in [
            only(Some("staff"), None),
            only(Some("M\u{fc}nchen \u{4e2d}"), Some("2027-01-01")),
            only(None, Some("2027-01-01")),
        ] {
            let text = put_in(CONF, "sudo", &rule).unwrap();
            assert!(
                found(&text, "sudo").unwrap().is_some() && found(&text, "su").unwrap().is_none()
            );
            assert_eq!(put_in(&text, "sudo", &rule).unwrap(), text);
            assert_eq!(take_out(&text, "sudo").unwrap(), CONF);
            // One behind it stays where it is.
            let two = put_in(&text, "sudo-i", &rule).unwrap();
            let other = put_in(&two, "sudo", &only(Some("wheel"), None)).unwrap();
            assert_eq!(take_out(&other, "sudo").unwrap(), put_in(CONF, "sudo-i", &rule).unwrap());
        }
    }

    #[test]
    fn a_file_without_a_line_end_gets_one() {
        let text = put_in("a = 1", "su", &only(Some("a"), None)).unwrap();
        assert!(text.starts_with("a = 1\n# Who"), "{text}");
    }

    #[test]
    fn a_block_of_somebody_elses_hand_is_left() {
        let text = put_in(CONF, "su", &only(Some("staff"), None)).unwrap();
        for edited in [
            text.replace("\"require\"", "\"ignore\""),
            text.replace("\"staff\"", "[\"staff\", \"sudo\"]"),
            text.replace("[[rule]]\nserv", "# and\n[[rule]]\nserv"),
            text.replace("# What", "# that"),
        ] {
            assert_ne!(edited, text);
            assert_eq!(found(&edited, "su"), Err(Edited), "{edited}");
            assert_eq!(put_in(&edited, "su", &only(None, Some("2027-01-01"))), Err(Edited));
            assert_eq!(take_out(&edited, "su"), Err(Edited));
            assert_eq!(undo(CONF, &text, &edited), Err(Edited));
        }
    }

    #[test]
    fn an_edit_elsewhere_stays_when_a_change_is_taken_back() {
        let staff = put_in(CONF, "su", &only(Some("staff"), None)).unwrap();
        let wheel = put_in(&staff, "su", &only(Some("wheel"), None)).unwrap();
        let edit = |text: &str| text.replace("# mine", "# yours");
        assert_eq!(undo(CONF, &staff, &edit(&staff)).unwrap(), edit(CONF));
        assert_eq!(undo(&staff, &wheel, &edit(&wheel)).unwrap(), edit(&staff));
        assert_eq!(undo(&staff, CONF, &edit(CONF)).unwrap(), edit(&staff));
        // It was taken back already.
        assert_eq!(undo(CONF, &staff, &edit(CONF)).unwrap(), edit(CONF));
    }

    #[test]
    fn a_name_that_quotes_would_not_hold_is_none() {
        assert!(is_plain("domain users") && is_plain("M\u{fc}nchen"));
        for name in ["", "a\"b", "a\\b", "a\nb"] {
            assert!(!is_plain(name), "{name:?}");
        }
        assert_eq!(text_of("\u{fc}".as_bytes()).chars().count(), 2);
    }
}
