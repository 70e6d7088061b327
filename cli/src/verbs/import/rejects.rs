//! The file of what did not come in: it can be mended and imported.
//!
//! The daemon says which lines, and never what stands in them; they are copied from the file that
//! is open here.

use std::{
    io::{self, Write},
    path::Path,
};

use fob_api::{ImportReject, ImportReport, SeedFormat, text_lines};
use zeroize::Zeroizing;

use super::Source;
use crate::{
    failure::{Failure, FileTrouble, remark},
    render,
    whole::{NotBegun, Old, Whole},
};

/// Most reasons that are printed where the file has them too.
const PRINTED: usize = 10;

/// The file that is to be written, there from the beginning: what is imported first cannot be
/// imported once more to find out what was left.
pub(super) struct Rejects<'a> {
    whole: Whole,
    path: &'a Path,
}

impl<'a> Rejects<'a> {
    /// Begins the file.
    pub(super) fn begin(path: &'a Path) -> Result<Self, Failure> {
        match Whole::begin(path, Old::Keep) {
            Ok(whole) => Ok(Self { whole, path }),
            Err(NotBegun::Io(error)) => Err(trouble(path, error)),
            Err(NotBegun::Left(name)) => Err(Failure::File { name, trouble: FileTrouble::Left }),
        }
    }

    /// Writes what did not come in, and says what is in the file; nothing is left of it if
    /// everything did.
    pub(super) fn write(
        mut self,
        source: &mut Source,
        report: &ImportReport,
    ) -> Result<String, Failure> {
        let rejected = report.rejected.as_deref().unwrap_or_default();
        if rejected.is_empty() {
            return Ok(String::new());
        }
        let format = report.format.as_deref().and_then(SeedFormat::from_word);
        let rows = format.filter(|format| format.has_rows());
        let written = match rows {
            Some(format) => {
                let text = source.text()?;
                copy(self.whole.file(), &text, format, rejected)
            }
            None => reasons(self.whole.file(), rejected),
        };
        let name = render::printable(&self.path.to_string_lossy());
        written.and_then(|()| self.whole.place()).map_err(|error| trouble(self.path, error))?;
        Ok(match rows {
            Some(_) => format!(
                "{} set aside: {name} has them, with their seeds. Mend it and import it.\n",
                rows_were(rejected.len())
            ),
            None => {
                format!("{} set aside: {name} says why.\n", tokens_were(rejected.len()))
            }
        })
    }
}

/// Prints why tokens did not come in.
pub(super) fn explain(report: &ImportReport) {
    let rejected = report.rejected.as_deref().unwrap_or_default();
    let format = report.format.as_deref().and_then(SeedFormat::from_word);
    // Where the file has no room for a reason, all are told here.
    let without_room = format.is_some_and(|format| format.has_rows() && !format.has_comments());
    let printed = if without_room { rejected.len() } else { PRINTED };
    rejected.iter().take(printed).for_each(|reject| remark(&sentence(reject)));
    if rejected.len() > printed {
        remark(&format!("and {} more.", rejected.len() - printed));
    }
}

/// Copies the lines, each with its reason above it where there are comments.
fn copy(
    file: &mut impl Write,
    text: &str,
    format: SeedFormat,
    rejected: &[ImportReject],
) -> io::Result<()> {
    let (number, head) = format.head(text);
    if number > 0 {
        writeln!(file, "{head}")?;
    }
    let mut left = rejected.iter().peekable();
    for (number, line) in (1_u32..).zip(text_lines(text)) {
        let mut is_bad = false;
        while let Some(reject) = left.next_if(|reject| reject.line <= Some(number)) {
            is_bad = true;
            if format.has_comments() {
                writeln!(file, "# {}", sentence(reject))?;
            }
        }
        if is_bad {
            writeln!(file, "{line}")?;
        }
    }
    Ok(())
}

/// Writes the reasons alone: where a token is no line, nothing of the file is copied.
fn reasons(file: &mut impl Write, rejected: &[ImportReject]) -> io::Result<()> {
    rejected.iter().try_for_each(|reject| {
        let serial = reject.serial.as_deref().map(render::printable).unwrap_or_default();
        writeln!(file, "{serial}\t{}", sentence(reject))
    })
}

/// Returns the reason and the remedy in one line.
fn sentence(reject: &ImportReject) -> String {
    let fact = render::printable(reject.fact.as_deref().unwrap_or_default());
    match reject.hint.as_deref() {
        Some(hint) => format!("{fact} ({})", render::printable(hint.trim_end_matches('.'))),
        None => fact,
    }
}

fn rows_were(count: usize) -> String {
    if count == 1 { "1 row was".to_owned() } else { format!("{count} rows were") }
}

fn tokens_were(count: usize) -> String {
    if count == 1 { "1 token was".to_owned() } else { format!("{count} tokens were") }
}

fn trouble(path: &Path, error: io::Error) -> Failure {
    let name = path.to_string_lossy().into_owned();
    Failure::File { name, trouble: FileTrouble::NotWritten(error) }
}

/// How two bytes of UTF-16 become a unit.
type Unit = fn([u8; 2]) -> u16;

impl Source {
    /// Reads the whole file again, as the daemon has read it: without byte order mark, from UTF-16
    /// as well.
    fn text(&mut self) -> Result<Zeroizing<String>, Failure> {
        let bytes = self.bytes()?;
        let little: Unit = u16::from_le_bytes;
        for (mark, unit) in [([0xff, 0xfe], little), ([0xfe, 0xff], u16::from_be_bytes)] {
            if let Some(rest) = bytes.strip_prefix(&mark) {
                let (pairs, _) = rest.as_chunks::<2>();
                let units = pairs.iter().map(|pair| unit(*pair));
                // Three bytes of UTF-8 at most for two here: no copy is left behind.
                let mut text = Zeroizing::new(String::with_capacity(rest.len() * 2));
                text.extend(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')));
                return Ok(text);
            }
        }
        let rest = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        // What the daemon has read is UTF-8.
        let text = str::from_utf8(rest).map_err(|_| Failure::Strange)?;
        Ok(Zeroizing::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use fob_api::{ImportReject, SeedFormat};

    use super::{copy, reasons};

    fn reject(line: u32, hint: Option<&str>) -> ImportReject {
        ImportReject {
            line: Some(line),
            column: Some(4),
            serial: Some("A2".to_owned()),
            fact: Some(format!("line {line}, column 4: the seed is too short.")),
            hint: hint.map(str::to_owned),
        }
    }

    fn copied(text: &str, format: SeedFormat, rejected: &[ImportReject]) -> String {
        let mut file = Vec::new();
        copy(&mut file, text, format, rejected).unwrap();
        String::from_utf8(file).unwrap()
    }

    #[test]
    fn bad_lines_are_copied_with_their_reasons() {
        let text = "A1,good\r\nA2,bad\rA3,good\n\nA4,bad";
        let rejected = [reject(2, Some("ask the vendor.")), reject(5, None)];
        assert_eq!(
            copied(text, SeedFormat::OathCsv, &rejected),
            "# line 2, column 4: the seed is too short. (ask the vendor)\nA2,bad\n\
             # line 5, column 4: the seed is too short.\nA4,bad\n"
        );
    }

    #[test]
    fn the_head_is_copied_and_no_comment_where_there_are_none() {
        assert_eq!(
            copied("\nupn,serial\na\nb\n", SeedFormat::EntraCsv, &[reject(4, None)]),
            "upn,serial\nb\n"
        );
        assert!(
            copied("# version: 2\na\n", SeedFormat::PrivacyideaCsv, &[reject(2, None)])
                .starts_with("# version: 2\n# line 2")
        );
    }

    #[test]
    fn where_a_token_is_no_line_only_reasons_are_written() {
        let mut file = Vec::new();
        reasons(&mut file, &[reject(7, None)]).unwrap();
        assert_eq!(
            String::from_utf8(file).unwrap(),
            "A2\tline 7, column 4: the seed is too short.\n"
        );
    }
}
