//! Stacks that libpam itself has run.

use super::Host;
use crate::doctor::{
    control::Return,
    pam::{Module, What, stack},
    stack::run,
};

/// Writes the lines of a row into the files of a service.
fn host(files: &str) -> Host {
    files.split('\t').fold(Host::empty(), |host, file| {
        let (name, lines) = file.split_once('=').unwrap();
        let text: String = lines.split("; ").map(written).collect();
        host.file(&format!("/etc/pam.d/{name}"), &text)
    })
}

fn written(line: &str) -> String {
    let (control, last) = line.rsplit_once(' ').unwrap();
    match control {
        "include" | "substack" => format!("auth {line}\n"),
        _ if last.ends_with(".so") => format!("auth {line}\n"),
        _ => format!("auth {control} pam_debug.so {last}\n"),
    }
}

fn returns(module: &Module) -> Return {
    match module.options.first() {
        Some(name) => Return(Box::leak(name.clone().into_boxed_str())),
        None => Return::MODULE_UNKNOWN,
    }
}

#[test]
fn every_stack_ends_as_libpam_has_ended_it() {
    let rows: Vec<&str> =
        include_str!("libpam.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rows.len(), 300);
    for row in rows {
        let (expected, files) = row.split_once('\t').unwrap();
        let stack = stack(&host(files).ground(), "main").unwrap();
        let returned = |at: usize| match &stack.entries[at].what {
            What::Module(module) => returns(module),
            _ => unreachable!(),
        };
        assert_eq!(run(&stack.entries, &returned).result.0, expected, "{row}");
    }
}
