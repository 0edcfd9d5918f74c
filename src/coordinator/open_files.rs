//! How many files a process may have open: each agent's connection is one (`RLIMIT_NOFILE` of getrlimit(2)).

/// Files that are open whoever connects.
#[cfg(unix)]
const OTHERS: u64 = 64;

/// Lets the process have as many connections as it may at most, and says so when that is too few.
#[cfg(unix)]
pub(super) fn raise(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let wanted = connections as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    // None: as many as one likes.
    let Some(now) = limit.current.filter(|now| *now < wanted) else { return };
    let most = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(most), maximum: limit.maximum });
    let have = if raised.is_ok() { most } else { now };
    if have < wanted {
        tracing::warn!(
            open_files = have,
            wanted,
            "this process may have too few files open for all agents that the coordinator takes: raise its hard limit \
             (ulimit -Hn, or LimitNOFILE= of systemd), or expect agents to wait for a connection"
        );
    }
}

/// Elsewhere there is no such limit, or nobody to ask.
#[cfg(not(unix))]
pub(super) fn raise(_: usize) {}
