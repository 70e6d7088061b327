//! Reads the tags of the XML files that Fob ships: enough for tests, for no other file.

use std::collections::BTreeMap;

/// A tag and its attributes. An end tag has a name that begins with a slash.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// Its attributes.
    pub attributes: BTreeMap<String, String>,
}

impl Tag {
    /// Returns an attribute.
    #[must_use]
    pub fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }
}

/// A method of an interface.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Method {
    /// Its name.
    pub name: String,
    /// The types of its arguments, one after the other.
    pub input: String,
    /// The types of its results.
    pub output: String,
}

/// Returns the tags in their order, without comments and declarations.
#[must_use]
pub fn tags(xml: &str) -> Vec<Tag> {
    let mut rest = xml;
    let mut tags = Vec::new();
    while let Some((_, after)) = rest.split_once('<') {
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        rest = after;
        if !tag.starts_with(['!', '?']) {
            tags.push(read(tag.trim_end_matches('/')));
        }
    }
    tags
}

fn read(text: &str) -> Tag {
    let (name, mut rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let mut attributes = BTreeMap::new();
    while let Some((key, after)) = rest.split_once("=\"") {
        let (value, after) = after.split_once('"').unwrap_or((after, ""));
        attributes.insert(key.trim().to_owned(), value.to_owned());
        rest = after;
    }
    Tag { name: name.to_owned(), attributes }
}

/// Returns the methods of one interface of introspection data, by name.
#[must_use]
pub fn methods(xml: &str, interface: &str) -> Vec<Method> {
    let mut found: Vec<Method> = Vec::new();
    let mut inside = false;
    for tag in tags(xml) {
        match (tag.name.as_str(), found.last_mut()) {
            ("interface", _) => inside = tag.get("name") == Some(interface),
            ("method", _) if inside => {
                let name = tag.get("name").unwrap_or_default().to_owned();
                found.push(Method { name, input: String::new(), output: String::new() });
            }
            ("arg", Some(method)) if inside => {
                let types = if tag.get("direction") == Some("out") {
                    &mut method.output
                } else {
                    &mut method.input
                };
                types.push_str(tag.get("type").unwrap_or_default());
            }
            _ => {}
        }
    }
    found.sort();
    found
}

/// Returns the names of the signals of one interface of introspection data, sorted.
#[must_use]
pub fn signals(xml: &str, interface: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for tag in tags(xml) {
        match tag.name.as_str() {
            "interface" => inside = tag.get("name") == Some(interface),
            "signal" if inside => names.extend(tag.get("name").map(str::to_owned)),
            _ => {}
        }
    }
    names.sort();
    names
}

/// Returns the names of the interfaces, sorted.
#[must_use]
pub fn interfaces(xml: &str) -> Vec<String> {
    let mut names: Vec<String> = tags(xml)
        .into_iter()
        .filter(|tag| tag.name == "interface")
        .filter_map(|tag| tag.get("name").map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::{methods, tags};

    #[test]
    fn comments_are_no_tags() {
        let tags = tags(r#"<a b="c d"/><!-- <x/> --><e f="g" h="i">"#);
        assert_eq!(tags.len(), 2);
        assert_eq!(tags[1].get("h"), Some("i"));
    }

    #[test]
    fn a_method_has_its_types_in_order() {
        let xml = r#"<interface name="i"><method name="M"><arg type="s" direction="in"/><arg
            type="as" direction="in"/><arg type="u" direction="out"/></method></interface>"#;
        let found = methods(xml, "i");
        assert_eq!((found[0].input.as_str(), found[0].output.as_str()), ("sas", "u"));
        assert_eq!(methods(xml, "other"), []);
    }
}
