//! The list of tests finds what a store does wrong.

use std::sync::Arc;
use std::time::Duration;

use straddle::coordinator::database::conformance;

use crate::memory::{Fault, Memory};

/// A store that waits for what it lost never ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Each fault, and a test that has to find it.
const FOUND: &[(Fault, &str)] = &[
    (Fault::LosesTheLastWriteOfSeveral, "what_was_written_is_read"),
    (Fault::LosesATransactionNowAndThen, "what_was_acknowledged_is_read_by_whoever_asks_next"),
    (Fault::WritesOneByOne, "a_watch_tells_all_from_its_revision_on"),
    (Fault::IgnoresComparisons, "comparisons_hold_of_what_there_is"),
    (Fault::ComparesTheFirstAlone, "all_comparisons_have_to_hold"),
    (Fault::ComparesBeforeItWaits, "of_writers_that_compare_the_same_one_wins"),
    (Fault::ReadsWhatWasBefore, "what_was_acknowledged_is_read_by_whoever_asks_next"),
    (Fault::FindsWhatWasBefore, "what_was_acknowledged_is_read_by_whoever_asks_next"),
    (Fault::GivesDeletesNoRevision, "revisions_rise_with_each_change"),
    (Fault::GivesNothingARevision, "a_transaction_that_changes_nothing_takes_no_revision"),
    (Fault::KeepsWhenAKeyWasCreated, "a_key_that_comes_back_is_created_anew"),
    (Fault::IgnoresLimits, "a_limit_is_kept_and_tells_of_more"),
    (Fault::NeverTellsOfMore, "a_range_of_any_size_is_read_in_pages"),
    (Fault::PagesOfNow, "pages_of_one_revision_fit_together_while_writes_go_on"),
    (Fault::PagesOfNow, "what_was_is_read_as_of_then"),
    (Fault::ExcludesWhatIsIncluded, "a_range_has_its_keys_in_order_and_no_others"),
    (Fault::AllowsAnything, "what_is_larger_is_refused"),
    (Fault::AllowsAnything, "a_transaction_may_have_so_many_operations"),
    (Fault::AllowsAnything, "a_key_that_is_empty_or_comes_twice_is_refused"),
    (Fault::TellsNotAll, "a_watch_leaves_nothing_out_and_doubles_nothing_under_many_writers"),
    (Fault::TellsNotAll, "what_was_acknowledged_is_told"),
    (Fault::TellsTwice, "a_watch_leaves_nothing_out_and_doubles_nothing_under_many_writers"),
    (Fault::TellsInAnotherOrder, "a_watch_tells_all_from_its_revision_on"),
    (Fault::TellsOneLater, "a_watch_tells_all_from_its_revision_on"),
    (Fault::TellsOneEarlier, "a_watch_of_a_revision_to_come_leaves_out_what_is_before"),
    (Fault::TellsOfAllKeys, "a_watch_tells_of_its_keys_alone"),
    (Fault::TellsWhatIsThereNow, "a_value_is_told_as_it_was_then"),
    (Fault::TellsARevisionInParts, "a_watch_tells_all_from_its_revision_on"),
    (Fault::TellsBeforeItIsRead, "what_is_told_is_read_by_whoever_asks_next"),
    (Fault::LosesWhatIsNotWaitedFor, "whoever_stops_waiting_misses_nothing"),
    (Fault::ForgetsNothing, "a_watch_cannot_begin_with_what_is_forgotten"),
    (Fault::ForgetsNothing, "what_was_cannot_be_read_once_it_is_forgotten"),
    (Fault::ForgetsTooMuch, "a_watch_cannot_begin_with_what_is_forgotten"),
    (Fault::NeverEndsLeases, "what_is_written_under_a_lease_goes_with_it_at_once"),
    (Fault::NeverKeepsAlive, "a_lease_that_is_kept_alive_goes_on"),
    (Fault::LeavesAKeyOfALease, "a_lease_can_be_revoked"),
    (Fault::TakesWhatWasWrittenAgain, "a_lease_takes_nothing_else_with_it"),
    (Fault::WritesUnderWhatHasGone, "a_lease_that_has_gone_is_told"),
    (Fault::EndsLeasesKeyByKey, "what_is_written_under_a_lease_goes_with_it_at_once"),
];

// On one thread, so that tasks meet each other the same way each time.
#[tokio::test]
async fn each_fault_of_a_store_is_found() {
    let mut missed = Vec::new();
    for (fault, name) in FOUND {
        let test = conformance::TESTS.iter().find(|test| test.name == *name).expect("a test of the list");
        match test.run(Arc::new(Memory::new(*fault)), PATIENCE).await {
            Ok(()) => missed.push(format!("{fault:?} is not found by {name}")),
            Err(failure) => println!("{fault:?}: {failure}"),
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
