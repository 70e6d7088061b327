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
/// The module's option for a password and a code in one answer (pam_fob(8)).
const ONE_FIELD: &str = "one_field";
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
    /// The password, in one answer with the code, which the module has checked: so its line stands in
    /// the password's place.
    OneField,
}

impl With {
    /// Returns the word of the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PublicKey => "publickey",
            Self::OneField => "one-field",
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

impl Found {
    fn of(with: With, options: &str) -> Self {
        let (fields, rest): (Vec<&str>, Vec<&str>) =
            options.split_ascii_whitespace().partition(|option| *option == ONE_FIELD);
        match with {
            With::PublicKey if !fields.is_empty() => {
                Self { with: With::OneField, options: rest.join(" ") }
            }
            _ => Self { with, options: options.trim().to_owned() },
        }
    }
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
                return Some(Found::of(with, options));
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
        (With::PublicKey | With::OneField, _) => {
            out.push_str(&format!("{MARKER}{REPLACED}{bare}\n"));
        }
    }
    let field = if with == With::OneField { ONE_FIELD } else { "" };
    let words = ["auth required", FOB, field, options];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    out.push_str(&format!("{}\n", words.join(" ")));
    if with != With::Password {
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
mod tests;
