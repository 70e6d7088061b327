use super::RuleMistake;
use crate::{
    config::{Mistake, parse},
    decide::{policy::Policy, rule::Rules},
};

fn taken(text: &str) -> Rules {
    parse(text).unwrap_or_else(|bad| panic!("{bad}: {text}")).rules
}

/// Where a text is refused, and as what.
fn refused(text: &str) -> ((u32, u32), RuleMistake, String) {
    let bad = parse(text).unwrap_err();
    let told = bad.to_string();
    assert!(told.lines().count() == 1 && told.ends_with('.'), "{told}");
    assert!(bad.hint().ends_with(['.', '?']), "{}", bad.hint());
    let Mistake::Rule(mistake) = bad.mistake else { panic!("{told}") };
    ((bad.place.line, bad.place.column), mistake, told)
}

#[test]
fn rules_are_read_in_their_order_each_with_its_line() {
    let rules = taken(
        "window_steps = 2\n\
         \n\
         [[rule]] # guests\n\
         service = \"sshd\"\n\
         network = [\"10.0.0.0/8\", \"2001:db8::1\"]\n\
         ask = \"require\"\n\
         [[rule]]\n\
         user = [\"alice\", \"bob\"]\n\
         group = 'staff'\n\
         ask = \"enrol-by 2026-12-31\"\n\
         [[rule]]\n\
         ask = \"ignore\"\n",
    );
    let told: Vec<String> = rules.0.iter().map(|rule| format!("{} {rule}", rule.line)).collect();
    assert_eq!(
        told,
        [
            "3 service sshd, network 10.0.0.0/8 or 2001:db8::1: require",
            "7 user alice or bob, group staff: enrol-by 2026-12-31",
            "11 everything else: ignore",
        ]
    );
}

// Linux-PAM has every service in lower case (pam_start.c), so `Cockpit` would match nothing.
#[test]
fn services_are_read_in_lower_case_and_names_as_they_are() {
    let rules = taken(
        "[[rule]]\nuser = \"Alice\"\ngroup = \"Domain Users\"\nservice = [\"Cockpit\", \"sshd\"]\n\
         ask = \"require\"\n",
    );
    assert_eq!(
        rules.0[0].to_string(),
        "user Alice, group Domain Users, service cockpit or sshd: require"
    );
}

#[test]
fn rules_are_off_by_default_and_change_no_number() {
    assert_eq!(taken(""), Rules::default());
    let settings = parse("[[rule]]\nask = \"ignore\"\n").unwrap();
    assert_eq!((settings.policy, settings.lines.len()), (Policy::DEFAULT, 0));
    assert_eq!(settings.changes().count(), 0);
}

#[test]
fn a_mistake_in_a_rule_is_refused_where_it_stands() {
    use RuleMistake as Mistake;
    let words = |key| Mistake::Words { key };
    for (line, column, mistake) in [
        ("ask = \"never\"", 7, Mistake::Ask),
        ("ask = true", 7, Mistake::Ask),
        ("ask = [\"ignore\"]", 7, Mistake::Ask),
        ("ask = 2026-12-31", 7, Mistake::Ask),
        ("ask = \"Ignore\"", 7, Mistake::Ask),
        ("ask = \"enrol-by\"", 7, Mistake::Ask),
        ("ask = \"enrol-by 2026-02-30\"", 7, Mistake::NoSuchDay),
        ("ask = \"enrol-by 31.12.2026\"", 7, Mistake::NoSuchDay),
        ("  users = \"alice\"", 3, Mistake::Key { key: "users".into(), is_setting: false }),
        ("window_steps = 2", 1, Mistake::Key { key: "window_steps".into(), is_setting: true }),
        ("user = 1000", 8, words("user")),
        ("user = \"\"", 8, words("user")),
        ("user = []", 8, words("user")),
        ("user = \"a\\nb\"", 8, words("user")),
        ("user = \"alice, bob\"", 8, words("user")),
        ("group = [\"staff \"]", 10, words("group")),
        ("service = \" sshd\"", 11, words("service")),
        ("group = [\"a\", 2]", 15, words("group")),
        ("service = [\"a\", [\"b\"]]", 17, words("service")),
        ("service = { a = 1 }", 11, words("service")),
        ("network = \"localhost\"", 11, Mistake::Network { meant: None }),
        ("network = [\"10.0.0.0/8\", \"::/129\"]", 26, Mistake::Network { meant: None }),
    ] {
        let (place, seen, told) = refused(&format!("[[rule]]\n{line}\n"));
        assert_eq!((place, seen), ((2, column), mistake), "{line}: {told}");
    }
}

#[test]
fn bits_behind_a_networks_length_are_refused_with_the_network_that_was_meant() {
    let text = "[[rule]]\nask = \"ignore\"\nnetwork = \"10.1.2.3/8\"\n";
    let bad = parse(text).unwrap_err();
    assert_eq!(
        bad.to_string(),
        "line 3, column 11: the address has bits behind the length of its network."
    );
    assert_eq!(bad.hint(), "did you mean \"10.0.0.0/8\"?");
}

#[test]
fn a_rule_that_says_nothing_or_is_no_table_is_refused_where_it_begins() {
    let (place, mistake, _) = refused("\n[[rule]]\nuser = \"alice\"\n");
    assert_eq!((place, mistake), ((2, 1), RuleMistake::NoAsk));
    for text in ["rule = 3\n", "rule = \"ignore\"\n", "[rule]\nask = \"ignore\"\n", "rule = [1]\n"]
    {
        let (place, mistake, _) = refused(text);
        assert_eq!((place.0, mistake), (1, RuleMistake::Form), "{text}");
    }
    assert_eq!(taken("rule = []\n"), Rules::default());
}

#[test]
fn a_rule_that_is_never_reached_is_refused() {
    let (place, mistake, told) =
        refused("[[rule]]\nask = \"ignore\"\n[[rule]]\nuser = \"root\"\nask = \"ignore\"\n");
    assert_eq!((place, mistake), ((3, 1), RuleMistake::Unreached { by: 1, is_bare: true }));
    assert!(told.contains("rule 1 has no selector"), "{told}");
    let (place, mistake, _) = refused(
        "[[rule]]\nservice = \"su\"\nask = \"require\"\n\
         [[rule]]\nservice = [\"sshd\", \"sudo\"]\nask = \"require\"\n\
         [[rule]]\nuser = \"bob\"\nservice = \"sudo\"\nask = \"ignore\"\n",
    );
    assert_eq!((place, mistake), ((7, 1), RuleMistake::Unreached { by: 2, is_bare: false }));
}

#[test]
fn more_rules_and_longer_lists_than_anybody_reads_are_refused() {
    let rule = |user: usize| format!("[[rule]]\nuser = \"u{user}\"\nask = \"ignore\"\n");
    let full: String = (0..64).map(rule).collect();
    assert_eq!(taken(&full).0.len(), 64);
    let (place, mistake, _) = refused(&(full + &rule(64)));
    assert_eq!((place, mistake), ((193, 1), RuleMistake::TooMany));
    let list = |words: usize| {
        let words: Vec<String> = (0..words).map(|word| format!("\"u{word}\"")).collect();
        format!("[[rule]]\nask = \"ignore\"\nuser = [{}]\n", words.join(", "))
    };
    assert_eq!(taken(&list(64)).0[0].users.len(), 64);
    assert_eq!(refused(&list(65)).1, RuleMistake::Words { key: "user" });
    let long =
        |bytes: usize| format!("[[rule]]\nask = \"ignore\"\nuser = \"{}\"\n", "x".repeat(bytes));
    assert_eq!(taken(&long(255)).0[0].users[0].len(), 255);
    assert_eq!(refused(&long(256)).1, RuleMistake::Words { key: "user" });
}
