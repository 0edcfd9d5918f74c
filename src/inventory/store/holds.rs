//! Holds: reservations that expire unless they are confirmed.

use tonic::Status;

use super::reservations::{self, Reservation, State};
use super::{Fingerprint, RequestKey, Store, StoredItem, requests};
use crate::inventory::validate;

impl<I: StoredItem> Store<I> {
    /// Takes stock and holds it.
    pub(crate) async fn hold(
        &self,
        request_id: String,
        sku: String,
        quantity: i64,
        hold_for: Option<prost_types::Duration>,
        if_revision: Option<u64>,
    ) -> Result<Reservation, Status> {
        validate::sku("sku", &sku)?;
        validate::quantity(quantity)?;
        let hold_for = validate::hold_for(hold_for)?;
        let key = RequestKey::new(request_id, Fingerprint::of_hold(&sku, quantity, hold_for, if_revision))?;
        let id = key.id().to_owned();
        self.write_once(key, move |writing| {
            if let Some(expected) = if_revision {
                still_at(expected, &writing.get(&sku)?)?;
            }
            writing.take(&sku, quantity)?;
            let mut reservation = Reservation::new(sku, quantity, State::Held, Some(writing.now() + hold_for));
            reservation.answers(&id);
            writing.keep(reservation)
        })
        .await
    }

    /// Keeps the stock of a hold for good.
    pub(crate) async fn confirm(&self, request_id: String, reservation_id: String) -> Result<Reservation, Status> {
        validate::reservation_id(&reservation_id)?;
        let key = RequestKey::new(request_id, Fingerprint::of(requests::CONFIRM).text(&reservation_id))?;
        let id = key.id().to_owned();
        self.write_once(key, move |writing| {
            let mut reservation = writing.reservation(&reservation_id)?;
            reservation.answers(&id);
            match reservation.state_at(writing.now()) {
                State::Confirmed => writing.keep(reservation),
                State::Held => {
                    reservation.set_state(State::Confirmed);
                    writing.keep(reservation)
                }
                state => Err(state.forbids("confirmed", &reservation_id)),
            }
        })
        .await
    }

    /// Gives the stock of a hold back.
    pub(crate) async fn cancel(&self, request_id: String, reservation_id: String) -> Result<Reservation, Status> {
        validate::reservation_id(&reservation_id)?;
        let key = RequestKey::new(request_id, Fingerprint::of(requests::CANCEL).text(&reservation_id))?;
        let id = key.id().to_owned();
        self.write_once(key, move |writing| {
            let mut reservation = writing.reservation(&reservation_id)?;
            reservation.answers(&id);
            match reservation.state_at(writing.now()) {
                State::Cancelled => writing.keep(reservation),
                State::Held => writing.end(reservation, State::Cancelled),
                state => Err(state.forbids("cancelled", &reservation_id)),
            }
        })
        .await
    }

    /// The reservation as it is now, whether or not the end of its hold was written yet.
    pub(crate) fn reservation(&self, reservation_id: &str) -> Result<Reservation, Status> {
        validate::reservation_id(reservation_id)?;
        let mut reservation = reservations::read(&self.database().read()?, reservation_id)?;
        reservation.set_state(reservation.state_at(self.database().now()));
        Ok(reservation)
    }

    /// Ends holds that have expired, and forgets reservations that ended long ago: a bounded number of them.
    pub(crate) async fn end_due(&self) -> Result<(), Status> {
        #[allow(clippy::redundant_closure_for_method_calls, reason = "the method itself is not general enough")]
        self.write(|writing| writing.end_some_due()).await
    }
}

fn still_at<I: StoredItem>(expected: u64, item: &I) -> Result<(), Status> {
    if item.revision() == expected {
        return Ok(());
    }
    let (sku, revision) = (item.sku(), item.revision());
    Err(Status::aborted(format!("{sku:?} is at revision {revision}, not at {expected}: read it again")))
}
