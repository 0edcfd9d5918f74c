//! What every store behind [`Database`] has to pass.
//!
//! The tests know the trait alone. Each takes a database with nothing in it, and says what was wrong:
//!
//! ```no_run
//! # use std::{sync::Arc, time::Duration};
//! # use straddle::coordinator::database::{Database, Pending, conformance};
//! # struct Mine;
//! # impl Mine { async fn fresh() -> Arc<dyn conformance::Subject> { todo!() } }
//! # async fn run() {
//! for test in conformance::TESTS {
//!     if let Err(failure) = test.run(Mine::fresh().await, Duration::from_secs(60)).await {
//!         panic!("{}: {failure}", test.name);
//!     }
//! }
//! # }
//! ```

mod compaction;
mod leases;
mod limits;
mod ranges;
mod tools;
mod transactions;
mod watching;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::{Database, DatabaseError, Pending};

/// A store that is tested, with nothing in it, and nobody else who writes.
pub trait Subject: Send + Sync + 'static {
    /// The store.
    fn database(&self) -> Arc<dyn Database>;

    /// Lets time pass, as the store counts it; then leases that were over by now have ended. Where time cannot be bent it
    /// waits.
    fn pass(&self, time: Duration) -> Pending<'_, ()>;
}

/// A test of the list.
#[derive(Clone, Copy)]
pub struct Test {
    /// What has to hold, as a sentence.
    pub name: &'static str,
    run: fn(Arc<dyn Subject>) -> Running,
}

type Running = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;

/// What a store did wrong.
#[derive(Debug)]
pub struct Failure(String);

impl Test {
    /// Runs the test, within a Tokio runtime with its clock. What does not end within `patience` has failed.
    ///
    /// # Errors
    /// Says what the store did, and what it should have done.
    pub async fn run(&self, subject: Arc<dyn Subject>, patience: Duration) -> Result<(), Failure> {
        let ended = tokio::time::timeout(patience, (self.run)(subject)).await;
        ended.unwrap_or_else(|_| Err(Failure(format!("it did not end within {patience:?}: something was not told"))))
    }
}

impl fmt::Debug for Test {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

impl From<DatabaseError> for Failure {
    fn from(error: DatabaseError) -> Self {
        Self(format!("the store said: {error}"))
    }
}

macro_rules! tests {
    ($($module:ident: $($name:ident),+;)+) => {
        /// All tests.
        pub const TESTS: &[Test] = &[
            $($(Test { name: stringify!($name), run: |subject| Box::pin($module::$name(subject)) },)+)+
        ];
    };
}

tests! {
    transactions:
        what_was_written_is_read,
        what_was_deleted_is_absent,
        comparisons_hold_of_what_there_is,
        all_comparisons_have_to_hold,
        a_transaction_does_all_or_nothing,
        revisions_rise_with_each_change,
        a_transaction_that_changes_nothing_takes_no_revision,
        a_key_that_comes_back_is_created_anew,
        of_writers_that_compare_the_same_one_wins,
        no_reader_sees_half_a_transaction,
        what_was_acknowledged_is_read_by_whoever_asks_next;
    ranges:
        a_range_has_its_keys_in_order_and_no_others,
        keys_are_ordered_by_their_bytes,
        a_range_that_ends_before_it_begins_is_empty,
        a_limit_is_kept_and_tells_of_more,
        a_range_of_any_size_is_read_in_pages,
        pages_of_one_revision_fit_together_while_writes_go_on,
        what_was_is_read_as_of_then,
        a_revision_that_is_not_there_yet_is_refused;
    watching:
        a_watch_tells_all_from_its_revision_on,
        a_watch_tells_of_its_keys_alone,
        a_watch_waits_for_what_comes,
        a_watch_of_a_revision_to_come_leaves_out_what_is_before,
        a_value_is_told_as_it_was_then,
        a_watch_that_begins_later_tells_the_same,
        a_watch_leaves_nothing_out_and_doubles_nothing_under_many_writers,
        a_long_past_is_told_whole,
        what_was_acknowledged_is_told,
        what_is_told_is_read_by_whoever_asks_next,
        whoever_stops_waiting_misses_nothing;
    compaction:
        a_watch_cannot_begin_with_what_is_forgotten,
        what_is_kept_now_stays_when_the_past_is_forgotten,
        what_was_cannot_be_read_once_it_is_forgotten,
        what_is_to_come_cannot_be_forgotten;
    leases:
        leases_differ,
        what_is_written_under_a_lease_goes_with_it_at_once,
        a_lease_that_is_kept_alive_goes_on,
        a_lease_that_has_gone_is_told,
        a_lease_can_be_revoked,
        a_lease_takes_nothing_else_with_it,
        a_key_belongs_to_the_lease_that_it_was_written_under_last;
    limits:
        what_is_as_large_as_allowed_is_kept,
        what_is_larger_is_refused,
        a_transaction_may_have_so_many_operations,
        a_key_that_is_empty_or_comes_twice_is_refused;
}
