//! The line that always says what `R` would do now, or why it could do nothing.

use ratatui::text::{Line, Span};

use super::release::readiness;
use crate::console::dialogs;
use crate::console::dialogs::{Consent, Dialog};
use crate::console::screen::Screen;
use crate::console::state::pending_rollback;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::status;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::console::wording::KEYS;
use crate::domain::confirm::Confirmation;
use crate::domain::ecs::route::target_group_name;
use crate::domain::plan::{Call, Plan};
use crate::domain::release::Release;
use crate::domain::release::share::Weight;
use crate::domain::rollback::readiness::Check;
use crate::domain::rollback::target::Evidence;

/// What `R` would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Rollback {
    /// It is being done.
    UnderWay(String),
    /// It would do this.
    Ready {
        /// How, call by call in a few words.
        path: String,
        /// Back to what.
        target: String,
        /// What is known about that.
        evidence: Vec<String>,
        /// What confirms it.
        confirmation: Confirmation,
    },
    /// There is nothing to roll back: the reason.
    Reached(String),
    /// It could do nothing: the reason, and what to do.
    NotReady(String),
}

/// What `R` would do to a release now.
pub(crate) fn rollback(scene: &Canvas<'_>, release: &Release) -> Rollback {
    let observed = scene.observed;
    if let Some(operation) = status::in_flight(scene, release)
        && operation.plan.intent.is_rollback()
    {
        let (at, of) = status::progress(operation);
        let step = operation.plan.steps.get(at.saturating_sub(1)).map_or("", |step| &step.title);
        return Rollback::UnderWay(format!("step {at} of {of}: {step}"));
    }
    match scene.operations.plan(observed, release, &scene.operations.rollback_intent(&release.name)) {
        Err(refusal) => Rollback::NotReady(refusal.text(KEYS)),
        Ok(plan) if plan.is_reached() => Rollback::Reached(plan.title),
        Ok(plan) => {
            let (target, evidence) = target(scene, release, &plan);
            let surface = scene.screen.key_surface();
            let pending = scene.operations.pending.get(&release.name);
            let confirmation = pending_rollback::confirmation(pending, &observed.settings, release, &plan, surface);
            Rollback::Ready { path: path(scene, release, &plan), target, evidence, confirmation }
        }
    }
}

/// Returns true if AWS answers all reads behind the line, and answered the last rollback that was sent.
fn answers(scene: &Canvas<'_>, release: &Release) -> bool {
    let shifted = release.method.shifted_by_ecs() && release.in_flight();
    age::world(scene).good()
        && !scene.operations.pending.contains_key(&release.name)
        && (!shifted || age::history(scene, release).good())
}

/// The plan's calls in a few words, in order.
fn path(scene: &Canvas<'_>, release: &Release, plan: &Plan) -> String {
    let arrow = scene.theme.arrow();
    let side = |service: &crate::domain::ecs::names::ServiceKey| match &release.canary {
        Some(_) if release.one_service() => service.service.clone(),
        Some(canary) if canary.service == *service => "canary".to_owned(),
        Some(_) if release.stable.service == *service => "stable".to_owned(),
        _ => service.service.clone(),
    };
    let rules = plan.calls().filter(|call| matches!(call, Call::SetWeights { .. })).count();
    let mut parts: Vec<String> = Vec::new();
    for call in plan.calls() {
        let part = match call {
            Call::SetWeights { weights, .. } if release.canary.is_none() => {
                let served = weights.iter().find(|to| to.weight != Weight::ZERO);
                let group = served.map_or("stable", |to| target_group_name(&to.target_group));
                format!("{group} = 100% in one call")
            }
            Call::SetWeights { .. } if rules == 1 => "stable = 100% in one call".to_owned(),
            Call::SetWeights { .. } => format!("stable = 100% in {rules} calls"),
            Call::UpdateService { service, task_definition: Some(to), force, .. } => {
                let again = if *force { " again" } else { "" };
                format!("{} {arrow} {}{again}", side(service), to.tag())
            }
            Call::UpdateService { service, desired, .. } => {
                format!("{} {arrow} {}", side(service), format::many(desired.unwrap_or(0) as usize, "task"))
            }
            Call::RegisterCopy { of, .. } => format!("a copy of {} is registered", of.tag()),
            Call::AnswerPause { .. } => "ECS takes it back through its pause".to_owned(),
            Call::StopDeployment { .. } => "ECS stops it and takes it back".to_owned(),
        };
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    parts.join(", then ")
}

/// What ends up running, and how it is known to be good.
fn target(scene: &Canvas<'_>, release: &Release, plan: &Plan) -> (String, Vec<String>) {
    let Some(target) = plan.ends_on(release) else {
        return ("what it replaced".to_owned(), Vec::new());
    };
    let stays = *target == release.stable.task_definition;
    let now = scene.observed.now.at;
    let ago = |at| format::age(now.duration_since(at));
    let version = scene.observed.snapshot.task_definition(target).and_then(|definition| definition.version());
    let mut evidence: Vec<String> = version.into_iter().map(str::to_owned).collect();
    let known = release.previous.iter().find(|good| good.task_definition == *target);
    evidence.extend(match known {
        Some(good) => match (good.evidence, good.good_for, good.at) {
            (_, Some(span), _) => Some(format!("good for {}", format::age(span))),
            (Evidence::Deployment, None, Some(at)) => Some(format!("deployed well {} ago", ago(at))),
            (Evidence::Witnessed, None, Some(at)) => Some(format!("seen healthy {} ago", ago(at))),
            (Evidence::Replaced, None, _) => Some("ran until now".to_owned()),
            (Evidence::NeverRan, None, _) => Some("no task of it ever ran".to_owned()),
            (_, None, None) => None,
        },
        None if stays && release.stable.running > 0 => {
            release.steady_since.map(|since| format!("good for {}", ago(since)))
        }
        None => None,
    });
    (target.tag(), evidence)
}

/// The badge of the line, and what stands behind it at length and in short.
struct Said<'a> {
    badge: &'static str,
    role: Role,
    variants: Vec<String>,
    /// The gravest finding of the preflight, and the number of other findings.
    finding: Option<(&'a Check, usize)>,
}

/// The line, or two where a reason needs them.
pub(crate) fn lines(scene: &Canvas<'_>, release: Option<&Release>, columns: usize) -> Vec<Line<'static>> {
    let Some(release) = release else { return vec![nothing_marked(scene)] };
    let world = age::world(scene);
    let Said { badge, role, variants, finding } = said(scene, release);
    let mut line = vec![scene.span(badge, role), Span::raw(" ")];
    if scene.screen.current == Screen::Fleet {
        line.push(scene.span(format!("{} ", format::clip(&release.name, 24)), Role::Title));
    }
    if !world.good() {
        line.push(scene.span(format!("as of {}: ", world.age.map_or_else(String::new, format::age)), Role::Warn));
    }
    let used: usize = line.iter().map(|span| format::width(&span.content)).sum();
    let room = columns.saturating_sub(used);
    let fits = |text: &&String| format::width(text) <= room;
    let fitting = variants.iter().find(fits).or(variants.last()).cloned().unwrap_or_default();
    if format::width(&fitting) <= room {
        line.push(scene.text(fitting));
        let mut lines = vec![Line::from(line)];
        lines.extend(finding.map(|(check, others)| self::finding(scene, check, others, columns)));
        return lines;
    }
    // Only a reason is worth a second line.
    let mut wrapped = format::wrap(&fitting, room, 2).into_iter();
    line.extend(wrapped.next().map(|first| scene.text(first)));
    let second = wrapped.next().map(|rest| Line::from(vec![Span::raw(" ".repeat(used)), scene.text(rest)]));
    std::iter::once(Line::from(line)).chain(second).collect()
}

fn nothing_marked(scene: &Canvas<'_>) -> Line<'static> {
    let filter = scene.screen.fleet.find.text.value();
    let said = match scene.observed.snapshot.services.get().is_none() || filter.is_empty() {
        true => "no service is read and marked yet".to_owned(),
        false => format!("no service matches \"{}\", so none is marked", format::clip(filter, 24)),
    };
    Line::from(vec![scene.span(" ROLLBACK NOT READY ", Role::Badge), scene.dim(format!("  {said}"))])
}

fn said<'a>(scene: &Canvas<'_>, release: &'a Release) -> Said<'a> {
    let plainly = |badge, role, text| Said { badge, role, variants: vec![text], finding: None };
    match rollback(scene, release) {
        Rollback::UnderWay(step) => plainly(" ROLLING BACK ", Role::Badge, step),
        Rollback::Reached(reason) => plainly(" NOTHING TO ROLL BACK ", Role::Badge, reason),
        // With nothing under way there is nothing to be alarmed about.
        Rollback::NotReady(reason) => {
            let role = if release.in_flight() { Role::BadBadge } else { Role::Badge };
            plainly(" ROLLBACK NOT READY ", role, reason)
        }
        Rollback::Ready { path, target, evidence, confirmation } => {
            let finding = readiness::gravest(&release.preflight);
            let blocked = finding.is_some_and(|(check, _)| check.level.is_obstacle());
            let role = match answers(scene, release) {
                _ if blocked => Role::BadBadge,
                true => Role::ReadyBadge,
                false => Role::Badge,
            };
            let mut variants = variants(keys(scene, confirmation), &path, &target, &evidence);
            // How long it should take is worth more than what is known of the target, and less than the path.
            if let Some((time, short)) = readiness::estimate(&release.preflight) {
                let with = |time: &str, said: &String| format!("{said}, {time}");
                let long = variants.iter().map(|said| with(&time, said)).take(3);
                let brief = variants.iter().map(|said| with(&short, said)).take(5);
                variants = long.chain(brief).chain(variants.iter().cloned()).collect();
            }
            // It may be tried all the same: only AWS can refuse it.
            let badge = if blocked { " ROLLBACK NOT READY " } else { " ROLLBACK READY " };
            Said { badge, role, variants, finding }
        }
    }
}

/// The keys of the rollback: where letters are typed, `R` is one of them.
fn keys(scene: &Canvas<'_>, confirmation: Confirmation) -> &'static str {
    let typing = scene.screen.typing() || scene.screen.dialog.as_ref().is_some_and(dialogs::view::accepts_text);
    let twice = matches!(&scene.screen.dialog, Some(Dialog::Confirm(confirm))
        if matches!(confirm.consent, Consent::Reason { .. }));
    match confirmation {
        _ if twice => "esc esc R ",
        _ if typing => "esc R ",
        Confirmation::None => "R ",
        _ => "R y ",
    }
}

/// The gravest finding of the preflight in one line, cut with a mark; how many more there are stays.
fn finding(scene: &Canvas<'_>, check: &Check, others: usize, columns: usize) -> Line<'static> {
    let (_, role) = readiness::shape(check.level);
    let more = if others > 0 { format!("  +{others} more") } else { String::new() };
    let mut line = readiness::line(scene, check, columns.saturating_sub(format::width(&more) + 1), 1);
    let mut spans = vec![Span::raw(" ")];
    spans.extend(line.pop().map(|line| line.spans).unwrap_or_default());
    spans.push(scene.span(more, role));
    Line::from(spans)
}

/// The same said at length and in short, the longest first.
fn variants(key: &str, path: &str, target: &str, evidence: &[String]) -> Vec<String> {
    let known = |joined: String| if joined.is_empty() { String::new() } else { format!(" ({joined})") };
    let all = known(evidence.join(", "));
    let least = known(evidence.last().cloned().unwrap_or_default());
    let short = path.replace("stable = ", "").replace(", then", ",").replace(" tasks", "");
    let first = short.split(", ").next().unwrap_or_default();
    vec![
        format!("{key} {path}.  back to {target}{all}"),
        format!("{key} to {target}{all}: {short}"),
        format!("{key} to {target}{least}: {short}"),
        format!("{key} to {target}{least}: {first}"),
        format!("{key} to {target}: {first}"),
        format!("{key} to {target}"),
    ]
}
