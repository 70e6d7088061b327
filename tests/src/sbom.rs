//! The bill of materials of what is shipped, in CycloneDX 1.5 (ECMA-424): which crates an artefact
//! is made of, with version, checksum and licence, from `Cargo.lock` and Cargo's own resolver.
//!
//! Each artefact is resolved as it is built. Tools that go by `cargo metadata` unite
//! the features of the workspace, and would list an async runtime for the PAM module.
#![allow(clippy::unwrap_used, clippy::panic)] // a program of the build: a panic is its failure

use std::{collections::BTreeMap, collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::{Value, json};

/// The packages that are shipped, each with its artefact.
pub const SHIPPED: [(&str, &str); 3] =
    [("fobctl", "fobctl"), ("fobd", "fobd"), ("pam-fob", "libpam_fob.so")];

/// A crate of a certain version.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Crate {
    /// Returns its package URL, which is also its reference inside the document.
    fn purl(&self) -> String {
        format!("pkg:cargo/{}@{}", self.name, self.version)
    }
}

/// What an artefact is made of.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    /// The package itself, first, and all that is linked into it.
    pub parts: Vec<Crate>,
    /// The licence of each.
    pub licences: BTreeMap<Crate, String>,
    /// What each is made with.
    pub edges: BTreeMap<Crate, BTreeSet<Crate>>,
}

/// Asks Cargo what a package links: normal dependencies of this machine's kind, without procedural
/// macros, which run at build time only.
///
/// # Panics
///
/// If Cargo refuses, for instance because the lock is not up to date.
#[must_use]
pub fn bill(package: &str) -> Bill {
    let output = Command::new("cargo")
        .args(["tree", "--locked", "--edges", "normal,no-proc-macro"])
        .args(built_with(package).iter().flat_map(|one| ["--package", *one]))
        .args(["--prefix", "depth", "--no-dedupe", "--format", "|{p}|{l}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut bill = Bill::default();
    let mut above: Vec<Crate> = Vec::new();
    let text = String::from_utf8(output.stdout).unwrap();
    // An empty line is between two packages.
    for line in text.lines().filter(|line| !line.is_empty()) {
        let [depth, name, licence] = fields(line);
        let (name, version) = name.split_once(" v").unwrap();
        let version = version.split(' ').next().unwrap();
        let part = Crate { name: name.to_owned(), version: version.to_owned() };
        above.truncate(depth.parse().unwrap());
        if above.first().unwrap_or(&part).name != package {
            above.push(part);
            continue; // of the other package
        }
        if let Some(user) = above.last() {
            bill.edges.entry(user.clone()).or_default().insert(part.clone());
        }
        above.push(part.clone());
        if bill.licences.insert(part.clone(), licence.to_owned()).is_none() {
            bill.parts.push(part);
        }
    }
    bill
}

/// Returns the packages that are named in one build with this one, as `./tests/run` and the README
/// have it: Cargo unites the features of what they share.
fn built_with(package: &str) -> &'static [&'static str] {
    if package == "pam-fob" { &["pam-fob"] } else { &["fobctl", "fobd"] }
}

fn fields(line: &str) -> [&str; 3] {
    line.splitn(3, '|').collect::<Vec<_>>().try_into().unwrap()
}

/// Returns what `Cargo.lock` pins: every crate, with its checksum unless it is of this workspace.
///
/// # Panics
///
/// If it cannot be read.
#[must_use]
pub fn lock() -> BTreeMap<Crate, Option<String>> {
    let text = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    text.split("[[package]]")
        .skip(1)
        .map(|entry| {
            let value = |key: &str| {
                let line = entry.lines().find_map(|line| line.strip_prefix(key));
                line.map(|line| line.trim_matches([' ', '=', '"']).to_owned())
            };
            let (name, version) = (value("name ").unwrap(), value("version ").unwrap());
            (Crate { name, version }, value("checksum "))
        })
        .collect()
}

/// Returns the document for a package. It has no time and no random number: the same lock gives
/// the same document.
///
/// # Panics
///
/// As [`bill`], and if the lock lacks a part.
#[must_use]
pub fn document(package: &str) -> Value {
    let (bill, lock) = (bill(package), lock());
    let component = |part: &Crate, kind: &str| {
        let licence = bill.licences.get(part).unwrap().replace('/', " OR ");
        let mut component = json!({
            "type": kind, "bom-ref": part.purl(), "purl": part.purl(),
            "name": part.name, "version": part.version,
            "licenses": [{ "expression": licence }],
        });
        if let (Some(checksum), Some(fields)) = (lock.get(part).unwrap(), component.as_object_mut())
        {
            let hashes = json!([{ "alg": "SHA-256", "content": checksum }]);
            fields.insert("hashes".to_owned(), hashes);
        }
        component
    };
    let (artefact, linked) = bill.parts.split_first().unwrap();
    let mut linked = linked.to_vec();
    linked.sort();
    let edges = bill.parts.iter().map(|part| {
        let on = bill.edges.get(part).into_iter().flatten().map(Crate::purl);
        json!({ "ref": part.purl(), "dependsOn": on.collect::<Vec<_>>() })
    });
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(artefact, "application") },
        "components": linked.iter().map(|part| component(part, "library")).collect::<Vec<_>>(),
        "dependencies": edges.collect::<Vec<_>>(),
    })
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
