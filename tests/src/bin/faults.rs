//! Breaks things many times and counts what came of it.
//!
//! `tests/faults NAME [--count N]` builds it and what it breaks, and starts it: one program, or
//! `all`, each with the count that is asked of the product, and a table at the end. Exits with
//! failure if something came of it that must not be. Most need root.

use std::{
    env,
    error::Error,
    ffi::OsString,
    io::{self, Write as _},
    process::ExitCode,
};

use fob_tests::faults::{self, Call, PROGRAMS, Program};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let name = arguments.next().and_then(|name| name.into_string().ok()).unwrap_or_default();
    if name == "judge" {
        let dir = arguments.next().ok_or("which folder?")?;
        let large = arguments.next().and_then(|text| text.into_string().ok()).ok_or_else(usage)?;
        return faults::judge(dir.as_ref(), large.parse()?).map_err(Into::into);
    }
    if name == "work" {
        let dir = arguments.next().ok_or("which folder?")?;
        faults::work(dir.as_ref())?;
        return Ok(ExitCode::SUCCESS);
    }
    faults::take_signals()?;
    let faults = env::current_exe()?;
    let chosen: Vec<&Program> = match name.as_str() {
        "all" => PROGRAMS.iter().collect(),
        name => vec![Program::named(name).ok_or_else(usage)?],
    };
    let count = count(arguments)?;
    let mut table = Vec::new();
    for program in chosen {
        let call = Call { count: count.unwrap_or(program.count), faults: faults.clone() };
        table.push((program.name, program.run(&call)?));
    }
    let mut out = io::stdout().lock();
    if name == "all" {
        writeln!(out, "\n| program | what was tried | count | bad |\n| --- | --- | --- | --- |")?;
        for (name, report) in &table {
            let bad = report.bad.len();
            writeln!(out, "| {name} | {} | {} | {bad} |", report.tried, report.count)?;
        }
    }
    let good = table.iter().all(|(_, report)| report.bad.is_empty() && report.count > 0);
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn count(mut arguments: impl Iterator<Item = OsString>) -> Result<Option<u64>, Box<dyn Error>> {
    match arguments.next() {
        None => Ok(None),
        Some(option) if option == "--count" => {
            let text =
                arguments.next().and_then(|text| text.into_string().ok()).ok_or_else(usage)?;
            Ok(Some(text.parse()?))
        }
        Some(_) => Err(usage().into()),
    }
}

fn usage() -> String {
    let names: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
    format!("usage: faults {}|all [--count NUMBER]", names.join("|"))
}
