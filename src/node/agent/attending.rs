//! The agent at work: what comes from the node and from the coordinator goes into its core, and what comes out is done.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::core::{AgentCore, Input, Output, Step};
use super::counting::{Batch, Counting};
use super::link::{self, Stream};
use super::supervised::Supervised;
use super::{Coordinated, Node, learning, lock, moving, reporting, retiring};
use crate::control::v1_0_0 as wire;
use crate::node::Kind;
use crate::transport::Channel;
use crate::version::Version;

/// How long the coordinator may take to end the stream of an agent that ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// Why a stream ends whose node has another one's name.
const NAME_TAKEN: &str = "NAME_TAKEN";
/// Most that has happened and was not looked at yet.
const EVENTS: usize = 64;

/// What an agent shares with those who call the node.
#[derive(Debug)]
pub(super) struct Agent {
    core: Mutex<AgentCore>,
    /// There is something to be done for the core.
    wake: Notify,
    /// Where the core's clock begins.
    begun: Instant,
}

/// What happens to an agent.
pub(super) enum Event {
    Connected(Stream),
    Said(wire::ToAgent),
    Lost(Option<String>),
    /// Something that was begun is over.
    Done(Input),
}

impl Agent {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn handle(&self, input: Input) {
        lock(&self.core).handle(input, self.now());
    }

    /// Somebody has named a version; whether it is being learned.
    pub(super) fn heard(&self, version: &str) -> bool {
        let mut core = lock(&self.core);
        core.handle(Input::Unknown(version.to_owned()), self.now());
        let learning = core.is_learning(version);
        drop(core);
        self.wake.notify_one();
        learning
    }
}

/// A node that attends its coordinator, until this is dropped.
#[must_use = "the node attends for as long as this is there"]
pub struct Attending(Option<(Arc<Notify>, JoinHandle<()>)>);

impl Attending {
    /// Whether it is this that attends.
    pub(in crate::node) fn is_attending(&self) -> bool {
        self.0.is_some()
    }

    /// Ends it, once the coordinator was told.
    pub async fn end(mut self) {
        if let Some((stop, task)) = self.0.take() {
            stop.notify_one();
            let _ = timeout(FAREWELL, task).await;
        }
    }
}

impl Drop for Attending {
    fn drop(&mut self) {
        if let Some((stop, _)) = &self.0 {
            stop.notify_one();
        }
    }
}

impl fmt::Debug for Attending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Attending").field(&self.0.is_some()).finish()
    }
}

impl Node {
    /// Attends the node's coordinator, if it has one, for callers who reach the node at `address`. [`serve`](Self::serve) does this;
    /// it is for those who serve [`service_with`](Self::service_with) by themselves, whose callers are answered from when the
    /// node is admitted on. A node attends once: a second call does nothing.
    ///
    /// # Errors
    /// When there is no runtime to do it in.
    pub fn attend(&self, address: &str) -> std::io::Result<Attending> {
        let agency = self.agency();
        let Some(coordinated) = agency.coordinated.clone() else { return Ok(Attending(None)) };
        let runtime = tokio::runtime::Handle::try_current().map_err(std::io::Error::other)?;
        let channel = coordinated.channel().map_err(std::io::Error::other)?;
        let supervised = coordinated.supervisor.as_deref().map(Supervised::by).transpose();
        let supervised = supervised.map_err(std::io::Error::other)?;
        let _ = agency.name.set(coordinated.name_at(address));
        let mut core = AgentCore::new(reporting::hello(self, &coordinated, address));
        let every = u64::try_from(coordinated.tell_every.as_micros()).unwrap_or(u64::MAX);
        core = core.counting(every);
        if matches!(&self.0, Kind::Living(_)) {
            core = core.getting_ready();
        }
        // What is told of calls is so from when they were counted on.
        let begun = *agency.counts_since.get_or_init(Instant::now);
        let agent = Arc::new(Agent { core: Mutex::new(core), wake: Notify::new(), begun });
        if agency.agent.set(agent.clone()).is_err() {
            return Ok(Attending(None));
        }
        let asked = Arc::downgrade(&agent);
        self.dispatch().tell_unknown(move |version| asked.upgrade().is_some_and(|agent| agent.heard(version)));
        let stop = Arc::new(Notify::new());
        let (events, coming) = mpsc::channel(EVENTS);
        let work = Work {
            node: self.clone(),
            agent,
            coordinated,
            channel,
            events,
            stream: None,
            word: watch::Sender::new(None),
            supervised,
            counting: Counting::default(),
            readying: None,
            taken: false,
        };
        let task = runtime.spawn(work.run(coming, stop.clone()));
        Ok(Attending(Some((stop, task))))
    }
}

/// All that the agent does.
struct Work {
    node: Node,
    agent: Arc<Agent>,
    coordinated: Coordinated,
    channel: Channel,
    events: mpsc::Sender<Event>,
    stream: Option<Stream>,
    /// To the preparation that there is.
    word: watch::Sender<Option<bool>>,
    supervised: Option<Supervised>,
    counting: Counting,
    /// What is done ahead of a permit, and what interrupts it.
    readying: Option<(Arc<Notify>, JoinHandle<()>)>,
    /// The coordinator has another program under this node's name.
    taken: bool,
}

impl Work {
    async fn run(mut self, mut coming: mpsc::Receiver<Event>, stop: Arc<Notify>) {
        let looking = self.supervised.clone();
        let mut supervised = looking.as_ref().map(Supervised::watch);
        if let Some(looking) = &looking {
            // What Hello says is as the supervisor knows it.
            looking.look().await;
        }
        let mut looking = std::pin::pin!(async move {
            match looking {
                Some(looking) => looking.keep_looking().await,
                None => std::future::pending().await,
            }
        });
        let (url, stops) = (self.coordinated.url.clone(), self.node.agency().stops.clone());
        let link = tokio::spawn(link::keep(self.channel.clone(), url, self.events.clone(), stops));
        let mut status = self.node.watch();
        let node = self.node.clone();
        let mut handed_over = std::pin::pin!(node.handed_over());
        let mut alone = self.coordinated.alone.map(|patience| self.agent.begun + patience);
        loop {
            self.act();
            let due = lock(&self.agent.core).next_tick(self.agent.now());
            let due = due.map(|due| Instant::now() + Duration::from_micros(due));
            tokio::select! {
                biased;
                () = stop.notified() => break,
                // Another program attends under this name.
                () = &mut handed_over => break,
                event = coming.recv() => match event {
                    Some(event) => self.happened(event),
                    None => break,
                },
                changed = status.changed() => {
                    if changed.is_err() {
                        break;
                    }
                    status.borrow_and_update();
                    self.look();
                }
                () = until(due) => self.look(),
                () = changed(&mut supervised) => self.look(),
                () = &mut looking => {}
                () = until(alone) => {
                    alone = None;
                    self.serve_alone();
                }
                () = self.agent.wake.notified() => {}
            }
        }
        self.end(link, coming).await;
    }

    /// Says farewell by ending the stream; what was said before arrives.
    async fn end(mut self, link: JoinHandle<()>, mut coming: mpsc::Receiver<Event>) {
        if let Some((interrupt, _)) = &self.readying {
            interrupt.notify_one();
        }
        // Calls have come to their end.
        while !self.count(true) {}
        self.act();
        let attending = self.stream.take().is_some();
        let ended = async {
            while let Some(event) = coming.recv().await {
                if matches!(event, Event::Lost(_)) {
                    break;
                }
            }
        };
        if attending {
            let _ = timeout(FAREWELL / 2, ended).await;
        }
        link.abort();
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Connected(stream) => {
                self.stream = Some(stream);
                // What Hello says is as it is now.
                self.look();
                self.agent.handle(Input::Connected);
            }
            Event::Said(said) => self.agent.handle(Input::Said(said)),
            Event::Lost(reason) => {
                self.stream = None;
                self.named_twice(reason.as_deref() == Some(NAME_TAKEN));
                self.agent.handle(Input::Lost(reason));
            }
            Event::Done(input) => {
                let ended = matches!(input, Input::MoveEnded { .. } | Input::Finalized(_) | Input::Retired(_));
                self.agent.handle(input);
                if ended {
                    self.look();
                }
            }
        }
    }

    /// Looks how the node is.
    fn look(&mut self) {
        let seen = self.supervised.as_ref().map(Supervised::seen).unwrap_or_default();
        let counted = self.node.dispatch().counted();
        if self.counting.note(&counted) {
            self.agent.handle(Input::CalledFirst);
        }
        let report = reporting::report(&self.node, &self.coordinated, seen, &counted);
        self.agent.handle(Input::Node(Box::new(report)));
    }

    /// Says who has called what; whether that is all of it.
    fn count(&mut self, ending: bool) -> bool {
        // What begins after this belongs to the time of the next batch, be it counted in this one.
        let (closed, now) = (self.node.dispatch().answers_nobody(), self.agent.now());
        self.look();
        let Batch { mut census, whole, left } = self.counting.take(self.node.dispatch(), ending);
        census.last = ending && closed && whole;
        lock(&self.agent.core).handle(Input::Counted { census: Box::new(census), whole, left }, now);
        whole
    }

    /// Does what the core says.
    fn act(&mut self) {
        loop {
            let outputs = lock(&self.agent.core).take();
            if outputs.is_empty() {
                break;
            }
            // What is done may lead to more.
            for output in outputs {
                self.act_on(output);
            }
        }
    }

    fn act_on(&mut self, output: Output) {
        match output {
            Output::Say(said) => self.stream.iter().for_each(|stream| stream.say(said.clone())),
            Output::GetReady(step) => self.ready(Some(step)),
            Output::StandDown => self.ready(None),
            Output::Begin { permit, begin_by } => self.begin(permit, begin_by),
            Output::Word { permit: _, switch } => drop(self.word.send_replace(Some(switch))),
            Output::Learn(digest) => {
                let (node, channel) = (self.node.clone(), self.channel.clone());
                self.later(async move {
                    let result = learning::learn(&node, channel, &digest).await;
                    Input::Learned { digest, result }
                });
            }
            Output::Find(version) => {
                let (node, channel) = (self.node.clone(), self.channel.clone());
                self.later(async move {
                    let bundles = learning::find(&node, channel, &version).await;
                    Input::Found { version, bundles }
                });
            }
            Output::Finalize => {
                let (node, supervised) = (self.node.clone(), self.supervised.clone());
                self.later(async move {
                    Input::Finalized(match supervised {
                        // It is to know that there is no way back any more.
                        Some(supervised) => supervised.finalize().await,
                        None => node.finalize().await.map_err(|error| error.to_string()),
                    })
                });
            }
            Output::Retire(told) => {
                let node = self.node.clone();
                self.later(async move { Input::Retired(retiring::retire(&node, told).await) });
            }
            Output::Serve(serve) => self.serve(serve),
            Output::Activate(version) => self.activate(&version),
            Output::Count => drop(self.count(false)),
        }
    }

    /// Does something that takes time.
    fn later(&self, work: impl Future<Output = Input> + Send + 'static) {
        let events = self.events.clone();
        tokio::spawn(async move {
            let done = work.await;
            // Where nobody listens, the agent has ended.
            let _ = events.send(Event::Done(done)).await;
        });
    }

    /// Does what can be done ahead of a permit, or undoes it; one after the other.
    fn ready(&mut self, step: Option<Step>) {
        let (node, interrupt, before) = (self.node.clone(), Arc::new(Notify::new()), self.readying.take());
        let (interrupted, events) = (interrupt.clone(), self.events.clone());
        let task = tokio::spawn(async move {
            if let Some((_, before)) = before {
                let _ = before.await;
            }
            let Some(step) = step else { return moving::stand_down(&node).await };
            let ready = moving::get_ready(&node, &step, interrupted).await;
            // Where nobody listens, the agent has ended.
            let _ = events.send(Event::Done(Input::Ready(ready))).await;
        });
        self.readying = Some((interrupt, task));
    }

    fn begin(&mut self, permit: wire::Permit, begin_by: u64) {
        let begin_by = self.agent.begun + Duration::from_micros(begin_by);
        self.word = watch::Sender::new(None);
        let (node, coordinated, word) = (self.node.clone(), self.coordinated.clone(), self.word.subscribe());
        let (supervised, readying) = (self.supervised.clone(), self.readying.take());
        tracing::info!(
            upgrade = permit.upgrade,
            permit = permit.permit,
            from = permit.from,
            to = permit.to,
            "the coordinator lets the node move"
        );
        self.later(async move {
            // What is not done yet the move does itself.
            if let Some((interrupt, readying)) = readying {
                interrupt.notify_one();
                let _ = readying.await;
            }
            let moved = moving::go(&node, &coordinated, supervised.as_ref(), &permit, begin_by, word).await;
            let pause = moved.as_ref().map_or(0, |pause| u64::try_from(pause.as_micros()).unwrap_or(u64::MAX));
            Input::MoveEnded { permit: permit.permit, failure: moved.err(), pause }
        });
    }

    fn serve(&mut self, serve: Result<(), String>) {
        let dispatch = self.node.dispatch();
        let admitted = serve.is_ok();
        *lock(&self.node.agency().admission) = admitted.then(|| lock(&self.agent.core).admission());
        match serve {
            Ok(()) => {
                tracing::info!("the coordinator has admitted the node: it serves");
                dispatch.let_in();
            }
            Err(why) => {
                tracing::warn!(why, "the coordinator does not let the node serve");
                dispatch.keep_away(why);
            }
        }
        self.node.fronts().set_admitted(admitted);
        tell(&self.node);
        self.look();
    }

    /// Says why a node is not admitted whose name another one has; it tries again by itself.
    fn named_twice(&mut self, taken: bool) {
        self.taken = taken;
        if taken && !self.node.agency().lets_serve() {
            let why = "another program attends its coordinator under this name, and was heard a moment ago: give each node a \
                       name of its own";
            self.node.dispatch().keep_away(why.to_owned());
            tell(&self.node);
        }
    }

    /// Nobody was there to admit the node.
    fn serve_alone(&mut self) {
        let admitted = lock(&self.node.agency().admission).is_some();
        if !admitted && self.stream.is_none() && !self.taken {
            tracing::warn!("the node serves without having been admitted: its coordinator cannot be reached");
            *lock(&self.node.agency().admission) = Some(0);
            self.node.dispatch().let_in();
            self.node.fronts().set_admitted(true);
            tell(&self.node);
        }
    }

    /// Once it is true it is so for ever, also for the program that is started next: so it is written down first.
    fn activate(&self, version: &str) {
        let Ok(version) = version.parse::<Version>() else { return };
        let node = self.node.clone();
        tokio::spawn(async move {
            if let Kind::Living(life) = &node.0
                && let Err(why) = life.keep_active(version.clone()).await
            {
                tracing::warn!(%version, why, "that this version's behaviour is active could not be written down");
            }
            tracing::info!(%version, "this version's behaviour is active everywhere");
            node.agency().activate(version);
            tell(&node);
        });
    }
}

/// Tells those who watch the node.
fn tell(node: &Node) {
    match &node.0 {
        Kind::Living(life) => life.tell(),
        Kind::Resting(resting) => resting.tell(),
    }
}

/// Ready once the supervisor says something else.
async fn changed(seen: &mut Option<watch::Receiver<super::supervised::Seen>>) {
    if let Some(seen) = seen
        && seen.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
