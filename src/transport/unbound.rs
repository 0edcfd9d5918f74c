//! Why nothing can listen at an address, and what to do about it.

use std::io::{self, ErrorKind};

/// What went wrong at `address`, with help: `other` says how another address is named, as `with --listen`.
pub(crate) fn cannot_listen(address: &str, error: &io::Error, other: &str) -> String {
    format!("cannot listen on {address}: {error}\n  help: {}", advice(address, error, other))
}

/// What to do.
pub(crate) fn advice(address: &str, error: &io::Error, other: &str) -> String {
    match error.kind() {
        ErrorKind::AddrInUse => match holder(address) {
            Some((process, name)) => format!(
                "process {process} ({name}) listens there: stop it, or name another address {other}; port 0 takes a free one"
            ),
            None => format!(
                "another program listens there, or did a moment ago: stop it, or name another address {other}; port 0 takes a \
                 free one"
            ),
        },
        ErrorKind::PermissionDenied => format!(
            "this user may not listen there, as is usual for ports below 1024: name a higher one {other}; port 0 takes a free one"
        ),
        ErrorKind::AddrNotAvailable => {
            format!("this machine has no such address: name one that it has {other}; 127.0.0.1 is there on each")
        }
        _ => format!(
            "name an address of this machine and a port {other}, as 127.0.0.1:7000; 127.0.0.1:0 takes a free port"
        ),
    }
}

/// The process that listens at this port, and its name, where that can be known: of another user's processes it cannot.
#[cfg(target_os = "linux")]
fn holder(address: &str) -> Option<(u32, String)> {
    use std::fs;
    let port = address.rsplit(':').next()?.parse::<u16>().ok()?;
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let inodes = tables.iter().flat_map(|table| table.lines()).filter_map(|line| listening(line, port));
    let sockets: Vec<String> = inodes.map(|inode| format!("socket:[{inode}]")).collect();
    let has = |process: &u32| {
        let open = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
        let mut open = open.filter_map(|file| fs::read_link(file.path()).ok());
        open.any(|file| sockets.iter().any(|socket| file.as_os_str() == socket.as_str()))
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut processes: Vec<u32> = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // Of those that have it, whoever began first has passed it on.
    processes.sort_unstable();
    let process = processes.into_iter().find(has)?;
    let name = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    Some((process, name.trim_end().to_owned()))
}

#[cfg(not(target_os = "linux"))]
fn holder(_: &str) -> Option<(u32, String)> {
    None
}

/// The inode of a line of `/proc/net/tcp`, if its socket listens at this port (proc(5)).
#[cfg(target_os = "linux")]
fn listening(line: &str, port: u16) -> Option<&str> {
    const LISTENS: &str = "0A";
    let mut fields = line.split_whitespace();
    let (local, state) = (fields.nth(1)?, fields.nth(1)?);
    let own = u16::from_str_radix(local.rsplit(':').next()?, 16).ok()?;
    (own == port && state == LISTENS).then(|| fields.nth(5)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_its_help() {
        for (kind, told) in [
            (ErrorKind::AddrInUse, "another program listens there"),
            (ErrorKind::PermissionDenied, "ports below 1024"),
            (ErrorKind::AddrNotAvailable, "this machine has no such address"),
            (ErrorKind::InvalidInput, "as 127.0.0.1:7000"),
        ] {
            let text = cannot_listen("nowhere", &kind.into(), "with --listen");
            assert!(text.starts_with("cannot listen on nowhere: ") && text.contains("\n  help: "), "{text}");
            assert!(text.contains(told) && text.contains("with --listen"), "{text}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_listens_there_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let error = std::net::TcpListener::bind(&address).expect_err("it is taken");
        let text = cannot_listen(&address, &error, "with --listen");
        assert!(text.contains(&format!("process {} (", std::process::id())), "{text}");
    }
}
