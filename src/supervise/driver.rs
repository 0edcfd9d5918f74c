//! The supervisor at work: what happens is told to the machine, what comes of it is written down, and then done.

mod hand_over;
mod program;
mod status;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use self::hand_over::Handed;
use self::program::Program;
use super::admin::{self, Admin, Ask, Asker};
use super::error::SuperviseError;
use super::journal::{self, Folder, Written};
use super::machine::{Action, Event, Exit, Id, Limits, Machine, Move, Record, Time};
use super::news::News;
use super::notify::{Above, Said};
use super::process::{Process, Waiting};
use super::release::{PassedOver, Verified};
use super::sockets::Sockets;
use super::supervisor::{Ended, Listener, Order, Supervisor};
use super::view::View;
use crate::node::admin::wire;

/// How soon the journal is tried again when it could not be written.
const AGAIN: Duration = Duration::from_secs(1);
/// Words of people that wait; whoever has more to say waits as well.
const ASKS: usize = 16;

pub(super) struct Driver {
    supervisor: Supervisor,
    place: Place,
    machine: Machine,
    epoch: Instant,
    programs: BTreeMap<Id, Program>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    /// For tasks that watch programs.
    happens: mpsc::UnboundedSender<Happening>,
    asks: mpsc::Receiver<Ask>,
    view: watch::Sender<View>,
    /// Stops the admin service.
    stop_admin: watch::Sender<bool>,
    asker: Option<Asker>,
    /// What the old program said of the move.
    handed: Handed,
    /// How the node was doing when it last said so.
    latest: wire::NodeStatus,
    /// The program that said so; none before any has.
    latest_of: Option<Id>,
    written: Option<Written>,
    above: Above,
    listener: Listener,
    addresses: (SocketAddr, SocketAddr),
    anew: bool,
}

/// Where all of it lies.
pub(super) struct Place {
    /// The node's state.
    pub(super) node: PathBuf,
    pub(super) folder: Folder,
    pub(super) sockets: Sockets,
}

/// What tasks tell of.
#[derive(Debug)]
pub(super) enum Happening {
    Spawned(Id, Result<Waiting, String>),
    Said(Id, Said),
    Exited(Id, Exit),
    Status(Id, Box<wire::NodeStatus>),
    Told(Id, Box<hand_over::Told>),
}

impl Driver {
    pub(super) fn begin(
        supervisor: Supervisor,
        place: Place,
        record: Record,
        serving: Option<(journal::Program, Process)>,
        limits: Limits,
        seed: u64,
        listener: Listener,
    ) -> Result<Self, SuperviseError> {
        let addresses = place.sockets.addresses().map_err(SuperviseError::io(&place.node, "asking for its sockets"))?;
        listener(&News::Listening { callers: addresses.0, admin: addresses.1, seed });
        let machine = Machine::begin(record, serving.as_ref().map(|(program, _)| program.id), limits, seed, Time::ZERO);
        let (happens, happenings) = mpsc::unbounded_channel();
        let (ask, asks) = mpsc::channel(ASKS);
        let latest = status::unknown(machine.at(), &supervisor.releases);
        let view = watch::Sender::new(View::new(latest.clone()));
        let (stop_admin, stopping) = watch::channel(false);
        let (programs, asker, handed, written) = Default::default();
        let (above, epoch) = (Above::from_environment(), Instant::now());
        let mut driver = Self {
            supervisor,
            place,
            machine,
            epoch,
            programs,
            happenings,
            happens,
            asks,
            view,
            stop_admin,
            asker,
            handed,
            latest,
            latest_of: None,
            written,
            above,
            listener,
            addresses,
            anew: false,
        };
        if let Some((program, process)) = serving {
            driver.adopt(program, process)?;
        }
        // Who asks first is told of the program that was found, too.
        driver.publish();
        driver.serve_admin(ask, stopping)?;
        Ok(driver)
    }

    fn serve_admin(&self, ask: mpsc::Sender<Ask>, stopping: watch::Receiver<bool>) -> Result<(), SuperviseError> {
        let (sockets, releases) = (&self.place.sockets, self.supervisor.releases.clone());
        let listener = sockets.admin.try_clone().and_then(|listener| {
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        });
        let service = Admin::new(self.view.subscribe(), ask, releases, Verified::default(), stopping.clone());
        let serving = listener
            .and_then(|listener| admin::serve(service, admin::metrics(self.view.subscribe()), listener, stopping));
        tokio::spawn(serving.map_err(SuperviseError::io(&self.place.node, "serving the admin service"))?);
        Ok(())
    }

    pub(super) fn callers(&self) -> SocketAddr {
        self.addresses.0
    }

    pub(super) fn admin(&self) -> SocketAddr {
        self.addresses.1
    }

    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Ended {
        self.tell(Event::Tick);
        let mut ordered = true;
        loop {
            if self.machine.is_stopped() {
                return self.end(&News::Stopped, None);
            }
            if self.anew && self.machine.is_idle() && self.programs.len() == 1 {
                match self
                    .place
                    .sockets
                    .callers
                    .try_clone()
                    .and_then(|callers| Ok((callers, self.place.sockets.admin.try_clone()?)))
                {
                    Ok(sockets) => return self.end(&News::Anew, Some(sockets)),
                    Err(error) => tracing::error!(%error, "the sockets cannot be passed on"),
                }
                self.anew = false;
            }
            let tick = self.next_tick();
            let mut ticking = pin!(sleep_until(tick.unwrap_or_else(Instant::now)));
            tokio::select! {
                biased;
                Some(happening) = self.happenings.recv() => self.happened(happening),
                order = orders.recv(), if ordered => match order {
                    Some(Order::Stop) => {
                        self.above.tell("STOPPING=1");
                        self.tell(Event::Stop);
                    }
                    Some(Order::Anew) => self.anew = true,
                    None => ordered = false,
                },
                Some(ask) = self.asks.recv() => self.asked(ask),
                () = &mut ticking, if tick.is_some() => self.tell(Event::Tick),
            }
        }
    }

    fn end(self, news: &News, sockets: Option<(std::net::TcpListener, std::net::TcpListener)>) -> Ended {
        (self.listener)(news);
        let _ = self.stop_admin.send(true);
        match sockets {
            Some((callers, admin)) => Ended::Anew { callers, admin },
            None => Ended::Stopped,
        }
    }

    fn next_tick(&self) -> Option<Instant> {
        let unwritten = self.written.as_ref() != Some(&self.to_write());
        let again = unwritten.then(|| Instant::now() + AGAIN);
        self.machine.deadline().map(|deadline| self.epoch + deadline).into_iter().chain(again).min()
    }

    fn happened(&mut self, happening: Happening) {
        match happening {
            Happening::Spawned(id, spawned) => self.spawned(id, spawned),
            Happening::Said(id, said) => self.said(id, said),
            Happening::Exited(id, exit) => self.exited(id, exit),
            Happening::Status(id, status) => {
                if self.machine.serving() == Some(id) {
                    let moved = status.version.parse().ok().filter(|_| status.under_way.is_none());
                    (self.latest, self.latest_of) = (*status, Some(id));
                    self.publish();
                    // What it says by itself may have been said while no supervisor was there.
                    if let Some(version) = moved.filter(|version| *version != self.machine.at().version) {
                        self.tell(Event::Moved(id, version));
                    }
                }
            }
            Happening::Told(id, told) => self.told(id, *told),
        }
    }

    fn asked(&mut self, ask: Ask) {
        match ask {
            Ask::Move(moving, passed_over, asker) => self.asked_to_move(*moving, passed_over, asker),
            Ask::Abort(told) => {
                let can = self.machine.can_abort();
                if can {
                    self.tell(Event::Abort);
                }
                let _ = told.send(can);
            }
            Ask::Finalized(known) => {
                self.tell(Event::Finalized);
                // Nobody has to wait.
                let _ = known.send(());
            }
        }
    }

    fn asked_to_move(&mut self, moving: Move, passed_over: Vec<PassedOver>, asker: Asker) {
        if !self.machine.is_idle() || self.asker.is_some() || *self.machine.at() != moving.from || self.anew {
            return asker.end(Err(admin::busy()));
        }
        // Where nothing can be written down, nothing is begun.
        self.written = None;
        if let Err(error) = self.write_down() {
            return asker.end(Err(admin::unwritten(&error)));
        }
        for PassedOver { release, why } in passed_over {
            self.news(&News::PassedOver { release, why });
        }
        let (release, version) = (moving.to.release.clone(), moving.to.version.clone());
        self.news(&News::Moving { release, version, back: moving.back });
        self.asker = Some(asker);
        self.handed = Handed::default();
        self.tell(Event::Move(moving));
    }

    /// Tells the machine of something, and does what comes of it.
    fn tell(&mut self, event: Event) {
        let now = self.epoch.elapsed();
        let (waited, awaited) = (self.machine.restarts_at(), self.machine.awaited().cloned());
        let actions = self.machine.on(event, now);
        let written = self.write_down();
        if let Err(error) = &written {
            tracing::error!(%error, "the journal could not be written; it is tried again");
        }
        for action in actions {
            match action {
                Action::Start(id, launch) => self.start(id, launch),
                Action::HandOver(id, moving) => match &written {
                    Ok(()) => self.hand_over(id, moving),
                    // The next supervisor would know of nobody but the program that is gone then.
                    Err(error) => {
                        self.not_written_down(error);
                        self.tell(Event::Stays(id));
                    }
                },
                Action::Terminate(id) => self.with(id, Process::terminate),
                Action::Kill(id) => self.with(id, Process::kill),
                Action::Tell(outcome) => {
                    // Whoever is told may look at once.
                    self.publish();
                    self.moved(outcome);
                }
            }
        }
        if let Some(release) = self.machine.awaited().filter(|release| awaited.as_ref() != Some(release)).cloned() {
            let limit = self.supervisor.limits().ready.as_millis();
            self.news(&News::Awaited { release, milliseconds: u64::try_from(limit).unwrap_or(u64::MAX) });
        }
        if let Some(until) = self.machine.restarts_at().filter(|until| Some(*until) != waited && *until > now) {
            let milliseconds = u64::try_from(until.saturating_sub(now).as_millis()).unwrap_or(u64::MAX);
            self.news(&News::Waiting { milliseconds, crashes: self.machine.crashes() });
        }
        self.publish();
    }

    /// Writes down what has changed.
    fn write_down(&mut self) -> Result<(), SuperviseError> {
        let written = self.to_write();
        if self.written.as_ref() != Some(&written) {
            self.written = None;
            self.place.folder.write(&written)?;
            self.written = Some(written);
        }
        Ok(())
    }

    fn to_write(&self) -> Written {
        let (callers, admin) = (self.addresses.0.to_string(), self.addresses.1.to_string());
        let supervisor = journal::Supervisor { process: std::process::id(), admin, callers };
        let programs = self.programs.iter().filter_map(|(id, program)| program.written(*id)).collect();
        Written { supervisor, record: self.machine.record(), programs }
    }

    fn publish(&mut self) {
        let view = self.view();
        self.above.status(view.short());
        self.view.send_replace(view);
    }

    fn news(&self, news: &News) {
        (self.listener)(news);
    }
}
