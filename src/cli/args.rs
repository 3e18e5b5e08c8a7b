//! The command line as it is typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;
use strum::IntoEnumIterator;

use super::config::Flags;
use super::exit::Exit;
use super::version;
use crate::domain::release::share::Percent;

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
pub struct Cli {
    /// What applies to every command.
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

/// What applies to every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Where")]
pub struct Global {
    /// The configuration file [default: tidegate/config.toml in the configuration directory]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// An environment of the configuration [default: its first]
    #[arg(long, short, global = true, value_name = "NAME")]
    pub environment: Option<String>,
    /// The AWS profile
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The AWS region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// A cluster, by name or ARN; may be repeated [default: all]
    #[arg(long = "cluster", global = true, value_name = "CLUSTER")]
    pub clusters: Vec<String>,
    /// Another endpoint than AWS's
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Never write anything
    #[arg(long, global = true, help_heading = "How")]
    pub read_only: bool,
    /// Print one JSON document (`watch`: one a line)
    #[arg(long, global = true, help_heading = "How")]
    pub json: bool,
    /// Draw with ASCII characters only
    #[arg(long, global = true, help_heading = "How")]
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

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The console; the same as no command
    Console,
    /// The console on an embedded simulated AWS, a release under way
    Demo(World),
    /// That simulated AWS alone: prints its endpoint, serves until stopped
    Sim(Sim),
    /// Where the releases are
    Status(Status),
    /// Follow a release to its end, a line a change
    Watch(Watch),
    /// A service's deployments of the last 90 days
    History(History),
    /// What changed between two revisions of a service
    ///
    /// Without revisions: the canary's against stable's while a release is under way, else what runs against what
    /// worked before it.
    Diff(Diff),
    /// Judge a canary by recorded minutes: pass, fail, or not yet
    ///
    /// The same judge as the console's, on a file or on what was counted of a service, so that thresholds can be tried
    /// on past releases. Its exit code is 0 for pass, 6 for fail and 5 for not yet.
    Judge(Judge),
    /// Move a canary one step up the ladder
    Step(Step),
    /// Start a release: a new revision, without traffic where there is a canary
    Start(Start),
    /// Make the canary's revision the stable one
    ///
    /// Of a service with a strategy of its own, ECS does that; then this puts back what was changed for one release
    /// only: pauses that were added for it, a strategy that was set aside to go back at once.
    Finish(Finish),
    /// Go back to the version that worked
    Rollback(Rollback),
    /// Show the settings in force, and where each comes from
    Config,
    /// Print a completion script
    Completions(Completions),
}

/// `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// One release: the pair's name, a service's name, or cluster/service [default: all]
    pub service: Option<String>,
}

/// `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// The release: the pair's name, a service's name, or cluster/service
    pub service: String,
    /// End with 5 when it is not over by then: 90s, 45m, 2h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<SignedDuration>,
}

/// `history`.
#[derive(Debug, Args)]
pub struct History {
    /// The release: the pair's name, a service's name, or cluster/service
    pub service: String,
    /// The newest so many of each service
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
}

/// `diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// The release: the pair's name, a service's name, or cluster/service
    pub service: String,
    /// The older revision: `:41`, `checkout:41`, or its ARN
    pub from: Option<String>,
    /// The newer revision [default: the newest of the release]
    pub to: Option<String>,
    /// Show what is the same on both sides too
    #[arg(long)]
    pub all: bool,
    /// Show the values of the environment, and whatever else may be secret
    #[arg(long)]
    pub reveal: bool,
    /// Print the newer one as AWS describes it, as JSON
    #[arg(long, conflicts_with = "all")]
    pub raw: bool,
}

/// `judge`.
#[derive(Debug, Args)]
pub struct Judge {
    /// A file of minutes, as JSON: {"stable": [{"minute", "requests", "errors", "p95"}], "canary": […]}, `-` is standard
    /// input; with --since the name of a service or pair
    #[arg(value_name = "FILE|SERVICE")]
    pub what: String,
    /// Judge the service's own minutes, as CloudWatch or Prometheus has kept them, from so long ago on
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub since: Option<SignedDuration>,
    /// And until so long ago [default: now]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "since")]
    pub until: Option<SignedDuration>,
    /// Print these minutes as such a file, and do not judge
    #[arg(long, requires = "since")]
    pub minutes: bool,
    /// Judge by the bake and the thresholds that the configuration has for this service or pair
    #[arg(long, value_name = "NAME", conflicts_with = "since")]
    pub service: Option<String>,
}

/// What every acting command takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Acting")]
pub struct Acting {
    /// Print the plan and send nothing
    #[arg(long, conflicts_with_all = ["wait", "yes"])]
    pub dry_run: bool,
    /// Do not ask; needed where there is no terminal to ask on
    #[arg(long, short)]
    pub yes: bool,
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Return only when the rollout that the last write began is complete too
    ///
    /// Without it a command returns as soon as its last write has been read back. Whatever has to come before
    /// that write is always waited for: tasks are healthy before traffic moves to them.
    #[arg(long)]
    pub wait: bool,
}

/// `step`.
#[derive(Debug, Args)]
pub struct Step {
    /// The release: the pair's name, a service's name, or cluster/service
    pub service: String,
    /// The canary's share of traffic, percent [default: the ladder's next step]
    #[arg(long, value_name = "PERCENT")]
    pub to: Option<Percent>,
    /// How to act.
    #[command(flatten)]
    pub acting: Acting,
}

/// `start`.
#[derive(Debug, Args)]
pub struct Start {
    /// The release: the pair's name, a service's name, or cluster/service
    pub service: String,
    /// The revision: `:42`, `checkout:42`, or its ARN
    #[arg(long, short, value_name = "REVISION")]
    pub task_definition: String,
    /// Of a service with a strategy of its own: pause before each step of this release, until somebody goes on
    #[arg(long)]
    pub pauses: bool,
    /// How to act.
    #[command(flatten)]
    pub acting: Acting,
}

/// `finish`.
#[derive(Debug, Args)]
pub struct Finish {
    /// The release: the pair's name, a service's name, or cluster/service
    pub service: String,
    /// How to act.
    #[command(flatten)]
    pub acting: Acting,
}

/// `rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The release: the pair's name, a service's name, or cluster/service
    pub service: String,
    /// The revision: `:41`, `checkout:41`, or its ARN [default: the newest that is known to have worked]
    #[arg(long, value_name = "REVISION")]
    pub to: Option<String>,
    /// Of a service with a strategy of its own whose release is over: set the strategy aside, so that it is not
    /// replayed on the way back; `finish` puts it back
    #[arg(long)]
    pub at_once: bool,
    /// List what can be gone back to, and do nothing
    #[arg(long, conflicts_with_all = ["to", "at_once", "dry_run", "yes", "reason", "wait"])]
    pub list: bool,
    /// How to act.
    #[command(flatten)]
    pub acting: Acting,
}

/// `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// For which shell
    pub shell: clap_complete::Shell,
}

/// The embedded AWS, as `demo` and `sim` take it.
#[derive(Debug, Clone, Args)]
pub struct World {
    /// What happens in it
    #[arg(long, value_name = "NAME", default_value = "good-release")]
    pub scenario: String,
    /// The seed of everything random in it
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seconds of its clock to a second of yours
    #[arg(long, value_name = "X", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
}

/// `sim`.
#[derive(Debug, Args)]
pub struct Sim {
    /// The embedded AWS.
    #[command(flatten)]
    pub world: World,
    /// The port on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if duration > SignedDuration::ZERO => Ok(duration),
        _ => Err("it takes a length of time: 90s, 45m, 2h".to_owned()),
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches(['x', '×']).parse::<f64>() {
        Ok(speed) if (1.0..=600.0).contains(&speed) => Ok(speed),
        _ => Err("it takes a number from 1 to 600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn bad_values_are_refused_where_they_are_typed() {
        let bad: [&[&str]; 20] = [
            &["diff"],
            &["diff", "checkout", "--raw", "--all"],
            &["step", "checkout", "--to", "101"],
            &["step", "checkout", "--to", "-1"],
            &["step"],
            &["sim", "--speed", "0"],
            &["sim", "--speed", "nan"],
            &["step", "checkout", "--dry-run", "--yes"],
            &["start", "checkout"],
            &["watch"],
            &["watch", "checkout", "--timeout", "soon"],
            &["watch", "checkout", "--timeout", "0s"],
            &["history"],
            &["judge"],
            &["judge", "checkout", "--until", "1h"],
            &["judge", "checkout", "--minutes"],
            &["judge", "checkout", "--since", "1h", "--service", "checkout"],
            &["history", "checkout", "--limit", "0"],
            &["rollback", "checkout", "--list", "--yes"],
            &["rollback", "checkout", "--list", "--to", ":41"],
        ];
        for words in bad {
            let error = Cli::try_parse_from(std::iter::once(&"tidegate").chain(words)).unwrap_err();
            assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()), "{words:?}");
        }
    }
}
