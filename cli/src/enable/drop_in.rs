//! sshd's settings for the code, in a file of their own. Pure, text in and text out.

use super::With;

/// The file. Its name sorts first: in sshd the first value wins (sshd_config(5)).
pub(crate) const FILE: &str = "/etc/ssh/sshd_config.d/10-fob.conf";
/// The first line, by which the file is known as ours.
const HEAD: &str = "# Written by \"fobctl enable\"; \"fobctl disable sshd\" takes it out.";
const METHODS: &str = "AuthenticationMethods";

/// A keyword and its value.
pub(crate) type Setting = (&'static str, &'static str);

/// Returns what sshd has to be told.
pub(crate) fn settings(with: With) -> [Setting; 4] {
    [
        ("UsePAM", "yes"),
        ("KbdInteractiveAuthentication", "yes"),
        ("PasswordAuthentication", "no"),
        (METHODS, methods(with)),
    ]
}

fn methods(with: With) -> &'static str {
    match with {
        With::Password | With::OneField => "keyboard-interactive:pam",
        With::PublicKey => "publickey,keyboard-interactive:pam",
    }
}

/// Tells whether a file is ours.
pub(crate) fn is_ours(text: &str) -> bool {
    text.lines().any(|line| line == HEAD)
}

/// Returns which way the file says.
pub(crate) fn found(text: &str) -> Option<With> {
    let says = |with: &With| {
        text.lines().any(|line| words(line) == Some((METHODS.to_ascii_lowercase(), methods(*with))))
    };
    [With::Password, With::PublicKey].into_iter().find(|with| is_ours(text) && says(with))
}

/// Returns the file with the settings; what somebody has added to it stays.
pub(crate) fn put_in(text: Option<&str>, with: With) -> String {
    let mut rest = settings(with).to_vec();
    let mut out = String::new();
    let text = text.unwrap_or_default();
    if !is_ours(text) {
        out.push_str(&format!("{HEAD}\n"));
    }
    // Behind the first Match a setting would be of that block.
    let end = text.lines().take_while(|line| !is_match(line)).count();
    for (line, at) in text.split_inclusive('\n').zip(0_usize..) {
        let keyword = words(line).map(|(keyword, _)| keyword).unwrap_or_default();
        let mine = rest.iter().position(|(name, _)| name.eq_ignore_ascii_case(&keyword));
        match mine.filter(|_| at < end) {
            Some(mine) => {
                let (name, value) = rest.remove(mine);
                out.push_str(&format!("{name} {value}\n"));
            }
            None => out.push_str(line),
        }
    }
    // What is not there at all comes behind the head: the first value wins.
    let lines: String = rest.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
    match out.split_once(HEAD) {
        Some((before, behind)) => {
            let behind = behind.strip_prefix('\n').unwrap_or(behind);
            format!("{before}{HEAD}\n{lines}{behind}")
        }
        None => format!("{lines}{out}"),
    }
}

/// Returns the file without what is ours; `None` if nothing is left that sshd would read.
pub(crate) fn take_out(text: &str) -> Option<String> {
    let ours = [With::Password, With::PublicKey].map(settings).concat();
    let is_mine = |line: &str| {
        line.trim_end() == HEAD
            || words(line).is_some_and(|(keyword, value)| {
                ours.iter()
                    .any(|(name, mine)| name.eq_ignore_ascii_case(&keyword) && *mine == value)
            })
    };
    let mut is_block = false;
    let left: String = text
        .split_inclusive('\n')
        .filter(|line| {
            is_block = is_block || is_match(line);
            is_block || !is_mine(line)
        })
        .collect();
    let says = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    left.lines().any(says).then_some(left)
}

/// Splits a line into a keyword, in lower case, and its value; `None` of a comment.
fn words(line: &str) -> Option<(String, &str)> {
    let line = line.trim();
    let (keyword, value) = line.split_once([' ', '\t', '='])?;
    (!keyword.starts_with('#')).then(|| (keyword.to_ascii_lowercase(), value.trim()))
}

fn is_match(line: &str) -> bool {
    words(line).is_some_and(|(keyword, _)| keyword == "match")
}

#[cfg(test)]
mod tests {
    use super::{HEAD, With, found, is_ours, put_in, take_out};

    #[test]
    fn a_new_file_says_what_the_readme_says() {
        let text = put_in(None, With::PublicKey);
        let settings = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n\
            AuthenticationMethods publickey,keyboard-interactive:pam\n";
        assert_eq!(text, format!("{HEAD}\n{settings}"));
        assert!(include_str!("../../../README.md").contains(settings));
        assert_eq!((is_ours(&text), found(&text)), (true, Some(With::PublicKey)));
        assert_eq!(take_out(&text), None);
    }

    #[test]
    fn a_second_time_changes_nothing() {
        for with in [With::Password, With::PublicKey] {
            let text = put_in(None, with);
            assert_eq!(put_in(Some(&text), with), text);
        }
    }

    #[test]
    fn one_way_becomes_the_other() {
        let text = put_in(Some(&put_in(None, With::Password)), With::PublicKey);
        assert_eq!(text, put_in(None, With::PublicKey));
    }

    #[test]
    fn what_somebody_added_stays() {
        let added = "MaxAuthTries 3\nMatch User backup\n  AuthenticationMethods publickey\n";
        let text = put_in(None, With::Password) + added;
        let other = put_in(Some(&text), With::PublicKey);
        assert_eq!(other, put_in(None, With::PublicKey) + added);
        assert_eq!(take_out(&other).as_deref(), Some(added));
    }

    #[test]
    fn a_line_that_somebody_took_out_comes_back_at_the_top() {
        let text = put_in(None, With::Password).replace("UsePAM yes\n", "UsePAM no\nPort 22\n");
        let mended = put_in(Some(&text), With::Password);
        assert!(mended.contains("UsePAM yes\nPort 22\n"), "{mended}");
        let text = put_in(None, With::Password).replace("UsePAM yes\n", "");
        assert_eq!(put_in(Some(&text), With::Password), put_in(None, With::Password));
    }

    #[test]
    fn another_file_of_that_name_is_not_ours() {
        assert!(!is_ours("UsePAM yes\n"));
        assert_eq!(found("AuthenticationMethods keyboard-interactive:pam\n"), None);
    }
}
