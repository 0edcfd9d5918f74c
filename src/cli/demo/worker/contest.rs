//! An item that everybody takes from at once.

use std::sync::atomic::Ordering;

use tokio::time::Instant;
use tonic::Code;

use super::super::caller::{Terms, Version};
use super::super::check::{answered, expect, fails};
use super::super::model::CONTESTED;
use super::Worker;
use super::reservations::LONG;

impl Worker {
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
