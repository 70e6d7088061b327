//! A lost token's code and the real daemon: the answer tells nothing, the journal does.

#![allow(clippy::unwrap_used, reason = "a failure here is the test's failure")]

use std::fs;

use fob_api::{
    AssignOptions, VerifyContext,
    address::{INTERFACE, OBJECT_PATH},
};
use fob_tests::{
    daemon::{Daemon, Ground, proxy},
    needs::{self, Need},
    soft_token::SoftToken,
};
use zbus::Connection;

/// A user whom every Debian has with this name (base-passwd), and who administers nothing.
const USER: &str = "daemon";

/// Types a code at sshd; returns the body of the answer as it is on the wire.
async fn answer(connection: &Connection, code: &str) -> Vec<u8> {
    let context = VerifyContext {
        service: Some("sshd".to_owned()),
        rhost: Some("203.0.113.7".to_owned()),
        ..VerifyContext::default()
    };
    let arguments = (USER, code, context);
    let reply = connection
        .call_method(None::<&str>, OBJECT_PATH, Some(INTERFACE), "Verify", &arguments)
        .await
        .unwrap();
    reply.body().data().bytes().to_vec()
}

#[tokio::test]
async fn the_answer_to_a_lost_tokens_code_is_that_to_a_wrong_code_byte_for_byte() {
    if !needs::met(&[Need::Root]) {
        return;
    }
    let ground = Ground::new();
    let daemon = Daemon::start(ground.path(), None);
    let (mut lost, mut held) = (SoftToken::with_button("LOST-1"), SoftToken::with_button("HELD-1"));
    let seeds = ground.path().join("seeds.csv");
    fs::write(&seeds, lost.oath_line() + &held.oath_line()).unwrap();
    let connection = daemon.connect().await;
    let fob = proxy(&connection).await;
    let file = fs::File::open(seeds).unwrap();
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    let [first, second] = lost.show_pair(0);
    fob.assign(USER, "LOST-1", &[&first, &second], Default::default()).await.unwrap();
    let [first, second] = held.show_pair(0);
    let options = AssignOptions { fate: Some("lost".to_owned()), ..Default::default() };
    fob.rotate(USER, "HELD-1", &[&first, &second], options).await.unwrap();

    let wrong = answer(&connection, &lost.wrong_code(0, 200)).await;
    let tripped = answer(&connection, &lost.next_code()).await;
    assert_eq!(tripped, wrong);
    daemon.wait_for(
        "alarm what=\"lost_token\" user=\"daemon\" serial=\"LOST-1\" service=\"sshd\" \
         rhost=\"203.0.113.7\"",
    );
    let accepted = answer(&connection, &held.next_code()).await;
    assert_ne!(accepted, wrong, "the control");
    let alarms = daemon.log().iter().filter(|line| line.starts_with("alarm ")).count();
    assert_eq!(alarms, 1);
}
