//! A release as an operator thinks of it.

pub(crate) mod capacity;
pub mod condition;
pub(crate) mod derive;
pub mod ladder;
pub mod lifecycle;
mod local_state;
pub mod pair;
pub mod production_rule;
pub mod rule_repair;
pub mod share;
mod state;

use std::fmt;
use std::ops::Deref;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use self::condition::{Condition, FailureReason, Severity};
use self::share::{Percent, Weight};
use super::analysis::{Verdict, VerdictStatus};
use super::ecs::lifecycle_stage::LifecycleStage;
use super::ecs::names::{Arn, ServiceKey, TaskDefinitionArn};
use super::ecs::service::RolloutRole;
use super::health::revision_tasks::RevisionTasks;
use super::health::rollout_health::RolloutHealth;
use super::metrics::source::MetricSource;
use super::rollback::known_bad::KnownBad;
use super::rollback::readiness::finding::Readiness;
use super::wording::Wording;

pub use self::local_state::LocalState;
pub use self::state::ReleaseState;

/// Who moves the traffic, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Method {
    /// Two services behind weighted target groups; the console writes the weights.
    Weighted,
    /// One service, tasks replaced in place.
    Rolling,
    /// One service whose own strategy shifts traffic.
    Native,
    /// One service whose BLUE_GREEN deployment waits at a pause while the console writes the rule's weights. Off ECS's
    /// contract; only where the configuration asks for it.
    #[serde(rename = "native-weighted")]
    #[strum(serialize = "native-weighted")]
    NativeWeighted,
    /// CodeDeploy moves it.
    CodeDeploy,
    /// Another controller moves it.
    External,
}

/// The stage at whose pause weights can be written for a native deployment.
pub const WEIGHT_PAUSE_STAGE: LifecycleStage = LifecycleStage::PostTestTrafficShift;

impl Method {
    /// Whether a strategy of ECS's own shifts the traffic.
    pub fn shifted_by_ecs(self) -> bool {
        matches!(self, Self::Native | Self::NativeWeighted)
    }
}

/// Where a release is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Phase {
    /// Nothing is under way.
    Steady,
    /// The new revision's tasks come up; no traffic yet.
    Starting,
    /// Traffic, or tasks, are being moved.
    Shifting,
    /// A share is set and its bake time runs.
    Baking,
    /// The next move is the operator's.
    Waiting,
    /// The canary's revision becomes the stable one.
    Finishing,
    /// A rollback is under way.
    RollingBack,
    /// The rollout failed, and nothing is being done about it.
    Failed,
}

/// One service of a release.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Which service.
    pub service: ServiceKey,
    /// `serviceArn`.
    pub arn: Arn,
    /// `clusterArn`.
    pub cluster_arn: Arn,
    /// The revision that its primary rollout goes for.
    pub task_definition: TaskDefinitionArn,
    /// Its image's tag, where it was read.
    pub version: Option<String>,
    /// Its target group; of several, the one in the rule that its share is read from.
    pub target_group: Option<Arn>,
    /// Its target groups in the release's other production rules.
    #[serde(skip)]
    pub more_target_groups: Vec<Arn>,
    /// Where its requests are counted; `None`: nowhere that is known.
    pub meter: Option<MetricSource>,
    /// Whether a network load balancer stands before it, which counts connections and no requests.
    #[serde(skip)]
    pub behind_network_balancer: bool,
    /// Its weight in the rule.
    pub weight: Option<Weight>,
    /// `desiredCount`.
    pub desired: u32,
    /// `runningCount`.
    pub running: u32,
    /// `pendingCount`.
    pub pending: u32,
    /// Healthy targets, in the target group that has the fewest; `None`: not known.
    pub healthy: Option<u32>,
    /// Each of its revisions with its own tasks, the new one first. Empty where the counts above are its own already.
    pub revisions: Vec<RevisionTasks>,
    /// Whether a rollout is under way.
    pub rolling: bool,
    /// Whether its revision runs alone, complete, with at least one task.
    pub settled: bool,
    /// The revisions that still run beside it.
    pub leaving: Vec<TaskDefinitionArn>,
    /// Whether ECS is rolling a deployment back.
    pub is_rolling_back: bool,
    /// Why its rollout failed or fails, where it does.
    pub failure_reason: Option<FailureReason>,
    /// `status == ACTIVE`.
    pub active: bool,
    /// Whether it runs one task an instance (`schedulingStrategy` DAEMON): its count cannot be written.
    pub daemon: bool,
    /// True if ECS removes replaced tasks after a deployment has ended, not before (`earlySuccessCriteria`).
    #[serde(skip)]
    pub defers_cleanup: bool,
    /// The service deployment under way, where ECS names one.
    pub deployment: Option<Arn>,
    /// `createdAt` of its primary rollout.
    #[serde(skip)]
    pub began: Option<Timestamp>,
}

impl Side {
    /// Its target groups in the release's production rules.
    pub fn groups(&self) -> impl Iterator<Item = &Arn> {
        self.target_group.iter().chain(&self.more_target_groups)
    }

    /// Its version, or its revision where no version was read.
    pub fn called(&self) -> String {
        self.version.clone().unwrap_or_else(|| self.task_definition.tag())
    }

    /// Returns true if any task of the side is wanted. The count of a daemon is ECS's to set.
    pub fn wants_tasks(&self) -> bool {
        self.desired > 0 || self.daemon
    }

    /// Its revision, if the rollout under way replaces tasks of the same revision: a deployment that was forced.
    pub fn replaces_itself(&self) -> Option<&TaskDefinitionArn> {
        let itself = !self.leaving.is_empty() && self.leaving.iter().all(|left| *left == self.task_definition);
        (self.rolling && itself).then_some(&self.task_definition)
    }
}

impl Side {
    /// The tasks and healthy targets of its own revision: not those of the ones that still run beside it.
    pub fn own(&self) -> RevisionTasks {
        let new = |it: &&RevisionTasks| it.role == RolloutRole::Primary && it.task_definition == self.task_definition;
        let several = self.revisions.len() > 1;
        self.revisions.iter().find(new).filter(|_| several).cloned().unwrap_or_else(|| RevisionTasks {
            task_definition: self.task_definition.clone(),
            role: RolloutRole::Primary,
            desired: self.desired,
            running: self.running,
            pending: self.pending,
            failed: self.revisions.first().map_or(0, |it| it.failed),
            healthy: self.healthy,
        })
    }

    /// The revisions that run beside its own, or ran until a moment ago.
    pub fn others(&self) -> impl Iterator<Item = &RevisionTasks> {
        self.revisions.iter().filter(|it| it.role != RolloutRole::Primary)
    }
}

/// The canary's share of traffic, three ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// What was last asked for from this console, percent.
    pub requested: Option<Percent>,
    /// What the rule says, percent.
    pub configured: Option<Percent>,
    /// What requests show over the last settled minutes, percent.
    pub observed: Option<Percent>,
}

/// How long the present share has been watched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bake {
    /// Since when.
    pub since: Timestamp,
    /// Whether the change was seen; else it has been so at least that long.
    pub seen: bool,
    /// How long it should be, seconds.
    #[serde(skip)]
    pub of: SignedDuration,
}

impl Bake {
    /// How much of it has passed.
    pub fn elapsed(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.since).max(SignedDuration::ZERO)
    }

    /// Whether it is over.
    pub fn done(&self, now: Timestamp) -> bool {
        self.elapsed(now) >= self.of
    }
}

/// A release as an operator sees it: what is under way, and what is thought of it. `assess` makes it, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// What is under way.
    pub state: ReleaseState,
    /// The verdict on the metrics.
    pub verdict: Verdict,
    /// The health of the rollout; `None`: healthy.
    pub ailment: Option<RolloutHealth>,
    /// How ready a rollback is.
    pub preflight: Readiness,
}

impl Deref for Release {
    type Target = ReleaseState;

    fn deref(&self) -> &ReleaseState {
        &self.state
    }
}

#[cfg(test)]
impl std::ops::DerefMut for Release {
    fn deref_mut(&mut self) -> &mut ReleaseState {
        &mut self.state
    }
}

impl Release {
    /// Sort key: the lower, the sooner an operator must look at it.
    pub fn urgency(&self) -> u8 {
        match (self.phase, self.verdict.outcome) {
            (Phase::Failed, _) => 0,
            _ if self.ailment.is_some() => 1,
            _ if self.unsteady().is_some_and(|condition| condition.severity() == Severity::Critical) => 1,
            (_, VerdictStatus::Fail) => 2,
            (Phase::RollingBack, _) => 3,
            _ if self.unsteady().is_some() => 3,
            (Phase::Waiting, _) => 4,
            (Phase::Steady, _) if !self.conditions.is_empty() => 7,
            (Phase::Steady, _) => 8,
            // Where the operator holds the lever; elsewhere ECS goes on by itself.
            _ if self.method == Method::Weighted => 5,
            _ => 6,
        }
    }

    /// The conditions that its health does not say already: of a crash loop, that tasks fail.
    pub fn other_conditions(&self) -> impl Iterator<Item = &Condition> {
        let looping = matches!(self.ailment, Some(RolloutHealth::CrashLoop { .. }));
        let said = move |condition: &&Condition| {
            looping && matches!(condition, Condition::RolloutFailure(FailureReason::TasksFailing(_)))
        };
        self.conditions.iter().filter(move |condition| !said(condition))
    }

    /// The gravest condition for which nobody may call it steady, in any phase.
    pub fn unsteady(&self) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.denies_steady())
    }

    /// What is known against the revision that is under way, until a PASS refutes it; nothing while it is rolled back.
    pub fn known_against_newest(&self) -> Option<&KnownBad> {
        let under_way = !matches!(self.phase, Phase::Steady | Phase::RollingBack);
        let refuted = self.verdict.outcome == VerdictStatus::Pass;
        self.known_against(&self.newest().task_definition).filter(|_| under_way && !refuted)
    }

    /// Whether an operator should look at it now.
    pub fn needs_somebody(&self) -> bool {
        self.urgency() <= 4
    }
}

impl fmt::Display for Release {
    /// The facts of a release in a few lines, for a ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: Option<Percent>| share.map_or_else(|| "unknown".to_owned(), |share| share.to_string());
        match self.unsteady() {
            Some(_) if self.phase == Phase::Steady => {
                writeln!(f, "{} ({}) needs somebody", self.name, self.method)?;
            }
            _ => writeln!(f, "{} ({}) is {}", self.name, self.method, self.phase)?,
        }
        for (role, side) in [("stable", Some(&self.stable)), ("canary", self.canary.as_ref())] {
            let Some(side) = side else { continue };
            let version = side.version.as_deref().unwrap_or("version unknown");
            let own = side.own();
            let healthy =
                own.healthy.map_or_else(|| "health unknown".to_owned(), |healthy| format!("{healthy} healthy"));
            writeln!(
                f,
                "{role} {} runs {} ({version}), {} of {} tasks, {healthy}",
                side.service, side.task_definition, own.running, own.desired
            )?;
        }
        if self.canary.is_some() {
            let Share { requested, configured, observed } = self.share;
            writeln!(
                f,
                "canary's traffic: requested {}, configured {}, observed {}",
                share(requested),
                share(configured),
                share(observed)
            )?;
        }
        if let Some(ailment) = &self.ailment {
            writeln!(f, "{ailment}")?;
        }
        write!(f, "verdict {}", self.verdict.outcome.word())?;
        self.verdict.reasons.iter().try_for_each(|reason| write!(f, "; {reason}"))?;
        self.conditions.iter().try_for_each(|condition| write!(f, "\n{}", condition.message(Wording::PLAIN)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::analysis::VerdictStatus;
    use crate::domain::assess;
    use crate::domain::ecs::route::Route;
    use crate::domain::metrics::source::{CustomMetrics, MetricQueries, Source};
    use crate::domain::plan::intent::Intent;
    use crate::domain::settings::ServiceSettings;
    use crate::testkit::worlds::{now, scene};

    /// What a canary has shown is of one revision at one share: the newest change of either begins it anew.
    #[test]
    fn another_revision_or_another_rule_begins_anew() {
        use crate::domain::observe::snapshot::{Answer, Query};
        use crate::testkit::consoles::{Pair, ago, learn, open, route};
        let since = |model: &crate::console::state::Model| model.release("checkout").unwrap().bake.unwrap();
        let mut pair = Pair::at(10, 1_200);
        assert_eq!(since(&open((120, 40), Pair::at(10, 1_200))).since, ago(1_200));
        pair.canary.rollouts[0].created_at = Some(ago(300));
        let bake = since(&open((120, 40), pair));
        assert_eq!((bake.since, bake.seen), (ago(300), true));
        // A second rule that has the same share only now.
        let mut model = open((120, 40), Pair::at(10, 1_200));
        let second = |stable, canary| Route {
            id: crate::domain::ecs::route::RouteId::Rule(Arn::new(
                "arn:aws:elasticloadbalancing:us-east-1:1:listener-rule/2",
            )),
            ..route(stable, canary)
        };
        for (seconds, weights) in [(1, (99, 1)), (-60, (90, 10)), (-120, (90, 10))] {
            let routes = vec![route(90, 10), second(weights.0, weights.1)];
            learn(&mut model, seconds, Query::Routes, Answer::Routes(routes));
        }
        let bake = since(&model);
        assert_eq!((bake.since, bake.seen), (ago(-60), true));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_canary_whose_numbers_are_stables_has_none(scene in scene(), told_apart in any::<bool>()) {
            // One number that is everybody's is enough.
            let requests = Some(if told_apart { "{service}" } else { "{family}" }.to_owned());
            let recipe = MetricQueries { requests, errors: Some("{service}".to_owned()), ..MetricQueries::default() };
            let own = CustomMetrics { source: Source::Prometheus(recipe.into()), seconds: true };
            let mut settings = scene.settings();
            let own = ServiceSettings { own: Some(own), ..ServiceSettings::default() };
            settings.services.extend(scene.releases().into_iter().map(|release| (release.state.name, own.clone())));
            let releases = assess::releases(&scene.snapshot(), &settings, &BTreeMap::new(), now());
            for (release, canary) in releases.iter().filter_map(|release| Some((release, release.canary.as_ref()?))) {
                prop_assert_eq!(canary.meter.is_some(), told_apart);
                let shared_requests = vec!["requests".to_owned()];
                let remarked = release.conditions.iter().any(|condition| matches!(condition, Condition::SharedMetrics { metrics, .. } if *metrics == shared_requests));
                let shared = release.share.configured.is_some_and(|share| !share.is_zero());
                // Without traffic stable alone is judged.
                prop_assert!(told_apart || !shared || release.verdict.outcome != VerdictStatus::Pass);
                prop_assert_eq!(remarked, !told_apart && shared);
            }
        }

        #[test]
        fn no_two_releases_have_one_name(scene in scene(), stem_taken in any::<bool>()) {
            let mut snapshot = scene.snapshot();
            let (_, services) = snapshot.services.value.as_mut().unwrap();
            for mut service in services.values().cloned().collect::<Vec<_>>() {
                service.target_groups.clear();
                if stem_taken {
                    let mut namesake = service.clone();
                    namesake.key.service = "shop".to_owned();
                    services.insert(namesake.key.clone(), namesake);
                }
                service.key.cluster = "elsewhere".to_owned();
                services.insert(service.key.clone(), service);
            }
            let releases = assess::releases(&snapshot, &scene.settings(), &BTreeMap::new(), now());
            let names: std::collections::BTreeSet<_> = releases.iter().map(|release| &release.name).collect();
            prop_assert_eq!(names.len(), releases.len());
            let doing = LocalState { doing: Some(Intent::Rollback { to: None, at_once: false }), ..LocalState::default() };
            for release in &releases {
                let ours = BTreeMap::from([(release.name.clone(), doing.clone())]);
                let again = assess::releases(&snapshot, &scene.settings(), &ours, now());
                let same = again.iter().find(|again| again.name == release.name);
                prop_assert_eq!(same.map(|same| same.phase), Some(Phase::RollingBack));
            }
            prop_assert!(releases.iter().all(|release| release.answers_to(&release.stable.service.service)));
        }
    }
}
