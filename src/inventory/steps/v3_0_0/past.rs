//! Callers of 2.0.0 on a node that runs 3.0.0.

use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use prost::Message;
use tonic::{Code, Request, Response, Status};

use crate::inventory::clock::Clock;
use crate::inventory::generated::v2_0_0::inventory_server::Inventory;
use crate::inventory::generated::v3_0_0::inventory_client::InventoryClient;
use crate::inventory::generated::{v2_0_0 as v2, v3_0_0 as v3};
use crate::inventory::steps::Channel;
use crate::inventory::store::{Database, OpenError, Reading, broken, decode};
use crate::inventory::validate;
use crate::node::Opening;
use crate::state::Layout;

/// How long stock is held between taking it and confirming it. Only a crash in between makes it matter.
const HOLD_FOR: prost_types::Duration = prost_types::Duration { seconds: 60, nanos: 0 };
/// How often a retry finds that the hold of the try before it has expired, before it gives up.
const HOLDS: usize = 4;
/// How many reservations are looked at, for each that is made, whether they have to be remembered any more.
const LOOKED_AT: usize = 2;

/// Serves the `Reserve` of 2.0.0, which is final, by calling 3.0.0: it takes a hold and confirms it at once.
///
/// Both calls have ids that derive from the caller's, so a retry goes on where a crash stopped the call. A hold that
/// expired in the meantime never became a reservation; the retry takes another. When the caller does not retry, the
/// stock goes back by itself.
///
/// `Release` is the same in both versions: what these callers reserve is confirmed, which is what 3.0.0 releases.
/// Nothing is refused here.
///
/// In a node that can go back to 2.0.0, it remembers which reservations its callers know: they become final ones there. It
/// remembers each for as long as the object does: that has no end for those that nobody releases, and is a day for others.
#[derive(Clone, Debug)]
pub struct Past<C> {
    client: InventoryClient<C>,
    remembers: Option<Arc<Memory>>,
}

#[derive(Debug)]
struct Memory {
    database: Arc<Database>,
    /// What was looked at last, of what may be forgotten.
    looked_at: Mutex<Vec<u8>>,
}

/// The version that the past object implements.
pub(super) const VERSION: &str = "2.0.0";
/// By reservation id.
const OWN: &str = "own";

/// A reservation that was made for a caller of 2.0.0 or less.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Own {
    /// The caller's.
    #[prost(string, tag = "1")]
    pub(super) request_id: String,
}

/// How the past object's state is laid out.
pub(super) fn layout() -> Layout {
    Layout::new().carried(OWN)
}

/// What is remembered of a reservation.
pub(super) fn find(reading: &Reading, id: &str) -> Result<Option<Own>, Status> {
    reading.get(OWN, id.as_bytes()).map_err(broken)?.map(|own| decode(&own)).transpose()
}

impl<C: Channel> Past<C> {
    /// Serves 2.0.0 through `client`, and remembers nothing: for a node that never goes back to 2.0.0.
    pub fn new(client: InventoryClient<C>) -> Self {
        Self { client, remembers: None }
    }

    /// Serves 2.0.0 through `client` in a node that can go back to 2.0.0.
    ///
    /// # Errors
    /// Says which path cannot be opened, why, and what to do.
    pub fn of_node(opening: &Opening, clock: Arc<dyn Clock>, client: InventoryClient<C>) -> Result<Self, OpenError> {
        let database = Database::of_node(opening, &layout(), clock)?;
        let memory = Memory { database: Arc::new(database), looked_at: Mutex::default() };
        Ok(Self { client, remembers: Some(Arc::new(memory)) })
    }
}

#[tonic::async_trait]
impl<C: Channel> Inventory for Past<C> {
    async fn reserve(&self, request: Request<v2::ReserveRequest>) -> Result<Response<v2::Reservation>, Status> {
        let request = request.into_inner();
        for id in hold_ids(&request.request_id)? {
            let hold = self.hold(&request, id.clone()).await?;
            // Only what was reserved before the node ran 3.0.0 is final from the beginning.
            if hold.state() == v3::HoldState::Confirmed {
                let v3::Reservation { reservation_id, sku, quantity, .. } = hold;
                return Ok(Response::new(v2::Reservation { reservation_id, sku, quantity }));
            }
            // Before it is confirmed: whatever is final here is known to be 2.0.0's.
            self.remember(hold.reservation_id.clone(), request.request_id.clone()).await?;
            match self.confirm(hold.reservation_id.clone(), derive(&id, "confirm")).await {
                Ok(v3::Reservation { reservation_id, sku, quantity, .. }) => {
                    return Ok(Response::new(v2::Reservation { reservation_id, sku, quantity }));
                }
                Err(status) if status.code() == Code::FailedPrecondition && self.expired(&hold).await? => {
                    tracing::debug!(request_id = id, "the hold of a reservation expired before it was confirmed");
                }
                Err(status) => return Err(status),
            }
        }
        Err(Status::aborted("the node could not confirm the reservation in time: try again with another request_id"))
    }
}

impl<C: Channel> Past<C> {
    async fn hold(&self, request: &v2::ReserveRequest, request_id: String) -> Result<v3::Reservation, Status> {
        let request = v3::ReserveRequest {
            sku: request.sku.clone(),
            quantity: request.quantity,
            request_id,
            hold_for: Some(HOLD_FOR),
            if_revision: None,
        };
        Ok(self.client.clone().reserve(request).await?.into_inner())
    }

    async fn remember(&self, reservation_id: String, request_id: String) -> Result<(), Status> {
        let Some(memory) = &self.remembers else { return Ok(()) };
        let gone = self.gone(memory).await?;
        memory
            .database
            .write(move |transaction, _| {
                for id in gone {
                    transaction.remove(OWN, &id).map_err(broken)?;
                }
                let own = Own { request_id }.encode_to_vec();
                transaction.insert(OWN, reservation_id.as_bytes(), &own).map_err(broken)
            })
            .await
    }

    /// Looks at some of what is remembered, the next ones each time: which of them the object has forgotten. More are looked
    /// at than come in, so what is remembered never grows far beyond what the object has.
    async fn gone(&self, memory: &Memory) -> Result<Vec<Bytes>, Status> {
        let looked_at = memory.looked_at.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let next: Vec<Bytes> = {
            let reading = memory.database.read()?;
            let range = reading.range(OWN, Bound::Excluded(&looked_at), Bound::Unbounded).map_err(broken)?;
            range.take(LOOKED_AT).map(|entry| entry.map(|(id, _)| id)).collect::<Result<_, _>>().map_err(broken)?
        };
        // Behind the last one the first comes next.
        let last = next.last().map(|id| id.to_vec()).unwrap_or_default();
        *memory.looked_at.lock().unwrap_or_else(PoisonError::into_inner) = last;
        let mut gone = Vec::new();
        for id in next {
            // Ids are texts; what is none no object has.
            let request = v3::GetReservationRequest { reservation_id: String::from_utf8_lossy(&id).into_owned() };
            let found = self.client.clone().get_reservation(request).await;
            if found.is_err_and(|status| status.code() == Code::NotFound) {
                gone.push(id);
            }
        }
        Ok(gone)
    }

    async fn confirm(&self, reservation_id: String, request_id: String) -> Result<v3::Reservation, Status> {
        let request = v3::ConfirmRequest { reservation_id, request_id };
        Ok(self.client.clone().confirm(request).await?.into_inner())
    }

    async fn expired(&self, hold: &v3::Reservation) -> Result<bool, Status> {
        let request = v3::GetReservationRequest { reservation_id: hold.reservation_id.clone() };
        let reservation = self.client.clone().get_reservation(request).await?.into_inner();
        Ok(reservation.state() == v3::HoldState::Expired)
    }
}

/// The ids of the holds that a reservation tries, in order: the caller's, then some that derive from it.
fn hold_ids(request_id: &str) -> Result<Vec<String>, Status> {
    let more = (1..HOLDS).map(|number| derive(request_id, &number.to_string()));
    let ids: Vec<String> = std::iter::once(request_id.to_owned()).chain(more).collect();
    // Checked for all before anything is taken: an id that is too long must not fail half way.
    if request_id.is_empty() || ids.iter().any(|id| derive(id, "confirm").len() > validate::REQUEST_ID) {
        let most = validate::REQUEST_ID - "/1/confirm".len();
        return Err(validate::invalid("request_id", format!("must have 1 to {most} bytes, not {}", request_id.len())));
    }
    Ok(ids)
}

fn derive(id: &str, word: &str) -> String {
    format!("{id}/{word}")
}
