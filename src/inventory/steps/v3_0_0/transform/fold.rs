//! From 2.0.0 to 3.0.0: holds of the future simulation object become the object's.

use std::time::SystemTime;

use prost::Message;

use super::super::future::{HOLDS, Hold, Intended, Phase, intended};
use super::{Told, TransformError, each, has_stock};
use crate::inventory::clock::to_nanos;
use crate::inventory::generated::v3_0_0 as v3;
use crate::inventory::store::{
    Remembered, Reservation, State, Transaction, Writing, decode, keys, requests, reservations,
};
use crate::state::Records;

type Object<'w, 't> = Writing<'w, 't, v3::Item>;

/// Brings `holds`, the state of the future simulation object, into `object`, which is that of the new object but for them.
pub(super) fn fold(holds: &Records, object: &Records, told: &Told<'_>, now: SystemTime) -> Result<(), TransformError> {
    let future = holds.read()?;
    each(holds, HOLDS, told, |batch| {
        object.write(|transaction| {
            for (_, hold) in &batch {
                let hold: Hold = decode(hold)?;
                let intended = if hold.is_intent() { intended(&future, &hold.request_id)? } else { None };
                fold_hold(transaction, &hold, intended, told, now)?;
            }
            Ok(())
        })
    })?;
    each(holds, requests::REQUESTS, told, |batch| {
        object.write(|transaction| {
            for (id, found) in &batch {
                fold_answer(transaction, &keys::to_text(id)?, &decode(found)?, now)?;
            }
            Ok(())
        })
    })
}

fn fold_hold(
    transaction: &mut Transaction<'_>,
    hold: &Hold,
    intended: Option<Intended>,
    told: &Told<'_>,
    now: SystemTime,
) -> Result<(), TransformError> {
    // Here already: an attempt that a crash has ended came so far.
    if reservations::find(transaction, &hold.id)?.is_some() {
        return Ok(());
    }
    let beneath = match beneath(transaction, hold)? {
        Beneath::NeverMade => return Ok(()),
        Beneath::Forgotten => None,
        Beneath::There(reservation) => Some(reservation),
    };
    let taken = beneath.as_ref().is_some_and(|beneath| has_stock(beneath.state()));
    let ended = beneath.as_ref().and_then(|beneath| beneath.end_time).unwrap_or_else(|| to_nanos(now));
    let state = hold.phase().state();
    let mut folded = hold.to_reservation(state);
    match hold.phase() {
        Phase::Intended if !taken => {}
        Phase::Intended => {
            // Nobody was told of it yet. A retry is, unless the hold is over by now; then its stock goes back.
            if let Some(intended) = intended.filter(|_| !hold.has_expired(now)) {
                folded.answers(&hold.request_id);
                Remembered::of(requests::HOLD, intended.fingerprint, to_nanos(now), &folded)
                    .put(&hold.request_id, transaction)?;
            }
            reservations::put(transaction, &folded)?;
        }
        Phase::Held | Phase::Confirmed if taken => reservations::put(transaction, &folded)?,
        Phase::Cancelling | Phase::Expiring | Phase::Releasing if taken => {
            // What was begun comes to its end: the stock goes back.
            folded.set_state(State::Held);
            Object::begin(transaction, now).end(folded, state)?;
        }
        Phase::Cancelling | Phase::Expiring | Phase::Releasing => {
            folded.end_time = Some(ended);
            reservations::put(transaction, &folded)?;
        }
        Phase::Cancelled | Phase::Expired | Phase::Released if !taken => {
            folded.end_time = hold.ended().or(Some(ended));
            reservations::put(transaction, &folded)?;
        }
        phase => {
            let found = beneath.as_ref().map_or("gone", |beneath| beneath.state().word());
            let why = format!("the hold is {phase:?}, but 2.0.0's reservation {:?} is {found}", hold.reservation);
            told.lose(HOLDS, &hold.id, hold.encode_to_vec(), why);
            return Ok(());
        }
    }
    if let Some(beneath) = beneath {
        reservations::remove(transaction, &beneath)?;
    }
    Ok(())
}

/// What 2.0.0 has for a hold.
enum Beneath {
    /// The call never came there.
    NeverMade,
    /// It was released long ago.
    Forgotten,
    There(Reservation),
}

fn beneath(transaction: &Transaction<'_>, hold: &Hold) -> Result<Beneath, TransformError> {
    let find = |id| Ok(reservations::find(transaction, id)?.map_or(Beneath::Forgotten, Beneath::There));
    if !hold.is_intent() {
        return find(&hold.reservation);
    }
    // Only 2.0.0 knows whether it has reserved, and remembers it by the id that the hold's own gives.
    let Some(answered) = requests::find(&hold.inner_request(Hold::RESERVE), transaction)? else {
        return Ok(Beneath::NeverMade);
    };
    let answer: Reservation = decode(&answered.answer)?;
    find(&answer.id)
}

/// An answer of the future simulation object becomes the object's.
fn fold_answer(
    transaction: &mut Transaction<'_>,
    id: &str,
    found: &Remembered,
    now: SystemTime,
) -> Result<(), TransformError> {
    let later = requests::find(id, transaction)?.is_some_and(|before| before.answered >= found.answered);
    if found.is_forgotten(now) || later {
        return Ok(());
    }
    if found.method == requests::RELEASE {
        return Ok(found.with_answer(&()).put(id, transaction)?);
    }
    let hold: Hold = decode(&found.answer)?;
    found.with_answer(&hold.to_reservation(hold.phase().state())).put(id, transaction)?;
    // One that ended is forgotten a little earlier than what was answered last.
    if let Some(mut reservation) = reservations::find(transaction, &hold.id)? {
        reservation.answers(id);
        reservations::put(transaction, &reservation)?;
    }
    Ok(())
}
