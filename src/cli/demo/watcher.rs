//! Callers that watch a node from the beginning to the end, whatever version it has meanwhile: they see each revision once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::caller::{Caller, Version, Watched};
use super::check::{answered, expect};
use super::model::Model;
use super::standing::Met;
use super::tally::Tally;

pub(super) struct Watcher {
    pub(super) version: Version,
    pub(super) caller: Box<dyn Caller>,
    pub(super) met: Met,
    pub(super) model: Arc<Model>,
    pub(super) tally: Arc<Tally>,
    /// How long the node may be away, all in all.
    pub(super) patience: Duration,
    /// The node's last revision, once it is known.
    pub(super) last: watch::Receiver<Option<u64>>,
}

impl Watcher {
    /// Watches until the node's last revision, and holds what was seen against what there is.
    pub(super) async fn run(mut self) {
        let begun = Instant::now();
        let mut watched = Watched::new(self.last.clone(), self.patience);
        let result = self.caller.follow(&mut watched).await;
        let listed = self.caller.list("").await;
        let (verdict, _) = answered(result.and(listed), |listed| {
            if let Some(why) = &watched.fault {
                return Err(why.clone());
            }
            listed.iter().try_for_each(|item| {
                expect(watched.seen.get(&item.sku) == Some(item), || {
                    format!(
                        "the last that was seen of {} is {:?}, and it is {item:?}",
                        item.sku,
                        watched.seen.get(&item.sku)
                    )
                })
            })
        });
        self.tally.count(self.version, self.model.cell(&self.met), "WatchItems", begun.elapsed(), &verdict);
    }
}
