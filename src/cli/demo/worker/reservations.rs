//! What a worker does with reservations.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::Instant;
use tonic::Code;

use super::super::caller::{Hold, Reservation, Terms, Version};
use super::super::check::{answered, expect, fails, refused};
use super::super::model::{CONTESTED, Group, Known, Reserved};
use super::{Task, Worker};

/// How long the holds of the demo last that are not there to expire.
const LONG: Duration = Duration::from_secs(60 * 60);

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
    fn took(
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

    /// Sees to it that the item can be reserved, and reserves one of it.
    async fn reserve_surely(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) -> Option<usize> {
        let ready = |known: &Known| !known.item.discontinued && known.item.stock > 0;
        for _ in 0..64 {
            if group.known(sku).is_some_and(ready) {
                return self.reserve(group, sku, 1).await;
            }
            // What is discontinued stays so for callers that cannot say otherwise: theirs is the other item, perhaps.
            if self.version < Version::Third && group.known(sku).is_some_and(|known| known.item.discontinued) {
                return None;
            }
            self.put(group, sku, false).await;
        }
        None
    }

    pub(super) async fn release(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) {
        if group.in_reach(self.version, self.model.node).is_empty() {
            let Some(index) = self.reserve_surely(group, sku).await else { return };
            if self.version == Version::Fourth && !self.confirm(group, index).await {
                return;
            }
        }
        let Some(index) = group.in_reach(self.version, self.model.node).first().copied() else { return };
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

    async fn confirm(&mut self, group: &mut MutexGuard<'_, Group>, index: usize) -> bool {
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

    async fn look_at(&mut self, group: &mut MutexGuard<'_, Group>, index: usize, state: Hold) {
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
        let begun = Instant::now();
        let result = self.caller.reserve(sku, 1, &request, terms).await;
        let verdict = match self.model.node {
            "3.0.0" if stale => fails(result, Code::Aborted),
            "3.0.0" if known.item.stock < 1 => fails(result, Code::FailedPrecondition),
            "3.0.0" => {
                self.took(group, begun, result, sku, 1);
                return;
            }
            _ => refused(result, "if_revision", false),
        };
        self.count("Reserve", begun, &verdict);
    }

    /// Many callers take from little stock at once: it must never go below zero, and in the end nothing may be lost.
    pub(super) async fn contest(&mut self) {
        let begun = Instant::now();
        let result = self.caller.get(CONTESTED).await;
        let (verdict, heard) =
            answered(result, |item| expect(item.stock >= 0, || format!("the stock has fallen to {}", item.stock)));
        self.count("GetItem", begun, &verdict);
        let short = heard.is_some_and(|item| item.stock < 3);
        if short && self.version >= Version::Second {
            let request = self.request();
            let begun = Instant::now();
            let (verdict, heard) = answered(self.caller.adjust(CONTESTED, 5, &request).await, |_| Ok(()));
            self.count("AdjustStock", begun, &verdict);
            if heard.is_some() {
                self.model.contested.fetch_add(5, Ordering::Relaxed);
            }
        }
        let quantity = self.random.i64(1..4);
        let request = self.request();
        let terms = Terms { hold_for: Some(LONG), if_revision: None };
        let begun = Instant::now();
        let reserved = match self.caller.reserve(CONTESTED, quantity, &request, terms).await {
            Err(status) if status.code() == Code::FailedPrecondition => {
                let verdict = fails::<()>(Err(status), Code::FailedPrecondition);
                return self.count("Reserve", begun, &verdict);
            }
            result => {
                let (verdict, heard) = answered(result, |_| Ok(()));
                self.count("Reserve", begun, &verdict);
                heard
            }
        };
        let Some(reserved) = reserved else { return };
        self.model.contested.fetch_sub(quantity, Ordering::Relaxed);
        if self.random.bool() {
            return;
        }
        let request = self.request();
        let begun = Instant::now();
        let (method, verdict, done) = if self.version == Version::Fourth {
            let (verdict, done) = answered(self.caller.cancel(&reserved.id, &request).await, |_| Ok(()));
            ("Cancel", verdict, done.is_some())
        } else {
            let (verdict, done) = answered(self.caller.release(&reserved.id, &request).await, |()| Ok(()));
            ("Release", verdict, done.is_some())
        };
        self.count(method, begun, &verdict);
        if done {
            self.model.contested.fetch_add(quantity, Ordering::Relaxed);
        }
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
