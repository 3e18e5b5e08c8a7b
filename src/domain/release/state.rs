//! What is under way, derived from the snapshot and nothing else.

use jiff::Timestamp;

use super::condition::{Condition, FailureReason};
use super::ladder::Ladder;
use super::production_rule::ProductionRule;
use super::rule_repair::RuleRepair;
use super::share::Percent;
use super::{Bake, Method, Phase, Share, Side, WEIGHT_PAUSE_STAGE};
use crate::domain::ecs::deployment::{Configuration, Pause, ServiceDeployment};
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::route::{Route, RouteId};
use crate::domain::ecs::service::Managed;
use crate::domain::rollback::known_bad;
use crate::domain::rollback::known_bad::KnownBad;
use crate::domain::rollback::target::KnownGood;

/// A service, or a pair, and where its release is: topology and progress, without any judgement.
#[derive(Debug, Clone, PartialEq)]
pub struct ReleaseState {
    /// The pair's stem, or the service's name; with its cluster before it where that is not enough.
    pub name: String,
    /// Who moves the traffic.
    pub method: Method,
    /// Where it is.
    pub phase: Phase,
    /// The old service; of a native release under way, the revision that is replaced.
    pub stable: Side,
    /// The new service; of a native release under way, the same service's new revision.
    pub canary: Option<Side>,
    /// The rules that divide its production traffic between its sides.
    pub rules: Vec<ProductionRule>,
    /// Every other rule that has a target group of its services: a test listener's, or another tool's. They are never
    /// written, and what they send somewhere has to be served there.
    pub other_rules: Vec<Route>,
    /// Its rules whose stickiness a rollback from this machine switched off, with the duration that each had.
    pub stickiness_off: Vec<(RouteId, u32)>,
    /// Whether the rules were never read, so that a service behind a load balancer may be half of a pair.
    pub rules_unread: bool,
    /// The canary's share.
    pub share: Share,
    /// The steps.
    pub ladder: Ladder,
    /// The bake timer, while a share is set.
    pub bake: Option<Bake>,
    /// Rollback targets, best first.
    pub previous: Vec<KnownGood>,
    /// Revisions of its services that failed or were rolled back lately.
    pub known_bad: Vec<KnownBad>,
    /// Why this release can only be watched; `None`: it can be acted on.
    pub watch_only: Option<String>,
    /// The part of AWS that owns the rules of the service.
    pub managed: Option<Managed>,
    /// Pauses at which ECS waits for an answer, the next to time out first.
    pub pauses: Vec<Pause>,
    /// `lifecycleStage` of the deployment under way.
    pub stage: Option<LifecycleStage>,
    /// What is wrong or odd, the weightiest first.
    pub conditions: Vec<Condition>,
    /// The repair of a production rule that sends users to empty target groups while ECS deploys nothing.
    pub repair: Option<Box<RuleRepair>>,
    /// Since when the stable service's rollout has been complete.
    pub steady_since: Option<Timestamp>,
    /// When the newest release was rolled back, as ECS's history or this machine's audit tells; `None`: it was not.
    pub went_back: Option<Timestamp>,
    /// `deploymentConfiguration` of the service; of the stable one of a pair.
    pub configuration: Configuration,
    /// The service's deployment under way, else its newest, where ECS keeps them.
    pub deployment: Option<Box<ServiceDeployment>>,
    /// What `configuration` was before the newest deployment changed it for its own sake: pauses that were added for
    /// it, or a strategy that was set aside to go back at once. To be put back when that is over.
    pub overridden_config: Option<Box<Configuration>>,
    /// Whether the deployment under way brings back a revision that ran before: then it is a rollback itself.
    pub is_rollback_deployment: bool,
    /// The newest active revision of the task definition's family, where the family was read.
    pub registered: Option<TaskDefinitionArn>,
}

impl ReleaseState {
    /// Its sides, stable first.
    pub fn sides(&self) -> impl Iterator<Item = &Side> + Clone {
        std::iter::once(&self.stable).chain(&self.canary)
    }

    /// Whether both sides are revisions of one service.
    pub fn one_service(&self) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.service == self.stable.service)
    }

    /// Its sides, each service once: two of a pair, else one.
    pub fn services(&self) -> impl Iterator<Item = &Side> + Clone {
        self.sides().take(if self.one_service() { 1 } else { 2 })
    }

    /// Whether a release is under way, so that `R` acts at once.
    pub fn in_flight(&self) -> bool {
        self.phase != Phase::Steady
    }

    /// The service deployment that has not ended, where one is known.
    pub fn under_way(&self) -> Option<&ServiceDeployment> {
        self.deployment.as_deref().filter(|deployment| !deployment.status.ended())
    }

    /// That the production rule is divided with no deployment under way, where it is.
    pub fn divided_at_rest(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| matches!(condition, Condition::DividedAtRest { .. }))
    }

    /// The newest deployment, where ECS could not roll it back and nothing has been deployed since.
    pub fn failed_rollback(&self) -> Option<&ServiceDeployment> {
        let failed = self.stable.failure_reason.as_ref().is_some_and(FailureReason::of_rollback);
        self.deployment.as_deref().filter(|_| failed)
    }

    /// Whether a deployment waits where its green tasks run and blue has all of the traffic: [`WEIGHT_PAUSE_STAGE`].
    pub fn paused_for_weights(&self) -> bool {
        !self.pauses.is_empty() && self.stage.as_ref() == Some(&WEIGHT_PAUSE_STAGE)
    }

    /// Whether a name means this release: its own, or one of its services'.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name
            || self.name.split_once('/').is_some_and(|(_, called)| called == name)
            || self.stable.service.service == name
            || self.canary.as_ref().is_some_and(|canary| canary.service.service == name)
    }

    /// The side that carries the new revision.
    pub fn newest(&self) -> &Side {
        self.canary.as_ref().unwrap_or(&self.stable)
    }

    /// Whether stable runs the canary's revision, or is about to: there is no other version to send users to, and
    /// a rollback must first bring one back.
    pub fn stable_taken(&self) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.task_definition == self.stable.task_definition)
    }

    /// The canary's share in each production rule; `None` where both weights are 0.
    pub fn shares(&self) -> Vec<Option<Percent>> {
        self.rules.iter().map(ProductionRule::share).collect()
    }

    /// Returns true if the canary has, or may have, a part of the traffic in any production rule.
    pub fn may_be_shared(&self) -> bool {
        self.rules.iter().any(|rule| rule.share().is_none_or(|share| !share.is_zero()))
    }

    /// Returns true if a pair's newest release was its canary's.
    pub fn canary_is_newest(&self) -> bool {
        let Some(canary) = self.canary.as_ref().filter(|_| !self.one_service()) else { return false };
        let newer = canary.began.zip(self.stable.began).is_some_and(|(canary, stable)| canary > stable);
        newer && !self.stable_taken()
    }

    /// Returns true if the canary's revision is newer than stable's and has neither traffic nor tasks.
    pub fn is_abandoned(&self) -> bool {
        let idle = self.share.configured.is_some_and(Percent::is_zero) && !self.in_flight();
        idle && self.canary_is_newest() && self.canary.as_ref().is_some_and(|canary| canary.desired == 0)
    }

    /// Whether the canary is known to have a part of the traffic.
    pub fn is_shared(&self) -> bool {
        self.share.configured.is_some_and(|share| !share.is_zero())
    }

    /// What is known against a revision.
    pub fn known_against(&self, task_definition: &TaskDefinitionArn) -> Option<&KnownBad> {
        known_bad::find(&self.known_bad, task_definition)
    }

    /// The other rules that send requests to a side.
    pub fn other_rules_to(&self, side: &Side) -> impl Iterator<Item = &Route> {
        self.other_rules.iter().filter(|rule| side.groups().any(|group| rule.serves(group)))
    }
}
