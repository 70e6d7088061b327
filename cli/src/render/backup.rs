//! What a backup holds, and what a restore did.

use fob_api::{BackupReport, RestoreNote, RestoreReport};

use super::{NOTHING, printable, table, time, word};

/// Whether a restore was carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tense {
    /// It was.
    Done,
    /// It was only tried.
    Would,
}

/// Returns the sentence on a backup that was made.
pub(crate) fn backup_sentence(report: &BackupReport, name: &str) -> String {
    let tokens = tokens(report.tokens.unwrap_or_default());
    let name = printable(name);
    format!(
        "{tokens} backed up in {name}. Keep what opens it apart from it: without that nobody can."
    )
}

/// Returns what a restore did: counts, and a table of what an administrator should know.
pub(crate) fn restore_report(report: &RestoreReport, tense: Tense) -> String {
    let taken = report.taken.map_or_else(|| NOTHING.to_owned(), time::iso);
    let mut text = format!("Backup of {}, {taken}.\n", word(report.host.as_deref()));
    let count = Option::unwrap_or_default;
    let would = if tense == Tense::Would { "would be " } else { "" };
    text.push_str(&format!(
        "{} {would}brought in, {} {would}changed, {} as good or newer here, {} skipped.\n",
        tokens(count(report.added)),
        count(report.merged),
        count(report.unchanged),
        count(report.skipped),
    ));
    let notes = report.notes.as_deref().unwrap_or_default();
    if !notes.is_empty() {
        let head = ["TOKEN", "USER", "NOTE"].map(str::to_owned);
        let rows = notes
            .iter()
            .map(|note| [word(note.serial.as_deref()), word(note.user.as_deref()), sentence(note)]);
        text.push('\n');
        text.push_str(&table(std::iter::once(head).chain(rows).collect()));
    }
    if let Some(more) = report.more.filter(|more| *more > 0) {
        text.push_str(&format!("… and {more} more.\n"));
    }
    if let Some(foreign) = report.foreign.filter(|foreign| *foreign > 0) {
        text.push_str(&format!(
            "\nForgotten tokens of that host whose serials are in use here: {foreign}. Nothing of \
             them was kept.\n"
        ));
    }
    let recovery = report.recovery.as_deref().unwrap_or_default();
    if !recovery.is_empty() {
        text.push_str("\nRecovery codes do not come back. Make new ones:\n");
        for user in recovery {
            text.push_str(&format!("  fobctl recovery {}\n", printable(user)));
        }
    }
    if tense == Tense::Done {
        text.push_str("\nCodes that were shown until now are refused; the next ones are good.\n");
    }
    text
}

fn tokens(count: u32) -> String {
    if count == 1 { "1 token".to_owned() } else { format!("{count} tokens") }
}

/// Returns what a note says, with the remedy.
fn sentence(note: &RestoreNote) -> String {
    let user = note.user.as_deref().map_or_else(|| "USER".to_owned(), printable);
    let (serial, other) = (word(note.serial.as_deref()), word(note.other.as_deref()));
    match note.what.as_deref() {
        Some("forgotten") => "in stock: it was forgotten here since the backup".to_owned(),
        Some("has_another") => format!("in stock: {user} has token {other} here"),
        Some("lost") => "lost: it never signs in".to_owned(),
        Some("no_such_user") => {
            format!("in stock: no such user here by name and uid; fobctl assign NAME {serial}")
        }
        Some("other_seed") => {
            "skipped: another seed or other parameters have this serial here".to_owned()
        }
        Some("same_seed") => format!("skipped: token {other} has this seed here"),
        Some("unfenced") => {
            format!("in stock: its used codes are not known; fobctl assign {user} {serial}")
        }
        other => word(other),
    }
}

#[cfg(test)]
mod tests {
    use fob_api::{BackupReport, RestoreNote, RestoreReport};

    use super::{Tense, backup_sentence, restore_report};

    fn note(serial: &str, user: Option<&str>, what: &str, other: Option<&str>) -> RestoreNote {
        RestoreNote {
            serial: Some(serial.to_owned()),
            user: user.map(str::to_owned),
            what: Some(what.to_owned()),
            other: other.map(str::to_owned),
        }
    }

    #[test]
    fn a_backup_is_told_in_one_sentence() {
        let report = BackupReport { tokens: Some(1), ..BackupReport::default() };
        assert_eq!(
            backup_sentence(&report, "b\u{1b}.age"),
            "1 token backed up in b\u{fffd}.age. Keep what opens it apart from it: without that \
             nobody can."
        );
    }

    #[test]
    fn a_restore_tells_what_needs_an_administrator() {
        let report = RestoreReport {
            host: Some("alpha".to_owned()),
            taken: Some(1_800_000_000),
            added: Some(3),
            merged: Some(1),
            unchanged: Some(0),
            lost: Some(1),
            skipped: Some(1),
            foreign: Some(2),
            notes: Some(vec![
                note("A1", Some("alice"), "lost", None),
                note("B2", Some("bob"), "has_another", Some("C3")),
                note("D4", Some("carol"), "unfenced", None),
            ]),
            more: Some(5),
            recovery: Some(vec!["alice".to_owned()]),
        };
        assert_eq!(
            restore_report(&report, Tense::Done),
            "Backup of alpha, 2027-01-15T08:00:00Z.\n\
             3 tokens brought in, 1 changed, 0 as good or newer here, 1 skipped.\n\
             \n\
             TOKEN  USER   NOTE\n\
             A1     alice  lost: it never signs in\n\
             B2     bob    in stock: bob has token C3 here\n\
             D4     carol  in stock: its used codes are not known; fobctl assign carol D4\n\
             … and 5 more.\n\
             \n\
             Forgotten tokens of that host whose serials are in use here: 2. Nothing of them was \
             kept.\n\
             \n\
             Recovery codes do not come back. Make new ones:\n  fobctl recovery alice\n\
             \n\
             Codes that were shown until now are refused; the next ones are good.\n"
        );
    }

    #[test]
    fn a_dry_run_is_told_as_one() {
        let report = RestoreReport { added: Some(2), ..RestoreReport::default() };
        let text = restore_report(&report, Tense::Would);
        assert!(text.contains("2 tokens would be brought in, 0 would be changed"), "{text}");
        assert!(!text.contains("refused"), "{text}");
    }
}
