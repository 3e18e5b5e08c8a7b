//! The line that always says what `R` would do now, or why it could do nothing.

use ratatui::text::{Line, Span};

use super::banner::state::{State, healthy_for};
use super::release::readiness;
use crate::console::dialogs;
use crate::console::dialogs::{Consent, Dialog};
use crate::console::screen::Screen;
use crate::console::state::pending_rollback;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format, operation};
use crate::console::wording::KEYS;
use crate::domain::confirm::Confirmation;
use crate::domain::ecs::route::target_group_name;
use crate::domain::plan::{Call, Plan, Price};
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
        /// Back to which revision.
        target: String,
        /// The version of that revision, or the revision where no version was read.
        version: String,
        /// The time until all users are back.
        price: Price,
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
    if let Some(operation) = operation::in_flight(scene, release)
        && operation.plan.intent.is_rollback()
    {
        let (at, of) = operation::progress(operation);
        let step = operation.plan.steps.get(at.saturating_sub(1)).map_or("", |step| &step.title);
        return Rollback::UnderWay(format!("step {at} of {of}: {step}"));
    }
    match scene.operations.plan(observed, release, &scene.operations.rollback_intent(&release.name)) {
        Err(refusal) => Rollback::NotReady(refusal.text(KEYS)),
        Ok(plan) if plan.is_reached() => Rollback::Reached(plan.title),
        Ok(plan) => {
            let (target, version, evidence) = target(scene, release, &plan);
            let price = plan.price(release);
            let surface = scene.screen.key_surface();
            let pending = scene.operations.pending.get(&release.name);
            let confirmation = pending_rollback::confirmation(pending, &observed.settings, release, &plan, surface);
            Rollback::Ready { path: path(scene, release, &plan), target, version, price, evidence, confirmation }
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

/// What ends up running: its revision, its version, and how it is known to be good.
fn target(scene: &Canvas<'_>, release: &Release, plan: &Plan) -> (String, String, Vec<String>) {
    let Some(target) = plan.ends_on(release) else {
        return ("what it replaced".to_owned(), "what it replaced".to_owned(), Vec::new());
    };
    let stays = *target == release.stable.task_definition;
    let now = scene.observed.now.at;
    let ago = |at| format::age(now.duration_since(at));
    let called = scene.observed.snapshot.called(target);
    let mut evidence: Vec<String> = std::iter::once(&called).filter(|it| **it != target.tag()).cloned().collect();
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
    (target.tag(), called, evidence)
}

/// The badge of the line: filled while going back is advised or under way, else an outline.
struct Badge {
    text: String,
    /// The role of the fill, and whether there is one.
    fill: Role,
    filled: bool,
}

impl Badge {
    fn outline(text: &str, fill: Role) -> Self {
        Self { text: text.to_owned(), fill, filled: false }
    }

    /// The badge in a shape of its own: an outline is told from a fill without colours too.
    fn span(self, scene: &Canvas<'_>) -> Span<'static> {
        match self.filled {
            true => scene.span(format!(" {} ", self.text), self.fill),
            false => Span::styled(format!("▏{}▕", self.text), scene.theme.outline(self.fill)),
        }
    }
}

/// The badge of the line, and what stands behind it at length and in short.
struct Said<'a> {
    badge: Badge,
    variants: Vec<String>,
    /// The gravest finding of the preflight, and the number of other findings.
    finding: Option<(&'a Check, usize)>,
}

/// The line; further ones where a reason needs them.
pub(crate) fn lines(scene: &Canvas<'_>, release: Option<&Release>, columns: usize) -> Vec<Line<'static>> {
    let Some(release) = release else { return vec![nothing_marked(scene)] };
    let world = age::world(scene);
    let Said { badge, variants, finding } = said(scene, release);
    let mut line = vec![badge.span(scene), Span::raw(" ")];
    if scene.screen.current == Screen::Fleet {
        line.push(scene.span(format!("{} ", format::clip(&release.name, 24)), Role::Title));
    }
    if !world.good() {
        line.push(scene.span(format!("as of {}: ", world.age.map_or_else(String::new, format::age)), Role::Warn));
    }
    let used = format::wide(&line);
    let room = columns.saturating_sub(used);
    let fits = |text: &&String| format::width(text) <= room;
    let fitting = variants.iter().find(fits).or(variants.last()).cloned().unwrap_or_default();
    if format::width(&fitting) <= room {
        line.push(scene.text(fitting));
        let mut lines = vec![Line::from(line)];
        lines.extend(finding.into_iter().flat_map(|(check, others)| self::finding(scene, check, others, columns)));
        return lines;
    }
    // Only a reason is worth further lines.
    let mut wrapped = format::wrap(&fitting, room, REASON_ROWS).into_iter();
    line.extend(wrapped.next().map(|first| scene.text(first)));
    let further = wrapped.map(|rest| Line::from(vec![Span::raw(" ".repeat(used)), scene.text(rest)]));
    std::iter::once(Line::from(line)).chain(further).collect()
}

/// Rows that a reason may take: it is wrapped, not cut.
const REASON_ROWS: usize = 3;

fn nothing_marked(scene: &Canvas<'_>) -> Line<'static> {
    let filter = scene.screen.fleet.find.text.value();
    let said = match scene.observed.snapshot.services.get().is_none() || filter.is_empty() {
        true => "no service is read and marked yet".to_owned(),
        false => format!("no service matches \"{}\", so none is marked", format::clip(filter, 24)),
    };
    let badge = Badge::outline("ROLLBACK NOT READY", Role::Badge).span(scene);
    Line::from(vec![badge, scene.dim(format!("  {said}"))])
}

fn said<'a>(scene: &Canvas<'_>, release: &'a Release) -> Said<'a> {
    let plainly = |badge, text| Said { badge, variants: vec![text], finding: None };
    match rollback(scene, release) {
        Rollback::UnderWay(step) => {
            plainly(Badge { text: "ROLLING BACK".to_owned(), fill: Role::Badge, filled: true }, step)
        }
        Rollback::Reached(reason) => {
            let badge = Badge::outline("NOTHING TO ROLL BACK", Role::Badge);
            match State::of(scene, release) {
                State::RolledBack => plainly(badge, "to go further back: h, then enter on a revision".to_owned()),
                _ => plainly(badge, reason),
            }
        }
        // With nothing under way there is nothing to be alarmed about.
        Rollback::NotReady(reason) => {
            let fill = if release.in_flight() { Role::BadBadge } else { Role::Badge };
            plainly(Badge::outline("ROLLBACK NOT READY", fill), reason)
        }
        Rollback::Ready { path, target, evidence, confirmation, price, .. } => {
            let finding = readiness::gravest(&release.preflight);
            let blocked = finding.is_some_and(|(check, _)| check.level.is_obstacle());
            let key = keys(scene, confirmation);
            let mut variants = variants(key, &path, &target, &evidence);
            if let Some(time) = readiness::estimate(&release.preflight) {
                let timed: Vec<_> = variants.iter().take(3).map(|said| format!("{said}, {time}")).collect();
                variants.splice(0..0, timed);
            }
            if !release.in_flight() {
                variants = at_rest(scene, release, &variants);
            }
            Said { badge: badge(scene, release, price, blocked), variants, finding }
        }
    }
}

/// The badge of a rollback that is possible: its colour is the price. It may be tried even where AWS would refuse it:
/// only AWS can refuse it.
fn badge(scene: &Canvas<'_>, release: &Release, price: Price, blocked: bool) -> Badge {
    if blocked {
        return Badge::outline("ROLLBACK NOT READY", Role::BadBadge);
    }
    let text = match price {
        Price::UsersStay | Price::Seconds => "ROLLBACK READY".to_owned(),
        Price::Minutes(Some(typical)) => format!("ROLLBACK READY ~{}", format::lasting(typical)),
        Price::Minutes(None) => "ROLLBACK READY in minutes".to_owned(),
    };
    let fill = match price {
        Price::UsersStay | Price::Seconds if answers(scene, release) => Role::ReadyBadge,
        _ => Role::Badge,
    };
    Badge { text, fill, filled: State::of(scene, release).asks_for_rollback(release) && answers(scene, release) }
}

/// The texts while nothing is in flight, which is said first.
fn at_rest(scene: &Canvas<'_>, release: &Release, variants: &[String]) -> Vec<String> {
    let healthy = healthy_for(scene, release, State::of(scene, release));
    let healthy = healthy.map(|healthy| format!("; healthy for {}", format::age(healthy)));
    let with = |first: String| variants.iter().map(move |text| format!("{first} · {text}"));
    let long = with(format!("nothing is in flight{}", healthy.unwrap_or_default()));
    long.chain(with("nothing is in flight".to_owned())).collect()
}

/// The keys of the rollback: where letters are typed, `R` is one of them.
pub(super) fn keys(scene: &Canvas<'_>, confirmation: Confirmation) -> &'static str {
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

/// The gravest finding of the preflight in at most two lines; how many more there are stays.
fn finding(scene: &Canvas<'_>, check: &Check, others: usize, columns: usize) -> Vec<Line<'static>> {
    let (_, role) = readiness::shape(check.level);
    let more = if others > 0 { format!("  +{others} more") } else { String::new() };
    let mut lines = readiness::line(scene, check, columns.saturating_sub(format::width(&more) + 1), 2);
    for line in &mut lines {
        line.spans.insert(0, Span::raw(" "));
    }
    if let Some(last) = lines.last_mut() {
        last.spans.push(scene.span(more, role));
    }
    lines
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
