//! Which of the addresses a call goes to.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::client::conn::http2::SendRequest;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::address::{Address, InFlight, Standing, Unreachable};
use super::connecting::Connection;
use super::failure::Progress;
use crate::wire::Body;

/// How a [`Channel`](super::Channel) that [spreads](super::Channel::spread) chooses among the addresses that take calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Balance {
    /// One after the other, beginning with any.
    #[default]
    RoundRobin,
    /// The one with the fewest calls of this channel under way, to the last byte of their responses; any of those that have
    /// equally few. What other channels send there is not known.
    LeastLoaded,
}

/// The addresses of a channel, and how it chooses among them.
#[derive(Debug)]
pub(super) struct Nodes {
    addresses: Vec<Arc<Address>>,
    /// None calls one at a time, the next when it fails.
    balance: Option<Balance>,
    /// One at a time: the index of the address that answered last, or that is to be tried next. In turn: how many were
    /// chosen.
    turn: AtomicUsize,
    random: Arc<Mutex<fastrand::Rng>>,
    /// Told when any address changes.
    changed: Arc<Notify>,
}

/// Where a call goes.
pub(super) struct Chosen {
    pub(super) index: usize,
    pub(super) sender: SendRequest<Body>,
    pub(super) connection: Connection,
    pub(super) address: InFlight,
}

impl Nodes {
    pub(super) fn new(
        addresses: Vec<Arc<Address>>,
        balance: Option<Balance>,
        random: Arc<Mutex<fastrand::Rng>>,
        changed: Arc<Notify>,
    ) -> Self {
        let turn = match balance {
            Some(_) => lock(&random).usize(..addresses.len().max(1)),
            None => 0,
        };
        Self { addresses, balance, turn: AtomicUsize::new(turn), random, changed }
    }

    /// Chooses an address for a call that has just tried some, if any other takes calls; waits for one to come up.
    pub(super) async fn choose(&self, only: Option<usize>, tried: &[usize], progress: &mut Progress) -> Chosen {
        match (only, self.balance) {
            (None, Some(balance)) => self.spread(balance, tried, progress).await,
            _ => self.one_at_a_time(only, tried, progress).await,
        }
    }

    /// Whether a call that has tried some addresses need not wait before it tries another.
    pub(super) fn has_another(&self, tried: &[usize]) -> bool {
        let mut others = self.addresses.iter().enumerate().filter(|(index, _)| !tried.contains(index));
        others.any(|(_, address)| match address.standing() {
            Standing::Ready => true,
            // Who calls one at a time connects to the next only when it needs it.
            Standing::Due | Standing::Pending { failures: 0 } => self.balance.is_none(),
            Standing::Pending { .. } | Standing::NotServing(_) | Standing::Down(_) => false,
        })
    }

    /// The same for one more call; none when the connection has just ended.
    pub(super) fn over(&self, index: usize, connection: &Connection) -> Option<(SendRequest<Body>, InFlight)> {
        let address = &self.addresses[index];
        Some((address.sender_over(connection)?, InFlight::to(address)))
    }

    pub(super) fn name(&self, index: usize) -> &str {
        self.addresses[index].name()
    }

    /// The next call is not to begin with this address.
    pub(super) fn turn_away_from(&self, index: usize) {
        if self.balance.is_none() {
            let next = (index + 1) % self.addresses.len();
            // Another call may have turned away already.
            let _ = self.turn.compare_exchange(index, next, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    async fn spread(&self, balance: Balance, tried: &[usize], progress: &mut Progress) -> Chosen {
        if let Ok(chosen) = self.ready_now(balance, tried, progress) {
            return chosen;
        }
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            match self.ready_now(balance, tried, progress) {
                Ok(chosen) => return chosen,
                // Whichever comes first.
                Err(Some(due)) => drop(timeout_at(due, changed).await),
                Err(None) => changed.await,
            }
        }
    }

    /// An address that takes calls now, or else one that does not serve, if nothing better is to be expected; or when one
    /// that is down may be tried again. Whatever is due is connected.
    fn ready_now(&self, balance: Balance, tried: &[usize], progress: &mut Progress) -> Result<Chosen, Option<Instant>> {
        let (mut untried, mut ready, mut not_serving) = (Vec::new(), Vec::new(), Vec::new());
        let (mut pending, mut hopeful) = (false, false);
        let mut due = None;
        for (index, address) in self.addresses.iter().enumerate() {
            let mut standing = address.standing();
            if matches!(standing, Standing::Due) {
                address.begin();
                standing = address.standing();
            }
            match standing {
                Standing::Ready => {
                    ready.push(index);
                    if !tried.contains(&index) {
                        untried.push(index);
                    }
                }
                Standing::NotServing(why) => {
                    progress.failed(address.name(), &why);
                    not_serving.push(index);
                }
                Standing::Pending { .. } | Standing::Due => {
                    progress.waits_for(address.name());
                    pending = true;
                    // One that failed before may be long in failing again.
                    hopeful |= !matches!(standing, Standing::Pending { failures: 1.. });
                }
                Standing::Down(Unreachable { why, until }) => {
                    progress.failed(address.name(), &why);
                    due = Some(due.map_or(until, |due: Instant| due.min(until)));
                }
            }
        }
        let among = match (untried.is_empty(), ready.is_empty()) {
            (false, _) => untried,
            (true, false) => ready,
            (true, true) if hopeful => Vec::new(),
            (true, true) => not_serving,
        };
        if let Some(chosen) = self.pick(balance, &among).and_then(|index| self.chosen(index)) {
            return Ok(chosen);
        }
        if !pending {
            progress.attempts += 1;
        }
        Err(due)
    }

    fn pick(&self, balance: Balance, among: &[usize]) -> Option<usize> {
        match (among, balance) {
            ([], _) => None,
            ([only], _) => Some(*only),
            (_, Balance::RoundRobin) => among.get(self.turn.fetch_add(1, Ordering::Relaxed) % among.len()).copied(),
            (_, Balance::LeastLoaded) => {
                let (before, from) = among.split_at(lock(&self.random).usize(..among.len()));
                from.iter().chain(before).copied().min_by_key(|index| self.addresses[*index].in_flight())
            }
        }
    }

    /// The connection to the only address that may be called, or the preferred one, or else to the next that is up; waits for
    /// one to come up.
    async fn one_at_a_time(&self, only: Option<usize>, tried: &[usize], progress: &mut Progress) -> Chosen {
        let count = self.addresses.len();
        let first = || only.unwrap_or_else(|| self.turn.load(Ordering::Relaxed));
        // Nearly always.
        let usual = first();
        if tried.is_empty()
            && matches!(self.addresses[usual].standing(), Standing::Ready)
            && let Some(chosen) = self.chosen(usual)
        {
            return chosen;
        }
        loop {
            let first = first();
            let inside = 0..only.map_or(count, |_| 1);
            let in_order = inside.map(|offset| (first + offset) % count);
            // What was tried comes last.
            let (last, order): (Vec<usize>, Vec<usize>) = in_order.partition(|index| tried.contains(index));
            let mut not_serving = None;
            let mut due: Option<Instant> = None;
            for index in order.into_iter().chain(last) {
                let address = &self.addresses[index];
                if matches!(address.standing(), Standing::Due | Standing::Pending { .. }) {
                    progress.waits_for(address.name());
                }
                match address.settled().await {
                    Standing::NotServing(why) => {
                        progress.failed(address.name(), &why);
                        not_serving = not_serving.or(Some(index));
                    }
                    Standing::Down(Unreachable { why, until }) => {
                        progress.failed(address.name(), &why);
                        due = Some(due.map_or(until, |due| due.min(until)));
                    }
                    Standing::Ready | Standing::Pending { .. } | Standing::Due => {
                        if let Some(chosen) = self.chosen(index) {
                            self.prefer(only, index);
                            return chosen;
                        }
                    }
                }
            }
            if let Some(chosen) = not_serving.and_then(|index| self.chosen(index)) {
                self.prefer(only, chosen.index);
                return chosen;
            }
            progress.attempts += 1;
            sleep_until(due.unwrap_or_else(Instant::now)).await;
        }
    }

    fn prefer(&self, only: Option<usize>, index: usize) {
        if only.is_none() && self.balance.is_none() {
            self.turn.store(index, Ordering::Relaxed);
        }
    }

    /// None when the connection has just ended.
    fn chosen(&self, index: usize) -> Option<Chosen> {
        let address = &self.addresses[index];
        let (sender, connection) = address.sender()?;
        Some(Chosen { index, sender, connection, address: InFlight::to(address) })
    }
}

fn lock(random: &Mutex<fastrand::Rng>) -> std::sync::MutexGuard<'_, fastrand::Rng> {
    random.lock().unwrap_or_else(PoisonError::into_inner)
}
