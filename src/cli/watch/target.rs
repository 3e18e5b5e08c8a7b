//! The target of a watch, chosen at the first poll, and its end. Pure: AWS's state in, an ending out.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::deployments;
use crate::cli::deployments::{superseded_by, target_tag, version};
use crate::cli::exit::{Exit, Failure};
use crate::cli::format::span;
use crate::domain::ecs::deployment::{DeploymentOutcome, ServiceDeployment};
use crate::domain::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use crate::domain::ecs::service::{Rollout, RolloutState, Service};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::requirements::Ending;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::{Method, Release};

/// The target of a watch. It is chosen once: a later deployment or revision under the same name is a different target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    /// A service deployment, by its ARN.
    Deployment {
        /// The service.
        service: ServiceKey,
        /// The deployment's ARN.
        arn: Arn,
    },
    /// The rollout of a revision, if AWS lists no deployment of it.
    Rollout {
        /// The service.
        service: ServiceKey,
        /// The primary revision when the watch began.
        revision: TaskDefinitionArn,
    },
    /// The release of a pair. It succeeds when the canary's revision becomes the stable one.
    Pair {
        /// The stable service. The choice is fixed: if roles depend on ages, a finish swaps the roles of the two
        /// services.
        stable: ServiceKey,
        /// The canary's revision.
        revision: TaskDefinitionArn,
    },
}

/// The end of a watched target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// The target reached its goal.
    Succeeded,
    /// The previous revision is restored.
    RolledBack,
    /// ECS's rollback failed.
    RollbackFailed,
    /// The target was stopped or superseded.
    Stopped,
    /// The target failed and nothing was rolled back.
    Failed,
    /// AWS does not report the end.
    Unknown,
}

impl End {
    /// The exit code of this end.
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Succeeded => Exit::Done,
            Self::Unknown => Exit::Unknown,
            Self::RolledBack | Self::RollbackFailed | Self::Stopped | Self::Failed => Exit::Failed,
        }
    }

    fn of(outcome: DeploymentOutcome) -> Self {
        match outcome {
            DeploymentOutcome::Succeeded => Self::Succeeded,
            DeploymentOutcome::RolledBack => Self::RolledBack,
            DeploymentOutcome::RollbackFailed => Self::RollbackFailed,
            DeploymentOutcome::Stopped => Self::Stopped,
        }
    }
}

/// An end, with its details.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// The kind of end.
    pub end: End,
    /// A sentence for the operator.
    pub text: String,
    /// The reason in AWS's words.
    pub reason: Option<String>,
    /// The deployment that superseded the target.
    pub superseded_by: Option<Arn>,
}

impl Ended {
    fn new(end: End, text: impl Into<String>) -> Self {
        Self { end, text: text.into(), reason: None, superseded_by: None }
    }

    fn because(self, reason: Option<&str>) -> Self {
        Self { reason: reason.map(str::to_owned), ..self }
    }
}

/// The result of the first poll for the choice of a target.
#[derive(Debug, PartialEq)]
pub(super) enum Decision {
    /// A target to watch.
    Watch(Target),
    /// Nothing is under way; the newest deployment or release ended this way.
    Over(Ended),
    /// AWS does not list a new deployment yet, or the list could not be read.
    Inconclusive,
}

/// Chooses the target of a watch. `patient`: a new deployment may still be missing from AWS's list.
pub(super) fn decide(release: &Release, snapshot: &Snapshot, patient: bool) -> Result<Decision, Failure> {
    if matches!(release.method, Method::CodeDeploy | Method::External) {
        return Err(Failure::new(
            Exit::Refused,
            format!("{} is moved by another controller: ECS does not tell how its releases end.", release.name),
            "`tidegate status` shows where it is.",
        ));
    }
    if let Some(why) = release.watch_only.as_ref().filter(|_| release.method == Method::Weighted) {
        return Err(Failure::new(
            Exit::Refused,
            format!("How a release of {} ends cannot be told: {why}", release.name),
            "The configuration can say which of its services is which (`stable`, `canary`).",
        ));
    }
    if let Some(target) = pair(release) {
        return Ok(Decision::Watch(target));
    }
    let key = &release.stable.service;
    let Some(service) = snapshot.service(key) else { return Ok(Decision::Inconclusive) };
    if let Some(ended) = left_behind(release, snapshot) {
        return Ok(Decision::Over(ended));
    }
    let reading = snapshot.deployments.get(key);
    match reading.and_then(|reading| reading.failing()) {
        Some(fault) if !kept_nowhere(fault) => return Ok(Decision::Inconclusive),
        Some(fault) if release.method != Method::Rolling => return Err(fault.clone().into()),
        _ => {}
    }
    let history = reading.filter(|reading| reading.failing().is_none()).and_then(|reading| reading.get());
    let history = history.map_or(&[][..], Vec::as_slice);
    if let Some(under_way) = history.iter().find(|deployment| !deployment.status.ended()) {
        return Ok(Decision::Watch(Target::Deployment { service: key.clone(), arn: under_way.arn.clone() }));
    }
    let Some(newest) = history.first() else { return Ok(by_rollout(service, release)) };
    let unlisted = unlisted(service, newest, history);
    match (unlisted, of_deployment(newest, history, snapshot, release)) {
        (Some(_), _) if patient => Ok(Decision::Inconclusive),
        (Some(Unlisted::Rollout), _) if service.rolling() => Ok(by_rollout(service, release)),
        (Some(_), _) => Ok(Decision::Over(Ended::new(
            End::Unknown,
            format!("nothing is under way, but {} runs what AWS lists no deployment of", release.name),
        ))),
        (None, Some(ended)) => {
            let text = format!("nothing is under way; the newest: {}", ended.text);
            Ok(Decision::Over(Ended { text, ..ended }))
        }
        (None, None) => Ok(Decision::Inconclusive),
    }
}

/// Returns true if reading the deployments again would not help.
pub(super) fn kept_nowhere(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Unsupported | FaultKind::Denied | FaultKind::Refused)
}

/// Evidence that the list of deployments is out of date.
enum Unlisted {
    /// A rollout began after the end of the newest listed deployment.
    Rollout,
    /// The service names a deployment that is not listed, or runs another revision than the newest deployment
    /// installed.
    Other,
}

fn unlisted(service: &Service, newest: &ServiceDeployment, history: &[ServiceDeployment]) -> Option<Unlisted> {
    let primary = service.primary()?;
    if service.rolling() && primary.created_at > newest.finished_at {
        return Some(Unlisted::Rollout);
    }
    let unknown = |arn: &Arn| history.iter().all(|deployment| deployment.arn != *arn);
    let succeeded = newest.outcome() == Some(DeploymentOutcome::Succeeded);
    let another = newest.task_definition().is_some_and(|installed| *installed != primary.task_definition);
    let odd = service.current_deployment.as_ref().is_some_and(unknown) || succeeded && another;
    odd.then_some(Unlisted::Other)
}

/// The target for a pair's release under way.
pub(super) fn pair(release: &Release) -> Option<Target> {
    let canary = release.canary.as_ref().filter(|_| release.method == Method::Weighted)?;
    let without = release.share.configured.is_some_and(|share| share.is_zero()) && canary.desired == 0;
    (!without)
        .then(|| Target::Pair { stable: release.stable.service.clone(), revision: canary.task_definition.clone() })
}

/// The end for a pair at rest whose canary ran a newer revision that never became stable.
fn left_behind(release: &Release, snapshot: &Snapshot) -> Option<Ended> {
    let canary = release.canary.as_ref().filter(|_| release.method == Method::Weighted)?;
    if release.in_flight() || canary.task_definition == release.stable.task_definition {
        return None;
    }
    let since = |service: &ServiceKey| snapshot.service(service)?.primary()?.created_at;
    let newer = since(&canary.service) > since(&release.stable.service);
    let text = format!(
        "nothing is under way; the newest release, of {}, was taken back: {} serves all of the traffic",
        canary.task_definition.tag(),
        release.stable.task_definition.tag()
    );
    newer.then(|| Ended::new(End::RolledBack, text))
}

fn by_rollout(service: &Service, release: &Release) -> Decision {
    let Some(primary) = service.primary() else { return Decision::Inconclusive };
    if service.rolling() {
        let revision = primary.task_definition.clone();
        return Decision::Watch(Target::Rollout { service: service.key.clone(), revision });
    }
    let tag = primary.task_definition.tag();
    if primary.state == Some(RolloutState::Failed) {
        let ended = Ended::new(End::Failed, format!("nothing is under way; the rollout of {tag} failed"));
        return Decision::Over(ended.because(primary.reason.as_deref()));
    }
    // A rollback may have installed this revision, so a complete rollout proves nothing about the last deployment.
    Decision::Over(Ended::new(
        End::Unknown,
        format!(
            "nothing is under way, and no history can be read here: {} runs {tag}, whether that is what was last asked \
             for is not known",
            release.name
        ),
    ))
}

impl Target {
    /// The end of the target; `None` while it is under way. The snapshot must be fresh.
    pub(crate) fn ended(&self, release: &Release, snapshot: &Snapshot) -> Option<Ended> {
        match self {
            Self::Deployment { service, .. } => {
                let history = snapshot.deployments.get(service)?.get()?;
                of_deployment(self.deployment(snapshot)?, history, snapshot, release)
            }
            Self::Rollout { service, revision } => of_rollout(snapshot.service(service)?, revision),
            Self::Pair { stable, revision } => of_pair(release, stable, revision),
        }
    }

    /// The watched deployment, as last read.
    pub(crate) fn deployment<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a ServiceDeployment> {
        let Self::Deployment { service, arn } = self else { return None };
        snapshot.deployments.get(service)?.get()?.iter().find(|deployment| deployment.arn == *arn)
    }

    /// Returns true if the service's deployments must be read to see the target's end.
    pub(crate) fn needs_deployments(&self) -> bool {
        matches!(self, Self::Deployment { .. })
    }

    /// The kind of evidence for the target's end.
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::Deployment { .. } => Ending::Deployment,
            Self::Rollout { .. } => Ending::Rollout,
            Self::Pair { .. } => Ending::Pair,
        }
    }

    /// The target as a document.
    pub(crate) fn document(&self, snapshot: &Snapshot) -> Value {
        let (kind, arn, revision) = match self {
            Self::Deployment { arn, .. } => {
                let deployment = self.deployment(snapshot);
                ("deployment", Some(arn), deployment.and_then(ServiceDeployment::task_definition))
            }
            Self::Rollout { revision, .. } => ("rollout", None, Some(revision)),
            Self::Pair { revision, .. } => ("pair", None, Some(revision)),
        };
        json!({
            "kind": kind,
            "arn": arn,
            "task_definition": revision,
            "deployment": self.deployment(snapshot).map(deployments::brief),
        })
    }
}

fn of_deployment(
    deployment: &ServiceDeployment,
    history: &[ServiceDeployment],
    snapshot: &Snapshot,
    release: &Release,
) -> Option<Ended> {
    let end = End::of(deployment.outcome()?);
    let tag = target_tag(deployment);
    let took = deployment.took().map(|took| format!(" after {}", span(took))).unwrap_or_default();
    let back = deployment.rolled_back_to().map(|to| format!(" to {}", to.tag())).unwrap_or_default();
    let newer = superseded_by(deployment, history);
    let text = match (end, newer) {
        (End::Succeeded, _) => {
            let version = deployment.target.as_ref().and_then(|target| version(target, snapshot));
            let version = version.map(|version| format!(" {version}")).unwrap_or_default();
            format!("SUCCEEDED: the deployment of {tag}{version}{took}")
        }
        (End::RolledBack, _) => format!("ROLLED BACK{back}: the deployment of {tag}{took}"),
        (End::RollbackFailed, _) => {
            format!("ROLLBACK FAILED: the deployment of {tag}{took}; look at `tidegate status {}`", release.name)
        }
        (_, Some(newer)) => {
            format!(
                "STOPPED: the deployment of {tag}{took}, superseded by that of {} ({})",
                target_tag(newer),
                newer.arn.name()
            )
        }
        _ => format!("STOPPED: the deployment of {tag}{took}"),
    };
    let ended = Ended::new(end, text).because(deployments::reason(deployment));
    Some(Ended { superseded_by: newer.map(|newer| newer.arn.clone()), ..ended })
}

fn of_rollout(service: &Service, revision: &TaskDefinitionArn) -> Option<Ended> {
    let primary = service.primary()?;
    let tag = revision.tag();
    if primary.task_definition != *revision {
        let of_ours = |rollout: &&Rollout| rollout.task_definition == *revision;
        let ours = service.rollouts.iter().find(of_ours).and_then(|rollout| rollout.reason.as_deref());
        let text = format!("STOPPED: the rollout of {tag}; {} is rolled out instead", primary.task_definition.tag());
        return Some(Ended::new(End::Stopped, text).because(ours.or(primary.reason.as_deref())));
    }
    match primary.state {
        Some(RolloutState::Failed) => {
            let ended = Ended::new(End::Failed, format!("FAILED: the rollout of {tag}"));
            Some(ended.because(primary.reason.as_deref()))
        }
        // Some endpoints report no rollout state; there the tasks show that the rollout is complete.
        Some(RolloutState::Completed) | None if service.settled_on(revision) => {
            Some(Ended::new(End::Succeeded, format!("SUCCEEDED: {tag} is rolled out, as its rollout says")))
        }
        _ => None,
    }
}

fn of_pair(release: &Release, pinned: &ServiceKey, revision: &TaskDefinitionArn) -> Option<Ended> {
    let canary = release.canary.as_ref().filter(|_| release.method == Method::Weighted)?;
    let share = release.share.configured?;
    let (stable, canary, share) = if release.stable.service == *pinned {
        (&release.stable, canary, share)
    } else {
        (canary, &release.stable, share.rest())
    };
    let nobody = share.is_zero();
    let down = nobody && canary.desired == 0;
    let replaced = canary.task_definition != *revision;
    let tag = revision.tag();
    if stable.task_definition == *revision {
        return (stable.settled && nobody && (down || replaced)).then(|| {
            let version = stable.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
            Ended::new(End::Succeeded, format!("SUCCEEDED: {tag}{version} is the stable revision, and has all traffic"))
        });
    }
    if replaced {
        let text = format!("STOPPED: {tag} is no longer the canary; {} is", canary.task_definition.tag());
        return Some(Ended::new(End::Stopped, text));
    }
    (down && !stable.rolling).then(|| {
        let text = format!("ROLLED BACK to {}: {tag} has no traffic and no tasks", stable.task_definition.tag());
        Ended::new(End::RolledBack, text)
    })
}
