//! Rows of a CSV file, each field with its offset.
//!
//! csv-core knows the quoting rules (RFC 4180). This file is stricter than it: a quote stands
//! around a whole field or nowhere, and a field ends in the line in which it starts.

use csv_core::{ReadFieldResult, Reader};
use zeroize::Zeroizing;

use super::error::{Fault, Flaw};

/// Most fields of a row. The formats have up to 6, and spreadsheet programs append empty ones;
/// the limit bounds the memory that a hostile row costs.
const MAX_FIELDS: usize = 64;

/// One field. It may be a seed, so it is wiped.
pub(super) struct Field {
    /// Where its text starts in the file.
    pub(super) offset: usize,
    /// Without quotes, and without spaces around it.
    pub(super) text: Zeroizing<String>,
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
}

/// What a line is whose first character is `#`.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    /// A comment.
    Comment,
    /// A row like any other.
    Row,
}

/// The rows of a text. Blank lines are skipped.
pub(super) struct Rows<'t> {
    text: &'t str,
    offset: usize,
    hash: Hash,
    columns: usize,
    reader: Reader,
}

impl<'t> Rows<'t> {
    /// Starts at the first row. `columns` is what a row may have, for the refusal of one that
    /// has far more.
    pub(super) fn new(text: &'t str, hash: Hash, columns: usize) -> Self {
        Self { text, offset: 0, hash, columns, reader: Reader::new() }
    }

    /// Returns the next line and its offset.
    fn line(&mut self) -> Option<(usize, &'t str)> {
        let start = self.offset;
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let line = rest.split(['\n', '\r']).next().unwrap_or_default();
        let end = rest.get(line.len()..).unwrap_or_default();
        let terminator = if end.starts_with("\r\n") { 2 } else { end.len().min(1) };
        self.offset = start + line.len() + terminator;
        Some((start, line))
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (offset, line) = self.line()?;
            let content = line.trim_start_matches([' ', '\t']);
            let comment = matches!(self.hash, Hash::Comment) && content.starts_with('#');
            if !content.is_empty() && !comment {
                let end = offset + line.len();
                return Some(split(&mut self.reader, line, offset).and_then(|fields| {
                    if fields.len() > MAX_FIELDS {
                        let wanted = self.columns;
                        return Err(Fault::new(offset, Flaw::TooManyFields { wanted }));
                    }
                    Ok(Row { offset, end, fields })
                }));
            }
        }
    }
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
    Field {
        offset: offset + quote + (text.len() - trimmed.len()),
        text: Zeroizing::new(trimmed.trim_end_matches([' ', '\t']).to_owned()),
    }
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
    use super::{Hash, MAX_FIELDS, Rows};
    use crate::seed::error::Flaw;

    fn rows(text: &str) -> Vec<Vec<(usize, String)>> {
        let field = |f: super::Field| (f.offset, f.text.to_string());
        Rows::new(text, Hash::Comment, 5)
            .map(|row| row.ok().unwrap().fields.into_iter().map(field).collect())
            .collect()
    }

    #[track_caller]
    fn stray(text: &str) -> usize {
        let fault = Rows::new(text, Hash::Row, 5).find_map(Result::err).unwrap();
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
        let fault = Rows::new(&",".repeat(1_000_000), Hash::Row, 5).find_map(Result::err).unwrap();
        assert_eq!((fault.offset, fault.flaw), (0, Flaw::TooManyFields { wanted: 5 }));
        assert!(Rows::new(&",".repeat(MAX_FIELDS - 1), Hash::Row, 5).all(|row| row.is_ok()));
    }

    #[test]
    fn a_hash_starts_a_comment_only_where_there_are_comments() {
        assert_eq!(Rows::new("#a\nb", Hash::Row, 5).count(), 2);
        assert_eq!(Rows::new("#a\nb", Hash::Comment, 5).count(), 1);
    }
}
