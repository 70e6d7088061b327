use std::net::IpAddr;

use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof};

use super::{Ask, Day, Groups, Membership, Network, Person, Rule, Rules, Ruling, Source, Visit};
use crate::decide::{
    Now,
    testing::{NOW, after, many},
};

const ALICE: (&str, Option<u32>) = ("alice", Some(1000));
const ROOT: (&str, Option<u32>) = ("root", Some(0));
const NOBODY: (&str, Option<u32>) = ("nobody-of-this-name", None);

/// A rule in the words of the file: `user=alice service=sshd`.
fn rule(selectors: &str, ask: Ask) -> Rule {
    let of = |key: &str| -> Vec<String> {
        let words = selectors.split_whitespace().filter_map(|word| word.split_once('='));
        words.filter(|(known, _)| *known == key).map(|(_, word)| word.to_owned()).collect()
    };
    let networks = of("network").iter().map(|text| Network::parse(text).unwrap()).collect();
    Rule { line: 1, users: of("user"), groups: of("group"), services: of("service"), networks, ask }
}

fn today() -> Day {
    Day::of(NOW)
}

/// A remote host's address or name, or nothing on the host itself.
fn source(from: &str) -> Source {
    match from {
        "" => Source::Here,
        _ => from.parse().map_or(Source::Unknown, Source::Address),
    }
}

/// What rules say of somebody in group `staff`, not in `guests`, on a host that does not know
/// `ghosts`.
fn asked(rules: &[(&str, Ask)], who: (&str, Option<u32>), service: &str, from: &str) -> Ruling {
    let rules = Rules(rules.iter().map(|(selectors, ask)| rule(selectors, *ask)).collect());
    let groups = [("staff", Membership::Member), ("guests", Membership::Other)];
    let groups = Groups(groups.map(|(name, is)| (name.to_owned(), is)).into());
    let person = Person { name: who.0, uid: who.1, groups: &groups };
    let visit = Visit { service: Some(service), source: source(from) };
    rules.ask(&person, &visit, today())
}

#[test]
fn without_a_rule_that_matches_nothing_is_said() {
    assert_eq!(asked(&[], ALICE, "sshd", ""), Ruling::None);
    assert_eq!(asked(&[("user=bob", Ask::Ignore)], ALICE, "sshd", ""), Ruling::None);
}

#[test]
fn the_first_rule_that_matches_decides() {
    let rules = [
        ("service=sudo", Ask::Require),
        ("user=alice", Ask::Ignore),
        ("service=sshd", Ask::Require),
    ];
    assert_eq!(asked(&rules, ALICE, "sudo", ""), Ruling::Require(0));
    assert_eq!(asked(&rules, ALICE, "sshd", ""), Ruling::Ignore(1));
    assert_eq!(asked(&rules, ("bob", Some(1001)), "sshd", ""), Ruling::Require(2));
}

#[test]
fn all_selectors_must_match_each_by_any_of_its_words() {
    let rules =
        [("user=bob user=alice service=sshd service=login network=192.0.2.0/24", Ask::Ignore)];
    assert_eq!(asked(&rules, ALICE, "sshd", "192.0.2.9"), Ruling::Ignore(0));
    assert_eq!(asked(&rules, ALICE, "login", "192.0.2.9"), Ruling::Ignore(0));
    for (who, service, from) in [
        (("carol", Some(1002)), "sshd", "192.0.2.9"),
        (ALICE, "sudo", "192.0.2.9"),
        (ALICE, "sshd", "192.0.3.9"),
    ] {
        assert_eq!(asked(&rules, who, service, from), Ruling::None);
    }
}

#[test]
fn a_network_matches_only_a_literal_address_and_never_a_local_sign_in() {
    let rules = [("network=127.0.0.0/8 network=::1 network=192.0.2.0/24", Ask::Ignore)];
    assert_eq!(asked(&rules, ALICE, "sshd", "192.0.2.9"), Ruling::Ignore(0));
    for from in ["", "localhost", "host.example.org", "192.0.2.9.", "192.0.2.9 ", "fe80::1%eth0"] {
        assert_eq!(asked(&rules, ALICE, "sshd", from), Ruling::None, "{from:?}");
    }
}

#[test]
fn a_remote_host_without_an_address_is_in_every_network_of_a_rule_that_asks() {
    let ask = |network, ask, from| asked(&[(network, ask)], ALICE, "sshd", from);
    for from in ["host.example.org", "fe80::1%eth0", "?"] {
        for network in ["network=192.0.2.0/24", "network=::/0"] {
            assert_eq!(ask(network, Ask::Require, from), Ruling::Require(0), "{from}");
            assert_eq!(ask(network, Ask::EnrolBy(today()), from), Ruling::None, "{from}");
            assert_eq!(ask(network, Ask::EnrolBy(Day(0)), from), Ruling::Require(0), "{from}");
        }
    }
    assert_eq!(ask("network=0.0.0.0/0", Ask::Require, ""), Ruling::None, "on the host itself");
}

#[test]
fn a_service_that_is_not_named_is_each_service_of_a_rule_that_asks() {
    let person = Person { name: "alice", uid: Some(1000), groups: &Groups::default() };
    let visit = Visit { service: None, source: Source::Here };
    for (ask, ruling) in [
        (Ask::Require, Ruling::Require(0)),
        (Ask::Ignore, Ruling::None),
        (Ask::EnrolBy(today()), Ruling::None),
    ] {
        let rules = Rules(vec![rule("service=sshd", ask)]);
        assert_eq!(rules.ask(&person, &visit, today()), ruling, "{ask}");
    }
}

#[test]
fn root_is_exempt_only_by_a_rule_that_names_him() {
    let soon = Ask::EnrolBy(today());
    for ask in [Ask::Ignore, soon] {
        for selectors in ["", "service=login", "group=staff", "user=toor", "user=alice"] {
            assert_eq!(asked(&[(selectors, ask)], ROOT, "login", ""), Ruling::None, "{selectors}");
        }
    }
    assert_eq!(asked(&[("user=root", Ask::Ignore)], ROOT, "login", ""), Ruling::Ignore(0));
    assert_eq!(asked(&[("user=root", soon)], ROOT, "login", ""), Ruling::Enrol(0));
    // By uid, whatever his name is: and to be asked he need not be named.
    let other = ("administrator", Some(0));
    assert_eq!(asked(&[("user=root", Ask::Ignore)], other, "login", ""), Ruling::Ignore(0));
    assert_eq!(asked(&[("user=administrator", Ask::Ignore)], other, "login", ""), Ruling::None);
    assert_eq!(asked(&[("", Ask::Require)], ROOT, "login", ""), Ruling::Require(0));
    // Another account that has his name is not him.
    let decoy = ("root", Some(1000));
    for selectors in ["user=root", "service=login"] {
        assert_eq!(asked(&[(selectors, Ask::Ignore)], decoy, "login", ""), Ruling::None);
    }
    assert_eq!(asked(&[("user=root", Ask::Require)], decoy, "login", ""), Ruling::Require(0));
    // A rule that passes him over leaves him to the next one.
    let rules = [("service=login", Ask::Ignore), ("service=login", Ask::Require)];
    assert_eq!(asked(&rules, ROOT, "login", ""), Ruling::Require(1));
}

// X13 of threats.md.
#[test]
fn nobody_who_does_not_exist_is_exempt() {
    for ask in [Ask::Ignore, Ask::EnrolBy(today())] {
        for selectors in ["", "user=nobody-of-this-name", "service=sshd", "group=staff"] {
            assert_eq!(asked(&[(selectors, ask)], NOBODY, "sshd", ""), Ruling::None, "{selectors}");
        }
    }
}

#[test]
fn a_group_that_the_host_does_not_know_matches_only_rules_that_ask() {
    for (selectors, ask, ruling) in [
        ("group=staff", Ask::Ignore, Ruling::Ignore(0)),
        ("group=guests", Ask::Ignore, Ruling::None),
        ("group=ghosts", Ask::Ignore, Ruling::None),
        ("group=ghosts", Ask::EnrolBy(today()), Ruling::None),
        ("group=guests", Ask::Require, Ruling::None),
        ("group=ghosts", Ask::Require, Ruling::Require(0)),
        ("group=ghosts group=staff", Ask::Ignore, Ruling::Ignore(0)),
    ] {
        assert_eq!(asked(&[(selectors, ask)], ALICE, "sshd", ""), ruling, "{selectors} {ask}");
    }
}

#[test]
fn a_day_lasts_until_its_end_and_then_everybody_is_asked() {
    let day = Day::parse("2026-12-31").unwrap();
    let rules = Rules(vec![rule("user=alice", Ask::EnrolBy(day))]);
    let person = Person { name: "alice", uid: Some(1000), groups: &Groups::default() };
    let visit = Visit { service: None, source: Source::Here };
    // By `date -u -d 2026-12-31T23:59:59Z +%s` of GNU coreutils.
    let end = Now(1_798_761_599);
    assert_eq!(rules.ask(&person, &visit, Day::of(end)), Ruling::Enrol(0));
    assert_eq!(rules.ask(&person, &visit, Day::of(after(end, 1))), Ruling::Require(0));
    let exempts = |now| rules.0[0].exempts(Day::of(now));
    assert!(exempts(end) && !exempts(after(end, 1)));
    assert!(!rules.0[0].exempts(Day::LAST) && Day::parse("9999-12-31").unwrap() < Day::LAST);
}

#[test]
fn a_day_is_read_in_one_form_only_and_written_so() {
    for text in ["1970-01-01", "2026-12-31", "2028-02-29", "9999-12-31"] {
        assert_eq!(Day::parse(text).unwrap().to_string(), text);
    }
    for text in [
        "",
        "2026-2-01",
        "2026-02-30",
        "2027-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "1969-12-31",
        "26-12-31",
        "2026-12-31-",
        "2026-12-31 ",
        "+026-12-31",
        "2026/12/31",
        "20261231",
        "31-12-2026",
    ] {
        assert_eq!(Day::parse(text), None, "{text:?}");
    }
}

#[test]
fn a_rule_is_covered_by_one_in_front_of_it_that_leaves_nobody() {
    let (ask, not) = (Ask::Require, Ask::Ignore);
    for (front, behind, covered) in [
        (("", ask), ("user=alice", not), true),
        (("user=alice user=bob", not), ("user=bob service=sshd", ask), true),
        (("user=alice", not), ("user=alice user=bob", ask), false),
        (("user=alice", not), ("service=sshd", ask), false),
        (("service=sshd", ask), ("service=sshd group=staff", not), true),
        (("network=10.0.0.0/8", ask), ("network=10.1.0.0/16 network=10.2.0.1", not), true),
        (("network=10.0.0.0/8", ask), ("network=10.1.0.0/16 network=11.0.0.0/8", not), false),
        (("network=10.0.0.0/8", ask), ("user=alice", not), false),
        // One that exempts passes root over, who may be meant by the next.
        (("service=sshd", not), ("service=sshd", not), true),
        (("service=sshd", not), ("service=sshd", ask), false),
        (("service=sshd", not), ("service=sshd user=root", not), false),
        (("service=sshd", not), ("service=sshd user=alice", ask), true),
        (("", not), ("user=root", not), false),
        (("user=root user=alice", not), ("user=root", ask), true),
    ] {
        let (front_rule, behind_rule) = (rule(front.0, front.1), rule(behind.0, behind.1));
        assert_eq!(front_rule.covers(&behind_rule), covered, "{front:?} {behind:?}");
    }
}

#[test]
fn a_rule_is_bare_only_without_any_selector() {
    assert!(rule("", Ask::Ignore).is_bare());
    for selectors in ["user=alice", "group=staff", "service=sshd", "network=10.0.0.0/8"] {
        assert!(!rule(selectors, Ask::Ignore).is_bare(), "{selectors}");
    }
}

#[test]
fn the_groups_of_all_rules_are_listed_once() {
    let one = rule("group=staff group=guests", Ask::Ignore);
    let rules =
        Rules(vec![one, rule("user=alice", Ask::Ignore), rule("group=staff", Ask::Require)]);
    assert_eq!(rules.groups(), ["guests", "staff"]);
}

#[test]
fn a_ruling_leads_to_its_rule() {
    let rules = Rules(vec![rule("user=alice", Ask::Ignore), rule("", Ask::Require)]);
    let told = |ruling: Ruling| ruling.by().and_then(|index| rules.get(index)).map(|rule| rule.ask);
    assert_eq!(told(Ruling::None), None);
    assert_eq!(told(Ruling::Ignore(0)), Some(Ask::Ignore));
    for ruling in [Ruling::Require(1), Ruling::Enrol(1)] {
        assert_eq!(told(ruling), Some(Ask::Require));
    }
}

#[test]
fn a_rule_is_told_in_one_line() {
    let line = rule("user=alice user=bob service=sshd network=10.0.0.0/8", Ask::Ignore);
    assert_eq!(line.to_string(), "user alice or bob, service sshd, network 10.0.0.0/8: ignore");
    let until = Ask::EnrolBy(Day::parse("2026-12-31").unwrap());
    assert_eq!(rule("", until).to_string(), "everything else: enrol-by 2026-12-31");
}

/// A sign-in of the model: everything small, so that rules meet it.
#[derive(Clone, Debug)]
struct Case {
    rules: Vec<Rule>,
    name: String,
    uid: Option<u32>,
    member: [Option<bool>; 2],
    service: Option<String>,
    source: Source,
    today: u64,
}

fn words(of: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop::sample::select(of).prop_map(str::to_owned), 0..3)
}

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    let ask = prop_oneof![
        Just(Ask::Require),
        Just(Ask::Ignore),
        (0..4_u64).prop_map(|day| Ask::EnrolBy(Day(day))),
    ];
    let networks = prop::sample::select(vec!["10.0.0.0/8", "10.0.0.1", "::/0"]);
    let networks = prop::collection::vec(networks, 0..3);
    let parts = (
        words(&["root", "alice", "bob"]),
        words(&["g", "h"]),
        words(&["sshd", "su"]),
        networks,
        ask,
    );
    let rule = parts.prop_map(|(users, groups, services, networks, ask)| Rule {
        line: 1,
        users,
        groups,
        services,
        networks: networks.into_iter().map(|text| Network::parse(text).unwrap()).collect(),
        ask,
    });
    prop::collection::vec(rule, 0..6)
}

fn cases() -> impl Strategy<Value = Case> {
    let from = prop::sample::select(vec!["", "10.0.0.1", "10.9.9.9", "::1", "host.example.org"]);
    let parts = (
        rules(),
        prop::sample::select(vec!["root", "alice", "bob"]),
        prop::sample::select(vec![None, Some(0), Some(1000)]),
        any::<[Option<bool>; 2]>(),
        prop::sample::select(vec![None, Some("sshd"), Some("su")]),
        from,
        0..4_u64,
    );
    parts.prop_map(|(rules, name, uid, member, service, from, today)| Case {
        rules,
        name: name.to_owned(),
        uid,
        member,
        service: service.map(str::to_owned),
        source: source(from),
        today,
    })
}

/// The same, said the long way: rule by rule, selector by selector.
fn naive(case: &Case) -> Ruling {
    for (index, rule) in case.rules.iter().enumerate() {
        if naively_matches(rule, case) {
            return match (rule.ask, naively_exempts(rule, case)) {
                (Ask::EnrolBy(_), true) => Ruling::Enrol(index),
                (_, true) => Ruling::Ignore(index),
                (_, false) => Ruling::Require(index),
            };
        }
    }
    Ruling::None
}

fn naively_exempts(rule: &Rule, case: &Case) -> bool {
    match rule.ask {
        Ask::Require => false,
        Ask::Ignore => true,
        Ask::EnrolBy(Day(day)) => case.today <= day,
    }
}

fn naively_matches(rule: &Rule, case: &Case) -> bool {
    let exempts = naively_exempts(rule, case);
    let mut holds = true;
    if !rule.users.is_empty() {
        let name = if case.uid == Some(0) { "root" } else { case.name.as_str() };
        holds &= rule.users.contains(&name.to_owned());
    }
    if !rule.groups.is_empty() {
        let mut found = false;
        for group in &rule.groups {
            let member = if group == "g" { case.member[0] } else { case.member[1] };
            found |= member.unwrap_or(!exempts);
        }
        holds &= found;
    }
    if !rule.services.is_empty() {
        holds &= match &case.service {
            None => !exempts,
            Some(service) => rule.services.contains(service),
        };
    }
    if !rule.networks.is_empty() {
        let mut found = false;
        for network in &rule.networks {
            found |= match (network.to_string().as_str(), case.source) {
                ("10.0.0.0/8", Source::Address(IpAddr::V4(address))) => address.octets()[0] == 10,
                ("10.0.0.1", Source::Address(address)) => address.to_string() == "10.0.0.1",
                ("::/0", Source::Address(address)) => address.is_ipv6(),
                (_, Source::Unknown) => !exempts,
                _ => false,
            };
        }
        holds &= found;
    }
    if exempts {
        let named = rule.users.contains(&"root".to_owned());
        holds &= match case.uid {
            None => false,
            Some(0) => named,
            Some(_) => case.name != "root",
        };
    }
    holds
}

#[test]
fn the_rules_say_what_a_naive_model_says() {
    many(20_000, cases(), |case| {
        let known = ["g", "h"].into_iter().zip(case.member).filter_map(|(name, member)| {
            let is = if member? { Membership::Member } else { Membership::Other };
            Some((name.to_owned(), is))
        });
        let groups = Groups(known.collect());
        let person = Person { name: &case.name, uid: case.uid, groups: &groups };
        let visit = Visit { service: case.service.as_deref(), source: case.source };
        let said = Rules(case.rules.clone()).ask(&person, &visit, Day(case.today));
        prop_assert_eq!(said, naive(&case));
        Ok(())
    });
}

// What fobd does not start with must really be without an effect.
#[test]
fn a_covered_rule_decides_nothing() {
    many(20_000, cases(), |case| {
        let mut kept = case.clone();
        let Some(at) = (1..case.rules.len())
            .find(|at| (0..*at).any(|front| case.rules[front].covers(&case.rules[*at])))
        else {
            return Ok(());
        };
        // What the host does not know, and days that are over, are for the file's reader; a decoy
        // with root's name is for nobody.
        let plain = |rule: &Rule| matches!(rule.ask, Ask::Require | Ask::Ignore);
        let is_known = !case.member.contains(&None)
            && case.source != Source::Unknown
            && case.service.is_some();
        let is_decoy = case.name == "root" && case.uid != Some(0);
        if case.uid.is_none() || !is_known || is_decoy || !case.rules.iter().all(plain) {
            return Ok(());
        }
        kept.rules.remove(at);
        let without = |ruling| match ruling {
            Ruling::Require(index) if index > at => Ruling::Require(index - 1),
            Ruling::Ignore(index) if index > at => Ruling::Ignore(index - 1),
            other => other,
        };
        prop_assert_eq!(without(naive(&case)), naive(&kept));
        Ok(())
    });
}
