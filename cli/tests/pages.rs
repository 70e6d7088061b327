//! The man page and the completions that are shipped are those of this fobctl.
#![allow(missing_docs, reason = "a test's name is its documentation")]

#[path = "../examples/completions.rs"]
mod completions;
#[path = "../examples/man.rs"]
mod man;

use clap_complete::Shell;

#[test]
fn the_shipped_man_page_has_every_verb_and_option() {
    let page = man::page();
    assert!(
        include_str!("../../packaging/man/fobctl.1") == page,
        "run: cargo run -q -p fobctl --example man > packaging/man/fobctl.1"
    );
    let shown = fobctl::command();
    for verb in shown.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        assert!(page.contains(&format!(".SS fobctl {}\n", verb.get_name())));
        let options = verb.get_arguments().filter(|option| !option.is_hide_set());
        for long in options.filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("\\-\\-{}", long.replace('-', "\\-"))), "{long}");
        }
    }
}

#[test]
fn the_shipped_completions_are_those_of_the_command_line() {
    for (shell, shipped) in [
        (Shell::Bash, include_str!("../../packaging/completions/fobctl.bash")),
        (Shell::Fish, include_str!("../../packaging/completions/fobctl.fish")),
        (Shell::Zsh, include_str!("../../packaging/completions/_fobctl")),
    ] {
        assert!(
            shipped == completions::of(shell),
            "run: cargo run -q -p fobctl --example completions {shell} > packaging/completions/..."
        );
    }
}
