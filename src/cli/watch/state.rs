//! The state of a watched release, split into fields, so that only changed fields are reported.

use serde::Serialize;

use super::target::Target;
use crate::cli::deployments;
use crate::cli::deployments::version;
use crate::cli::format::or_no_data;
use crate::cli::wording::COMMANDS;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::health::rollout::RolloutHealth;
use crate::domain::observe::snapshot::Snapshot;
use crate::domain::release::condition::{Condition, FailureReason};
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Phase, Release, Side};

/// One field of the state. A changed `key` means that `text` is reported again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct WatchField {
    /// The field's name.
    pub what: &'static str,
    /// The field's value in words.
    pub text: String,
    #[serde(skip)]
    key: String,
}

/// All fields of one poll.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct WatchState {
    parts: Vec<WatchField>,
    observed: Option<Percent>,
}

/// Smallest change of the observed share that is reported, in percentage points: the share fluctuates every minute.
const NEWS: f64 = 2.0;

impl WatchState {
    /// The state of a release. `before` is the state last reported.
    pub(crate) fn of(release: &Release, target: Option<&Target>, snapshot: &Snapshot, before: &Self) -> Self {
        let deployment = target.and_then(|target| target.deployment(snapshot));
        let observed = match (before.observed, release.share.observed) {
            (Some(said), Some(now)) if (said.value() - now.value()).abs() < NEWS => Some(said),
            (_, now) => now,
        };
        let mut scene = Self { parts: Vec::new(), observed };
        scene.say("revisions", revisions(release, deployment, snapshot));
        scene.say("phase", phase(release.phase).to_owned());
        scene.say_of("deployment", deployment.map(status));
        scene.say_of(
            "stage",
            deployment
                .and_then(|deployment| deployment.stage.as_ref())
                .or(release.stage.as_ref())
                .map(ToString::to_string),
        );
        scene.say_of("traffic", traffic(release, deployment, observed));
        scene.say("tasks", tasks(release));
        let triggered = deployment.and_then(|deployment| deployment.alarms.as_ref()).map(|alarms| &alarms.triggered);
        scene.say_of("alarms", triggered.filter(|names| !names.is_empty()).map(|names| alarms(names)));
        let breaker = deployment.and_then(|deployment| deployment.breaker.as_ref());
        scene.say_of(
            "breaker",
            breaker
                .filter(|breaker| breaker.failures > 0)
                .map(|breaker| format!("circuit breaker: {} of {} failures", breaker.failures, breaker.threshold)),
        );
        let verdict = &release.verdict;
        let why = verdict.reasons.first().map(|reason| format!(": {reason}")).unwrap_or_default();
        let (word, text) = (verdict.outcome.word(), format!("verdict {}{why}", verdict.outcome.word()));
        // The numbers in the text change every minute; only a change of the outcome is reported.
        scene.parts.push(WatchField { what: "verdict", text, key: word.to_owned() });
        if let Some(ailment) = &release.ailment {
            // Failed tasks and the age of a stall keep growing; only a new ailment or another cause is reported.
            let cause = if let RolloutHealth::CrashLoop { cause, .. } = ailment { *cause } else { None };
            let key = format!("{} {} {cause:?}", ailment.kind(), ailment.revision());
            scene.parts.push(WatchField { what: "ailment", text: ailment.to_string(), key });
        }
        let looping = matches!(release.ailment, Some(RolloutHealth::CrashLoop { .. }));
        for side in release.sides() {
            let said = |reason: &&FailureReason| looping && matches!(reason, FailureReason::TasksFailing(_));
            let reason = side.failure_reason.as_ref().filter(|reason| !said(reason));
            scene.say_of("trouble", reason.map(|reason| format!("{}: {reason}", side.service)));
        }
        let why = deployment.and_then(deployments::reason);
        for condition in &release.conditions {
            let text = condition.message(COMMANDS);
            // A pause is an event of its own. A failure, and the reason for a rollback, are in other fields.
            let said = matches!(condition, Condition::Paused { .. } | Condition::RolloutFailure(_));
            if !said && why != Some(&text) {
                scene.say("remark", text);
            }
        }
        scene
    }

    fn say(&mut self, what: &'static str, text: String) {
        self.parts.push(WatchField { what, key: text.clone(), text });
    }

    fn say_of(&mut self, what: &'static str, text: Option<String>) {
        if let Some(text) = text {
            self.say(what, text);
        }
    }

    /// All fields.
    pub(crate) fn parts(&self) -> &[WatchField] {
        &self.parts
    }

    /// The fields that are new or changed since `before`.
    pub(crate) fn news(&self, before: &Self) -> Vec<WatchField> {
        let had = |part: &&WatchField| before.parts.iter().any(|old| old.what == part.what && old.key == part.key);
        self.parts.iter().filter(|part| !had(part)).cloned().collect()
    }
}

/// Joins the texts of fields into one line.
pub(crate) fn line(parts: &[WatchField]) -> String {
    parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("; ")
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Steady => "steady",
        Phase::Starting => "starting",
        Phase::Shifting => "shifting",
        Phase::Baking => "baking",
        Phase::Waiting => "waiting for you",
        Phase::Finishing => "finishing",
        Phase::RollingBack => "rolling back",
        Phase::Failed => "failed",
    }
}

fn revisions(release: &Release, deployment: Option<&ServiceDeployment>, snapshot: &Snapshot) -> String {
    if let Some(deployment) = deployment.filter(|deployment| deployment.target.is_some()) {
        return deployments::revisions(deployment, snapshot);
    }
    let newest = release.newest();
    let version = newest.version.clone().or_else(|| {
        release.deployment.as_ref().and_then(|deployment| version(deployment.target.as_deref()?, snapshot))
    });
    let version = version.map(|version| format!(" {version}")).unwrap_or_default();
    if release.stable.task_definition == newest.task_definition {
        format!("{}{version}", newest.task_definition.tag())
    } else {
        format!("{} → {}{version}", release.stable.task_definition.tag(), newest.task_definition.tag())
    }
}

fn status(deployment: &ServiceDeployment) -> String {
    let words = format!("deployment {}", deployments::status(&deployment.status));
    let back = deployment.rolled_back_to().map(|to| format!(" to {}", to.tag())).unwrap_or_default();
    // The end of the watch reports the outcome again, with the reason.
    let rollback = deployment.rollback.as_ref().filter(|_| !deployment.status.ended());
    let why = rollback.and_then(|rollback| rollback.reason.as_ref());
    format!("{words}{back}{}", why.map(|why| format!(": {why}")).unwrap_or_default())
}

fn traffic(release: &Release, deployment: Option<&ServiceDeployment>, observed: Option<Percent>) -> Option<String> {
    if release.canary.is_none() && deployment.is_some_and(|deployment| deployment.status.ended()) {
        // All of the traffic goes to one revision again.
        return None;
    }
    // If the console writes the weights itself, ECS's requested share is meaningless.
    let of_ecs = deployment.filter(|_| release.method != Method::NativeWeighted);
    let requested = of_ecs.and_then(|deployment| deployment.requested).or(release.share.requested);
    let configured = release.share.configured;
    if requested.is_none() && configured.is_none() && observed.is_none() {
        return None;
    }
    let whole = observed.and_then(|observed| Percent::new(observed.value().round()).ok());
    Some(format!(
        "traffic requested {}, configured {}, observed {}",
        requested.map_or_else(|| "nothing".to_owned(), |requested| requested.to_string()),
        or_no_data(configured),
        or_no_data(whole)
    ))
}

fn alarms(names: &[String]) -> String {
    format!("in alarm: {}", names.join(", "))
}

fn tasks(release: &Release) -> String {
    let of = |side: &Side| {
        let healthy = side.healthy.map(|healthy| format!(" ({healthy} healthy)")).unwrap_or_default();
        format!("{}/{}{healthy}", side.running, side.desired)
    };
    match &release.canary {
        Some(canary) => format!("tasks {} + {}", of(&release.stable), of(canary)),
        None => format!("tasks {}", of(&release.stable)),
    }
}
