//! The target of a rollback: the newest known good revision, never just revision − 1.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::domain::ecs::deployment::{DeploymentStatus, ServiceDeployment};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::service::{Rollout, RolloutRole, RolloutState, Service};
use crate::domain::observe::snapshot::{ObservedHealthy, Snapshot};

/// The evidence of a good revision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A service deployment of the revision ended SUCCESSFUL, or a rollback to the revision did.
    Deployment,
    /// The deployment under way replaces the revision.
    Replaced,
    /// A console on this machine observed the revision complete and healthy.
    Witnessed,
    /// No evidence: a deployment of the revision ended SUCCESSFUL while the service desired no tasks, and no task ever
    /// ran.
    NeverRan,
}

/// A known good revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KnownGood {
    /// The full ARN.
    pub task_definition: TaskDefinitionArn,
    /// The evidence.
    pub evidence: Evidence,
    /// The last observation, or the end of the deployment.
    pub at: Option<Timestamp>,
    /// Time in service, if the history shows it.
    pub good_for: Option<SignedDuration>,
    /// True if the revision can still be deployed (`status` ACTIVE); `None`: not read.
    pub active: Option<bool>,
    /// True if an operator or ECS later rolled back from the revision: ECS deployed it successfully, but it was not
    /// wanted.
    pub rolled_back_from: bool,
}

/// The default target: the first candidate that ran, was not rolled back and, as far as known, can still be deployed.
pub fn best(candidates: &[KnownGood]) -> Option<&KnownGood> {
    let worked = |good: &&KnownGood| !good.rolled_back_from && good.evidence != Evidence::NeverRan;
    candidates.iter().filter(worked).find(|good| good.active != Some(false))
}

/// All known good revisions of the service other than `current`, best first. Revisions that were rolled back come last.
pub fn candidates(service: &Service, current: &TaskDefinitionArn, snapshot: &Snapshot) -> Vec<KnownGood> {
    let history = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    let history = history.map_or(&[][..], Vec::as_slice);
    let mut replay = Replay::of(history);
    // A revision that runs alone and complete is installed, even if the history was not read since.
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
    // The target of a failed rollback worked before.
    let not_brought_back = service.failed_rollback(history).and_then(ServiceDeployment::rolled_back_to);
    not_brought_back.into_iter().for_each(|revision| add(known_good(revision, Evidence::Replaced, None)));
    replaced(service, history).into_iter().for_each(&mut add);
    let (taken_back, standing): (Vec<_>, Vec<_>) =
        replay.standing.iter().rev().partition(|run| replay.taken_back.contains(&run.task_definition));
    standing.into_iter().map(Run::good).for_each(&mut add);
    // Observations are evidence of this machine only: a revision of another family does not belong to the service.
    let witnesses = snapshot.witnessed.get(&service.key).into_iter().flatten();
    let witnesses = witnesses.filter(|witness| witness.task_definition.family() == current.family());
    let (out, good): (Vec<_>, Vec<_>) =
        witnesses.map(|witness| replay.judge(witness)).partition(|it| it.rolled_back_from);
    good.into_iter().for_each(&mut add);
    let idle = history.iter().filter(|it| it.status == DeploymentStatus::Successful && it.ran_nothing());
    let never_ran =
        |idle: &ServiceDeployment| Some(known_good(idle.task_definition()?, Evidence::NeverRan, idle.finished_at));
    idle.filter_map(never_ran).for_each(&mut add);
    taken_back
        .into_iter()
        .chain(replay.rolled_back_from.iter().rev())
        .map(|run| KnownGood { rolled_back_from: true, ..run.good() })
        .for_each(&mut add);
    out.into_iter().for_each(&mut add);
    found
}

/// The revisions that a rollout under way replaces: they were complete when the rollout began. A rollout that failed,
/// or was replaced before it was complete, does not count. The rollout's state shows that; under a native strategy ECS
/// reports no state, so the history decides.
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

/// The deployment history, replayed from the oldest on: a stack of installed revisions.
#[derive(Default)]
struct Replay {
    /// The installed revisions, each on top of the one that it replaced.
    standing: Vec<Run>,
    /// The revisions on top of one that was installed again: they were rolled back.
    rolled_back_from: Vec<Run>,
    /// The revisions that a rollback undid before they were installed, with the time of the rollback.
    undone: BTreeMap<TaskDefinitionArn, Option<Timestamp>>,
    /// The revisions whose newest deployment somebody stopped by going back to one that had worked.
    taken_back: BTreeSet<TaskDefinitionArn>,
    /// The revision of the deployment before, if that was stopped.
    stopped: Option<TaskDefinitionArn>,
}

/// A revision with its time in service.
struct Run {
    task_definition: TaskDefinitionArn,
    /// Time of the installation.
    since: Option<Timestamp>,
    /// Time of the last installation, or of a rollback that restored the revision.
    at: Option<Timestamp>,
    /// Start of the deployment that replaced the revision.
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
        // The list is newest first, which orders equal times. A deployment without any time stays next to its
        // neighbour.
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
        let target = deployment.task_definition();
        if let (Some(stopped), Some(target)) = (self.stopped.take(), target)
            && stopped != *target
            && self.standing.iter().any(|run| run.task_definition == *target)
        {
            self.undone.insert(stopped.clone(), began);
            self.taken_back.insert(stopped);
        }
        if matches!(deployment.status, DeploymentStatus::Stopped | DeploymentStatus::StopRequested) {
            self.stopped = target.cloned();
        }
        match &deployment.status {
            // A deployment without tasks replaced the running revision, but is not evidence of a good one.
            DeploymentStatus::Successful if deployment.ran_nothing() => self.replace(began),
            DeploymentStatus::Successful => match deployment.task_definition() {
                Some(target) => self.install(target, ended, began),
                // A target that could not be resolved replaced the running revision.
                None => self.replace(began),
            },
            // The target was never installed; the earlier revision was installed again.
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

    /// Installs a revision. If the revision is in the stack already, everything on top of it was rolled back.
    fn install(&mut self, task_definition: &TaskDefinitionArn, at: Option<Timestamp>, began: Option<Timestamp>) {
        self.undone.remove(task_definition);
        self.taken_back.remove(task_definition);
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

    /// Marks the end of the running revision: another one began to replace it.
    fn replace(&mut self, began: Option<Timestamp>) {
        if let Some(top) = self.standing.last_mut() {
            top.until = top.until.or(began);
        }
    }

    /// An observation, checked against the history.
    fn judge(&self, witness: &ObservedHealthy) -> KnownGood {
        let revision = &witness.task_definition;
        let undone = self.undone.get(revision).is_some_and(|at| at.is_none_or(|at| witness.at <= at));
        let rolled_back_from = undone || self.rolled_back_from.iter().any(|run| run.task_definition == *revision);
        KnownGood { rolled_back_from, ..known_good(revision, Evidence::Witnessed, Some(witness.at)) }
    }
}

#[cfg(test)]
mod tests;
