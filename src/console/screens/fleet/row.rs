//! A release on one line of the fleet: its columns, the state first.

use ratatui::text::{Line, Span};

use crate::console::screens::banner::Banner;
use crate::console::screens::fleet::state::FleetOrder;
use crate::console::screens::release;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::parts::share_bar;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::release::share::Percent;
use crate::domain::release::{Method, Phase, Release};

/// A column: its heading and its width; `right`: the text is aligned to the right.
pub(super) struct Column {
    kind: Kind,
    heading: &'static str,
    width: usize,
    right: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    State,
    Name,
    Cluster,
    Method,
    Release,
    Traffic { bar: usize },
    Tasks,
    Errors,
    P95,
}

/// Least columns of a name, columns of a name that a state never takes, and least columns of a state.
const LEAST_NAME: usize = 8;
const KEPT_NAME: usize = 20;
const LEAST_STATE: usize = 16;
/// Most columns of a state.
const MOST_STATE: usize = 96;

/// Returns the columns that fit into a width. Narrow screens give up the method, the bar, the tasks and the latency, but
/// never the state in words. What the states on the screen leave free goes to the name.
pub(super) fn columns<'a>(
    total: usize,
    releases: &[&Release],
    states: impl Iterator<Item = &'a Banner>,
) -> Vec<Column> {
    let column = |kind, heading, width, right| Column { kind, heading, width, right };
    let most = |of: &dyn Fn(&Release) -> usize| releases.iter().map(|release| of(release)).max().unwrap_or(0);
    let methods = most(&|release| format::width(&release.method.to_string()));
    let clusters = most(&|release| format::width(&release.stable.service.cluster));
    let mut rest = match total {
        0..72 => vec![column(Kind::Traffic { bar: 0 }, "share", 5, true), column(Kind::Errors, "errors", 8, true)],
        72..96 => vec![
            column(Kind::Release, "release", 15, false),
            column(Kind::Traffic { bar: 0 }, "share", 5, true),
            column(Kind::Errors, "errors", 8, true),
        ],
        96..170 => vec![
            column(Kind::Release, "release", 17, false),
            column(
                Kind::Traffic { bar: if total < 110 { 0 } else { 8 } },
                "traffic",
                if total < 110 { 6 } else { 15 },
                false,
            ),
            column(Kind::Tasks, "tasks", 8, true),
            column(Kind::Errors, "errors", 8, true),
            column(Kind::P95, "p95", 7, true),
        ],
        _ => vec![
            column(Kind::Cluster, "cluster", clusters.clamp(7, 24), false),
            column(Kind::Method, "method", methods.clamp(10, 15), false),
            column(Kind::Release, "release", 22, false),
            column(Kind::Traffic { bar: 8 }, "traffic", 15, false),
            column(Kind::Tasks, "tasks", 9, true),
            column(Kind::Errors, "errors", 8, true),
            column(Kind::P95, "p95", 7, true),
        ],
    };
    if (110..170).contains(&total) {
        rest.insert(0, column(Kind::Method, "method", methods.clamp(6, 10), false));
    }
    // The mark, the sign of automatic promotion, and a column between all others.
    let used: usize = 2 + rest.iter().map(|column| column.width + 1).sum::<usize>();
    let free = total.saturating_sub(used + 1);
    let names = most(&|release| format::width(&release.name)).max(LEAST_NAME);
    // Some columns of a name are worth more than a longer sentence.
    let most_state = free.saturating_sub(names.min(KEPT_NAME)).clamp(LEAST_STATE, MOST_STATE);
    let wanted = |banner: &Banner| {
        let chip = chip_width(banner) + 1;
        chip + format::width(&banner.brief(most_state.saturating_sub(chip)))
    };
    let state = states.map(wanted).max().unwrap_or(0).clamp(LEAST_STATE, most_state);
    let name = names.min(free.saturating_sub(state));
    let head = [column(Kind::State, "state", state, false), column(Kind::Name, "service", name, false)];
    head.into_iter().chain(rest).collect()
}

/// The names of the columns; an arrow marks the sort order.
pub(super) fn headings(scene: &Canvas<'_>, columns: &[Column]) -> Line<'static> {
    let fleet = &scene.screen.fleet;
    let by = match fleet.order {
        FleetOrder::Urgency => Kind::State,
        FleetOrder::Name => Kind::Name,
        FleetOrder::Method => Kind::Method,
    };
    let arrow = if fleet.reversed { "↑" } else { "↓" };
    let mut text = "  ".to_owned();
    for column in columns {
        let heading = match column.kind == by {
            true => format!("{} {arrow}", column.heading),
            false => column.heading.to_owned(),
        };
        text.push_str(&aligned(&heading, column));
        text.push(' ');
    }
    if !columns.iter().any(|column| column.kind == by) {
        text.push_str(&format!("by {} {arrow}", fleet.order));
    }
    scene.line(text.trim_end().to_owned(), Role::Dim)
}

fn aligned(text: &str, column: &Column) -> String {
    if column.right { format::pad_left(text, column.width) } else { format::pad(text, column.width) }
}

/// Renders one release in one line; a release that needs nobody is faint.
pub(super) fn line(
    scene: &Canvas<'_>,
    (release, banner): (&Release, &Banner),
    columns: &[Column],
    (quiet, marked): (bool, bool),
) -> Line<'static> {
    let mut spans = vec![scene.span(if marked { "▸" } else { " " }, Role::Accent), automatic(scene, release)];
    for column in columns {
        match column.kind {
            Kind::State => spans.extend(state(scene, banner, column.width)),
            Kind::Traffic { bar } => spans.extend(traffic(scene, release, column, bar)),
            Kind::Name => {
                let role = if quiet { Role::Text } else { Role::Title };
                let name = format::clip_middle(&release.name, column.width);
                spans.push(scene.span(format::pad(&name, column.width), role));
            }
            kind => {
                let (text, role) = cell(scene, release, kind);
                let role = if quiet && role == Role::Text { Role::Dim } else { role };
                spans.push(scene.span(aligned(&text, column), role));
            }
        }
        spans.push(Span::raw(" "));
    }
    Line::from(spans)
}

fn chip_width(banner: &Banner) -> usize {
    format::width(banner.state.word()) + 4
}

/// The state as a filled chip, and a few words behind it.
fn state(scene: &Canvas<'_>, banner: &Banner, columns: usize) -> Vec<Span<'static>> {
    let chip = format!(" {} {} ", banner.state.shape(), banner.state.word());
    let role = match banner.chip() {
        Role::Text => Role::Dim,
        role => role,
    };
    let room = columns.saturating_sub(format::width(&chip) + 1);
    let brief = format::pad(&banner.brief(room), room);
    let said = if role == Role::Dim { Role::Dim } else { Role::Text };
    vec![scene.span(chip, role), Span::raw(" "), scene.span(brief, said)]
}

/// Renders the sign of automatic promotion.
fn automatic(scene: &Canvas<'_>, release: &Release) -> Span<'static> {
    match scene.operations.automatic.get(&release.name) {
        Some(on) if on.countdown.is_some() => scene.span("»", Role::Warn),
        Some(_) => scene.span("»", Role::Accent),
        None => Span::raw(" "),
    }
}

fn cell(scene: &Canvas<'_>, release: &Release, kind: Kind) -> (String, Role) {
    let thresholds = scene.observed.settings.thresholds_of(&release.name);
    let judged = &release.verdict.judged;
    let metrics = age::metrics(scene, release);
    let uncounted = metrics.is_none() && age::uncounted(release).is_some();
    let measured = |value: Option<String>, over: bool| match (value, &metrics) {
        (_, None) if uncounted => ("no data".to_owned(), Role::Dim),
        (_, None) => ("–".to_owned(), Role::Dim),
        (Some(_), Some(source)) if !source.good() => ("old".to_owned(), Role::Warn),
        (Some(value), _) if over => (format!("{value} ✖"), Role::Bad),
        (Some(value), _) => (value, Role::Text),
        (None, _) => ("no data".to_owned(), Role::Dim),
    };
    match kind {
        Kind::Cluster => (release.stable.service.cluster.clone(), Role::Dim),
        Kind::Method => (release.method.to_string(), Role::Dim),
        Kind::Release => (revisions(scene, release), Role::Text),
        Kind::Tasks => tasks(release),
        Kind::Errors => {
            let fresh = metrics.as_ref().is_some_and(|source| source.good());
            let early = release::verdict::preliminary(scene, release).filter(|_| fresh);
            if let Some(early) = early.filter(|early| early.alarming || judged.minutes == 0)
                && let Some(rate) = early.numbers.error_percent
            {
                // `~`: these minutes may still change.
                return match early.alarming {
                    true => (format!("~{rate:.0} % ▲"), Role::Bad),
                    false => (format!("~{}", format::spaced(format::rate(rate))), Role::Dim),
                };
            }
            let over = judged.error_percent.is_some_and(|rate| rate > thresholds.warn_error_percent);
            measured(judged.error_percent.map(|rate| format::spaced(format::rate(rate))), over)
        }
        Kind::P95 => {
            let (text, role) = measured(judged.p95.map(format::response_time), false);
            let slow = thresholds.p95_ms.zip(judged.p95).is_some_and(|(limit, p95)| p95 > limit);
            // The colour marks a slow p95; the state says it in words.
            (
                if text == "no data" { "–".to_owned() } else { text },
                if slow && role == Role::Text { Role::Bad } else { role },
            )
        }
        Kind::State | Kind::Name | Kind::Traffic { .. } => (String::new(), Role::Text),
    }
}

/// Renders `:41 → :42 1.9.0` if there are two revisions, else `:41 1.8.2`.
fn revisions(scene: &Canvas<'_>, release: &Release) -> String {
    let stable = &release.stable;
    let tried = release.canary.as_ref().filter(|canary| {
        canary.task_definition != stable.task_definition && (release.in_flight() || canary.desired > 0)
    });
    let (from, to) = match tried {
        Some(canary) => (Some(stable.task_definition.tag()), canary),
        None => {
            let replaced = release.previous.first().filter(|_| release.canary.is_none() && stable.rolling);
            (replaced.map(|good| good.task_definition.tag()), stable)
        }
    };
    let version = to.version.as_deref().unwrap_or("");
    match from {
        Some(from) => format!("{from} {} {} {version}", scene.theme.arrow(), to.task_definition.tag()),
        None => format!("{} {version}", to.task_definition.tag()),
    }
}

/// Renders the running tasks of both sides, as `18 + 2`; where fewer or more run than are wanted, as `12 of 18`.
fn tasks(release: &Release) -> (String, Role) {
    let side = |running: u32, desired: u32| match running == desired {
        true => running.to_string(),
        false => format!("{running} of {desired}"),
    };
    let mut text = side(release.stable.running, release.stable.desired);
    if let Some(canary) = release.canary.as_ref().filter(|canary| canary.desired > 0 || canary.running > 0) {
        text.push_str(&format!(" + {}", side(canary.running, canary.desired)));
    }
    let short = release.sides().any(|side| side.running < side.desired);
    (text, if short { Role::Warn } else { Role::Text })
}

/// Renders the canary's share with its bar, or a word in its place.
fn traffic(scene: &Canvas<'_>, release: &Release, column: &Column, bar: usize) -> Vec<Span<'static>> {
    let word = |text: &str, role| vec![scene.span(aligned(text, column), role)];
    let said = |share: Percent| format::spaced(share);
    match (release.method, release.share.configured, release.phase) {
        (_, Some(share), Phase::Steady) if share.is_zero() => word("", Role::Dim),
        (_, Some(share), _) if bar == 0 => word(&said(share), Role::Canary),
        (_, Some(share), _) => {
            let mut spans = vec![scene.span(format::pad_left(&said(share), 6), Role::Canary), Span::raw(" ")];
            spans.extend(share_bar(scene, share, bar));
            let used = format::wide(&spans);
            spans.push(Span::raw(" ".repeat(column.width.saturating_sub(used))));
            spans
        }
        (_, None, _) if release.canary.is_some() && !release.rules.is_empty() => {
            word(if bar == 0 { "none" } else { "none: 0 and 0" }, Role::Bad)
        }
        (_, _, Phase::Steady) => word("", Role::Dim),
        (Method::Rolling, _, _) => word(if bar == 0 { "rolls" } else { "in place" }, Role::Dim),
        (Method::Native | Method::NativeWeighted, _, _) => {
            word(if bar == 0 { "ECS" } else { "ECS shifts it" }, Role::Dim)
        }
        _ => word("–", Role::Dim),
    }
}
