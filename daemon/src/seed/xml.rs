//! XML without its dangers: no document type, no entities of the file's own, no deep nesting.
//!
//! quick-xml splits the text into tags; this file is the only one that uses it. It checks what
//! quick-xml leaves open (one root, nothing behind it, the end is there, the encoding is UTF-8)
//! and walks from element to element.

use quick_xml::{
    XmlVersion,
    errors::{Error, SyntaxError},
    events::{BytesDecl, BytesRef, BytesStart, Event},
    name::{Namespace, ResolveResult},
    reader::NsReader,
};
use zeroize::Zeroizing;

use super::error::{Fault, Flaw};

/// Most elements inside each other. PSKC with a signature needs 10; the limit bounds what a
/// hostile file costs.
const MAX_DEPTH: usize = 32;

/// Which vocabulary an element is of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Space {
    /// PSKC (RFC 6030 section 4).
    Pskc,
    /// XML Signature (RFC 3275 section 1.3).
    Signature,
    /// Any other, or none.
    Other,
}

impl Space {
    fn of(name: &str) -> Self {
        match name {
            // The second is of drafts, which vendors still write (draft-hoyer-keyprov-pskc-
            // algorithm-profiles-01).
            "urn:ietf:params:xml:ns:keyprov:pskc" | "urn:ietf:params:xml:ns:keyprov:pskc:1.0" => {
                Self::Pskc
            }
            "http://www.w3.org/2000/09/xmldsig#" => Self::Signature,
            _ => Self::Other,
        }
    }
}

/// An element that was opened.
pub(super) struct Element<'t> {
    /// Where its tag starts.
    pub(super) offset: usize,
    /// Its vocabulary.
    pub(super) space: Space,
    start: BytesStart<'t>,
}

impl Element<'_> {
    /// Returns the name without prefix.
    pub(super) fn name(&self) -> &str {
        self.start.name().0.rsplit(':').next().unwrap_or_default()
    }

    /// Returns the value of the attribute with this name and no prefix.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<String>, Fault> {
        for attribute in self.start.attributes() {
            let attribute = attribute.map_err(|_| self.fault(Flaw::Malformed))?;
            if attribute.key.0 == name {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                return Ok(Some(value.map_err(|_| self.fault(Flaw::Entity))?.into_owned()));
            }
        }
        Ok(None)
    }

    /// Returns the value of an attribute that has to be there.
    pub(super) fn required(&self, name: &'static str) -> Result<String, Fault> {
        self.attribute(name)?.ok_or(self.fault(Flaw::Missing { name }))
    }

    /// Refuses it if the slot has been filled by an element of the same name.
    pub(super) fn once<T>(&self, slot: &Option<T>, name: &'static str) -> Result<(), Fault> {
        match slot {
            Some(_) => Err(self.fault(Flaw::Twice { name })),
            None => Ok(()),
        }
    }

    /// Returns a fault that stands at this element.
    pub(super) fn fault(&self, flaw: Flaw) -> Fault {
        Fault::new(self.offset, flaw)
    }
}

/// The text of an element. It may be a seed, so it is wiped.
pub(super) struct Text {
    /// Where the element's content starts.
    pub(super) offset: usize,
    value: Zeroizing<String>,
    /// Index in the value and offset in the file of each piece.
    pieces: Vec<(usize, usize)>,
}

impl Text {
    /// Returns the text as it stands.
    pub(super) fn value(&self) -> &str {
        &self.value
    }

    /// Returns the text without white space around it.
    pub(super) fn trimmed(&self) -> &str {
        self.value.trim_matches([' ', '\t', '\r', '\n'])
    }

    /// Returns where the byte with this index stands in the file.
    pub(super) fn offset_of(&self, index: usize) -> usize {
        let piece = self.pieces.iter().rev().find(|(start, _)| *start <= index);
        piece.map_or(self.offset, |(start, offset)| offset + (index - start))
    }

    /// Returns a fault that stands at the text's first character.
    pub(super) fn fault(&self, flaw: Flaw) -> Fault {
        let blank = self.value.len() - self.value.trim_start_matches([' ', '\t', '\r', '\n']).len();
        Fault::new(self.offset_of(blank), flaw)
    }

    fn push(&mut self, piece: &str, offset: usize) {
        self.pieces.push((self.value.len(), offset));
        let needed = self.value.len() + piece.len();
        if needed > self.value.capacity() {
            // A string that grows leaves its old bytes behind, so this one is moved by hand.
            let mut larger = Zeroizing::new(String::with_capacity(needed * 2));
            larger.push_str(&self.value);
            self.value = larger;
        }
        self.value.push_str(piece);
    }
}

/// Walks through the elements of a text.
pub(super) struct Xml<'t> {
    reader: NsReader<&'t [u8]>,
    end: usize,
    depth: usize,
}

impl<'t> Xml<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut reader = NsReader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().enable_all_checks(true);
        Self { reader, end: text.len(), depth: 0 }
    }

    /// Opens the root element.
    pub(super) fn root(&mut self) -> Result<Element<'t>, Fault> {
        let end = self.end;
        self.child()?.ok_or(Fault::new(end, Flaw::Truncated))
    }

    /// Opens the next element inside the one that is open; closes that one and returns `None`
    /// if there is no more. Text between elements is refused.
    pub(super) fn child(&mut self) -> Result<Option<Element<'t>>, Fault> {
        loop {
            let (offset, event) = self.event()?;
            match event {
                Event::Start(start) => return self.element(offset, start).map(Some),
                Event::End(_) | Event::Eof => return Ok(None),
                Event::Text(text) if is_blank(&text) => {}
                _ => return Err(Fault::new(offset, Flaw::StrayText)),
            }
        }
    }

    /// Opens the next element, wherever it stands; `None` at the end of the text.
    pub(super) fn any(&mut self) -> Result<Option<Element<'t>>, Fault> {
        loop {
            let (offset, event) = self.event()?;
            match event {
                Event::Start(start) => return self.element(offset, start).map(Some),
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }

    /// Reads the text of the element that was opened last and closes it. Elements inside it are
    /// refused.
    pub(super) fn text(&mut self) -> Result<Text, Fault> {
        let offset = self.offset();
        let value = Zeroizing::new(String::new());
        let mut text = Text { offset, value, pieces: Vec::new() };
        loop {
            let (offset, event) = self.event()?;
            match event {
                Event::Text(piece) => text.push(&piece, offset),
                Event::CData(piece) => text.push(&piece, offset + "<![CDATA[".len()),
                Event::GeneralRef(name) => {
                    let character = character(&name).map_err(|flaw| Fault::new(offset, flaw))?;
                    text.push(character.encode_utf8(&mut [0; 4]), offset);
                }
                Event::End(_) => return Ok(text),
                _ => return Err(Fault::new(offset, Flaw::Unexpected)),
            }
        }
    }

    /// Closes the element that was opened last, with all that is inside it.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside {
            self.event()?;
        }
        Ok(())
    }

    /// Goes to the end of the text; nothing but comments may come behind the root.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        match self.child()? {
            Some(element) => Err(element.fault(Flaw::Unexpected)),
            None => Ok(()),
        }
    }

    fn element(&self, offset: usize, start: BytesStart<'t>) -> Result<Element<'t>, Fault> {
        let space = match self.reader.resolver().resolve_element(start.name()).0 {
            ResolveResult::Bound(Namespace(name)) => Space::of(name),
            ResolveResult::Unbound => Space::Other,
            ResolveResult::Unknown(_) => return Err(Fault::new(offset, Flaw::Malformed)),
        };
        Ok(Element { offset, space, start })
    }

    fn offset(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(self.end)
    }

    /// Returns the next event that is not a comment or instruction, and where it starts.
    fn event(&mut self) -> Result<(usize, Event<'t>), Fault> {
        loop {
            let offset = self.offset();
            let event = self.reader.read_event().map_err(|error| self.malformed(&error))?;
            let flaw = match &event {
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Decl(declaration) => match declared(declaration, offset) {
                    Ok(()) => continue,
                    Err(flaw) => Some(flaw),
                },
                Event::DocType(_) => Some(Flaw::Doctype),
                Event::Start(start) => self.open(start).err(),
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    None
                }
                Event::GeneralRef(name) => character(name).err(),
                Event::Eof if self.depth > 0 => Some(Flaw::Truncated),
                _ => None,
            };
            return flaw.map_or(Ok((offset, event)), |flaw| Err(Fault::new(offset, flaw)));
        }
    }

    /// Counts the element and looks at its attributes, also where nobody asks for them.
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Flaw> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Flaw::TooDeep);
        }
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| Flaw::Malformed)?;
            attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Flaw::Entity)?;
        }
        Ok(())
    }

    fn malformed(&self, error: &Error) -> Fault {
        let offset = usize::try_from(self.reader.error_position()).unwrap_or(self.end);
        let flaw = match error {
            Error::Syntax(SyntaxError::UnclosedDoctype) => Flaw::Doctype,
            // Bang markup that is none; all other syntax errors are an unexpected end.
            Error::Syntax(SyntaxError::InvalidBangMarkup) => Flaw::Malformed,
            Error::Syntax(_) => Flaw::Truncated,
            _ => Flaw::Malformed,
        };
        Fault::new(offset, flaw)
    }
}

/// Checks `<?xml version="1.0" encoding="UTF-8"?>`; it stands at the start or nowhere.
fn declared(declaration: &BytesDecl<'_>, offset: usize) -> Result<(), Flaw> {
    let version = declaration.version().map_err(|_| Flaw::Malformed)?;
    if offset != 0 || version != "1.0" {
        return Err(Flaw::Malformed);
    }
    match declaration.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if encoding.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(Ok(_)) => Err(Flaw::OtherEncoding),
        Some(Err(_)) => Err(Flaw::Malformed),
    }
}

/// Returns the character of a reference: a number, or an entity that XML predefines (XML 1.0
/// sections 4.1 and 4.6).
fn character(name: &BytesRef<'_>) -> Result<char, Flaw> {
    if name.is_char_ref() {
        let character = name.resolve_char_ref().ok().flatten().ok_or(Flaw::Malformed)?;
        let control = character.is_control() && !matches!(character, '\t' | '\n' | '\r');
        let outside = control || matches!(character, '\u{fffe}' | '\u{ffff}');
        return if outside { Err(Flaw::ControlCharacter) } else { Ok(character) };
    }
    match &**name {
        "amp" => Ok('&'),
        "apos" => Ok('\''),
        "gt" => Ok('>'),
        "lt" => Ok('<'),
        "quot" => Ok('"'),
        _ => Err(Flaw::Entity),
    }
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n'))
}
