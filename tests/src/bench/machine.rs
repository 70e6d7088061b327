//! What the figures were measured on.

use std::{fmt::Write as _, fs, path::Path, process::Command};

/// Returns lines on the date, the machine and the versions.
pub(super) fn about(ground: &Path) -> String {
    let mut text = String::new();
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.split_whitespace().nth(1).and_then(|word| word.parse::<u64>().ok());
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = load.split(' ').take(3).collect();
    let disk = said("findmnt", &["-n", "-o", "FSTYPE,SOURCE", "-T", &ground.display().to_string()]);
    let system = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    for (name, value) in [
        ("date", said("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("revision", said("git", &["-c", "safe.directory=*", "describe", "--always", "--dirty"])),
        ("CPU", format!("{}, {cores} of its cores", model.trim_start_matches([' ', '\t', ':']))),
        ("memory", format!("{} GiB", memory.unwrap_or_default().div_ceil(1 << 20))),
        ("disk", disk),
        ("load before and during the run", load.join(", ")),
        ("system", format!("{}, Linux {}", system.unwrap_or_default(), said("uname", &["-r"]))),
        ("peers", said("dpkg-query", &["-W", "libpam-google-authenticator", "libpam-oath"])),
        ("others", said("dpkg-query", &["-W", "libpam-modules", "dbus-daemon"])),
    ] {
        let value = value.trim().replace('"', "").replace('\t', " ").replace('\n', ", ");
        let _ = writeln!(text, "| {name} | {value} |");
    }
    format!("| | |\n| --- | --- |\n{text}")
}

fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
