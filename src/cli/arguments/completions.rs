//! The arguments of `straddle completions`.

use clap::Args;
use clap_complete::Shell;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  straddle completions bash > /etc/bash_completion.d/straddle
  straddle completions zsh > \"${fpath[1]}/_straddle\"
  straddle completions fish > ~/.config/fish/completions/straddle.fish")]
pub(in crate::cli) struct CompletionsArguments {
    /// The shell: bash, zsh or fish
    pub(in crate::cli) shell: Shell,
}
