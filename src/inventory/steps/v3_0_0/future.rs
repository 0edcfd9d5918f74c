//! Callers of 3.0.0 on a node that runs 2.0.0.

mod hold;
mod holds;
mod records;

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tonic::{Request, Response, Status};

pub(super) use self::hold::{Hold, Phase};
use self::holds::{Calls, Holds};
pub(super) use self::records::{HOLDS, Intended, VERSION, intended, layout, put};
use crate::inventory::clock::Clock;
use crate::inventory::expiry::{Expiry, Runs};
use crate::inventory::generated::v2_0_0::inventory_client::InventoryClient;
use crate::inventory::generated::v3_0_0::inventory_server::Inventory;
use crate::inventory::generated::{v2_0_0 as v2, v3_0_0 as v3};
use crate::inventory::steps::Channel;
use crate::inventory::store::{Database, Fingerprint, OpenError, RequestKey, requests};
use crate::inventory::validate;
use crate::node::Opening;
use crate::refusal::Refusal;

/// Serves the holds of 3.0.0 by calling 2.0.0, and with state of its own.
///
/// A hold takes its stock at once, by 2.0.0's `Reserve`, so that it can be confirmed as long as it has not expired. When
/// it is cancelled, expires or is released, 2.0.0's `Release` gives the stock back. What is about to be done is on disk
/// before it is done, and each call to 2.0.0 goes by a request id that derives from the hold's own; so wherever a crash
/// stops the work, it goes on from there. A hold whose `Reserve` was never answered gives its stock back when it expires.
///
/// Holds have ids of their own, which 2.0.0 does not know: its callers cannot release the stock beneath them, and are
/// told `NOT_FOUND`.
///
/// | method | refused | why |
/// |---|---|---|
/// | `Reserve` | `LOSSY` when `if_revision` is set | 2.0.0 cannot check it in the transaction that takes the stock |
/// | `Confirm`, `Cancel`, `GetReservation` | `DISALLOWED` for a reservation that is not one of these holds | 2.0.0 cannot say whether it exists |
///
/// `Release` of a reservation that is not one of these holds goes to 2.0.0 as it is. The stock of a hold that has expired
/// can be reserved again when 2.0.0 has released it, right after.
///
/// 2.0.0 remembers request ids for 24 hours. A node that crashes in the middle of a `Reserve`, and stays down longer
/// than that, loses track of the stock that this one call may have taken.
#[derive(Debug)]
pub struct Future<C> {
    holds: Holds<C>,
    _expiry: Expiry,
}

impl<C: Channel> Future<C> {
    /// Serves 3.0.0 through `client`, with its state in `directory`, which is created when it is not there yet.
    ///
    /// From now until this is dropped, a task in the background calls `client` whenever a hold expires, or has to be
    /// brought to an end that a crash delayed.
    ///
    /// # Errors
    /// Says which path cannot be opened, why, and what to do; or that this is not called within a Tokio runtime.
    pub fn open(
        directory: impl AsRef<Path>,
        clock: Arc<dyn Clock>,
        client: InventoryClient<C>,
    ) -> Result<Self, OpenError> {
        let runtime = Handle::try_current()?;
        Ok(Self::over(records::open(directory.as_ref(), clock)?, client, Runs::By(&runtime)))
    }

    /// Serves 3.0.0 in a node, which stops the task before it touches the state.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn of_node(opening: &Opening, clock: Arc<dyn Clock>, client: InventoryClient<C>) -> Result<Self, OpenError> {
        Ok(Self::over(records::of_node(opening, clock)?, client, Runs::With(opening.background())))
    }

    fn over(database: Database, client: InventoryClient<C>, runs: Runs<'_>) -> Self {
        let database = Arc::new(database);
        let calls = Calls::new(client);
        let holds = calls.clone().with(database.clone());
        let end_due = move |database| {
            let holds = calls.clone().with(database);
            async move { holds.end_due().await }
        };
        let expiry = Expiry::start(runs, &database, end_due);
        Self { holds, _expiry: expiry }
    }

    /// Whatever is none of these holds belongs to 2.0.0, which cannot be asked about it.
    fn ours(&self, reservation_id: &str) -> Result<(), Status> {
        validate::reservation_id(reservation_id)?;
        if self.holds.knows(reservation_id)? {
            return Ok(());
        }
        let why = format!("2.0.0 cannot tell what became of its reservation {reservation_id:?}");
        let refusal = Refusal::disallowed(why);
        Err(refusal
            .advice("reservations that callers of 2.0.0 make are final: release it, or ask a node that runs 3.0.0")
            .into())
    }
}

#[tonic::async_trait]
impl<C: Channel> Inventory for Future<C> {
    async fn reserve(&self, request: Request<v3::ReserveRequest>) -> Result<Response<v3::Reservation>, Status> {
        let v3::ReserveRequest { sku, quantity, request_id, hold_for, if_revision } = request.into_inner();
        validate::sku("sku", &sku)?;
        validate::quantity(quantity)?;
        let hold_for = validate::hold_for(hold_for)?;
        let key = RequestKey::new(request_id, Fingerprint::of_hold(&sku, quantity, hold_for, None))?;
        if if_revision.is_some() {
            // It may have been answered by a node that ran 3.0.0 and went back since.
            if let Some(hold) = self.holds.answered(&key)? {
                return Ok(Response::new(hold.into()));
            }
            let why = "2.0.0 cannot compare revisions in the transaction that takes the stock";
            let refusal = Refusal::lossy("if_revision", why);
            return Err(refusal.advice("reserve without if_revision, or through a node that runs 3.0.0").into());
        }
        Ok(Response::new(self.holds.reserve(&key, sku, quantity, hold_for).await?.into()))
    }

    async fn confirm(&self, request: Request<v3::ConfirmRequest>) -> Result<Response<v3::Reservation>, Status> {
        let v3::ConfirmRequest { reservation_id, request_id } = request.into_inner();
        let key = RequestKey::new(request_id, Fingerprint::of(requests::CONFIRM).text(&reservation_id))?;
        self.ours(&reservation_id)?;
        Ok(Response::new(self.holds.confirm(key, reservation_id).await?.into()))
    }

    async fn cancel(&self, request: Request<v3::CancelRequest>) -> Result<Response<v3::Reservation>, Status> {
        let v3::CancelRequest { reservation_id, request_id } = request.into_inner();
        let key = RequestKey::new(request_id, Fingerprint::of(requests::CANCEL).text(&reservation_id))?;
        self.ours(&reservation_id)?;
        Ok(Response::new(self.holds.cancel(key, &reservation_id).await?.into()))
    }

    async fn get_reservation(
        &self,
        request: Request<v3::GetReservationRequest>,
    ) -> Result<Response<v3::Reservation>, Status> {
        let v3::GetReservationRequest { reservation_id } = request.into_inner();
        self.ours(&reservation_id)?;
        Ok(Response::new(self.holds.get(&reservation_id)?))
    }

    async fn release(&self, request: Request<v3::ReleaseRequest>) -> Result<Response<v3::ReleaseResponse>, Status> {
        let v3::ReleaseRequest { reservation_id, request_id } = request.into_inner();
        validate::reservation_id(&reservation_id)?;
        if self.holds.knows(&reservation_id)? {
            let key = RequestKey::new(request_id, Fingerprint::of(requests::RELEASE).text(&reservation_id))?;
            self.holds.release(key, &reservation_id).await?;
        } else {
            let request = v2::ReleaseRequest { reservation_id, request_id };
            let v2::ReleaseResponse {} = self.holds.client().release(request).await?.into_inner();
        }
        Ok(Response::new(v3::ReleaseResponse {}))
    }
}
