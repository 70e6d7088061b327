//! The table of what each module did: `tests/DIFFERENTIAL.md`.

use std::{fmt::Write as _, path::PathBuf};

use super::{
    Scenario,
    cell::{ABOUT, Cell},
    families,
    module::Module,
};

/// What was seen: a row for each scenario, a cell for each module that ran.
pub struct Table {
    rows: Vec<(Scenario, Vec<(Module, Cell)>)>,
}

const HEAD: &str = "# Three modules, the same scenarios

Written by `cargo run -p fob-tests --bin differential -- --write`, as root on Debian 12 with the
packages libpam-google-authenticator (20191231-2) and libpam-oath (2.6.7-3.1+deb12u1); without
`--write` it prints. `tests/tests/differential.rs` compares Fob's column on each run of the tests.

Each scenario runs through libpam, in the same small host, with the same seeds, on a clock of its
own. What a safe module must do was written down before any of them answered. A sign-in is
*accepted* (`PAM_SUCCESS`), *refused*, *ignored* (`PAM_IGNORE`: the stack goes on without it) or an
*error* (any other result: nobody signs in); *about* says that the numbers depend on who was quicker.
**unsafe**: somebody got in, or could, who must not, or a mistake in the line was passed over.
**locks out**: the owner was refused. What stands behind a semicolon is not compared.

google-authenticator: `~/.google_authenticator` as its own program writes it with the answers that it
recommends (DISALLOW_REUSE, RATE_LIMIT 3 30, window 3). pam_oath: a `users.oath` of root's, no other
option than `usersfile`. Fob: no option, `clock = \"trusted\"`.
";

impl Table {
    /// Begins a table of these rows.
    pub fn new(rows: Vec<(Scenario, Vec<(Module, Cell)>)>) -> Self {
        Self { rows }
    }

    /// Returns the whole page.
    pub fn page(&self) -> String {
        let mut page = HEAD.to_owned();
        let mut notes = Vec::new();
        for (title, scenarios) in families() {
            let mine = self
                .rows
                .iter()
                .filter(|(row, _)| scenarios.iter().any(|scenario| scenario.name == row.name));
            let _ = write!(page, "\n## {title}\n\n| scenario | a safe module must |");
            for module in self.modules() {
                let _ = write!(page, " {} |", module.name());
            }
            page += &format!("\n|{}\n", " --- |".repeat(2 + self.modules().len()));
            for (scenario, cells) in mine {
                let _ = write!(page, "| {} | {} |", scenario.name, scenario.safe);
                for (module, cell) in cells {
                    let _ = write!(page, " {}{} |", cell, note(&mut notes, *module, cell));
                }
                page.push('\n');
            }
        }
        for (at, text) in notes.iter().enumerate() {
            let _ = write!(page, "\n[^{}]: {text}", at + 1);
        }
        if !notes.is_empty() {
            page.push('\n');
        }
        page + &self.sums()
    }

    fn modules(&self) -> Vec<Module> {
        self.rows
            .first()
            .map(|(_, cells)| cells.iter().map(|(module, _)| *module).collect())
            .unwrap_or_default()
    }

    /// Returns how many scenarios ended in which fault.
    fn sums(&self) -> String {
        let mut text = format!("\n## Sums of {} scenarios\n\n", self.rows.len());
        for module in self.modules() {
            let cells =
                || self.rows.iter().flat_map(|(_, cells)| cells).filter(|(of, _)| *of == module);
            let mut counts = std::collections::BTreeMap::new();
            for fault in cells().flat_map(|(_, cell)| cell.faults()) {
                *counts.entry(fault).or_insert(0_u32) += 1;
            }
            let counts: Vec<String> =
                counts.iter().map(|(fault, count)| format!("{fault} in {count}")).collect();
            let skipped = cells().filter(|(_, cell)| cell.reason().is_some()).count();
            let counts = if counts.is_empty() { "no fault".to_owned() } else { counts.join(", ") };
            let _ = writeln!(text, "- {}: {counts}; {skipped} do not apply", module.name());
        }
        text
    }
}

fn note(notes: &mut Vec<String>, module: Module, cell: &Cell) -> String {
    let Some(reason) = cell.reason() else { return String::new() };
    let text = format!("{} {reason}.", module.name());
    let at = notes.iter().position(|note| *note == text).unwrap_or_else(|| {
        notes.push(text);
        notes.len() - 1
    });
    format!("[^{}]", at + 1)
}

/// Returns where the table is kept.
pub fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/DIFFERENTIAL.md"))
}

/// Returns what of a cell is compared: faults and counts, no remarks and no footnotes.
pub fn essence(cell: &str) -> &str {
    let cell = cell.split(';').next().unwrap_or_default();
    let cell = cell.split(ABOUT).next().unwrap_or_default();
    cell.split("[^").next().unwrap_or_default().trim()
}

/// Reads Fob's cells from a page: by scenario, the essence of the last column.
pub fn fobs(page: &str) -> Vec<(String, String)> {
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    rows.filter_map(|line| {
        let mut cells = line.trim_matches('|').split(" | ");
        let name = cells.next()?.trim().to_owned();
        let last = cells.last()?;
        (name != "scenario").then(|| (name, essence(last.trim_end_matches(" |")).to_owned()))
    })
    .collect()
}
