//! Who writes: all transactions that wait go to the disk together.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::Shared;
use crate::coordinator::database::{
    Committed, DatabaseError, LARGEST_TRANSACTION, Lease, Revision, Transaction, Write,
};

/// The most transactions that go to the disk together, and the most bytes of theirs.
const MOST: usize = 256;
const LARGEST: usize = 4 * LARGEST_TRANSACTION;
/// How long a disk is left alone that failed while leases were to end.
const AGAIN: Duration = Duration::from_secs(1);

type Answer<T> = oneshot::Sender<Result<T, DatabaseError>>;

/// What is to be written.
#[derive(Debug)]
pub(super) enum Job {
    Commit(Transaction, Answer<Committed>),
    Grant(Duration, Answer<Lease>),
    Revoke(Lease, Answer<()>),
    Compact(Revision, Answer<()>),
    Expire(Answer<Option<Duration>>),
}

/// Works until nobody can ask any more, and all that was asked is done.
pub(super) fn run(shared: &Shared, mut queue: mpsc::UnboundedReceiver<Job>) {
    // Whoever waits with a limit of time needs a clock: Tokio's, on this thread alone.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => return tracing::error!(%error, "the upgrade database cannot be written"),
    };
    loop {
        let next = shared.store.expire();
        tell(shared);
        let wait = match next {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(%error, "leases cannot be ended");
                Some(AGAIN)
            }
        };
        let job = runtime.block_on(async {
            match wait {
                None => queue.recv().await.map(Some),
                Some(wait) => tokio::time::timeout(wait, queue.recv()).await.map_or(Some(None), |job| job.map(Some)),
            }
        });
        let Some(job) = job else { return };
        if let Some(job) = job {
            let mut jobs = vec![job];
            let mut bytes = jobs.iter().map(size).sum::<usize>();
            while jobs.len() < MOST && bytes < LARGEST {
                let Ok(job) = queue.try_recv() else { break };
                bytes += size(&job);
                jobs.push(job);
            }
            work(shared, jobs);
        }
    }
}

/// Does all this in its order, transactions that follow each other together; what is answered is durable.
pub(super) fn work(shared: &Shared, jobs: Vec<Job>) {
    let (mut transactions, mut answers) = (Vec::new(), Vec::new());
    for job in jobs {
        if let Job::Commit(transaction, answer) = job {
            transactions.push(transaction);
            answers.push(answer);
            continue;
        }
        commit(shared, &std::mem::take(&mut transactions), std::mem::take(&mut answers));
        let store = &shared.store;
        // Whoever does not wait any more does not want to know.
        match job {
            Job::Commit(..) => {}
            Job::Grant(time, answer) => drop(answer.send(store.grant(time))),
            Job::Revoke(lease, answer) => drop(answer.send(store.revoke(lease))),
            Job::Compact(before, answer) => drop(answer.send(store.compact(before))),
            Job::Expire(answer) => drop(answer.send(store.expire())),
        }
        tell(shared);
    }
    commit(shared, &transactions, answers);
}

fn commit(shared: &Shared, transactions: &[Transaction], answers: Vec<Answer<Committed>>) {
    if transactions.is_empty() {
        return;
    }
    let outcomes = shared.store.commit(transactions);
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        drop(answer.send(outcome));
    }
    tell(shared);
}

/// Wakes those who watch.
fn tell(shared: &Shared) {
    // When it cannot be read now, the next write tells.
    if let Ok(newest) = shared.store.newest() {
        shared.newest.send_if_modified(|told| std::mem::replace(told, newest) != newest);
    }
}

fn size(job: &Job) -> usize {
    let Job::Commit(transaction, _) = job else { return 0 };
    transaction.write.iter().map(Write::size).sum()
}
