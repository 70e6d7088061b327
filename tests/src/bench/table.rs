//! The tables of a run, in Markdown.

use std::fmt::Write as _;

use super::{
    floors::Floor,
    house::Contender,
    series::{Code, Series, Sheet, What},
};

/// Returns the table of medians and p99 of one number of tokens.
pub(super) fn times(sheet: &Sheet) -> String {
    let mut text = format!(
        "\n{} tokens, one sign-in at a time, each from a fresh process (µs)\n\n\
         | what | code | p50 | p99 | held back | CPU of the host | of Fob's | n | odd |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        grouped(sheet.tokens)
    );
    let floors = Floor::ALL.map(|floor| (What::Floor(floor), floor.name(), ""));
    let right = Contender::ALL.map(|c| (What::Fresh(c, Code::Right), c.name(), "right"));
    let others = [Code::Wrong, Code::Replayed].map(|code| {
        Contender::CHECKING.map(|c| (What::Fresh(c, code), c.name(), code.word()))
    });
    for (what, name, code) in floors.into_iter().chain(right).chain(others.into_iter().flatten()) {
        line(&mut text, sheet, what, (name, code));
    }
    text
}

fn line(text: &mut String, sheet: &Sheet, what: What, (name, code): (&str, &str)) {
    let Series { took, work, cpu } = sheet.of(what);
    if took.count() == 0 {
        return;
    }
    let kind = match what {
        What::Fresh(_, kind) | What::Same(_, kind) => Some(kind),
        What::Floor(_) => None,
    };
    let ours = kind.and_then(|kind| sheet.ratio(what, What::Fresh(Contender::Fob, kind)));
    let ours = ours.map_or(String::new(), |ratio| format!("{ratio:.2} ×"));
    let held = took.median().saturating_sub(work.median());
    let cpu = if kind.is_some() { micros(cpu.median()) } else { String::new() };
    let held = if held > 1_000_000 { micros(held) } else { String::new() };
    let odd = sheet.odd.get(&what).copied().unwrap_or_default();
    let _ = writeln!(
        text,
        "| {name} | {code} | {} | {} | {held} | {cpu} | {ours} | {} | {odd} |",
        micros(work.median()),
        micros(work.percentile(99)),
        took.count(),
    );
}

/// Writes nanoseconds as microseconds.
pub(super) fn micros(nanoseconds: u64) -> String {
    grouped(usize::try_from((nanoseconds + 500) / 1000).unwrap_or_default())
}

/// Writes a number with spaces between groups of three digits.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
