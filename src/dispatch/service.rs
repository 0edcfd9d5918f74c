//! The tower service in front of a node's routes.

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context as Waking, Poll, ready};

use arc_swap::ArcSwapOption;
use http::{Request, Response};
use tower_service::Service;

use super::call::{self, Call, Caller};
use super::context::Context;
use super::gate::{Gate, Inside};
use super::inside::{AtGate, Entered};
use super::table::{RESUME, RESUME_ABLE, Refused, Table};
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
}

impl Shared {
    /// Begins a call that the gate has let in; only now is it known which table it uses.
    fn begin(&self, inside: Inside, request: Request<Body>) -> State {
        let table = self.table.load();
        let goes_on = request.headers().get(&RESUME).is_some_and(|says| says == RESUME_ABLE);
        let call = match table.as_ref() {
            None if self.left.load(Ordering::Acquire) => {
                return State::NotBegun(Box::pin(NotBegun::answer(request, "another program goes on with this node")));
            }
            None => Call::told(self.absent(), request.into_body()),
            Some(table) => match table.route(request.uri().path(), request.headers()) {
                Ok(route) => Call::begin(route, || table.clone(), request, Caller::Outside),
                Err(refused) => Call::told(refused, request.into_body()),
            },
        };
        State::Entered(Entered::new(call, inside, goes_on))
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

    /// Puts the table in place; calls that began before go on with the one before.
    pub(crate) fn install(&self, table: Table) {
        self.shared.table.store(Some(Arc::new(table)));
    }

    /// Takes the table away, and with it the objects, but for calls that are inside; should the gate be open, callers are
    /// told that the node is unavailable, and `why`.
    pub(crate) fn remove(&self, why: &str) {
        self.shared.absent.store(Some(Arc::new(why.to_owned())));
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
            return Dispatched(self.shared.begin(inside, request));
        }
        Dispatched(match self.shared.gate.wait() {
            Ok(waiting) => State::Waiting(Box::new((AtGate::new(waiting, request), self.shared.clone()))),
            Err(too_many) => State::Told(Box::new(Call::told(call::unavailable(&too_many.to_string()), Body::empty()))),
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
                Ok((inside, request)) => shared.begin(inside, request),
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
    pub(crate) fn begin(&self, above: Option<&Context>, request: Request<Body>, own_deadline: bool) -> Call {
        let table = match above {
            Some(above) => Some(above.table.clone()),
            None => self.shared.upgrade().and_then(|shared| shared.table.load_full()),
        };
        let Some(table) = table else {
            return Call::told(call::unavailable("the node has not started, or has stopped"), Body::empty());
        };
        match table.route_within(request.uri().path(), &self.version) {
            Ok(route) => {
                let route = route.clone();
                Call::begin(&route, || table, request, Caller::Within { own_deadline })
            }
            Err(refused) => Call::told(refused, Body::empty()),
        }
    }
}
