//! Rows of a CSV file, each field with its offset.
//!
//! csv-core knows the quoting rules (RFC 4180). This file is stricter than it: a quote stands
//! around a whole field or nowhere, and a field ends in the line in which it starts.
//!
//! Spreadsheet programs write semicolons or tabs where the comma is the decimal mark. A format
//! says which separators it has; the one that comes first in the file is that of all rows. It
//! cannot be part of the first field, for no format begins with a text in which one may stand.

use csv_core::{ReadFieldResult, Reader, ReaderBuilder};
use zeroize::Zeroizing;

use super::error::{Fault, Flaw};

/// Most fields of a row. The formats have up to 18, and spreadsheet programs append empty ones;
/// the limit bounds the memory that a hostile row costs.
const MAX_FIELDS: usize = 64;

/// One field. It may be a seed, so it is wiped.
pub(super) struct Field {
    /// Where its text starts in the file.
    pub(super) offset: usize,
    /// Without quotes, and without spaces around it.
    pub(super) text: Zeroizing<String>,
}

impl Field {
    pub(super) fn new(text: &str, offset: usize) -> Self {
        Self { offset, text: Zeroizing::new(text.to_owned()) }
    }
}

/// One row: at least one field.
pub(super) struct Row {
    /// Where the row starts in the file.
    pub(super) offset: usize,
    /// Where it ends.
    pub(super) end: usize,
    /// Its fields.
    pub(super) fields: Vec<Field>,
}

impl Row {
    /// Drops empty fields from the end as long as more than `keep` are left.
    ///
    /// Spreadsheet programs fill every row up to the longest one.
    pub(super) fn drop_fill(&mut self, keep: usize) {
        while self.fields.len() > keep && self.fields.last().is_some_and(|f| f.text.is_empty()) {
            self.fields.pop();
        }
    }

    /// Refuses a row of more than `wanted` fields, where the first one too many stands.
    pub(super) fn refuse_more(&self, wanted: usize) -> Result<(), Fault> {
        match self.fields.get(wanted) {
            Some(extra) => Err(Fault::new(extra.offset, Flaw::TooManyFields { wanted })),
            None => Ok(()),
        }
    }

    /// Returns the fault of a row that has fewer than `wanted` fields.
    pub(super) fn too_short(&self, wanted: usize) -> Fault {
        Fault::new(self.end, Flaw::TooFewFields { wanted })
    }
}

/// What a line is whose first character is `#`.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    /// A comment.
    Comment,
    /// A row like any other.
    Row,
}

/// What stands between two fields.
#[derive(Clone, Copy)]
pub(super) enum Between {
    /// One of these characters, always the same.
    OneOf(&'static [char]),
    /// Any number of spaces and tabs; there are no quotes.
    Blanks,
}

/// A comma.
pub(super) const COMMA: Between = Between::OneOf(&[',']);
/// A comma, or what spreadsheet programs write instead.
pub(super) const COMMA_OR_SEMICOLON: Between = Between::OneOf(&[',', ';']);
/// As before, or a tab.
pub(super) const ANY: Between = Between::OneOf(&[',', ';', '\t']);

/// The lines of a text with their offsets. LF, CR LF and a single CR each end one.
pub(super) struct Lines<'t> {
    text: &'t str,
    offset: usize,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, offset: 0 }
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.offset;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let line = rest.split(['\n', '\r']).next().unwrap_or_default();
        let end = rest.get(line.len()..).unwrap_or_default();
        let terminator = if end.starts_with("\r\n") { 2 } else { end.len().min(1) };
        self.offset = start + line.len() + terminator;
        Some((start, line))
    }
}

/// How lines become rows.
enum Splitter {
    Separated {
        reader: Box<Reader>,
        /// What else may separate in files of this format.
        others: Vec<char>,
    },
    Blanks,
}

/// The rows of a text. Blank lines are skipped, and rows that have nothing but separators.
pub(super) struct Rows<'t> {
    lines: Lines<'t>,
    hash: Hash,
    columns: usize,
    splitter: Splitter,
}

impl<'t> Rows<'t> {
    /// Starts at the first row. `columns` is what a row may have, for the refusal of one that
    /// has far more.
    pub(super) fn new(text: &'t str, hash: Hash, columns: usize, between: Between) -> Self {
        let splitter = match between {
            Between::Blanks => Splitter::Blanks,
            Between::OneOf(separators) => {
                let separator = separator_of(text, hash, separators);
                let others = separators.iter().copied().filter(|other| *other != separator);
                let delimiter = u8::try_from(separator).unwrap_or(b',');
                let reader = Box::new(ReaderBuilder::new().delimiter(delimiter).build());
                Splitter::Separated { reader, others: others.collect() }
            }
        };
        Self { lines: Lines::new(text), hash, columns, splitter }
    }

    /// Returns the next line that is neither blank nor a comment.
    fn line(&mut self) -> Option<(usize, &'t str)> {
        let hash = self.hash;
        self.lines.find(|(_, line)| has_content(line, hash))
    }

    fn row(&mut self, offset: usize, line: &str) -> Result<Row, Fault> {
        #[cfg(test)]
        super::testing::count(line.len());
        let fields = match &mut self.splitter {
            Splitter::Separated { reader, others } => {
                let fields = split(reader, line, offset)?;
                // A row of one field is none of any format: it says at once what is meant.
                match first_of(line, others).filter(|_| fields.len() == 1) {
                    Some((at, _)) => return Err(Fault::new(offset + at, Flaw::OtherSeparator)),
                    None => fields,
                }
            }
            Splitter::Blanks => words(line, offset),
        };
        if fields.len() > MAX_FIELDS {
            return Err(Fault::new(offset, Flaw::TooManyFields { wanted: self.columns }));
        }
        Ok(Row { offset, end: offset + line.len(), fields })
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (offset, line) = self.line()?;
            match self.row(offset, line) {
                Ok(row) if row.fields.iter().all(|field| field.text.is_empty()) => {}
                other => return Some(other),
            }
        }
    }
}

fn has_content(line: &str, hash: Hash) -> bool {
    let content = line.trim_start_matches([' ', '\t']);
    let comment = matches!(hash, Hash::Comment) && content.starts_with('#');
    !content.is_empty() && !comment
}

/// Returns what separates the fields of the first row: of several characters the first one there;
/// the first of all if none is.
fn separator_of(text: &str, hash: Hash, separators: &[char]) -> char {
    let line = Lines::new(text).map(|(_, line)| line).find(|line| has_content(line, hash));
    let first = line.and_then(|line| first_of(line, separators)).map(|(_, character)| character);
    first.or_else(|| separators.first().copied()).unwrap_or(',')
}

/// Returns which of the characters comes first outside quotes, and where.
fn first_of(line: &str, separators: &[char]) -> Option<(usize, char)> {
    let mut quoted = false;
    line.char_indices().find(|(_, character)| {
        quoted ^= *character == '"';
        !quoted && separators.contains(character)
    })
}

/// Splits a line at its blanks, into at most one more than [`MAX_FIELDS`].
fn words(line: &str, start: usize) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut rest = line;
    while fields.len() <= MAX_FIELDS {
        rest = rest.trim_start_matches([' ', '\t']);
        let word = rest.split([' ', '\t']).next().unwrap_or_default();
        if word.is_empty() {
            break;
        }
        let offset = start + line.len() - rest.len();
        fields.push(Field::new(word, offset));
        rest = rest.get(word.len()..).unwrap_or_default();
    }
    fields
}

/// Splits a line into its fields, at most one more than [`MAX_FIELDS`].
fn split(reader: &mut Reader, line: &str, start: usize) -> Result<Vec<Field>, Fault> {
    let mut fields = Vec::new();
    let mut value = Zeroizing::new(vec![0; line.len() + 1]);
    let mut used = 0;
    reader.reset();
    loop {
        let rest = line.get(used..).unwrap_or_default();
        let (result, read, length) = reader.read_field(rest.as_bytes(), &mut value);
        let last = !matches!(result, ReadFieldResult::Field { record_end: false });
        if last {
            // The end of the line ends the field; csv-core learns it from an empty input.
            reader.read_field(&[], value.get_mut(length..).unwrap_or_default());
        }
        let raw = rest.get(..if last { read } else { read.saturating_sub(1) }).unwrap_or_default();
        if let Some(stray) = stray_quote(raw) {
            return Err(Fault::new(start + used + stray, Flaw::StrayQuote));
        }
        let text = value.get(..length).and_then(|bytes| str::from_utf8(bytes).ok());
        fields.push(field(text.unwrap_or_default(), raw, start + used));
        used += read;
        if last || fields.len() > MAX_FIELDS {
            return Ok(fields);
        }
    }
}

fn field(text: &str, raw: &str, offset: usize) -> Field {
    let trimmed = text.trim_start_matches([' ', '\t']);
    let quote = usize::from(raw.starts_with('"'));
    let offset = offset + quote + (text.len() - trimmed.len());
    Field::new(trimmed.trim_end_matches([' ', '\t']), offset)
}

/// Returns the index of a quote that is neither around the whole field nor doubled inside.
fn stray_quote(raw: &str) -> Option<usize> {
    let Some(inner) = raw.strip_prefix('"') else { return raw.find('"') };
    let mut quotes = inner.match_indices('"').map(|(index, _)| index).peekable();
    while let Some(index) = quotes.next() {
        if index + 1 == inner.len() {
            return None;
        }
        if quotes.next_if_eq(&(index + 1)).is_none() {
            return Some(index + 1);
        }
    }
    Some(0)
}

#[cfg(test)]
mod tests {
    use super::{ANY, Between, COMMA, Hash, MAX_FIELDS, Rows};
    use crate::seed::error::Flaw;

    fn rows(text: &str) -> Vec<Vec<(usize, String)>> {
        let field = |f: super::Field| (f.offset, f.text.to_string());
        Rows::new(text, Hash::Comment, 5, ANY)
            .map(|row| row.ok().unwrap().fields.into_iter().map(field).collect())
            .collect()
    }

    #[track_caller]
    fn stray(text: &str) -> usize {
        let fault = Rows::new(text, Hash::Row, 5, COMMA).find_map(Result::err).unwrap();
        assert_eq!(fault.flaw, Flaw::StrayQuote);
        fault.offset
    }

    #[test]
    fn fields_know_their_offsets() {
        let want = |pairs: &[(usize, &str)]| -> Vec<(usize, String)> {
            pairs.iter().map(|(offset, text)| (*offset, (*text).to_owned())).collect()
        };
        let text = "a, b ,\"c, d\",\n\r\n  # no\r\"x\"\"y\" ";
        assert_eq!(rows("a, b ,\"c, d\","), [want(&[(0, "a"), (3, "b"), (7, "c, d"), (13, "")])]);
        assert_eq!(stray(text), text.len() - 2);
        assert_eq!(rows("\n# c\r\n\re,\"x\"\"y\""), [want(&[(7, "e"), (10, "x\"y")])]);
    }

    #[test]
    fn a_quote_stands_around_a_whole_field_or_nowhere() {
        assert_eq!(stray("ab\"c,d"), 2);
        assert_eq!(stray("a, \"b\""), 3);
        assert_eq!(stray("a,\"b\"c"), 4);
        assert_eq!(stray("a,\"b\"\""), 2);
        assert_eq!(stray("a,\"b\nc\""), 2);
        assert_eq!(stray("a,\""), 2);
    }

    #[test]
    fn a_row_of_a_million_fields_is_refused_and_not_kept() {
        let fault =
            Rows::new(&",".repeat(1_000_000), Hash::Row, 5, COMMA).find_map(Result::err).unwrap();
        assert_eq!((fault.offset, fault.flaw), (0, Flaw::TooManyFields { wanted: 5 }));
        assert!(Rows::new(&",".repeat(MAX_FIELDS - 1), Hash::Row, 5, COMMA).all(|row| row.is_ok()));
    }

    #[test]
    fn the_first_separator_of_the_file_is_that_of_all_rows() {
        let texts = |text: &str, between: Between| -> Vec<Vec<String>> {
            let texts = |row: super::Row| row.fields.iter().map(|f| f.text.to_string()).collect();
            Rows::new(text, Hash::Comment, 5, between).map(|row| texts(row.ok().unwrap())).collect()
        };
        assert_eq!(texts("# a;b\na;b,c\nd;e", ANY), [["a", "b,c"], ["d", "e"]]);
        assert_eq!(texts("\"a;b\",c", ANY), [["a;b", "c"]]);
        assert_eq!(texts("a\tb;c", ANY), [["a", "b;c"]]);
        assert_eq!(texts("a;b,c", COMMA), [["a;b", "c"]]);
        assert_eq!(texts("  a \t b\nc d ", Between::Blanks), [["a", "b"], ["c", "d"]]);
    }

    #[test]
    fn a_row_of_nothing_but_separators_is_no_row() {
        assert_eq!(rows("a,b\n,,\n , \nc"), rows("a,b\n  \n   \nc"));
    }

    #[test]
    fn a_hash_starts_a_comment_only_where_there_are_comments() {
        assert_eq!(Rows::new("#a\nb", Hash::Row, 5, COMMA).count(), 2);
        assert_eq!(Rows::new("#a\nb", Hash::Comment, 5, COMMA).count(), 1);
    }
}
