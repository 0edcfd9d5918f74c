//! Callers at the doors of nodes. Each program has the real doors, routes, and rules of what is retired (`node/modelled.rs`); what a
//! caller has to be told is worked out here, from what the node was told, what it runs, and its own clock, with none of that code.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};

use straddle::control::v1_0_0 as wire;
use straddle::dispatch::{Dispatched, Object, VERSION};
use straddle::node::modelled::{Doors, Runs, Settled};
use straddle::protocol::Method;
use straddle::refusal::{Reason, Refusal};
use straddle::retiring::WallClock;
use straddle::wire::Body;
use tonic::Status;
use tonic::codegen::http::{HeaderValue, Request, Response};
use tonic::codegen::{BoxFuture, Service};

use super::protocol::Fleet;
use super::retirement::Broken;
use super::world::World;

/// What a caller is told of its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Nothing: it is answered, or refused for another reason.
    Served {
        answered: bool,
    },
    Retired,
    /// Of a brown-out, until this second since 1970.
    BrownedOut(u64),
}

/// A node's wall clock, as it was set last.
struct Wall(Arc<AtomicU64>);

impl WallClock for Wall {
    fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A service that answers as long as nobody has closed it.
#[derive(Clone)]
struct Answers {
    closed: Arc<AtomicBool>,
    /// Somebody was called after that.
    late: Arc<AtomicBool>,
}

impl Service<Request<Body>> for Answers {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        let Self { closed, late } = self.clone();
        Box::pin(async move {
            late.fetch_or(closed.load(Ordering::Relaxed), Ordering::Relaxed);
            let mut response = Response::new(Body::empty());
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
            response.headers_mut().insert("grpc-status", HeaderValue::from_static("0"));
            Ok(response)
        })
    }
}

/// The doors of a running program, and who is inside.
pub(crate) struct Front {
    pub(crate) doors: Doors,
    wall: Arc<AtomicU64>,
    late: Arc<AtomicBool>,
    /// What the node ran when it was looked at last what can be in force.
    settled: Runs,
    /// What is in force, as the simulation has it: what was told, and the newest version that is retired.
    in_force: (wire::Retiring, Option<usize>),
    /// It is what the disk had; nobody has told this program anything yet.
    of_disk: bool,
    /// The version whose objects stand.
    stands: Option<usize>,
    /// Past objects of this version and older ones are closed.
    dropped: Option<usize>,
    /// Whether they are closed.
    objects: BTreeMap<usize, Arc<AtomicBool>>,
    running: Vec<Running>,
}

/// A call that has come in, and is not answered yet.
struct Running {
    caller: usize,
    routed: bool,
    call: Dispatched,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Front").field("in_force", &self.in_force).finish_non_exhaustive()
    }
}

impl Front {
    /// A program starts, with what it finds on the disk.
    pub(crate) fn start(
        fleet: &Fleet,
        (line, told): (Option<&str>, Option<&wire::Retiring>),
        runs: Runs,
        late: Arc<AtomicBool>,
    ) -> Self {
        let wall = Arc::new(AtomicU64::new(0));
        let clock = Arc::new(Wall(wall.clone()));
        let doors = Doors::start(fleet.protocol.clone(), line, runs, clock).expect("what was written down");
        let in_force = (told.cloned().unwrap_or_default(), told.and_then(|told| limited(fleet, told, runs)));
        Self {
            doors,
            wall,
            late,
            settled: runs,
            in_force,
            of_disk: true,
            stands: None,
            dropped: None,
            objects: BTreeMap::new(),
            running: Vec::new(),
        }
    }

    /// Opens the objects of a version, but those of retired versions; those of the version before are closed.
    fn open(&mut self, fleet: &Fleet, node: usize, program: (usize, usize)) {
        self.objects.values().for_each(|closed| closed.store(true, Ordering::Relaxed));
        self.objects.clear();
        self.stands = Some(node);
        self.open_more(fleet, program, self.in_force.1);
    }

    /// Opens the objects that are missing, and installs routes to all.
    fn open_more(&mut self, fleet: &Fleet, program: (usize, usize), dropped: Option<usize>) {
        let Some(node) = self.stands else { return };
        let built = (program.0, program.1.max(node));
        let oldest = dropped.map_or(0, |up_to| up_to + 1);
        for version in (built.0..=built.1).filter(|version| *version >= oldest) {
            self.objects.entry(version).or_default();
        }
        let mut at: Vec<Option<Object>> = vec![None; fleet.versions()];
        for (version, closed) in &self.objects {
            let methods = fleet.protocol.versions()[*version].methods();
            let services: BTreeSet<&str> = methods.iter().map(Method::service).collect();
            let answers = Answers { closed: closed.clone(), late: self.late.clone() };
            let add = |object: Object, name: &str| object.and_service(name, answers.clone());
            at[*version] = Some(services.into_iter().fold(Object::default(), add));
        }
        self.doors.install(node, oldest, &at, built).expect("all objects");
        self.dropped = dropped;
    }

    /// Closes the objects of retired versions, of which no call is left.
    fn drop_retired(&mut self) {
        self.doors.let_go_of_retired();
        self.dropped = self.in_force.1;
        let up_to = self.dropped;
        self.objects.retain(|version, closed| {
            closed.fetch_or(Some(*version) <= up_to, Ordering::Relaxed);
            Some(*version) > up_to
        });
    }

    /// What is in force from now on; objects of versions that are served again are opened before.
    fn put_in_force(
        &mut self,
        fleet: &Fleet,
        settled: Settled,
        (told, runs): (wire::Retiring, Runs),
        program: (usize, usize),
    ) {
        let up_to = settled.retired_up_to(&self.doors);
        if self.dropped > up_to {
            self.open_more(fleet, program, up_to);
        }
        self.doors.put_in_force(settled);
        self.settled = runs;
        self.lie(fleet, told);
        self.of_disk = false;
    }

    /// This is to be in force, whether it is or not.
    pub(crate) fn lie(&mut self, fleet: &Fleet, told: wire::Retiring) {
        let up_to = limited(fleet, &told, self.settled);
        self.in_force = (told, up_to);
    }
}

/// The newest version that can be retired at a node: it does not run it, and cannot go back to it.
fn limited(fleet: &Fleet, told: &wire::Retiring, (runs, back): Runs) -> Option<usize> {
    let told = Some(&told.retired_up_to).filter(|told| !told.is_empty()).map(|told| fleet.index(told))?;
    let needed = back.unwrap_or(runs);
    if told < needed { Some(told) } else { needed.checked_sub(1) }
}

/// What a caller is told at this second, by what is in force.
fn expected(fleet: &Fleet, front: &Front, caller: usize, runs: usize, routed: bool, now: u64) -> Said {
    let (told, up_to) = &front.in_force;
    let served = Said::Served { answered: routed };
    if caller >= runs {
        return served;
    }
    if up_to.is_some_and(|up_to| caller <= up_to) {
        return Said::Retired;
    }
    let notice = told.notices.iter().find(|notice| caller <= fleet.index(&notice.version));
    let Some(brownout) = notice.and_then(|notice| notice.brownout) else { return served };
    let begun = now.checked_sub(brownout.from).map(|since| now - since % brownout.every_seconds);
    match begun.map(|begun| begun + brownout.seconds) {
        Some(until) if now < until => Said::BrownedOut(until),
        _ => served,
    }
}

fn answer(mut call: Dispatched) -> Said {
    let Poll::Ready(answer) = Pin::new(&mut call).poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("an object answers at once");
    };
    let Ok(response) = answer;
    let refusal = Status::from_header_map(response.headers()).and_then(|status| Refusal::from_status(&status));
    match refusal.filter(|refusal| refusal.reason() == Reason::Retired) {
        Some(refusal) => refusal.brownout_until().map_or(Said::Retired, Said::BrownedOut),
        None => Said::Served { answered: response.headers().get("grpc-status").is_some_and(|code| code == "0") },
    }
}

impl World {
    /// A caller comes to a node that answers: whether it is refused because of what is retired, or announced.
    pub(crate) fn knock(&mut self, node: usize, caller: usize, method: usize) -> bool {
        let fleet = self.fleet;
        let one = &self.nodes[node];
        let (runs, program) = (one.version, one.program);
        let routed = fleet.routed(caller, method, runs, program);
        let now = one.clock.wall(self.time) / 1_000_000;
        if one.front.as_ref().is_some_and(|front| front.stands != Some(runs)) {
            // Nobody was inside while it moved.
            self.end_calls(node, |_| true);
            let front = self.nodes[node].front.as_mut().expect("it is up");
            front.open(fleet, runs, program);
        }
        let shifted = if self.retirement.broken == Some(Broken::Clock) { now + 30 } else { now };
        let stays = self.dice.u8(0..4) == 0;
        let front = self.nodes[node].front.as_mut().expect("it is up");
        front.wall.store(shifted, Ordering::Relaxed);
        let method = &fleet.protocol.versions()[caller].methods()[method];
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = method.path().parse().expect("a path");
        request.headers_mut().insert(&VERSION, HeaderValue::try_from(fleet.name(caller)).expect("a version"));
        request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
        let call = front.doors.dispatch().call(request);
        let expected = expected(fleet, front, caller, runs, routed, now);
        if stays && matches!(expected, Said::Served { .. }) {
            front.running.push(Running { caller, routed, call });
            return false;
        }
        let said = answer(call);
        let of_disk = front.of_disk;
        if said != expected {
            let in_force = &front.in_force;
            let why = format!(
                "a caller of {caller} is told {said:?} by node {node}, which runs {runs}, at {now}, and {expected:?} is due: {in_force:?}"
            );
            let what = if matches!((said, expected), (Said::BrownedOut(_), _) | (_, Said::BrownedOut(_))) {
                "brown-out"
            } else {
                "retired-calls"
            };
            self.checks.fail(what, &why);
        }
        self.nobody_is_late(node);
        let happened = match expected {
            Said::Served { .. } => return false,
            Said::Retired if of_disk => "told of retirement by the disk",
            Said::Retired => "told of retirement",
            Said::BrownedOut(_) if of_disk => "browned out by the disk",
            Said::BrownedOut(_) => "browned out",
        };
        self.store.happened(happened);
        true
    }

    /// Calls that are inside end: as they would have when they came.
    fn end_calls(&mut self, node: usize, mut ends: impl FnMut(&mut fastrand::Rng) -> bool) {
        let Some(front) = &mut self.nodes[node].front else { return };
        let dice = &mut self.dice;
        let ended: Vec<Running> = front.running.extract_if(.., |_| ends(dice)).collect();
        let up_to = front.in_force.1;
        for Running { caller, routed, call } in ended {
            if up_to.is_some_and(|up_to| caller <= up_to) {
                self.store.happened("went on to its end");
            }
            let said = answer(call);
            if said != (Said::Served { answered: routed }) {
                let why =
                    format!("a call of {caller} came to node {node} before its version went, and is told {said:?}");
                self.checks.fail("retired-calls", &why);
            }
            self.nobody_is_late(node);
        }
    }

    fn nobody_is_late(&mut self, node: usize) {
        if self.nodes[node].front.as_ref().is_some_and(|front| front.late.load(Ordering::Relaxed)) {
            self.checks.fail("retire-race", &format!("node {node} has closed an object under a call"));
        }
    }

    /// What nodes do by and by: calls end, what has become possible is put in force, objects of retired versions go.
    pub(crate) fn keep_doors(&mut self) {
        for node in 0..self.nodes.len() {
            self.end_calls(node, |dice| dice.u8(0..6) == 0);
            let one = &self.nodes[node];
            let (runs, is_moving) = ((one.version, one.back), one.journal.is_some());
            let Some(front) = &one.front else { continue };
            if front.settled != runs && !is_moving && self.dice.bool() {
                let told = one.told.clone();
                let settled = front.doors.settle(None, runs).expect("it was told so before");
                if let (Some(settled), Some(told)) = (settled, told) {
                    self.write_down(node, &settled, &told);
                    self.put_in_force(node, settled, told);
                }
            }
            let Some(front) = self.nodes[node].front.as_mut() else { continue };
            let up_to = front.in_force.1;
            let inside =
                front.running.iter().filter(|running| up_to.is_some_and(|up_to| running.caller <= up_to)).count();
            let (are_gone, hasty) = (front.doors.are_gone(), self.retirement.broken == Some(Broken::Closes));
            if are_gone != (inside == 0) {
                let why =
                    format!("node {node} waits for nobody: {are_gone}, and {inside} calls of {up_to:?} are inside");
                self.checks.fail("retire-race", &why);
            }
            if front.stands.is_some() && front.dropped < up_to && (are_gone || hasty) && self.dice.u8(0..3) == 0 {
                front.drop_retired();
                self.store.happened("objects went");
                self.note(|| format!("node {node} has dropped the objects up to {up_to:?}"));
            }
        }
    }

    /// Writes down what is told.
    pub(crate) fn write_down(&mut self, node: usize, settled: &Settled, told: &wire::Retiring) {
        self.nodes[node].kept = Some(settled.line().expect("a line"));
        self.nodes[node].told = Some(told.clone());
    }

    /// What is written down is in force.
    pub(crate) fn put_in_force(&mut self, node: usize, settled: Settled, told: wire::Retiring) {
        let (fleet, one) = (self.fleet, &mut self.nodes[node]);
        let (runs, program) = ((one.version, one.back), one.program);
        let Some(front) = &mut one.front else { return };
        front.put_in_force(fleet, settled, (told, runs), program);
    }
}
