//! What is shipped: which crates it is made of, and how it is linked.
#![allow(clippy::unwrap_used)] // a panic is a failed test

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command};

use fob_tests::{
    needs::{self, Need, built},
    sbom::{Crate, SHIPPED, bill, document, lock},
};

// L5 of threats.md.
#[test]
fn the_bill_of_materials_names_what_the_lock_pins() {
    let lock = lock();
    for (package, _) in SHIPPED {
        let document = document(package);
        let components = document["components"].as_array().unwrap();
        assert!(components.len() > 10, "{package}");
        for component in components {
            let text = |key: &str| component[key].as_str().unwrap().to_owned();
            let part = Crate { name: text("name"), version: text("version") };
            let pinned = lock.get(&part).unwrap_or_else(|| panic!("{part:?} is not in the lock"));
            assert_eq!(component["hashes"][0]["content"].as_str(), pinned.as_deref());
            let ours = pinned.is_none();
            assert_eq!(ours, part.name == "fob-api", "{part:?} comes from nowhere");
            let licence = component["licenses"][0]["expression"].as_str().unwrap();
            assert!(!licence.is_empty(), "{part:?} has no licence");
        }
        let references: BTreeSet<_> =
            components.iter().map(|one| one["bom-ref"].as_str()).collect();
        assert_eq!(references.len(), components.len(), "{package} names a crate twice");
    }
}

// L5, from the other end: panic messages name the crate whose source they stand in.
#[test]
fn the_bill_of_materials_names_every_crate_that_the_program_names() {
    for (package, artefact) in SHIPPED {
        let Some(path) = release(artefact) else { return };
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let named = text.split("/registry/src/").skip(1).filter_map(|path| path.split('/').nth(1));
        // Where the path ends with the crate, something else follows.
        let of_a_name = |c: char| c.is_ascii_alphanumeric() || "-_.+".contains(c);
        let named = named.filter_map(|name| name.split(|c| !of_a_name(c)).next());
        let named: BTreeSet<&str> = named.collect();
        assert!(!named.is_empty(), "{artefact} names no crate: this test sees nothing");
        let parts = bill(package).parts;
        for crate_version in named {
            let known = parts.iter().any(|p| format!("{}-{}", p.name, p.version) == crate_version);
            assert!(known, "{artefact} names {crate_version}, its bill does not");
        }
    }
}

/// Returns the path of a file of the release build, which alone is shipped; nothing if there is
/// none.
fn release(artefact: &str) -> Option<PathBuf> {
    let newest = built(artefact);
    let release = newest.parent()?.with_file_name("release").join(artefact);
    let needs = [
        Need::Program("readelf"),
        Need::That(release.is_file(), "a release build (./tests/run makes one)"),
    ];
    needs::met(&needs).then_some(release)
}

/// Returns what readelf says of a file of the release build; nothing if there is none.
fn read_elf(artefact: &str, about: &str) -> Option<String> {
    let release = release(artefact)?;
    let output = Command::new("readelf").args(["--wide", about]).arg(release).output().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap())
}

// L8. Control-flow enforcement (CET) is not asked for: Rust's standard library is delivered
// without it, and one object without it switches it off for the whole program.
#[test]
fn what_is_shipped_cannot_be_redirected_through_its_tables() {
    for (_, artefact) in SHIPPED {
        let Some(dynamic) = read_elf(artefact, "--dynamic") else { return };
        let flags = dynamic.lines().find(|line| line.contains("(FLAGS_1)")).unwrap();
        assert!(flags.contains("NOW"), "{artefact}: {flags}");
        assert!(!dynamic.contains("(RPATH)") && !dynamic.contains("(RUNPATH)"), "{artefact}");
        assert!(!dynamic.contains("(TEXTREL)"), "{artefact}");
        let segments = read_elf(artefact, "--segments").unwrap();
        assert!(segments.contains("GNU_RELRO"), "{artefact}");
        let stack = segments.lines().find(|line| line.contains("GNU_STACK")).unwrap();
        assert!(stack.contains("RW ") && !stack.contains("RWE"), "{artefact}: {stack}");
        let loads = segments.lines().filter(|line| line.trim_start().starts_with("LOAD"));
        assert!(loads.clone().count() > 0 && loads.into_iter().all(|line| !line.contains("RWE")));
    }
}

#[test]
fn the_programs_lie_at_an_address_that_changes() {
    for artefact in ["fobd", "fobctl"] {
        let Some(header) = read_elf(artefact, "--file-header") else { return };
        assert!(header.contains("DYN (Position-Independent Executable file)"), "{artefact}");
        assert!(read_elf(artefact, "--dynamic").unwrap().contains("PIE"), "{artefact}");
    }
}

#[test]
fn what_is_shipped_is_stripped() {
    for (_, artefact) in SHIPPED {
        let Some(sections) = read_elf(artefact, "--sections") else { return };
        for section in [".symtab", ".debug_info", ".debug_line"] {
            assert!(!sections.contains(section), "{artefact} has {section}");
        }
    }
}
