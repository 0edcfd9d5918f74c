//! `straddle supervise`: a node's program, kept running and replaced.

use super::Outcome;
use super::arguments::SuperviseArguments;

#[cfg(not(target_os = "linux"))]
pub(super) fn run(_: &SuperviseArguments) -> Outcome {
    Err("programs are supervised on Linux alone: elsewhere nothing tells a process from another one that has got its number \
         later\n  help: start the program by another service manager, which passes it LISTEN_FDS, and upgrade it softly"
        .into())
}

#[cfg(target_os = "linux")]
pub(super) use self::linux::run;

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::io::{self, Write};
    use std::net::TcpListener;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode, Stdio};
    use std::time::Duration;

    use command_fds::{CommandFdExt, FdMapping};
    use tokio::signal::unix::{SignalKind, signal};
    use tokio::sync::mpsc;

    use super::{Outcome, SuperviseArguments};
    use crate::cli::{BadArguments, signals};
    use crate::supervise::{Ended, Listen, News, Order, Releases, Supervisor};
    use crate::transport::Inherited;

    pub(in crate::cli) fn run(arguments: &SuperviseArguments) -> Outcome {
        let mut inherited = Inherited::take()?;
        let admin = match inherited.named("admin") {
            Some(listener) => Listen::Inherited(listener),
            None => Listen::On(arguments.admin.clone()),
        };
        let callers = match (inherited.named("callers").or_else(|| inherited.first()), &arguments.listen) {
            (Some(listener), _) => Listen::Inherited(listener),
            (None, Some(address)) => Listen::On(address.clone()),
            (None, None) => return Err(BadArguments("say where callers come with --listen".to_owned()).into()),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let ended = runtime.block_on(supervise(arguments, callers, admin))?;
        // The sockets are put at descriptors that the runtime may have: nobody is to close those at that moment.
        runtime.shutdown_timeout(Duration::from_secs(2));
        match ended {
            Ended::Stopped => Ok(ExitCode::SUCCESS),
            Ended::Anew { callers, admin } => Err(anew(callers, admin)),
        }
    }

    async fn supervise(
        arguments: &SuperviseArguments,
        callers: Listen,
        admin: Listen,
    ) -> Result<Ended, Box<dyn std::error::Error>> {
        let supervisor = supervisor(arguments)?;
        let (orders, receiver) = mpsc::channel(4);
        listen(SignalKind::terminate(), Order::Stop, &orders)?;
        listen(SignalKind::interrupt(), Order::Stop, &orders)?;
        listen(SignalKind::user_defined2(), Order::Anew, &orders)?;
        if arguments.until_stdin_ends {
            tokio::spawn(async move {
                signals::stdin_ended().await;
                let _ = orders.send(Order::Stop).await;
            });
        }
        Ok(supervisor.begin(callers, admin).await?.run(receiver).await)
    }

    fn supervisor(arguments: &SuperviseArguments) -> Result<Supervisor, Box<dyn std::error::Error>> {
        let [program, more @ ..] = arguments.program.as_slice() else {
            return Err(BadArguments("say which program to run, after --".to_owned()).into());
        };
        let pattern = program.to_str().ok_or_else(|| BadArguments("the program's path is not UTF-8".to_owned()))?;
        let releases = Releases::parse(pattern).map_err(|error| BadArguments(error.to_string()))?;
        let longest = std::time::Duration::from_secs(30).max(arguments.first_wait);
        let json = arguments.json;
        let mut supervisor = Supervisor::new(&arguments.state, releases)
            .arguments(more)
            .ready_limit(arguments.ready_limit)
            .stop_limit(arguments.stop_limit)
            .watchdog(arguments.watchdog.0)
            .crash_limit(arguments.crashes.into(), arguments.crash_window)
            .waits(arguments.first_wait, longest)
            .news(move |news| tell(news, json));
        if let Some(coordinator) = &arguments.coordinator {
            supervisor = supervisor.environment("STRADDLE_ATTEND", coordinator);
        }
        if let Some(node) = &arguments.node {
            supervisor = supervisor.environment("STRADDLE_NODE", node);
        }
        if !arguments.label.is_empty() {
            if let Some((key, value)) =
                arguments.label.iter().find(|(key, value)| format!("{key}{value}").contains(','))
            {
                return Err(BadArguments(format!("--label {key}={value}: there may be no comma in a label")).into());
            }
            let labels: Vec<_> = arguments.label.iter().map(|(key, value)| format!("{key}={value}")).collect();
            supervisor = supervisor.environment("STRADDLE_LABELS", labels.join(","));
        }
        if let Some(release) = &arguments.release {
            supervisor = supervisor.release(release.clone());
        }
        if let Some(seed) = arguments.seed {
            supervisor = supervisor.seed(seed);
        }
        Ok(supervisor)
    }

    /// Passes a signal on as an order.
    fn listen(kind: SignalKind, order: Order, orders: &mpsc::Sender<Order>) -> io::Result<()> {
        let (mut signals, orders) = (signal(kind)?, orders.clone());
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if order == Order::Anew && !starts().await {
                    let _ = writeln!(
                        io::stderr(),
                        "error: the supervisor's own program file does not start; this one goes on"
                    );
                    continue;
                }
                if orders.send(order).await.is_err() {
                    return;
                }
            }
        });
        Ok(())
    }

    /// Nobody has to listen.
    fn tell(news: &News, json: bool) {
        let text = if json { serde_json::to_string(news).unwrap_or_default() } else { news.to_string() };
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    }

    /// Whether the program file, as it lies there now, can be started at all.
    async fn starts() -> bool {
        let tried = tokio::process::Command::new(own_name()).arg("--version").stdout(Stdio::null()).status().await;
        tried.is_ok_and(|status| status.success())
    }

    /// Becomes the program file as it lies there now, with the sockets. It comes back only when that fails.
    fn anew(callers: TcpListener, admin: TcpListener) -> Box<dyn std::error::Error> {
        let mut command = Command::new(own_name());
        command.args(std::env::args_os().skip(1));
        command.env("LISTEN_FDS", "2").env("LISTEN_FDNAMES", "callers:admin");
        // An exec keeps the id.
        command.env("LISTEN_PID", std::process::id().to_string());
        let sockets = vec![
            FdMapping { parent_fd: callers.into(), child_fd: 3 },
            FdMapping { parent_fd: admin.into(), child_fd: 4 },
        ];
        match command.fd_mappings(sockets) {
            Ok(command) => format!("the supervisor could not start itself anew: {}", command.exec()).into(),
            Err(error) => format!("the supervisor could not pass its sockets on: {error}").into(),
        }
    }

    /// As it was started: where a name leads to may have changed since.
    fn own_name() -> OsString {
        std::env::args_os().next().unwrap_or_else(|| "straddle".into())
    }
}
