//! The goals, each beside what was measured.

use std::fmt::Write as _;

use super::{
    Results,
    costs::Hosted,
    house::Contender,
    series::{Code, Sheet, What},
};

/// What `pam_oath` may be measured against: number of tokens, and most that Fob may take of its
/// time.
const OATH: [(usize, f64); 5] =
    [(1, 0.85), (1000, 0.45), (10_000, 0.10), (100_000, 1.0 / 75.0), (1_000_000, 1.0 / 650.0)];

/// Which side of the goal is good.
#[derive(Clone, Copy)]
enum Bound {
    Between(f64, f64),
    Most(f64),
    Least(f64),
}

/// The table of goals, line by line.
struct Goals(String);

impl Goals {
    /// Adds a goal, or a dash if it was not measured in this run.
    fn add(&mut self, what: &str, seen: Option<f64>, bound: Bound) {
        let (goal, good) = match bound {
            Bound::Between(least, most) => {
                (format!("{least}–{most}"), seen.is_some_and(|seen| least <= seen && seen <= most))
            }
            Bound::Most(most) => (format!("≤ {most:.4}"), seen.is_some_and(|seen| seen <= most)),
            Bound::Least(least) => (format!("≥ {least}"), seen.is_some_and(|seen| seen >= least)),
        };
        let (seen, met) = match seen {
            None => ("–".to_owned(), "not measured"),
            Some(seen) => (short(seen), if good { "met" } else { "**not met**" }),
        };
        let goal = goal.trim_end_matches('0').trim_end_matches('.').to_owned();
        let _ = writeln!(self.0, "| {what} | {goal} | {seen} | {met} |");
    }
}

/// Writes a figure with as many digits as say something.
fn short(figure: f64) -> String {
    if figure >= 100.0 {
        format!("{figure:.0}")
    } else if figure >= 1.0 {
        format!("{figure:.2}")
    } else {
        format!("{figure:.4}")
    }
}

/// Returns the table.
pub(super) fn table(results: &Results) -> String {
    let head = "\n### Goals\n\n| what | goal | measured | |\n| --- | --- | --- | --- |\n";
    let mut goals = Goals(head.to_owned());
    for sheet in &results.sheets {
        fresh(&mut goals, sheet);
    }
    at_once(&mut goals, results);
    host(&mut goals, results);
    goals.add(
        "one code, 64 at once: rounds with exactly one accept",
        one(results),
        Bound::Least(1.0),
    );
    let verifies = results.load.map(|load| load.peer / load.store);
    let what = "verdicts per second through the peer socket, 64 connections held / the store alone";
    goals.add(what, verifies, Bound::Least(0.5));
    goals.0
}

/// The share of the rounds with exactly one accept.
fn one(results: &Results) -> Option<f64> {
    let code = results.one_code;
    (code.rounds > 0).then(|| code.one as f64 / code.rounds as f64)
}

fn fresh(goals: &mut Goals, sheet: &Sheet) {
    let tokens = super::table::grouped(sheet.tokens);
    let of = |contender, code| What::Fresh(contender, code);
    let (fob, google) = (of(Contender::Fob, Code::Right), of(Contender::Google, Code::Right));
    let with = |what: &str| format!("{what}, {tokens} tokens");
    goals.add(
        &with("right code: Fob / google-authenticator"),
        sheet.ratio(fob, google),
        Bound::Most(0.8),
    );
    if let Some((_, most)) = OATH.iter().find(|(size, _)| *size == sheet.tokens) {
        let ratio = sheet.ratio(fob, of(Contender::Oath, Code::Right));
        goals.add(&with("right code: Fob / pam_oath"), ratio, Bound::Most(*most));
    }
    let floor = sheet.median(fob).zip(sheet.floor()).map(|(fob, floor)| fob / floor);
    goals.add(
        &with("right code: Fob / floor (libpam + socket + fdatasync)"),
        floor,
        Bound::Most(1.4),
    );
    let wrong = of(Contender::Fob, Code::Wrong);
    let ratio = sheet.ratio(wrong, of(Contender::Google, Code::Wrong));
    goals.add(&with("wrong code: Fob / google-authenticator"), ratio, Bound::Most(0.15));
    goals.add(&with("Fob: wrong / right code"), sheet.ratio(wrong, fob), Bound::Between(0.9, 1.1));
}

fn at_once(goals: &mut Goals, results: &Results) {
    let of = |contender| {
        let mut bursts = results.bursts.iter();
        bursts.find(|burst| burst.contender == contender && burst.at_once == 64)
    };
    let rate = |contender| of(contender).map(super::bursts::Burst::rate);
    let to = |peer| rate(Contender::Fob).zip(rate(peer)).map(|(fob, peer)| fob / peer);
    let fob = of(Contender::Fob);
    let all = fob.map(|burst| burst.accepted as f64 / burst.tried.max(1) as f64);
    goals.add("64 at once: share of Fob's that is accepted", all, Bound::Least(1.0));
    let google = to(Contender::Google);
    goals.add(
        "64 at once: accepted per second, Fob / google-authenticator",
        google,
        Bound::Least(1.15),
    );
    let oath = to(Contender::Oath);
    goals.add("64 at once: accepted per second, Fob / pam_oath at 1 000", oath, Bound::Least(55.0));
    let syncs = fob.map(super::bursts::Burst::syncs_each);
    goals.add("64 at once: syncs per accepted sign-in", syncs, Bound::Most(0.15));
}

fn host(goals: &mut Goals, results: &Results) {
    let of = |contender| results.hosted.iter().find(|hosted| hosted.contender == contender);
    let fob = of(Contender::Fob);
    let added = |hosted: &Hosted| hosted.loaded.own as f64;
    let memory = fob.zip(of(Contender::Permit)).map(|(fob, permit)| added(fob) - added(permit));
    goals.add(
        "private memory added to the host (KiB, beside pam_permit's)",
        memory,
        Bound::Most(300.0),
    );
    let none = |of: fn(&Hosted) -> i64| fob.map(|hosted| of(hosted) as f64);
    let made = fob.map(|hosted| hosted.clones as f64);
    goals.add("threads made", made, Bound::Most(0.0));
    goals.add(
        "threads left",
        none(|hosted| hosted.left.threads.max(hosted.again.threads)),
        Bound::Most(0.0),
    );
    let descriptors = none(|hosted| hosted.left.descriptors.max(hosted.again.descriptors));
    goals.add("descriptors left", descriptors, Bound::Most(0.0));
    let bytes = none(|hosted| hosted.again.bytes);
    goals.add("bytes left allocated by 63 more sign-ins of a process", bytes, Bound::Most(0.0));
    let size = Some(results.module_size as f64 / 1024.0);
    goals.add("module, stripped (KiB)", size, Bound::Most(700.0));
}
