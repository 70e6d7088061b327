use std::sync::{Arc, atomic::AtomicU64};

use tokio::sync::{Notify, oneshot};

use super::{Depth, Message, Shared, Stamped, Trouble, Writer};
use crate::{
    audit::{
        Event, Field, Name,
        journal::Outlet,
        read,
        testing::{Scarce, Shelf, everything, room},
    },
    record::LogHead,
};

fn writer(shelf: &Shelf) -> Writer<Scarce> {
    let outlet = Outlet::new(None, |_| Ok(()));
    let (lost, head_moved) = (AtomicU64::new(0), Notify::new());
    let shared = Arc::new(Shared { folder: shelf.folder(), outlet, lost, head_moved });
    Writer { shared, head: None, book: None, lost: 0, latest: 0, said: Trouble::No }
}

fn event(writer: &mut Writer<Scarce>, name: Name) {
    let event = Event::new(name).with(Field::User, "alice");
    writer.take(Message::Event(Box::new(Stamped { time: 7, event })));
}

fn flush(writer: &mut Writer<Scarce>) -> Option<LogHead> {
    let (answer, mut head) = oneshot::channel();
    writer.take(Message::Flush(Depth::Disk, answer));
    head.try_recv().unwrap()
}

/// The log as `event` or `event:count`.
fn said(shelf: &Shelf) -> Vec<String> {
    let found = read::read(&shelf.folder(), &everything()).unwrap();
    let word = |entry: crate::audit::Entry| match entry.fields.get("count") {
        Some(count) => format!("{}:{count}", entry.event),
        None => entry.event,
    };
    found.entries.into_iter().map(word).collect()
}

#[test]
fn events_that_a_full_disk_did_not_take_are_counted_in_the_log_once_there_is_room() {
    let shelf = Shelf::new();
    let mut writer = writer(&shelf);
    event(&mut writer, Name::Ready);
    room(100);
    (0..3).for_each(|_| event(&mut writer, Name::Verify));
    room(usize::MAX);
    event(&mut writer, Name::Stopping);
    let head = flush(&mut writer).unwrap();
    assert_eq!(said(&shelf), ["ready", "lost:3", "stopping"]);
    assert_eq!(shelf.check(Some(&head)).first_wrong(), None);
}

#[test]
fn events_for_which_the_queue_had_no_room_are_counted_in_the_log() {
    let shelf = Shelf::new();
    let mut writer = writer(&shelf);
    writer.shared.lost.store(5, std::sync::atomic::Ordering::Relaxed);
    event(&mut writer, Name::Verify);
    assert_eq!(said(&shelf), ["lost:5", "verify"]);
    event(&mut writer, Name::Verify);
    assert_eq!(said(&shelf), ["lost:5", "verify", "verify"]);
}

#[test]
fn a_log_that_cannot_be_opened_is_tried_again() {
    let shelf = Shelf::new();
    std::fs::write(shelf.folder(), "in the way").unwrap();
    let mut writer = writer(&shelf);
    event(&mut writer, Name::Ready);
    assert_eq!(flush(&mut writer), None);
    std::fs::remove_file(shelf.folder()).unwrap();
    event(&mut writer, Name::Verify);
    assert_eq!(flush(&mut writer).map(|head| head.seq), Some(2));
    assert_eq!(said(&shelf), ["lost:1", "verify"]);
}

#[tokio::test]
async fn an_alarm_is_durable_at_once_and_its_place_is_for_the_database() {
    let shelf = Shelf::new();
    let mut writer = writer(&shelf);
    let shared = Arc::clone(&writer.shared);
    event(&mut writer, Name::Ready);
    // The first file was begun.
    shared.head_moved.notified().await;
    event(&mut writer, Name::Alarm);
    shared.head_moved.notified().await;
    event(&mut writer, Name::Verify);
    let waiting = tokio::time::timeout(std::time::Duration::ZERO, shared.head_moved.notified());
    assert!(waiting.await.is_err(), "a sign-in is no reason");
}
