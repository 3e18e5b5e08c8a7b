//! The options that all acting commands share.

use clap::Args;
use jiff::SignedDuration;

use super::values::duration;

/// The options of every command that changes a release.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Plan")]
pub(in crate::cli) struct Acting {
    /// Print the plan and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Carry out the plan without asking; required without a terminal
    #[arg(long, short)]
    pub yes: bool,
    /// Reason, for the audit file
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Go on although the verdict is FAIL; needs --reason
    #[arg(long, requires = "reason")]
    pub despite_verdict: bool,
    /// Go on only on a PASS; else exit 3
    #[arg(long, conflicts_with = "despite_verdict")]
    pub require_pass: bool,
    /// Wait until the rollout is complete
    ///
    /// Without this option the command returns as soon as its last write is confirmed. The command always waits for
    /// what has to come before that write: tasks are healthy before they get traffic.
    #[arg(long)]
    pub wait: bool,
    /// Stop waiting after this time (90s, 45m, 2h), with exit code 5
    ///
    /// Nothing more is sent then. A call that is on its way is still waited for, and what was sent is printed.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<SignedDuration>,
}
