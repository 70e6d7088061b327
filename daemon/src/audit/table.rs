//! The tables of events and fields as people read them: `packaging/events.md`.

use std::fmt::Write as _;

use super::{Field, Name};

/// What stands above the tables.
const ABOUT: &str = "# fobd's events

fobd tells one event for each decision and each change: to the journal, with the fields below, and
to its own log, which `fobctl log` shows. One event is one line; codes and seeds are in none.

`journalctl FOB_USER=alice` shows what concerns a user, `journalctl MESSAGE_ID=…` one kind of event,
`journalctl -u fobd -p warning` what is loud. A MESSAGE_ID never changes.

This page is made of the program's tables: `cargo run -q -p fobd --example events`.
";

/// Returns the page.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(ABOUT);
    text.push_str("\n## Events\n\n| `FOB_EVENT` | priority | what it says | `MESSAGE_ID` |\n");
    text.push_str("| --- | --- | --- | --- |\n");
    for name in Name::ALL {
        let row = name.row();
        let (priority, about) = (row.priority.word(), row.about);
        let _ = writeln!(text, "| `{}` | {priority} | {about} | `{}` |", row.word, row.message_id);
    }
    text.push_str("\n## Fields\n\n| in the journal | in the log | what it says |\n");
    text.push_str("| --- | --- | --- |\n");
    for field in Field::ALL {
        let row = field.row();
        let _ = writeln!(text, "| `{}` | `{}` | {} |", row.journal, row.word, row.about);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn the_published_page_is_the_table() {
        let published = include_str!("../../../packaging/events.md");
        assert!(
            published == markdown(),
            "run: cargo run -q -p fobd --example events > packaging/events.md"
        );
    }
}
