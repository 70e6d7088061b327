//! The code's lines in a PAM service's file: put in and taken out. Pure, text in and text out.
//!
//! A comment marks what is ours, as `packaging/pam/enable` writes it; what else is in the file stays
//! as it is, byte for byte.

use super::jump;

/// The comment that marks the lines.
const MARKER: &str = "# The code of the user's token: see pam_fob(8).";
/// Behind the marker, and then the line that stood there.
const REPLACED: &str = " In the place of: ";
const FOB: &str = "pam_fob.so";
/// What a user needs in the password's place whom the module has no opinion on (`nullok`, a rule, observe
/// mode, a ticket): PAM refuses where no module has one. It turns no refusal of a `required` line into
/// an accept.
const PERMIT: &str = "auth required pam_permit.so";
/// The files of the usual distributions that ask for the password, as a substack or by Debian's
/// `@include`. Behind `auth include` of one, a line may never be reached: it becomes a substack.
const PASSWORD_FILES: [&str; 4] = ["common-auth", "password-auth", "system-auth", "system-login"];

/// What is asked for before the code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum With {
    /// The password: the code's line stands behind it.
    Password,
    /// A key, which sshd has checked: the code's line stands in the password's place.
    PublicKey,
}

impl With {
    /// Returns the word of the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PublicKey => "publickey",
        }
    }
}

/// Why a file cannot be changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Flaw {
    /// A line with the module, of this number, is not ours.
    HandMade(u32),
    /// The line of this number skips, by their count, lines among which the code's would come.
    Jump(u32),
    /// No line asks for the password in a way that is known.
    NoPassword,
    /// More than one line asks for it; the second has this number.
    Several(u32),
}

/// What stands in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    pub(crate) with: With,
    /// The words behind the module's name.
    options: String,
}

/// Whose a line is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Owner<'a> {
    Foreign,
    /// The marker, with the line that ours replaced.
    Marker(Option<&'a str>),
    Ours,
    /// Ours, too: the file that an `include` took in.
    Substack,
}

/// Returns how the code stands in a file by lines of ours; `None` if it does not.
pub(crate) fn found(text: &str) -> Option<Found> {
    let mut with = With::Password;
    for (owner, line) in owned(text) {
        match owner {
            Owner::Marker(Some(_)) => with = With::PublicKey,
            Owner::Marker(None) | Owner::Substack => with = With::Password,
            Owner::Ours if line.contains(FOB) => {
                let (_, options) = line.split_once(FOB)?;
                return Some(Found { with, options: options.trim().to_owned() });
            }
            Owner::Ours | Owner::Foreign => {}
        }
    }
    None
}

/// Returns the number of the first line with the module that is not ours.
pub(crate) fn hand_made(text: &str) -> Option<u32> {
    let said = |line: &str| line.split('#').next().is_some_and(|said| said.contains(FOB));
    let mut lines = owned(text).into_iter().zip(1..);
    lines.find_map(|((owner, line), number)| {
        (owner == Owner::Foreign && said(line)).then_some(number)
    })
}

/// Returns the file with the code. One that has it in this way already stays as it is, with the
/// options that somebody may have written behind the module's name.
///
/// # Errors
///
/// [`Flaw`].
pub(crate) fn put_in(text: &str, with: With) -> Result<String, Flaw> {
    if let Some(number) = hand_made(text) {
        return Err(Flaw::HandMade(number));
    }
    let before = found(text);
    if before.as_ref().is_some_and(|found| found.with == with) {
        return Ok(text.to_owned());
    }
    let options = before.map(|found| found.options).unwrap_or_default();
    let plain = without(text);
    let mut at = None;
    for (line, number) in plain.split_inclusive('\n').zip(1..) {
        match password(line) {
            Asks::Nothing => {}
            Asks::Include(_) | Asks::Password if at.is_none() => at = Some(number),
            Asks::Include(_) | Asks::Password => return Err(Flaw::Several(number)),
        }
    }
    let at = at.ok_or(Flaw::NoPassword)?;
    if let Some(number) = jump::over(&plain, at) {
        return Err(Flaw::Jump(number));
    }
    let mut out = String::with_capacity(plain.len() + 256);
    for (line, number) in plain.split_inclusive('\n').zip(1_u32..) {
        if number == at {
            insert(&mut out, line, with, &options);
        } else {
            out.push_str(line);
        }
    }
    Ok(out)
}

fn insert(out: &mut String, line: &str, with: With, options: &str) {
    let bare = line.strip_suffix('\n').unwrap_or(line);
    match (with, password(line)) {
        (With::Password, Asks::Include(file)) => {
            out.push_str(&format!("{MARKER}{REPLACED}{bare}\nauth substack {file}\n"));
        }
        (With::Password, _) => out.push_str(&format!("{bare}\n{MARKER}\n")),
        (With::PublicKey, _) => out.push_str(&format!("{MARKER}{REPLACED}{bare}\n")),
    }
    let space = if options.is_empty() { "" } else { " " };
    out.push_str(&format!("auth required {FOB}{space}{options}\n"));
    if with == With::PublicKey {
        out.push_str(&format!("{PERMIT}\n"));
    }
}

/// Returns the file without the lines that are ours, and with the line back that they replaced.
///
/// # Errors
///
/// [`Flaw::HandMade`] if it asks for the code by another line as well.
pub(crate) fn take_out(text: &str) -> Result<String, Flaw> {
    match hand_made(text) {
        Some(number) => Err(Flaw::HandMade(number)),
        None => Ok(without(text)),
    }
}

/// Returns the file without the lines that are ours, whatever else is in it.
pub(crate) fn without(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (owner, line) in owned(text) {
        match owner {
            Owner::Foreign => out.push_str(line),
            Owner::Marker(Some(replaced)) => out.push_str(replaced),
            Owner::Marker(None) | Owner::Ours | Owner::Substack => {}
        }
    }
    out
}

/// Returns all lines, with their ends, and whose they are.
fn owned(text: &str) -> Vec<(Owner<'_>, &str)> {
    let mut expected = Expected::Nothing;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        let mut words = bare.split_ascii_whitespace();
        let is_auth = words.next() == Some("auth") && line.starts_with("auth");
        let (owner, next) = if let Some(rest) = line.strip_prefix(MARKER) {
            let replaced = rest.strip_prefix(REPLACED);
            (Owner::Marker(replaced), Expected::Module(replaced))
        } else {
            match expected {
                Expected::Module(replaced) if is_auth && bare.contains(FOB) => {
                    (Owner::Ours, Expected::Permit(replaced))
                }
                Expected::Module(Some(replaced)) if is_substack_of(replaced, bare) => {
                    (Owner::Substack, Expected::Module(None))
                }
                Expected::Permit(Some(_)) if bare == PERMIT => (Owner::Ours, Expected::Nothing),
                _ => (Owner::Foreign, Expected::Nothing),
            }
        };
        expected = next;
        lines.push((owner, line));
    }
    lines
}

/// Which line of ours may come next, and what the marker says was replaced.
#[derive(Clone, Copy)]
enum Expected<'a> {
    Module(Option<&'a str>),
    Nothing,
    Permit(Option<&'a str>),
}

/// Returns the files whose lines a file takes in.
pub(crate) fn included(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_ascii_whitespace();
        match (words.next()?, words.next()?) {
            ("@include", file) => Some(file),
            (_, "include" | "substack") => words.next(),
            _ => None,
        }
    })
}

/// Tells whether a line takes the file in that an `include` took in.
fn is_substack_of(replaced: &str, line: &str) -> bool {
    matches!(password(replaced), Asks::Include(file) if line == format!("auth substack {file}"))
}

/// What a line asks for.
enum Asks<'a> {
    /// The password, by taking this file in.
    Include(&'a str),
    Nothing,
    Password,
}

fn password(line: &str) -> Asks<'_> {
    let said = line.split('#').next().unwrap_or_default();
    let words: Vec<&str> = said.split_ascii_whitespace().collect();
    let is_known = |file: &str| PASSWORD_FILES.contains(&file);
    match words.as_slice() {
        ["@include", file] if is_known(file) => Asks::Password,
        ["auth", "substack", file] if is_known(file) => Asks::Password,
        ["auth", "include", file] if is_known(file) => Asks::Include(file),
        _ => Asks::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::{Flaw, With, found, hand_made, put_in, take_out, without};

    /// Debian's sudo.
    const SUDO: &str = "#%PAM-1.0\n\n@include common-auth\n@include common-account\n";
    /// What `packaging/pam/enable` makes of it.
    const SCRIPT: &str = "#%PAM-1.0\n\n@include common-auth\n\
        # The code of the user's token: see pam_fob(8).\nauth required pam_fob.so\n\
        @include common-account\n";
    const SCRIPT_INSTEAD: &str = "#%PAM-1.0\n\n\
        # The code of the user's token: see pam_fob(8). In the place of: @include common-auth\n\
        auth required pam_fob.so nullok\nauth required pam_permit.so\n@include common-account\n";

    #[test]
    fn the_line_stands_behind_the_password_or_in_its_place() {
        assert_eq!(put_in(SUDO, With::Password).unwrap(), SCRIPT);
        let instead = put_in(SUDO, With::PublicKey).unwrap();
        assert_eq!(instead, SCRIPT_INSTEAD.replace(" nullok", ""));
    }

    /// Debian's files, but for comments and sessions.
    #[test]
    fn the_programs_of_a_desktop_have_their_place_for_the_line() {
        for (text, behind) in [
            (
                "auth    requisite       pam_nologin.so\n\
                 auth\trequired\tpam_succeed_if.so user != root quiet_success\n\
                 @include common-auth\nauth    optional        pam_gnome_keyring.so\n",
                "@include common-auth\n",
            ),
            (
                "auth       required     pam_sepermit.so\nauth       substack     common-auth\n\
                 auth       optional     pam_ssh_add.so\n",
                "auth       substack     common-auth\n",
            ),
            (
                "auth       optional   pam_faildelay.so  delay=3000000\n@include common-auth\n\
                 auth       optional   pam_group.so\n",
                "@include common-auth\n",
            ),
        ] {
            let changed = put_in(text, With::Password).unwrap();
            let expected = format!("{behind}{}\nauth required pam_fob.so\n", super::MARKER);
            assert!(changed.contains(&expected), "{changed}");
        }
    }

    #[test]
    fn what_was_put_in_comes_out_and_leaves_every_byte() {
        for text in [
            SUDO,
            "@include common-auth",
            "@include common-auth \t\n\n\n",
            "# \u{e4}\u{ff}\r\nauth\tsubstack  password-auth # the password\n  \nx",
        ] {
            for with in [With::Password, With::PublicKey] {
                let changed = put_in(text, with).unwrap();
                assert_ne!(changed, text);
                assert_eq!(found(&changed).unwrap().with, with);
                let ended = if text.contains("common-auth\n") || text.ends_with('\n') {
                    text.to_owned()
                } else {
                    format!("{}\n", text.trim_end_matches('\n'))
                };
                let back = take_out(&changed).unwrap();
                assert!(back == text || back == ended, "{back:?}");
            }
        }
    }

    #[test]
    fn a_second_time_changes_nothing_and_keeps_options_of_somebody_elses_hand() {
        for (text, with) in [(SCRIPT, With::Password), (SCRIPT_INSTEAD, With::PublicKey)] {
            let edited = text.replace("pam_fob.so", "pam_fob.so noecho");
            for text in [text, &edited] {
                assert_eq!(put_in(text, with).unwrap(), text);
            }
        }
    }

    #[test]
    fn the_lines_of_the_script_are_ours() {
        for text in [SCRIPT, SCRIPT_INSTEAD] {
            assert_eq!(hand_made(text), None);
            assert_eq!(take_out(text).unwrap(), SUDO);
        }
        assert_eq!(
            put_in(SCRIPT, With::PublicKey).unwrap(),
            put_in(SUDO, With::PublicKey).unwrap()
        );
        let behind = put_in(SCRIPT_INSTEAD, With::Password).unwrap();
        assert_eq!(behind, SCRIPT.replace("pam_fob.so", "pam_fob.so nullok"));
    }

    #[test]
    fn a_line_of_somebody_else_is_refused_with_its_number() {
        let own = format!("{SUDO}auth required pam_fob.so\n");
        for text in [own.clone(), own.replace("auth req", "  auth sufficient req"), {
            SCRIPT.replace(
                "auth required pam_fob.so\n",
                "auth required pam_fob.so\nauth required pam_fob.so\n",
            )
        }] {
            let refused = put_in(&text, With::Password).unwrap_err();
            assert!(matches!(refused, Flaw::HandMade(5 | 6)), "{refused:?} {text}");
            assert_eq!(take_out(&text).unwrap_err(), refused);
        }
        let comment = format!("{SUDO}# auth required pam_fob.so\n");
        assert!(put_in(&comment, With::Password).is_ok());
    }

    #[test]
    fn a_file_without_one_known_line_for_the_password_is_refused() {
        for (text, flaw) in [
            ("auth required pam_unix.so\n", Flaw::NoPassword),
            ("", Flaw::NoPassword),
            ("#@include common-auth\n", Flaw::NoPassword),
            ("@include common-auth\n@include common-auth\n", Flaw::Several(2)),
            ("auth include system-auth\nauth substack system-auth\n", Flaw::Several(2)),
            // Who is not of staff would land on the line that refuses.
            (
                "auth [success=2 default=ignore] pam_succeed_if.so user notingroup staff\n\
                 auth substack common-auth\nauth requisite pam_deny.so\nauth required pam_env.so\n",
                Flaw::Jump(1),
            ),
        ] {
            assert_eq!(put_in(text, With::Password).unwrap_err(), flaw, "{text}");
        }
    }

    /// Fedora's sudo. "sufficient" in an included file would end the stack before the code.
    #[test]
    fn an_include_becomes_a_substack_and_comes_back() {
        let sudo = "#%PAM-1.0\nauth       include      system-auth\naccount include system-auth\n";
        let marker = "# The code of the user's token: see pam_fob(8). In the place of: auth       \
            include      system-auth\n";
        let line = "auth required pam_fob.so\n";
        let rest = "account include system-auth\n";
        let behind = put_in(sudo, With::Password).unwrap();
        assert_eq!(behind, format!("#%PAM-1.0\n{marker}auth substack system-auth\n{line}{rest}"));
        let instead = put_in(&behind, With::PublicKey).unwrap();
        let permit = "auth required pam_permit.so\n";
        assert_eq!(instead, format!("#%PAM-1.0\n{marker}{line}{permit}{rest}"));
        for (text, with) in [(&behind, With::Password), (&instead, With::PublicKey)] {
            assert_eq!(found(text).unwrap().with, with);
            assert_eq!(put_in(text, with).unwrap(), *text);
            assert_eq!(take_out(text).unwrap(), sudo);
        }
        // A line behind it that looks like one of ours is not.
        let permit = behind.replace(rest, "auth required pam_permit.so\n");
        assert!(take_out(&permit).unwrap().ends_with("auth required pam_permit.so\n"));
    }

    /// What was written before there was the second line.
    #[test]
    fn a_line_in_the_passwords_place_alone_is_ours_too() {
        let alone = SCRIPT_INSTEAD.replace("auth required pam_permit.so\n", "");
        assert_eq!(found(&alone).unwrap().with, With::PublicKey);
        assert_eq!(put_in(&alone, With::PublicKey).unwrap(), alone);
        assert_eq!(take_out(&alone).unwrap(), SUDO);
    }

    #[test]
    fn an_edit_in_between_stays() {
        let changed = put_in(SUDO, With::PublicKey).unwrap();
        let edited = format!(
            "{}account required pam_access.so\n",
            changed.replace("_fob.so", "_fob.so debug")
        );
        assert_eq!(without(&edited), format!("{SUDO}account required pam_access.so\n"));
    }
}
