//! The bus: its policy file, and what it leaves to people who are not root.

use std::io::{BufRead as _, BufReader};

use fob_api::address::{BUS_NAME, INTERFACE, OBJECT_PATH};
use fob_tests::{markup, private_bus::POLICY, soft_token::SoftToken};
use fobd::account;
use zbus::{Connection, connection::Builder};

use crate::stage::{NOBODY, OTHER, Stage, Transport, USER, one};

const CONTRACT: &str = include_str!("../../../packaging/dbus/org.fobd.Fob1.xml");
const BUS_REFUSES: &str = "org.freedesktop.DBus.Error.AccessDenied";

pub(crate) async fn as_root(stage: &Stage) -> Connection {
    Builder::address(stage.bus.address().as_str()).build().await.unwrap()
}

#[test]
fn each_rule_of_the_policy_is_about_our_name_alone() {
    let mut context = None;
    let mut rules = 0;
    for tag in markup::tags(POLICY) {
        match tag.name.as_str() {
            "policy" => context = Some(tag),
            "allow" | "deny" => {
                let ours = |key: &str| tag.get(key) == Some(BUS_NAME);
                let about_sending = tag.attributes.keys().any(|key| key.starts_with("send_"));
                let about_receiving = tag.attributes.keys().any(|key| key.starts_with("receive_"));
                assert!(
                    (about_sending && ours("send_destination"))
                        || (about_receiving && ours("receive_sender"))
                        || ours("own"),
                    "{tag:?} is not about {BUS_NAME}"
                );
                assert!(!(about_sending && about_receiving), "{tag:?} is two rules");
                rules += 1;
            }
            name => assert!(matches!(name, "busconfig" | "/policy" | "/busconfig"), "{name}"),
        }
    }
    assert!(context.is_some() && rules > 0, "the policy is empty");
}

#[test]
fn the_policy_lets_only_root_and_the_daemon_own_the_name_and_others_only_call_the_interface() {
    let mut of = String::new();
    for tag in markup::tags(POLICY) {
        if tag.name == "policy" {
            of = tag.get("user").or(tag.get("context")).unwrap().to_owned();
            assert_eq!(tag.attributes.len(), 1, "{tag:?}");
        }
        if tag.name != "allow" {
            continue;
        }
        match of.as_str() {
            "root" => {}
            account::NAME => {
                assert_eq!(tag.get("own"), Some(BUS_NAME), "{tag:?}");
                assert_eq!(tag.attributes.len(), 1, "{tag:?}");
            }
            "default" => {
                assert_eq!(tag.get("send_interface"), Some(INTERFACE), "{tag:?}");
                assert_eq!(tag.attributes.len(), 2, "{tag:?}");
            }
            of => panic!("rules for {of}"),
        }
    }
}

#[test]
fn others_reach_nothing_but_the_interface() {
    let Some(stage) = Stage::set() else { return };
    for request in ["get", "get-all", "set", "introspect", "ping", "no-interface"] {
        for who in [USER, "nobody"] {
            assert_eq!(one(&stage, who, Transport::Bus, request), BUS_REFUSES, "{who}: {request}");
        }
    }
}

#[test]
fn others_cannot_take_the_name_or_watch_the_bus() {
    let Some(stage) = Stage::set() else { return };
    for request in ["own", "own-below", "monitor", "eavesdrop"] {
        assert_eq!(one(&stage, "nobody", Transport::Bus, request), BUS_REFUSES, "{request}");
    }
}

#[test]
fn the_name_cannot_be_taken_while_the_daemon_is_away() {
    let Some(mut stage) = Stage::set() else { return };
    stage.daemon.kill();
    assert_eq!(one(&stage, "nobody", Transport::Bus, "own"), BUS_REFUSES);
}

#[test]
fn there_is_no_property_to_set() {
    let Some(stage) = Stage::set() else { return };
    for by in [Transport::Bus, Transport::Peer] {
        let outcome = one(&stage, "root", by, "set");
        assert_eq!(outcome, "org.freedesktop.DBus.Error.UnknownProperty", "{by:?}");
    }
    let properties = markup::tags(CONTRACT).into_iter().filter(|tag| tag.name == "property");
    assert_eq!(properties.count(), 0);
}

#[tokio::test]
async fn the_daemon_serves_what_the_contract_publishes_and_nothing_more() {
    let Some(stage) = Stage::set() else { return };
    let bus = as_root(&stage).await;
    let peer = stage.daemon.connect().await;
    for (connection, destination) in [(bus, Some(BUS_NAME)), (peer, None)] {
        let standard = "org.freedesktop.DBus.Introspectable";
        let reply = connection
            .call_method(destination, OBJECT_PATH, Some(standard), "Introspect", &())
            .await
            .unwrap();
        let body = reply.body();
        let served: &str = body.deserialize().unwrap();
        assert_eq!(markup::methods(served, INTERFACE), markup::methods(CONTRACT, INTERFACE));
        assert_eq!(markup::signals(served, INTERFACE), markup::signals(CONTRACT, INTERFACE));
        assert_eq!(markup::signals(CONTRACT, INTERFACE), ["Changed"]);
        let standard = ["Introspectable", "Peer", "Properties"]
            .map(|part| format!("org.freedesktop.DBus.{part}"));
        let expected: Vec<String> = [INTERFACE.to_owned()].into_iter().chain(standard).collect();
        assert_eq!(markup::interfaces(served), expected);
    }
}

/// Returns which signals somebody hears when the owner of our name sends one to everybody and
/// somebody else sends one that ends the test.
async fn heard_by(stage: &Stage, who: &str) -> String {
    let mut listener = stage.start(who, Transport::Bus, &["hear".to_owned()]);
    let mut output = BufReader::new(listener.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "listening");
    let (owner, other) = (as_root(stage).await, as_root(stage).await);
    owner.request_name(BUS_NAME).await.unwrap();
    owner.emit_signal(None::<&str>, "/test", INTERFACE, "SignedIn", &()).await.unwrap();
    // The bus takes one connection's messages in order: after the reply the signal was delivered.
    owner.release_name(BUS_NAME).await.unwrap();
    other.emit_signal(None::<&str>, "/test", "org.example.Test", "End", &()).await.unwrap();
    line.clear();
    output.read_line(&mut line).unwrap();
    listener.wait().unwrap();
    line.trim().to_owned()
}

#[tokio::test]
async fn signals_of_our_name_reach_root_and_nobody_else() {
    let Some(mut stage) = Stage::set() else { return };
    stage.daemon.kill();
    assert_eq!(heard_by(&stage, "root").await, "SignedIn End");
    assert_eq!(heard_by(&stage, USER).await, "End");
}

/// Gives a user a button token and returns it.
async fn assigned(stage: &Stage, user: &str) -> SoftToken {
    let mut token = SoftToken::with_button("ACCESS-1");
    let file = stage.folder().join("seeds.csv");
    std::fs::write(&file, token.oath_line()).unwrap();
    let file = std::fs::File::open(file).unwrap();
    let fob = stage.daemon.proxy().await;
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    let [first, second] = token.show_pair(0);
    fob.assign(user, "ACCESS-1", &[&first, &second], Default::default()).await.unwrap();
    token
}

#[tokio::test]
async fn strangers_codes_cost_the_owner_nothing() {
    let Some(stage) = Stage::set() else { return };
    let mut token = assigned(&stage, USER).await;
    let tries = vec![format!("Verify:{USER}"); 20];
    stage.open_the_peer_socket();
    stage.ask(OTHER, Transport::Bus, &tries);
    stage.ask(OTHER, Transport::Peer, &tries);
    let fob = stage.daemon.proxy().await;
    let shares = fob.show_user(USER).await.unwrap().shares.unwrap();
    assert!(shares.iter().all(|share| share.wrong == Some(0)), "{shares:?}");
    let (verdict, about, _) =
        fob.verify(USER, &token.next_code(), Default::default()).await.unwrap();
    assert_eq!((verdict.as_str(), about.as_str()), ("accept", USER));
}

#[tokio::test]
async fn a_program_that_runs_as_the_user_cannot_spend_his_remote_budget() {
    let Some(stage) = Stage::set() else { return };
    let mut token = assigned(&stage, USER).await;
    stage.ask(USER, Transport::Bus, &vec![format!("Verify:{USER}"); 20]);
    let fob = stage.daemon.proxy().await;
    let (verdict, ..) = fob.verify(USER, &token.next_code(), Default::default()).await.unwrap();
    assert_eq!(verdict, "accept");
}

#[test]
fn a_refusal_does_not_tell_who_exists() {
    let Some(stage) = Stage::set() else { return };
    for method in ["NewRecoveryCodes", "Prompt", "ReportLost", "ShowUser", "Verify", "Resync"] {
        let [known, unknown] = [OTHER, NOBODY]
            .map(|target| one(&stage, USER, Transport::Bus, &format!("{method}:{target}")));
        assert_eq!(known, unknown, "{method}");
    }
}
