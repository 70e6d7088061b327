//! Where the time of a sign-in goes: what it takes to load a module, to wake a thread, and what each
//! of fobd's threads does for a code.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use super::{
    costs::{SIGN_INS, right_codes},
    host::INSIDE,
    house::{Contender, House},
    table::micros,
};

/// Fresh processes of each kind, in turn; the median counts.
const LOADS: usize = 101;

/// Where the time goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    /// Nanoseconds of dlopen(3), behind `pam_permit`.
    loads: Vec<(Contender, u64)>,
    /// Nanoseconds until a thread that sleeps has answered.
    wake: u64,
    /// What fobd's threads of a name spend on a code: nanoseconds of CPU, and how often they are
    /// woken, or give way.
    threads: BTreeMap<String, (f64, f64)>,
}

/// Measures it.
pub(super) fn measure(house: &mut House) -> Profile {
    let median = |house: &mut House, command: &str| {
        let mut took: Vec<u64> = (0..LOADS)
            .map(|_| {
                let span = house.host.ask_span(command);
                assert_eq!(span.code, 0, "{command}");
                span.took
            })
            .collect();
        took.sort_unstable();
        took[LOADS / 2]
    };
    let permit = shipped("pam_permit.so");
    let modules = [
        (Contender::Fob, PathBuf::from(format!("{INSIDE}/pam_fob.so"))),
        (Contender::Google, shipped("pam_google_authenticator.so")),
        (Contender::Oath, shipped("pam_oath.so")),
    ];
    let loads = modules.map(|(contender, module)| {
        let command = format!("floor load {} {}\n", module.display(), permit.display());
        (contender, median(house, &command))
    });
    let wake = median(house, "floor wake -\n");
    Profile { loads: loads.to_vec(), wake, threads: threads(house) }
}

/// Returns where Debian has a module of PAM.
fn shipped(name: &str) -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().map(|entry| entry.unwrap().path());
    let mut modules = folders.map(|folder| folder.join("security").join(name));
    modules.find(|module| module.is_file()).unwrap_or_else(|| panic!("there is no {name}"))
}

/// Measures what each of fobd's threads spends on right codes, one at a time.
fn threads(house: &mut House) -> BTreeMap<String, (f64, f64)> {
    let id = house.fobd();
    let before = spent(id);
    right_codes(house);
    let mut threads = spent(id);
    let each = SIGN_INS as f64;
    for (name, (cpu, turns)) in &mut threads {
        let (old_cpu, old_turns) = before.get(name).copied().unwrap_or_default();
        (*cpu, *turns) = ((*cpu - old_cpu) / each, (*turns - old_turns) / each);
    }
    threads
}

/// Reads what threads of the same name have spent together (proc(5), "schedstat": CPU time, time in
/// the queue, turns).
fn spent(id: u32) -> BTreeMap<String, (f64, f64)> {
    let mut spent = BTreeMap::<String, (f64, f64)>::new();
    for task in fs::read_dir(format!("/proc/{id}/task")).unwrap() {
        let task = task.unwrap().path();
        let name = fs::read_to_string(task.join("comm")).unwrap();
        let text = fs::read_to_string(task.join("schedstat")).unwrap();
        let numbers: Vec<f64> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
        // The store's own helpers have a number each.
        let name = name.trim().trim_end_matches(|end: char| end == '-' || end.is_ascii_digit());
        let entry = spent.entry(name.to_owned()).or_default();
        *entry = (entry.0 + numbers[0], entry.1 + numbers[2]);
    }
    spent
}

/// Writes it as tables.
pub(super) fn tables(profile: &Profile) -> String {
    let mut text = "\n### Where the time goes\n\n| what | p50 (µs) |\n| --- | --- |\n".to_owned();
    for (contender, took) in &profile.loads {
        let _ =
            writeln!(text, "| to load the module of {} | {} |", contender.name(), micros(*took));
    }
    let _ = writeln!(
        text,
        "| to wake a thread that sleeps, and be woken by it | {} |",
        micros(profile.wake)
    );
    text.push_str("\n| fobd's threads, for each right code | µs of CPU | turns |\n");
    text.push_str("| --- | --- | --- |\n");
    let busy = |(_, (cpu, turns)): &(&String, &(f64, f64))| *cpu >= 500.0 && *turns >= 0.01;
    for (name, (cpu, turns)) in profile.threads.iter().filter(busy) {
        let _ = writeln!(text, "| {name} | {:.0} | {turns:.1} |", cpu / 1000.0);
    }
    text
}
