//! From 3.0.0 back to 2.0.0: the object's holds become those of the future simulation object.

use prost::Message;

use super::super::future::{self, Hold};
use super::super::past;
use super::{Told, TransformError, each};
use crate::inventory::store::{
    Fingerprint, Remembered, RequestKey, Reservation, State, Transaction, decode, requests, reservations,
};
use crate::state::{Reading, Records};

/// Brings what `object` has of holds to `holds`, the state of the future simulation object; `past` is that of the past one.
pub(super) fn unfold(object: &Records, past: &Records, holds: &Records, told: &Told<'_>) -> Result<(), TransformError> {
    let past = past.read()?;
    each(object, reservations::RESERVATIONS, told, |batch| {
        let mut of_2 = Vec::new();
        let mut of_3 = Vec::new();
        for (_, reservation) in &batch {
            let reservation: Reservation = decode(reservation)?;
            match kind(&past, &reservation)? {
                Kind::Of2 => {}
                Kind::MadeFor2(own) => of_2.push((reservation, own)),
                Kind::Hold => of_3.push(Unfolded::new(reservation)),
                Kind::Unknown => {
                    let why = "it is in no state that 2.0.0 could be told of".to_owned();
                    told.lose(reservations::RESERVATIONS, &reservation.id, reservation.encode_to_vec(), why);
                }
            }
        }
        // First where it goes to, then where it comes from: what a crash leaves between is done once more.
        let reading = object.read()?;
        holds.write(|transaction| of_3.iter().try_for_each(|unfolded| unfolded.put_hold(&reading, transaction)))?;
        object.write(|transaction| {
            of_3.iter().try_for_each(|unfolded| unfolded.put_beneath(transaction))?;
            of_2.iter().try_for_each(|(reservation, own)| keep(transaction, reservation, own))
        })
    })
}

/// Whose reservation it is.
enum Kind {
    /// It was made by 2.0.0, and stays.
    Of2,
    /// Its caller spoke 2.0.0 or less, and knows it as a final reservation.
    MadeFor2(past::Own),
    /// Its caller speaks 3.0.0, or nobody was told of it yet.
    Hold,
    Unknown,
}

fn kind(past: &Reading, reservation: &Reservation) -> Result<Kind, TransformError> {
    let own = past::find(past, &reservation.id)?;
    Ok(match (reservation.state(), own) {
        (State::Unspecified, _) => Kind::Unknown,
        _ if reservation.expire_time.is_none() => Kind::Of2,
        (State::Confirmed | State::Released, Some(own)) => Kind::MadeFor2(own),
        _ => Kind::Hold,
    })
}

/// A hold, and the reservation of 2.0.0 that goes beneath it where it has stock.
struct Unfolded {
    reservation: Reservation,
    beneath: Option<Reservation>,
}

impl Unfolded {
    fn new(reservation: Reservation) -> Self {
        let taken = matches!(reservation.state(), State::Held | State::Confirmed);
        let beneath =
            taken.then(|| Reservation::new(reservation.sku.clone(), reservation.quantity, State::Confirmed, None));
        Self { reservation, beneath }
    }

    /// Into the state of the future simulation object, with the answers that its caller got.
    fn put_hold(&self, object: &Reading, transaction: &mut Transaction<'_>) -> Result<(), TransformError> {
        let beneath = self.beneath.as_ref().map(|beneath| &*beneath.id);
        future::put(transaction, &Hold::of_reservation(&self.reservation, beneath))?;
        for id in &self.reservation.requests {
            let Some(found) = requests::read(id, object)?.filter(|found| is_of_hold(&found.method)) else { continue };
            let answer: Reservation = decode(&found.answer)?;
            if answer.id == self.reservation.id {
                found.with_answer(&Hold::of_reservation(&answer, beneath)).put(id, transaction)?;
            }
        }
        Ok(())
    }

    /// Into the state of the object, in place of the hold.
    fn put_beneath(&self, transaction: &mut Transaction<'_>) -> Result<(), TransformError> {
        for id in &self.reservation.requests {
            if requests::find(id, transaction)?.is_some_and(|found| is_of_hold(&found.method)) {
                requests::remove(id, transaction)?;
            }
        }
        reservations::remove(transaction, &self.reservation)?;
        if let Some(beneath) = &self.beneath {
            reservations::put(transaction, beneath)?;
        }
        Ok(())
    }
}

/// Whether it is a request that callers of 2.0.0 do not have.
fn is_of_hold(method: &str) -> bool {
    matches!(method, requests::HOLD | requests::CONFIRM | requests::CANCEL)
}

/// What was reserved for a caller of 2.0.0 stays with the object, and so does the answer to its request.
fn keep(transaction: &mut Transaction<'_>, reservation: &Reservation, own: &past::Own) -> Result<(), TransformError> {
    let mut answered = None;
    for id in &reservation.requests {
        if let Some(found) = requests::find(id, transaction)?.filter(|found| is_of_hold(&found.method)) {
            answered = answered.max(Some(found.answered));
            requests::remove(id, transaction)?;
        }
    }
    let kept = Reservation { expire_time: None, requests: Vec::new(), ..reservation.clone() };
    reservations::put(transaction, &kept)?;
    if let Some(answered) = answered {
        let key = RequestKey::new(own.request_id.clone(), Fingerprint::of_reserve(&kept.sku, kept.quantity))?;
        let answer = Reservation { state: State::Confirmed.into(), end_time: None, ..kept };
        Remembered::of(requests::RESERVE, key.fingerprint().to_vec(), answered, &answer).put(key.id(), transaction)?;
    }
    Ok(())
}
