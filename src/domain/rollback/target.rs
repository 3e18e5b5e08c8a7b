//! The target of a rollback: the newest revision known to have worked, never just revision − 1.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::domain::ecs::deployment::{DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::service::{Rollout, RolloutRole, RolloutState, Service};
use crate::domain::observe::snapshot::{ObservedHealthy, Snapshot};

/// How a revision is known to have worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A service deployment of it ended SUCCESSFUL, or a rollback to it did.
    Deployment,
    /// It is what the deployment under way replaces.
    Replaced,
    /// A console on this machine saw it complete and healthy.
    Witnessed,
    /// None: a deployment of it ended SUCCESSFUL while the service wanted no task, and no task of it ever ran.
    NeverRan,
}

/// A revision known to have worked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownGood {
    /// The full ARN.
    pub task_definition: TaskDefinitionArn,
    /// How it is known to have worked.
    pub evidence: Evidence,
    /// When that was last seen or finished.
    pub at: Option<Timestamp>,
    /// How long it was in service, where the history shows it.
    pub good_for: Option<SignedDuration>,
    /// Whether it can still be deployed (`status` ACTIVE); `None`: not read.
    pub active: Option<bool>,
    /// Whether an operator or ECS rolled back from it later: it worked for ECS, and was not wanted.
    pub rolled_back_from: bool,
}

/// The default target: the first that ran, was not rolled back and can, as far as is known, still be deployed.
pub fn best(candidates: &[KnownGood]) -> Option<&KnownGood> {
    let worked = |good: &&KnownGood| !good.rolled_back_from && good.evidence != Evidence::NeverRan;
    candidates.iter().filter(worked).find(|good| good.active != Some(false))
}

/// Every revision other than `current` that is known to have worked on this service, best first; those that somebody
/// went back from come last.
pub fn candidates(service: &Service, current: &TaskDefinitionArn, snapshot: &Snapshot) -> Vec<KnownGood> {
    let history = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    let history = history.map_or(&[][..], Vec::as_slice);
    let mut replay = Replay::of(history);
    // What runs alone and complete is installed, whether the history has been read since or not.
    if service.desired > 0 && service.settled_on(current) {
        replay.install(current, None, service.primary().and_then(|primary| primary.created_at));
    }
    let mut found: Vec<KnownGood> = Vec::new();
    let mut add = |good: KnownGood| {
        let known = found.iter().any(|had| had.task_definition == good.task_definition);
        if good.task_definition != *current && !known {
            let active = snapshot.task_definition(&good.task_definition).map(|definition| definition.active);
            found.push(KnownGood { active, ..good });
        }
    };
    // What ECS could not bring back worked before.
    let not_brought_back = service.failed_rollback(history).and_then(ServiceDeployment::rolled_back_to);
    not_brought_back.into_iter().for_each(|revision| add(known_good(revision, Evidence::Replaced, None)));
    replaced(service, history).into_iter().for_each(&mut add);
    replay.standing.iter().rev().map(Run::good).for_each(&mut add);
    // What was seen from here is this machine's word alone: a revision of another family is not this service's.
    let witnesses = snapshot.witnessed.get(&service.key).into_iter().flatten();
    let witnesses = witnesses.filter(|witness| witness.task_definition.family() == current.family());
    let (out, good): (Vec<_>, Vec<_>) =
        witnesses.map(|witness| replay.judge(witness)).partition(|it| it.rolled_back_from);
    good.into_iter().for_each(&mut add);
    let idle = history.iter().filter(|it| it.status == DeploymentStatus::Successful && it.ran_nothing());
    let never_ran =
        |idle: &ServiceDeployment| Some(known_good(idle.task_definition()?, Evidence::NeverRan, idle.finished_at));
    idle.filter_map(never_ran).for_each(&mut add);
    replay
        .rolled_back_from
        .iter()
        .rev()
        .map(|run| KnownGood { rolled_back_from: true, ..run.good() })
        .for_each(&mut add);
    out.into_iter().for_each(&mut add);
    found
}

/// What a rollout under way replaces: it was complete when the rollout began. One that failed, or was itself replaced
/// before it was complete, is not what worked: its rollout says so, and where ECS gives rollouts no state (a native
/// strategy) the history does.
fn replaced(service: &Service, history: &[ServiceDeployment]) -> Vec<KnownGood> {
    if !service.rolling() {
        return Vec::new();
    }
    let given_up = |revision: &TaskDefinitionArn| {
        let of = |deployment: &&ServiceDeployment| deployment.task_definition() == Some(revision);
        let mut tried = history.iter().filter(of).peekable();
        tried.peek().is_some() && tried.all(|deployment| deployment.status != DeploymentStatus::Successful)
    };
    let worked = |rollout: &&Rollout| {
        rollout.role != RolloutRole::Primary
            && rollout.running > 0
            && match rollout.state {
                Some(RolloutState::Completed) => true,
                Some(_) => false,
                None => !given_up(&rollout.task_definition),
            }
    };
    let good = |rollout: &Rollout| known_good(&rollout.task_definition, Evidence::Replaced, rollout.updated_at);
    service.rollouts.iter().filter(worked).map(good).collect()
}

fn known_good(task_definition: &TaskDefinitionArn, evidence: Evidence, at: Option<Timestamp>) -> KnownGood {
    let task_definition = task_definition.clone();
    KnownGood { task_definition, evidence, at, good_for: None, active: None, rolled_back_from: false }
}

/// The history played again, oldest first: what stands on what.
#[derive(Default)]
struct Replay {
    /// What was installed, each on top of what it replaced.
    standing: Vec<Run>,
    /// What was on top of a revision that was installed again: somebody went back from it.
    rolled_back_from: Vec<Run>,
    /// What a rollback undid before it was installed, and when.
    undone: BTreeMap<TaskDefinitionArn, Option<Timestamp>>,
}

/// A revision while it was what ran.
struct Run {
    task_definition: TaskDefinitionArn,
    /// When it was installed.
    since: Option<Timestamp>,
    /// When it was installed last, or again by a rollback of what came after it.
    at: Option<Timestamp>,
    /// When something else began to take its place.
    until: Option<Timestamp>,
}

impl Run {
    fn good(&self) -> KnownGood {
        let ran = self.since.zip(self.until).map(|(since, until)| until.duration_since(since));
        let good_for = ran.filter(|ran| !ran.is_negative());
        KnownGood { good_for, ..known_good(&self.task_definition, Evidence::Deployment, self.at) }
    }
}

impl Replay {
    fn of(history: &[ServiceDeployment]) -> Self {
        let mut replay = Self::default();
        // The list is newest first, which decides between equal times. One without any stays with its neighbour.
        let mut last = Timestamp::MIN;
        let mut in_order: Vec<_> = history
            .iter()
            .rev()
            .map(|deployment| {
                last = deployment.finished_at.max(deployment.created_at).unwrap_or(last);
                (last, deployment)
            })
            .collect();
        in_order.sort_by_key(|(at, _)| *at);
        for (_, deployment) in in_order {
            replay.take(deployment);
        }
        replay
    }

    fn take(&mut self, deployment: &ServiceDeployment) {
        let (began, ended) = (deployment.created_at, deployment.finished_at);
        match &deployment.status {
            // What no task ran of took the place of what ran, and is none that worked.
            DeploymentStatus::Successful if deployment.ran_nothing() => self.replace(began),
            DeploymentStatus::Successful => match deployment.task_definition() {
                Some(target) => self.install(target, ended, began),
                // Something that could not be resolved took its place.
                None => self.replace(began),
            },
            // Its target was never installed; what it went back to was, again.
            DeploymentStatus::RollbackSuccessful => {
                if let Some(target) = deployment.task_definition() {
                    self.undone.insert(target.clone(), ended);
                }
                if let Some(back) = deployment.rolled_back_to() {
                    self.install(back, ended, began);
                }
            }
            status if !status.ended() => self.replace(began),
            _ => {}
        }
    }

    /// What is installed while it stands already backs out all that was put on top of it.
    fn install(&mut self, task_definition: &TaskDefinitionArn, at: Option<Timestamp>, began: Option<Timestamp>) {
        self.undone.remove(task_definition);
        self.rolled_back_from.retain(|out| out.task_definition != *task_definition);
        let on_top = self.standing.last().is_some_and(|top| top.task_definition == *task_definition);
        if !on_top {
            self.replace(began);
        }
        let Some(place) = self.standing.iter().position(|run| run.task_definition == *task_definition) else {
            let task_definition = task_definition.clone();
            self.standing.push(Run { task_definition, since: at, at, until: None });
            return;
        };
        self.rolled_back_from.extend(self.standing.split_off(place + 1));
        if let Some(top) = self.standing.last_mut() {
            top.since = if on_top { top.since.or(at) } else { at };
            top.at = top.at.max(at);
            top.until = None;
        }
    }

    /// Something else began to take the place of what ran.
    fn replace(&mut self, began: Option<Timestamp>) {
        if let Some(top) = self.standing.last_mut() {
            top.until = top.until.or(began);
        }
    }

    /// What a console saw, in the light of the history.
    fn judge(&self, witness: &ObservedHealthy) -> KnownGood {
        let revision = &witness.task_definition;
        let undone = self.undone.get(revision).is_some_and(|at| at.is_none_or(|at| witness.at <= at));
        let rolled_back_from = undone || self.rolled_back_from.iter().any(|run| run.task_definition == *revision);
        KnownGood { rolled_back_from, ..known_good(revision, Evidence::Witnessed, Some(witness.at)) }
    }
}

#[cfg(test)]
mod tests;
