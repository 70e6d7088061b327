use fob_api::PromptKind;

use super::{Exemption, Reason, Standing, exemption, reason};
use crate::{
    decide::{
        recovery::fresh,
        rule::Ruling,
        testing::{NOW, alice, at, tokens},
        throttle::Demand,
        verify::{Unenrolled, prompt},
    },
    record::{Recovery, UserTokens},
};

const RULES: [Ruling; 4] = [Ruling::None, Ruling::Enrol(0), Ruling::Ignore(1), Ruling::Require(2)];

/// What comes of each ruling for somebody.
fn of(tokens: Option<&UserTokens>, codes: Option<&Recovery>, unenrolled: Unenrolled) -> String {
    let standing = Standing { tokens, codes, unenrolled };
    let word = |ruling| match exemption(ruling, &standing, &at(NOW)) {
        None => '-',
        Some(Exemption::Nullok) => 'n',
        Some(Exemption::Rule(_)) => 'r',
        Some(Exemption::Ticket) => 't',
    };
    RULES.into_iter().map(word).collect()
}

// X13 of threats.md.
#[test]
fn only_an_existing_user_is_exempt_and_a_rule_outweighs_nullok() {
    let (none, one) = (tokens(&[]), tokens(&["8A1172"]));
    let former = UserTokens { former: vec!["8A1172".to_owned()], ..tokens(&[]) };
    let issued = Recovery { issued: Some(NOW.0), ..fresh(&alice(), [7; 16]) };
    for (tokens, codes, nullok, refused) in [
        // In the order of RULES: none, enrol, ignore, require.
        (Some(&none), None, "nrr-", "-rr-"),
        (Some(&one), None, "--r-", "--r-"),
        (Some(&former), None, "n-r-", "--r-"),
        (Some(&none), Some(&issued), "--r-", "--r-"),
        (None, None, "----", "----"),
    ] {
        assert_eq!(of(tokens, codes, Unenrolled::Exempt), nullok, "{tokens:?}");
        assert_eq!(of(tokens, codes, Unenrolled::Refuse), refused, "{tokens:?}");
    }
}

#[test]
fn the_decision_names_the_rule() {
    let (none, at) = (tokens(&[]), at(NOW));
    let standing = Standing { tokens: Some(&none), codes: None, unenrolled: Unenrolled::Exempt };
    assert_eq!(exemption(Ruling::Enrol(3), &standing, &at), Some(Exemption::Rule(3)));
    assert_eq!(exemption(Ruling::Ignore(0), &standing, &at), Some(Exemption::Rule(0)));
}

#[test]
fn each_decision_has_its_reason() {
    let (none, one) = (tokens(&[]), tokens(&["8A1172"]));
    let former = UserTokens { former: vec!["8A1172".to_owned()], ..tokens(&[]) };
    use Reason::{Default, Enrol, HadToken, HasToken, Ignore, NoSuchUser, Nullok, Require};
    for (tokens, unenrolled, expected) in [
        (Some(&none), Unenrolled::Exempt, [Nullok, Enrol, Ignore, Require]),
        (Some(&none), Unenrolled::Refuse, [Default, Enrol, Ignore, Require]),
        (Some(&one), Unenrolled::Exempt, [HasToken, HasToken, Ignore, Require]),
        (Some(&former), Unenrolled::Refuse, [Default, HadToken, Ignore, Require]),
        (None, Unenrolled::Exempt, [NoSuchUser; 4]),
    ] {
        let standing = Standing { tokens, codes: None, unenrolled };
        assert_eq!(RULES.map(|ruling| reason(ruling, &standing, &at(NOW))), expected);
    }
}

#[test]
fn each_reason_is_told_by_its_own_word() {
    use Reason::{Default, Enrol, HadToken, HasToken, Ignore, NoSuchUser, Nullok, Require};
    let all = [Default, Enrol, HadToken, HasToken, Ignore, NoSuchUser, Nullok, Require];
    let words = [
        "default",
        "enrol",
        "had_token",
        "has_token",
        "ignore",
        "no_such_user",
        "nullok",
        "require",
    ];
    assert_eq!(all.map(Reason::word), words);
}

// A module that knows nullok alone must refuse who is exempt by a rule, not take him for one of
// its own.
#[test]
fn each_reason_has_its_own_word_whatever_the_budgets_say() {
    for demand in [Demand::Code, Demand::Pair] {
        let ask = |exemption| prompt(Some(exemption), demand, None, &at(NOW));
        assert_eq!(ask(Exemption::Nullok), PromptKind::Exempt);
        assert_eq!(ask(Exemption::Rule(0)), PromptKind::Ignored);
        assert_eq!(ask(Exemption::Ticket), PromptKind::Ticket);
    }
}
