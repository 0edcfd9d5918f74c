//! One program, from being started to its end.

use std::time::Duration;

use tokio::net::UnixDatagram;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, spawn_blocking};

use super::{Driver, Happening};
use crate::node::admin::wire::WatchRequest;
use crate::node::admin::wire::node_client::NodeClient;
use crate::supervise::error::SuperviseError;
use crate::supervise::journal;
use crate::supervise::machine::{Event, Exit, Id, Launch, Told};
use crate::supervise::news::News;
use crate::supervise::notify::{self, Said};
use crate::supervise::process::{Name, Process, Start, Waiting};
use crate::supervise::release::PLACE;
use crate::supervise::view::Client;
use crate::transport::Channel;
use crate::version::Version;

/// What the driver knows of a program.
pub(super) struct Program {
    launch: Launch,
    /// Nothing before it runs.
    process: Option<(Name, Process)>,
    socket: Option<UnixDatagram>,
    admin: Option<String>,
    client: Option<Client>,
    pub(super) ready: Option<Version>,
    pub(super) doing: String,
    /// How long it may say nothing, as it was told.
    watchdog: Option<Duration>,
    /// It has said that it is alive, and so has to say it again.
    says_so: bool,
    /// It has to end as soon as it is there.
    doomed: bool,
    watching: Option<AbortHandle>,
}

impl Program {
    fn new(launch: Launch, watchdog: Option<Duration>) -> Self {
        let (process, socket, admin, client, ready, watching) = Default::default();
        let (doing, says_so, doomed) = Default::default();
        Self { launch, process, socket, admin, client, ready, doing, watchdog, says_so, doomed, watching }
    }

    pub(super) fn written(&self, id: Id) -> Option<journal::Program> {
        let (name, _) = self.process.as_ref()?;
        let (launch, name, admin, ready) = (self.launch.clone(), name.clone(), self.admin.clone(), self.ready.clone());
        let watchdog = self.watchdog.filter(|_| self.says_so && self.ready.is_some());
        Some(journal::Program { id, launch, name, admin, ready, watchdog })
    }

    pub(super) fn client(&self) -> Option<Client> {
        self.client.clone()
    }

    pub(super) fn admin(&self) -> Option<String> {
        self.admin.clone()
    }

    pub(super) fn number(&self) -> u32 {
        self.process.as_ref().map_or(0, |(name, _)| name.process)
    }

    fn has_admin(&mut self, admin: String) {
        // It answers only once it is ready, so nothing is connected before there is something to ask.
        self.client = Channel::owner(&admin).build().ok().map(NodeClient::new);
        self.admin = Some(admin);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(watching) = &self.watching {
            watching.abort();
        }
    }
}

impl Driver {
    /// Goes on with a program that another supervisor has started.
    pub(super) fn adopt(&mut self, written: journal::Program, process: Process) -> Result<(), SuperviseError> {
        let journal::Program { id, launch, name, admin, ready, watchdog } = written;
        let path = self.place.folder.notify(id);
        let mut program = Program::new(launch, watchdog);
        program.socket = Some(notify::socket(&path).map_err(SuperviseError::io(&path, "making the socket"))?);
        program.ready = ready;
        program.says_so = watchdog.is_some();
        program.process = Some((name, process));
        if let Some(admin) = admin {
            program.has_admin(admin);
        }
        self.programs.insert(id, program);
        if let Some(watchdog) = watchdog {
            self.tell(Event::Alive(id, watchdog));
        }
        self.watch_process(id);
        self.watch_status(id);
        self.above.tell("READY=1");
        Ok(())
    }

    pub(super) fn start(&mut self, id: Id, launch: Launch) {
        let watchdog = self.supervisor.watchdog;
        let mut program = Program::new(launch.clone(), watchdog);
        let notify = self.place.folder.notify(id);
        let socket = notify::socket(&notify);
        let callers = self.place.sockets.callers.try_clone();
        let (supervisor, state, happens) = (self.supervisor.clone(), self.place.node.clone(), self.happens.clone());
        let admin = self.admin();
        let failed = |what: &str, error: &dyn std::fmt::Display| format!("it could not be started: {what}: {error}");
        let ready = match (socket, callers) {
            (Ok(socket), Ok(callers)) => {
                program.socket = Some(socket);
                Ok(callers)
            }
            (Err(error), _) => Err(failed(&notify.display().to_string(), &error)),
            (_, Err(error)) => Err(failed("its socket", &error)),
        };
        self.programs.insert(id, program);
        // Reading a large program takes a while.
        spawn_blocking(move || {
            let spawned = ready.and_then(|callers| {
                let Launch { release, told } = launch;
                let (Told::Run(version) | Told::Back(version)) = &told;
                let cannot = |error| format!("it could not be started: {error}");
                let found = supervisor.releases.find(&release).map_err(cannot)?;
                found.expect(version).map_err(cannot)?;
                let program = found.verify().map_err(cannot)?;
                let replaced = |argument: &std::ffi::OsString| match argument.to_str() {
                    Some(text) => text.replace(PLACE, &release.to_string()).into(),
                    None => argument.clone(),
                };
                let arguments = supervisor.arguments.iter().map(replaced).collect();
                let (helper, callers, environment) = (supervisor.helper, callers.into(), supervisor.environment);
                let name = found.program();
                let start = Start {
                    helper,
                    program,
                    name,
                    arguments,
                    callers,
                    state,
                    admin,
                    environment,
                    told,
                    notify,
                    watchdog,
                };
                start.spawn().map_err(|error| failed(&found.program().display().to_string(), &error))
            });
            let _ = happens.send(Happening::Spawned(id, spawned));
        });
    }

    pub(super) fn spawned(&mut self, id: Id, spawned: Result<Waiting, String>) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        let waiting = match spawned {
            Ok(waiting) => waiting,
            Err(why) => return self.exited(id, Exit::NotStarted(why)),
        };
        let process = match waiting.process.clone() {
            Ok(process) => process,
            // Without its word it ends.
            Err(error) => return self.exited(id, Exit::NotStarted(format!("it could not be watched: {error}"))),
        };
        program.process = Some((waiting.name.clone(), process));
        let (doomed, release, told) = (program.doomed, program.launch.release.clone(), program.launch.told.clone());
        self.watch_process(id);
        if let Err(error) = self.write_down() {
            if self.machine.serving().is_some() {
                // Another one serves on: this one ends without its word, and nobody has to know of it.
                self.not_written_down(&error);
                return self.exited(id, Exit::NotStarted("it could not be written down".to_owned()));
            }
            tracing::error!(%error, "a program is started that could not be written down");
        }
        if doomed {
            return waiting.process.kill();
        }
        let process = waiting.name.process;
        let (version, back) = match told {
            Told::Run(version) => (version, false),
            Told::Back(version) => (version, true),
        };
        // Before anybody is told of it: a supervisor that is killed then leaves it there, and with it the socket.
        let begun = waiting.go_on();
        self.news(&News::Started { release, version, back, process });
        if let Err(error) = begun {
            // Its end will be told.
            tracing::warn!(%error, process, "a program ended before it began");
        }
    }

    /// Reads what the program says, and waits for its end. What it said last counts before its end does.
    fn watch_process(&mut self, id: Id) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        let (Some((_, process)), Some(socket)) = (&program.process, program.socket.take()) else { return };
        let Ok(process) = process.clone() else { return };
        let happens = self.happens.clone();
        tokio::spawn(async move {
            let mut buffer = vec![0; notify::LONGEST];
            let mut ended = std::pin::pin!(process.ended());
            let exit = loop {
                tokio::select! {
                    biased;
                    received = socket.recv(&mut buffer) => {
                        let Ok(length) = received else { continue };
                        let _ = happens.send(Happening::Said(id, notify::read(&buffer[..length])));
                    }
                    exit = &mut ended => break exit,
                }
            };
            for said in notify::left(&socket) {
                let _ = happens.send(Happening::Said(id, said));
            }
            let _ = happens.send(Happening::Exited(id, exit));
        });
    }

    pub(super) fn said(&mut self, id: Id, said: Said) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        if let Some(admin) = said.admin {
            program.has_admin(admin.to_string());
        }
        let news = said.status.filter(|status| *status != program.doing);
        let goes_on = news.is_some();
        if let Some(doing) = news {
            program.doing = doing;
        }
        program.says_so |= said.alive;
        let alive = program.watchdog.filter(|_| said.alive && (said.ready || program.ready.is_some()));
        if let Some(why) = said.failed {
            self.tell(Event::Complains(id, why));
        }
        // What asks for time by the clock alone may hang.
        if goes_on {
            self.tell(Event::Progress(id, said.more_time));
        }
        if said.prepared {
            self.tell(Event::Prepared(id));
        }
        if said.ready {
            self.is_ready(id, said.version);
        } else if let (Some(version), true) = (said.version, self.machine.serving() == Some(id)) {
            self.tell(Event::Moved(id, version));
        }
        if let Some(within) = alive {
            self.tell(Event::Alive(id, within));
        }
    }

    fn is_ready(&mut self, id: Id, version: Option<Version>) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        let (Told::Run(told) | Told::Back(told)) = program.launch.told.clone();
        let version = version.unwrap_or(told);
        program.ready = Some(version.clone());
        let release = program.launch.release.clone();
        self.tell(Event::Ready(id, version.clone()));
        // Whoever hears it may ask for the next move.
        self.news(&News::Ready { release, version });
        if self.machine.serving() == Some(id) {
            self.watch_status(id);
            self.above.tell("READY=1");
        }
    }

    /// Tells of the program's status, for as long as it serves.
    fn watch_status(&mut self, id: Id) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        let (Some(mut client), happens) = (program.client(), self.happens.clone()) else { return };
        let watching = tokio::spawn(async move {
            let mut pause = Duration::from_millis(10);
            while !happens.is_closed() {
                if let Ok(statuses) = client.watch(WatchRequest {}).await {
                    follow(id, statuses.into_inner(), &happens).await;
                }
                // It may be on its way out.
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(5));
            }
        });
        program.watching = Some(watching.abort_handle());
    }

    pub(super) fn exited(&mut self, id: Id, exit: Exit) {
        let Some(program) = self.programs.remove(&id) else { return };
        let how = self.machine.why(id, &exit);
        self.news(&News::Ended { release: program.launch.release.clone(), how });
        // It may have moved within itself, and ended before it could say so.
        if self.machine.serving() == Some(id)
            && let Some(version) = self.supervisor.found(&self.place.node)
        {
            self.tell(Event::Moved(id, version));
        }
        // One that stays is replaced when its number comes again, which is never.
        let _ = std::fs::remove_file(self.place.folder.notify(id));
        self.tell(Event::Exited(id, exit));
    }

    /// Signals a program, so that it ends; one that is not there yet is ended as soon as it is.
    pub(super) fn with(&mut self, id: Id, something: impl Fn(&Process)) {
        let Some(program) = self.programs.get_mut(&id) else { return };
        match &program.process {
            Some((_, process)) => something(process),
            None => program.doomed = true,
        }
    }
}

async fn follow(
    id: Id,
    mut statuses: tonic::Streaming<crate::node::admin::wire::NodeStatus>,
    happens: &mpsc::UnboundedSender<Happening>,
) {
    while let Ok(Some(status)) = statuses.message().await {
        if happens.send(Happening::Status(id, Box::new(status))).is_err() {
            return;
        }
    }
}
