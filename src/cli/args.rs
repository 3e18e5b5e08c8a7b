//! The command line as it is typed.

mod acting;
mod candidates;
mod examples;
#[cfg(test)]
mod tests;
mod values;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter};
use jiff::SignedDuration;
use strum::IntoEnumIterator;

use super::config::Flags;
use super::exit::Exit;
use super::until::Until;
use super::version;
use crate::domain::release::share::Percent;
use crate::sim::fault::FaultRule;
pub(super) use acting::Acting;
pub(super) use examples::EXAMPLES;
use examples::examples;
use values::{duration, speed};

/// Watch a release on Amazon ECS, move its traffic, and roll it back.
#[derive(Debug, Parser)]
#[command(
    name = "tidegate",
    version = version::SHORT,
    long_version = version::long(),
    about = "Watch a release on Amazon ECS, move its traffic, and roll it back.",
    after_help = exit_codes(),
    max_term_width = 100,
    subcommand_help_heading = "Commands",
    disable_help_subcommand = true
)]
pub(super) struct Cli {
    /// The options of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command; without one, the console.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// One line for each code.
fn exit_codes() -> String {
    let lines = Exit::iter().map(|exit| format!("\n  {}  {}", exit.code(), exit.meaning()));
    std::iter::once("Exit codes:".to_owned()).chain(lines).collect()
}

/// The options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Target")]
pub(super) struct Global {
    /// Configuration file [default: tidegate/config.toml in the configuration directory]
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Environment of the configuration file [default: the first]
    #[arg(long, short, global = true, value_name = "NAME", add = ArgValueCandidates::new(candidates::environments))]
    pub environment: Option<String>,
    /// AWS profile
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Cluster, by name or ARN; may be repeated [default: all clusters]
    #[arg(
        long = "cluster",
        global = true,
        value_name = "CLUSTER",
        add = ArgValueCandidates::new(candidates::clusters)
    )]
    pub clusters: Vec<String>,
    /// Send AWS requests to this endpoint
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Never change anything in AWS
    #[arg(long, global = true, help_heading = "Safety and output")]
    pub read_only: bool,
    /// Print one JSON document (`watch`: one per line)
    #[arg(long, global = true, help_heading = "Safety and output")]
    pub json: bool,
    /// Draw with ASCII characters only
    #[arg(long, global = true, help_heading = "Safety and output")]
    pub ascii: bool,
}

impl From<&Global> for Flags {
    fn from(global: &Global) -> Self {
        Self {
            config: global.config.clone(),
            environment: global.environment.clone(),
            profile: global.profile.clone(),
            region: global.region.clone(),
            clusters: global.clusters.clone(),
            endpoint_url: global.endpoint_url.clone(),
            read_only: global.read_only,
            ascii: global.ascii,
        }
    }
}

impl Command {
    /// Whether the command goes on without what this machine lacks or has wrong: a log, a sound configuration. What
    /// looks and what goes back does; what goes forward does not.
    pub(super) fn goes_on(&self) -> bool {
        matches!(
            self,
            Self::Console
                | Self::Status(_)
                | Self::Rollback(_)
                | Self::History(_)
                | Self::Diff(_)
                | Self::Watch(_)
                | Self::Help(_)
                | Self::Config
        )
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Open the console (the default)
    #[command(after_help = examples("console"))]
    Console,
    /// Open the console on a simulated AWS account with a release under way
    #[command(after_help = examples("demo"))]
    Demo(World),
    /// Serve the simulated AWS account on its own, for other tools
    ///
    /// Prints the environment variables that point any AWS tool at it, and serves until it is stopped.
    #[command(after_help = examples("sim"))]
    Sim(Sim),
    /// Play a recorded session of the console
    ///
    /// TIDEGATE_RECORD=FILE records a session. A replay needs no AWS account and changes nothing.
    #[command(after_help = examples("replay"))]
    Replay(Replay),
    /// Show the releases
    #[command(after_help = examples("status"))]
    Status(Status),
    /// Follow a release to its end, one line per change
    #[command(after_help = examples("watch"))]
    Watch(Watch),
    /// List a service's deployments of the last 90 days
    #[command(after_help = examples("history"))]
    History(History),
    /// Compare two revisions of a service
    ///
    /// Without revisions, compares the canary with stable while a release is under way. Otherwise it compares the
    /// revision that runs with the last good one before it.
    #[command(after_help = examples("diff"))]
    Diff(Diff),
    /// Judge a canary by recorded metrics: pass, fail or not yet
    ///
    /// Applies the console's analysis to a file, or to the recorded metrics of a service. Use it to try thresholds on
    /// past releases. The exit code is 0 for pass, 6 for fail and 5 for not yet.
    #[command(after_help = examples("judge"))]
    Judge(Judge),
    /// Move a canary one step up the ladder
    #[command(after_help = examples("step"))]
    Step(Step),
    /// Start a release
    ///
    /// In a pair, the canary service gets the new revision, and no traffic yet. Any other service is deployed by ECS,
    /// with the service's own deployment strategy.
    #[command(after_help = examples("start"))]
    Start(Start),
    /// Promote the canary's revision to stable
    ///
    /// For a service with a deployment strategy of its own, ECS promotes the revision. `finish` then restores what was
    /// changed for one release only: pauses that `start --pauses` added, or a strategy that `rollback --at-once` set
    /// aside.
    #[command(after_help = examples("finish"))]
    Finish(Finish),
    /// Roll back to the last good revision
    #[command(after_help = examples("rollback"))]
    Rollback(Rollback),
    /// Show the settings in force, and the source of each
    #[command(after_help = examples("config"))]
    Config,
    /// Print a completion script for a shell
    ///
    /// Completion knows the commands, the services last seen on this machine and the simulator's scenarios. It never
    /// calls AWS. Load the script when the shell starts, so that it always fits the installed version.
    #[command(after_help = examples("completions"))]
    Completions(Completions),
    /// Print the manual page, or write all manual pages to a directory
    #[command(after_help = examples("man"))]
    Man(Man),
    /// Explain a command or a topic of the guide; `help topics` lists the topics
    #[command(after_help = examples("help"))]
    Help(Help),
}

/// `status`.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// Release: the name of a pair or of a service, or cluster/service [default: all releases]
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: Option<String>,
}

/// `watch`.
#[derive(Debug, Args)]
pub(super) struct Watch {
    /// Release: the name of a pair or of a service, or cluster/service
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: String,
    /// Stop as soon as this is reached: `pass` or `fail` (the verdict), `paused`, a share of the traffic in percent, or a
    /// lifecycle stage [default: the end of the release]
    ///
    /// Exit code 0: it is reached, or the release has succeeded. Exit code 6: the release was rolled back or failed
    /// before; for `pass` also if the verdict is FAIL.
    #[arg(long, value_name = "pass|fail|paused|PERCENT|STAGE")]
    pub until: Option<Until>,
    /// Stop after this time (90s, 45m, 2h), with exit code 5 if the release is not over
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<SignedDuration>,
}

/// `history`.
#[derive(Debug, Args)]
pub(super) struct History {
    /// Release: the name of a pair or of a service, or cluster/service
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: String,
    /// Show at most this many deployments of each service, the newest first
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// `diff`.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// Release: the name of a pair or of a service, or cluster/service
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: String,
    /// Older revision: `:41`, `checkout:41` or an ARN
    pub from: Option<String>,
    /// Newer revision [default: the newest of the release]
    pub to: Option<String>,
    /// Show unchanged settings too
    #[arg(long)]
    pub all: bool,
    /// Show the values of environment variables, and other values that may be secret
    #[arg(long)]
    pub reveal: bool,
    /// Print the newer revision's task definition, as JSON from AWS
    #[arg(long, conflicts_with = "all")]
    pub raw: bool,
}

/// `judge`.
#[derive(Debug, Args)]
pub(super) struct Judge {
    /// JSON file of metrics by minute, or `-` for standard input: {"stable": [{"minute", "requests", "errors", "p95"}],
    /// "canary": […]}. With --since: the name of a service or pair
    #[arg(value_name = "FILE|SERVICE", add = ArgValueCompleter::new(candidates::services_and_files))]
    pub what: String,
    /// Judge the metrics that CloudWatch or Prometheus recorded, from this long ago (2h) until now
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<SignedDuration>,
    /// Stop at this long ago instead of now
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "since")]
    pub until: Option<SignedDuration>,
    /// Print the recorded metrics as a file for `judge`, without judging them
    #[arg(long, requires = "since")]
    pub minutes: bool,
    /// Use the configured bake time and thresholds of this service or pair
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "since",
        add = ArgValueCandidates::new(candidates::services)
    )]
    pub service: Option<String>,
}

/// `step`.
#[derive(Debug, Args)]
pub(super) struct Step {
    /// Release: the name of a pair or of a service, or cluster/service
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: String,
    /// Canary's share of the traffic, in percent [default: the ladder's next step]
    #[arg(long, value_name = "PERCENT")]
    pub to: Option<Percent>,
    /// Answer this pause of ECS alone, by its hook id; if it was answered already, nothing is sent
    #[arg(long, value_name = "ID", conflicts_with = "to")]
    pub hook: Option<String>,
    /// How to carry out the plan.
    #[command(flatten)]
    pub acting: Acting,
}

/// `start`.
#[derive(Debug, Args)]
pub(super) struct Start {
    /// Release: the name of a pair or of a service, or cluster/service
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: String,
    /// Revision to release: `:42`, `checkout:42` or an ARN
    #[arg(long, short, value_name = "REVISION")]
    pub task_definition: String,
    /// Pause before each step of this release until somebody continues (services with a strategy of their own)
    #[arg(long)]
    pub pauses: bool,
    /// How to carry out the plan.
    #[command(flatten)]
    pub acting: Acting,
}

/// `finish`.
#[derive(Debug, Args)]
pub(super) struct Finish {
    /// Release: the name of a pair or of a service, or cluster/service
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: String,
    /// How to carry out the plan.
    #[command(flatten)]
    pub acting: Acting,
}

/// `rollback`.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// Release: the name of a pair or of a service, or cluster/service
    #[arg(add = ArgValueCandidates::new(candidates::services))]
    pub service: String,
    /// Revision to go back to: `:41`, `checkout:41` or an ARN [default: the newest that is known to be good]
    #[arg(long, value_name = "REVISION")]
    pub to: Option<String>,
    /// Set the deployment strategy aside, so that the rollback does not go through its steps; `finish` restores it (services
    /// with a strategy of their own, once their release is over)
    #[arg(long)]
    pub at_once: bool,
    /// List the revisions that a rollback can go to, and change nothing
    #[arg(long, conflicts_with_all = ["to", "at_once", "dry_run", "yes", "reason", "wait", "timeout"])]
    pub list: bool,
    /// How to carry out the plan.
    #[command(flatten)]
    pub acting: Acting,
}

/// `completions`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Shell
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Debug, Args)]
pub(super) struct Man {
    /// Directory for tidegate.1, tidegate-status.1 and so on; it is created if needed
    #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}

/// `help`.
#[derive(Debug, Args)]
pub(super) struct Help {
    /// A command, or a topic of the guide
    #[arg(value_name = "COMMAND|TOPIC", add = ArgValueCandidates::new(candidates::help_subjects))]
    pub words: Vec<String>,
}

/// The simulated account of `demo` and `sim`.
#[derive(Debug, Clone, Args)]
pub(crate) struct World {
    /// Scenario: a name, or a .toml file
    #[arg(
        long,
        value_name = "NAME",
        default_value = "good-release",
        add = ArgValueCompleter::new(candidates::scenarios)
    )]
    pub scenario: String,
    /// Seed of the random numbers
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Speed of the simulated clock, from 1 to 600
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Let calls fail: CALLS[=FRACTION][@FROM..TO]:KIND; may be repeated
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<FaultRule>,
}

/// `replay`.
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The recording
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// How fast to play
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// Print the last screen as text, and exit
    #[arg(long)]
    pub print: bool,
    /// Begin after N messages; with --print, print the screen after N messages
    #[arg(long, value_name = "N")]
    pub at: Option<usize>,
}

/// `sim`.
#[derive(Debug, Args)]
pub(crate) struct Sim {
    /// The simulated account.
    #[command(flatten)]
    pub world: World,
    /// Add idle services until there are N
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=5_000))]
    pub services: u32,
    /// Add N load balancers
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=500))]
    pub load_balancers: u32,
    /// Answer each request N milliseconds later
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=60_000))]
    pub latency: u32,
    /// Enforce AWS's request quotas
    #[arg(long)]
    pub quotas: bool,
    /// Port on 127.0.0.1 [default: a free port]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}
