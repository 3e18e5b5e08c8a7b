//! Progress between two reads, which AWS does not report: the time since a rollout stalled, a deployment entered its
//! stage, or a target began to drain.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::changes::Since;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::{Arn, ServiceKey};
use crate::domain::ecs::route::{Health, Target, TargetState};
use crate::domain::ecs::service::Service;
use crate::domain::release::share::Percent;

/// A target within its group: `Target.Id` and `Target.Port`.
pub type TargetId = (String, Option<u16>);

/// The observed progress of all services and target groups.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ProgressTracker {
    /// The progress of each service's rollout.
    progress: BTreeMap<ServiceKey, Progress>,
    /// The services with fewer tasks than desired.
    shortages: BTreeMap<ServiceKey, Shortage>,
    /// The stage of each service's deployment under way.
    stages: BTreeMap<ServiceKey, Staged>,
    /// The start of draining of each target, by target group.
    draining: BTreeMap<Arn, BTreeMap<TargetId, Since>>,
}

/// The progress of a rollout.
#[derive(Debug, Clone, PartialEq)]
struct Progress {
    /// The primary rollout's id.
    rollout: String,
    /// The service's `desiredCount`.
    desired: u32,
    /// The most tasks of the rollout that ran at once. Tasks that stop and restart do not count as progress.
    most: u32,
    /// The fewest tasks that remained of all other rollouts.
    left: u32,
    /// The last change of `most` or `left`.
    since: Since,
}

/// A service with fewer tasks than desired.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Shortage {
    /// `desiredCount`.
    desired: u32,
    /// The most tasks that ran at once.
    most: u32,
    /// Start of the shortage, or its last improvement.
    since: Since,
}

#[derive(Debug, Clone, PartialEq)]
struct Staged {
    deployment: Arn,
    stage: Option<LifecycleStage>,
    requested: Option<Percent>,
    since: Since,
}

impl ProgressTracker {
    /// Observes a service.
    pub(crate) fn service(&mut self, at: Timestamp, service: &Service) {
        let before = self.progress.remove(&service.key);
        let short = self.shortages.remove(&service.key);
        if let Some(now) = shortage(short, before.is_some(), at, service) {
            self.shortages.insert(service.key.clone(), now);
        }
        if let Some(now) = progress(before, at, service) {
            self.progress.insert(service.key.clone(), now);
        }
    }

    /// Observes a service's deployments, newest first.
    pub(crate) fn deployments(&mut self, at: Timestamp, service: &ServiceKey, deployments: &[ServiceDeployment]) {
        let before = self.stages.remove(service);
        let Some(under_way) = deployments.iter().find(|deployment| !deployment.status.ended()) else { return };
        let same = |had: &Staged| {
            had.deployment == under_way.arn && had.stage == under_way.stage && had.requested == under_way.requested
        };
        let stage_since = match before {
            Some(had) if same(&had) => had,
            before => Staged {
                deployment: under_way.arn.clone(),
                stage: under_way.stage.clone(),
                requested: under_way.requested,
                since: Since { at, seen: before.is_some() },
            },
        };
        self.stages.insert(service.clone(), stage_since);
    }

    /// Observes a target group. `before`: the health at the previous observation.
    pub(crate) fn health(&mut self, at: Timestamp, group: &Arn, before: Option<&Health>, now: &Health) {
        let had = self.draining.remove(group).unwrap_or_default();
        let draining = now.targets.iter().filter(|target| target.state == TargetState::Draining);
        let since = |target: &Target| {
            let id = id(target);
            let since = had.get(&id).copied().unwrap_or(Since { at, seen: before.is_some() });
            (id, since)
        };
        let draining: BTreeMap<_, _> = draining.map(since).collect();
        if !draining.is_empty() {
            self.draining.insert(group.clone(), draining);
        }
    }

    /// The last progress of a service's primary rollout; `None`: no primary rollout is known.
    pub fn stalled_since(&self, service: &ServiceKey) -> Option<Since> {
        self.progress.get(service).map(|progress| progress.since)
    }

    /// Start of a service's shortage of tasks, or its last improvement; `None`: all desired tasks run.
    pub fn short_since(&self, service: &ServiceKey) -> Option<Since> {
        self.shortages.get(service).map(|shortage| shortage.since)
    }

    /// Start of the deployment's present stage, at the share that ECS requests.
    pub fn stage_since(&self, service: &ServiceKey) -> Option<Since> {
        self.stages.get(service).map(|stage_since| stage_since.since)
    }

    /// Start of a target's draining.
    pub fn draining(&self, group: &Arn, target: &Target) -> Option<Since> {
        self.draining.get(group)?.get(&id(target)).copied()
    }
}

fn id(target: &Target) -> TargetId {
    (target.id.clone(), target.port)
}

fn progress(before: Option<Progress>, at: Timestamp, service: &Service) -> Option<Progress> {
    let primary = service.primary()?;
    let left = service.rollouts.iter().filter(|rollout| rollout.id != primary.id).map(|rollout| rollout.running).sum();
    let fresh =
        |since| Progress { rollout: primary.id.clone(), desired: service.desired, most: primary.running, left, since };
    Some(match before {
        Some(had) if had.rollout == primary.id && had.desired == service.desired => {
            let moved = primary.running > had.most || left < had.left;
            Progress {
                most: had.most.max(primary.running),
                left: had.left.min(left),
                since: if moved { Since { at, seen: true } } else { had.since },
                ..had
            }
        }
        Some(_) => fresh(Since { at, seen: true }),
        // First observation: a rollout without running tasks has not moved since its creation, any other rollout since
        // the last update by ECS.
        None => {
            let known = if primary.running == 0 { primary.created_at } else { primary.updated_at };
            fresh(Since { at: known.unwrap_or(at).min(at), seen: false })
        }
    })
}

fn shortage(before: Option<Shortage>, looked: bool, at: Timestamp, service: &Service) -> Option<Shortage> {
    let (running, desired) = (service.running, service.desired);
    let begun = |since| Shortage { desired, most: running, since };
    if running >= desired {
        return None;
    }
    Some(match before {
        Some(had) if had.desired == desired && running <= had.most => had,
        Some(_) => begun(Since { at, seen: true }),
        None if looked => begun(Since { at, seen: true }),
        // First observation: the shortage dates from the last action of ECS.
        None => {
            let primary = service.primary();
            let acts = service.events.iter().map(|event| event.at);
            let acts = acts.chain(primary.and_then(|primary| primary.updated_at.max(primary.created_at)));
            begun(Since { at: acts.max().unwrap_or(at).min(at), seen: false })
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{ago, group, service};

    fn look(noticed: &mut ProgressTracker, seconds: i64, running: u32, left: u32) -> Since {
        let mut rolled = service("payments", "payments", 18, 6, 90);
        rolled.rollouts[0].running = running;
        rolled.rollouts[0].created_at = Some(ago(900));
        rolled.rollouts[0].updated_at = Some(ago(800));
        let mut old = rolled.rollouts[0].clone();
        (old.id, old.role, old.running) = ("ecs-svc/17".into(), "ACTIVE".into(), left);
        rolled.rollouts.push(old);
        noticed.service(ago(seconds), &rolled);
        noticed.stalled_since(&rolled.key).unwrap()
    }

    #[test]
    fn a_rollout_moves_when_more_run_than_ever_or_fewer_of_the_old_are_left() {
        let mut noticed = ProgressTracker::default();
        let since = |since: Since| (since.at, since.seen);
        assert_eq!(since(look(&mut noticed, 700, 0, 6)), (ago(900), false), "nothing ran yet since it was created");
        assert_eq!(since(look(&mut noticed, 690, 0, 6)), (ago(900), false));
        assert_eq!(since(look(&mut noticed, 600, 2, 6)), (ago(600), true));
        // Tasks that stop and restart do not count as progress.
        assert_eq!(since(look(&mut noticed, 500, 0, 6)), (ago(600), true));
        assert_eq!(since(look(&mut noticed, 400, 2, 6)), (ago(600), true));
        assert_eq!(since(look(&mut noticed, 300, 2, 5)), (ago(300), true));
        let mut late = ProgressTracker::default();
        assert_eq!(since(look(&mut late, 700, 2, 6)), (ago(800), false), "else since ECS last wrote to it");
    }

    #[test]
    fn a_shortage_begins_anew_when_more_run_or_other_counts_are_wanted() {
        let mut noticed = ProgressTracker::default();
        let mut look = |seconds: i64, running: u32, desired: u32| {
            let mut short = service("payments", "payments", 18, desired, 3_600);
            short.running = running;
            noticed.service(ago(seconds), &short);
            noticed.short_since(&short.key).map(|since| (since.at, since.seen))
        };
        assert_eq!(look(150, 4, 6), Some((ago(200), false)), "ECS has done nothing since its newest event");
        assert_eq!(look(140, 3, 6), Some((ago(200), false)), "tasks that come and go make it no better");
        assert_eq!(look(130, 5, 6), Some((ago(130), true)));
        assert_eq!(look(120, 5, 9), Some((ago(120), true)));
        assert_eq!(look(110, 9, 9), None);
        assert_eq!(look(100, 8, 9), Some((ago(100), true)));
    }

    fn drained(states: &[(&str, TargetState)]) -> Health {
        let target = |(id, state): &(&str, TargetState)| Target {
            id: (*id).to_owned(),
            port: Some(8080),
            zone: None,
            state: state.clone(),
            reason: None,
            description: None,
        };
        Health { targets: states.iter().map(target).collect(), ..Health::default() }
    }

    #[test]
    fn draining_began_between_two_looks_or_before_the_first() {
        use TargetState::{Draining, Healthy};
        let mut noticed = ProgressTracker::default();
        let group = group("checkout");
        let first = drained(&[("a", Draining), ("b", Healthy)]);
        let second = drained(&[("a", Draining), ("b", Draining)]);
        noticed.health(ago(90), &group, None, &first);
        noticed.health(ago(60), &group, Some(&first), &second);
        noticed.health(ago(30), &group, Some(&second), &second);
        let since = |index: usize| noticed.draining(&group, &second.targets[index]).unwrap();
        assert_eq!(since(0), Since { at: ago(90), seen: false });
        assert_eq!(since(1), Since { at: ago(60), seen: true });
        let mut gone = noticed.clone();
        gone.health(ago(0), &group, Some(&second), &drained(&[("b", Draining)]));
        assert_eq!(gone.draining(&group, &second.targets[0]), None);
        assert_eq!(gone.draining(&group, &second.targets[1]).map(|it| it.at), Some(ago(60)));
    }
}
