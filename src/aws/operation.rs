//! Every operation that is ever sent, with the permission that it needs.

use std::fmt;

/// An AWS operation. There is no other way to name one in a call or a fault, so this is the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter, strum::IntoStaticStr)]
pub(crate) enum Operation {
    ListClusters,
    ListServices,
    DescribeServices,
    ListTasks,
    DescribeTasks,
    DescribeTaskDefinition,
    ListTaskDefinitions,
    ListServiceDeployments,
    DescribeServiceDeployments,
    DescribeServiceRevisions,
    DescribeTargetGroups,
    DescribeLoadBalancers,
    DescribeListeners,
    DescribeRules,
    DescribeTargetHealth,
    GetMetricData,
    GetCallerIdentity,
    ModifyRule,
    ModifyListener,
    UpdateService,
    StopServiceDeployment,
}

impl Operation {
    /// As AWS spells it.
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    /// Whether it changes anything: what was left unanswered may then have been applied.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::ModifyRule | Self::ModifyListener | Self::UpdateService | Self::StopServiceDeployment)
    }

    /// The IAM action, `ecs:UpdateService`.
    pub(crate) fn permission(self) -> String {
        let service = match self {
            Self::GetMetricData => "cloudwatch",
            Self::GetCallerIdentity => "sts",
            Self::DescribeTargetGroups
            | Self::DescribeLoadBalancers
            | Self::DescribeListeners
            | Self::DescribeRules
            | Self::DescribeTargetHealth
            | Self::ModifyRule
            | Self::ModifyListener => "elasticloadbalancing",
            _ => "ecs",
        };
        format!("{service}:{self}")
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
