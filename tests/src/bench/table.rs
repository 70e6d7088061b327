//! The tables of a run, in Markdown.

use std::fmt::Write as _;

use super::{
    bursts::Burst,
    costs::{Hosted, Served},
    counts::Counts,
    floors::Floor,
    house::Contender,
    series::{Code, Series, Sheet, What},
};

/// Returns the table of medians and p99 of one number of tokens.
pub(super) fn times(sheet: &Sheet) -> String {
    let mut text = format!(
        "\n### {} tokens: one at a time, a fresh process each (µs)\n\n\
         | what | code | p50 | p99 | held back | CPU of the host | of Fob's | n | odd |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        grouped(sheet.tokens)
    );
    let floors = Floor::ALL.map(|floor| (What::Floor(floor), floor.name(), ""));
    let right = Contender::ALL.map(|c| (What::Fresh(c, Code::Right), c.name(), "right"));
    let others = [Code::Wrong, Code::Replayed]
        .map(|code| Contender::CHECKING.map(|c| (What::Fresh(c, code), c.name(), code.word())));
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
    let fobs = match what {
        What::Fresh(_, kind) => Some(What::Fresh(Contender::Fob, kind)),
        What::Same(_, kind) => Some(What::Same(Contender::Fob, kind)),
        What::Floor(_) => None,
    };
    let ours = fobs.and_then(|fobs| sheet.ratio(what, fobs));
    let ours = ours.map_or(String::new(), |ratio| format!("{ratio:.2} ×"));
    let held = took.median().saturating_sub(work.median());
    let cpu = if fobs.is_some() { micros(cpu.median()) } else { String::new() };
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

/// Fob's right code from a fresh process.
pub(super) const FOBS: What = What::Fresh(Contender::Fob, Code::Right);

/// Returns the parts of a sign-in: name, the series that measures it alone, instructions.
pub(super) fn parts(counts: &Counts) -> [(&'static str, Option<What>, String); 5] {
    let spell = |count| grouped(usize::try_from(count).unwrap_or_default());
    let libpam = What::Fresh(Contender::Permit, Code::Right);
    [
        ("libpam alone, from pam_start to pam_end", Some(libpam), spell(counts.libpam)),
        ("a round trip by a unix socket", Some(What::Floor(Floor::Socket)), String::new()),
        ("4 KiB and fdatasync", Some(What::Floor(Floor::Sync)), String::new()),
        ("pam_fob in the host process", None, spell(counts.module)),
        ("fobd", None, spell(counts.daemon)),
    ]
}

/// Returns the table of sign-ins of one process that has loaded the module before.
pub(super) fn same(sheet: &Sheet) -> String {
    let mut text = format!(
        "\n### One process, module loaded before, {} tokens (µs)\n\n\
         | what | code | p50 | p99 | held back | CPU of the host | of Fob's | n | odd |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        grouped(sheet.tokens)
    );
    for code in [Code::Right, Code::Wrong, Code::Replayed] {
        for contender in Contender::CHECKING {
            let names = (contender.name(), code.word());
            line(&mut text, sheet, What::Same(contender, code), names);
        }
    }
    text
}

/// Returns the table of how the median of a right code grows with the number of tokens.
pub(super) fn growth(sheets: &[Sheet]) -> String {
    let mut text =
        "\n### How it grows: right code, fresh process, p50 (µs)\n\n| tokens |".to_owned();
    let right = |contender| What::Fresh(contender, Code::Right);
    for contender in Contender::ALL {
        let _ = write!(text, " {} |", contender.name());
    }
    text.push_str(" Fob / google | Fob / oath | Fob / floor |\n|");
    text.push_str(&" --- |".repeat(Contender::ALL.len() + 4));
    for sheet in sheets {
        let _ = write!(text, "\n| {} |", grouped(sheet.tokens));
        for contender in Contender::ALL {
            let _ = write!(text, " {} |", micros(sheet.of(right(contender)).work.median()));
        }
        let [google, oath] = [Contender::Google, Contender::Oath]
            .map(|peer| sheet.ratio(right(Contender::Fob), right(peer)).unwrap_or_default());
        let fob = sheet.median(right(Contender::Fob)).unwrap_or_default();
        let floor = fob / sheet.floor().unwrap_or(f64::INFINITY);
        let _ = write!(text, " {google:.2} | {oath:.4} | {floor:.2} |");
    }
    text.push('\n');
    text
}

/// Returns the table of many at once.
pub(super) fn bursts(bursts: &[Burst], tokens: usize) -> String {
    let mut text = format!(
        "\n### At once: right codes of different users, a fresh process each, {} tokens\n\n\
         | at once | what | accepted | per second | p50 (µs) | p99 (µs) | syncs per accepted |\n\
         | --- | --- | --- | --- | --- | --- | --- |\n",
        grouped(tokens)
    );
    for burst in bursts {
        let accepted = 100.0 * burst.accepted as f64 / burst.tried.max(1) as f64;
        let _ = writeln!(
            text,
            "| {} | {} | {accepted:.1} % of {} | {} | {} | {} | {:.2} |",
            burst.at_once,
            burst.contender.name(),
            grouped(burst.tried),
            grouped(burst.rate() as usize),
            micros(burst.took.median()),
            micros(burst.took.percentile(99)),
            burst.syncs_each(),
        );
    }
    text
}

/// Returns the tables of what a sign-in costs besides time.
pub(super) fn costs(hosted: &[Hosted], served: &Served) -> String {
    let mut text = "\n### What a right code costs the host process besides\n\n\
         | what | KiB of its own while loaded | of files besides | KiB left | bytes written | \
         system calls | threads made | threads, descriptors left | bytes left by 63 more |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for Hosted { contender, loaded, left, again, calls, clones } in hosted {
        let (threads, descriptors) = (left.threads, left.descriptors);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {calls} | {clones} | {threads}, {descriptors} | {} |",
            contender.name(),
            loaded.own,
            loaded.clean,
            left.own,
            left.written,
            again.bytes,
        );
    }
    let _ = writeln!(
        text,
        "\nThe same code costs fobd, one at a time: {:.0} µs of CPU, {:.0} system calls, {:.2} syncs, \
         {:.0} bytes for the disk. It has {} threads and {} KiB resident.",
        served.cpu / 1000.0,
        served.calls,
        served.syncs,
        served.written,
        served.threads,
        grouped(usize::try_from(served.resident).unwrap_or_default()),
    );
    text
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
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}
