//! `straddle pass-sockets`: becomes a program that finds sockets as if systemd had passed them.

use super::arguments::PassSocketsArguments;
use super::{BadArguments, Outcome};

#[cfg(unix)]
pub(super) fn run(arguments: &PassSocketsArguments) -> Outcome {
    use std::io::{ErrorKind, Read, Write, stderr, stdin};
    use std::os::unix::process::CommandExt;
    use std::process::{Command, ExitCode};

    let names = names(&arguments.names)?;
    let [program, more @ ..] = arguments.program.as_slice() else {
        return Err(BadArguments("say which program to become, after --".to_owned()).into());
    };
    // Its supervisor writes down first whom it has started.
    if arguments.wait && stdin().lock().read(&mut [0])? == 0 {
        return Ok(ExitCode::FAILURE);
    }
    let mut command = Command::new(program);
    command
        .args(more)
        .env("LISTEN_FDS", arguments.names.len().to_string())
        .env("LISTEN_FDNAMES", names)
        // An exec keeps the id.
        .env("LISTEN_PID", std::process::id().to_string());
    if let Some(named) = &arguments.named {
        command.arg0(named);
    }
    // It comes back only to say why not.
    let error = command.exec();
    let _ = writeln!(stderr(), "error: {} cannot be executed: {error}", program.display());
    Ok(ExitCode::from(if error.kind() == ErrorKind::NotFound { 127 } else { 126 }))
}

#[cfg(not(unix))]
pub(super) fn run(_: &PassSocketsArguments) -> Outcome {
    Err("sockets are passed to programs on Unix alone".into())
}

/// The names as `LISTEN_FDNAMES` has them: a colon parts them, and systemd allows no control characters in them.
#[cfg_attr(not(unix), expect(dead_code, reason = "sockets are passed on Unix alone"))]
fn names(names: &[String]) -> Result<String, BadArguments> {
    let wrong = |name: &&String| name.is_empty() || name.contains(|letter: char| letter == ':' || letter.is_control());
    match names.iter().find(wrong) {
        Some(name) => Err(BadArguments(format!("{name:?} cannot be the name of a socket"))),
        None => Ok(names.join(":")),
    }
}
