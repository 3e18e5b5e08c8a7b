//! A scenario file as a whole.

use indexmap::IndexMap;
use serde::Deserialize;

use super::alarm::{Alarm, CompositeAlarm, CustomMetrics};
use super::duration::Duration;
use super::event::Event;
use super::load_balancer::{Listener, Rule, TargetGroup};
use super::service::Service;
use super::task_definition::Family;
use crate::sim::fault::FaultRule;

/// A simulated account and its timeline.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without `.toml`.
    pub(crate) name: String,
    /// One sentence about the scenario.
    pub(crate) summary: String,
    /// The name of the scenario that this one extends.
    #[serde(default)]
    pub(crate) extends: Option<String>,
    /// The AWS account id, twelve digits.
    #[serde(default = "account")]
    pub(crate) account: String,
    /// The region of the account's resources; every other region is empty.
    #[serde(default = "region")]
    pub(crate) region: String,
    /// ECS clusters. Services run in the first one unless they name another.
    #[serde(default = "clusters")]
    pub(crate) clusters: Vec<String>,
    /// The load balancer's name.
    #[serde(default = "load_balancer")]
    pub(crate) load_balancer: String,
    /// It is a Network Load Balancer: its listeners have a default action alone, and it counts no requests.
    #[serde(default)]
    pub(crate) network: bool,
    /// Time until the load balancer follows a change of weights, 0–90. Until then it divides requests as before.
    #[serde(default)]
    pub(crate) propagation_seconds: Option<u32>,
    /// Simulated time before the start. No event can be earlier.
    #[serde(default = "warmup")]
    pub(crate) warmup: Duration,
    #[serde(default)]
    pub(crate) listener: IndexMap<String, Listener>,
    #[serde(default)]
    pub(crate) rule: IndexMap<String, Rule>,
    #[serde(default)]
    pub(crate) target_group: IndexMap<String, TargetGroup>,
    /// Task definition families by name.
    #[serde(default)]
    pub(crate) family: IndexMap<String, Family>,
    #[serde(default)]
    pub(crate) service: IndexMap<String, Service>,
    #[serde(default)]
    pub(crate) alarm: IndexMap<String, Alarm>,
    #[serde(default)]
    pub(crate) composite_alarm: IndexMap<String, CompositeAlarm>,
    /// Metrics that the revisions publish themselves.
    #[serde(default)]
    pub(crate) custom: Vec<CustomMetrics>,
    /// Container Insights is on in every cluster.
    #[serde(default)]
    pub(crate) container_insights: bool,
    /// Every free text of an answer has escape sequences, control characters and direction marks.
    #[serde(default)]
    pub(crate) hostile: bool,
    /// The faults of a server that serves the account, as `--fault` takes them.
    #[serde(default)]
    pub(crate) fault: Vec<FaultRule>,
    /// The timeline, in any order.
    #[serde(default)]
    pub(crate) event: Vec<Event>,
}

impl Scenario {
    /// An account without any resources.
    pub(crate) fn empty(account: String, region: String) -> Self {
        Self {
            name: String::new(),
            summary: String::new(),
            extends: None,
            account,
            region,
            clusters: Vec::new(),
            load_balancer: String::new(),
            network: false,
            propagation_seconds: None,
            warmup: Duration::default(),
            listener: IndexMap::default(),
            rule: IndexMap::default(),
            target_group: IndexMap::default(),
            family: IndexMap::default(),
            service: IndexMap::default(),
            alarm: IndexMap::default(),
            composite_alarm: IndexMap::default(),
            custom: Vec::new(),
            container_insights: false,
            hostile: false,
            fault: Vec::new(),
            event: Vec::new(),
        }
    }
}

fn account() -> String {
    "123456789012".into()
}

fn region() -> String {
    "us-east-1".into()
}

fn clusters() -> Vec<String> {
    vec!["prod".into()]
}

fn load_balancer() -> String {
    "shop-alb".into()
}

fn warmup() -> Duration {
    Duration::from_secs(300)
}
