//! What is put in, and what comes out again.

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
fn one_field_stands_in_the_passwords_place_beside_the_options_that_were_there() {
    let changed = put_in(SUDO, With::OneField).unwrap();
    assert_eq!(changed, SCRIPT_INSTEAD.replace(" nullok", " one_field"));
    assert_eq!(found(&changed).unwrap().with, With::OneField);
    assert_eq!(put_in(&changed, With::OneField).unwrap(), changed);
    let other = put_in(SCRIPT_INSTEAD, With::OneField).unwrap();
    assert_eq!(other, SCRIPT_INSTEAD.replace(" nullok", " one_field nullok"));
    assert_eq!(put_in(&other, With::PublicKey).unwrap(), SCRIPT_INSTEAD);
    assert_eq!(without(&other), SUDO);
}

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
    assert_eq!(put_in(SCRIPT, With::PublicKey).unwrap(), put_in(SUDO, With::PublicKey).unwrap());
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
    let edited =
        format!("{}account required pam_access.so\n", changed.replace("_fob.so", "_fob.so debug"));
    assert_eq!(without(&edited), format!("{SUDO}account required pam_access.so\n"));
}
