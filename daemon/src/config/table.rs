//! The table of numbers as people read it: `fobd --check-config`, the sample file, the README.

use std::fmt::Write as _;

use super::read::Loaded;
use crate::decide::{
    policy::{Allowed, Policy, Row},
    rule::Rules,
};

/// Columns of a line of the sample.
const WIDTH: usize = 96;
/// What stands above the settings of the sample.
const ABOUT: &str = "fobd's configuration (TOML). fobd reads it when it starts, as \
    /etc/fob/fobd.conf, and takes it only from root: nobody else may own it or be able to write it. \
    What is not set has its default; the lines below show them. After a change run \"fobd \
    --check-config\", then \"systemctl restart fobd\": with a mistake in this file fobd does not \
    start, and nobody passes the code prompt.";

/// What the sample says about rules.
const RULES: &str = "Rules about who is asked. They stand behind all settings, 64 at most, each \
    under a line [[rule]]. The first that matches decides, and outweighs nullok of a PAM line; where \
    none does, everybody is asked, but for nullok. Without a rule nobody is exempt, and no network is \
    trusted.";
/// What it says about their selectors.
const SELECTORS: &str = "user, group, service (of PAM) and network, each a word or a list of words: \
    all that are given must match, each by one of its words. uid 0 is \"root\". A network is an \
    address or \"192.0.2.0/24\", and matches no sign-in on the host itself. Another end that its \
    service names by no address is in no network that exempts, and in each that require names. A \
    network proves little: who is in it, or takes a machine there over, is not asked either.";
/// What it says about what they say.
const ASK: &str = "ask = \"require\": everybody is asked. \"ignore\": nobody is. \"enrol-by \
    2026-12-31\": until the end of that day (UTC) nobody is asked who never had a token, and has no \
    recovery or temporary code; then everybody is. Nobody is exempt who does not exist, and root \
    only by a rule with user = \"root\". A group that the host does not know counts only for \
    require; where the host cannot say who is in one, nobody is exempt.";
/// Rules as people may want them, commented out.
const EXAMPLE: &str = "#[[rule]]\n#user = \"root\"\n#ask = \"require\"\n\n\
    #[[rule]]\n#group = [\"sudo\", \"staff\"]\n#service = \"sshd\"\n#ask = \"enrol-by 2026-12-31\"\n\n\
    #[[rule]]\n#user = \"backup\"\n#service = \"sshd\"\n#network = [\"192.0.2.7\", \"2001:db8::/64\"]\n\
    #ask = \"ignore\"\n";

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
    text.push_str(&rules(&settings.rules));
    text
}

/// Returns the rules in force, one line each; nothing if there are none.
fn rules(rules: &Rules) -> String {
    let mut text = String::new();
    for (number, rule) in (1_u32..).zip(&rules.0) {
        if number == 1 {
            text.push_str("\nRULES (the first that matches decides)\n");
        }
        let _ = writeln!(text, "{number}  line {}  {rule}", rule.line);
    }
    text
}

/// Returns the documented sample: every setting at its default, and rules, commented out.
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
    for about in [RULES, SELECTORS, ASK] {
        text.push('\n');
        text.push_str(&comment(about));
    }
    text.push('\n');
    text + EXAMPLE
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
