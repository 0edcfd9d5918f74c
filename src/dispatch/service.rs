//! The tower service in front of a node's routes.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context as Waking, Poll, ready};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use http::{Request, Response};
use tower_service::Service;

use super::call::{self, Call, Caller};
use super::calling::Calling;
use super::context::Context;
use super::doors::Doors;
use super::ending::Ending;
use super::gate::{Gate, Inside};
use super::inside::{AtGate, Entered, LetIn};
use super::route::Route;
use super::sampling::Sampling;
use super::table::{RESUME, RESUME_ABLE, Refused, Table, VERSION};
use super::tally::{Counted, Counting, Outcome, RewriteCosts, Tallies, Unrouted};
use super::traced::Traced;
use crate::census::Told;
use crate::refusal::{Reason, Refusal};
use crate::retiring::{Retiring, WallClock};
use crate::version::Version;
use crate::wire::{Body, NotBegun};

/// Answers the calls of every version: reads the label, finds the route in the node's table, and goes there.
///
/// Cheap to clone; all clones share one table.
#[derive(Clone)]
pub struct Dispatch {
    shared: Arc<Shared>,
    /// What has to live for as long as calls may come.
    _kept: Option<Arc<dyn Any + Send + Sync>>,
}

/// Where the table is to be found; empty until the node is built, and while its objects change behind the gate.
#[derive(Default)]
struct Shared {
    table: ArcSwapOption<Table>,
    gate: Gate,
    /// Why there is no table; callers read it only while the gate is open.
    absent: ArcSwapOption<String>,
    /// Whether another program goes on with the node: whoever calls is to call there.
    left: AtomicBool,
    held: Mutex<Held>,
    tallies: Tallies,
    /// Who calls, once somebody wants to know.
    calling: OnceLock<Calling>,
    doors: Arc<Doors>,
    heard: OnceLock<Heard>,
    sampling: OnceLock<Sampling>,
}

/// Is told a version that a caller's label says and the table lacks; whether it is being learned.
type Heard = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// Whether callers are kept away although there are objects: the table is here then, for calls from within alone.
#[derive(Default)]
struct Held {
    why: Option<String>,
    table: Option<Arc<Table>>,
}

impl Shared {
    /// Begins a call that the gate has let in; only now is it known which table it uses.
    fn begin(&self, inside: Inside, mut request: Request<Body>, came: Option<Instant>) -> State {
        let table = self.table.load();
        let goes_on = request.headers().get(&RESUME).is_some_and(|says| says == RESUME_ABLE);
        let (mut ending, mut said_all, mut passed) = (Ending::default(), None, None);
        let call = match table.as_ref() {
            None if self.left.load(Ordering::Acquire) => {
                Traced::kept_out(self.sampling(), request.uri().path(), request.headers());
                return State::NotBegun(Box::pin(NotBegun::answer(request, "another program goes on with this node")));
            }
            None => match self.kept_away() {
                Some(why) => {
                    Traced::kept_out(self.sampling(), request.uri().path(), request.headers());
                    return State::NotBegun(Box::pin(NotBegun::answer(request, why)));
                }
                // They were let in just now.
                None if self.table.load().is_some() => return self.begin(inside, request, came),
                None => {
                    Traced::kept_out(self.sampling(), request.uri().path(), request.headers());
                    Call::told(self.absent(), request.into_body())
                }
            },
            Some(table) => match table.enter(request.uri().path(), request.headers()) {
                Ok((route, through)) => {
                    passed = through;
                    ending.traced = Traced::outside(self.sampling(), route, request.headers_mut(), came);
                    if self.tallies.are_wanted() {
                        let unlabelled = !request.headers().contains_key(&VERSION);
                        let came = self.count_caller(&mut request, route, unlabelled, came);
                        ending.counting = Some(Counting::begin(&route.tally, unlabelled, came));
                    }
                    if route.client_streaming && !route.server_streaming {
                        let (body, said) = std::mem::take(request.body_mut()).heard();
                        (*request.body_mut(), said_all) = (body, Some(said));
                    }
                    let _within = ending.enter();
                    Call::begin(route, || table.clone(), request, Caller::Outside)
                }
                Err(refused) => Call::told(self.without_route(table, &mut request, refused), request.into_body()),
            },
        };
        State::Entered(Entered::new(call, inside.passing(passed), goes_on, said_all, ending))
    }

    /// Counts a call without a route. When that is for a version which is being learned, the caller is to come again.
    #[cold]
    fn without_route(&self, table: &Table, request: &mut Request<Body>, refused: Refused) -> Refused {
        let refusal = Refusal::from_status(&refused.0);
        let outcome = refusal.as_ref().map_or(Outcome::Failed, |refusal| Outcome::Refused(refusal.reason()));
        Traced::unrouted(self.sampling(), table, request.uri().path(), request.headers(), outcome);
        if self.tallies.are_wanted() {
            let reason = refusal.as_ref().map(Refusal::reason);
            match (table.not_taken(request.uri().path(), request.headers()), reason) {
                (Some((route, unlabelled)), Some(reason)) => {
                    let came = self.count_caller(request, route, unlabelled, None);
                    Counting::begin(&route.tally, unlabelled, came).refused(reason);
                }
                _ => self.tallies.unrouted(reason),
            }
        }
        let Some(heard) = self.heard.get() else { return refused };
        let refusal = refusal.filter(|refusal| refusal.reason() == Reason::UnknownVersion);
        let learning = refusal.filter(|refusal| refusal.caller_version().is_some_and(heard));
        let Some(learning) = learning else { return refused };
        let mut status = tonic::Status::from(learning.while_learning());
        *status.metadata_mut() = refused.0.metadata().clone();
        Refused(status)
    }

    /// Counts who calls, if somebody wants to know, and then says when the call came.
    fn count_caller(
        &self,
        request: &mut Request<Body>,
        route: &Route,
        unlabelled: bool,
        came: Option<Instant>,
    ) -> Option<Instant> {
        let Some(calling) = self.calling.get() else { return came };
        let came = came.unwrap_or_else(Instant::now);
        calling.count(request, route, unlabelled, came);
        Some(came)
    }

    fn sampling(&self) -> Sampling {
        self.sampling.get().copied().unwrap_or_default()
    }

    /// Why callers are kept away, if they are.
    fn kept_away(&self) -> Option<String> {
        lock(&self.held).why.clone()
    }

    fn absent(&self) -> Refused {
        let why = self.absent.load_full();
        call::unavailable(why.as_ref().map_or("the node is starting", |why| why.as_str()))
    }
}

impl Dispatch {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default(), _kept: None }
    }

    /// The same, keeping something alive for as long as calls may come this way.
    pub(crate) fn keeping(&self, kept: Arc<dyn Any + Send + Sync>) -> Self {
        Self { shared: self.shared.clone(), _kept: Some(kept) }
    }

    /// Which calls are told as spans; what is said first counts.
    pub(crate) fn sample(&self, sampling: Sampling) {
        let _ = self.shared.sampling.set(sampling);
    }

    /// Puts the table in place; calls that began before go on with the one before.
    pub(crate) fn install(&self, table: Table) {
        table.hang(&self.shared.doors);
        let mut held = lock(&self.shared.held);
        self.shared.tallies.add(table.tallies());
        if let Some(calling) = self.shared.calling.get() {
            calling.add(table.routes());
        }
        if held.why.is_some() {
            held.table = Some(Arc::new(table));
        } else {
            self.shared.table.store(Some(Arc::new(table)));
        }
    }

    /// From here on callers are told what is retired and announced, calls that are inside go on, and streams until
    /// [`Going::end_streams`].
    pub(crate) fn retire(&self, retiring: &Retiring, clock: &Arc<dyn WallClock>) {
        self.shared.gate.spare_retired_streams();
        self.shared.doors.set(retiring, clock);
    }

    /// The calls of retired versions.
    pub(crate) fn going(&self) -> Going {
        Going { shared: Arc::downgrade(&self.shared), doors: self.shared.doors.clone() }
    }

    /// The table loses its routes of retired versions, and with them what they lead to; the calls on all others go on.
    pub(crate) fn let_go_of_retired(&self) {
        let mut held = lock(&self.shared.held);
        if let Some(table) = &held.table {
            held.table = Some(Arc::new(table.without_retired()));
        }
        if let Some(table) = self.shared.table.load_full() {
            self.shared.table.store(Some(Arc::new(table.without_retired())));
        }
    }

    /// Keeps callers away, as not begun, until they are let in; calls from within go on.
    pub(crate) fn keep_away(&self, why: String) {
        let mut held = lock(&self.shared.held);
        if held.why.replace(why).is_none() {
            held.table = self.shared.table.swap(None);
        }
    }

    /// Lets callers in.
    pub(crate) fn let_in(&self) {
        let mut held = lock(&self.shared.held);
        if held.why.take().is_some()
            && let Some(table) = held.table.take()
        {
            self.shared.table.store(Some(table));
        }
    }

    /// Why callers are kept away, if they are.
    pub(crate) fn kept_away(&self) -> Option<String> {
        self.shared.kept_away()
    }

    /// Counts calls from now on.
    pub(crate) fn count_calls(&self) {
        // Under the lock under which tables come and go.
        let held = lock(&self.shared.held);
        if !self.shared.tallies.are_wanted() {
            self.shared.tallies.want();
            let table = self.shared.table.load_full().or_else(|| held.table.clone());
            self.shared.tallies.add(table.iter().flat_map(|table| table.tallies()));
        }
    }

    /// Counts calls, and who calls, from now on.
    pub(crate) fn count_callers(&self) {
        self.count_calls();
        // Under the lock under which tables come and go.
        let held = lock(&self.shared.held);
        let calling = self.shared.calling.get_or_init(Calling::new);
        let table = self.shared.table.load_full().or_else(|| held.table.clone());
        if let Some(table) = table {
            calling.add(table.routes());
        }
    }

    /// Takes at most so many callers out, to tell of them, with the time of their clock; nobody's where they are not counted.
    pub(crate) fn take_callers(&self, most: usize) -> (Told, u64) {
        self.shared.calling.get().map(|calling| calling.take(most)).unwrap_or_default()
    }

    /// How much memory is taken by who has called and was not told yet, names included; 0 where nobody counts.
    #[must_use]
    pub fn callers_bytes(&self) -> usize {
        self.shared.calling.get().map_or(0, Calling::bytes)
    }

    /// Whether nobody is answered, and nobody will be before somebody puts a table in place.
    pub(crate) fn answers_nobody(&self) -> bool {
        let held = lock(&self.shared.held);
        held.table.is_none() && self.shared.table.load().is_none()
    }

    /// The calls that were counted so far, sorted; reading them changes nothing.
    pub(crate) fn counted(&self) -> Vec<Counted> {
        self.shared.tallies.counted()
    }

    /// What rewriting has cost so far, by the versions of callers and node.
    pub(crate) fn rewrite_costs(&self) -> Vec<RewriteCosts> {
        self.shared.tallies.rewrite_costs()
    }

    /// The calls so far that no route could count.
    pub(crate) fn unrouted(&self) -> Unrouted {
        self.shared.tallies.without_route()
    }

    /// Has somebody told of versions that callers' labels say and the table lacks; once for all times.
    pub(crate) fn tell_unknown(&self, heard: impl Fn(&str) -> bool + Send + Sync + 'static) {
        let _ = self.shared.heard.set(Box::new(heard));
    }

    /// Takes the table away, and with it the objects, but for calls that are inside; should the gate be open, callers are
    /// told that the node is unavailable, and `why`.
    pub(crate) fn remove(&self, why: &str) {
        self.shared.absent.store(Some(Arc::new(why.to_owned())));
        let mut held = lock(&self.shared.held);
        held.table = None;
        self.shared.table.store(None);
    }

    /// From here on calls are answered as not begun, once there is no table: another program answers them.
    pub(crate) fn leave(&self) {
        self.shared.left.store(true, Ordering::Release);
    }

    /// The gate that calls from outside come through.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// The table that a call which begins now would use; none until the node is built.
    #[must_use]
    pub fn table(&self) -> Option<Arc<Table>> {
        self.shared.table.load_full()
    }

    /// The way back in for the simulation object whose adjacent version is `version`.
    pub(crate) fn within(&self, version: Version) -> Within {
        Within { shared: Arc::downgrade(&self.shared), version: Arc::new(version) }
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Dispatch").field(&self.shared.table.load().as_deref()).finish()
    }
}

impl Service<Request<Body>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Dispatched;

    fn poll_ready(&mut self, _: &mut Waking<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Dispatched {
        if let Some(inside) = self.shared.gate.enter() {
            return Dispatched(self.shared.begin(inside, request, None));
        }
        Dispatched(match self.shared.gate.wait() {
            Ok(waiting) => {
                State::Waiting(Box::new((AtGate::new(waiting, request, self.shared.sampling()), self.shared.clone())))
            }
            Err(too_many) => {
                Traced::kept_out(self.shared.sampling(), request.uri().path(), request.headers());
                State::Told(Box::new(Call::told(call::unavailable(&too_many.to_string()), Body::empty())))
            }
        })
    }
}

/// The answer of [`Dispatch`] on its way.
#[must_use = "futures do nothing unless polled"]
pub struct Dispatched(State);

enum State {
    /// The node upgrades.
    Waiting(Box<(AtGate, Arc<Shared>)>),
    /// Nobody lets it in.
    Told(Box<Call>),
    /// Another program answers it.
    NotBegun(Pin<Box<dyn Future<Output = Response<Body>> + Send>>),
    Entered(Entered),
}

impl Future for Dispatched {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, waking: &mut Waking<'_>) -> Poll<Self::Output> {
        if let State::Waiting(waiting) = &mut self.0 {
            let (at_gate, shared) = waiting.as_mut();
            self.0 = match ready!(at_gate.poll(waking)) {
                Ok(LetIn { inside, request, came }) => shared.begin(inside, request, Some(came.into_std())),
                Err(refused) => State::Told(Box::new(refused)),
            };
        }
        match &mut self.0 {
            State::Entered(entered) => Pin::new(entered).poll(waking).map(Ok),
            State::Told(call) => Pin::new(call.as_mut()).poll(waking).map(Ok),
            State::NotBegun(answer) => answer.as_mut().poll(waking).map(Ok),
            State::Waiting(_) => Poll::Pending,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calls of retired versions. Whoever waits for them keeps no objects.
pub(crate) struct Going {
    shared: Weak<Shared>,
    doors: Arc<Doors>,
}

impl Going {
    /// Ends their streams.
    pub(crate) fn end_streams(&self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let table = shared.table.load_full().or_else(|| lock(&shared.held).table.clone());
        shared.gate.end_retired_streams(&table.map(|table| table.served()).unwrap_or_default());
    }

    /// Ready once none of them is inside.
    pub(crate) async fn are_gone(&self) {
        self.doors.are_empty().await;
    }
}

/// Dispatch as it is seen from a simulation object.
#[derive(Clone)]
pub(crate) struct Within {
    /// The table holds the simulation object, so the way back must not hold the table.
    shared: Weak<Shared>,
    version: Arc<Version>,
}

impl Within {
    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    /// Sends a request on its way in the adjacent version, with the table of the call above where there is one.
    pub(crate) fn begin(
        &self,
        above: Option<&Context>,
        mut request: Request<Body>,
        own_deadline: bool,
    ) -> (Call, Ending) {
        let table = match above {
            Some(above) => Some(above.table.clone()),
            None => self.shared.upgrade().and_then(|shared| {
                let table = shared.table.load_full();
                table.or_else(|| lock(&shared.held).table.clone())
            }),
        };
        let Some(table) = table else {
            let refused = call::unavailable("the node has not started, or has stopped");
            return (Call::told(refused, Body::empty()), Ending::default());
        };
        match table.route_within(request.uri().path(), &self.version) {
            Ok(route) => {
                let route = route.clone();
                let sampling = || self.shared.upgrade().map(|shared| shared.sampling()).unwrap_or_default();
                let traced = Traced::beneath(sampling, &route, request.headers_mut());
                let ending = Ending { traced, counting: None };
                let call = {
                    let _within = ending.enter();
                    Call::begin(&route, || table, request, Caller::Within { own_deadline })
                };
                (call, ending)
            }
            Err(refused) => (Call::told(refused, Body::empty()), Ending::default()),
        }
    }
}
