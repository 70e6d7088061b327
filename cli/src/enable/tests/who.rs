//! Whom a change has asked: rules of fobd's that come and go with it.

use super::{EnableTrouble, Host, Outcome, Plan, Who, enabling, paths, pending, revert};
use crate::{
    enable::{Only, RULES, rules},
    failure::RuleTrouble,
};

const CONF: &str = "# mine\nwindow_steps = 2\n";

fn only(group: &str) -> Who {
    Who::Some(Only { group: Some(group.to_owned()), from: None })
}

fn host() -> Host {
    let host = Host::debian();
    host.file(RULES, CONF);
    host
}

fn planned(host: &Host, services: &[&str], who: &Who) -> Result<Plan, EnableTrouble> {
    let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
    enabling(&host.ground(), &host.tree(), &services, (None, who))
}

fn writes(host: &Host, services: &[&str], who: &Who) {
    host.write(&planned(host, services, who).unwrap());
}

#[test]
fn the_rules_come_before_the_lines_and_go_behind_them() {
    let host = host();
    let before = host.snapshot();
    let plan = planned(&host, &["sudo"], &only("staff")).unwrap();
    assert_eq!(paths(&plan), [RULES, "/etc/pam.d/sudo", "/etc/pam.d/sudo-i"]);
    assert!(plan.exempts && plan.changes[0].diff().contains("+group = \"staff\"\n"));
    host.write(&plan);
    for service in ["sudo", "sudo-i"] {
        assert!(rules::found(&host.text(RULES), service).unwrap().is_some(), "{service}");
    }
    let disabling = host.disabling(&["sudo"]);
    assert_eq!(paths(&disabling), ["/etc/pam.d/sudo", "/etc/pam.d/sudo-i", RULES]);
    host.write(&disabling);
    assert_eq!(host.snapshot(), before);
}

#[test]
fn a_file_that_was_not_there_goes_again() {
    let host = Host::debian();
    std::fs::create_dir(host.path("/etc/fob")).unwrap();
    let before = host.snapshot();
    writes(&host, &["su"], &only("staff"));
    assert!(host.text(RULES).contains("service = \"su\"\n"));
    host.write(&host.disabling(&["su"]));
    assert_eq!(host.snapshot(), before);
    let plan = planned(&host, &["su"], &Who::Everybody).unwrap();
    assert!(!plan.touches(RULES) && !plan.exempts, "{plan:?}");
}

#[test]
fn whom_nobody_names_is_asked_as_before_and_everybody_is_when_it_is_said() {
    let host = host();
    writes(&host, &["sudo"], &only("staff"));
    let same = planned(&host, &["sudo"], &only("staff")).unwrap();
    assert_eq!(paths(&same), [""; 0]);
    assert!(same.notes.iter().any(|note| note.contains("says so already")), "{same:?}");
    let before = planned(&host, &["sudo"], &Who::AsBefore).unwrap();
    assert_eq!(paths(&before), [""; 0]);
    assert!(
        before.notes.iter().any(|note| note.contains("says who is asked at sudo-i")),
        "{before:?}"
    );
    let everybody = planned(&host, &["sudo"], &Who::Everybody).unwrap();
    assert_eq!((paths(&everybody), everybody.exempts), (vec![RULES], false));
    assert_eq!(everybody.told(), "sudo, sudo-i");
    host.write(&everybody);
    assert_eq!(host.text(RULES), CONF);
}

#[test]
fn a_rule_that_somebody_has_edited_is_left() {
    let host = host();
    writes(&host, &["su"], &only("staff"));
    let edited = host.text(RULES).replace("\"staff\"", "[\"staff\", \"wheel\"]");
    host.file(RULES, &edited);
    for who in [only("wheel"), Who::Everybody] {
        let refused = planned(&host, &["su"], &who).unwrap_err();
        assert!(matches!(refused, EnableTrouble::Rule(RuleTrouble::Edited { .. })), "{refused:?}");
    }
    let plan = host.disabling(&["su"]);
    assert!(plan.notes.iter().any(|note| note.contains("has edited: it stays")), "{plan:?}");
    host.write(&plan);
    assert_eq!(host.text(RULES), edited);
}

#[test]
fn wherever_it_is_cut_off_the_rules_are_taken_back_as_well() {
    let host = host();
    let before = host.snapshot();
    let plan = planned(&host, &["sshd", "sudo"], &only("staff")).unwrap();
    assert_eq!(plan.changes.len(), 5);
    for cut in 0..=plan.changes.len() {
        for change in &plan.changes[..cut] {
            host.tree().write(&change.path, change.after.as_deref()).unwrap();
        }
        // What fobd was asked about when it was killed.
        host.tree().stage(RULES, b"[[ru").unwrap();
        for (path, outcome) in revert(&host.tree(), &pending(&plan)) {
            assert!(matches!(outcome, Outcome::Restored), "{path}: {outcome:?}");
        }
        assert_eq!(host.snapshot(), before, "cut behind {cut}");
    }
}

#[test]
fn an_edit_of_the_file_between_two_changes_stays() {
    let host = host();
    let first = planned(&host, &["sudo"], &only("staff")).unwrap();
    host.write(&first);
    let mut both = pending(&first);
    host.file(RULES, &(host.text(RULES) + "# more\n"));
    let second = planned(&host, &["sudo", "su"], &only("wheel")).unwrap();
    second.changes.iter().for_each(|change| both.add(change));
    host.write(&second);
    revert(&host.tree(), &both);
    assert_eq!(host.text(RULES), format!("{CONF}# more\n"));
}
