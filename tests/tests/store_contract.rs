//! What every engine of the store keeps, and that the suite notices engines that do not.

use std::{pin::Pin, time::Duration};

use fob_tests::{
    conformance::{
        Failure, Fault, FaultyEngine, MemoryEngine, SledEngine, guards, history, large, races,
        reading,
    },
    for_all_cases,
};
use proptest::{prelude::ProptestConfig, proptest};
use tokio::{runtime::Runtime, time::timeout};

/// What no case comes near to on an engine that answers.
const HANGS: Duration = Duration::from_secs(60);
/// The same for engines in memory, some of which make a case wait in vain.
const HANGS_IN_MEMORY: Duration = Duration::from_secs(15);

macro_rules! pass_on_every_engine {
    ($($group:ident::$case:ident),* $(,)?) => {
        mod memory {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let engine = MemoryEngine::default();
                    timeout(HANGS, $group::$case(&engine)).await.unwrap().unwrap();
                }
            )*
        }
        mod sled {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let engine = SledEngine::new().unwrap();
                    timeout(HANGS, $group::$case(&engine)).await.unwrap().unwrap();
                }
            )*
        }
    };
}
for_all_cases!(pass_on_every_engine);

type Case = for<'a> fn(&'a FaultyEngine) -> Pin<Box<dyn Future<Output = Result<(), Failure>> + 'a>>;

macro_rules! table {
    ($($group:ident::$case:ident),* $(,)?) => {
        /// Every case under its name, for faulty engines.
        const CASES: &[(&str, Case)] =
            &[$((stringify!($case), |engine| Box::pin($group::$case(engine)))),*];
    };
}
for_all_cases!(table);

/// The cases that an engine with a fault must fail.
const MUST_FAIL: &[(Fault, &[&str])] = &[
    (
        Fault::BytesOnly,
        &[
            "an_entry_that_returns_to_its_old_bytes_breaks_the_old_guard",
            "a_deleted_and_recreated_entry_breaks_the_old_guard",
        ],
    ),
    (
        Fault::CheckThenWrite,
        &[
            "one_of_24_assigners_gets_the_token",
            "six_tasks_count_without_losing_an_increment",
            "each_code_is_accepted_once_over_three_handles",
            "five_of_64_parallel_guesses_are_evaluated_at_a_limit_of_5",
            "nothing_is_accepted_after_a_revocation_is_acknowledged",
            "commits_go_on_beside_a_large_one_and_none_is_lost",
        ],
    ),
    (
        Fault::DeletesNothing,
        &[
            "a_deleted_and_recreated_entry_breaks_the_old_guard",
            "the_last_write_of_a_key_in_a_commit_wins",
            "a_page_holds_one_kind_of_one_shard",
            "a_large_commit_is_seen_whole_or_not_at_all",
        ],
    ),
    (
        Fault::EmptyConflict,
        &[
            "an_absent_guard_lets_the_first_writer_win",
            "a_stale_guard_is_refused_and_the_conflict_leads_on",
            "one_broken_guard_of_several_writes_nothing",
            "a_large_commit_with_one_broken_guard_writes_nothing",
        ],
    ),
    (
        Fault::FirstGuardOnly,
        &[
            "one_broken_guard_of_several_writes_nothing",
            "a_large_commit_with_one_broken_guard_writes_nothing",
        ],
    ),
    (Fault::Limitless, &["limits_are_refused_and_what_just_fits_is_taken"]),
    (
        Fault::PageBeginsEarly,
        &[
            "paging_meets_every_entry_once_while_others_insert",
            "a_page_holds_one_kind_of_one_shard",
        ],
    ),
    (Fault::PageOfEverything, &["a_page_holds_one_kind_of_one_shard"]),
    (
        Fault::Piecemeal,
        &["the_writes_of_a_commit_are_read_together", "a_large_commit_is_seen_whole_or_not_at_all"],
    ),
    (Fault::StaleHandle, &["a_commit_is_read_on_every_other_handle_at_once"]),
    (Fault::TellsEarly, &["a_watch_tells_every_change_after_it_can_be_read"]),
    (
        Fault::TellsNothing,
        &[
            "a_watch_tells_every_change_after_it_can_be_read",
            "a_watch_tells_the_commits_in_their_order",
        ],
    ),
    (Fault::TellsOutOfOrder, &["a_watch_tells_the_commits_in_their_order"]),
    (
        Fault::Unguarded,
        &[
            "an_absent_guard_lets_the_first_writer_win",
            "a_stale_guard_is_refused_and_the_conflict_leads_on",
            "an_entry_that_returns_to_its_old_bytes_breaks_the_old_guard",
            "a_deleted_and_recreated_entry_breaks_the_old_guard",
            "one_broken_guard_of_several_writes_nothing",
            "one_of_24_assigners_gets_the_token",
            "six_tasks_count_without_losing_an_increment",
            "each_code_is_accepted_once_over_three_handles",
            "five_of_64_parallel_guesses_are_evaluated_at_a_limit_of_5",
            "nothing_is_accepted_after_a_revocation_is_acknowledged",
            "commits_go_on_beside_a_large_one_and_none_is_lost",
            "a_large_commit_with_one_broken_guard_writes_nothing",
        ],
    ),
];

/// One thread, so that tasks take turns only where a case or a fault says so.
#[tokio::test]
async fn a_faulty_engine_fails_the_cases_about_its_fault() {
    for (fault, cases) in MUST_FAIL {
        for name in *cases {
            let (_, case) = CASES.iter().find(|(case, _)| case == name).unwrap();
            let engine = FaultyEngine::new(*fault);
            let result = timeout(HANGS_IN_MEMORY, case(&engine)).await;
            assert!(!matches!(result, Ok(Ok(()))), "{fault:?} passes {name}");
        }
    }
}

#[test]
fn every_case_is_failed_by_a_faulty_engine() {
    let failed: Vec<_> = MUST_FAIL.iter().flat_map(|(_, cases)| *cases).collect();
    for (name, _) in CASES {
        assert!(failed.contains(&name), "no fault shows that {name} can fail");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..Default::default() })]

    #[test]
    fn sled_goes_through_random_histories_as_the_oracle_does(history in history::histories()) {
        let engine = SledEngine::new().unwrap();
        let run = history::matches_the_oracle(&engine, &history);
        Runtime::new().unwrap().block_on(run).unwrap();
    }
}

#[test]
fn random_histories_notice_an_unguarded_engine() {
    use proptest::{
        strategy::{Strategy, ValueTree},
        test_runner::TestRunner,
    };
    let mut runner = TestRunner::deterministic();
    let runtime = Runtime::new().unwrap();
    let noticed = (0..32).filter(|_| {
        let history = history::histories().new_tree(&mut runner).unwrap().current();
        let engine = FaultyEngine::new(Fault::Unguarded);
        runtime.block_on(history::matches_the_oracle(&engine, &history)).is_err()
    });
    assert!(noticed.count() > 8);
}
