//! What must be so before a call, and what must be read back after it.

mod compare;
mod quiet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ecs::deployment::Configuration;
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId, target_group_name};
use crate::domain::observe::snapshot::Query;

/// A state of the world that can be asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "expect")]
pub enum Expect {
    /// The rule has these weights for these target groups.
    Weights {
        /// Which rule.
        route: RouteId,
        /// Target groups and weights.
        weights: Vec<Forward>,
    },
    /// The rule has target group stickiness of this duration.
    Sticky {
        /// Which rule.
        route: RouteId,
        /// `DurationSeconds`.
        seconds: u32,
    },
    /// A target group has healthy targets.
    Healthy {
        /// Which target group.
        target_group: Arn,
        /// How many at the least.
        at_least: u32,
    },
    /// A target group had a whole minute without requests that CloudWatch corrects no more.
    Quiet {
        /// Which target group.
        target_group: Arn,
        /// The load balancer that counts its requests.
        balancer: Arn,
    },
    /// A pause of a service's deployment has been answered, by whomever.
    Answered {
        /// Which service.
        service: ServiceKey,
        /// `serviceDeploymentArn`.
        deployment: Arn,
        /// `hookId`.
        hook: String,
    },
    /// ECS is taking a deployment back, or has done so.
    GoingBack {
        /// Which service.
        service: ServiceKey,
        /// `serviceDeploymentArn`.
        deployment: Arn,
    },
    /// A service has running tasks.
    Running {
        /// Which service.
        service: ServiceKey,
        /// `runningCount`, at the least.
        at_least: u32,
    },
    /// A service wants this many tasks.
    Desired {
        /// Which service.
        service: ServiceKey,
        /// `desiredCount`.
        count: u32,
    },
    /// A service's primary rollout is this revision.
    Primary {
        /// Which service.
        service: ServiceKey,
        /// Its revision.
        task_definition: TaskDefinitionArn,
    },
    /// A service's primary rollout is any other revision than this.
    Left {
        /// Which service.
        service: ServiceKey,
        /// The revision to be left.
        task_definition: TaskDefinitionArn,
    },
    /// ECS shows a deployment of this revision, under way or over, as the service's newest.
    Deployed {
        /// Which service.
        service: ServiceKey,
        /// Its revision.
        task_definition: TaskDefinitionArn,
        /// The newest deployment before it, where one was known.
        after: Option<Arn>,
    },
    /// A service's next deployment goes by this: strategy, bakes and hooks.
    Configured {
        /// Which service.
        service: ServiceKey,
        /// `deploymentConfiguration`.
        configuration: Box<Configuration>,
    },
    /// A family has a newer revision.
    Registered {
        /// `family`.
        family: String,
        /// The newest one before.
        newer_than: TaskDefinitionArn,
    },
    /// A service runs this revision alone, complete.
    Settled {
        /// Which service.
        service: ServiceKey,
        /// Its revision.
        task_definition: TaskDefinitionArn,
        /// Whether older tasks that ECS removes later may still run beside it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        older_may_run: bool,
    },
}

/// How an expectation compares with what was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Met {
    /// It holds.
    Yes,
    /// It does not hold yet: the state that was read instead.
    NotYet(String),
    /// It cannot hold any more: the reason.
    Unreachable(String),
}

impl Expect {
    /// What to ask in order to know.
    pub fn query(&self, now: Timestamp) -> Query {
        match self {
            Self::Weights { route, .. } | Self::Sticky { route, .. } => Query::Route(route.clone()),
            Self::Healthy { target_group, .. } => Query::Health(vec![target_group.clone()]),
            Self::Quiet { target_group, balancer } => Query::Metrics(quiet::query(target_group, balancer, now)),
            Self::Answered { service, .. } | Self::GoingBack { service, .. } | Self::Deployed { service, .. } => {
                Query::Deployments(service.clone())
            }
            Self::Registered { family, .. } => Query::Family(family.clone()),
            Self::Running { service, .. }
            | Self::Desired { service, .. }
            | Self::Primary { service, .. }
            | Self::Left { service, .. }
            | Self::Configured { service, .. }
            | Self::Settled { service, .. } => Query::Service(service.clone()),
        }
    }

    /// Whether a write sets it, at once and by itself; what is not, follows from writes in its own time.
    pub fn is_written(&self) -> bool {
        !matches!(
            self,
            Self::Healthy { .. }
                | Self::Running { .. }
                | Self::Settled { .. }
                | Self::Deployed { .. }
                | Self::Quiet { .. }
        )
    }

    /// Whether its source has something new once a minute only.
    pub fn is_minutely(&self) -> bool {
        matches!(self, Self::Quiet { .. })
    }

    /// In words, as a dialog shows it.
    pub fn describe(&self) -> String {
        match self {
            Self::Weights { weights, .. } => {
                let weights: Vec<_> =
                    weights.iter().map(|to| format!("{}={}", target_group_name(&to.target_group), to.weight)).collect();
                format!("rule reads {}", weights.join(" "))
            }
            Self::Sticky { seconds, .. } => format!("rule is sticky for {seconds} s"),
            Self::Healthy { target_group, at_least } => {
                format!("{at_least} healthy in {}", target_group_name(target_group))
            }
            Self::Quiet { target_group, .. } => {
                format!("no requests to {} for a minute", target_group_name(target_group))
            }
            Self::Answered { service, .. } => format!("the pause of {} is answered", service.service),
            Self::GoingBack { service, .. } => format!("the deployment of {} turns back", service.service),
            Self::Running { service, at_least } => format!("{at_least} tasks of {} run", service.service),
            Self::Desired { service, count } => format!("{} wants {count}", service.service),
            Self::Primary { service, task_definition } => {
                format!("{} goes for {}", service.service, task_definition.tag())
            }
            Self::Left { service, task_definition } => {
                format!("{} no longer goes for {}", service.service, task_definition.tag())
            }
            Self::Deployed { service, task_definition, .. } => {
                format!("ECS shows a deployment of {} to {}", service.service, task_definition.tag())
            }
            Self::Configured { service, configuration } => {
                format!("{} goes by {}", service.service, configuration.describe())
            }
            Self::Registered { family, newer_than } => format!("{family} has a revision after {}", newer_than.tag()),
            Self::Settled { service, task_definition, older_may_run } => {
                let alone = if *older_may_run { "" } else { " alone" };
                format!("{} runs {}{alone}, complete", service.service, task_definition.tag())
            }
        }
    }
}
