//! Whether somebody else acted: the world as this console left it, and as it is now.

use std::collections::BTreeSet;

use crate::domain::ecs::names::{Arn, TaskDefinitionArn};
use crate::domain::ecs::route::{Forward, RouteId};
use crate::domain::plan::{Call, Plan};
use crate::domain::release::{Method, Release};

/// What tells whether somebody else acted: all that an operator can move, and nothing that moves by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct World {
    /// Every rule with its weights; of a service whose traffic ECS shifts by itself, nothing.
    rules: Vec<(RouteId, Vec<Forward>)>,
    /// The revision of each side.
    revisions: Vec<TaskDefinitionArn>,
    /// The service deployments under way.
    deployments: BTreeSet<Arn>,
    /// The pauses that wait, by `hookId`.
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

    /// What somebody else did between `self` and `now`; what ends or begins to wait by itself is nobody's doing.
    pub(crate) fn acted(&self, now: &Self) -> Option<&'static str> {
        if self.rules != now.rules {
            return Some("the weights were changed");
        }
        if self.revisions != now.revisions || !now.deployments.is_subset(&self.deployments) {
            return Some("another deployment began");
        }
        (!self.pauses.is_subset(&now.pauses)).then_some("a pause was answered")
    }

    /// What somebody else did between `self` and `now` while a plan of ours was carried out, to its end if `done`.
    pub(crate) fn acted_beside(&self, plan: &Plan, done: bool, now: &Self) -> Option<&'static str> {
        let beside = self.after(plan, now).acted(now);
        // What was broken off may have written, or not.
        if done { beside } else { beside.and(self.acted(now)) }
    }

    /// The world as a plan leaves it. What it begins has a name that only `now` tells.
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
