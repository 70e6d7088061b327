use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{Loaded, NotTaken, Why, read};
use crate::config::{Source, file::Settings};

/// A folder with a file of this text, which its owner alone may write.
fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fobd.conf");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    (folder, path)
}

fn refused(path: &Path) -> NotTaken {
    read(&Source::Named(path.to_owned())).unwrap_err()
}

#[test]
fn a_file_of_ones_own_is_read() {
    let (_folder, path) = file("window_steps = 2\n");
    let loaded = read(&Source::Named(path.clone())).unwrap();
    assert_eq!(loaded.path, path);
    assert_eq!(loaded.found.unwrap().policy.window, 2);
}

#[test]
fn a_mistake_is_told_with_file_place_and_remedy() {
    let (_folder, path) = file("\nwindow_step = 2\n");
    let text = refused(&path).to_string();
    let expected = format!(
        "{}, line 2, column 1: there is no setting \"window_step\".\n\
         hint: did you mean window_steps? The README lists all settings.",
        path.display()
    );
    assert_eq!(text, expected);
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let (_folder, path) = file("");
    for mode in [0o664, 0o646, 0o622] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let refused = refused(&path);
        assert!(matches!(refused.why, Why::Writable), "{mode:o}: {refused}");
        assert!(refused.to_string().contains("\nhint: run \"chmod go-w "), "{refused}");
    }
}

#[test]
fn a_file_of_another_user_is_refused() {
    let (_folder, path) = file("");
    if chown(&path, Some(65_534), None).is_err() {
        return; // Only root gives files away.
    }
    let refused = refused(&path);
    assert!(matches!(refused.why, Why::Owner(65_534)), "{refused}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let (folder, _) = file("");
    let refused = refused(&folder.path().join("other.conf"));
    assert!(matches!(refused.why, Why::Missing), "{refused}");
}

#[test]
fn what_is_there_and_cannot_be_read_is_never_an_empty_file() {
    let (folder, path) = file("window_steps = 1\n\u{e4}");
    let latin: Vec<u8> = b"# h\xe4\n".to_vec();
    fs::write(&path, latin).unwrap();
    assert!(matches!(refused(&path).why, Why::Io(_)));
    fs::write(&path, "#".repeat(300 << 10)).unwrap();
    assert!(matches!(refused(&path).why, Why::TooLong));
    let link = folder.path().join("link");
    symlink(folder.path().join("gone"), &link).unwrap();
    assert!(matches!(refused(&link).why, Why::Io(_)), "a link that leads nowhere");
    let below = path.join("below");
    assert!(matches!(refused(&below).why, Why::Io(_)), "a file in place of the folder");
}

#[test]
fn a_folder_or_a_fifo_is_refused_at_once() {
    let (folder, _) = file("");
    let fifo = folder.path().join("fifo");
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    for path in [fifo, folder.path().to_owned()] {
        assert!(matches!(refused(&path).why, Why::NotAFile), "{}", path.display());
    }
}

#[test]
fn without_a_file_in_etc_every_number_has_its_default() {
    if Source::Usual.path().exists() {
        return; // This machine has one.
    }
    let expected = Loaded { path: "/etc/fob/fobd.conf".into(), found: None };
    assert_eq!(read(&Source::Usual).unwrap(), expected);
    assert_eq!(expected.found.unwrap_or_default(), Settings::default());
}
