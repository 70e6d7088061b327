//! The page `tests/bench/README.md`: its tables are those of the last run with `--write`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use super::{Results, counts::Counts, goals, profile, table};

/// What stands around the tables in the page.
const MARKS: [&str; 2] = ["<!-- written by tests/bench/run --write -->\n", "<!-- end -->\n"];

/// Puts the tables together.
pub(super) fn tables(about: &str, results: &Results) -> String {
    let mut text = format!("\n### The machine\n\n{about}");
    text.push_str(&goals::table(results));
    text.push_str(&parts(results));
    text.push_str(&table::growth(&results.sheets));
    results.sheets.iter().for_each(|sheet| text.push_str(&table::times(sheet)));
    let usual = results.sheets.iter().find(|sheet| sheet.tokens == super::USUAL);
    if let Some(sheet) = usual {
        text.push_str(&table::same(sheet));
        text.push_str(&table::bursts(&results.bursts, sheet.tokens));
        text.push_str(&table::costs(&results.hosted, &results.served));
        text.push_str(&profile::tables(&results.profile));
    }
    if let Some(load) = results.load {
        let _ = writeln!(
            text,
            "\n64 connections held: {:.0} accepted codes per second through the peer socket; the \
             store alone, 64 tasks in one process: {:.0} commits per second.",
            load.peer, load.store
        );
    }
    let code = results.one_code;
    let _ = writeln!(
        text,
        "\nOne code from 64 processes at once: exactly one accepted in {} of {} rounds.",
        code.one, code.rounds
    );
    text
}

/// Returns the table of what each part of a sign-in costs.
fn parts(results: &Results) -> String {
    let Some(sheet) = results.sheets.iter().find(|sheet| sheet.tokens == super::USUAL) else {
        return String::new();
    };
    let mut text = format!(
        "\n### What each part costs: right code, fresh process, {} tokens\n\n\
         | part | p50 (µs) | instructions |\n| --- | --- | --- |\n",
        table::grouped(sheet.tokens)
    );
    for (name, what, count) in table::parts(&results.counts) {
        let time = what.map_or(String::new(), |what| table::micros(sheet.of(what).work.median()));
        let _ = writeln!(text, "| {name} | {time} | {count} |");
    }
    let floor = sheet.floor().unwrap_or_default();
    let whole = sheet.median(table::FOBS).unwrap_or_default();
    let _ = writeln!(text, "| the floor: libpam + socket + fdatasync | {:.0} | |", floor / 1e3);
    let _ = writeln!(text, "| **Fob, all of it** | {:.0} | |", whole / 1e3);
    let _ = writeln!(text, "| what Fob adds to the floor | {:.0} | |", (whole - floor) / 1e3);
    text
}

/// Puts the tables into the page.
///
/// # Panics
///
/// If the page has lost its marks.
pub fn write(tables: &str) {
    let page = fs::read_to_string(page()).unwrap();
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    let text = format!("{before}{}{tables}\n{}{after}", MARKS[0], MARKS[1]);
    fs::write(self::page(), text).unwrap();
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/README.md")
}

/// Returns each count with the most that it may be, as `tests/bench/BOUNDS.md` says.
///
/// # Panics
///
/// If a row is missing there.
#[must_use]
pub fn bounds(counts: &Counts) -> [(&'static str, u64, u64); 2] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/BOUNDS.md");
    let text = fs::read_to_string(path).unwrap();
    [("module", counts.module), ("daemon", counts.daemon)].map(|(name, count)| {
        let mut rows = text.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
        let row = rows.find(|row| row.get(1) == Some(&name)).unwrap();
        (name, count, row[2].replace(' ', "").parse().unwrap())
    })
}
