//! The command line as the shell's user meets it.

use crate::fake::{can_run, run_alone};

#[test]
fn without_a_verb_the_usage_is_shown_and_the_status_is_2() {
    if !can_run() {
        return;
    }
    let ended = run_alone(&[], "");
    assert_eq!((ended.status, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("Usage: fobctl <VERB>"), "{}", ended.stderr);
}

#[test]
fn help_is_printed_on_standard_output_and_is_no_error() {
    if !can_run() {
        return;
    }
    for verb in
        ["import", "list", "show", "assign", "resync", "rotate", "deactivate", "forget", "status"]
    {
        let ended = run_alone(&[verb, "--help"], "");
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
        assert!(ended.stdout.contains(&format!("Usage: fobctl {verb}")), "{}", ended.stdout);
    }
}

#[test]
fn a_code_on_the_command_line_is_refused_and_not_repeated() {
    if !can_run() {
        return;
    }
    run_alone(&["assign", "alice", "2300512345", "123456", "654321"], "").failed(
        2,
        "fobctl: a code is never an argument: every user can read those.\n\
         hint: leave it out; fobctl asks for the codes.\n",
    );
}

#[test]
fn a_serial_that_cannot_be_one_is_refused_before_the_daemon_is_asked() {
    if !can_run() {
        return;
    }
    let ended = run_alone(&["assign", "alice", "8A+1172"], "");
    assert_eq!((ended.status, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("A serial has 1 to 64 letters"), "{}", ended.stderr);
}
