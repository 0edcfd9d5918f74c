//! Prepared for somebody's word: all of an upgrade that can be done while callers are served, and then the word, or back.
//!
//! ```text
//!             all is done that can be             Switch in time
//!  Readying ──────────────────────────> Ready ─────────────────────> cross, as any upgrade
//!     │                                   │
//!     │ Abort, the caller goes away,      │ Abort, the time is over, the node stops,
//!     │ the time is over, it fails        │ it cannot be kept up to date, it is held
//!     └─────────────────┬─────────────────┘
//!                       v
//!                   forgotten
//! ```
//!
//! The node is busy all the while. It is decided under one lock whether a word came in time: who takes the preparation away
//! has the right to end it.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::cross::{How, StreamsTime};
use super::under::Under;
use super::{Life, StateFolder, TRIES, lock};
use crate::dispatch::StreamsInside;
use crate::node::chain::Plan;
use crate::node::life::{MoveError, Moved, Prepared};
use crate::node::random;
use crate::state::{Mode, Way};
use crate::version::Version;

/// The longest time that a node waits for a word.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// How often what was written meanwhile is brought over.
const CATCH_UP: Duration = Duration::from_secs(1);
/// How often work is asked to stop: it may just have been between two parts.
const ASK: Duration = Duration::from_millis(10);

/// The preparation that there is, and what has become of the last one.
#[derive(Default)]
pub(super) struct Preparations {
    now: Option<Preparation>,
    /// Its name, and why it is over.
    last: Option<(String, String)>,
}

struct Preparation {
    told: Prepared,
    /// Whether it waits for the word.
    ready: bool,
    ends: oneshot::Sender<Order>,
}

/// How a preparation ends, by the will of somebody.
enum Order {
    Switch(oneshot::Sender<Result<Moved, MoveError>>),
    Abort(oneshot::Sender<Result<(), MoveError>>),
}

/// Why a preparation does not go on.
enum Over {
    Ordered(Order),
    Late,
    Failed(String),
}

/// Who is told how it ended, once the node may be told something else again.
enum End {
    Nobody,
    Unready(oneshot::Sender<Result<Prepared, MoveError>>, MoveError),
    Aborted(oneshot::Sender<Result<(), MoveError>>, Result<(), MoveError>),
    Switched(oneshot::Sender<Result<Moved, MoveError>>, Result<Moved, MoveError>),
}

impl Life {
    /// Begins to prepare; it goes on for as long as what is returned is there.
    pub(in crate::node) fn prepare(self: &Arc<Self>, to: &Version, within: Duration) -> Result<Preparing, MoveError> {
        self.prepare_under(to, within, None)
    }

    /// The same under a coordinator's permit: preparing has to begin in its time.
    pub(in crate::node) fn prepare_under(
        self: &Arc<Self>,
        to: &Version,
        within: Duration,
        under: Option<Under>,
    ) -> Result<Preparing, MoveError> {
        let until = Instant::now() + within.min(LONGEST);
        let told = Prepared { to: to.clone(), name: random::name(), until };
        let (ends, ordered) = oneshot::channel();
        let (ready, readied) = oneshot::channel();
        let busy = {
            // Whoever takes back all there is finds this one, or the node free.
            let mut preparations = lock(&self.preparations);
            let busy = self.busy(format!("an upgrade to {to} is being prepared, or waits for the word"))?;
            preparations.now = Some(Preparation { told: told.clone(), ready: false, ends });
            busy
        };
        let preparing = Preparing { life: self.clone(), name: told.name.clone(), readied, kept: false };
        let life = self.clone();
        tokio::spawn(async move {
            let standing_by = life.clone();
            let work = async move { Ok(standing_by.stand_by(told, under, ordered, ready).await) };
            if let Ok(end) = life.to_the_end(busy, work).await {
                end.tell();
            }
        });
        Ok(preparing)
    }

    pub(in crate::node) async fn switch(&self, name: &str) -> Result<Moved, MoveError> {
        let (tell, told) = oneshot::channel();
        {
            let mut preparations = lock(&self.preparations);
            let late = |why: String| Err(MoveError::TooLate { why });
            match &preparations.now {
                Some(now) if now.told.name == name && !now.ready => {
                    return late("the node is not prepared yet".to_owned());
                }
                Some(now) if now.told.name == name && Instant::now() >= now.told.until => {
                    return late("the word came after its time".to_owned());
                }
                Some(now) if now.told.name == name => {}
                _ => return late(preparations.missing(name)),
            }
            preparations.end(name, "the word was given", Order::Switch(tell));
        }
        told.await.unwrap_or_else(|_| Err(self.vanished()))
    }

    pub(in crate::node) async fn abort(&self, name: &str) -> Result<(), MoveError> {
        let (tell, told) = oneshot::channel();
        if !lock(&self.preparations).end(name, "it was taken back", Order::Abort(tell)) {
            return Ok(());
        }
        told.await.unwrap_or_else(|_| Err(self.vanished()))
    }

    /// Takes back whatever preparation there is.
    pub(super) fn take_back_any(&self, why: &str) {
        let mut preparations = lock(&self.preparations);
        if let Some(name) = preparations.now.as_ref().map(|now| now.told.name.clone()) {
            preparations.end(&name, why, Order::Abort(oneshot::channel().0));
        }
    }

    /// The preparation that waits for the word.
    pub(super) fn prepared(&self) -> Option<Prepared> {
        let preparations = lock(&self.preparations);
        preparations.now.as_ref().filter(|now| now.ready).map(|now| now.told.clone())
    }

    fn vanished(&self) -> MoveError {
        MoveError::Stuck { phase: self.phase(), why: "the task that was to do it is gone".to_owned() }
    }

    /// The whole of a preparation.
    async fn stand_by(
        self: Arc<Self>,
        told: Prepared,
        under: Option<Under>,
        mut ordered: oneshot::Receiver<Order>,
        ready: oneshot::Sender<Result<Prepared, MoveError>>,
    ) -> End {
        let readying = self.make_ready(&told.to, under);
        let plan = match self.unless_over(&mut ordered, told.until, readying).await {
            Ok(Ok(plan)) => plan,
            Ok(Err(unready)) => {
                let error = match unready {
                    Unready::Refused(error) => error,
                    Unready::Failed(why) => self.not_begun(why).await,
                };
                self.ends_itself(&told.name, &error.to_string());
                return End::Unready(ready, error);
            }
            Err(over) => {
                let over = self.settled(over, &told.name, &mut ordered).await;
                let forgotten = self.forget_for_good().await;
                let too_late = |why: &str| MoveError::TooLate { why: why.to_owned() };
                return match over {
                    Over::Ordered(Order::Abort(tell)) => {
                        let _ = ready.send(Err(too_late("the preparation was taken back before it was ready")));
                        End::Aborted(tell, forgotten)
                    }
                    _ => End::Unready(ready, too_late("the time for the word was over before the node was prepared")),
                };
            }
        };
        self.now_ready(&told.name);
        let _ = ready.send(Ok(told.clone()));
        let (since, older) = (Instant::now(), self.dispatch.gate().streams());
        let over = self.wait_for_word(&plan, told.until, &mut ordered).await;
        match self.settled(over, &told.name, &mut ordered).await {
            Over::Ordered(Order::Switch(tell)) => {
                let older = Some(older).filter(|_| since.elapsed() >= self.limits.streams);
                End::Switched(tell, self.on_word(&plan, older).await)
            }
            Over::Ordered(Order::Abort(tell)) => End::Aborted(tell, self.forget_for_good().await),
            Over::Late => {
                let _ = self.forget_for_good().await;
                End::Nobody
            }
            Over::Failed(why) => {
                self.not_begun(why).await;
                End::Nobody
            }
        }
    }

    /// All that can be done while callers are served.
    async fn make_ready(&self, to: &Version, under: Option<Under>) -> Result<Plan, Unready> {
        let ready = self.take_ready(under.map(|_| (to, Way::On))).await;
        let mut plan = match ready {
            Some(plan) => plan,
            None => self.plan_on(to).await.map_err(Unready::Refused)?,
        };
        if let Some((_, mode)) = &mut plan.records
            && *mode == Mode::Eager
        {
            // There is time for it now, and none when the word has come.
            *mode = Mode::Online;
        }
        let to = to.clone();
        let permitted = self.on_state(move |state| {
            if under.is_some_and(Under::is_over) {
                return Ok(false);
            }
            let ahead = under.is_some() && state.is_learned_ahead(&to);
            if state.status().under_way.is_some() && !ahead {
                // Of a move before, which could not be forgotten.
                StateFolder::forget(state)?;
            }
            match under {
                Some(under) => state.permit_under(under.permit, &to, true)?,
                None => state.permit_on_word(&to)?,
            }
            // Its folders take syncs of the disk, which nobody has to wait for then.
            state.prepare().map(|_| true)
        });
        if !permitted.await.map_err(Unready::Failed)? {
            if let Err(error) = self.forget().await {
                tracing::warn!(%error, "what was made ahead of a permit could not all be removed");
            }
            return Err(Unready::Refused(MoveError::Expired { when: "before the node could prepare".to_owned() }));
        }
        self.ahead(&plan).await.map_err(Unready::Failed)?;
        self.compile(&plan.to).await;
        lock(&self.told).progress = None;
        Ok(plan)
    }

    /// Waits, and brings over what is written meanwhile.
    async fn wait_for_word(&self, plan: &Plan, until: Instant, ordered: &mut oneshot::Receiver<Order>) -> Over {
        let online = matches!(plan.records, Some((_, Mode::Online)));
        let mut catch_up = interval_at(Instant::now() + CATCH_UP, CATCH_UP);
        catch_up.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                over = ordered_or_late(ordered, until) => return over,
                _ = catch_up.tick(), if online => {}
            }
            match self.unless_over(ordered, until, self.ahead(plan)).await {
                Ok(Ok(())) => lock(&self.told).progress = None,
                Ok(Err(why)) => return Over::Failed(why),
                Err(over) => return over,
            }
        }
    }

    /// Switches, if the application still lets it.
    async fn on_word(self: &Arc<Self>, plan: &Plan, older: Option<StreamsInside>) -> Result<Moved, MoveError> {
        if let Err(held) = self.not_held(&plan.to) {
            self.forget_for_good().await?;
            return Err(held);
        }
        self.cross(plan, How { streams: StreamsTime::Over(older), ..How::default() }).await
    }

    /// What comes of some work, or what ends the preparation before; the work has stopped then.
    async fn unless_over<T>(
        &self,
        ordered: &mut oneshot::Receiver<Order>,
        until: Instant,
        work: impl Future<Output = T>,
    ) -> Result<T, Over> {
        let mut work = pin!(work);
        let over = tokio::select! {
            biased;
            over = ordered_or_late(ordered, until) => over,
            done = &mut work => return Ok(done),
        };
        self.stop_working(work).await;
        Err(over)
    }

    pub(super) async fn stop_working<T>(&self, mut work: Pin<&mut impl Future<Output = T>>) {
        loop {
            if let Some((_, progress)) = &lock(&self.told).progress {
                progress.stop();
            }
            tokio::select! {
                biased;
                _ = &mut work => break,
                () = sleep(ASK) => {}
            }
        }
        lock(&self.told).progress = None;
    }

    /// The preparation is nobody's any more; whoever was faster with an order has it.
    async fn settled(&self, over: Over, name: &str, ordered: &mut oneshot::Receiver<Order>) -> Over {
        let why = match &over {
            Over::Ordered(_) => return over,
            Over::Late => "the word did not come in its time",
            Over::Failed(why) => why,
        };
        if self.ends_itself(name, why) {
            return over;
        }
        match ordered.await {
            // A word for what cannot be kept up to date would fail.
            Ok(Order::Switch(tell)) if matches!(over, Over::Failed(_)) => {
                let Over::Failed(why) = over else { return over };
                let _ = tell.send(Err(MoveError::TooLate { why: why.clone() }));
                Over::Failed(why)
            }
            Ok(order) => Over::Ordered(order),
            Err(_) => over,
        }
    }

    /// Whether it was not over before.
    fn ends_itself(&self, name: &str, why: &str) -> bool {
        lock(&self.preparations).take(name, why).is_some()
    }

    fn now_ready(&self, name: &str) {
        if let Some(now) = lock(&self.preparations).now.as_mut().filter(|now| now.told.name == name) {
            now.ready = true;
        }
        self.publish();
    }

    /// Takes back what was written down and made.
    async fn forget_for_good(&self) -> Result<(), MoveError> {
        let mut forgotten = Ok(());
        for _ in 0..TRIES {
            forgotten = self.forget().await;
            if forgotten.is_ok() {
                break;
            }
        }
        self.publish();
        forgotten.map_err(|why| {
            tracing::warn!(%why, "that a preparation is over could not be written down");
            MoveError::Failed { phase: self.phase(), why, version: self.version() }
        })
    }
}

/// Why a node is not ready.
pub(super) enum Unready {
    /// Nothing was written down.
    Refused(MoveError),
    Failed(String),
}

/// Ready when somebody ends it, or its time is over.
async fn ordered_or_late(ordered: &mut oneshot::Receiver<Order>, until: Instant) -> Over {
    tokio::select! {
        biased;
        Ok(order) = ordered => Over::Ordered(order),
        () = sleep_until(until) => Over::Late,
    }
}

impl Preparations {
    /// Takes it away, if it is there, remembering why.
    fn take(&mut self, name: &str, why: &str) -> Option<Preparation> {
        let taken = self.now.take_if(|now| now.told.name == name)?;
        self.last = Some((name.to_owned(), why.to_owned()));
        Some(taken)
    }

    /// Ends it as ordered, if it is there.
    fn end(&mut self, name: &str, why: &str, order: Order) -> bool {
        let taken = self.take(name, why);
        taken.is_some_and(|preparation| preparation.ends.send(order).is_ok())
    }

    fn missing(&self, name: &str) -> String {
        match &self.last {
            Some((last, why)) if last == name => format!("this preparation is over: {why}"),
            _ => "the node knows of no such preparation: it is over, or the program has started since".to_owned(),
        }
    }
}

impl End {
    fn tell(self) {
        // Whoever has gone away does not need to hear it.
        match self {
            Self::Nobody => {}
            Self::Unready(tell, error) => drop(tell.send(Err(error))),
            Self::Aborted(tell, result) => drop(tell.send(result)),
            Self::Switched(tell, result) => drop(tell.send(result)),
        }
    }
}

/// A preparation that has begun. Whoever asked for it may go away, and it is taken back then.
pub(in crate::node) struct Preparing {
    life: Arc<Life>,
    name: String,
    readied: oneshot::Receiver<Result<Prepared, MoveError>>,
    /// Whether it goes on without whoever asked for it.
    kept: bool,
}

impl Preparing {
    pub(in crate::node) fn name(&self) -> &str {
        &self.name
    }

    /// Waits until all is done that can be.
    pub(in crate::node) async fn ready(mut self) -> Result<Prepared, MoveError> {
        let readied = (&mut self.readied).await.unwrap_or_else(|_| Err(self.life.vanished()));
        self.kept = true;
        readied
    }
}

impl Drop for Preparing {
    fn drop(&mut self) {
        if !self.kept {
            let order = Order::Abort(oneshot::channel().0);
            lock(&self.life.preparations).end(&self.name, "nobody waited for it any more", order);
        }
    }
}
