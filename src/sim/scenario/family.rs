//! Task definition families of a scenario: what is registered, what it does, what it writes into its logs.

use indexmap::IndexMap;
use serde::Deserialize;

use super::{Dur, defaults};

/// A task definition family.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// CPU units of a task.
    #[serde(default = "defaults::cpu")]
    pub cpu: u32,
    /// MiB of a task.
    #[serde(default = "defaults::memory")]
    pub memory: u32,
    /// logDriver of its container: `awslogs`, or `awsfirelens`, which comes with a log router beside the container.
    #[serde(default = "defaults::log_driver")]
    pub log_driver: String,
    /// What is in the container of every revision.
    #[serde(default)]
    pub container: Container,
    /// What every revision does unless it says otherwise.
    #[serde(default)]
    pub traits: Traits,
    /// Registered revisions.
    #[serde(default)]
    pub revision: Vec<Revision>,
}

/// One registered task definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revision {
    /// `:41`
    pub number: u32,
    /// The image's tag.
    pub tag: String,
    /// How long before the start it was registered.
    pub age: Dur,
    /// CPU units of a task, if not the family's.
    #[serde(default)]
    pub cpu: Option<u32>,
    /// MiB of a task, if not the family's.
    #[serde(default)]
    pub memory: Option<u32>,
    /// Deregistered: still describable, no longer deployable.
    #[serde(default)]
    pub inactive: bool,
    /// How long before the start somebody pushed another image under the same tag: deployments before that have
    /// another digest than those after.
    #[serde(default)]
    pub retagged: Option<Dur>,
    /// versionConsistency of its container: all tasks of a deployment run the digest that the first one found.
    #[serde(default = "defaults::version_consistency")]
    pub version_consistency: bool,
    /// What is in its container that is not in the family's, or is otherwise.
    #[serde(default)]
    pub container: Container,
    /// What it does differently from its family.
    #[serde(default)]
    pub traits: Traits,
}

/// What a container definition holds besides its image. A revision adds to what its family has.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Container {
    /// Environment variables by name.
    pub environment: IndexMap<String, String>,
    /// Secrets by the name of their variable: an ARN, or the name of a secret in Secrets Manager.
    pub secrets: IndexMap<String, String>,
    /// Names of variables and secrets of the family that this revision has not.
    pub without: Vec<String>,
    /// command.
    pub command: Option<Vec<String>>,
    /// Ports besides the one that the load balancer knows.
    pub ports: Option<Vec<u16>>,
    /// The path that the container's own health check asks.
    pub health_path: Option<String>,
    /// The name of taskRoleArn's role.
    pub task_role: Option<String>,
}

/// How a revision behaves. What is not said comes from the family, then from the defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traits {
    /// Answers with a 5xx, percent of requests (0.02).
    pub error_percent: Option<f64>,
    /// Answers with a 4xx, percent of requests (0.6).
    pub client_error_percent: Option<f64>,
    /// Median latency in milliseconds (45).
    pub latency_ms: Option<f64>,
    /// Sigma of the latency's log-normal distribution (0.45).
    pub latency_spread: Option<f64>,
    /// Requests a second that one task can take before it slows down and fails (60).
    pub capacity_rps: Option<f64>,
    /// Seconds to pull the image (9).
    pub pull_seconds: Option<f64>,
    /// Seconds from container start until health checks pass (6).
    pub start_seconds: Option<f64>,
    /// The container exits this many seconds after its start.
    pub crash_after_seconds: Option<f64>,
    /// The exit code of that crash (1).
    pub exit_code: Option<i64>,
    /// The container is killed for its memory this many seconds after its start.
    pub oom_after_seconds: Option<f64>,
    /// The image does not exist.
    pub unpullable: Option<bool>,
    /// Health checks never pass.
    pub unhealthy: Option<bool>,
    /// What they get instead (503).
    pub health_answer: Option<HealthAnswer>,
    /// Goes bad under real traffic.
    pub degrade: Option<Degrade>,
    /// How its log lines are written (`plain`).
    pub log_format: Option<LogFormat>,
    /// Lines a second that a task writes besides one for each request; 0.3 where there are no requests.
    pub log_lines_per_second: Option<f64>,
    /// What it says from its start until it is ready, evenly spread. A line with `{percent}` is repeated every five
    /// seconds with how far it is; `{version}` is the image's tag.
    ///
    /// Here and below: a first word `ERROR`, `WARN`, `INFO` or `DEBUG` is the line's level; what begins with `|` is
    /// written as it stands, line by line, as a runtime does that knows no logger.
    pub log_start: Option<Vec<String>>,
    /// The last it says before a crash.
    pub log_crash: Option<Vec<String>>,
    /// What an error line says: of a request that failed, of a health check that did not pass.
    pub log_errors: Option<Vec<String>>,
}

/// What a health check that does not pass gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", untagged)]
pub enum HealthAnswer {
    /// This status.
    Code(u16),
    /// No status.
    None(NoAnswer),
}

/// Why a health check gets no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// The connection is taken, and nothing comes.
    Timeout,
    /// Nobody listens.
    Refused,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// Time, level, text, and `name=value` pairs.
    #[default]
    Plain,
    /// One JSON object a line.
    Json,
}

/// Fails from a certain share of its rule's traffic on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Degrade {
    /// The share of the rule's requests, percent, from which on it fails.
    pub from_percent: f64,
    /// 5xx, percent of requests, at a share of 100 %; somewhat less at smaller shares.
    pub error_percent: f64,
    /// Median latency then, milliseconds.
    pub latency_ms: f64,
    /// Seconds until that is fully felt.
    #[serde(default = "defaults::ramp")]
    pub ramp_seconds: f64,
}
