//! The client's side: calls to the node that owns the data, or to any of several nodes.

mod address;
mod attempt;
mod backoff;
mod balance;
mod connecting;
mod deadline;
mod failure;
mod heard;
mod labels;
mod outgoing;
mod repeat;
mod response;
mod resume;
mod simulated;
mod watch;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderValue, Request, Response};
use thiserror::Error;
use tokio::sync::Notify;
use tonic::Status;
use tower_service::Service;

use self::address::Address;
use self::attempt::{Says, Shared};
use self::backoff::Pace;
use self::balance::Nodes;
use crate::census::LONGEST_CALLER;
use crate::wire::Body;

pub use self::backoff::Backoff;
pub use self::balance::Balance;
pub(super) use self::resume::GoesOn;
pub(crate) use self::simulated::{Simulates, Steps};

/// Marks a request, in its extensions, as one that may run more than once.
///
/// A [`Channel`] then sends it again also when a connection was lost before the response began. [`Labelled`] sets it
/// for methods whose `idempotency_level` says so.
///
/// [`Labelled`]: super::Labelled
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idempotent;

/// A gRPC channel for generated clients, over HTTP/2 in clear text with prior knowledge (RFC 9113 §3.3).
///
/// It is cheap to clone; clones share one connection to each address, which is made when first needed, and again when
/// it was lost. Errors come as gRPC statuses, never as errors of the service.
///
/// **Deadline.** `grpc-timeout`, which `tonic::Request::set_timeout` sets, bounds everything: connecting, backing off,
/// trying again, and the response to its last byte. Each attempt tells the node what is left of it.
///
/// **Trying again.** A call is sent again when it certainly did not run: no connection was made, the node refused the
/// stream (`REFUSED_STREAM`, RFC 9113 §8.7), went away before it (GOAWAY, §6.8), or refused it because it is learning the
/// caller's version. It goes to another address at once, where one is up; when it failed everywhere, it backs off. A call
/// that may have run is sent again only when it is [`Idempotent`], after a backoff. Streamed requests are kept up to
/// [`replay_limit`](ChannelBuilder::replay_limit), and sent again while all of what was sent is kept.
///
/// **Several addresses.** [`spread`](Self::spread) keeps a connection to each and takes them in turn, or the one with the
/// fewest calls under way ([`Balance`]); [`any`](Self::any) keeps to one until it fails. What is down, or says that it does not
/// serve, gets no new calls while another address is up. When all are down, calls wait for the first that comes up, within
/// their deadline or the [`wait_limit`](ChannelBuilder::wait_limit), and are then told what was wrong with each.
///
/// **Health.** With several addresses the channel watches what each connected node says of its health, as gRPC's own
/// clients do (`grpc.health.v1.Health/Watch`, gRFC A17). A node that says `NOT_SERVING` keeps the calls that it has, and gets
/// none while another one serves; when no other does, it is asked all the same: it may still answer, and knows best why not.
/// A node that answers the watch with `UNIMPLEMENTED` counts as one that serves. The watch is a call of its own: it keeps a
/// connection from being idle.
///
/// **Drain.** Over a connection whose node said GOAWAY no new call is begun; those that run finish. The next call goes to
/// another address, or connects anew.
///
/// **Going on.** The stream of a method that `protocol.toml` declares [resumable](crate::protocol::resume), called through
/// [`Labelled`](super::Labelled), goes on where it ended when the node drains it, when its connection is lost, and when it ends as
/// `UNAVAILABLE`: the channel sends the request again, behind the last message that was handed on, and the reader sees one
/// stream without a gap and without a double. That goes to the same address, or, of channels that
/// [spread](Self::spread), to any that serves ([`resume_elsewhere`](ChannelBuilder::resume_elsewhere)). Deadline, backoff and
/// pace hold as for other attempts; what came in between counts as success. Such calls ask for no compression, and the
/// metadata of the response are those of the first answer.
///
/// **Simulating.** A node that knows a caller's version, or can learn it, does whatever the steps ask for. When it answers
/// instead that it knows no such version ([`Reason::UnknownVersion`](crate::refusal::Reason) as `UNIMPLEMENTED`), the channel
/// makes the call in an older version that the node serves, where rules alone lead there: the calls of
/// [`Labelled::simulating`](super::Labelled::simulating) clients, as all generated ones are. Requests and responses are
/// rewritten as a node would do it, refusals included; the answer says [`SIMULATED`](crate::dispatch::SIMULATED). A method
/// behind code is refused: the state of that code belongs to a node. Which label a node does not know is remembered of each
/// connection, so that only its first call is sent twice ([`ask_again_after`](ChannelBuilder::ask_again_after)); nodes of
/// different ages may be behind one channel.
///
/// ```no_run
/// # fn example() -> Result<(), straddle::transport::InvalidChannel> {
/// let channel = straddle::transport::Channel::owner("127.0.0.1:7000").build()?;
/// // let client = inventory::v2::InventoryClient::new(channel);
/// # drop(channel);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Channel(Arc<Shared>);

/// How a [`Channel`] is to reach its nodes.
#[derive(Clone, Debug)]
#[must_use = "a channel is made by `build`"]
pub struct ChannelBuilder {
    addresses: Vec<String>,
    balance: Option<Balance>,
    watch_health: Option<bool>,
    health_service: String,
    settings: Settings,
    seed: Option<u64>,
    user_agent: Option<String>,
    caller: Option<String>,
    told: Option<Told>,
}

/// Is told the versions that nodes say they run.
#[derive(Clone)]
struct Told(Arc<dyn Fn(&str) + Send + Sync>);

impl std::fmt::Debug for Told {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Told")
    }
}

/// What one address needs to know of its channel.
#[derive(Clone, Debug)]
struct Settings {
    connect_timeout: Duration,
    backoff: Backoff,
    wait_limit: Duration,
    replay_limit: usize,
    attempts_per_second: u32,
    keep_alive: Option<(Duration, Duration)>,
    tcp_keep_alive: Option<Duration>,
    resume_elsewhere: bool,
    ask_again_after: Duration,
    /// The service whose health is watched.
    health: Option<Arc<str>>,
}

/// A channel that cannot be made.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct InvalidChannel(#[from] InvalidKind);

#[derive(Debug, Error)]
enum InvalidKind {
    #[error("a channel needs an address at least, as `127.0.0.1:7000`")]
    NoAddress,
    #[error("`{0}` is no address: `host:port` is wanted, as `127.0.0.1:7000` or `[::1]:7000`")]
    Address(String),
    #[error("`{0}` asks for TLS, which this version does not speak yet; put a proxy in front, or use `host:port`")]
    Tls(String),
    #[error("the user agent {0:?} cannot be sent: only visible ASCII can")]
    UserAgent(String),
    #[error(
        "the caller's name {0:?} is none: 1 to {LONGEST_CALLER} printable ASCII characters are wanted, as `billing`"
    )]
    Caller(String),
}

impl InvalidChannel {
    /// Whether an address is at fault, or there is none.
    #[must_use]
    pub fn is_address(&self) -> bool {
        !matches!(self.0, InvalidKind::UserAgent(_) | InvalidKind::Caller(_))
    }
}

impl Channel {
    /// Calls the node at `address` (`host:port`), because it owns the data: while it is away, calls wait for it.
    pub fn owner(address: impl Into<String>) -> ChannelBuilder {
        ChannelBuilder::new(vec![address.into()], None)
    }

    /// Calls whichever of the nodes at `addresses` answers: one at a time, the next when it fails or does not serve.
    pub fn any<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> ChannelBuilder {
        ChannelBuilder::new(addresses.into_iter().map(Into::into).collect(), None)
    }

    /// Spreads calls over the nodes at `addresses`, as [`balance`](ChannelBuilder::balance) says.
    ///
    /// The nodes have to stand for each other in everything, the tokens of resumable streams included; if these are each
    /// node's own, say [`resume_elsewhere(false)`](ChannelBuilder::resume_elsewhere). A host's name stands for one node, whichever
    /// of its addresses answers.
    ///
    /// ```no_run
    /// use straddle::transport::{Balance, Channel};
    ///
    /// # fn example() -> Result<(), straddle::transport::InvalidChannel> {
    /// let nodes = ["10.0.0.1:7000", "10.0.0.2:7000", "10.0.0.3:7000"];
    /// let channel = Channel::spread(nodes).balance(Balance::LeastLoaded).build()?;
    /// # drop(channel);
    /// # Ok(())
    /// # }
    /// ```
    pub fn spread<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> ChannelBuilder {
        ChannelBuilder::new(addresses.into_iter().map(Into::into).collect(), Some(Balance::default()))
    }

    /// Connects to a node, if no connection is up, and waits for that no longer than
    /// [`wait_limit`](ChannelBuilder::wait_limit): a call that carries a deadline would wait until then.
    ///
    /// # Errors
    /// `UNAVAILABLE`, with what went wrong last, when no node could be reached.
    pub async fn connect(&self) -> Result<(), Status> {
        self.0.connect().await
    }
}

impl ChannelBuilder {
    fn new(addresses: Vec<String>, balance: Option<Balance>) -> Self {
        let settings = Settings {
            connect_timeout: Duration::from_secs(5),
            backoff: Backoff::default(),
            wait_limit: Duration::from_secs(30),
            replay_limit: 1024 * 1024,
            attempts_per_second: 100,
            keep_alive: None,
            tcp_keep_alive: Some(Duration::from_secs(20)),
            resume_elsewhere: balance.is_some(),
            ask_again_after: Duration::from_secs(30),
            health: None,
        };
        let health_service = String::new();
        Self {
            addresses,
            balance,
            watch_health: None,
            health_service,
            settings,
            seed: None,
            user_agent: None,
            caller: None,
            told: None,
        }
    }

    /// Sets how a channel that [spreads](Channel::spread) chooses among the addresses that take calls; others do not.
    /// Default: [`Balance::RoundRobin`].
    pub fn balance(mut self, balance: Balance) -> Self {
        self.balance = self.balance.map(|_| balance);
        self
    }

    /// Whether the health of connected nodes is watched. Default: where there are several addresses.
    pub fn watch_health(mut self, wanted: bool) -> Self {
        self.watch_health = Some(wanted);
        self
    }

    /// Watches the health of the service of this full name, as `inventory.v1.Inventory`. Default: `""`, which stands for
    /// the node as a whole.
    pub fn health_service(mut self, name: impl Into<String>) -> Self {
        self.health_service = name.into();
        self
    }

    /// Whether a resumable stream that ended may go on at another address. Tokens that each node counts by itself must not
    /// be taken elsewhere: messages would be missing, or come twice. Default: only of channels that
    /// [spread](Channel::spread).
    pub fn resume_elsewhere(mut self, may: bool) -> Self {
        self.settings.resume_elsewhere = may;
        self
    }

    /// Remembers for this long that a node does not know the version of a caller, which is then simulated on this side; after that, the next call that is complete at once asks the node again. It is forgotten at once when the node
    /// says that it runs another version, and with the connection. Default: 30 s.
    pub fn ask_again_after(mut self, time: Duration) -> Self {
        self.settings.ask_again_after = time;
        self
    }

    /// Gives up an attempt to connect after this time; it succeeds when the node's SETTINGS came (RFC 9113 §3.4), so a
    /// port that answers, but not in HTTP/2, counts as down. Default: 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.settings.connect_timeout = timeout;
        self
    }

    /// Sets how long to wait between attempts, to connect or to call.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// Lets a call without a deadline wait this long in all for nodes to come up and for its next attempt; the time
    /// that a node takes to answer is not bounded by it. Default: 30 s.
    pub fn wait_limit(mut self, limit: Duration) -> Self {
        self.settings.wait_limit = limit;
        self
    }

    /// Keeps up to this many bytes of each streamed request, to be able to send it again. Requests that are complete
    /// at once, as unary ones, can always be sent again, without a copy. Default: 1 MiB.
    pub fn replay_limit(mut self, bytes: usize) -> Self {
        self.settings.replay_limit = bytes;
        self
    }

    /// Sends at most this many calls again in a second, over all calls of the channel and its clones; what is over
    /// waits. At least 1. Default: 100. Streams that a node has drained go on ten times as often, apart from these.
    pub fn attempts_per_second(mut self, attempts: u32) -> Self {
        self.settings.attempts_per_second = attempts.max(1);
        self
    }

    /// While calls run, sends an HTTP/2 PING (RFC 9113 §6.7) when nothing was heard for `interval`, and takes the node
    /// for dead when it is not acknowledged within `timeout`.
    ///
    /// Default: none, because servers of other make close connections whose peer pings more often than they like (every
    /// 5 minutes); a host that is gone is found by [`tcp_keep_alive`](Self::tcp_keep_alive) as well.
    pub fn keep_alive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.settings.keep_alive = Some((interval, timeout));
        self
    }

    /// Lets the kernel probe a connection on which nothing was heard for this long (RFC 9293 §3.8.4). Default: 20 s.
    pub fn tcp_keep_alive(mut self, idle: Option<Duration>) -> Self {
        self.settings.tcp_keep_alive = idle;
        self
    }

    /// Names the program in `user-agent`, ahead of this crate's name and version.
    pub fn user_agent(mut self, program: impl Into<String>) -> Self {
        self.user_agent = Some(program.into());
        self
    }

    /// Says who calls (`straddle-caller`), as `billing`: at most 128 printable ASCII characters. It is what `straddle callers` names
    /// when somebody wants to know who still needs an old version; without it there are an address and a user agent. A request that
    /// carries a name already keeps it. Default: none.
    ///
    /// ```no_run
    /// # fn example() -> Result<(), straddle::transport::InvalidChannel> {
    /// let channel = straddle::transport::Channel::owner("10.0.0.1:7000").caller("billing").build()?;
    /// # drop(channel);
    /// # Ok(()) }
    /// ```
    pub fn caller(mut self, name: impl Into<String>) -> Self {
        self.caller = Some(name.into());
        self
    }

    /// Tells `heard` each version that a node says it runs (`straddle-node`), when it is another one than said the last time. It is
    /// called on the way of responses, so it should be done at once; [`Node::heard_of`](crate::node::Node::heard_of) is.
    pub fn node_versions(mut self, heard: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.told = Some(Told(Arc::new(heard)));
        self
    }

    /// Fixes the random numbers of the jitter and of the balance. Default: unlike in every channel.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Makes the channel; nothing is connected yet.
    ///
    /// # Errors
    /// When there is no address, one is not `host:port`, or the user agent or the caller's name cannot be sent.
    pub fn build(self) -> Result<Channel, InvalidChannel> {
        let Self { addresses, balance, watch_health, health_service, mut settings, seed, user_agent, caller, told } =
            self;
        if addresses.is_empty() {
            return Err(InvalidKind::NoAddress.into());
        }
        settings.health = watch_health.unwrap_or(addresses.len() > 1).then(|| health_service.into());
        let changed = Arc::new(Notify::new());
        let random = Arc::new(std::sync::Mutex::new(seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)));
        let addresses = addresses
            .into_iter()
            .map(|address| Address::new(address, settings.clone(), random.clone(), changed.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let nodes = Nodes::new(addresses, balance, random.clone(), changed);
        let name = concat!("straddle/", env!("CARGO_PKG_VERSION"));
        let user_agent = user_agent.map_or_else(|| name.to_owned(), |program| format!("{program} {name}"));
        let user_agent = HeaderValue::try_from(&user_agent).map_err(|_| InvalidKind::UserAgent(user_agent))?;
        let caller = caller.map(caller_value).transpose()?;
        let pace = Pace::new(settings.attempts_per_second);
        let says = Says { user_agent, caller };
        Ok(Channel(Arc::new(Shared::new(nodes, settings, random, pace, says, told))))
    }
}

/// A name as it is sent, and counted.
fn caller_value(name: String) -> Result<HeaderValue, InvalidKind> {
    let printable = !name.is_empty() && name.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && name.trim() == name;
    let value = HeaderValue::try_from(&name).ok().filter(|_| printable && name.len() <= LONGEST_CALLER);
    value.ok_or(InvalidKind::Caller(name))
}

impl<B: Into<Body>> Service<Request<B>> for Channel {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let shared = self.0.clone();
        let request = request.map(Into::into);
        Box::pin(async move { Ok(Shared::call(&shared, request).await) })
    }
}
