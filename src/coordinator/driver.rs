//! The driver: one task, which has the core to itself.
//!
//! ```text
//!   Follows ──the leader's key is ours──> loads the core ──> Leads: inputs ──> core ──> one transaction ──> outputs
//!      ^                                                       │
//!      └── a commit failed, or nobody knows; the lease is gone ┘   all streams end, and agents say everything anew
//! ```
//!
//! What is said was written before, and what was not written was never said: a core whose writes may be lost is thrown away
//! with all that it wanted to say.

mod batch;
mod lead;
mod load;
mod pending;
mod sessions;
mod watchers;

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use self::batch::Batch;
pub(super) use self::lead::Other;
use self::lead::{Lead, Lost};
use self::sessions::Sessions;
pub(super) use self::sessions::{Speaks, line};
use self::watchers::Watchers;
use super::core::{Answer, Core, Input, Now, Output, Request, Settings, Which};
use super::database::{Database, DatabaseError};
use super::handle::Told;
use super::micros;
use super::service::failure;
use crate::control::v1_0_0 as wire;

/// Inputs that are handled together.
const AT_ONCE: usize = 1024;
/// Shortest and longest pause between two batches: many inputs cost less together than one by one.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(250));
/// Of the time of one processor, a batch takes one part in so many at most, while that does not make pauses longer than that.
const SHARE: u32 = 4;
/// How often those who watch an upgrade hear of it: when it changes, and when nothing says that it has.
const TOLD_EACH: Duration = Duration::from_millis(100);
const LOOKED_AT_EACH: Duration = Duration::from_secs(1);
/// Of the time of one processor, telling them takes one part in so many at most, while that does not make it rarer than this.
const TELLING: u32 = 20;
const TOLD_AT_LEAST_EACH: Duration = Duration::from_secs(5);

/// Hears of each event.
pub(super) type News = Arc<dyn Fn(&wire::Event) + Send + Sync>;

/// What becomes of the coordinator.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// It looks whether it can lead.
    Starts,
    /// It writes the database, and answers.
    Leads,
    /// Another one does.
    Follows(Other),
    /// It cannot go on with what is in the database.
    Failed(String),
}

pub(super) struct Driver {
    pub(super) database: Arc<dyn Database>,
    pub(super) own: wire::Leader,
    pub(super) settings: Settings,
    pub(super) told: mpsc::Receiver<Told>,
    pub(super) stop: watch::Receiver<bool>,
    pub(super) standing: watch::Sender<Standing>,
    pub(super) events: watch::Sender<u64>,
    pub(super) news: Option<News>,
    pub(super) most_agents: usize,
    pub(super) clock: Clock,
}

/// The time, as the core is told it.
#[derive(Clone, Copy)]
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    fn now(self) -> Now {
        Now::new(micros(self.0.elapsed()), Self::wall())
    }

    /// Microseconds since 1970.
    pub(super) fn wall() -> u64 {
        micros(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
    }
}

/// Why it does not lead any more.
enum End {
    Stopped,
    Lost(Lost),
    /// What the database holds cannot be gone on with.
    Failed(String),
}

impl Driver {
    /// Leads whenever it can, until it is stopped.
    pub(super) async fn run(mut self) {
        loop {
            let lead = match self.acquire().await {
                Ok(Some(lead)) => lead,
                Ok(None) => return,
                Err(error) => return self.fail(error.to_string()).await,
            };
            match self.leads(&lead).await {
                End::Stopped => return lead.give_up().await,
                End::Lost(why) => tracing::warn!(%why, "this coordinator does not lead any more; it begins anew"),
                End::Failed(why) => {
                    lead.give_up().await;
                    return self.fail(why).await;
                }
            }
            self.standing.send_replace(Standing::Starts);
        }
    }

    /// Waits until it leads; none when it is stopped before.
    async fn acquire(&mut self) -> Result<Option<Lead>, DatabaseError> {
        let (database, own, standing) = (self.database.clone(), self.own.clone(), self.standing.clone());
        let mut acquiring = pin!(Lead::acquire(&database, &own, |other| {
            standing.send_replace(Standing::Follows(other));
        }));
        loop {
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return Ok(None),
                lead = &mut acquiring => return lead.map(Some),
                told = self.told.recv() => match told {
                    Some(told) => refuse(told, &self.standing.borrow()),
                    None => return Ok(None),
                },
            }
        }
    }

    /// Answers everybody that it cannot go on, until it is stopped.
    async fn fail(mut self, why: String) {
        tracing::error!(%why, "the coordinator cannot go on with what its database holds");
        self.standing.send_replace(Standing::Failed(why));
        loop {
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => return,
                told = self.told.recv() => match told {
                    Some(told) => refuse(told, &self.standing.borrow()),
                    None => return,
                },
            }
        }
    }

    async fn leads(&mut self, lead: &Lead) -> End {
        match pending::left(&*self.database).await {
            Ok(left) => {
                for writes in left {
                    if let Err(lost) = lead.commit(writes).await {
                        return End::Lost(lost);
                    }
                }
            }
            Err(error) if error.is_unavailable() => return End::Lost(error.into()),
            Err(error) => return End::Failed(error.to_string()),
        }
        let loaded = match load::all(&*self.database).await {
            Ok(loaded) => loaded,
            Err(error) if error.is_unavailable() => return End::Lost(error.into()),
            Err(error) => return End::Failed(error.to_string()),
        };
        let core = match Core::load(loaded.entries, self.clock.now(), self.settings.clone()) {
            Ok(core) => core,
            Err(error) => return End::Failed(error.to_string()),
        };
        self.events.send_replace(loaded.event);
        self.standing.send_replace(Standing::Leads);
        let mut leading = Leading::new(core, self);
        let mut told = Vec::new();
        loop {
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => {
                    leading.sessions.end_all(&failure::stopping());
                    return End::Stopped;
                }
                () = lead.lost() => {
                    leading.sessions.end_all(&failure::stopping());
                    return End::Lost(Lost::Lead);
                }
                () = sleep_until(leading.rests_until) => {}
            }
            tokio::select! {
                biased;
                _ = self.stop.wait_for(|stop| *stop) => continue,
                () = lead.lost() => continue,
                came = self.told.recv_many(&mut told, AT_ONCE) => if came == 0 {
                    return End::Stopped;
                },
                () = sleep_until(leading.due()) => {}
            }
            leading.behind = told.len() == AT_ONCE;
            if let Err(lost) = leading.step(&mut told, lead).await {
                leading.sessions.end_all(&failure::stopping());
                return End::Lost(lost);
            }
        }
    }
}

fn status(core: &Core, number: u64, now: Now) -> Option<wire::UpgradeStatus> {
    core.upgrades(Which::Number(number), now).pop()
}

/// Tells somebody that this is not the coordinator to ask.
fn refuse(told: Told, standing: &Standing) {
    let status = match standing {
        Standing::Follows(other) => failure::not_leader(Some(other)),
        Standing::Failed(why) => failure::unreadable(why),
        Standing::Starts | Standing::Leads => failure::not_leader(None),
    };
    // Who has gone needs no answer.
    match told {
        Told::Opened(_, speaks) => speaks.end(status),
        Told::Said(..) | Told::Closed(_) => {}
        Told::Asked { answer, .. } => drop(answer.send(Err(status))),
        Told::Read(read) => read(Err(status)),
        Told::Watch { answer, .. } => drop(answer.send(Err(status))),
    }
}

/// What there is while it leads.
struct Leading {
    core: Core,
    clock: Clock,
    sessions: Sessions,
    watchers: Watchers,
    requests: u64,
    answers: BTreeMap<Request, oneshot::Sender<Result<Answer, Status>>>,
    /// What is to be handled first in the next step.
    first: Vec<Input>,
    events: watch::Sender<u64>,
    news: Option<News>,
    most_agents: usize,
    ticks_at: Instant,
    /// More has come than is handled together.
    behind: bool,
    rests_until: Instant,
    told_at: Instant,
    told_each: Duration,
    looked_at: Instant,
}

impl Leading {
    fn new(core: Core, driver: &Driver) -> Self {
        let now = Instant::now();
        Self {
            core,
            clock: driver.clock,
            sessions: Sessions::default(),
            watchers: Watchers::default(),
            requests: 0,
            answers: BTreeMap::new(),
            first: Vec::new(),
            events: driver.events.clone(),
            news: driver.news.clone(),
            most_agents: driver.most_agents,
            ticks_at: now,
            behind: false,
            rests_until: now,
            told_at: now,
            told_each: TOLD_EACH,
            looked_at: now,
        }
    }

    /// When there is something to do even though nobody says anything.
    fn due(&self) -> Instant {
        let mut due = self.ticks_at;
        if !self.first.is_empty() {
            return self.rests_until;
        }
        if self.watchers.wait() {
            due = due.min(self.told_at + self.told_each);
        }
        if !self.watchers.is_empty() {
            due = due.min(self.looked_at + LOOKED_AT_EACH.max(self.told_each));
        }
        due
    }

    /// Handles what has come, writes what comes of it, and says it.
    async fn step(&mut self, told: &mut Vec<Told>, lead: &Lead) -> Result<(), Lost> {
        let begun = Instant::now();
        let (mut batch, mut readings, mut waiting) = (Batch::default(), Vec::new(), Duration::ZERO);
        let mut inputs: Vec<Input> = std::mem::take(&mut self.first);
        for told in told.drain(..) {
            match told {
                Told::Opened(_, speaks) if self.sessions.len() >= self.most_agents => {
                    let most = self.most_agents;
                    speaks.end(failure::too_many(&format!("{most} agents have a stream, and no more are taken")));
                }
                Told::Opened(session, speaks) => self.sessions.open(session, speaks),
                // What comes of a stream that was ended here is not for this core.
                Told::Said(session, message) if self.sessions.knows(session) => {
                    inputs.push(Input::Said(session, *message));
                }
                Told::Closed(session) if self.sessions.forget(session) => inputs.push(Input::Closed(session)),
                Told::Said(..) | Told::Closed(_) => {}
                Told::Asked { who, ask, answer } => {
                    self.requests += 1;
                    self.answers.insert(Request(self.requests), answer);
                    inputs.push(Input::Asked(Request(self.requests), who, ask));
                }
                reading => readings.push(reading),
            }
        }
        for input in inputs {
            // What agents say is gathered as long as there is room, so that a record which many of them change is written once.
            if !self.core.has_room_for(&input) {
                self.gather(&mut batch, lead, &mut waiting).await?;
            }
            let is_asked = matches!(input, Input::Asked(..));
            self.core.handle(input, self.clock.now());
            if is_asked {
                self.gather(&mut batch, lead, &mut waiting).await?;
            }
        }
        self.gather(&mut batch, lead, &mut waiting).await?;
        self.core.tick(self.clock.now());
        self.gather(&mut batch, lead, &mut waiting).await?;
        self.write(batch, lead, &mut waiting).await?;
        let now = self.clock.now();
        for reading in readings {
            match reading {
                Told::Read(read) => read(Ok((&self.core, now))),
                Told::Watch { number, answer } => {
                    let status = status(&self.core, number, now).ok_or_else(|| failure::no_such_upgrade(number));
                    // Who has gone needs no answer.
                    let _ = answer.send(status.map(|status| self.watchers.subscribe(number, status)));
                }
                _ => {}
            }
        }
        self.publish(now);
        let ended = Instant::now();
        self.ticks_at = ended + Duration::from_micros(self.core.next_tick(self.clock.now()));
        let busy = (ended - begun).saturating_sub(waiting);
        // With a pause it would not catch up: agents say as much as they do however late they are heard.
        let pause = if self.behind { PAUSES.0 } else { (busy * SHARE).clamp(PAUSES.0, PAUSES.1) };
        self.rests_until = ended + pause;
        Ok(())
    }

    /// Takes over what the core has come to; what does not go with it into one transaction is written before.
    async fn gather(&mut self, batch: &mut Batch, lead: &Lead, waiting: &mut Duration) -> Result<(), Lost> {
        let effects = self.core.take();
        if !batch.takes(&effects) {
            self.write(std::mem::take(batch), lead, waiting).await?;
        }
        batch.add(effects);
        Ok(())
    }

    /// Writes, and says what was to be said after it.
    async fn write(&mut self, batch: Batch, lead: &Lead, waiting: &mut Duration) -> Result<(), Lost> {
        let begun = Instant::now();
        let (transactions, outputs) = batch.into_parts();
        for writes in transactions {
            lead.commit(writes).await?;
        }
        *waiting += begun.elapsed();
        for output in outputs {
            self.say(output);
        }
        Ok(())
    }

    fn say(&mut self, output: Output) {
        match output {
            Output::Tell(session, message) => {
                if !self.sessions.tell(session, message) {
                    self.first.push(Input::Closed(session));
                }
            }
            Output::End(session, reason, what) => self.sessions.end(session, failure::ended(reason, &what)),
            Output::Answer(request, answer) => {
                if let Some(waits) = self.answers.remove(&request) {
                    // Who has gone needs no answer.
                    let _ = waits.send(answer.map_err(|denied| failure::denied(&denied)));
                }
            }
            Output::Event(event) => {
                if let Some(news) = &self.news {
                    news(&event);
                }
                self.events.send_if_modified(|newest| {
                    let newer = event.number > *newest;
                    *newest = event.number.max(*newest);
                    newer
                });
            }
            Output::Changed(upgrade) => self.watchers.changed(upgrade),
        }
    }

    fn publish(&mut self, now: Now) {
        let at = Instant::now();
        let all = at >= self.looked_at + LOOKED_AT_EACH.max(self.told_each);
        if all || (self.watchers.wait() && at >= self.told_at + self.told_each) {
            self.told_at = at;
            self.looked_at = if all { at } else { self.looked_at };
            self.watchers.publish(all, |number| status(&self.core, number, now));
            // What is told of a large fleet takes its time.
            self.told_each = (at.elapsed() * TELLING).clamp(TOLD_EACH, TOLD_AT_LEAST_EACH);
        }
    }
}
