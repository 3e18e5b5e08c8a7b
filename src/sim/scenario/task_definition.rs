//! Task definition families of a scenario: their definitions, behaviour and logs.

use indexmap::IndexMap;
use serde::Deserialize;

use super::duration::Duration;

/// A task definition family.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Family {
    /// CPU units of a task.
    #[serde(default = "cpu")]
    pub(crate) cpu: u32,
    /// MiB of a task.
    #[serde(default = "memory")]
    pub(crate) memory: u32,
    /// networkMode.
    #[serde(default)]
    pub(crate) network_mode: NetworkMode,
    /// The container's logDriver: `awslogs`, or `awsfirelens`, which adds a log router container.
    #[serde(default = "log_driver")]
    pub(crate) log_driver: String,
    /// The container of every revision.
    #[serde(default)]
    pub(crate) container: Container,
    /// The behaviour of every revision that does not override it.
    #[serde(default)]
    pub(crate) traits: Traits,
    /// Registered revisions.
    #[serde(default)]
    pub(crate) revision: Vec<Revision>,
}

/// networkMode of a task definition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, strum::AsRefStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum NetworkMode {
    /// A task runs on Fargate, with a network interface of its own.
    #[default]
    Awsvpc,
    /// A task runs on an instance, with a host port of that instance.
    Bridge,
}

/// A registered task definition.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Revision {
    pub(crate) number: u32,
    /// The image's tag.
    pub(crate) tag: String,
    /// Time between the registration and the start.
    pub(crate) age: Duration,
    /// CPU units of a task, if not the family's.
    #[serde(default)]
    pub(crate) cpu: Option<u32>,
    /// MiB of a task, if not the family's.
    #[serde(default)]
    pub(crate) memory: Option<u32>,
    /// The revision is deregistered: it can be described, but not deployed.
    #[serde(default)]
    pub(crate) inactive: bool,
    /// Time between a push of another image under the same tag and the start. Deployments before the push have another
    /// digest than later ones.
    #[serde(default)]
    pub(crate) retagged: Option<Duration>,
    /// The container's versionConsistency: all tasks of a deployment run the digest that its first task resolved.
    #[serde(default = "version_consistency")]
    pub(crate) version_consistency: bool,
    /// Additions and changes to the family's container.
    #[serde(default)]
    pub(crate) container: Container,
    /// Behaviour that differs from the family's.
    #[serde(default)]
    pub(crate) traits: Traits,
}

/// The content of a container definition besides its image. A revision's is merged into its family's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Container {
    /// Environment variables by name.
    pub(crate) environment: IndexMap<String, String>,
    /// Secrets by variable name: an ARN, or the name of a secret in Secrets Manager.
    pub(crate) secrets: IndexMap<String, String>,
    /// Names of the family's variables and secrets that this revision drops.
    pub(crate) without: Vec<String>,
    pub(crate) command: Option<Vec<String>>,
    /// Ports besides the one that the load balancer uses.
    pub(crate) ports: Option<Vec<u16>>,
    /// The path of the container's own health check.
    pub(crate) health_path: Option<String>,
    /// The name of the task role.
    pub(crate) task_role: Option<String>,
}

/// The behaviour of a revision. A missing value comes from the family, then from the default in parentheses.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traits {
    /// 5xx answers in percent of requests (0.02).
    pub(crate) error_percent: Option<f64>,
    /// 4xx answers in percent of requests (0.6).
    pub(crate) client_error_percent: Option<f64>,
    /// Median latency (45).
    pub(crate) latency_ms: Option<f64>,
    /// Sigma of the latency's log-normal distribution (0.45).
    pub(crate) latency_spread: Option<f64>,
    /// Requests per second at which a task slows down and fails (60).
    pub(crate) capacity_rps: Option<f64>,
    /// Time to pull the image (9).
    pub(crate) pull_seconds: Option<f64>,
    /// Time from container start until health checks pass (6).
    pub(crate) start_seconds: Option<f64>,
    /// The container exits this long after its start.
    pub(crate) crash_after_seconds: Option<f64>,
    /// The exit code of that crash (1).
    pub(crate) exit_code: Option<i64>,
    /// The container runs out of memory this long after its start.
    pub(crate) oom_after_seconds: Option<f64>,
    /// The image does not exist.
    pub(crate) unpullable: Option<bool>,
    /// Health checks never pass.
    pub(crate) unhealthy: Option<bool>,
    /// The failure of these health checks (503).
    pub(crate) health_answer: Option<HealthCheckFailure>,
    /// The revision degrades under load.
    pub(crate) degrade: Option<Degradation>,
    /// The format of log lines (`plain`).
    pub(crate) log_format: Option<LogFormat>,
    /// Log lines per second that a task writes besides one per request (0.3 if it receives no requests).
    pub(crate) log_lines_per_second: Option<f64>,
    /// Log lines between a task's start and readiness, evenly spread. A line with `{percent}` is repeated every five
    /// seconds with the progress; `{version}` is the image's tag.
    ///
    /// In all three lists a first word `ERROR`, `WARN`, `INFO` or `DEBUG` is the line's level. A text that begins with
    /// `|` is written as it is, line by line, like the output of a runtime without a logger.
    pub(crate) log_start: Option<Vec<String>>,
    /// The last log lines before a crash.
    pub(crate) log_crash: Option<Vec<String>>,
    /// Error lines of failed requests and failed health checks.
    pub(crate) log_errors: Option<Vec<String>>,
}

/// A failure of a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", untagged)]
pub(crate) enum HealthCheckFailure {
    Status(u16),
    NoResponse(NoResponse),
}

/// The cause of a missing response to a health check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoResponse {
    /// The connection is accepted, but no response arrives.
    Timeout,
    /// Nothing listens on the port.
    Refused,
}

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LogFormat {
    /// Time, level, text and `name=value` pairs.
    #[default]
    Plain,
    /// One JSON object per line.
    Json,
}

/// A revision that fails once it receives a certain share of its rule's traffic.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Degradation {
    /// The share of the rule's requests, in percent, from which the revision degrades.
    pub(crate) from_percent: f64,
    /// 5xx in percent of requests at a share of 100 %, and somewhat less at smaller shares.
    pub(crate) error_percent: f64,
    /// Median latency of the degraded revision.
    pub(crate) latency_ms: f64,
    /// Time until the revision is fully degraded.
    #[serde(default = "ramp")]
    pub(crate) ramp_seconds: f64,
}

fn cpu() -> u32 {
    512
}

fn memory() -> u32 {
    1024
}

fn log_driver() -> String {
    "awslogs".into()
}

fn version_consistency() -> bool {
    true
}

fn ramp() -> f64 {
    20.0
}
