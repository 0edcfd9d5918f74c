//! One caller on one node, and the auditor that looks over its shoulder.

mod contest;
mod reservations;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::MutexGuard;
use tokio::time::Instant;
use tonic::Code;

use super::caller::{Caller, Version};
use super::check::{answered, expect, fails, refused, same_item};
use super::item::Item;
use super::model::{CONTESTED, EUROS, Group, Known, Model};
use super::standing::Met;
use super::tally::{Tally, Verdict};

pub(super) struct Worker {
    pub(super) version: Version,
    pub(super) caller: Box<dyn Caller>,
    pub(super) met: Met,
    pub(super) model: Arc<Model>,
    pub(super) tally: Arc<Tally>,
    pub(super) random: fastrand::Rng,
    /// Begins the request ids of this worker; no other has the same.
    pub(super) name: String,
    pub(super) requests: u64,
}

/// What a worker can do at a time.
#[derive(Clone, Copy)]
enum Task {
    Get,
    Put,
    List,
    Watch,
    Import,
    LookUp,
    Adjust,
    Reserve,
    Release,
    Contest,
    Confirm,
    Cancel,
    ReserveIfRevision,
    Euros,
}

impl Task {
    fn of(version: Version) -> Vec<Self> {
        let mut tasks = vec![
            Self::Put,
            Self::Get,
            Self::List,
            Self::Watch,
            Self::Import,
            Self::LookUp,
            Self::Reserve,
            Self::Release,
            Self::Contest,
            Self::Euros,
        ];
        if version >= Version::Second {
            tasks.push(Self::Adjust);
        }
        if version == Version::Fourth {
            tasks.extend([Self::Confirm, Self::Cancel, Self::ReserveIfRevision]);
        }
        tasks
    }
}

impl Worker {
    /// Does everything once.
    pub(super) async fn everything_once(mut self) -> Self {
        for task in Task::of(self.version) {
            self.perform(task).await;
        }
        self
    }

    /// Works until the end, by chance; longer when the node has not made all its moves by then, and not when it is `over`.
    pub(super) async fn run(mut self, end: Instant, over: Arc<AtomicBool>) -> Self {
        let tasks = Task::of(self.version);
        let goes_on = |model: &Model| Instant::now() < end || model.moving.load(Ordering::Relaxed);
        while goes_on(&self.model) && !over.load(Ordering::Relaxed) {
            // Tasks are never empty.
            let task = tasks[self.random.usize(..tasks.len())];
            self.perform(task).await;
        }
        self
    }

    /// Works on at leisure, for those who look on, until it is dropped.
    pub(super) async fn run_at_leisure(mut self, pause: Duration) {
        let tasks = Task::of(self.version);
        loop {
            // Tasks are never empty.
            let task = tasks[self.random.usize(..tasks.len())];
            self.perform(task).await;
            tokio::time::sleep(pause).await;
        }
    }

    /// Reads all that was ever written, and holds it against what it has to be.
    pub(super) async fn audit(mut self) {
        let model = self.model.clone();
        for group in &model.groups {
            let mut group = group.lock().await;
            let skus: Vec<String> = group.items.keys().cloned().collect();
            for sku in skus {
                self.get(&mut group, &sku).await;
            }
        }
        let left = model.contested.load(Ordering::Relaxed);
        let begun = Instant::now();
        let result = self.caller.get(CONTESTED).await;
        let (verdict, _) = answered(result, |item| {
            expect(item.stock == left, || {
                format!("{} of the contested item are left, where {left} were due", item.stock)
            })
        });
        self.count("GetItem", begun, &verdict);
    }

    async fn perform(&mut self, task: Task) {
        let model = self.model.clone();
        let mut group = model.groups[self.random.usize(..model.groups.len())].lock().await;
        // A group has two items.
        let sku = group.items.keys().nth(self.random.usize(..2)).cloned().unwrap_or_default();
        match task {
            Task::Get => self.get(&mut group, &sku).await,
            Task::Put => {
                self.put(&mut group, &sku, true).await;
            }
            Task::List => self.list(&mut group).await,
            Task::Watch => self.watch(&mut group, &sku).await,
            Task::Import => self.import(&mut group).await,
            Task::LookUp => self.look_up(&mut group).await,
            Task::Adjust => self.adjust(&mut group, &sku).await,
            Task::Reserve => {
                let quantity = self.random.i64(1..6);
                self.reserve(&mut group, &sku, quantity).await;
            }
            Task::Release => self.release(&mut group, &sku).await,
            Task::Confirm | Task::Cancel => self.end_hold(&mut group, &sku, task).await,
            Task::ReserveIfRevision => self.reserve_if_revision(&mut group, &sku).await,
            Task::Contest => {
                drop(group);
                self.contest().await;
            }
            Task::Euros => {
                drop(group);
                self.euros().await;
            }
        }
    }

    fn count(&self, method: &'static str, begun: Instant, verdict: &Verdict) {
        self.tally.count(self.version, self.model.cell(&self.met), method, begun.elapsed(), verdict);
    }

    fn request(&mut self) -> String {
        self.requests += 1;
        format!("{}-{}", self.name, self.requests)
    }

    fn put_method(&self) -> &'static str {
        if self.version < Version::Third { "PutItem" } else { "UpsertItem" }
    }

    /// How an item is after this caller has put `item` where `before` was: what it cannot say is empty, but for the
    /// status, which stays as it was.
    fn put_over(&self, item: &Item, before: Option<&Known>) -> Item {
        let mut after = self.version.sees(item);
        if self.version < Version::Third {
            after.discontinued = before.is_some_and(|before| before.item.discontinued);
        }
        after
    }

    async fn get(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) {
        let begun = Instant::now();
        let result = self.caller.get(sku).await;
        let Some(known) = group.known(sku).cloned() else {
            let verdict = fails(result, Code::NotFound);
            return self.count("GetItem", begun, &verdict);
        };
        let (verdict, heard) = answered(result, |heard| same_item(self.version, &known, heard));
        self.count("GetItem", begun, &verdict);
        if let Some(heard) = heard {
            group.learned(sku, heard.revision);
        }
    }

    /// Puts an item that is new in all its fields; true when the node has it.
    pub(super) async fn put(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str, any_status: bool) -> bool {
        let mut item = Item::random(sku, &mut self.random);
        item.discontinued &= any_status && sku != group.staple();
        let request = self.request();
        let before = group.known(sku).cloned();
        let last = before.as_ref().map_or(0, |before| before.item.revision);
        let mut after = self.put_over(&item, before.as_ref());
        let standing = self.model.standing.now();
        let begun = Instant::now();
        let result = self.caller.put(&item, &request).await;
        let span = self.model.standing.span(&standing);
        // 1.1.0 cannot keep a status.
        let older = span.is("1.1.0") || (span.has("1.1.0") && result.is_err());
        if self.version >= Version::Third && item.discontinued && older {
            let verdict = refused(result, "item.status", false);
            self.count(self.put_method(), begun, &verdict);
            return false;
        }
        let (verdict, heard) = answered(result, |heard| {
            expect(heard.revision > last, || format!("revision {} came after {last}", heard.revision))?;
            same_item(
                self.version,
                &Known { item: Item { revision: heard.revision, ..after.clone() }, exact: true },
                heard,
            )
        });
        self.count(self.put_method(), begun, &verdict);
        let Some(heard) = heard else { return false };
        after.revision = heard.revision;
        self.model.saw(heard.revision);
        group.wrote(after, true);
        if self.random.u8(..5) == 0 {
            // The answer was lost, let us say: the same request again does nothing and is answered the same.
            let begun = Instant::now();
            let again = self.caller.put(&item, &request).await;
            let (verdict, _) = answered(again, |again| {
                expect(*again == heard, || format!("a repeat was answered {again:?} and not {heard:?}"))
            });
            self.count(self.put_method(), begun, &verdict);
        }
        true
    }

    async fn list(&mut self, group: &mut MutexGuard<'_, Group>) {
        let begun = Instant::now();
        let result = self.caller.list(&group.prefix).await;
        let due: Vec<Known> = group.items.values().flatten().cloned().collect();
        let (verdict, heard) = answered(result, |heard| {
            expect(heard.len() == due.len(), || format!("{} items came where {} were due", heard.len(), due.len()))?;
            due.iter().zip(heard).try_for_each(|(known, heard)| same_item(self.version, known, heard))
        });
        self.count("ListItems", begun, &verdict);
        for item in heard.iter().flatten() {
            group.learned(&item.sku, item.revision);
        }
    }

    async fn watch(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) {
        let model = self.model.clone();
        // Callers of 1.x are refused an item in euros, wherever it comes.
        let _euros = model.euros.read().await;
        let after = self.model.revision.load(Ordering::Relaxed);
        if !self.put(group, sku, false).await {
            return;
        }
        let Some(known) = group.known(sku).cloned() else { return };
        let begun = Instant::now();
        let result = self.caller.watch(after, known.item.revision).await;
        let (verdict, _) = answered(result, |heard| {
            let rising = heard.windows(2).all(|pair| pair[0].revision < pair[1].revision);
            expect(rising && heard.iter().all(|item| item.revision > after), || "revisions do not rise".to_owned())?;
            match heard.iter().find(|item| item.sku == sku) {
                Some(heard) => same_item(self.version, &known, heard),
                None => Err(format!("the write of {sku} was not seen")),
            }
        });
        self.count("WatchItems", begun, &verdict);
    }

    async fn import(&mut self, group: &mut MutexGuard<'_, Group>) {
        let request = self.request();
        let skus: Vec<String> = group.items.keys().cloned().collect();
        let items: Vec<Item> =
            skus.iter().map(|sku| Item { discontinued: false, ..Item::random(sku, &mut self.random) }).collect();
        let after: Vec<Item> = items.iter().map(|item| self.put_over(item, group.known(&item.sku))).collect();
        let begun = Instant::now();
        let result = self.caller.import(&items, &request).await;
        let (verdict, heard) = answered(result, |(count, _)| {
            expect(*count == items.len() as u64, || format!("{count} items were imported of {}", items.len()))
        });
        self.count("ImportItems", begun, &verdict);
        let Some((_, last)) = heard else { return };
        self.model.saw(last);
        // Each item takes the next number, and no other write comes between.
        let first = last.saturating_sub(after.len() as u64 - 1);
        for (item, revision) in after.into_iter().zip(first..) {
            group.wrote(Item { revision, ..item }, true);
        }
    }

    async fn look_up(&mut self, group: &mut MutexGuard<'_, Group>) {
        let mut skus: Vec<String> = group.items.keys().cloned().collect();
        skus.insert(1, format!("{}missing", group.prefix));
        let begun = Instant::now();
        let result = self.caller.look_up(&skus).await;
        let (verdict, heard) = answered(result, |heard| {
            expect(heard.len() == skus.len(), || format!("{} answers came to {} questions", heard.len(), skus.len()))?;
            skus.iter().zip(heard).try_for_each(|(sku, heard)| match (group.known(sku), heard) {
                (Some(known), Ok(heard)) => same_item(self.version, known, heard),
                (None, Err(missing)) => expect(missing == sku, || format!("{missing} is missing, not {sku}")),
                (_, heard) => Err(format!("{sku} was answered {heard:?}")),
            })
        });
        self.count("LookupItems", begun, &verdict);
        for item in heard.into_iter().flatten().flatten() {
            group.learned(&item.sku, item.revision);
        }
    }

    async fn adjust(&mut self, group: &mut MutexGuard<'_, Group>, sku: &str) {
        if group.known(sku).is_none() && !self.put(group, sku, false).await {
            return;
        }
        let Some(known) = group.known(sku).cloned() else { return };
        let delta = match self.random.i64(-40..40) {
            0 => 1,
            delta => delta,
        };
        let request = self.request();
        let begun = Instant::now();
        let result = self.caller.adjust(sku, delta, &request).await;
        if known.item.stock + delta < 0 {
            let verdict = fails(result, Code::FailedPrecondition);
            return self.count("AdjustStock", begun, &verdict);
        }
        let after = Item { stock: known.item.stock + delta, ..known.item.clone() };
        let due = Known { item: after.clone(), exact: false };
        let (verdict, heard) = answered(result, |heard| {
            expect(heard.revision > known.item.revision, || "the revision has not risen".to_owned())?;
            same_item(self.version, &due, heard)
        });
        self.count("AdjustStock", begun, &verdict);
        if let Some(heard) = heard {
            group.wrote(Item { revision: heard.revision, ..after }, true);
        }
    }

    /// 1.x knows no currencies: it must not be told a number of euros, nor keep one.
    async fn euros(&mut self) {
        let model = self.model.clone();
        if self.version < Version::Third {
            if model.has_euros.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let result = self.caller.get(EUROS).await;
                let verdict = refused(result, "price.currency_code", false);
                self.count("GetItem", begun, &verdict);
            }
            return;
        }
        let _euros = model.euros.write().await;
        if model.has_euros.load(Ordering::Relaxed) {
            return;
        }
        let request = self.request();
        let standing = model.standing.now();
        let begun = Instant::now();
        let result = self.caller.put_in_euros(EUROS, &request).await;
        let span = model.standing.span(&standing);
        let verdict = if span.is("1.1.0") || (span.has("1.1.0") && result.is_err()) {
            refused(result, "item.price.currency_code", false)
        } else {
            let (verdict, put) = answered(result, |_| Ok(()));
            if let Some(revision) = put {
                // Watches of callers of 1.x begin behind it.
                model.saw(revision);
                model.has_euros.store(true, Ordering::Relaxed);
            }
            verdict
        };
        self.count("UpsertItem", begun, &verdict);
    }
}
