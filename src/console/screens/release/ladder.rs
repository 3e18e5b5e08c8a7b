//! The ladder: each step with its time and its verdict, and the shares of traffic where they differ.

use jiff::SignedDuration;
use ratatui::text::{Line, Span};

use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::analysis::VerdictStatus;
use crate::domain::ecs::route::{Forward, target_group_name};
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Release};

/// Columns of a connection between two steps, least and most.
const CONNECTION: (usize, usize) = (4, 28);

/// The ladder on one line.
pub fn line(scene: &Canvas<'_>, release: &Release, columns: usize) -> Line<'static> {
    let steps = steps(scene, release);
    let mut shares = shares(scene, release);
    // The steps are worth more than the share that requests show.
    let least = format::wide(&drawn(scene, release, &steps, 0));
    if least + format::wide(&shares) + 3 > columns {
        shares.clear();
    }
    let beside = beside(release).filter(|text| least + format::wide(&shares) + format::width(text) + 3 <= columns);
    let end = format::wide(&shares) + beside.as_ref().map_or(0, |text| format::width(text));
    let room = columns.saturating_sub(1 + end + 2);
    let mut spans = vec![Span::raw(" ")];
    spans.extend(drawn(scene, release, &steps, room));
    spans.push(Span::raw(" ".repeat(columns.saturating_sub(format::wide(&spans) + end))));
    spans.extend(shares);
    spans.extend(beside.map(|text| scene.dim(text)));
    Line::from(spans)
}

/// Returns true if two shares, in percent, look the same when rounded to tenths.
fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 0.05
}

/// The position of a step relative to the canary's share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    /// Taken.
    Behind,
    /// Below the share, and never taken.
    Skipped,
    /// The canary's share.
    Here,
    /// To come.
    Ahead,
}

/// A step of the ladder.
struct Step {
    /// The canary's share, percent.
    share: f64,
    at: At,
    /// The time at this share, where its beginning and its end were observed.
    lasted: Option<SignedDuration>,
}

/// The canary's shares in percent since it last had no traffic, newest first, each with the time that it lasted.
fn visited(scene: &Canvas<'_>, release: &Release) -> Vec<(f64, Option<SignedDuration>)> {
    let Some(rule) = release.rules.first() else { return Vec::new() };
    let changes = scene.observed.snapshot.weight_changes.get(&rule.route.id).map(Vec::as_slice).unwrap_or_default();
    let share = |forwards: &Vec<Forward>| Some(rule.share_of(forwards)?.value());
    // The share at the first observation counts as well; its beginning is not known.
    let first = changes.first().and_then(|change| Some((share(&change.before)?, None)));
    let ends = changes.iter().skip(1).map(|change| change.at).chain([scene.observed.now.at]);
    let mut all: Vec<_> = first.into_iter().collect();
    all.extend(
        changes
            .iter()
            .zip(ends)
            .filter_map(|(change, end)| Some((share(&change.forwards)?, Some(end.duration_since(change.at))))),
    );
    all.into_iter().rev().take_while(|(share, _)| *share > 0.0).collect()
}

fn steps(scene: &Canvas<'_>, release: &Release) -> Vec<Step> {
    // Without a rule that was read there is only what ECS asked for.
    let asked = release.share.requested.filter(|_| release.rules.is_empty());
    let here = release.share.configured.or(asked).unwrap_or(Percent::ZERO).value();
    let mut shares: Vec<f64> = release.ladder.steps().iter().map(|step| step.value()).collect();
    if !shares.iter().any(|share| same(*share, here)) {
        shares.push(here);
        shares.sort_by(f64::total_cmp);
    }
    let visited = visited(scene, release);
    let step = |share: f64| {
        let visit = visited.iter().find(|(visited, _)| same(*visited, share));
        let at = match () {
            () if same(share, here) => At::Here,
            () if share > here => At::Ahead,
            // ECS takes every step; when this console or another operator writes the weights, a step may be skipped.
            () if release.method == Method::Native || visit.is_some() => At::Behind,
            () => At::Skipped,
        };
        Step { share, at, lasted: visit.and_then(|(_, lasted)| *lasted) }
    };
    shares.into_iter().map(step).collect()
}

/// A step in words: its share, and behind it the time and the verdict.
fn piece(scene: &Canvas<'_>, release: &Release, step: &Step) -> Vec<Span<'static>> {
    let share = Percent::new(step.share).map(format::spaced).unwrap_or_default();
    let lasted = step.lasted.map(|lasted| format!(" {}", format::age(lasted))).unwrap_or_default();
    match step.at {
        At::Ahead => vec![scene.dim(share)],
        At::Skipped => vec![scene.dim(format!("{share} skipped"))],
        At::Behind => vec![scene.text(share), scene.text(" ✓"), scene.dim(lasted)],
        At::Here => here(scene, release, share, &lasted),
    }
}

/// The canary's present step: its verdict, and how long it has been watched.
fn here(scene: &Canvas<'_>, release: &Release, share: String, lasted: &str) -> Vec<Span<'static>> {
    let fresh = age::world(scene).good();
    let usable = fresh && age::metrics(scene, release).is_some_and(|source| source.good());
    let judged = release.is_shared();
    let (mark, role) = match release.verdict.outcome {
        VerdictStatus::Fail if judged => (" ✖ FAIL", Role::Bad),
        VerdictStatus::Pass if judged && release.verdict.reasons.is_empty() => (" ✓ PASS", Role::Good),
        VerdictStatus::Pass if judged => (" ▲ PASS", Role::Warn),
        _ => (" ●", Role::Accent),
    };
    let role = match role {
        _ if !fresh => Role::Dim,
        Role::Good if !usable => Role::Dim,
        role => role,
    };
    let shown = if fresh { Role::Title } else { Role::Dim };
    let mut spans = vec![scene.span(share, shown), scene.span(mark, role)];
    if let Some(bake) = &release.bake {
        let now = scene.observed.now.at;
        let at_least = if bake.seen { "" } else { scene.theme.at_least() };
        let of = if bake.done(now) { String::new() } else { format!(" of {}", format::lasting(bake.of)) };
        let lasted = format!(" {at_least}{}{of}", format::age(bake.elapsed(now)));
        spans.push(scene.span(lasted, if fresh { Role::Text } else { Role::Dim }));
        if !fresh {
            // An old share may have changed since.
            spans.push(scene.span(" (old)", Role::Warn));
        }
    } else if release.is_shared() {
        spans.push(scene.dim(lasted.to_owned()));
    }
    spans
}

/// The steps with their connections, as wide as there is room. A long ladder is shortened to its ends and the steps
/// next to the present one.
fn drawn(scene: &Canvas<'_>, release: &Release, steps: &[Step], room: usize) -> Vec<Span<'static>> {
    let here = steps.iter().position(|step| step.at == At::Here).unwrap_or(0);
    let last = steps.len().saturating_sub(1);
    let near = |reach: usize| move |index: usize| index == 0 || index == last || index.abs_diff(here) <= reach;
    let pieces: Vec<_> = steps.iter().map(|step| piece(scene, release, step)).collect();
    let needed = |shown: &dyn Fn(usize) -> bool| {
        let shown: Vec<_> = pieces.iter().enumerate().filter(|(index, _)| shown(*index)).collect();
        let connections = shown.len().saturating_sub(1);
        (shown.iter().map(|(_, piece)| format::wide(*piece)).sum::<usize>(), connections)
    };
    let reach = [usize::MAX, 2, 1].into_iter().find(|reach| {
        let (text, connections) = needed(&near(*reach));
        text + connections * (CONNECTION.0 + 2) <= room
    });
    let shown = near(reach.unwrap_or(1));
    let (text, connections) = needed(&shown);
    let each = room.saturating_sub(text).checked_div(connections).unwrap_or(0).saturating_sub(2);
    let each = each.clamp(CONNECTION.0, CONNECTION.1);
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut before: Option<usize> = None;
    for (index, (piece, step)) in pieces.into_iter().zip(steps).enumerate().filter(|(index, _)| shown(*index)) {
        if let Some(before) = before {
            let passed = matches!(step.at, At::Here | At::Behind | At::Skipped);
            spans.push(connection(scene, each, passed, before + 1 < index));
        }
        spans.extend(piece);
        before = Some(index);
    }
    spans
}

fn connection(scene: &Canvas<'_>, columns: usize, passed: bool, cut: bool) -> Span<'static> {
    let line: String = match (passed, cut) {
        (true, false) => "━".repeat(columns - 1),
        (false, false) => "─ ".chars().cycle().take(columns - 1).collect(),
        // Steps are left out here.
        (_, true) => format!("⋯{}", " ".repeat(columns - 2)),
    };
    match passed {
        true => scene.text(format!(" {line}▶ ")),
        false => scene.dim(format!(" {line}▷ ")),
    }
}

/// The share that requests show, and the requested and configured ones where they differ.
fn shares(scene: &Canvas<'_>, release: &Release) -> Vec<Span<'static>> {
    let share = &release.share;
    let mut spans = Vec::new();
    let differs = match (share.requested, share.configured) {
        (Some(requested), Some(configured)) => !same(requested.value(), configured.value()),
        (requested, _) => requested.is_some() || share.configured.is_none(),
    };
    let said = |share: Percent| format::spaced(format::share(share));
    if let Some(requested) = share.requested.filter(|_| differs) {
        // With the native method ECS requests the share; otherwise this console does.
        let by = if release.method == Method::Native { "ECS wants " } else { "requested " };
        spans.push(scene.dim(by));
        spans.push(scene.span(format!("{} ", said(requested)), Role::Warn));
    }
    match share.configured {
        Some(_) => {}
        None if release.rules.is_empty() => spans.push(scene.span("weights not read ", Role::Warn)),
        None => spans.push(scene.span("nobody is served: 0 and 0 ", Role::Bad)),
    }
    let usable = age::metrics(scene, release).is_some_and(|source| source.good());
    // Without a settled minute, a share of zero was not observed either.
    let observed = share.observed.filter(|share| !share.is_zero() || release.verdict.judged.minutes > 0);
    spans.push(scene.dim("observed "));
    let shown = observed.map_or("no data".to_owned(), said);
    spans.push(scene.span(shown, if usable { Role::Text } else { Role::Dim }));
    if !usable && observed.is_some() {
        spans.push(scene.span(" old", Role::Warn));
    }
    spans
}

/// The target groups that are no part of the release and have a share of its rule: ` · others: checkout-legacy 10 %`.
fn beside(release: &Release) -> Option<String> {
    let rule = release.rules.first()?;
    let weight = |to: &Forward| f64::from(to.weight.value());
    let all: f64 = rule.route.forwards.iter().map(weight).sum();
    let others = rule.others().filter(|to| weight(to) > 0.0);
    let share = |to: &Forward| Percent::new(weight(to) * 100.0 / all).ok();
    let named: Vec<_> = others
        .filter_map(|to| {
            let share = format::spaced(format::share(share(to)?));
            Some(format!("{} {share}", target_group_name(&to.target_group)))
        })
        .collect();
    (!named.is_empty()).then(|| format!(" · others: {}", named.join(", ")))
}
