//! What must be so before a call, and what must be read back after it.

mod quiet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::ecs::deployment::{Configuration, DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId, target_group_name};
use crate::domain::ecs::service::{RolloutState, Service};
use crate::domain::observe::snapshot::{Answer, Query};

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
            Self::Weights { route, .. } => Query::Route(route.clone()),
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

    /// Compares it with an answer to [`Expect::query`] of `now`. No minute before `since` says anything.
    pub fn compare(&self, facts: &Answer, since: Timestamp, now: Timestamp) -> Met {
        match (self, facts) {
            (Self::Quiet { target_group, .. }, Answer::Metrics(series)) => {
                quiet::compare(target_group, since, series, now)
            }
            (Self::Weights { weights, .. }, Answer::Route(route)) => {
                for want in weights {
                    match route.weight(&want.target_group) {
                        Some(weight) if weight == want.weight => {}
                        Some(weight) => {
                            return Met::NotYet(format!(
                                "{} has weight {weight}",
                                target_group_name(&want.target_group)
                            ));
                        }
                        None => {
                            return Met::Unreachable(format!(
                                "the rule no longer forwards to {}",
                                target_group_name(&want.target_group)
                            ));
                        }
                    }
                }
                Met::Yes
            }
            (Self::Healthy { target_group, at_least }, Answer::Health(health)) => {
                let healthy = health.iter().find(|(arn, _)| arn == target_group).map(|(_, health)| health.healthy);
                match healthy {
                    Some(healthy) if healthy >= *at_least => Met::Yes,
                    Some(healthy) => {
                        Met::NotYet(format!("{healthy} of {at_least} healthy in {}", target_group_name(target_group)))
                    }
                    None => Met::NotYet(format!("health of {} unknown", target_group_name(target_group))),
                }
            }
            (Self::Answered { deployment, hook, .. }, Answer::Deployments(deployments)) => {
                match deployments.iter().find(|known| known.arn == *deployment) {
                    Some(known) if known.pauses().iter().any(|pause| pause.hook == *hook) => {
                        Met::NotYet("the pause still waits".to_owned())
                    }
                    Some(_) => Met::Yes,
                    None => Met::NotYet("the deployment is not in the history".to_owned()),
                }
            }
            (Self::GoingBack { deployment, .. }, Answer::Deployments(deployments)) => {
                match deployments.iter().find(|known| known.arn == *deployment).map(|known| &known.status) {
                    Some(status) if status.rolling_back() => Met::Yes,
                    Some(DeploymentStatus::RollbackSuccessful | DeploymentStatus::RollbackFailed) => Met::Yes,
                    Some(status) if status.ended() => Met::Unreachable(format!("the deployment ended {status:?}")),
                    Some(_) => Met::NotYet("the deployment has not turned back yet".to_owned()),
                    None => Met::NotYet("the deployment is not in the history yet".to_owned()),
                }
            }
            (Self::Running { at_least, .. }, Answer::Service(service)) => {
                if service.running >= *at_least {
                    Met::Yes
                } else {
                    Met::NotYet(format!("{} of {at_least} tasks run", service.running))
                }
            }
            (Self::Desired { count, .. }, Answer::Service(service)) => {
                if service.desired == *count {
                    Met::Yes
                } else {
                    Met::NotYet(format!("desiredCount is {}", service.desired))
                }
            }
            (Self::Primary { task_definition, .. }, Answer::Service(service)) => match service.primary() {
                Some(primary) if primary.task_definition == *task_definition => Met::Yes,
                Some(primary) => Met::NotYet(format!("{} is primary", primary.task_definition.tag())),
                None => Met::NotYet("no primary rollout".to_owned()),
            },
            (Self::Left { task_definition, .. }, Answer::Service(service)) => match service.primary() {
                Some(primary) if primary.task_definition != *task_definition => Met::Yes,
                _ => Met::NotYet(format!("{} is primary", task_definition.tag())),
            },
            (Self::Settled { task_definition, .. }, Answer::Service(service)) => settled(service, task_definition),
            (Self::Deployed { task_definition, after, .. }, Answer::Deployments(deployments)) => {
                let newest = deployments.first().filter(|newest| Some(&newest.arn) != after.as_ref());
                match newest.map(ServiceDeployment::task_definition) {
                    Some(Some(newest)) if newest == task_definition => Met::Yes,
                    Some(Some(newest)) => Met::Unreachable(format!("a newer deployment is of {}", newest.tag())),
                    Some(None) => Met::NotYet("the newest deployment's revision is not known yet".to_owned()),
                    None => Met::NotYet("no new deployment is shown yet".to_owned()),
                }
            }
            (Self::Configured { configuration, .. }, Answer::Service(service)) => {
                match service.configuration.same_strategy(configuration) {
                    true => Met::Yes,
                    false => Met::NotYet(format!("it goes by {}", service.configuration.describe())),
                }
            }
            (Self::Registered { newer_than, .. }, Answer::Family(revisions)) => {
                let newest = revisions.first().filter(|newest| newest.revision() > newer_than.revision());
                newest.map_or_else(|| Met::NotYet("no newer revision yet".to_owned()), |_| Met::Yes)
            }
            // An answer to another question says nothing about this one.
            _ => Met::NotYet("not read yet".to_owned()),
        }
    }

    /// In words, as a dialog shows it.
    pub fn describe(&self) -> String {
        match self {
            Self::Weights { weights, .. } => {
                let weights: Vec<_> =
                    weights.iter().map(|to| format!("{}={}", target_group_name(&to.target_group), to.weight)).collect();
                format!("rule reads {}", weights.join(" "))
            }
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
            Self::Settled { service, task_definition } => {
                format!("{} runs {} alone, complete", service.service, task_definition.tag())
            }
        }
    }
}

fn settled(service: &Service, task_definition: &TaskDefinitionArn) -> Met {
    let Some(primary) = service.primary() else {
        return Met::NotYet("no primary rollout".to_owned());
    };
    // An old failure of the same revision says nothing while a new rollout of it is under way.
    let failed = match primary.task_definition == *task_definition {
        true => (primary.state == Some(RolloutState::Failed)).then_some(primary),
        false => service
            .rollouts
            .iter()
            .find(|rollout| rollout.task_definition == *task_definition && rollout.state == Some(RolloutState::Failed)),
    };
    let (tag, newer) = (task_definition.tag(), primary.task_definition.tag());
    let superseded = primary.task_definition != *task_definition;
    let back = primary.reason.as_deref().filter(|reason| reason.to_ascii_lowercase().contains("rolling back"));
    if let Some(failed) = failed {
        let reason = failed.reason.as_deref().or(back).unwrap_or("no reason given");
        let back = if superseded { format!("rolled back to {newer}: ") } else { String::new() };
        return Met::Unreachable(format!("{back}the rollout of {tag} failed: {reason}"));
    }
    if let Some(reason) = back.filter(|_| superseded) {
        return Met::Unreachable(format!("rolled back from {tag} to {newer}: {reason}"));
    }
    if superseded {
        return Met::Unreachable(format!("{tag} was superseded by {newer}"));
    }
    if service.settled_on(task_definition) {
        return Met::Yes;
    }
    if service.desired == 0 && !service.daemon {
        return Met::Unreachable(format!("no tasks of {tag} are wanted: desiredCount is 0"));
    }
    Met::NotYet(format!("{} of {} running{}", primary.running, service.desired, failures(primary.failed)))
}

fn failures(failed: u32) -> String {
    if failed == 0 { String::new() } else { format!(", {failed} failed") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{ago, now, service, td};

    /// `payments` goes for :17 again; the rollout of :18 is as given.
    #[test]
    fn a_rollout_that_cannot_complete_any_more_says_who_took_it_back() {
        let breaker = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/17.";
        let started = "ECS deployment circuit breaker: tasks failed to start.";
        let table = [
            (17, Some(breaker), Some(started), "rolled back to :17: the rollout of :18 failed: ECS deployment circuit"),
            (17, Some(breaker), None, "rolled back from :18 to :17: ECS deployment circuit breaker: rolling back"),
            (17, None, None, ":18 was superseded by :17"),
            (18, None, Some(started), "the rollout of :18 failed: ECS deployment circuit breaker: tasks failed"),
        ];
        for (runs, reason, failed, expected) in table {
            let mut after = service("payments", "payments", runs, 6, 90);
            after.rollouts[0].reason = reason.map(str::to_owned);
            if let Some(failed) = failed {
                let mut left = after.rollouts[0].clone();
                (left.task_definition, left.state) = (td("payments", 18), Some(RolloutState::Failed));
                left.reason = Some(failed.to_owned());
                if runs == 18 {
                    after.rollouts[0] = left
                } else {
                    after.rollouts.push(left)
                }
                after.rollouts.iter_mut().skip(1).for_each(|it| it.role = "ACTIVE".into());
            }
            let settled = Expect::Settled { service: after.key.clone(), task_definition: td("payments", 18) };
            let met = settled.compare(&Answer::Service(Box::new(after)), ago(60), now());
            assert!(matches!(&met, Met::Unreachable(what) if what.starts_with(expected)), "{expected}: {met:?}");
        }
    }
}
