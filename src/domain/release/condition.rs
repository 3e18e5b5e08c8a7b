//! What is wrong or odd about a release, as facts: each has a severity, a stable word for documents and a message.

use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::share::Percent;
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::wording::{Act, Wording};

/// How much a condition matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Somebody should look at it.
    Warning,
    /// Users suffer, or the release does not work.
    Critical,
}

/// Why a rollout fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureReason {
    /// ECS gave up on it, with this reason.
    Failed(String),
    /// So many of its tasks in a row failed to start.
    TasksFailing(u32),
    /// ECS could not roll it back either (ROLLBACK_FAILED), for this reason where it gives one.
    RollbackFailed(Option<String>),
}

impl FailureReason {
    /// Whether it is its rollback that failed.
    pub fn of_rollback(&self) -> bool {
        matches!(self, Self::RollbackFailed(_))
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => f.write_str(reason),
            Self::TasksFailing(failed) => write!(f, "{failed} tasks in a row failed to start"),
            Self::RollbackFailed(None) => f.write_str("ECS could not roll it back"),
            Self::RollbackFailed(Some(reason)) => write!(f, "ECS could not roll it back: {reason}"),
        }
    }
}

impl Serialize for FailureReason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What is wrong or odd about a release.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The rollout of one of its services fails.
    RolloutFailure(FailureReason),
    /// Both weights of the rule are 0.
    NobodyServed,
    /// The rules of a pair disagree.
    UnevenWeights,
    /// The weights are no longer those that this console wrote last.
    WeightsChangedElsewhere {
        /// The canary's share that was written.
        written: Percent,
    },
    /// The rule keeps clients on their side.
    Sticky {
        /// For how long.
        seconds: u32,
    },
    /// A rollback from this machine switched the rule's stickiness off.
    StickinessOff {
        /// The duration that it had, seconds.
        seconds: u32,
    },
    /// Which service of a pair is stable is not certain.
    RolesUncertain {
        /// Why, and how to say it.
        why: String,
    },
    /// A rule divides the service's traffic, and does not make it half of a pair.
    NotAPair {
        /// Which rule, and why.
        why: String,
    },
    /// Custom metrics do not distinguish the revisions.
    SharedMetrics {
        /// Which metrics.
        metrics: Vec<String>,
        /// The tags of both revisions.
        revisions: [String; 2],
    },
    /// ECS waits for an answer.
    Paused {
        /// Where.
        stage: LifecycleStage,
        /// How many pauses wait there.
        pauses: usize,
        /// Whether the console writes weights before the pause is answered.
        writes_weights: bool,
    },
    /// ECS is rolling the deployment back.
    RollingBack {
        /// ECS's reason.
        reason: String,
    },
    /// The service's configuration was changed for one release and has not been put back.
    ConfigurationOverridden {
        /// Whether its strategy was set aside; else pauses were added.
        at_once: bool,
        /// What a finish puts back, in words.
        restores: String,
    },
    /// The newest deployment was rolled back a short while ago.
    RolledBack {
        /// The tag of the revision that did not last.
        revision: Option<String>,
        /// Whether the rollback itself worked.
        complete: bool,
        /// When it ended.
        at: Timestamp,
        /// ECS's reason.
        reason: Option<String>,
    },
    /// The service is being deleted, or is gone.
    NotActive {
        /// Which service.
        service: Subject,
        /// `status`: DRAINING, INACTIVE.
        status: String,
        /// Whether a rule sends it traffic.
        serves: bool,
    },
    /// Its desired count is 0 and a rule sends it traffic.
    ScaledToZero {
        /// Which service.
        service: Subject,
    },
    /// Fewer tasks run than are wanted, and no rollout is under way.
    MissingTasks {
        /// Which service.
        service: Subject,
        /// `runningCount`.
        running: u32,
        /// `desiredCount`.
        desired: u32,
    },
    /// ECS says in an event that tasks do not start.
    TasksDoNotStart {
        /// Which service.
        service: Subject,
        /// What it says.
        trouble: StartTrouble,
        /// Whether no task runs.
        down: bool,
    },
    /// A rule sends traffic to a target group without a healthy target.
    NoHealthyTarget {
        /// Its name.
        group: String,
        /// Its share of the rule's traffic.
        share: Option<Percent>,
        /// How many targets are registered in it.
        registered: u32,
    },
    /// Some targets of a group that serves are unhealthy.
    UnhealthyTargets {
        /// The group's name.
        group: String,
        /// How many are unhealthy.
        unhealthy: u32,
        /// How many are registered.
        registered: u32,
    },
    /// The production rule of a service that ECS shifts divides the traffic while no deployment is under way.
    DividedAtRest {
        /// Every group with weight, the largest share first.
        groups: Vec<GroupShare>,
    },
    /// Tasks of older revisions run on after the rollout was complete.
    SeveralRevisions {
        /// Which service.
        service: Subject,
        /// The tags of the older revisions.
        older: Vec<String>,
    },
    /// Tasks of older revisions run on, and ECS is to remove them: the deployment deferred it.
    CleanupDeferred {
        /// Which service.
        service: Subject,
        /// The tags of the older revisions.
        older: Vec<String>,
        /// Until when ECS tries it.
        until: Timestamp,
    },
}

/// The service that a condition is about: unnamed where a release has only one.
pub type Subject = Option<String>;

/// What ECS says of tasks that do not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StartTrouble {
    /// "unable to consistently start tasks successfully".
    Fail,
    /// "unable to place a task", with the reason that follows.
    Unplaced(Option<String>),
}

/// A target group and its share of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupShare {
    /// Its name.
    pub group: String,
    /// Its share of the rule's traffic.
    pub share: Percent,
    /// Its healthy targets; `None`: not known.
    pub healthy: Option<u32>,
}

impl fmt::Display for GroupShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} gets {}", self.group, self.share)?;
        match self.healthy {
            Some(0) => f.write_str(" and has no healthy target"),
            _ => Ok(()),
        }
    }
}

impl Condition {
    /// Whether nobody may call the release steady because of it: tasks, targets, revisions or the rule are not as a
    /// release at rest should have them.
    pub fn denies_steady(&self) -> bool {
        matches!(
            self,
            Self::NobodyServed
                | Self::RolloutFailure(FailureReason::RollbackFailed(_))
                | Self::RolledBack { complete: false, .. }
                | Self::NotActive { .. }
                | Self::ScaledToZero { .. }
                | Self::MissingTasks { .. }
                | Self::TasksDoNotStart { .. }
                | Self::NoHealthyTarget { .. }
                | Self::UnhealthyTargets { .. }
                | Self::DividedAtRest { .. }
                | Self::SeveralRevisions { .. }
        )
    }

    /// Returns true if the condition gives some users errors, whatever revision runs.
    pub fn leaves_users_unserved(&self) -> bool {
        let told_otherwise = matches!(self, Self::RolloutFailure(_) | Self::RolledBack { .. });
        self.denies_steady() && self.severity() == Severity::Critical && !told_otherwise
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        match self {
            Self::RolloutFailure(_)
            | Self::NobodyServed
            | Self::RolledBack { complete: false, .. }
            | Self::NotActive { serves: true, .. }
            | Self::ScaledToZero { .. }
            | Self::MissingTasks { running: 0, .. }
            | Self::TasksDoNotStart { down: true, .. }
            | Self::NoHealthyTarget { .. }
            | Self::DividedAtRest { .. } => Severity::Critical,
            Self::Sticky { .. } | Self::StickinessOff { .. } | Self::NotAPair { .. } | Self::CleanupDeferred { .. } => {
                Severity::Info
            }
            Self::UnevenWeights
            | Self::WeightsChangedElsewhere { .. }
            | Self::RolesUncertain { .. }
            | Self::SharedMetrics { .. }
            | Self::Paused { .. }
            | Self::RollingBack { .. }
            | Self::ConfigurationOverridden { .. }
            | Self::RolledBack { complete: true, .. }
            | Self::NotActive { serves: false, .. }
            | Self::MissingTasks { .. }
            | Self::TasksDoNotStart { down: false, .. }
            | Self::UnhealthyTargets { .. }
            | Self::SeveralRevisions { .. } => Severity::Warning,
        }
    }

    /// A stable word for documents.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::RolloutFailure(FailureReason::Failed(_)) => "rollout_failed",
            Self::RolloutFailure(FailureReason::TasksFailing(_)) => "tasks_failing",
            Self::NobodyServed => "nobody_served",
            Self::UnevenWeights => "uneven_weights",
            Self::WeightsChangedElsewhere { .. } => "weights_changed_elsewhere",
            Self::Sticky { .. } => "sticky",
            Self::StickinessOff { .. } => "stickiness_off",
            Self::RolesUncertain { .. } => "roles_uncertain",
            Self::NotAPair { .. } => "not_a_pair",
            Self::SharedMetrics { .. } => "shared_metrics",
            Self::Paused { .. } => "paused",
            Self::RollingBack { .. } => "rolling_back",
            Self::ConfigurationOverridden { .. } => "configuration_overridden",
            Self::RolledBack { complete: true, .. } => "rolled_back",
            Self::RolledBack { complete: false, .. } | Self::RolloutFailure(FailureReason::RollbackFailed(_)) => {
                "rollback_failed"
            }
            Self::NotActive { .. } => "not_active",
            Self::ScaledToZero { .. } => "scaled_to_zero",
            Self::MissingTasks { .. } => "missing_tasks",
            Self::TasksDoNotStart { trouble: StartTrouble::Fail, .. } => "tasks_do_not_start",
            Self::TasksDoNotStart { trouble: StartTrouble::Unplaced(_), .. } => "tasks_not_placed",
            Self::NoHealthyTarget { .. } => "no_healthy_target",
            Self::UnhealthyTargets { .. } => "unhealthy_targets",
            Self::DividedAtRest { .. } => "divided_at_rest",
            Self::SeveralRevisions { .. } => "several_revisions",
            Self::CleanupDeferred { .. } => "cleanup_deferred",
        }
    }

    /// One sentence.
    pub fn message(&self, wording: Wording) -> String {
        match self {
            Self::RolloutFailure(reason) => reason.to_string(),
            Self::NobodyServed => "both weights are 0: nobody is served".to_owned(),
            Self::UnevenWeights => {
                "the rules of this pair have different weights ([services.NAME] rules says which are production's)"
                    .to_owned()
            }
            Self::WeightsChangedElsewhere { written } => {
                format!("somebody else changed the weights since {written} was written from here")
            }
            Self::Sticky { seconds } => {
                format!("sticky for {seconds} s: clients with the cookie keep their side whatever the weights")
            }
            Self::StickinessOff { seconds } => {
                format!("a rollback switched stickiness ({seconds} s) off: {} puts it back", wording.name(Act::Finish))
            }
            Self::RolesUncertain { why } | Self::NotAPair { why } => why.clone(),
            Self::SharedMetrics { metrics, revisions: [stable, canary] } => format!(
                "its own {} ({}) would be the same for {stable} and {canary}: with {{revision}} in them they are not",
                if metrics.len() == 1 { "metric" } else { "metrics" },
                metrics.join(", ")
            ),
            Self::Paused { stage, pauses, writes_weights } => {
                let many = if *pauses > 1 { format!(", {pauses} pauses") } else { String::new() };
                let does = if *writes_weights { "goes up the ladder" } else { "answers and goes on" };
                let (step, back) = (wording.name(Act::Step), wording.name(Act::Rollback));
                format!("paused at {stage}{many}: {step} {does}, {back} takes it back")
            }
            Self::RollingBack { reason } => reason.clone(),
            Self::ConfigurationOverridden { at_once, restores } => {
                let what = if *at_once { "its strategy is set aside" } else { "it has pauses added" };
                format!("{what}: {} puts back {restores}", wording.name(Act::Finish))
            }
            Self::RolledBack { revision, complete, at, reason } => {
                let of = revision.as_deref().unwrap_or("its deployment");
                let what = if *complete { "was rolled back" } else { "could not be rolled back" };
                let why = reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
                format!("{of} {what} at {}{why}", at.strftime("%H:%MZ"))
            }
            unsteady => unsteady.health_message(),
        }
    }

    /// What keeps a release from being steady, in as few words as say it.
    pub fn brief(&self) -> String {
        match self {
            Self::NotActive { status, serves: true, .. } => format!("{status}, with traffic"),
            Self::NotActive { status, .. } => status.clone(),
            Self::ScaledToZero { .. } => "desired 0, with traffic".to_owned(),
            Self::MissingTasks { running: 0, .. } => "no task runs".to_owned(),
            Self::MissingTasks { running, desired, .. } => format!("{running} of {desired} tasks run"),
            Self::TasksDoNotStart { trouble: StartTrouble::Fail, .. } => "tasks fail to start".to_owned(),
            Self::TasksDoNotStart { .. } => "a task cannot be placed".to_owned(),
            Self::NoHealthyTarget { share: Some(share), .. } => format!("{share} to no healthy target"),
            Self::UnhealthyTargets { unhealthy, registered, .. } => {
                format!("{unhealthy} of {registered} targets unhealthy")
            }
            Self::DividedAtRest { groups } => {
                let groups: Vec<_> = groups.iter().map(|it| format!("{} {}", it.group, it.share)).collect();
                format!("rule divided: {}", groups.join(", "))
            }
            Self::SeveralRevisions { older, .. } => format!("{} still runs", older.join(", ")),
            other => other.reason().replace('_', " "),
        }
    }

    /// The message of the conditions of tasks, targets and the rule.
    fn health_message(&self) -> String {
        let of = |service: &Subject| service.as_ref().map(|service| format!("{service}: ")).unwrap_or_default();
        match self {
            Self::NotActive { service, status, serves } => {
                let what = match status.as_str() {
                    "DRAINING" => "ECS is deleting the service (DRAINING)".to_owned(),
                    "INACTIVE" => "the service was deleted (INACTIVE)".to_owned(),
                    other => format!("the service is {other}, not ACTIVE"),
                };
                let traffic = if *serves { ", and a rule sends it traffic" } else { "" };
                format!("{}{what}{traffic}", of(service))
            }
            Self::ScaledToZero { service } => {
                format!("{}the desired count is 0, and a rule sends it traffic", of(service))
            }
            Self::MissingTasks { service, running: 0, desired } => {
                format!("{}no task runs, {desired} wanted", of(service))
            }
            Self::MissingTasks { service, running, desired } => {
                format!("{}only {running} of {desired} wanted tasks run", of(service))
            }
            Self::TasksDoNotStart { service, trouble, .. } => match trouble {
                StartTrouble::Fail => format!("{}ECS says that tasks keep failing to start", of(service)),
                StartTrouble::Unplaced(None) => format!("{}ECS cannot place a task", of(service)),
                StartTrouble::Unplaced(Some(why)) => format!("{}ECS cannot place a task: {why}", of(service)),
            },
            Self::NoHealthyTarget { group, share, registered } => {
                let has = if *registered == 0 { "no target" } else { "no healthy target" };
                let share = share.map_or_else(|| "traffic".to_owned(), |share| format!("{share} of the traffic"));
                format!("{group} gets {share} and has {has}")
            }
            Self::UnhealthyTargets { group, unhealthy, registered } => {
                format!("{unhealthy} of {registered} targets in {group} are unhealthy")
            }
            Self::DividedAtRest { groups } => {
                let groups: Vec<_> = groups.iter().map(ToString::to_string).collect();
                let refuses = "ECS refuses every deployment until one group has all";
                format!("the rule is divided with no deployment under way: {}; {refuses}", groups.join(", "))
            }
            Self::SeveralRevisions { service, older } => {
                format!("{}tasks of {} still run beside the new ones", of(service), older.join(", "))
            }
            Self::CleanupDeferred { service, older, until } => format!(
                "{}tasks of {} run on: ECS removes them when it can (deferred cleanup), until {} at the latest",
                of(service),
                older.join(", "),
                until.strftime("%-d %b %H:%MZ")
            ),
            _ => String::new(),
        }
    }
}
