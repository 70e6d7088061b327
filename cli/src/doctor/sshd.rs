//! Reads sshd's settings: from its files, so that each has its place, and from what `sshd -T` says
//! that holds (sshd_config(5)).

use std::collections::BTreeMap;

use super::{finding::Place, ground::Ground};

/// sshd's own file.
pub(crate) const FILE: &str = "/etc/ssh/sshd_config";
/// Files inside files (`SERVCONF_MAX_DEPTH`).
const MAX_DEPTH: u32 = 16;
/// Names that older releases had for a setting, and newer ones still take.
const ALIASES: [(&str, &str); 2] = [
    ("challengeresponseauthentication", "kbdinteractiveauthentication"),
    ("skeyauthentication", "kbdinteractiveauthentication"),
];

/// A setting in a file.
#[derive(Clone, Debug)]
struct Line {
    place: Place,
    /// In lower case, under its present name.
    keyword: String,
    /// All arguments, with one space between.
    value: String,
}

/// The settings before the first `Match`, or those of one.
#[derive(Debug)]
struct Block {
    matching: Option<Match>,
    lines: Vec<Line>,
}

/// For whom a block holds.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) place: Place,
    /// As it stands in the file, such as `User alice`.
    pub(crate) text: String,
}

/// A setting that holds.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) value: String,
    /// Where it stands; `None` if that is unknown, or it is the default.
    pub(crate) place: Option<Place>,
    /// Lines that say something else, and come too late.
    pub(crate) late: Vec<Place>,
}

/// What holds for everybody, or for those of a `Match`.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) matching: Option<Match>,
    settings: BTreeMap<String, Setting>,
}

impl View {
    /// Returns a setting; `None` if nothing is said of it, and the default holds.
    pub(crate) fn get(&self, keyword: &str) -> Option<&Setting> {
        self.settings.get(keyword)
    }

    /// Tells whether a setting is `yes`, or its default is.
    pub(crate) fn is_on(&self, keyword: &str, default: Default) -> bool {
        match self.get(keyword) {
            Some(setting) => setting.value.eq_ignore_ascii_case("yes"),
            None => default == Default::Yes,
        }
    }

    /// Returns where a setting stands, or sshd's file.
    pub(crate) fn place(&self, keyword: &str) -> Place {
        let place = self.get(keyword).and_then(|setting| setting.place.clone());
        place.unwrap_or_else(|| Place::of(FILE))
    }

    /// Puts what `sshd -T` says over what the files say: it knows defaults and what is compiled in.
    pub(crate) fn correct(&mut self, effective: &str) {
        let mut told: BTreeMap<String, String> = BTreeMap::new();
        for line in effective.lines() {
            let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
            told.entry(present_name(keyword)).or_insert_with(|| value.trim().to_owned());
        }
        for (keyword, value) in told {
            match self.settings.get_mut(&keyword) {
                Some(known) if same(&known.value, &value) => {}
                _ => {
                    let setting = Setting { value, place: None, late: Vec::new() };
                    self.settings.insert(keyword, setting);
                }
            }
        }
    }
}

/// What holds where nothing is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Default {
    No,
    Yes,
}

/// `sshd -T` writes some values otherwise than people do.
fn same(ours: &str, told: &str) -> bool {
    let plain =
        |text: &str| text.to_ascii_lowercase().replace("prohibit-password", "without-password");
    plain(ours) == plain(told)
}

fn present_name(keyword: &str) -> String {
    let keyword = keyword.to_ascii_lowercase();
    let alias = ALIASES.into_iter().find(|(old, _)| *old == keyword);
    alias.map_or(keyword, |(_, present)| present.to_owned())
}

/// Returns what the files say: first what holds for everybody, then each `Match` block; `None`
/// without a file of sshd.
pub(crate) fn views(ground: &Ground) -> Option<Vec<View>> {
    let text = ground.read(FILE)?;
    let mut reader = Reader { ground, blocks: vec![Block { matching: None, lines: Vec::new() }] };
    reader.file(FILE, &text, 0, 0);
    let global = reader.blocks.first().map(|block| block.lines.as_slice()).unwrap_or_default();
    let view = |block: &Block| {
        let own = if block.matching.is_some() { block.lines.as_slice() } else { &[] };
        View { matching: block.matching.clone(), settings: settings(own, global) }
    };
    Some(reader.blocks.iter().map(view).collect())
}

/// The first value counts, and that of a `Match` block before all (sshd_config(5)).
fn settings(own: &[Line], global: &[Line]) -> BTreeMap<String, Setting> {
    let mut settings: BTreeMap<String, Setting> = BTreeMap::new();
    let is_own = |line: &&Line| own.iter().any(|other| other.keyword == line.keyword);
    for line in own.iter().chain(global.iter().filter(|line| !is_own(line))) {
        let Line { place, keyword, value } = line.clone();
        match settings.get_mut(&keyword) {
            None => {
                let setting = Setting { value, place: Some(place), late: Vec::new() };
                settings.insert(keyword, setting);
            }
            Some(first) if !same(&first.value, &value) => first.late.push(place),
            Some(_) => {}
        }
    }
    settings
}

struct Reader<'a> {
    ground: &'a Ground,
    blocks: Vec<Block>,
}

impl Reader<'_> {
    /// Reads a file into a block. A `Match` in it ends with it.
    fn file(&mut self, file: &str, text: &str, block: usize, depth: u32) {
        let mut block = block;
        for (line, number) in text.lines().zip(1..) {
            let words = words(line);
            let Some((keyword, arguments)) = words.split_first() else { continue };
            let keyword = present_name(keyword);
            let place = Place::line(file, number);
            let value = arguments.join(" ");
            match keyword.as_str() {
                "include" => self.include(arguments, block, depth),
                "match" => {
                    let matching = Some(Match { place, text: value });
                    self.blocks.push(Block { matching, lines: Vec::new() });
                    block = self.blocks.len() - 1;
                }
                _ => {
                    if let Some(block) = self.blocks.get_mut(block) {
                        block.lines.push(Line { place, keyword, value });
                    }
                }
            }
        }
    }

    fn include(&mut self, patterns: &[String], block: usize, depth: u32) {
        if depth >= MAX_DEPTH {
            return; // sshd does not start with it, and "sshd -T" says so
        }
        for pattern in patterns {
            let path = match pattern.starts_with('/') {
                true => pattern.clone(),
                false => format!("/etc/ssh/{pattern}"),
            };
            let Some((folder, name)) = path.rsplit_once('/') else { continue };
            for found in self.ground.names(folder).into_iter().filter(|found| fits(name, found)) {
                let file = format!("{folder}/{found}");
                if let Some(text) = self.ground.read(&file) {
                    self.file(&file, &text, block, depth + 1);
                }
            }
        }
    }
}

/// Tells whether a name fits a pattern of glob(7) with `*` and `?`; a leading dot fits no `*`.
fn fits(pattern: &str, name: &str) -> bool {
    fn rest(pattern: &[char], name: &[char]) -> bool {
        match (pattern, name) {
            ([], []) => true,
            (['*', behind @ ..], _) => {
                rest(behind, name)
                    || name.split_first().is_some_and(|(_, name)| rest(pattern, name))
            }
            (['?', behind @ ..], [_, name @ ..]) => rest(behind, name),
            ([letter, behind @ ..], [other, name @ ..]) => letter == other && rest(behind, name),
            _ => false,
        }
    }
    let letters = |text: &str| text.chars().collect::<Vec<char>>();
    (pattern.starts_with('.') || !name.starts_with('.')) && rest(&letters(pattern), &letters(name))
}

/// Splits a line into keyword and arguments; an equals sign may stand behind the keyword, and
/// quotes around what has spaces. None from a comment.
fn words(line: &str) -> Vec<String> {
    let line = line.trim();
    let end = line.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(line.len());
    let (keyword, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '=');
    if keyword.is_empty() || keyword.starts_with('#') {
        return Vec::new();
    }
    let mut words = vec![keyword.to_owned()];
    let mut word: Option<String> = None;
    let mut quoted = false;
    for letter in rest.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '#' if !quoted && word.is_none() => break,
            letter if letter.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            letter => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words
}

/// Returns what `sshd -T -C` is asked so that it answers for a `Match` block, or for somebody who
/// fits none; `None` where no example can be made up, as for a group.
pub(crate) fn example(matching: Option<&Match>) -> Option<String> {
    // Names and addresses that nobody has (RFC 6761 section 6.4, RFC 5737 section 3).
    let mut user = "fob-doctor".to_owned();
    let mut host = "doctor.invalid".to_owned();
    let mut address = "192.0.2.1".to_owned();
    let text = matching.map(|matching| matching.text.clone()).unwrap_or_default();
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    while let Some(criterion) = words.next() {
        let criterion = criterion.to_ascii_lowercase();
        if criterion == "all" {
            continue;
        }
        let first = words.next()?.split(',').next()?;
        if first.starts_with('!') || first.contains(['*', '?']) {
            return None;
        }
        match criterion.as_str() {
            "user" => user = first.to_owned(),
            "host" => host = first.to_owned(),
            "address" => address = first.split('/').next()?.to_owned(),
            _ => return None,
        }
    }
    Some(format!("user={user},host={host},addr={address}"))
}

#[cfg(test)]
mod tests {
    use super::{Match, Place, example, fits, words};

    #[test]
    fn a_line_is_split_as_sshd_does() {
        assert_eq!(words("UsePAM=yes"), ["UsePAM", "yes"]);
        assert_eq!(words("  Match  User \"a b\" # c"), ["Match", "User", "a b"]);
        assert_eq!(words("# UsePAM no"), [""; 0]);
        assert_eq!(words(""), [""; 0]);
    }

    #[test]
    fn a_pattern_fits_what_glob_fits() {
        for (pattern, name, expected) in [
            ("*.conf", "10-fob.conf", true),
            ("*.conf", "10-fob.conf.dpkg-old", false),
            ("*.conf", ".hidden.conf", false),
            ("?0-*", "10-x", true),
            ("fob.conf", "fob.conf", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn an_example_is_made_up_where_one_can_be() {
        let of =
            |text: &str| example(Some(&Match { place: Place::of("x"), text: text.to_owned() }));
        assert_eq!(
            of("User alice,bob Address 10.0.0.0/8").unwrap(),
            "user=alice,host=doctor.invalid,addr=10.0.0.0"
        );
        assert_eq!(of("all"), example(None));
        for text in ["Group wheel", "User *", "User !root,x", "User"] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
