//! Takes back a change that nobody has confirmed. What somebody has edited since stays.

use std::io;

use super::{Pending, Saved, Tree, Unreadable, bytes_of, drop_in, lines, rules, text_of};

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is as before the change, byte for byte.
    Restored,
    /// Somebody has edited it since: what was put in is out, and the rest stays.
    TakenOut,
    /// It is for a person to take back. Why, as a sentence.
    Left(String),
    /// The disk did not do it, and may later. Why, as a sentence.
    Failed(String),
}

/// What has to be done with a file.
#[derive(Debug, Eq, PartialEq)]
enum Step {
    Left(&'static str),
    Restore,
    Stay,
    Write(Option<Vec<u8>>),
}

/// Takes everything back, and tells what became of each file. One that fails keeps none of the
/// others from being restored.
pub(crate) fn revert(tree: &Tree, pending: &Pending) -> Vec<(String, Outcome)> {
    let files = pending.files.iter().rev();
    files.map(|saved| (saved.path.clone(), of_file(tree, saved))).collect()
}

fn of_file(tree: &Tree, saved: &Saved) -> Outcome {
    let failed = |error: &io::Error| Outcome::Failed(format!("{error}."));
    if let Err(error) = tree.sweep(&saved.path) {
        return failed(&error);
    }
    let present = match tree.read(&saved.path) {
        Ok(present) => present,
        Err(Unreadable::Io(error)) => return failed(&error),
        Err(why) => return Outcome::Left(format!("{why}.")),
    };
    let (bytes, outcome) = match step(saved, present.as_deref()) {
        Step::Stay => return Outcome::Restored,
        Step::Left(why) => return Outcome::Left(why.to_owned()),
        Step::Restore => (saved.before.clone(), Outcome::Restored),
        Step::Write(bytes) => (bytes, Outcome::TakenOut),
    };
    match tree.write(&saved.path, bytes.as_deref()) {
        Ok(()) => outcome,
        Err(error) => failed(&error),
    }
}

/// Returns what taking a change back would leave of a file that somebody has edited since.
pub(super) fn left(saved: &Saved, present: Option<&[u8]>) -> Option<Vec<u8>> {
    match step(saved, present) {
        Step::Restore => saved.before.clone(),
        Step::Write(bytes) => bytes,
        Step::Left(_) | Step::Stay => present.map(<[u8]>::to_vec),
    }
}

fn step(saved: &Saved, present: Option<&[u8]>) -> Step {
    if present == saved.before.as_deref() {
        return Step::Stay;
    }
    if present == saved.after.as_deref() {
        return Step::Restore;
    }
    let Some(present) = present else {
        return Step::Left("somebody has removed it since, and it stays away.");
    };
    let text = text_of(present);
    let before = saved.before.as_deref().map(text_of);
    if saved.path == rules::FILE {
        return step_of_rules(saved, before.as_deref(), &text);
    }
    let edited = if saved.path == drop_in::FILE {
        match before.as_deref().and_then(drop_in::found) {
            Some(with) => Some(drop_in::put_in(Some(&text), with)),
            None => drop_in::take_out(&text),
        }
    } else {
        match before.as_deref().and_then(lines::found) {
            Some(found) => match lines::put_in(&text, found.with) {
                Ok(text) => Some(text),
                Err(_) => return Step::Left("somebody has edited it since: look at it by hand."),
            },
            None => Some(lines::without(&text)),
        }
    };
    let is_hand_made =
        |text: &String| saved.path != drop_in::FILE && lines::hand_made(text).is_some();
    if edited.as_ref().is_some_and(is_hand_made) {
        return Step::Left(
            "somebody has edited it since, and a line with pam_fob.so is not fobctl's: look at it \
             by hand.",
        );
    }
    if edited.as_deref() == Some(&text) {
        return Step::Stay;
    }
    Step::Write(edited.map(|text| bytes_of(&text)))
}

/// Returns what has to be done with fobd's rules, which somebody has edited since.
fn step_of_rules(saved: &Saved, before: Option<&str>, present: &str) -> Step {
    let after = saved.after.as_deref().map(text_of).unwrap_or_default();
    match rules::undo(before.unwrap_or_default(), &after, present) {
        Ok(text) if text == present => Step::Stay,
        Ok(text) => Step::Write(Some(bytes_of(&text))),
        Err(rules::Edited) => Step::Left("somebody has edited the rule since: look at it by hand."),
    }
}

#[cfg(test)]
mod tests {
    use super::{Saved, Step, drop_in, lines, rules, step};
    use crate::enable::With;

    const SUDO: &str = "#%PAM-1.0\n@include common-auth\n";

    fn saved(path: &str, before: Option<&str>, after: &str) -> Saved {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Saved { path: path.to_owned(), before: before.map(bytes), after: Some(bytes(after)) }
    }

    #[test]
    fn what_nobody_touched_is_restored() {
        let after = lines::put_in(SUDO, With::Password).unwrap();
        let saved = saved("/etc/pam.d/sudo", Some(SUDO), &after);
        assert_eq!(step(&saved, Some(after.as_bytes())), Step::Restore);
        assert_eq!(step(&saved, Some(SUDO.as_bytes())), Step::Stay);
        assert!(matches!(step(&saved, None), Step::Left(_)));
    }

    #[test]
    fn an_edit_stays_and_the_line_goes() {
        for with in [With::Password, With::PublicKey] {
            let after = lines::put_in(SUDO, with).unwrap();
            let edited = format!("{after}# mine\n");
            let step = step(&saved("/etc/pam.d/sshd", Some(SUDO), &after), Some(edited.as_bytes()));
            assert_eq!(step, Step::Write(Some(format!("{SUDO}# mine\n").into_bytes())));
        }
    }

    #[test]
    fn a_way_that_was_there_before_comes_back() {
        let before = lines::put_in(SUDO, With::Password).unwrap();
        let after = lines::put_in(&before, With::PublicKey).unwrap();
        let edited = format!("{after}# mine\n");
        let step = step(&saved("/etc/pam.d/sshd", Some(&before), &after), Some(edited.as_bytes()));
        assert_eq!(step, Step::Write(Some(format!("{before}# mine\n").into_bytes())));
    }

    #[test]
    fn the_settings_go_and_what_was_added_stays() {
        let after = drop_in::put_in(None, With::PublicKey);
        let saved = saved(drop_in::FILE, None, &after);
        let edited = format!("{after}MaxAuthTries 3\n");
        let left = Step::Write(Some(b"MaxAuthTries 3\n".to_vec()));
        assert_eq!(step(&saved, Some(edited.as_bytes())), left);
        let comment = format!("{after}# nothing\n");
        assert_eq!(step(&saved, Some(comment.as_bytes())), Step::Write(None));
    }

    #[test]
    fn a_rule_goes_and_what_was_added_stays() {
        let rule = rules::Only { group: Some("staff".to_owned()), from: None };
        let after = rules::put_in("# mine\n", "su", &rule).unwrap();
        let saved = saved(rules::FILE, Some("# mine\n"), &after);
        let step = |text: &str| step(&saved, Some(text.as_bytes()));
        assert_eq!(step(&after), Step::Restore);
        let left = Step::Write(Some(b"# mine\n# more\n".to_vec()));
        assert_eq!(step(&format!("{after}# more\n")), left);
        assert_eq!(step("# mine\n# more\n"), Step::Stay);
        assert!(matches!(step(&after.replace("staff", "wheel\", \"sudo")), Step::Left(_)));
    }

    #[test]
    fn a_line_of_somebody_elses_hand_is_told() {
        let after = lines::put_in(SUDO, With::Password).unwrap();
        let edited = format!("{after}auth required pam_fob.so\n");
        let step = step(&saved("/etc/pam.d/sudo", Some(SUDO), &after), Some(edited.as_bytes()));
        assert!(matches!(step, Step::Left(why) if why.contains("pam_fob.so")));
    }
}
