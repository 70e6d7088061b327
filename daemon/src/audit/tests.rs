use super::{Depth, Event, Field, Known, Name, testing::House};
use crate::clock::Clock;

#[tokio::test]
async fn an_event_is_one_datagram_and_one_line() {
    let house = House::new(Clock::manual(1_800_000_000));
    house.audit.begin(None);
    house.audit.record(&Event::new(Name::Unlock).with(Field::User, "a\nb"));
    let found = house.log().await;
    assert_eq!((house.datagrams().len(), found.entries.len()), (1, 1));
    let entry = &found.entries[0];
    assert_eq!((entry.seq, entry.time, entry.event.as_str()), (1, 1_800_000_000, "unlock"));
    assert_eq!(entry.fields["user"], "a\\u{a}b");
}

#[tokio::test]
async fn events_before_the_log_begins_stand_in_it() {
    let house = House::new(Clock::manual(1_800_000_000));
    house.audit.record(&Event::new(Name::Config));
    house.audit.begin(None);
    house.audit.record(&Event::new(Name::Ready));
    let words: Vec<_> = house.log().await.entries.into_iter().map(|entry| entry.event).collect();
    assert_eq!(words, ["config", "ready"]);
}

// The journal takes datagrams until its queue is full (unix(7)); here nobody takes them out.
#[tokio::test]
async fn a_journal_that_hangs_holds_nobody_up_and_the_log_has_every_event() {
    let house = House::new(Clock::manual(1_800_000_000));
    house.audit.begin(None);
    for _ in 0..2_000 {
        house.audit.record(&Event::new(Name::Bus).with(Field::State, "hangs"));
    }
    assert_eq!(house.log().await.entries.len(), 2_000);
    let took = house.datagrams().len();
    assert!(took < 2_000, "the journal took all {took}");
}

#[tokio::test]
async fn a_log_that_hangs_holds_nobody_up_and_the_journal_is_told_of_what_is_missing() {
    let house = House::new(Clock::manual(1_800_000_000));
    // Nobody reads the queue before the log begins.
    let events = super::QUEUE as u64 + 10;
    for _ in 0..events {
        house.audit.record(&Event::new(Name::Bus));
        house.datagrams();
    }
    house.audit.begin(None);
    house.audit.flush(Depth::File).await;
    house.audit.record(&Event::new(Name::Ready));
    let entries = house.log().await.entries;
    let lost: Vec<_> = entries.iter().filter(|entry| entry.event == "lost").collect();
    assert_eq!((lost.len(), lost[0].fields["count"].as_str()), (1, "10"));
    assert_eq!(entries.len() as u64, events - 10 + 2);
    assert_eq!(house.audit.check(Known::default()).unwrap().first_wrong(), None);
}
