//! Detection of another operator's changes: the world as this console left it is compared with the present one.

use std::collections::BTreeSet;

use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId};
use crate::domain::plan::{Call, Plan};
use crate::domain::release::{Method, Release};

/// The part of a release that an operator can change; changes that happen by themselves are left out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct World {
    /// Every listener rule with its weights; empty if ECS shifts the service's traffic.
    rules: Vec<(RouteId, Vec<Forward>)>,
    /// The revision of each side.
    revisions: Vec<TaskDefinitionArn>,
    /// The service deployments in progress.
    deployments: BTreeSet<Arn>,
    /// The pauses that wait for an answer, by `hookId`.
    pauses: BTreeSet<String>,
}

impl World {
    pub(crate) fn of(release: &Release) -> Self {
        let ours = release.method != Method::Native;
        let rules =
            release.rules.iter().filter(|_| ours).map(|rule| (rule.route.id.clone(), rule.route.forwards.clone()));
        let sides = || release.sides();
        Self {
            rules: rules.collect(),
            revisions: sides().map(|side| side.task_definition.clone()).collect(),
            deployments: sides().filter_map(|side| side.deployment.clone()).collect(),
            pauses: release.pauses.iter().map(|pause| pause.hook.clone()).collect(),
        }
    }

    /// Describes another operator's change between `self` and `now`. A deployment that ends, or a pause that begins, is
    /// no operator's change.
    pub(crate) fn acted(&self, now: &Self) -> Option<&'static str> {
        if self.rules != now.rules {
            return Some("the weights were changed");
        }
        if self.revisions != now.revisions || !now.deployments.is_subset(&self.deployments) {
            return Some("another deployment began");
        }
        (!self.pauses.is_subset(&now.pauses)).then_some("a pause was answered")
    }

    /// Describes another operator's change between `self` and `now`, while this console executed a plan. `done`: the
    /// plan was completed.
    pub(crate) fn acted_beside(&self, plan: &Plan, done: bool, now: &Self) -> Option<&'static str> {
        let beside = self.after(plan, now).acted(now);
        // The calls of an interrupted plan may have been applied or not.
        if done { beside } else { beside.and(self.acted(now)) }
    }

    /// The world as a plan leaves it. Revisions and deployments that the plan creates are taken from `now`: their names
    /// are not known before.
    fn after(&self, plan: &Plan, now: &Self) -> Self {
        let mut after = self.clone();
        for call in plan.calls() {
            match call {
                Call::SetWeights { route, weights, .. } => {
                    let rules = after.rules.iter_mut().filter(|(rule, _)| rule == route);
                    for had in rules.flat_map(|(_, forwards)| forwards) {
                        let written = weights.iter().find(|to| to.target_group == had.target_group);
                        had.weight = written.map_or(had.weight, |to| to.weight);
                    }
                }
                Call::AnswerPause { hook, .. } => {
                    after.pauses.remove(hook);
                }
                Call::UpdateService { task_definition: None, configuration: None, .. } => {}
                Call::UpdateService { .. } | Call::RegisterCopy { .. } | Call::StopDeployment { .. } => {
                    after.revisions.clone_from(&now.revisions);
                    after.deployments.clone_from(&now.deployments);
                }
            }
        }
        after
    }
}
