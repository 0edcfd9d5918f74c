//! The life of a hold: what is recorded when, and what 2.0.0 is asked for in between.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tonic::{Code, Status};

use super::hold::{Ending, Hold, Phase};
use super::records::{self, End, Intent, Records};
use crate::inventory::generated::v2_0_0::inventory_client::InventoryClient;
use crate::inventory::generated::{v2_0_0 as v2, v3_0_0 as v3};
use crate::inventory::steps::Channel;
use crate::inventory::store::{Database, RequestKey, Transaction, no_reservation, replay};

/// How many holds one round of the background looks at.
const BATCH: usize = 64;

/// Holds, and the client of 2.0.0 that makes them true.
#[derive(Debug)]
pub(super) struct Holds<C> {
    database: Arc<Database>,
    calls: Calls<C>,
}

/// What the background keeps while there is nothing to do: all but the database.
#[derive(Clone, Debug)]
pub(super) struct Calls<C> {
    client: InventoryClient<C>,
    locks: Arc<Locks>,
}

impl<C: Channel> Calls<C> {
    pub(super) fn new(client: InventoryClient<C>) -> Self {
        Self { client, locks: Arc::default() }
    }

    pub(super) fn with(self, database: Arc<Database>) -> Holds<C> {
        Holds { database, calls: self }
    }
}

impl<C: Channel> Holds<C> {
    pub(super) fn client(&self) -> InventoryClient<C> {
        self.calls.client.clone()
    }

    /// Whether a reservation is one of these holds: those that began here say so by their ids, those that began when the
    /// node ran 3.0.0 are to be found here, as long as they are remembered.
    pub(super) fn knows(&self, id: &str) -> Result<bool, Status> {
        Ok(Hold::is_id(id) || records::find(&self.database, id)?.is_some())
    }

    /// The hold that this request was answered with before.
    pub(super) fn answered(&self, key: &RequestKey) -> Result<Option<Hold>, Status> {
        self.database.answered(key)
    }

    /// Takes stock and holds it: records the intent, lets 2.0.0 reserve, records the hold and the answer.
    pub(super) async fn reserve(
        &self,
        key: &RequestKey,
        sku: String,
        quantity: i64,
        hold_for: Duration,
    ) -> Result<Hold, Status> {
        loop {
            let id = match self.intend(key.clone(), sku.clone(), quantity, hold_for).await? {
                Intent::Answered(hold) => return Ok(hold),
                Intent::Recorded(id) => id,
            };
            let _lock = self.calls.locks.lock(&id).await;
            // Another call with this request id may have come first; then the next round finds what it left.
            let Some(hold) = records::find(&self.database, &id)?.filter(Hold::is_intent) else {
                continue;
            };
            if !hold.has_expired(self.database.now()) {
                return self.take(key, hold).await;
            }
            self.abandon(hold).await?;
        }
    }

    /// Keeps the stock for good. 2.0.0 has nothing to do: it took the stock when the hold began.
    pub(super) async fn confirm(&self, key: RequestKey, id: String) -> Result<Hold, Status> {
        self.database.write_once(key, move |transaction, now| Records::begin(transaction, now).confirm(&id)).await
    }

    /// Gives the stock of a hold back.
    pub(super) async fn cancel(&self, key: RequestKey, id: &str) -> Result<Hold, Status> {
        self.end(key, id, Ending::Cancel).await
    }

    /// Gives the stock of a confirmed hold back.
    pub(super) async fn release(&self, key: RequestKey, id: &str) -> Result<Hold, Status> {
        self.end(key, id, Ending::Release).await
    }

    pub(super) fn get(&self, id: &str) -> Result<v3::Reservation, Status> {
        let hold = records::find(&self.database, id)?.ok_or_else(|| no_reservation(id))?;
        let state = hold.state_at(self.database.now()).ok_or_else(|| no_reservation(id))?;
        Ok(hold.seen_as(state))
    }

    /// Ends holds that have expired, goes on with what a crash or an error interrupted, and forgets what ended long
    /// ago: a bounded number of them.
    pub(super) async fn end_due(&self) -> Result<(), Status> {
        for id in records::due(&self.database, BATCH)? {
            let _lock = self.calls.locks.lock(&id).await;
            let Some(hold) = records::find(&self.database, &id)? else { continue };
            if !hold.is_due(self.database.now()) {
                continue;
            }
            if let Err(status) = self.end_one_due(hold).await {
                tracing::warn!(hold = id, %status, "a hold could not be brought to its end; trying again");
                self.write(move |records| records.postpone(&id)).await?;
            }
        }
        Ok(())
    }

    async fn end_one_due(&self, hold: Hold) -> Result<(), Status> {
        match (hold.phase(), Ending::of(hold.phase())) {
            (Phase::Intended, _) => self.abandon(hold).await,
            (_, None) => self.write(move |records| records.forget(&hold)).await,
            (_, Some(ending)) => {
                let End::GiveBack(hold) = self.write(move |records| records.begin_end(&hold.id, ending)).await? else {
                    return Ok(());
                };
                tracing::debug!(hold = hold.id, sku = hold.sku, ?ending, "giving the stock of a hold back");
                self.give_back(&hold, ending).await?;
                self.write(move |records| records.finish_end(hold, ending)).await.map(drop)
            }
        }
    }

    async fn intend(&self, key: RequestKey, sku: String, quantity: i64, hold_for: Duration) -> Result<Intent, Status> {
        let across = self.database.across().clone();
        self.database
            .write(move |transaction, now| {
                if let Some(answer) = replay(transaction, &across, &key, now)? {
                    return Ok(Intent::Answered(answer));
                }
                let hold = Hold::intend(&key, sku, quantity, now + hold_for);
                Records::begin(transaction, now).intend(&key, &hold)
            })
            .await
    }

    /// Makes an intent a hold.
    async fn take(&self, key: &RequestKey, hold: Hold) -> Result<Hold, Status> {
        match self.reserve_at_2(&hold).await {
            Ok(reservation) => {
                let hold = hold.taken(reservation);
                let record = move |transaction: &mut Transaction<'_>, now| Records::begin(transaction, now).hold(hold);
                self.database.write_once(key.clone(), record).await
            }
            Err(status) => {
                // Where another call has tried before, its try may still be on its way to 2.0.0 and succeed after all.
                // Then the intent stays, and is undone when it expires.
                if did_not_run(&status) && !hold.resumed {
                    self.write(move |records| records.forget(&hold)).await?;
                }
                Err(status)
            }
        }
    }

    /// Undoes an intent, of which only 2.0.0 knows whether anything was done. It says so when it is asked again.
    async fn abandon(&self, hold: Hold) -> Result<(), Status> {
        match self.reserve_at_2(&hold).await {
            Ok(reservation) => {
                let hold = hold.clone().taken(reservation);
                self.give_back(&hold, Ending::Expire).await?;
            }
            Err(status) if did_not_run(&status) => {}
            Err(status) => return Err(status),
        }
        self.write(move |records| records.forget(&hold)).await
    }

    async fn end(&self, key: RequestKey, id: &str, ending: Ending) -> Result<Hold, Status> {
        let _lock = self.calls.locks.lock(id).await;
        let begun = self.database.write({
            let (across, key, id) = (self.database.across().clone(), key.clone(), id.to_owned());
            move |transaction, now| match replay(transaction, &across, &key, now)? {
                Some(answer) => Ok(End::Done(answer)),
                None => Records::begin(transaction, now).begin_end(&id, ending),
            }
        });
        match begun.await? {
            End::Done(hold) => self.database.write_once(key, move |_, _| Ok(hold)).await,
            End::GiveBack(hold) => {
                self.give_back(&hold, ending).await?;
                let record = move |transaction: &mut Transaction<'_>, now| {
                    Records::begin(transaction, now).finish_end(hold, ending)
                };
                self.database.write_once(key, record).await
            }
        }
    }

    async fn reserve_at_2(&self, hold: &Hold) -> Result<String, Status> {
        let request = v2::ReserveRequest {
            sku: hold.sku.clone(),
            quantity: hold.quantity,
            request_id: hold.inner_request(Hold::RESERVE),
        };
        Ok(self.client().reserve(request).await?.into_inner().reservation_id)
    }

    async fn give_back(&self, hold: &Hold, ending: Ending) -> Result<(), Status> {
        let request = v2::ReleaseRequest {
            reservation_id: hold.reservation.clone(),
            request_id: hold.inner_request(ending.word()),
        };
        match self.client().release(request).await {
            Ok(_) => Ok(()),
            // Released before the crash that made us try again, so long ago that 2.0.0 has forgotten it.
            Err(status) if status.code() == Code::NotFound => Ok(()),
            Err(status) => Err(status),
        }
    }

    async fn write<A, W>(&self, work: W) -> Result<A, Status>
    where
        A: Send + 'static,
        W: FnOnce(&mut Records<'_, '_>) -> Result<A, Status> + Send + 'static,
    {
        self.database.write(|transaction, now| work(&mut Records::begin(transaction, now))).await
    }
}

/// Whether an error says that the call changed nothing. After any other it may have, and only a retry tells.
fn did_not_run(status: &Status) -> bool {
    matches!(status.code(), Code::InvalidArgument | Code::NotFound | Code::FailedPrecondition)
}

/// One call at a time may bring a hold forward. There are as many locks as calls can usefully run at once; some holds
/// share one.
#[derive(Debug)]
struct Locks([Mutex<()>; 64]);

impl Default for Locks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

impl Locks {
    async fn lock(&self, id: &str) -> MutexGuard<'_, ()> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(id);
        // The remainder is below 64, so it is an index whatever a usize is.
        self.0[(hash % 64) as usize].lock().await
    }
}
