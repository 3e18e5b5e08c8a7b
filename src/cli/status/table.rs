//! The same for people: a line a release, or one release in full.

use super::rollback::{PlannedRollback, planned_rollback};
use crate::cli::deployments::{evidence, outcome, pause, reason, target_tag};
use crate::cli::format::{NO_DATA, columns, many, or_no_data, rate, since, span};
use crate::cli::observe::Observation;
use crate::cli::wording::COMMANDS;
use crate::domain::analysis;
use crate::domain::analysis::{Numbers, Reason};
use crate::domain::ecs::deployment::DeploymentOutcome;
use crate::domain::plan::Context;
use crate::domain::release::{Method, Phase, Release, Side};
use crate::domain::rollback::readiness::{Level, Past, Readiness};
use crate::domain::rollback::target::{KnownGood, best};

/// Where this is, whose credentials, and what may be done.
fn head(seen: &Observation, context: &Context<'_>) -> String {
    let mut words = vec![seen.place.to_string()];
    words.extend(seen.identity.as_ref().map(|identity| format!("· {}", identity.short())));
    words.push(format!(" {}", seen.now.strftime("%H:%M:%SZ")));
    if context.settings.protected {
        words.push(" PROTECTED".to_owned());
    }
    if context.settings.read_only {
        words.push(" READ-ONLY".to_owned());
    }
    words.join(" ")
}

/// A line a release, the most urgent first.
pub(super) fn all(seen: &Observation, shown: &[&Release], context: &Context<'_>) -> Vec<String> {
    let mut lines = vec![head(seen, context), String::new()];
    if shown.is_empty() {
        lines.push("No services in these clusters. Check the region, the account and --cluster.".to_owned());
        return lines;
    }
    let titles = ["", "SERVICE", "METHOD", "RELEASE", "TRAFFIC", "TASKS", "ERRORS", "P95", "STATE"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(shown.iter().map(|release| row(seen, release)));
    lines.extend(columns(&rows));
    lines
}

fn row(seen: &Observation, release: &Release) -> Vec<String> {
    let judged = &release.verdict.judged;
    let traffic = match (&release.canary, release.share.configured) {
        (None, _) => "-".to_owned(),
        (Some(_), share) => or_no_data(share),
    };
    vec![
        if release.needs_somebody() { "!" } else { "" }.to_owned(),
        release.name.clone(),
        release.method.to_string(),
        revisions(release),
        traffic,
        tasks(release),
        judged.error_percent.map_or_else(|| NO_DATA.to_owned(), rate),
        judged.p95.map_or_else(|| NO_DATA.to_owned(), |p95| format!("{p95:.0}ms")),
        state(release, seen),
    ]
}

/// `:41 → :42 1.9.0` while two versions are there, else `:41 1.8.2`.
fn revisions(release: &Release) -> String {
    let newest = release.newest();
    let version = newest.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    if release.in_flight() && release.stable.task_definition != newest.task_definition {
        format!("{} → {}{version}", release.stable.task_definition.tag(), newest.task_definition.tag())
    } else {
        let stable = &release.stable;
        let version = stable.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        format!("{}{version}", stable.task_definition.tag())
    }
}

fn tasks(release: &Release) -> String {
    let of = |side: &Side| format!("{}/{}", side.running, side.desired);
    match &release.canary {
        Some(canary) => format!("{}+{}", of(&release.stable), of(canary)),
        None => of(&release.stable),
    }
}

/// The phase with its time, and what is the matter.
fn state(release: &Release, seen: &Observation) -> String {
    let phase = match (release.phase, release.bake) {
        (Phase::Baking, Some(bake)) => {
            let at_least = if bake.seen { "" } else { "≥ " };
            format!("baking {at_least}{} of {}", span(bake.elapsed(seen.now)), span(bake.of))
        }
        (Phase::Waiting, _) => match release.pauses.first() {
            Some(first) => format!("waiting for you, {}", pause(first, seen.now)),
            None => "waiting for you".to_owned(),
        },
        (Phase::Steady, _) if release.unsteady().is_some() => "needs you".to_owned(),
        (Phase::Steady, _) => match release.steady_since {
            Some(then) => format!("steady {}", since(then, seen.now)),
            None => "steady".to_owned(),
        },
        (phase, _) => phase.to_string().replace('_', " "),
    };
    if let Some(ailment) = &release.ailment {
        return format!("{phase}: {ailment}");
    }
    let trouble = release.sides().find_map(|side| side.failure_reason.as_ref().map(ToString::to_string));
    let unsteady = release.unsteady().map(|condition| condition.message(COMMANDS));
    match (trouble.or(unsteady), release.verdict.outcome) {
        (Some(trouble), analysis::VerdictStatus::Fail) if release.phase != Phase::Failed => {
            format!("{phase}, verdict FAIL: {trouble}")
        }
        (Some(trouble), _) => format!("{phase}: {trouble}"),
        (None, analysis::VerdictStatus::Fail) => {
            format!("{phase}, verdict FAIL: {}", release.verdict.reasons.first().map_or("", Reason::as_str))
        }
        (None, _) => phase,
    }
}

/// One release in full.
pub(super) fn one(seen: &Observation, release: &Release, context: &Context<'_>) -> Vec<String> {
    let mut lines = vec![
        head(seen, context),
        String::new(),
        format!("{}  {}  {}", release.name, release.method, state(release, seen)),
        String::new(),
    ];
    let named = |name: &str, text: String| vec![name.to_owned(), text];
    let mut sides = vec![side("stable", &release.stable)];
    sides.extend(release.canary.as_ref().map(|canary| side("canary", canary)));
    lines.extend(columns(&sides));
    let mut rows = Vec::new();
    if release.canary.is_some() {
        let share = &release.share;
        rows.push(named(
            "traffic",
            format!(
                "canary: requested {}, configured {}, observed {}",
                share.requested.map_or_else(|| nothing(release).to_owned(), |share| share.to_string()),
                or_no_data(share.configured),
                or_no_data(share.observed)
            ),
        ));
        rows.push(named("ladder", ladder(release)));
    }
    let verdict = &release.verdict;
    let judged = match (&release.canary, &verdict.baseline) {
        (Some(_), Some(_)) => "canary",
        // Nobody is sent to the canary: it is stable that is judged.
        (Some(_), None) => "stable alone",
        (None, _) => "service",
    };
    rows.push(named("verdict", format!("{}; {judged} {}", verdict.outcome.word(), numbers(&verdict.judged))));
    rows.extend(verdict.baseline.as_ref().map(|base| named("", format!("stable {}", numbers(base)))));
    rows.extend(verdict.reasons.iter().map(|reason| named("", reason.to_string())));
    rows.extend(deployment(release, seen));
    rows.extend(rollback(&planned_rollback(release, context)));
    rows.extend(preflight(&release.preflight));
    rows.extend(best(&release.previous).map(|best| named("previous", good(best, seen))));
    rows.extend(release.managed.map(|owner| named("rules", format!("{owner} owns them; tidegate never writes them"))));
    rows.extend(release.watch_only.iter().map(|why| named("watch only", why.clone())));
    rows.extend(release.conditions.iter().map(|condition| named("note", condition.message(COMMANDS))));
    lines.extend(columns(&rows));
    lines
}

/// Who asked for no share: where ECS moves the traffic, it is ECS that asks.
fn nothing(release: &Release) -> &'static str {
    if release.method == Method::Native { "nothing" } else { "nothing from here" }
}

/// How ECS's own deployment goes, or how the newest went.
fn deployment(release: &Release, seen: &Observation) -> Vec<Vec<String>> {
    let Some(deployment) = release.deployment.as_deref().filter(|_| release.method.shifted_by_ecs()) else {
        return Vec::new();
    };
    let history = seen.snapshot.deployments.get(&release.stable.service).and_then(|reading| reading.get());
    let history = history.map_or(&[][..], Vec::as_slice);
    let began = deployment.created_at.map(|at| format!(", began {} ago", since(at, seen.now))).unwrap_or_default();
    let how = deployment.configuration.describe();
    let went = outcome(deployment, history, seen.now);
    let to = target_tag(deployment);
    let mut rows = vec![vec!["deployment".to_owned(), format!("of {to}: {went}; {how}{began}")]];
    let succeeded = deployment.outcome() == Some(DeploymentOutcome::Succeeded);
    rows.extend(reason(deployment).filter(|_| !succeeded).map(|why| vec![String::new(), why.to_owned()]));
    rows
}

/// What somebody must know before going back, the gravest first.
fn preflight(preflight: &Readiness) -> Vec<Vec<String>> {
    let estimate = preflight.estimate.as_ref().map(|estimate| {
        let of = match estimate.from {
            Past::Rollbacks => many(estimate.of, "rollback"),
            Past::Deployments => many(estimate.of, "deployment"),
        };
        format!("typically {}, {} at the longest (of {of})", span(estimate.typical), span(estimate.longest))
    });
    let checks = preflight.checks.iter().filter_map(|check| match check.level {
        Level::Good => None,
        Level::Unknown => Some(format!("not known: {}", check.what)),
        Level::Warn => Some(format!("warning: {}", check.what)),
        Level::Waits => Some(format!("NOT READY: {}", check.said())),
        Level::Blocks => Some(format!("BLOCKED: {}", check.what)),
    });
    checks.chain(estimate).map(|line| vec![String::new(), line]).collect()
}

fn side(role: &str, side: &Side) -> Vec<String> {
    let own = side.own();
    let healthy = own.healthy.map_or_else(|| "health unknown".to_owned(), |healthy| format!("{healthy} healthy"));
    vec![
        role.to_owned(),
        side.service.to_string(),
        side.task_definition.tag(),
        side.version.clone().unwrap_or_default(),
        side.weight.map(|weight| format!("weight {weight}")).unwrap_or_default(),
        format!("{}/{} tasks", own.running, own.desired),
        healthy,
        if side.rolling { "rolling out" } else { "" }.to_owned(),
    ]
}

/// `1% → [10%] → 100%`: where the canary stands.
fn ladder(release: &Release) -> String {
    let at = release.share.configured;
    let steps = release.ladder.steps().iter().map(|step| match at {
        Some(at) if (at.value() - step.value()).abs() < 1e-9 => format!("[{step}]"),
        _ => step.to_string(),
    });
    steps.collect::<Vec<_>>().join(" → ")
}

fn numbers(numbers: &Numbers) -> String {
    let Some(percent) = numbers.error_percent else { return NO_DATA.to_owned() };
    let between = numbers.error_between.map(|(low, high)| format!(", 95% {low:.2}–{high:.2}%")).unwrap_or_default();
    let latency =
        |name: &str, value: Option<f64>| value.map(|value| format!(", {name} {value:.0} ms")).unwrap_or_default();
    format!(
        "{} errors (n={:.0}{between}){}{}{} over {}",
        rate(percent),
        numbers.requests,
        latency("p50", numbers.p50),
        latency("p95", numbers.p95),
        latency("p99", numbers.p99),
        many(numbers.minutes as usize, "minute")
    )
}

fn rollback(back: &PlannedRollback) -> Vec<Vec<String>> {
    let ready = if back.ready { "READY" } else { "NOT READY" };
    let target = back.target.as_ref().map(|target| format!("back to {}: ", target.tag())).unwrap_or_default();
    let mut rows = vec![vec!["rollback".to_owned(), format!("{ready}  {target}{}", back.path)]];
    rows.extend(back.obstacles.iter().map(|check| vec![String::new(), format!("       {}", check.said())]));
    rows.extend(back.calls.iter().map(|call| vec![String::new(), format!("       {call}")]));
    rows
}

fn good(good: &KnownGood, seen: &Observation) -> String {
    let evidence = evidence(good.evidence);
    let when = good.at.map(|at| format!(" {} ago", since(at, seen.now))).unwrap_or_default();
    let long = good.good_for.map(|long| format!(", good for {}", span(long))).unwrap_or_default();
    let gone = if good.active == Some(false) { ", deregistered since" } else { "" };
    format!("{}: {evidence}{when}{long}{gone}", good.task_definition.tag())
}
