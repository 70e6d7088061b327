//! A seed file of which some tokens cannot come in.

use fob_api::{Error, Fate, ImportReject, ImportReport, Serial};

use super::bench::{Bench, ROOT};
use crate::{
    engine::{BadRows, Extent},
    seed::{Choice, Format, MOST},
};

async fn import(bench: &Bench, text: &str, extent: Extent) -> Result<ImportReport, Error> {
    bench
        .import_as(text, |import| {
            import.hints = Choice::Is(Format::OathCsv).into();
            (import.extent, import.bad) = (extent, BadRows::SetAside);
        })
        .await
}

fn row(serial: &str, first: &str) -> String {
    format!("{serial}, {first}32333435363738393031323334353637383930, totp, 6, 30\n")
}

fn facts(rejected: &[ImportReject]) -> Vec<&str> {
    rejected.iter().map(|reject| reject.fact.as_deref().unwrap()).collect()
}

#[tokio::test]
async fn good_tokens_come_in_and_each_other_one_is_told_with_its_line() {
    let bench = Bench::new().await;
    bench.assign("alice", "B2").await.unwrap();
    bench.deactivate("alice", Fate::Lost).await.unwrap();
    bench.engine.forget(ROOT, &Serial::parse("B2").unwrap()).await.unwrap();
    let rows = [
        row("C3", "51"),
        row("A1", "52"), // here, with another seed
        row("B2", "41"), // lost
        row("A9", "31"), // A1's seed
        "D4, 12, totp\n".to_owned(),
        row("A1", "31"), // shares its serial with line 2, and its seed with line 4
        row("E5", "53"),
    ];
    let report = import(&bench, &rows.concat(), Extent::Full).await.unwrap();
    assert_eq!(report.added.unwrap(), ["C3", "E5"]);
    let rejected = report.rejected.unwrap();
    let lines: Vec<_> = rejected.iter().map(|reject| reject.line.unwrap()).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6]);
    let facts = facts(&rejected);
    assert!(facts[1].contains("line 3") && facts[1].contains("reported lost"), "{facts:?}");
    assert!(rejected.iter().all(|reject| !reject.fact.as_deref().unwrap().contains("3233")));
    assert!(bench.engine.show_token(ROOT, &Serial::parse("E5").unwrap()).await.is_ok());
}

#[tokio::test]
async fn what_the_stock_does_not_take_is_set_aside_too() {
    let bench = Bench::new().await;
    let rows = [row("A1", "52"), row("A9", "41"), row("C3", "51")].concat();
    let report = import(&bench, &rows, Extent::Full).await.unwrap();
    let rejected = report.rejected.unwrap();
    let facts = facts(&rejected);
    assert!(facts[0].contains("with another seed"), "{facts:?}");
    assert!(facts[1].contains("same seed as token B2"), "{facts:?}");
    assert_eq!(rejected[1].serial.as_deref(), Some("A9"));
    assert_eq!(report.added.unwrap(), ["C3"]);
}

#[tokio::test]
async fn rows_that_do_not_read_and_tokens_that_may_not_come_in_are_counted_together() {
    let bench = Bench::new().await;
    // One that may not come in: it has another seed in stock.
    let tokens = [row("A1", "52"), row("C3", "51")].concat();
    let full = format!("{}{tokens}", "D4, 12\n".repeat(MOST - 1));
    let report = import(&bench, &full, Extent::DryRun).await.unwrap();
    assert_eq!(report.rejected.unwrap().len(), MOST);
    let over = import(&bench, &format!("D4, 12\n{full}"), Extent::Full).await;
    assert!(matches!(over, Err(Error::BadSeedFile { .. })));
    assert!(bench.engine.show_token(ROOT, &Serial::parse("C3").unwrap()).await.is_err());
}

#[tokio::test]
async fn what_was_set_aside_is_imported_once_it_is_mended() {
    let bench = Bench::new().await;
    let rows = [row("C3", "51"), "D4, 12, totp\n".to_owned()].concat();
    import(&bench, &rows, Extent::Full).await.unwrap();
    let report = import(&bench, &row("D4", "54"), Extent::Full).await.unwrap();
    assert_eq!((report.added.unwrap().len(), report.rejected.unwrap().len()), (1, 0));
}

#[tokio::test]
async fn a_dry_run_tells_the_same_and_adds_nothing() {
    let bench = Bench::new().await;
    let rows = [row("C3", "51"), "D4, 12, totp\n".to_owned()].concat();
    let report = import(&bench, &rows, Extent::DryRun).await.unwrap();
    assert_eq!((report.added.unwrap().len(), report.rejected.unwrap().len()), (1, 1));
    assert!(bench.engine.show_token(ROOT, &Serial::parse("C3").unwrap()).await.is_err());
}

#[tokio::test]
async fn a_whole_import_tells_nothing_of_rejects() {
    let bench = Bench::new().await;
    let report = bench.import(&row("C3", "51")).await.unwrap();
    assert!(report.rejected.is_none());
}
