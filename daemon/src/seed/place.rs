//! Where something stands in a seed file, or another text.

use std::fmt;

/// A line and a column. Both count from 1; a column is one character, and the byte order mark
/// at the start of a file is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// The line. LF, CR LF and a single CR each end one.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Turns byte offsets of a text into places.
///
/// It walks the text once as long as the offsets grow, so that many tokens in one long line
/// cost no more than many lines.
pub(crate) struct Places<'t> {
    text: &'t str,
    offset: usize,
    place: Place,
}

impl<'t> Places<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, offset: 0, place: Place { line: 1, column: 1 } }
    }

    /// Returns the place of a byte offset; of the end of the text if it is beyond that.
    pub(crate) fn at(&mut self, offset: usize) -> Place {
        if offset < self.offset {
            *self = Self::new(self.text);
        }
        let mut rest = self.text.get(self.offset..).unwrap_or_default().chars().peekable();
        while self.offset < offset {
            let Some(character) = rest.next() else { break };
            self.offset += character.len_utf8();
            #[cfg(test)]
            super::testing::count(character.len_utf8());
            let ends_line = match character {
                '\n' => true,
                '\r' => rest.peek() != Some(&'\n'),
                _ => false,
            };
            self.place = if ends_line {
                Place { line: self.place.line.saturating_add(1), column: 1 }
            } else {
                Place { column: self.place.column.saturating_add(1), ..self.place }
            };
        }
        self.place
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Places};

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let text = "a\nb\r\nc\rd";
        let mut places = Places::new(text);
        for (letter, line) in [('a', 1), ('b', 2), ('c', 3), ('d', 4)] {
            let offset = text.find(letter).unwrap();
            assert_eq!(places.at(offset), Place { line, column: 1 });
        }
    }

    #[test]
    fn a_column_is_a_character_and_not_a_byte() {
        let text = "äöü,x";
        assert_eq!(Places::new(text).at(text.find('x').unwrap()), Place { line: 1, column: 5 });
    }

    #[test]
    fn an_earlier_offset_is_found_after_a_later_one() {
        let mut places = Places::new("ab\ncd");
        assert_eq!(places.at(4), Place { line: 2, column: 2 });
        assert_eq!(places.at(1), Place { line: 1, column: 2 });
        assert_eq!(places.at(99), Place { line: 2, column: 3 });
    }
}
