use super::{WIDTH, comment, in_force, markdown, sample};
use crate::{
    config::{Loaded, file::parse},
    decide::policy::Policy,
};

#[test]
fn the_published_sample_is_the_table() {
    let published = include_str!("../../../../packaging/fobd.conf");
    assert!(
        published == sample(),
        "run: cargo run -q -p fobd --example settings > packaging/fobd.conf"
    );
}

#[test]
fn the_readme_has_the_table() {
    let readme = include_str!("../../../../README.md");
    assert!(
        readme.contains(&markdown()),
        "put this into README.md: cargo run -q -p fobd --example settings readme"
    );
}

#[test]
fn every_line_of_the_sample_fits_and_is_a_comment() {
    for line in sample().lines().filter(|line| !line.is_empty()) {
        assert!(line.starts_with('#') && line.chars().count() <= WIDTH, "{line}");
    }
    assert_eq!(comment(&"x ".repeat(60)).lines().count(), 2);
}

#[test]
fn the_table_in_force_names_each_number_with_unit_range_and_source() {
    let found = parse("\nwindow_steps = 2\n").unwrap();
    let text = in_force(&Loaded { path: "/etc/fob/fobd.conf".into(), found: Some(found) });
    let lines: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect())
        .collect();
    assert_eq!(lines[0], ["/etc/fob/fobd.conf is as it should be."]);
    assert_eq!(lines[2], ["SETTING", "VALUE", "UNIT", "RANGE", "SOURCE"]);
    let source = "/etc/fob/fobd.conf, line 2";
    assert!(lines.contains(&vec!["window_steps", "2", "steps", "1 to 4", source]), "{text}");
    let untouched = vec!["pair_own_seconds", "7200", "seconds", "60 to 7200", "default"];
    assert!(lines.contains(&untouched), "{text}");
    assert_eq!(lines.len(), Policy::TABLE.len() + 3);
}

#[test]
fn the_rules_in_force_stand_behind_the_numbers() {
    let text = "[[rule]]\nuser = \"alice\"\nask = \"ignore\"\n[[rule]]\nask = \"require\"\n";
    let found = Some(parse(text).unwrap());
    let table = in_force(&Loaded { path: "/etc/fob/fobd.conf".into(), found });
    let rules = "\nRULES (the first that matches decides)\n\
                 1  line 1  user alice: ignore\n2  line 4  everything else: require\n";
    assert!(table.ends_with(rules), "{table}");
}

#[test]
fn without_a_file_the_table_says_so() {
    let text = in_force(&Loaded { path: "/etc/fob/fobd.conf".into(), found: None });
    assert!(text.starts_with("/etc/fob/fobd.conf is not there: every number has its default.\n"));
    assert!(!text.contains("line"), "{text}");
}
