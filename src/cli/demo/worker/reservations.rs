//! Stock that is taken, held and given back.

use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::Instant;
use tonic::Code;

use super::super::caller::{Hold, Reservation, Terms, Version};
use super::super::check::{answered, expect, fails, refused};
use super::super::model::{Group, Known, Reserved};
use super::{Task, Worker};
use crate::refusal::Refusal;

/// How long the holds of the demo last that are not there to expire.
pub(super) const LONG: Duration = Duration::from_secs(60 * 60);

impl Worker {
    /// Reserves, and gives the place of the reservation in the group when there is one.
    pub(super) async fn reserve(
        &mut self,
        group: &mut MutexGuard<'_, Group>,
        sku: &str,
        quantity: i64,
    ) -> Option<usize> {
        let request = self.request();
        let terms = Terms { hold_for: Some(LONG), if_revision: None };
        let begun = Instant::now();
        let result = self.caller.reserve(sku, quantity, &request, terms).await;
        let known = group.known(sku).cloned();
        let due = match &known {
            None => Some(Code::NotFound),
            Some(known) if known.item.discontinued || known.item.stock < quantity => Some(Code::FailedPrecondition),
            Some(_) => None,
        };
        if let Some(code) = due {
            let verdict = fails(result, code);
            self.count("Reserve", begun, &verdict);
            return None;
        }
        let first = self.took(group, begun, result, sku, quantity)?;
        if self.random.u8(..5) == 0 {
            let begun = Instant::now();
            let again = self.caller.reserve(sku, quantity, &request, terms).await;
            let (verdict, _) = answered(again, |again| {
                expect(*again == first, || format!("a repeat was answered {again:?} and not {first:?}"))
            });
            self.count("Reserve", begun, &verdict);
        }
        Some(group.reservations.len() - 1)
    }

    /// Holds the answer to a reservation that had to be granted against that, and notes the reservation.
    pub(super) fn took(
        &self,
        group: &mut MutexGuard<'_, Group>,
        begun: Instant,
        result: Result<Reservation, tonic::Status>,
        sku: &str,
        quantity: i64,
    ) -> Option<Reservation> {
        let state = (self.version == Version::Fourth).then_some(Hold::Held);
        let (verdict, heard) = answered(result, |heard| {
            let right = (heard.sku.as_str(), heard.quantity, heard.state) == (sku, quantity, state);
            expect(right, || format!("{quantity} of {sku} were reserved as {heard:?}"))
        });
        self.count("Reserve", begun, &verdict);
        let heard = heard?;
        group.moved(sku, -quantity);
        group.reservations.push(Reserved {
            id: heard.id.clone(),
            sku: sku.to_owned(),
            quantity,
            by: self.version,
            state: state.unwrap_or(Hold::Confirmed),
        });
        Some(heard)
    }

    /// Sees to it that the item can be reserved, or the other one of its group, and reserves one of it.
    pub(super) async fn reserve_surely(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) -> Option<usize> {
        let ready = |known: &Known| !known.item.discontinued && known.item.stock > 0;
        // What is discontinued stays so for callers that cannot say otherwise: theirs is the other item.
        let stays = self.version < Version::Third && group.known(sku).is_some_and(|known| known.item.discontinued);
        let sku = if stays { group.staple().to_owned() } else { sku.to_owned() };
        for _ in 0..64 {
            if group.known(&sku).is_some_and(ready) {
                return self.reserve(group, &sku, 1).await;
            }
            self.put(group, &sku, false).await;
        }
        None
    }

    pub(super) async fn release(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) {
        if group.in_reach(self.version, self.model.is_newest()).is_empty() {
            let Some(index) = self.reserve_surely(group, sku).await else { return };
            if self.version == Version::Fourth && !self.confirm(group, index).await {
                return;
            }
        }
        let Some(index) = group.in_reach(self.version, self.model.is_newest()).first().copied() else { return };
        let reserved = group.reservations.remove(index);
        let request = self.request();
        let begun = Instant::now();
        let result = self.caller.release(&reserved.id, &request).await;
        let (verdict, done) = answered(result, |()| Ok(()));
        self.count("Release", begun, &verdict);
        if done.is_some() {
            group.moved(&reserved.sku, reserved.quantity);
            let begun = Instant::now();
            let result = self.caller.release(&reserved.id, &request).await;
            let (verdict, _) = answered(result, |()| Ok(()));
            self.count("Release", begun, &verdict);
        }
    }

    pub(super) async fn end_hold(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str, task: Task) {
        let Some(index) = self.reserve_surely(group, sku).await else { return };
        self.look_at(group, index, Hold::Held).await;
        if matches!(task, Task::Confirm) {
            if self.confirm(group, index).await {
                self.look_at(group, index, Hold::Confirmed).await;
            }
            return;
        }
        let request = self.request();
        let reserved = group.reservations[index].clone();
        let begun = Instant::now();
        let result = self.caller.cancel(&reserved.id, &request).await;
        let (verdict, done) = answered(result, |heard| is_in(heard, &reserved, Hold::Cancelled));
        self.count("Cancel", begun, &verdict);
        if done.is_some() {
            group.moved(&reserved.sku, reserved.quantity);
            self.look_at(group, index, Hold::Cancelled).await;
            group.reservations.remove(index);
            let begun = Instant::now();
            let request = self.request();
            let result = self.caller.confirm(&reserved.id, &request).await;
            let verdict = fails(result, Code::FailedPrecondition);
            self.count("Confirm", begun, &verdict);
        }
    }

    pub(super) async fn confirm(&mut self, group: &mut MutexGuard<'_, Group>, index: usize) -> bool {
        let request = self.request();
        let reserved = group.reservations[index].clone();
        let begun = Instant::now();
        let result = self.caller.confirm(&reserved.id, &request).await;
        let (verdict, done) = answered(result, |heard| is_in(heard, &reserved, Hold::Confirmed));
        self.count("Confirm", begun, &verdict);
        if done.is_some() {
            group.reservations[index].state = Hold::Confirmed;
        }
        done.is_some()
    }

    pub(super) async fn look_at(&mut self, group: &mut MutexGuard<'_, Group>, index: usize, state: Hold) {
        let reserved = group.reservations[index].clone();
        let begun = Instant::now();
        let result = self.caller.reservation(&reserved.id).await;
        let (verdict, _) = answered(result, |heard| is_in(heard, &reserved, state));
        self.count("GetReservation", begun, &verdict);
    }

    /// Only a node that runs 3.0.0 can do this; the others have to refuse it rather than guess.
    pub(super) async fn reserve_if_revision(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) {
        if !self.put(group, sku, false).await {
            return;
        }
        let Some(known) = group.known(sku).cloned() else { return };
        let stale = self.random.bool();
        let revision = if stale { known.item.revision - 1 } else { known.item.revision };
        let request = self.request();
        let terms = Terms { hold_for: Some(LONG), if_revision: Some(revision) };
        let standing = self.model.standing.now();
        let begun = Instant::now();
        let result = self.caller.reserve(sku, 1, &request, terms).await;
        let span = self.model.standing.span(&standing);
        let lossy = result.as_ref().is_err_and(|status| Refusal::from_status(status).is_some());
        let older = !span.has("3.0.0") || (!span.is("3.0.0") && lossy);
        let verdict = match older {
            true => refused(result, "if_revision", false),
            false if stale => fails(result, Code::Aborted),
            false if known.item.stock < 1 => fails(result, Code::FailedPrecondition),
            false => {
                self.took(group, begun, result, sku, 1);
                return;
            }
        };
        self.count("Reserve", begun, &verdict);
    }
}

fn is_in(heard: &Reservation, reserved: &Reserved, state: Hold) -> Result<(), String> {
    let due = Reservation {
        id: reserved.id.clone(),
        sku: reserved.sku.clone(),
        quantity: reserved.quantity,
        state: Some(state),
    };
    expect(*heard == due, || format!("heard {heard:?} where {due:?} was due"))
}
