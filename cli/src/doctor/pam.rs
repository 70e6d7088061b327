//! Reads what a sign-in would run: the lines of a PAM service with those of the files that it
//! includes, each with its place (pam.conf(5); Linux-PAM 1.5, `libpam/pam_handlers.c`).

use super::{control::Control, finding::Place, ground::Ground};

/// Where libpam looks for a service, the first that has it. `/usr/etc/pam.d` is SUSE's.
pub(crate) const FOLDERS: [&str; 3] = ["/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d"];
/// The service of programs that have none of their own.
const OTHER: &str = "other";
/// Files inside files (`PAM_SUBSTACK_MAX_LEVEL`).
const MAX_DEPTH: u32 = 16;
/// Most lines of a stack: two includes of itself in one file would double at each depth. Real
/// stacks have some dozens.
const MAX_ENTRIES: usize = 1_000;

/// A line of a stack.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) place: Place,
    /// How many substacks it is inside.
    pub(crate) level: u32,
    pub(crate) what: What,
    pub(crate) control: Control,
}

/// What a line does.
#[derive(Debug)]
pub(crate) enum What {
    /// libpam cannot read it: it fails whenever it is reached. Why.
    Broken(String),
    Module(Module),
    /// Calls nothing; those behind it that are one level up belong to it.
    Substack,
}

/// A module in a line.
#[derive(Debug)]
pub(crate) struct Module {
    /// As it was written: a name in PAM's folder, or a path.
    pub(crate) path: String,
    pub(crate) options: Vec<String>,
    /// Whether its absence is logged.
    pub(crate) absence: Absence,
}

impl Module {
    /// Returns the name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// Whether libpam logs that a module file is not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Absence {
    Logged,
    /// There is a `-` before the line.
    Silent,
}

/// What a service runs to authenticate.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    /// The service's file; that of `other` if it has none.
    pub(crate) file: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) origin: Origin,
    /// Lines of the session, account and password stacks that name the module of Fob.
    pub(crate) elsewhere: Vec<Place>,
}

/// Whose lines a stack is made of.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Origin {
    /// The service has none: they are those of `other`.
    Other,
    #[default]
    Own,
}

/// The kinds of lines.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Facility {
    Auth,
    Other(&'static str),
}

/// Whose lines are taken of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    Any,
    Only(Facility),
}

/// Returns the stack of a service, as libpam would find it; `None` if there is no such service, and
/// programs that ask for it get that of `other`.
pub(crate) fn stack(ground: &Ground, service: &str) -> Option<Stack> {
    let (file, text) = find(ground, service)?;
    let mut reader = Reader { ground, stack: Stack { file: file.clone(), ..Stack::default() } };
    reader.file(&file, &text, Wanted::Any, Depth::default());
    if reader.stack.entries.is_empty() {
        reader.stack.origin = Origin::Other;
        if let Some((file, text)) = find(ground, OTHER) {
            reader.file(&file, &text, Wanted::Only(Facility::Auth), Depth::default());
        }
    }
    Some(reader.stack)
}

/// Returns the names of all services that have a file.
pub(crate) fn services(ground: &Ground) -> Vec<String> {
    let names = FOLDERS.into_iter().flat_map(|folder| ground.names(folder));
    let mut names: Vec<String> = names.filter(|name| is_service(name)).collect();
    names.sort();
    names.dedup();
    names
}

/// Tells whether a program can ask for a file as a service: what editors and dpkg leave behind has
/// a `~` or a further name behind a dot, and Debian's common files are for others to include.
fn is_service(name: &str) -> bool {
    const LEFT_BEHIND: [&str; 6] = [".dpkg-", ".rpm", ".orig", ".bak", ".pam-old", ".fob"];
    !name.starts_with("common-")
        && !name.starts_with('.')
        && !name.ends_with('~')
        && !LEFT_BEHIND.iter().any(|end| name.contains(end))
}

fn find(ground: &Ground, name: &str) -> Option<(String, String)> {
    if name.starts_with('/') {
        return ground.read(name).map(|text| (name.to_owned(), text));
    }
    FOLDERS.into_iter().find_map(|folder| {
        let path = format!("{folder}/{name}");
        ground.read(&path).map(|text| (path, text))
    })
}

/// How deep a file is inside others.
#[derive(Clone, Copy, Default)]
struct Depth {
    files: u32,
    substacks: u32,
}

struct Reader<'a> {
    ground: &'a Ground,
    stack: Stack,
}

impl Reader<'_> {
    fn file(&mut self, file: &str, text: &str, wanted: Wanted, depth: Depth) {
        for (number, words) in lines(text) {
            self.line(&Place::line(file, number), &words, wanted, depth);
        }
    }

    fn line(&mut self, place: &Place, words: &[String], wanted: Wanted, depth: Depth) {
        let mut words = words.iter();
        let first = words.next().map(String::as_str).unwrap_or_default();
        let (absence, first) = match first.strip_prefix('-') {
            Some(rest) => (Absence::Silent, rest),
            None => (Absence::Logged, first),
        };
        if first.eq_ignore_ascii_case("@include") {
            let name = words.next().map(String::as_str).unwrap_or_default();
            return self.include(place, name, wanted, depth);
        }
        let (facility, flaw) = facility(first, wanted);
        if matches!(wanted, Wanted::Only(only) if only != facility) {
            return;
        }
        let control = words.next().map(String::as_str);
        let word = control.map(str::to_ascii_lowercase).unwrap_or_default();
        if word == "include" || word == "substack" {
            let name = words.next().map(String::as_str).unwrap_or_default();
            let only = Wanted::Only(facility);
            if word == "include" {
                return self.include(place, name, only, depth);
            }
            self.push(facility, entry(place, depth, What::Substack, Control::bad()));
            let inside = Depth { substacks: depth.substacks.saturating_add(1), ..depth };
            return self.include(place, name, only, inside);
        }
        let parsed = control.map_or_else(Control::bad, Control::parse);
        let what = match (flaw, words.next()) {
            (Some(flaw), _) => What::Broken(flaw),
            (None, None) => What::Broken("the line names no module".to_owned()),
            (None, Some(path)) => What::Module(Module {
                path: path.clone(),
                options: words.cloned().collect(),
                absence,
            }),
        };
        self.push(facility, entry(place, depth, what, parsed));
    }

    fn include(&mut self, place: &Place, name: &str, wanted: Wanted, depth: Depth) {
        let inside = Depth { files: depth.files.saturating_add(1), ..depth };
        let flaw = if inside.files > MAX_DEPTH || self.stack.entries.len() > MAX_ENTRIES {
            format!("{name} is included inside itself, or too deep")
        } else if let Some((file, text)) = find(self.ground, name) {
            return self.file(&file, &text, wanted, inside);
        } else {
            format!("the included file {name:?} is not there, or cannot be read")
        };
        let facility = match wanted {
            Wanted::Any => Facility::Auth,
            Wanted::Only(facility) => facility,
        };
        self.push(facility, entry(place, depth, What::Broken(flaw), Control::bad()));
    }

    fn push(&mut self, facility: Facility, entry: Entry) {
        match (facility, &entry.what) {
            (Facility::Auth, _) if self.stack.entries.len() <= MAX_ENTRIES => {
                self.stack.entries.push(entry);
            }
            (Facility::Other(_), What::Module(module)) if super::is_fob(module) => {
                self.stack.elsewhere.push(entry.place);
            }
            _ => {}
        }
    }
}

fn entry(place: &Place, depth: Depth, what: What, control: Control) -> Entry {
    Entry { place: place.clone(), level: depth.substacks, what, control }
}

/// Returns the kind of a line. One that libpam does not know fails, in the stack that is read or,
/// as the most sensitive, in this one.
fn facility(word: &str, wanted: Wanted) -> (Facility, Option<String>) {
    const OTHERS: [&str; 3] = ["account", "password", "session"];
    if word.eq_ignore_ascii_case("auth") {
        return (Facility::Auth, None);
    }
    if let Some(other) = OTHERS.into_iter().find(|other| word.eq_ignore_ascii_case(other)) {
        return (Facility::Other(other), None);
    }
    let facility = match wanted {
        Wanted::Any => Facility::Auth,
        Wanted::Only(facility) => facility,
    };
    (facility, Some(format!("there is no kind of line {word:?}")))
}

/// Returns the lines that say something, in words, with the number of their first line. A backslash
/// at the end joins the next one; a comment ends a line wherever it begins.
fn lines(text: &str) -> Vec<(u32, Vec<String>)> {
    let mut found = Vec::new();
    let mut open: Option<(u32, String)> = None;
    for (line, number) in text.lines().zip(1..) {
        let (said, comment) = match line.split_once('#') {
            Some((said, _)) => (said, true),
            None => (line, false),
        };
        let said = said.trim_end();
        if said.trim_start().is_empty() {
            continue; // also between the parts of a joined line
        }
        let (first, mut joined) = open.take().unwrap_or((number, String::new()));
        match said.strip_suffix('\\') {
            Some(part) if !comment => {
                joined.push_str(part);
                joined.push(' ');
                open = Some((first, joined));
            }
            _ => {
                joined.push_str(said);
                found.push((first, words(&joined)));
            }
        }
    }
    found.extend(open.map(|(first, joined)| (first, words(&joined))));
    found
}

/// Splits a line into words. What begins with a bracket goes to the closing one; `\]` is one that
/// does not close (pam.conf(5)).
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut letters = line.chars().peekable();
    while let Some(first) = letters.next() {
        if first.is_ascii_whitespace() {
            continue;
        }
        let mut word = String::new();
        if first == '[' {
            while let Some(letter) = letters.next().filter(|letter| *letter != ']') {
                let escaped = letter == '\\' && letters.peek() == Some(&']');
                word.push(if escaped { letters.next().unwrap_or(letter) } else { letter });
            }
        } else {
            word.push(first);
            while let Some(letter) = letters.next_if(|letter| !letter.is_ascii_whitespace()) {
                word.push(letter);
            }
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::{is_service, lines, words};

    #[test]
    fn brackets_hold_a_word_together() {
        assert_eq!(
            words("auth\t[success=1 default=ignore]  pam_x.so [prompt=A \\] b: ] debug"),
            ["auth", "success=1 default=ignore", "pam_x.so", "prompt=A ] b: ", "debug"]
        );
    }

    #[test]
    fn a_joined_line_has_the_number_of_its_first() {
        let text =
            "# head\n\nauth required \\\n# between\n  pam_x.so\nauth optional a.so # \\\nb\n";
        let found = lines(text);
        let numbers: Vec<u32> = found.iter().map(|line| line.0).collect();
        assert_eq!(numbers, [3, 6, 7]);
        assert_eq!(found[0].1, ["auth", "required", "pam_x.so"]);
        assert_eq!(found[1].1, ["auth", "optional", "a.so"]);
    }

    #[test]
    fn what_dpkg_and_editors_leave_behind_is_no_service() {
        for name in ["sudo.dpkg-old", "sudo~", ".sudo.fob", "common-auth", "sshd.rpmsave"] {
            assert!(!is_service(name), "{name}");
        }
        for name in ["sudo", "polkit-1", "gdm-password", "su-l"] {
            assert!(is_service(name), "{name}");
        }
    }
}
