use super::{BadFile, Mistake, Settings, distance, nearest, parse};
use crate::{
    decide::policy::{Allowed, Policy, Value},
    seed::Place,
};

fn refused(text: &str) -> BadFile {
    parse(text).unwrap_err()
}

#[test]
fn an_empty_file_and_a_file_of_comments_set_nothing() {
    for text in ["", "\n", "# pair_own_seconds = 1\n", &crate::config::sample()] {
        assert_eq!(parse(text), Ok(Settings::default()));
    }
}

#[test]
fn a_file_sets_what_it_names_and_nothing_else() {
    let settings = parse("# mine\nwindow_steps = 2 # two\n\npair_own_seconds=3_600\r\n").unwrap();
    let policy = Policy { window: 2, pair_own: 3600, ..Policy::default() };
    assert_eq!(settings.policy, policy);
    let lines: Vec<(&str, u32)> = settings.lines.clone().into_iter().collect();
    assert_eq!(lines, [("pair_own_seconds", 4), ("window_steps", 2)]);
    let changes: Vec<String> = settings.changes().collect();
    assert_eq!(changes, ["window_steps = 2", "pair_own_seconds = 3600"]);
}

#[test]
fn a_sample_without_its_comment_signs_is_the_defaults() {
    let lines: String = crate::config::sample()
        .lines()
        .filter_map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')))
        .map(|line| line.to_owned() + "\n")
        .collect();
    let settings = parse(&lines).unwrap();
    assert_eq!(settings.policy, Policy::DEFAULT);
    assert_eq!(settings.lines.len(), Policy::TABLE.len());
    assert_eq!(settings.rules.0.len(), 3);
}

#[test]
fn an_unknown_name_is_refused_where_it_stands_with_the_nearest_one() {
    let bad = refused("window_steps = 1\n  pair_own_second = 60\n");
    assert_eq!(bad.place, Place { line: 2, column: 3 });
    assert_eq!(bad.to_string(), "line 2, column 3: there is no setting \"pair_own_second\".");
    assert!(bad.hint().starts_with("did you mean pair_own_seconds?"), "{}", bad.hint());
    for text in ["[window_steps_of]\na = 1\n", "banana = 1\n", "a.b = 2\n", "\"\" = 2\n"] {
        assert!(matches!(refused(text).mistake, Mistake::Unknown { .. }), "{text}");
    }
}

#[test]
fn a_value_out_of_range_is_refused_where_it_stands_with_the_range_and_the_reason() {
    for value in
        ["59", "7201", "-1", "0", "60.5", "\"60\"", "true", "[60]", "{ a = 60 }", "1979-05-27"]
    {
        let bad = refused(&format!("pair_own_seconds = {value}\n"));
        assert_eq!(bad.place, Place { line: 1, column: 20 }, "{value}");
        assert_eq!(
            bad.to_string(),
            "line 1, column 20: pair_own_seconds must be a whole number, 60 to 7200."
        );
        assert!(bad.hint().contains("beyond 2 hours"), "{}", bad.hint());
    }
}

#[test]
fn the_first_mistake_of_a_file_is_the_one_that_is_told() {
    assert_eq!(refused("zebra = 1\nwindow_steps = 0\nalpha = 1\n").place.line, 1);
}

#[test]
fn what_is_not_toml_is_refused_where_it_stands() {
    for (text, line) in [
        ("window_steps\n", 1),
        ("\nwindow_steps = \n", 2),
        ("window_steps = 1\nwindow_steps = 2\n", 2),
        ("\n\nwindow_steps = 99999999999999999999\n", 3),
        ("[a\n", 1),
        ("window_steps = 1 \u{0}\n", 1),
    ] {
        let bad = refused(text);
        assert!(matches!(bad.mistake, Mistake::Form { .. }), "{text:?}: {bad}");
        assert_eq!(bad.place.line, line, "{text:?}: {bad}");
        assert_eq!(bad.to_string().lines().count(), 1, "{bad}");
    }
}

#[test]
fn the_nearest_name_shares_at_least_half_its_letters() {
    assert_eq!(nearest("window"), Some("window_steps"));
    assert_eq!(nearest("windowsteps"), Some("window_steps"));
    assert_eq!(nearest("token_per_user"), Some("tokens_per_user"));
    assert_eq!(nearest("x"), None);
}

#[test]
fn the_distance_of_two_names_is_the_number_of_changed_characters() {
    for (from, to, expected) in
        [("", "", 0), ("", "abc", 3), ("abc", "", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
    {
        assert_eq!(distance(from, to), expected, "{from} {to}");
    }
}

#[test]
fn a_word_is_taken_only_where_the_table_has_words() {
    // No row of the table is a word yet: the refusal names the words of one that is.
    let allowed = Allowed::Words(&["kernel", "trusted"]);
    let mistake = Mistake::Range { key: "clock", allowed, limits: "none" };
    let bad = BadFile { place: Place { line: 1, column: 1 }, mistake };
    assert_eq!(bad.to_string(), "line 1, column 1: clock must be \"kernel\" or \"trusted\".");
    assert_eq!(Value::Word("trusted").to_string(), "\"trusted\"");
}
