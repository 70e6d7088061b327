use clap::{CommandFactory, Parser};
use fob_api::Fate;

use super::{CommandLine, Verb};

fn verb(line: &str) -> Result<Verb, clap::Error> {
    CommandLine::try_parse_from(line.split(' ')).map(|line| line.verb)
}

#[test]
fn the_definition_holds_together() {
    CommandLine::command().debug_assert();
}

#[test]
fn the_fate_of_the_old_token_is_stock_unless_said() {
    for (line, fate) in [
        ("fobctl rotate alice 77", Fate::Stock),
        ("fobctl rotate alice 77 --lost", Fate::Lost),
        ("fobctl rotate --retire alice 77", Fate::Retire),
    ] {
        let Ok(Verb::Rotate(args)) = verb(line) else { panic!("{line} is not understood") };
        assert_eq!(args.old.fate(), fate, "{line}");
    }
}

#[test]
fn contradictions_and_unknown_words_are_refused() {
    for line in [
        "fobctl rotate alice 77 --lost --retire",
        "fobctl deactivate alice --lost --retire",
        "fobctl show alice --token 77",
        "fobctl list --state broken",
        "fobctl import",
        "fobctl import seeds.xml --batch=",
        "fobctl import --from users.oath --batch=first",
        "fobctl list --batch=a\u{1b}",
        "fobctl import seeds.xml --format pdf",
        "fobctl import seeds.xml --encoding rot13",
        "fobctl import seeds.xml --kind totp",
        "fobctl import seeds.xml --list-formats",
        "fobctl import --list-formats --dry-run",
        "fobctl assign alice",
        "fobctl unlock",
        "fobctl unlock alice --share remote",
        "fobctl assign alice 77 --codes 123456",
        "fobctl log --verify --user alice",
        "fobctl log --since soon",
        "fobctl log --follow --until 1h",
        "fobctl bypass alice",
        "fobctl bypass alice --for 0m --reason r",
        "fobctl bypass alice --for 8d --reason r",
        "fobctl bypass alice --for 90 --reason r",
        "fobctl bypass alice --for h --reason r",
        "fobctl bypass alice --for 1hh --reason r",
        "fobctl bypass alice --for +1h --reason r",
        "fobctl bypass alice --for 99999999999d --reason r",
    ] {
        assert!(verb(line).is_err(), "{line} is accepted");
    }
}

#[test]
fn a_time_is_minutes_hours_or_days() {
    for (line, seconds) in [
        ("fobctl bypass alice --reason r", 3600),
        ("fobctl bypass alice --for 1m --reason r", 60),
        ("fobctl bypass alice --reason r --for 2h", 7200),
        ("fobctl bypass --for 7d alice --reason r", 604_800),
    ] {
        let Ok(Verb::Bypass(args)) = verb(line) else { panic!("{line} is not understood") };
        assert_eq!(args.seconds, seconds, "{line}");
    }
}

#[test]
fn standard_input_is_a_seed_file() {
    let Ok(Verb::Import(args)) = verb("fobctl import -") else { panic!("not understood") };
    assert_eq!(args.file.unwrap().as_os_str(), "-");
}

#[test]
fn help_lines_are_without_a_full_stop() {
    let command = CommandLine::command();
    for verb in command.get_subcommands() {
        let abouts = verb.get_arguments().filter_map(|arg| arg.get_help());
        for line in abouts.chain(verb.get_about()) {
            assert!(!line.to_string().ends_with('.'), "{line}");
        }
    }
}

#[test]
fn a_verb_is_called_what_is_typed() {
    for line in
        ["fobctl resync", "fobctl status", "fobctl list", "fobctl show", "fobctl unlock bob"]
    {
        assert_eq!(Some(verb(line).unwrap().word()), line.split(' ').nth(1));
    }
}
