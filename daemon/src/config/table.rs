//! The table of numbers as people read it: `fobd --check-config`, the sample file, the README.

use std::fmt::Write as _;

use super::read::Loaded;
use crate::decide::policy::{Allowed, Policy, Row};

/// Columns of a line of the sample.
const WIDTH: usize = 96;
/// What stands above the settings of the sample.
const ABOUT: &str = "fobd's configuration (TOML). fobd reads it when it starts, as \
    /etc/fob/fobd.conf, and takes it only from root: nobody else may own it or be able to write it. \
    What is not set has its default; the lines below show them. After a change run \"fobd \
    --check-config\", then \"systemctl restart fobd\": with a mistake in this file fobd does not \
    start, and nobody passes the code prompt.";

/// Returns the numbers in force, one line each, with unit, range and source.
#[must_use]
pub fn in_force(loaded: &Loaded) -> String {
    let path = loaded.path.display();
    let settings = loaded.found.clone().unwrap_or_default();
    let heading = ["SETTING", "VALUE", "UNIT", "RANGE", "SOURCE"].map(str::to_owned);
    let mut lines = vec![heading];
    for row in Policy::TABLE {
        let source = match settings.lines.get(row.key) {
            Some(line) => format!("{path}, line {line}"),
            None => "default".to_owned(),
        };
        lines.push([
            row.key.to_owned(),
            row.get(&settings.policy).to_string(),
            row.unit.to_owned(),
            row.allowed.to_string(),
            source,
        ]);
    }
    let mut text = match loaded.found {
        Some(_) => format!("{path} is as it should be.\n\n"),
        None => format!("{path} is not there: every number has its default.\n\n"),
    };
    let widths: [usize; 5] = std::array::from_fn(|column| {
        lines.iter().filter_map(|line| line.get(column)).map(String::len).max().unwrap_or_default()
    });
    for line in &lines {
        let cells: Vec<String> =
            line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Returns the documented sample: every setting at its default, commented out.
#[must_use]
pub fn sample() -> String {
    let mut text = comment(ABOUT);
    for row in Policy::TABLE {
        let default = row.get(&Policy::DEFAULT);
        text.push('\n');
        text.push_str(&comment(row.about));
        text.push_str(&comment(&format!("Why {default}: {}.", row.reason)));
        text.push_str(&comment(&format!("{}: {}.", range(row), row.limits)));
        let _ = writeln!(text, "#{} = {default}", row.key);
    }
    text
}

/// Returns the README's table, in Markdown. The reasons stand in the sample.
#[must_use]
pub fn markdown() -> String {
    let mut text =
        String::from("| setting | default | range | what it is |\n| --- | --- | --- | --- |\n");
    for row in Policy::TABLE {
        let (default, about) = (row.get(&Policy::DEFAULT), row.about.trim());
        let _ = writeln!(text, "| `{}` | {default} | {} | {about} |", row.key, row.allowed);
    }
    text
}

/// Returns a setting's range as the start of a sentence.
pub(super) fn range(row: &Row<Policy>) -> String {
    match row.allowed {
        Allowed::Numbers { least, most } if least == most => format!("Only {least}"),
        Allowed::Numbers { .. } => format!("From {}", row.allowed),
        Allowed::Words(_) => row.allowed.to_string(),
    }
}

/// Returns a text as lines of a comment.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("# {word}")),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests;
