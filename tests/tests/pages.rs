//! The man pages: each is clean roff, and what is written by hand leaves nothing out. What is made
//! from a table or a definition is compared with it where that stands (`cli/tests/pages.rs`,
//! `daemon/src/config/page.rs`).
#![allow(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use fob_api::address::INTERFACE;
use fob_tests::{
    markup,
    needs::{self, Need},
};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    fs::read_to_string(repository().join("packaging/man").join(name)).unwrap()
}

/// Returns the words between quotes at which a line of a source file begins, as in
/// `("nullok", None) => …`.
fn first_quoted(source: &str, before: &str) -> Vec<String> {
    let text = fs::read_to_string(repository().join(source)).unwrap();
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix(before));
    lines.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[test]
fn every_man_page_is_clean() {
    if !needs::met(&[Need::Program("mandoc")]) {
        return;
    }
    let mut count = 0;
    for entry in fs::read_dir(repository().join("packaging/man")).unwrap() {
        let output = Command::new("mandoc")
            .args(["-Tlint", "-Wwarning"])
            .arg(entry.unwrap().path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        count += 1;
    }
    assert_eq!(count, 5);
}

#[test]
fn every_man_page_is_of_this_version() {
    let version = format!(" \"Fob {}\" \"Fob\"\n", env!("CARGO_PKG_VERSION"));
    for entry in fs::read_dir(repository().join("packaging/man")).unwrap() {
        let path = entry.unwrap().path();
        let page = fs::read_to_string(&path).unwrap();
        let title = page.split_inclusive('\n').find(|line| line.starts_with(".TH ")).unwrap();
        assert!(title.ends_with(&version), "{}: {title}", path.display());
    }
}

#[test]
fn every_option_of_the_module_stands_in_its_page() {
    let options = first_quoted("pam-module/src/options.rs", "(\"");
    assert!(options.len() >= 10, "the options are not found in the source: {options:?}");
    let page = page("pam_fob.8");
    for option in options {
        let heads = [format!(".TP\n.B {option}\n"), format!(".TP\n.B {option}=")];
        let valued = format!(".TP\n.BI {option}= ");
        let found = heads.iter().chain([&valued]).any(|head| page.contains(head.as_str()));
        assert!(found, "pam_fob(8) does not tell of {option}");
    }
}

#[test]
fn every_argument_of_the_daemon_stands_in_its_page() {
    let refusal = Command::new(needs::built("fobd")).arg("--no-such-thing").output().unwrap();
    let refusal = String::from_utf8(refusal.stderr).unwrap();
    let known: Vec<&str> = refusal
        .split([' ', ',', '\n'])
        .filter(|word| word.starts_with("--") && !word.contains('"'))
        .map(|word| word.split('=').next().unwrap().trim_end_matches('.'))
        .collect();
    assert!(known.len() >= 7, "{refusal}");
    let page = page("fobd.8");
    for argument in known {
        let typed = argument.replace('-', "\\-");
        assert!(
            page.contains(&format!(".TP\n.B {typed}\n"))
                || page.contains(&format!(".TP\n.BI {typed}=")),
            "fobd(8) does not tell of {argument}"
        );
    }
}

#[test]
fn every_method_and_signal_of_the_bus_stands_in_its_page() {
    let contract =
        fs::read_to_string(repository().join("packaging/dbus/org.fobd.Fob1.xml")).unwrap();
    let methods = markup::methods(&contract, INTERFACE);
    assert!(!methods.is_empty());
    let page = page("org.fobd.Fob1.5");
    let names = methods.into_iter().map(|method| method.name);
    for name in names.chain(markup::signals(&contract, INTERFACE)) {
        assert!(page.contains(&format!(".TP\n.B {name}\n")), "{name}");
    }
}
