use super::{Found, From, Query, read, read_within};
use crate::audit::testing::{Shelf, everything as all, write};

fn numbers(found: &Found) -> Vec<u64> {
    found.entries.iter().map(|entry| entry.seq).collect()
}

fn found(shelf: &Shelf, query: Query) -> Vec<u64> {
    numbers(&read(&shelf.folder(), &query).unwrap())
}

#[test]
fn a_filter_keeps_what_it_names() {
    let shelf = Shelf::new();
    shelf.written(6);
    let some = |text: &str| Some(text.to_owned());
    for (query, expected) in [
        (all(), vec![1, 2, 3, 4, 5, 6]),
        (Query { user: some("user4"), ..all() }, vec![4]),
        (Query { user: some("user"), ..all() }, vec![]),
        (Query { serial: some("A-5"), ..all() }, vec![5]),
        (Query { event: some("verify"), ..all() }, vec![2, 4, 6]),
        (Query { event: some("reject"), ..all() }, vec![1, 2, 3, 4, 5, 6]),
        (Query { since: Some(30), until: Some(50), ..all() }, vec![3, 4]),
        (Query { after: 4, ..all() }, vec![5, 6]),
        (Query { before: 3, ..all() }, vec![1, 2]),
    ] {
        assert_eq!(found(&shelf, query.clone()), expected, "{query:?}");
        let backwards = Query { from: From::Newest, ..query };
        assert_eq!(found(&shelf, backwards.clone()), expected, "{backwards:?}");
    }
}

#[test]
fn behind_the_last_number_of_all_there_is_nothing() {
    let shelf = Shelf::new();
    shelf.written(2);
    for from in [From::Oldest, From::Newest] {
        assert_eq!(found(&shelf, Query { after: u64::MAX, from, ..all() }), [] as [u64; 0]);
    }
}

#[test]
fn pages_lead_over_the_whole_log_from_either_end() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    for number in 1..=3 {
        write(&mut book, number);
        Shelf::fill(&mut book);
    }
    let last = book.sync().unwrap().seq;
    let (mut forwards, mut backwards) = (Vec::new(), Vec::new());
    let mut query = Query { limit: 10, ..all() };
    loop {
        let page = read(&shelf.folder(), &query).unwrap();
        if page.reached == query.after {
            break;
        }
        forwards.extend(numbers(&page));
        query.after = page.reached;
    }
    let mut query = Query { from: From::Newest, limit: 10, ..all() };
    while query.before > 0 {
        let page = read(&shelf.folder(), &query).unwrap();
        backwards.splice(0..0, numbers(&page));
        query.before = page.reached;
    }
    let expected: Vec<u64> = (1..=last).collect();
    assert_eq!(forwards, expected);
    assert_eq!(backwards, expected);
}

#[test]
fn one_call_reads_a_bounded_part_of_a_large_log() {
    let shelf = Shelf::new();
    let mut book = shelf.open(None).0;
    for _ in 0..6 {
        Shelf::fill(&mut book);
    }
    let last = book.sync().unwrap().seq;
    for from in [From::Oldest, From::Newest] {
        let nobody = Query { from, user: Some("nobody".to_owned()), ..all() };
        let page = read_within(&shelf.folder(), &nobody, 32 << 10).unwrap();
        assert!(page.entries.is_empty() && page.reached > 1 && page.reached < last, "{page:?}");
    }
}

#[test]
fn a_line_that_is_being_written_is_not_read() {
    let shelf = Shelf::new();
    shelf.written(2);
    shelf.change(|bytes| bytes.truncate(bytes.len() - 1));
    assert_eq!(found(&shelf, all()), [1]);
}
