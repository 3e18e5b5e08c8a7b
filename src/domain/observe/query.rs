//! The queries that a cloud answers, and their answers.

use serde::{Deserialize, Serialize};

use crate::domain::ecs::alarm::Alarm;
use crate::domain::ecs::auto_scaling::AutoScaling;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::{Arn, Identity, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Health, Route, RouteId, TargetGroup};
use crate::domain::ecs::service::{Service, Task, TaskDefinition};
use crate::domain::ecs::task_definition::Definition;
use crate::domain::format::many;
use crate::domain::logs::{LogPage, LogQuery};
use crate::domain::metrics::source::MetricSource;
use crate::domain::metrics::{MetricsQuery, Series};

/// A query to AWS. The response is the [`Answer`] of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Query {
    /// The identity of the credentials: STS `GetCallerIdentity`.
    Identity,
    /// Every service of the environment's clusters, with rollouts, events and tags.
    Services,
    /// The services of these names, in every cluster of the environment, as if there were no others. At most ten names.
    Named(Vec<String>),
    /// One service.
    Service(ServiceKey),
    /// Every rule and default action that forwards to target groups, over all load balancers.
    Routes,
    /// One rule or default action.
    Route(RouteId),
    /// The target health of these target groups.
    Health(Vec<Arn>),
    /// The tasks of a service, running and recently stopped.
    Tasks(ServiceKey),
    /// These task definitions.
    TaskDefinitions(Vec<TaskDefinitionArn>),
    /// The active revisions of a family, newest first.
    Family(String),
    /// A service's deployments of the last 90 days, newest first.
    Deployments(ServiceKey),
    /// These alarms' states, by name.
    Alarms(Vec<String>),
    /// Minutes of metric sources, all of one provider.
    Metrics(MetricsQuery),
    /// These target groups' settings.
    TargetGroups(Vec<Arn>),
    /// The auto scaling of these services.
    Scaling(Vec<ServiceKey>),
    /// A task definition in full. Values of its environment are redacted unless `reveal` is set.
    Definition {
        /// The task definition.
        arn: TaskDefinitionArn,
        /// True to include the values. An answer with values is kept for the view that sent the query, never in a
        /// snapshot.
        reveal: bool,
    },
    /// A page of a log.
    Logs(LogQuery),
}

/// An answer to a [`Query`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// To [`Query::Identity`].
    Identity(Identity),
    /// To [`Query::Services`] and [`Query::Named`].
    Services(Vec<Service>),
    /// To [`Query::Services`] while it is being read: some of them, as they are now.
    SomeServices(Vec<Service>),
    /// To [`Query::Service`].
    Service(Box<Service>),
    /// To [`Query::Routes`].
    Routes(Vec<Route>),
    /// To [`Query::Route`].
    Route(Route),
    /// To [`Query::Health`]. A target group whose health could not be read is absent.
    Health(Vec<(Arn, Health)>),
    /// To [`Query::Tasks`].
    Tasks(Vec<Task>),
    /// To [`Query::TaskDefinitions`].
    TaskDefinitions(Vec<TaskDefinition>),
    /// To [`Query::Family`].
    Family(Vec<TaskDefinitionArn>),
    /// To [`Query::Deployments`].
    Deployments(Vec<ServiceDeployment>),
    /// To [`Query::Alarms`]. An alarm that does not exist is absent.
    Alarms(Vec<Alarm>),
    /// To [`Query::Metrics`], by metric source.
    Metrics(Vec<(MetricSource, Series)>),
    /// To [`Query::TargetGroups`]. A target group that could not be read is absent.
    TargetGroups(Vec<TargetGroup>),
    /// To [`Query::Scaling`].
    Scaling(Vec<(ServiceKey, AutoScaling)>),
    /// To [`Query::Definition`].
    Definition(Box<Definition>),
    /// To [`Query::Logs`].
    Logs(LogPage),
}

impl Query {
    /// The API operation behind the query; of several operations, the most telling name.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Identity => "GetCallerIdentity",
            Self::Services | Self::Named(_) | Self::Service(_) => "DescribeServices",
            Self::Routes | Self::Route(_) => "DescribeRules",
            Self::Health(_) => "DescribeTargetHealth",
            Self::Tasks(_) => "DescribeTasks",
            Self::TaskDefinitions(_) | Self::Definition { .. } => "DescribeTaskDefinition",
            Self::Family(_) => "ListTaskDefinitions",
            Self::Deployments(_) => "DescribeServiceDeployments",
            Self::Metrics(metrics) if metrics.of_prometheus() => "query_range",
            Self::Metrics(_) => "GetMetricData",
            Self::Alarms(_) => "DescribeAlarms",
            Self::TargetGroups(_) => "DescribeTargetGroups",
            Self::Scaling(_) => "DescribeScalableTargets",
            Self::Logs(_) => "FilterLogEvents",
        }
    }

    /// The subject of the query, for a message: a name, or a count and a kind.
    pub fn subject(&self) -> String {
        match self {
            Self::Identity | Self::Services | Self::Routes => "this account".to_owned(),
            Self::Service(service) | Self::Tasks(service) | Self::Deployments(service) => service.to_string(),
            Self::Route(route) => route.to_string(),
            Self::Family(family) => family.clone(),
            Self::Named(names) => names.first().cloned().unwrap_or_default(),
            Self::Definition { arn, .. } => arn.to_string(),
            Self::Logs(page) => page.source.group.clone(),
            Self::Health(groups) | Self::TargetGroups(groups) => many(groups.len(), "target group"),
            Self::TaskDefinitions(arns) => many(arns.len(), "task definition"),
            Self::Scaling(services) => many(services.len(), "service"),
            Self::Alarms(names) => many(names.len(), "alarm"),
            Self::Metrics(metrics) => many(metrics.meters.len(), "meter"),
        }
    }
}
