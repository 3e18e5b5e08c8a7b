//! AWS's published request quotas of an account and region.

use super::super::operation::Operation;

/// The operations that AWS limits together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter)]
pub(crate) enum Bucket {
    /// ECS services: list and describe.
    Services,
    /// ECS service deployments: list and describe.
    Deployments,
    /// ECS service revisions: describe.
    Revisions,
    /// ECS tasks: list, describe, and their protection, for which AWS publishes no quota of its own.
    Tasks,
    /// ECS task definitions: list and describe.
    TaskDefinitions,
    /// ECS clusters: list and describe.
    Clusters,
    /// ECS UpdateService.
    UpdateService,
    /// Elastic Load Balancing: every Describe operation.
    BalancerReads,
    /// Elastic Load Balancing: every Modify operation.
    BalancerWrites,
    /// Elastic Load Balancing: all operations together.
    Balancers,
    /// CloudWatch GetMetricData.
    Metrics,
    /// Application Auto Scaling DescribeScalableTargets, for which AWS publishes no quota: the figure is tidegate's own.
    ScalableTargets,
    /// CloudWatch DescribeAlarms, which ECS itself needs to watch a deployment.
    Alarms,
}

/// A token bucket as AWS publishes it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Quota {
    /// The most calls at once.
    pub(crate) burst: f64,
    /// Calls that are added in a second of AWS's time.
    pub(crate) per_second: f64,
}

impl Bucket {
    /// The buckets that a call of an operation takes from; the first one has the queue. An operation without a
    /// published quota has none.
    pub(crate) fn of(operation: Operation) -> &'static [Self] {
        use Operation as Op;
        match operation {
            Op::ListServices | Op::DescribeServices => &[Self::Services],
            Op::ListServiceDeployments | Op::DescribeServiceDeployments => &[Self::Deployments],
            Op::DescribeServiceRevisions => &[Self::Revisions],
            Op::ListTasks | Op::DescribeTasks | Op::GetTaskProtection => &[Self::Tasks],
            Op::ListTaskDefinitions | Op::DescribeTaskDefinition => &[Self::TaskDefinitions],
            Op::ListClusters | Op::DescribeClusters | Op::DescribeContainerInstances => &[Self::Clusters],
            Op::UpdateService => &[Self::UpdateService],
            Op::DescribeTargetGroups
            | Op::DescribeTargetGroupAttributes
            | Op::DescribeLoadBalancers
            | Op::DescribeListeners
            | Op::DescribeRules
            | Op::DescribeTargetHealth => &[Self::BalancerReads, Self::Balancers],
            Op::ModifyRule | Op::ModifyListener => &[Self::BalancerWrites, Self::Balancers],
            Op::GetMetricData => &[Self::Metrics],
            Op::DescribeAlarms => &[Self::Alarms],
            Op::DescribeScalableTargets => &[Self::ScalableTargets],
            Op::FilterLogEvents
            | Op::GetCallerIdentity
            | Op::StopServiceDeployment
            | Op::ContinueServiceDeployment
            | Op::RegisterTaskDefinition => &[],
        }
    }

    /// The published quota.
    pub(crate) fn quota(self) -> Quota {
        let (burst, per_second) = match self {
            Self::Services | Self::Tasks => (100.0, 20.0),
            Self::Deployments | Self::Revisions | Self::TaskDefinitions | Self::Clusters => (50.0, 20.0),
            Self::UpdateService => (50.0, 5.0),
            Self::BalancerReads | Self::Balancers => (40.0, 10.0),
            Self::BalancerWrites => (20.0, 3.0),
            Self::Metrics => (500.0, 500.0),
            Self::Alarms => (9.0, 9.0),
            Self::ScalableTargets => (20.0, 5.0),
        };
        Quota { burst, per_second }
    }
}
