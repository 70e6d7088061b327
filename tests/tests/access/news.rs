//! The signal that something is new: who hears it, how often, and that nobody waits for it.

use std::{
    future::poll_fn,
    io::{BufRead as _, BufReader},
    num::NonZero,
    pin::Pin,
    time::Duration,
};

use fob_api::address::INTERFACE;
use fob_tests::soft_token::SoftToken;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::time::{Instant, timeout};
use zbus::{Connection, MatchRule, MessageStream, export::futures_core::Stream as _, message};

use crate::{
    bus::as_root,
    stage::{OTHER, Stage, Transport, USER},
};

/// How long something may take that is sure to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// Root's listener.
struct Listener(MessageStream);

impl Listener {
    async fn on(connection: &Connection) -> Self {
        let rule = MatchRule::builder()
            .msg_type(message::Type::Signal)
            .interface(INTERFACE)
            .build()
            .unwrap();
        let room = NonZero::new(1000);
        Self(MessageStream::for_match_rule(rule, connection, room).await.unwrap())
    }

    /// Waits for the next signal of the interface and returns it.
    async fn next(&mut self) -> zbus::Message {
        let next = poll_fn(|context| Pin::new(&mut self.0).poll_next(context));
        timeout(PATIENCE, next).await.expect("no signal came").unwrap().unwrap()
    }

    /// Waits for the next one and returns its name.
    async fn name(&mut self) -> String {
        self.next().await.header().member().unwrap().to_string()
    }
}

/// Puts a token into stock.
async fn import(stage: &Stage, serial: &str) -> SoftToken {
    let token = SoftToken::with_button(serial);
    let file = stage.folder().join("seeds.csv");
    std::fs::write(&file, token.oath_line()).unwrap();
    let file = std::fs::File::open(file).unwrap();
    let fob = stage.daemon.proxy().await;
    fob.import((&file).into(), "oath-csv", Default::default()).await.unwrap();
    token
}

#[tokio::test]
async fn a_change_is_told_to_root_alone_and_names_nobody() {
    let Some(stage) = Stage::set() else { return };
    let mut others = [USER, OTHER].map(|who| {
        let mut child = stage.start(who, Transport::Bus, &["hear".to_owned()]);
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "listening");
        (child, output)
    });
    let root = as_root(&stage).await;
    let mut heard = Listener::on(&root).await;
    let mut token = import(&stage, "NEWS-1").await;
    let [first, second] = token.show_pair(0);
    let fob = stage.daemon.proxy().await;
    fob.assign(USER, "NEWS-1", &[&first, &second], Default::default()).await.unwrap();
    let told = heard.next().await;
    assert_eq!(told.header().member().unwrap().as_str(), "Changed");
    assert_eq!(told.body().len(), 0, "it says more than that something changed");
    // The bus delivers in order: whoever hears the end has heard what came before it.
    root.emit_signal(None::<&str>, "/test", "org.example.Test", "End", &()).await.unwrap();
    for (child, output) in &mut others {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        child.wait().unwrap();
        assert_eq!(line.trim(), "End");
    }
}

#[tokio::test]
async fn a_sign_in_is_told_and_what_is_told_can_be_read() {
    let Some(stage) = Stage::set() else { return };
    let mut token = import(&stage, "NEWS-1").await;
    let [first, second] = token.show_pair(0);
    let fob = stage.daemon.proxy().await;
    fob.assign(USER, "NEWS-1", &[&first, &second], Default::default()).await.unwrap();
    let root = as_root(&stage).await;
    let mut heard = Listener::on(&root).await;
    // What was assigned may still be told; the sign-in comes after it.
    let (verdict, ..) = fob.verify(USER, &token.next_code(), Default::default()).await.unwrap();
    assert_eq!(verdict, "accept");
    assert_eq!(heard.name().await, "Changed");
    assert!(fob.show_token("NEWS-1").await.unwrap().last_used.is_some());
}

#[tokio::test]
async fn a_burst_of_changes_is_few_signals() {
    const MANY: usize = 60;
    let Some(stage) = Stage::set() else { return };
    let root = as_root(&stage).await;
    let mut heard = Listener::on(&root).await;
    let begin = Instant::now();
    for number in 0..MANY {
        import(&stage, &format!("NEWS-{number}")).await;
    }
    assert_eq!(heard.name().await, "Changed");
    let seconds = usize::try_from(begin.elapsed().as_secs()).unwrap();
    root.emit_signal(None::<&str>, "/test", INTERFACE, "End", &()).await.unwrap();
    let mut count = 1;
    while heard.name().await == "Changed" {
        count += 1;
    }
    // One a second, the one at the beginning, and the one at the end.
    assert!(count <= seconds + 2, "{count} signals in {seconds} s");
    assert!(count < MANY / 2, "{count} signals for {MANY} changes in {seconds} s");
}

#[tokio::test]
async fn sign_ins_are_answered_while_the_bus_takes_no_signal() {
    let Some(stage) = Stage::set() else { return };
    let root = as_root(&stage).await;
    let mut heard = Listener::on(&root).await;
    let bus = Pid::from_raw(i32::try_from(stage.bus.id()).unwrap());
    kill(bus, Signal::SIGSTOP).unwrap();
    let mut token = import(&stage, "NEWS-1").await;
    let [first, second] = token.show_pair(0);
    let fob = stage.daemon.proxy().await;
    fob.assign(USER, "NEWS-1", &[&first, &second], Default::default()).await.unwrap();
    for _ in 0..5 {
        let code = token.next_code();
        let answer = fob.verify(USER, &code, Default::default());
        let (verdict, ..) = timeout(PATIENCE, answer).await.expect("nobody answers").unwrap();
        assert_eq!(verdict, "accept");
    }
    kill(bus, Signal::SIGCONT).unwrap();
    assert_eq!(heard.name().await, "Changed");
}

#[tokio::test]
async fn nobody_has_to_read_the_signals() {
    let Some(stage) = Stage::set() else { return };
    // One that asked for them and never looks.
    let deaf = as_root(&stage).await;
    let _unread = Listener::on(&deaf).await;
    let mut token = import(&stage, "NEWS-1").await;
    let [first, second] = token.show_pair(0);
    let fob = stage.daemon.proxy().await;
    fob.assign(USER, "NEWS-1", &[&first, &second], Default::default()).await.unwrap();
    let code = format!("verify-own:{USER}={}", token.next_code());
    assert_eq!(stage.ask(USER, Transport::Bus, &[code]), ["ok"]);
}
