//! `explain`: what is asked of the daemon about the lines of /etc/pam.d, and what is said of it.

use fob_api::{Error, ExplainReport, TokenReport};

use crate::{
    doctor::Over,
    fake::{Fake, Reply, can_run},
};

/// What the daemon says; `rule` is its number, and its line less one.
fn told(word: &'static str, reason: &str, rule: Option<u32>, ready: bool) -> Reply {
    Reply::Explained(
        word,
        ExplainReport {
            reason: Some(reason.to_owned()),
            rule,
            line: rule.map(|rule| rule + 1),
            ask: rule.map(|_| "ignore".to_owned()),
            ready: Some(ready),
            mode: Some("enforce".to_owned()),
        },
    )
}

fn observing(reply: Reply) -> Reply {
    match reply {
        Reply::Explained(word, report) => {
            Reply::Explained(word, ExplainReport { mode: Some("observe".to_owned()), ..report })
        }
        other => other,
    }
}

/// sudo asks; login asks who has a token; su does not ask.
fn over() -> Over {
    let over = Over::debian();
    over.file("etc/pam.d/sudo", "@include common-auth\nauth required pam_fob.so\n");
    over.file("etc/pam.d/login", "@include common-auth\nauth required pam_fob.so nullok\n");
    over
}

#[test]
fn one_sign_in_is_explained_with_the_rule_and_the_line() {
    if !can_run() {
        return;
    }
    let over = over();
    for (args, step, said) in [
        (
            "--user alice --service sudo",
            ("Explain alice service=sudo", told("code", "default", None, true)),
            "alice in sudo is asked for a code: no rule matches.\n\
             The line: /etc/pam.d/sudo:2\n",
        ),
        (
            "--user bob --service login --rhost 192.0.2.7",
            (
                "Explain bob service=login rhost=192.0.2.7 nullok=true",
                told("ignored", "ignore", Some(2), false),
            ),
            "bob in login from 192.0.2.7 is not asked for a code: rule 2 (line 3 of fobd.conf: \
             ignore) does not ask.\n\
             The line: /etc/pam.d/login:2, with nullok\n",
        ),
        (
            "--user bob --service sudo",
            ("Explain bob service=sudo", told("code", "had_token", Some(1), false)),
            "bob in sudo is asked for a code: rule 1 (line 2 of fobd.conf: ignore) asks those who \
             had a token, or were given recovery codes.\n\
             The line: /etc/pam.d/sudo:2\n\
             He has no token, and is refused.\n",
        ),
        (
            "--user alice --service su",
            ("Explain alice service=su", told("code", "default", None, true)),
            "alice in su is not asked: no line of the service calls pam_fob.so.\n\
             With such a line: no rule matches.\n",
        ),
        (
            "--user alice --service sudo",
            ("Explain alice service=sudo", observing(told("code", "default", None, true))),
            "alice in sudo is asked for a code: no rule matches.\n\
             The line: /etc/pam.d/sudo:2\n\
             NOTHING IS ENFORCED now: fobd observes, and asks nobody.\n",
        ),
    ] {
        let args: Vec<&str> = ["explain"].into_iter().chain(args.split(' ')).collect();
        let ended = over.run(&Fake::new(&[step]), &args);
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""), "{args:?}");
        assert_eq!(ended.stdout, said, "{args:?}");
    }
}

#[test]
fn an_explanation_for_a_program_has_every_part() {
    if !can_run() {
        return;
    }
    let fake = Fake::new(&[(
        "Explain bob service=login nullok=true",
        told("exempt", "nullok", None, false),
    )]);
    let args = ["explain", "--user", "bob", "--service", "login", "--json"];
    let ended = over().run(&fake, &args);
    let seen: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = serde_json::json!({
        "user": "bob", "service": "login", "rhost": null, "asked": false, "reason": "nullok",
        "rule": null, "line": null, "ask": null, "ready": false, "mode": "enforce",
        "stack": [{ "file": "/etc/pam.d/login", "line": 2, "nullok": true }],
    });
    assert_eq!(seen, expected);
}

#[test]
fn the_matrix_has_who_is_known_and_the_services_that_ask() {
    if !can_run() {
        return;
    }
    let over = over();
    over.file(
        "etc/passwd",
        "root:x:0:0::/root:/bin/sh\nwww:x:33:33::/:/bin/sh\nbob:x:1001:1001::/:/bin/sh\n\
         nobody:x:65534:65534::/:/bin/sh\n",
    );
    over.file("etc/group", "sudo:x:27:carol\n");
    over.file("etc/nsswitch.conf", "passwd: files\ngroup: files\n");
    let token = TokenReport { user: Some("alice".to_owned()), ..TokenReport::default() };
    let fake = Fake::new(&[
        ("List \"\" 500 state=assigned", Reply::Page(vec![token], "")),
        ("Explain alice service=login nullok=true", told("code", "has_token", None, true)),
        ("Explain alice service=sudo", told("code", "default", None, true)),
        ("Explain bob service=login nullok=true", told("exempt", "nullok", None, false)),
        ("Explain bob service=sudo", told("code", "require", Some(1), false)),
        ("Explain carol service=login nullok=true", told("ignored", "ignore", Some(2), false)),
        ("Explain carol service=sudo", told("ignored", "ignore", Some(2), false)),
        ("Explain root service=login nullok=true", told("exempt", "nullok", None, false)),
        ("Explain root service=sudo", told("code", "default", None, false)),
    ]);
    let ended = over.run(&fake, &["explain", "--all"]);
    assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
    assert_eq!(
        ended.stdout,
        "USER   TOKEN  login       sudo\n\
         alice  yes    code        code\n\
         bob    no     - (nullok)  code (rule 1)\n\
         carol  no     - (rule 2)  - (rule 2)\n\
         root   no     - (nullok)  code\n"
    );
}

#[test]
fn who_may_not_ask_is_told_so() {
    if !can_run() {
        return;
    }
    let refusal = Reply::Refuse(Error::NotAuthorized { verb: "explain" });
    let fake = Fake::new(&[("Explain alice service=sudo", refusal)]);
    let ended = over().run(&fake, &["explain", "--user", "alice", "--service", "sudo"]);
    assert_eq!(ended.status, 3, "{}", ended.stderr);
    let nothing = over().run(&Fake::new(&[]), &["explain", "--user", "alice"]);
    assert_eq!(nothing.status, 2, "{}", nothing.stderr);
}
