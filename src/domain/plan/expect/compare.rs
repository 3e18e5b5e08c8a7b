//! An expectation held against what AWS answered.

use jiff::Timestamp;

use super::{Expect, Met, quiet};
use crate::domain::ecs::deployment::{DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, Health, Route, target_group_name};
use crate::domain::ecs::service::{RolloutRole, RolloutState, Service};
use crate::domain::observe::snapshot::Answer;

impl Expect {
    /// Compares it with an answer to [`Expect::query`] of `now`. No minute before `since` says anything.
    pub fn compare(&self, facts: &Answer, since: Timestamp, now: Timestamp) -> Met {
        match (self, facts) {
            (Self::Quiet { target_group, .. }, Answer::Metrics(series)) => {
                quiet::compare(target_group, since, series, now)
            }
            (Self::Weights { weights: wanted, .. }, Answer::Route(route)) => weights(route, wanted),
            (Self::Sticky { seconds, .. }, Answer::Route(route)) => match route.stickiness {
                Some(now) if now == *seconds => Met::Yes,
                Some(now) => Met::NotYet(format!("the stickiness is {now} s")),
                None => Met::NotYet("the stickiness is off".to_owned()),
            },
            (Self::Healthy { target_group, at_least }, Answer::Health(health)) => {
                healthy(health, target_group, *at_least)
            }
            (Self::Answered { deployment, hook, .. }, Answer::Deployments(known)) => answered(known, deployment, hook),
            (Self::GoingBack { deployment, .. }, Answer::Deployments(known)) => going_back(known, deployment),
            (Self::Deployed { task_definition, after, .. }, Answer::Deployments(known)) => {
                deployed(known, task_definition, after.as_ref())
            }
            (Self::Registered { newer_than, .. }, Answer::Family(revisions)) => {
                let newer = revisions.first().is_some_and(|newest| newest.revision() > newer_than.revision());
                met_if(newer, || "no newer revision yet".to_owned())
            }
            (_, Answer::Service(service)) => self.compare_service(service),
            _ => not_read(),
        }
    }

    fn compare_service(&self, service: &Service) -> Met {
        match self {
            Self::Running { at_least, .. } => {
                met_if(service.running >= *at_least, || format!("{} of {at_least} tasks run", service.running))
            }
            Self::Desired { count, .. } => {
                met_if(service.desired == *count, || format!("desiredCount is {}", service.desired))
            }
            Self::Primary { task_definition, .. } => match service.primary() {
                Some(primary) if primary.task_definition == *task_definition => Met::Yes,
                Some(primary) => Met::NotYet(format!("{} is primary", primary.task_definition.tag())),
                None => Met::NotYet("no primary rollout".to_owned()),
            },
            Self::Left { task_definition, .. } => {
                let left = service.primary().is_some_and(|primary| primary.task_definition != *task_definition);
                met_if(left, || format!("{} is primary", task_definition.tag()))
            }
            Self::Settled { task_definition, older_may_run, .. } => settled(service, task_definition, *older_may_run),
            Self::Configured { configuration, .. } => {
                met_if(service.configuration.same_strategy(configuration), || {
                    format!("it goes by {}", service.configuration.describe())
                })
            }
            _ => not_read(),
        }
    }
}

/// An answer to another question says nothing about this one.
fn not_read() -> Met {
    Met::NotYet("not read yet".to_owned())
}

fn met_if(met: bool, otherwise: impl FnOnce() -> String) -> Met {
    if met { Met::Yes } else { Met::NotYet(otherwise()) }
}

fn weights(route: &Route, wanted: &[Forward]) -> Met {
    for want in wanted {
        let name = target_group_name(&want.target_group);
        match route.weight(&want.target_group) {
            Some(weight) if weight == want.weight => {}
            Some(weight) => return Met::NotYet(format!("{name} has weight {weight}")),
            None => return Met::Unreachable(format!("the rule no longer forwards to {name}")),
        }
    }
    Met::Yes
}

fn healthy(health: &[(Arn, Health)], target_group: &Arn, at_least: u32) -> Met {
    let name = target_group_name(target_group);
    match health.iter().find(|(arn, _)| arn == target_group) {
        Some((_, health)) => {
            met_if(health.healthy >= at_least, || format!("{} of {at_least} healthy in {name}", health.healthy))
        }
        None => Met::NotYet(format!("health of {name} unknown")),
    }
}

fn answered(deployments: &[ServiceDeployment], deployment: &Arn, hook: &str) -> Met {
    match deployments.iter().find(|known| known.arn == *deployment) {
        Some(known) if known.pauses().iter().any(|pause| pause.hook == *hook) => {
            Met::NotYet("the pause still waits".to_owned())
        }
        Some(_) => Met::Yes,
        None => Met::NotYet("the deployment is not in the history".to_owned()),
    }
}

fn going_back(deployments: &[ServiceDeployment], deployment: &Arn) -> Met {
    match deployments.iter().find(|known| known.arn == *deployment).map(|known| &known.status) {
        Some(status) if status.rolling_back() => Met::Yes,
        Some(DeploymentStatus::RollbackSuccessful | DeploymentStatus::RollbackFailed) => Met::Yes,
        Some(status) if status.ended() => Met::Unreachable(format!("the deployment ended {status:?}")),
        Some(_) => Met::NotYet("the deployment has not turned back yet".to_owned()),
        None => Met::NotYet("the deployment is not in the history yet".to_owned()),
    }
}

fn deployed(deployments: &[ServiceDeployment], task_definition: &TaskDefinitionArn, after: Option<&Arn>) -> Met {
    let newest = deployments.first().filter(|newest| Some(&newest.arn) != after);
    match newest.map(ServiceDeployment::task_definition) {
        Some(Some(newest)) if newest == task_definition => Met::Yes,
        Some(Some(newest)) => Met::Unreachable(format!("a newer deployment is of {}", newest.tag())),
        Some(None) => Met::NotYet("the newest deployment's revision is not known yet".to_owned()),
        None => Met::NotYet("no new deployment is shown yet".to_owned()),
    }
}

fn settled(service: &Service, task_definition: &TaskDefinitionArn, older_may_run: bool) -> Met {
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
    if service.settled_on(task_definition) || older_may_run && service.complete_on(task_definition) {
        return Met::Yes;
    }
    if service.configuration.defers_cleanup() && service.complete_on(task_definition) {
        let other = service.rollouts.iter().filter(|rollout| rollout.task_definition != *task_definition);
        return match other.map(|rollout| rollout.running).sum::<u32>() {
            // Older tasks of the same revision serve users as well.
            0 => Met::Yes,
            running => Met::NotYet(format!("{running} tasks of other revisions run on: ECS removes them later")),
        };
    }
    if service.desired == 0 && !service.daemon {
        return Met::Unreachable(format!("no tasks of {tag} are wanted: desiredCount is 0"));
    }
    let (running, failed) = (primary.running, failures(primary.failed));
    Met::NotYet(format!("{running} of {} running{}{failed}", service.desired, others(service)))
}

/// The tasks of other rollouts, which are to stop.
fn others(service: &Service) -> String {
    let others = service.rollouts.iter().filter(|rollout| rollout.role != RolloutRole::Primary);
    match others.map(|rollout| rollout.running).sum::<u32>() {
        0 => String::new(),
        running => format!(", {running} older still run"),
    }
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
            let settled = Expect::Settled {
                service: after.key.clone(),
                task_definition: td("payments", 18),
                older_may_run: false,
            };
            let met = settled.compare(&Answer::Service(Box::new(after)), ago(60), now());
            assert!(matches!(&met, Met::Unreachable(what) if what.starts_with(expected)), "{expected}: {met:?}");
        }
    }
}
