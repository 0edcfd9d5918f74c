//! The main function of a service whose program is replaced: what a supervisor tells it, and what it tells the supervisor.
//!
//! The supervisor is `straddle supervise`, or systemd, or nobody: then the program binds its addresses itself. See *Restart* in
//! ARCHITECTURE.md for all that passes between them.

mod beat;
mod ended;
mod environment;
mod ready;
mod serving;
mod signals;
mod starting;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpListener;

use self::beat::Beat;
pub use self::ended::Ended;
use self::environment::{Directive, Environment};
pub use self::ready::Ready;
use self::ready::Then;
use self::signals::Signals;
use super::engine::Beginning;
use super::{Builder, admin};
use crate::transport::listener;

/// How long to wait for the program before to let the state go, if nothing else is said.
const WAIT: Duration = Duration::from_secs(600);
/// Where the admin service listens, if nothing else is said.
const ADMIN: &str = "127.0.0.1:0";

/// The program of a service: a node, from where the program is started to where it ends.
///
/// ```no_run
/// # mod shop { pub fn builder() -> straddle::node::Builder { unimplemented!() } }
/// use straddle::node::{Ended, Program};
///
/// #[tokio::main]
/// async fn main() -> Ended {
///     // Addresses and folder are for when nobody tells others.
///     Program::from_env().listen("127.0.0.1:7000").state("shop-state").run(shop::builder()).await
/// }
/// ```
#[derive(Debug)]
#[must_use = "a program does nothing before `run`"]
pub struct Program {
    environment: Environment,
    listen: Option<String>,
    admin: Option<String>,
    state: Option<PathBuf>,
    wait: Duration,
    ready: Then,
}

impl Program {
    /// A program that does what its environment says: the sockets of `LISTEN_FDS` (those that are called `callers` and `admin`;
    /// where none is called `callers`, the first and the second), `STRADDLE_STATE`, `STRADDLE_RUN`, `STRADDLE_BACK`,
    /// `STRADDLE_ATTEND`, `STRADDLE_NODE`, `STRADDLE_LABELS`, `STRADDLE_SUPERVISOR`, `NOTIFY_SOCKET` and `WATCHDOG_USEC`. What is
    /// wrong with it is told by [`run`](Self::run).
    ///
    /// Call it first of all, see [`Inherited::take`](crate::transport::Inherited::take).
    pub fn from_env() -> Self {
        let (listen, admin, state, ready) = Default::default();
        Self { environment: Environment::read(), listen, admin, state, wait: WAIT, ready }
    }

    /// The address to listen on for callers, as `0.0.0.0:7000`, where no socket is passed.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// The address of the admin service, where no socket is passed: one of loopback, since nobody is authenticated there.
    /// Default: `127.0.0.1:0`.
    pub fn admin(mut self, address: &str) -> Self {
        self.admin = Some(address.to_owned());
        self
    }

    /// The folder of the node's state, where `STRADDLE_STATE` says none.
    pub fn state(mut self, folder: impl Into<PathBuf>) -> Self {
        self.state = Some(folder.into());
        self
    }

    /// How long to wait for the program before to let the state go. Default: 10 minutes.
    pub fn wait_for_state(mut self, limit: Duration) -> Self {
        self.wait = limit;
        self
    }

    /// What to do once all is ready for callers, just before whoever supervises the program is told so, and before the first of
    /// them is answered: to say where they come, or to keep the node, so as to tell it what to do from within. It may neither block
    /// nor take long. Of a program that only takes the state back nobody is accepted.
    pub fn on_ready(mut self, then: impl FnOnce(&Ready<'_>) + Send + 'static) -> Self {
        self.ready = Then::new(then);
        self
    }

    /// Runs the node until the program is asked to stop (SIGTERM, SIGINT; a second one ends the process at once), the
    /// node was handed over to another program, or something keeps it from going on.
    ///
    /// Return what it gives from `main`: its exit code is what supervisors expect, and standard error says why.
    pub async fn run(mut self, builder: Builder) -> Ended {
        let mut beat = Beat::new(&mut self.environment);
        let ended = match self.go(builder, &mut beat).await {
            Ok(ended) | Err(ended) => ended,
        };
        beat.end(&ended).await;
        ended
    }

    /// Both are ends.
    async fn go(mut self, builder: Builder, beat: &mut Beat) -> Result<Ended, Ended> {
        let mut signals = Signals::listen();
        let ready = std::mem::take(&mut self.ready);
        let prepared = self.prepare(builder).await?;
        beat.prepared(prepared.admin_address).await;
        let node = starting::start(prepared.beginning, prepared.goes_back, &mut signals, beat).await?;
        let Some(callers) = prepared.callers else {
            node.stop().await;
            return Ok(Ended::Stopped);
        };
        Ok(serving::serve(&node, callers, prepared.admin, ready, &mut signals, beat).await)
    }

    /// Everything that can be done without the state.
    async fn prepare(self, mut builder: Builder) -> Result<Prepared, Ended> {
        let Environment { sockets, state, directive, coordinated, .. } = self.environment;
        let coordinated = coordinated.map_err(Ended::Unfit)?.apply(builder.take_coordinated());
        if let Some(coordinated) = coordinated {
            builder = builder.coordinated(coordinated);
        }
        let directive = directive.map_err(Ended::Unfit)?;
        let mut sockets = sockets.map_err(Ended::Unfit)?;
        let builder = match state.or(self.state) {
            Some(folder) => builder.state(folder),
            None => builder,
        };
        let (builder, goes_back) = match directive {
            Directive::AsItIs => (builder, false),
            Directive::RunAt(version) => (builder.run_at(&version), false),
            Directive::BackTo(version) => (builder.back_to(&version), true),
        };
        let beginning = builder.wait_for_state(self.wait).checked();
        let beginning = beginning.map_err(|error| Ended::Unfit(error.to_string()))?;
        let (callers, admin) = match (sockets.named("callers"), sockets.named("admin")) {
            // systemd calls them by their unit where it says nothing else.
            (None, None) => (sockets.first(), sockets.first()),
            named => named,
        };
        let unfit = |error: std::io::Error| Ended::Unfit(error.to_string());
        let callers = match (callers, &self.listen) {
            // Whoever serves nobody needs no socket.
            (None, _) if goes_back => None,
            (None, None) => return Err(Ended::Unfit(NO_SOCKET.to_owned())),
            (socket, address) => Some(listener(socket, address.as_deref().unwrap_or_default()).await.map_err(unfit)?),
        };
        let admin = listener(admin, self.admin.as_deref().unwrap_or(ADMIN)).await.map_err(unfit)?;
        let admin_address = admin.local_addr().map_err(unfit)?;
        admin::require_loopback(admin_address).map_err(unfit)?;
        Ok(Prepared { beginning, goes_back, callers, admin, admin_address })
    }
}

const NO_SOCKET: &str = "there is no socket for callers: none was passed (LISTEN_FDS), and the program has no address of its own; \
                         start it under a supervisor that passes one, or give it an address with Program::listen";

/// What waits for the state.
struct Prepared {
    beginning: Beginning,
    goes_back: bool,
    callers: Option<TcpListener>,
    admin: TcpListener,
    admin_address: SocketAddr,
}
