//! The node whose supervisor replaces its program.

use std::io;
use std::path::Path;
use std::process::Command;

use super::{GRACE, Running};

/// Where the releases are, in the demo's folder.
const RELEASES: &str = "releases";

/// Starts the supervisor, with the oldest release; where callers come, and its admin service.
pub(super) async fn start(folder: &Path) -> io::Result<(Running, [String; 2])> {
    let text = |path: &Path| path.display().to_string();
    let mut arguments = ["supervise", "--until-stdin-ends", "--json", "--release", "1.1.0"].map(String::from).to_vec();
    arguments.extend(["--listen", "127.0.0.1:0", "--crashes", "2", "--state"].map(String::from));
    arguments.extend([text(&folder.join("restart")), "--".to_owned()]);
    arguments.push(text(&folder.join(RELEASES).join("{version}").join("server")));
    let mut running = Running::start("restart", folder, &arguments, true)?;
    let listening = running.line().await?;
    let listening: serde_json::Value = serde_json::from_str(&listening)?;
    let addresses = ["callers", "admin"].map(|name| listening[name].as_str().unwrap_or_default().to_owned());
    while !serde_json::from_str::<serde_json::Value>(&running.line().await?)?["event"].eq("ready") {}
    Ok((running, addresses))
}

/// Makes a release: a program that runs these versions, or that crashes as soon as it is started.
pub(super) fn release(folder: &Path, version: &str, runs: &str, broken: bool) -> io::Result<()> {
    let release = folder.join(RELEASES).join(version);
    std::fs::create_dir_all(&release)?;
    let this = std::env::current_exe()?;
    let quoted = this.display().to_string().replace('\'', r"'\''");
    let more = if broken { " --break start" } else { "" };
    let program = release.join("server");
    std::fs::write(
        &program,
        format!("#!/bin/sh\nexec '{quoted}' serve-node --runs {runs} --stream-grace {GRACE}{more} \"$@\"\n"),
    )?;
    make_executable(&program)?;
    let mut command = Command::new(this);
    command.arg("release").arg(&release).args(["--program", "server", "--runs", runs, "--protocol", "inventory"]);
    let made = command.output()?;
    if made.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()))
    }
}

#[cfg(unix)]
fn make_executable(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> io::Result<()> {
    Ok(())
}
