//! nginx replaces its program as its manual says ("Upgrading Executable on the Fly"): SIGUSR2 starts a new master beside the
//! old one, SIGQUIT ends the old one once its requests are answered.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::probe::{Call, Felt, watch};
use crate::options::Options;
use crate::records::{scratch, text};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What callers felt; or why that cannot be measured here.
pub(super) async fn replaced(options: &Options) -> Result<Result<Felt, String>, String> {
    let Some(program) = program() else { return Ok(Err("there is no nginx (Debian: nginx-light)".to_owned())) };
    let folder = scratch(options)?;
    // nginx takes relative paths for those of its own folder.
    let path = &fs::canonicalize(folder.path()).map_err(text)?;
    // nginx takes no port of the system's choice.
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).map_err(text)?;
    let started = Started::begin(&program, path, free)?;
    until("nginx listens", async || TcpStream::connect(free).await.is_ok()).await?;
    let call = Call { address: free, path: "/", message: None };
    let felt = watch(call, started.replace()).await?;
    Ok(Ok(felt))
}

/// A master that runs, the first or the second; it ends with this. It is a daemon, for no other replaces its program.
struct Started(PathBuf);

impl Started {
    fn begin(program: &Path, path: &Path, address: SocketAddr) -> Result<Self, String> {
        let (config, folder) = (path.join("nginx.conf"), path.display());
        let user = if rustix::process::getuid().is_root() { "user root;\n" } else { "" };
        let text_of_it = format!(
            "{user}worker_processes 1;\nerror_log {folder}/error.log;\npid {folder}/nginx.pid;\nevents {{}}\nhttp {{\n  \
             access_log off;\n  client_body_temp_path {folder}/b;\n  proxy_temp_path {folder}/p;\n  fastcgi_temp_path \
             {folder}/f;\n  uwsgi_temp_path {folder}/u;\n  scgi_temp_path {folder}/s;\n  keepalive_requests 1000000;\n  server \
             {{ listen {address} http2; location / {{ return 200 \"ok\"; }} }}\n}}\n"
        );
        fs::write(&config, text_of_it).map_err(text)?;
        let started = Command::new(program).arg("-c").arg(&config).stderr(Stdio::null()).status().map_err(text)?;
        started.success().then(|| Self(path.to_owned())).ok_or_else(|| format!("nginx did not start: {started}"))
    }

    async fn replace(&self) -> Result<(), String> {
        let old = master(&self.0).ok_or("nginx has no process id")?;
        let old_file = self.0.join("nginx.pid.oldbin");
        kill_process(old, Signal::USR2).map_err(text)?;
        let fresh = || master(&self.0).filter(|pid| *pid != old);
        until("nginx starts anew", async || fresh().is_some() && old_file.exists()).await?;
        kill_process(old, Signal::QUIT).map_err(text)?;
        until("the old nginx ends", async || !old_file.exists()).await
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(pid) = master(&self.0) {
            // It may have ended.
            let _ = kill_process(pid, Signal::TERM);
        }
    }
}

/// By its whole path: nginx starts itself anew under the name that it was started with, and looks nowhere.
fn program() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    // What root's own PATH has and others' have not.
    std::env::split_paths(&folders)
        .chain(["/usr/sbin".into()])
        .map(|folder| folder.join("nginx"))
        .find(|file| file.is_file())
}

fn master(folder: &Path) -> Option<Pid> {
    Pid::from_raw(fs::read_to_string(folder.join("nginx.pid")).ok()?.trim().parse().ok()?)
}

async fn until(what: &str, mut there: impl AsyncFnMut() -> bool) -> Result<(), String> {
    let begun = Instant::now();
    while !there().await {
        if begun.elapsed() > PATIENCE {
            return Err(format!("{what}: not within {} s", PATIENCE.as_secs()));
        }
        sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}
