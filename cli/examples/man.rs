//! Prints the man page of fobctl from the definition of its command line:
//! `cargo run -q -p fobctl --example man > packaging/man/fobctl.1`.
#![allow(clippy::print_stdout, reason = "printing is what it does")]

use std::fmt::Write as _;

use clap::{Arg, Command};

/// What stands before the verbs: man(7).
const HEAD: &str = include_str!("man/head.roff");
/// What stands behind them.
const TAIL: &str = include_str!("man/tail.roff");

/// Returns the page.
#[must_use]
pub(crate) fn page() -> String {
    let mut command = fobctl::command();
    command.build();
    let version = command.get_version().unwrap_or_default();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let mut text = HEAD.replace("@VERSION@", version).replace("@ABOUT@", &lowered(&about));
    text.push_str(".SH OPTIONS\n");
    arguments(&mut text, &command);
    text.push_str(".SH VERBS\n");
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
        section(&mut text, verb);
    }
    text + TAIL
}

/// Writes a verb: what it is for, what it is told, and its examples.
fn section(text: &mut String, verb: &Command) {
    let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
    let usage = verb.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim();
    let _ = writeln!(text, ".SS fobctl {}", verb.get_name());
    let _ = writeln!(text, "{}.\n.PP\n.B {}", escaped(&about), escaped(usage));
    let more = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (words, examples) = more.split_once("Examples:\n").unwrap_or((&more, ""));
    for paragraph in words.split("\n\n").map(str::trim).filter(|words| !words.is_empty()) {
        let _ = writeln!(text, ".PP\n{}", lines(paragraph));
    }
    arguments(text, verb);
    if !examples.is_empty() {
        let _ = writeln!(text, ".PP\nExamples:\n.PP\n.nf\n.RS 4\n{}\n.RE\n.fi", lines(examples));
    }
}

/// Writes each argument: those in their places first, then the options.
fn arguments(text: &mut String, command: &Command) {
    let shown = |argument: &&Arg| !argument.is_hide_set();
    // Every verb has --help: it is told of once, with the options of fobctl itself.
    let told = |argument: &&Arg| argument.get_id() != "help" || command.has_subcommands();
    let places = command.get_positionals().filter(shown);
    let options = command.get_opts().filter(shown).chain(flags(command)).filter(told);
    for argument in places.chain(options) {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let _ =
            writeln!(text, ".TP\n{}\n{}.{}", heading(argument), escaped(&help), values(argument));
    }
}

/// Returns the options that take no value.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|argument| {
        !argument.is_positional()
            && !argument.get_action().takes_values()
            && !argument.is_hide_set()
    })
}

/// Returns an argument as it is typed.
fn heading(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(clap::builder::Str::as_str).collect();
    let value = format!("\\fI{}\\fP", escaped(&names.join(" ")));
    if argument.is_positional() {
        return value;
    }
    let mut words = Vec::new();
    words.extend(argument.get_short().map(|short| format!("\\fB\\-{short}\\fP")));
    words.extend(argument.get_long().map(|long| format!("\\fB\\-\\-{}\\fP", escaped(long))));
    match argument.get_action().takes_values() {
        true => format!("{} {value}", words.join(", ")),
        false => words.join(", "),
    }
}

/// Returns what may be typed for an argument and what holds without it, as sentences.
fn values(argument: &Arg) -> String {
    let mut text = String::new();
    if !argument.get_action().takes_values() {
        return text;
    }
    let possible = argument.get_possible_values();
    let words: Vec<&str> = possible.iter().map(|value| value.get_name()).collect();
    if !words.is_empty() {
        let _ = write!(text, "\nOne of {}.", escaped(&words.join(", ")));
    }
    let defaults = argument.get_default_values().iter().map(|value| value.to_string_lossy());
    let defaults: Vec<String> = defaults.map(|value| escaped(&value)).collect();
    if !defaults.is_empty() {
        let _ = write!(text, "\nDefault: {}.", defaults.join(" "));
    }
    text
}

/// Returns a text whose lines stay as they are.
fn lines(text: &str) -> String {
    let text = text.trim_end().lines().map(|line| escaped(line.strip_prefix("  ").unwrap_or(line)));
    text.collect::<Vec<_>>().join("\n")
}

/// Returns a text of which nothing is a request or an escape to roff (groff(7), mandoc_char(7)).
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    if text.starts_with(['.', '\'']) {
        safe.push_str("\\&");
    }
    for letter in text.chars() {
        match letter {
            '\\' => safe.push_str("\\e"),
            '-' => safe.push_str("\\-"),
            '\'' => safe.push_str("\\(aq"),
            '^' => safe.push_str("\\(ha"),
            '~' => safe.push_str("\\(ti"),
            '`' => safe.push_str("\\(ga"),
            _ if letter.is_ascii() => safe.push(letter),
            _ => {
                let _ = write!(safe, "\\[u{:04X}]", u32::from(letter));
            }
        }
    }
    safe
}

/// Returns a sentence as the second half of the NAME section: without a capital.
fn lowered(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[allow(dead_code, reason = "the test that compares takes the text alone")]
fn main() {
    print!("{}", page());
}
