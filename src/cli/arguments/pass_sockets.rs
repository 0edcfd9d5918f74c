//! The arguments of `straddle pass-sockets`.

use std::ffi::OsString;

use clap::Args;

#[derive(Args, Debug)]
#[command(
    after_help = "Whoever starts this has opened the sockets as file descriptors 3, 4 and so on, one for each name. \
LISTEN_PID has to name the very process that takes them, and only that process knows its id: so this sets it, and LISTEN_FDS \
and LISTEN_FDNAMES, and becomes the program (sd_listen_fds(3), execve(2)).

Exit codes, as those of env(1): 126 when the program cannot be executed, 127 when it is not there; 1 without a byte for --wait; \
otherwise those of the program."
)]
pub(in crate::cli) struct PassSocketsArguments {
    /// What the sockets are called, in their order
    #[arg(long, value_name = "NAME", value_delimiter = ',', default_value = "callers")]
    pub(in crate::cli) names: Vec<String>,
    /// What the program is told as its own name, the first of its arguments [default: PROGRAM]
    #[arg(long = "as", value_name = "NAME")]
    pub(in crate::cli) named: Option<OsString>,
    /// Wait for a byte on standard input first; when it ends instead, whoever started this is gone, and there is nothing to do
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// The program, and its arguments
    #[arg(last = true, required = true, value_name = "PROGRAM")]
    pub(in crate::cli) program: Vec<OsString>,
}
