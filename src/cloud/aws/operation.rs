//! Every AWS operation that tidegate sends, with the IAM permission it needs.

use std::fmt;

/// An AWS operation. Calls and faults name operations only by this type, so the list is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::EnumIter, strum::IntoStaticStr)]
pub(crate) enum Operation {
    ListClusters,
    DescribeClusters,
    ListServices,
    DescribeServices,
    ListTasks,
    DescribeTasks,
    DescribeContainerInstances,
    GetTaskProtection,
    DescribeTaskDefinition,
    ListTaskDefinitions,
    ListServiceDeployments,
    DescribeServiceDeployments,
    DescribeServiceRevisions,
    DescribeTargetGroups,
    DescribeTargetGroupAttributes,
    DescribeLoadBalancers,
    DescribeListeners,
    DescribeRules,
    DescribeTargetHealth,
    GetMetricData,
    DescribeAlarms,
    FilterLogEvents,
    GetCallerIdentity,
    DescribeScalableTargets,
    ModifyRule,
    ModifyListener,
    UpdateService,
    StopServiceDeployment,
    ContinueServiceDeployment,
    RegisterTaskDefinition,
}

impl Operation {
    /// The name as AWS spells it.
    pub(crate) fn name(self) -> &'static str {
        self.into()
    }

    /// Returns true for an operation that changes something: AWS may have applied such a call even without a response.
    pub(crate) fn writes(self) -> bool {
        matches!(
            self,
            Self::ModifyRule
                | Self::ModifyListener
                | Self::UpdateService
                | Self::StopServiceDeployment
                | Self::ContinueServiceDeployment
                | Self::RegisterTaskDefinition
        )
    }

    /// The IAM action, `ecs:UpdateService`.
    pub(crate) fn permission(self) -> String {
        let service = match self {
            Self::GetMetricData | Self::DescribeAlarms => "cloudwatch",
            Self::FilterLogEvents => "logs",
            Self::GetCallerIdentity => "sts",
            Self::DescribeScalableTargets => "application-autoscaling",
            Self::DescribeTargetGroups
            | Self::DescribeTargetGroupAttributes
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;
    use strum::IntoEnumIterator;

    use super::*;

    const WATCH: &str = include_str!("../../../assets/iam/watch.json");
    const ACT: &str = include_str!("../../../assets/iam/act.json");
    const SOURCES: [&str; 15] = [
        include_str!("writes.rs"),
        include_str!("alarms.rs"),
        include_str!("cloudwatch/mod.rs"),
        include_str!("task_definition.rs"),
        include_str!("deployments.rs"),
        include_str!("ecs.rs"),
        include_str!("elbv2.rs"),
        include_str!("instances.rs"),
        include_str!("logs.rs"),
        include_str!("protection.rs"),
        include_str!("target_groups.rs"),
        include_str!("register.rs"),
        include_str!("revisions.rs"),
        include_str!("scaling.rs"),
        include_str!("sts.rs"),
    ];

    fn allowed(policy: &str) -> BTreeSet<String> {
        let policy: Value = serde_json::from_str(policy).unwrap();
        assert_eq!(policy["Version"], "2012-10-17");
        let actions = policy["Statement"].as_array().unwrap().iter().flat_map(|statement| {
            assert_eq!(statement["Effect"], "Allow");
            match &statement["Action"] {
                Value::String(one) => vec![one.clone()],
                several => several.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect(),
            }
        });
        actions.collect()
    }

    fn needed(writes: bool) -> BTreeSet<String> {
        Operation::iter().filter(|it| it.writes() == writes).map(Operation::permission).collect()
    }

    #[test]
    fn the_policies_allow_what_is_called_and_nothing_else() {
        assert_eq!(allowed(WATCH), needed(false));
        let mut acting = needed(true);
        // Two permissions without an operation of their own: UpdateService with another task definition and
        // RegisterTaskDefinition pass roles on, and registering a task definition with tags tags it.
        acting.extend(["iam:PassRole".to_owned(), "ecs:TagResource".to_owned()]);
        assert_eq!(allowed(ACT), acting);
    }

    #[test]
    fn what_is_called_is_on_the_list() {
        let mut called = BTreeSet::new();
        for source in SOURCES {
            let source: String = source.chars().filter(|c| !c.is_whitespace()).collect();
            for client in ["ecs", "elbv2", "cloudwatch", "logs", "sts", "scaling"] {
                for call in source.split(&format!(".clients.{client}.")).skip(1) {
                    let name = call.split('(').next().unwrap();
                    let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
                    called.insert(words.collect::<String>());
                }
            }
        }
        let listed: BTreeSet<String> = Operation::iter().map(|operation| operation.name().to_owned()).collect();
        assert_eq!(called, listed);
    }
}
