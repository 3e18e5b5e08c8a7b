//! Readiness of a rollback before it is needed: whether it is possible, what it does not restore, how long it takes.

mod capacity;
mod checks;
mod estimate;
pub mod finding;
mod images;
mod scaling;

use std::cmp::Reverse;

use jiff::Timestamp;

use self::finding::check;
pub use self::finding::{Check, Estimate, Level, Past, Readiness};
use super::target;
use super::target::Evidence;
use crate::domain::ecs::deployment::{ServiceDeployment, ServiceRevision};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::service::Service;
use crate::domain::fault::Fault;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::share::Weight;
use crate::domain::release::{Method, ReleaseState};

/// Checks the rollback that would be planned now. `service` is the service that would be rolled back: the stable one of
/// a pair. `denied`: writes that AWS refused in this session for lack of a permission.
pub fn preflight(
    release: &ReleaseState,
    service: &Service,
    snapshot: &Snapshot,
    denied: &[Fault],
    now: Timestamp,
) -> Readiness {
    let history = snapshot.deployments.get(&service.key).and_then(|reading| reading.get());
    let history = history.map_or(&[][..], Vec::as_slice);
    let way = way(release, service);
    let target = target(release, way);
    let look = Look { release, service, snapshot, denied, now, way, target, history };
    let mut checks = look.permissions();
    checks.extend(look.tasks());
    checks.extend(look.scaling());
    if matches!(way, Way::Undo(_) | Way::Redeploy) {
        checks.extend(look.history_read());
        checks.extend(look.target());
        checks.extend(look.divided());
        if release.method != Method::Weighted {
            checks.extend(look.deferred_cleanup());
            checks.extend(look.express());
            checks.extend(look.images());
            checks.extend(look.surroundings());
            checks.extend(look.alarms());
        }
    }
    checks.sort_by_key(|check| Reverse(check.level));
    Readiness { checks, estimate: look.estimate() }
}

/// The alarms that ECS watches while this release is deployed, or would watch: the deployment's own, and those of the
/// service's configuration.
pub fn alarm_names(release: &ReleaseState) -> Vec<&str> {
    let of_deployment = release.under_way().into_iter().flat_map(|deployment| {
        let configured = deployment.configuration.alarms.iter().filter(|alarms| alarms.enable);
        let watched = deployment.alarms.iter().filter(|alarms| alarms.status != "DISABLED");
        configured.flat_map(|alarms| &alarms.names).chain(watched.flat_map(|alarms| &alarms.names))
    });
    let of_service = release.configuration.alarms.iter().filter(|alarms| alarms.enable);
    let mut names: Vec<&str> = Vec::new();
    for name in of_deployment.chain(of_service.flat_map(|alarms| &alarms.names)) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    names
}

/// How a rollback is carried out.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    /// ECS rolls the deployment under way back, and restores the old revision completely. Its record, where it was read.
    Undo(Option<&'a ServiceDeployment>),
    /// A deployment of an older revision.
    Redeploy,
    /// Weights alone.
    Weights,
    /// This console cannot roll it back.
    None,
}

fn way<'a>(release: &'a ReleaseState, service: &Service) -> Way<'a> {
    let under_way = release.under_way();
    let rolling = release.stable.rolling;
    let stoppable = rolling && service.current_deployment.is_some();
    match release.method {
        Method::CodeDeploy | Method::External => Way::None,
        Method::Weighted if weights_do(release) => Way::Weights,
        _ if release.repair.is_some() => Way::Weights,
        // Its pauses and its stages go on after the tasks are complete.
        Method::Native | Method::NativeWeighted if under_way.is_some() || rolling => Way::Undo(under_way),
        _ if stoppable => Way::Undo(under_way),
        _ => Way::Redeploy,
    }
}

/// Whether weights suffice: stable runs the old revision, and the canary has traffic or tasks.
fn weights_do(release: &ReleaseState) -> bool {
    let canary = |of: &dyn Fn(&crate::domain::release::Side) -> bool| release.canary.as_ref().is_some_and(of);
    let something = canary(&|canary| canary.desired > 0 || canary.weight != Some(Weight::ZERO));
    !release.stable_taken() && (something || release.stable.weight == Some(Weight::ZERO))
}

/// The target of the rollback.
fn target<'a>(release: &'a ReleaseState, way: Way<'a>) -> Option<&'a TaskDefinitionArn> {
    let best = || target::best(&release.previous).map(|good| &good.task_definition);
    match way {
        Way::Undo(deployment) => {
            let replaced = release.previous.iter().find(|good| good.evidence == Evidence::Replaced);
            let shifted = release.method.shifted_by_ecs() && release.canary.is_some();
            deployment
                .and_then(ServiceDeployment::rolled_back_to)
                .or(shifted.then_some(&release.stable.task_definition))
                .or(replaced.map(|good| &good.task_definition))
                .or(release.stable.replaces_itself())
                .or_else(|| source(release, deployment?))
                .or_else(best)
        }
        Way::Redeploy => {
            let again = release.failed_rollback().and_then(ServiceDeployment::rolled_back_to);
            again.or_else(best)
        }
        Way::Weights | Way::None => None,
    }
}

/// The revision that a deployment started from; of several, one that had worked.
fn source<'a>(release: &'a ReleaseState, deployment: &'a ServiceDeployment) -> Option<&'a TaskDefinitionArn> {
    let worked = |revision: &&TaskDefinitionArn| {
        release.previous.iter().any(|good| good.task_definition == **revision && !good.rolled_back_from)
    };
    let mut sources = deployment.sources.iter().map(|source| &source.task_definition);
    match deployment.sources.as_slice() {
        [only] => Some(&only.task_definition),
        _ => sources.find(worked),
    }
}

/// The inputs of the checks.
struct Look<'a> {
    release: &'a ReleaseState,
    service: &'a Service,
    snapshot: &'a Snapshot,
    denied: &'a [Fault],
    now: Timestamp,
    way: Way<'a>,
    target: Option<&'a TaskDefinitionArn>,
    history: &'a [ServiceDeployment],
}

impl<'a> Look<'a> {
    /// The service revisions that carry a task definition, as often as the history names them, the newest first.
    fn revisions_of(&self, task_definition: &TaskDefinitionArn) -> Vec<&'a ServiceRevision> {
        let of = |deployment: &'a ServiceDeployment| {
            let back = deployment.rollback.iter().flat_map(|rollback| &rollback.to);
            deployment.target.iter().chain(&deployment.sources).chain(back)
        };
        let named = self.history.iter().flat_map(of).map(|revision| &**revision);
        let mut found: Vec<_> = named.filter(|revision| revision.task_definition == *task_definition).collect();
        found.sort_by_key(|revision| Reverse(revision.created_at));
        found
    }

    /// The task definition that the service goes for now.
    fn present(&self) -> &'a TaskDefinitionArn {
        self.service.primary().map_or(&self.service.task_definition, |primary| &primary.task_definition)
    }
}

#[cfg(test)]
mod alarm_tests;
#[cfg(test)]
mod capacity_tests;
#[cfg(test)]
mod tests;

#[cfg(test)]
mod safety_tests;
