//! Putting a coordinator together, and serving it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::core::Settings;
use super::database::Database;
use super::driver::{Clock, Driver, News, Standing};
use super::handle::Handle;
use super::open_files;
use super::schedule::Schedule;
use super::service::{self, Trust};
use crate::bundle::PublicKey;
use crate::control::v1_0_0::{agents_server, operators_server};
use crate::control::{protocol, v1_0_0};
use crate::node::{BuildError, Node};
use crate::transport::{HealthHandle, Limits, Server, Serving};

/// Connections, and calls on one connection, beside those of agents.
const OPERATORS: usize = 1000;

/// The coordinator.
///
/// ```no_run
/// # async fn example(database: std::sync::Arc<dyn straddle::coordinator::database::Database>,
/// #     key: straddle::bundle::PublicKey) -> Result<(), Box<dyn std::error::Error>> {
/// use straddle::coordinator::Coordinator;
///
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:7300").await?;
/// let shutdown = async { std::future::pending().await };
/// let serving = Coordinator::builder(database).trust(key).serve(listener, shutdown).await?;
/// println!("the coordinator listens on {}", serving.local_addr());
/// serving.await;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Coordinator {}

/// A coordinator that is being put together.
pub struct Builder {
    database: Arc<dyn Database>,
    settings: Settings,
    trust: Trust,
    news: Option<News>,
    most_agents: usize,
}

impl Coordinator {
    /// Starts to build a coordinator that keeps what it knows in this database. Several may share one: one of them leads.
    pub fn builder(database: Arc<dyn Database>) -> Builder {
        Builder { database, settings: Settings::default(), trust: Trust::default(), news: None, most_agents: 10_000 }
    }
}

impl Builder {
    /// The coordinator's own name, by which others tell it from those that share its database. One that begins again under the
    /// name of one that leads takes its place at once: give no two of them the same. Default: `coordinator`.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Takes bundles that the owner of this key has signed; of several keys, of any. Without any it takes none, unless
    /// [unsigned ones are allowed](Self::allow_unsigned).
    #[must_use]
    pub fn trust(mut self, key: PublicKey) -> Self {
        self.trust.keys.push(key);
        self
    }

    /// Takes bundles that nobody has signed: whoever reaches the coordinator can publish then. Those that are signed still have
    /// to be [trusted](Self::trust), where any key is. Nodes decide for themselves what they load. Default: no.
    #[must_use]
    pub fn allow_unsigned(mut self, allowed: bool) -> Self {
        self.trust.unsigned = allowed;
        self
    }

    /// Adds a scheduling function, which a `schedule.toml` then calls by this name.
    #[must_use]
    pub fn schedule(mut self, name: impl Into<String>, schedule: impl Schedule) -> Self {
        self.settings.schedules = self.settings.schedules.with(name, schedule);
        self
    }

    /// How often nodes report at least; one that is silent three times as long is away. Default: 5 s.
    #[must_use]
    pub fn report_every(mut self, time: Duration) -> Self {
        self.settings.report_every = time;
        self.settings.away_after = time * 3;
        self.settings.retry_after = time;
        self
    }

    /// How long a permit holds, on the node's own clock from when it asked for it. Default: 30 s.
    #[must_use]
    pub fn permit_within(mut self, time: Duration) -> Self {
        self.settings.permit_within = time;
        self
    }

    /// Calls this with each event, once it is written. It is not to take long.
    #[must_use]
    pub fn news(mut self, news: impl Fn(&v1_0_0::Event) + Send + Sync + 'static) -> Self {
        self.news = Some(Arc::new(news));
        self
    }

    /// Most agents that have a stream at once; further ones are told `RESOURCE_EXHAUSTED`. Each takes a connection, and so an
    /// open file of the process. Default: 10,000.
    #[must_use]
    pub fn most_agents(mut self, most: usize) -> Self {
        self.most_agents = most;
        self
    }

    /// Serves agents and operators to whoever connects to `listener`, with health and reflection, until `shutdown` completes.
    /// It is ready when this returns: it leads, or has seen that another one does, and then takes its place when that ends.
    ///
    /// # Errors
    /// When the listener's address is no loopback address: nobody is authenticated yet. When what the database holds cannot be
    /// gone on with.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<Serving, StartError> {
        let address = listener.local_addr()?;
        require_loopback(address)?;
        let enough = self.most_agents.saturating_add(OPERATORS);
        open_files::raise(enough);
        let (stop, stopping) = watch::channel(false);
        let (standing, mut stands) = watch::channel(Standing::Starts);
        let (newest, events) = watch::channel(0);
        let (handle, told) = Handle::new(events);
        let own = v1_0_0::Leader {
            coordinator: self.settings.name.clone(),
            address: address.to_string(),
            since: Clock::wall(),
        };
        let object = service::object(&handle, &self.database, self.trust, &stopping);
        let page = service::metrics(handle.clone());
        let node = Node::builder(protocol()).object(v1_0_0::LABEL.version, object).build()?;
        let driver = Driver {
            database: self.database,
            own,
            settings: self.settings,
            told,
            stop: stopping,
            standing,
            events: newest,
            news: self.news,
            most_agents: self.most_agents,
            clock: Clock::start(),
        };
        let driver = tokio::spawn(driver.run());
        // It goes on for as long as the driver is there.
        let known = stands.wait_for(|standing| !matches!(standing, Standing::Starts)).await;
        if let Ok(Standing::Failed(why)) = known.as_deref() {
            let why = why.clone();
            drop(known);
            let _ = stop.send(true);
            return Err(StartError::Database(why));
        }
        drop(known);

        let health = HealthHandle::new();
        let service = node.service_with(&health).map_err(io::Error::other)?;
        for service in [agents_server::SERVICE_NAME, operators_server::SERVICE_NAME] {
            health.set_service(service, true);
        }
        let limits = Limits {
            max_connections: enough,
            max_concurrent_streams: u32::try_from(enough).unwrap_or(u32::MAX),
            ..Limits::default()
        };
        let shutdown = async move {
            shutdown.await;
            // Streams of agents, and of those who watch, end now: they would hold the end up.
            let _ = stop.send(true);
        };
        let serving =
            Server::builder().limits(limits).health(&health).metrics(page).serve(listener, service, shutdown)?;
        health.set_serving();
        let told = health.clone();
        let tells = async move {
            // Whoever knows several coordinators goes to the one that leads.
            loop {
                let leads = matches!(*stands.borrow_and_update(), Standing::Leads);
                told.set_drained(!leads);
                if stands.changed().await.is_err() {
                    return;
                }
            }
        };
        Ok(serving.beside(tells, async move {
            // It lets the database go before anybody hears that all is over.
            let _ = driver.await;
        }))
    }
}

/// Why a coordinator does not start.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Whoever reaches the coordinator can have nodes moved, and nobody is authenticated.
    #[error(
        "{0} is no loopback address, and whoever reaches the coordinator can move all nodes: nobody is authenticated yet, \
         because it has no TLS\n  help: listen on 127.0.0.1 or [::1]; for now nodes and operators on other machines need a \
         tunnel, as `ssh -L` makes one"
    )]
    BeyondLoopback(SocketAddr),
    /// The listener has no address, or cannot be listened to.
    #[error("the coordinator cannot listen: {0}")]
    Listen(#[from] io::Error),
    /// What the database holds cannot be gone on with.
    #[error("{0}")]
    Database(String),
    /// The control protocol cannot be served: a fault of this crate.
    #[error("the control protocol cannot be served: {0}")]
    Build(#[from] BuildError),
}

/// That only processes of this machine reach the coordinator.
fn require_loopback(address: SocketAddr) -> Result<(), StartError> {
    if address.ip().to_canonical().is_loopback() { Ok(()) } else { Err(StartError::BeyondLoopback(address)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_this_machine_alone_reaches_is_listened_on() {
        for (address, taken) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("0.0.0.0:1", false),
            ("[::]:1", false),
            ("192.168.1.1:1", false),
        ] {
            assert_eq!(require_loopback(address.parse().unwrap()).is_ok(), taken, "{address}");
        }
    }
}
