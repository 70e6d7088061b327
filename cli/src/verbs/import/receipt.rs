//! What is said of an import that was done, or would be.

use std::{
    io::{self, Read},
    path::Path,
};

use fob_api::{Batch, ImportReject, ImportReport};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{LONGEST_COPY, Source};
use crate::{
    args::Import,
    failure::{Failure, FileTrouble, advise},
    render,
};

/// Bytes of a part that is read at once: some pages.
const PART: usize = 64 * 1024;

/// Returns the sentences: format, counts, the first and the last serial, and the file's hash.
pub(super) fn sentences(report: &ImportReport, args: &Import, hash: &str) -> String {
    // What the caller has named need not be said.
    let found = report.format.as_deref().filter(|_| args.format.is_none()).map(render::printable);
    let mut text = found.map(|format| format!("Read as {format}.\n")).unwrap_or_default();
    text.push_str(&if args.dry_run { foretold(report) } else { done(report) });
    text.push('\n');
    if !args.dry_run {
        text.push_str(&ends(report));
        text.push_str(&named(report, args));
        text.push_str(&format!("SHA-256 of the file: {hash}\n"));
    }
    text
}

/// Returns the receipt for programs.
pub(super) fn json(report: &ImportReport, args: &Import, hash: &str) -> String {
    let (added, unchanged) = counts(report);
    let serials = report.added.as_deref().unwrap_or_default();
    let value = json!({
        "format": report.format,
        "dry_run": args.dry_run,
        "added": added,
        "unchanged": unchanged,
        "first": serials.first(),
        "last": serials.last(),
        "batch": args.batch.as_ref().map(Batch::as_str),
        "sha256": hash,
        "notices": report.notices.clone().unwrap_or_default(),
        "rejected": report.rejected.iter().flatten().map(reject).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn reject(reject: &ImportReject) -> Value {
    let ImportReject { line, column, serial, fact, hint } = reject;
    json!({ "line": line, "column": column, "serial": serial, "fact": fact, "hint": hint })
}

/// Advises to destroy a file whose seeds are in stock.
pub(super) fn advise_to_shred(path: &Path) {
    let name = render::printable(&path.to_string_lossy());
    advise(&format!(
        "the seeds are in stock now. Destroy the file: shred -u {name} (copies may stay on an SSD, \
         and where the file system copies on write)."
    ));
}

/// Returns the SHA-256 of the file, in hexadecimal as sha256sum(1) writes it.
pub(super) fn hash(source: &mut Source) -> Result<String, Failure> {
    source.rewind()?;
    // Of a longer one the daemon takes nothing.
    let hash = hash_of(&mut (&source.file).take(LONGEST_COPY + 1)).map_err(|error| {
        Failure::File { name: source.name.clone(), trouble: FileTrouble::Io(error) }
    })?;
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Reads to the end, a part at a time: the file may be large, and its parts are wiped.
fn hash_of(stream: &mut impl Read) -> io::Result<[u8; 32]> {
    let mut hash = Sha256::new();
    let mut part = Zeroizing::new(vec![0_u8; PART]);
    loop {
        match stream.read(&mut part) {
            Ok(0) => return Ok(hash.finalize().into()),
            Ok(count) => hash.update(part.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn counts(report: &ImportReport) -> (usize, usize) {
    (report.added.as_ref().map_or(0, Vec::len), report.unchanged.as_ref().map_or(0, Vec::len))
}

fn tokens(count: usize) -> String {
    if count == 1 { "1 token".to_owned() } else { format!("{count} tokens") }
}

/// Returns the first and the last serial that came in, in the order of the file.
fn ends(report: &ImportReport) -> String {
    match report.added.as_deref().unwrap_or_default() {
        [] => String::new(),
        [only] => format!("Serial {}.\n", render::printable(only)),
        [first, .., last] => {
            format!("Serials {} to {}.\n", render::printable(first), render::printable(last))
        }
    }
}

/// Returns what the tokens that came in are called.
fn named(report: &ImportReport, args: &Import) -> String {
    let batch = args.batch.as_ref().filter(|_| counts(report).0 > 0);
    batch.map(|batch| format!("Batch: {batch}\n")).unwrap_or_default()
}

fn done(report: &ImportReport) -> String {
    match counts(report) {
        (added, 0) => format!("{} added to stock.", tokens(added)),
        (added, 1) => format!("{} added to stock, 1 was there already.", tokens(added)),
        (added, known) => format!("{} added to stock, {known} were there already.", tokens(added)),
    }
}

fn foretold(report: &ImportReport) -> String {
    match counts(report) {
        (added, 0) => format!("{} would be added to stock.", tokens(added)),
        (added, 1) => format!("{} would be added to stock, 1 is there already.", tokens(added)),
        (added, known) => {
            format!("{} would be added to stock, {known} are there already.", tokens(added))
        }
    }
}

#[cfg(test)]
mod tests {
    use fob_api::ImportReport;

    use sha2::Digest as _;

    use super::{done, ends, foretold};

    fn report(added: usize, unchanged: usize) -> ImportReport {
        let serials = |count| Some((0..count).map(|number| format!("S{number}")).collect());
        let (added, unchanged) = (serials(added), serials(unchanged));
        ImportReport { added, unchanged, ..ImportReport::default() }
    }

    #[test]
    fn the_sentence_counts_new_and_known_tokens() {
        assert_eq!(done(&report(12, 3)), "12 tokens added to stock, 3 were there already.");
        assert_eq!(done(&report(1, 0)), "1 token added to stock.");
        assert_eq!(done(&report(0, 1)), "0 tokens added to stock, 1 was there already.");
        assert_eq!(
            foretold(&report(2, 1)),
            "2 tokens would be added to stock, 1 is there already."
        );
        assert_eq!(foretold(&report(2, 0)), "2 tokens would be added to stock.");
    }

    #[test]
    fn the_hash_is_that_of_all_parts() {
        // printf abc | sha256sum (FIPS 180-4, appendix B.1 of the edition of 2002).
        let hash = super::hash_of(&mut &b"abc"[..]).unwrap();
        assert_eq!(hash[..4], [0xba, 0x78, 0x16, 0xbf]);
        let long = vec![7_u8; 3 * super::PART + 5];
        assert_eq!(super::hash_of(&mut &long[..]).unwrap()[..], super::Sha256::digest(&long)[..]);
    }

    #[test]
    fn the_first_and_the_last_serial_are_named() {
        assert_eq!(ends(&report(0, 3)), "");
        assert_eq!(ends(&report(1, 0)), "Serial S0.\n");
        assert_eq!(ends(&report(9, 0)), "Serials S0 to S8.\n");
    }
}
