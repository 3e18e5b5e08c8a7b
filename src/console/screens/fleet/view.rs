//! The fleet: every release of the environment, one line each, the releases that need an operator first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};

use crate::console::screens::release;
use crate::console::screens::release::view as screen;
use crate::console::view::middle;
use crate::console::widgets::canvas::{Canvas, put, split_top};
use crate::console::widgets::parts::{fault_lines, share_bar, typed};
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format, status};
use crate::domain::release::{Method, Phase, Release};

/// A column: its heading and its width; `right`: the text is aligned to the right.
struct Column {
    kind: Kind,
    heading: &'static str,
    width: usize,
    right: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Name,
    Cluster,
    Method,
    Release,
    Traffic { bar: usize },
    Tasks,
    Errors,
    P95,
    Verdict,
    State,
}

/// Returns the columns that fit into a width. Narrow screens give up the method, the bar and the latency, but never the
/// state in words.
fn columns(total: usize, names: usize, clusters: usize, methods: usize) -> (Vec<Column>, usize) {
    let column = |kind, heading, width, right| Column { kind, heading, width, right };
    let (columns, gap) = if total < 110 {
        let columns = vec![
            column(Kind::Name, "service", names.clamp(8, if total < 96 { 16 } else { 22 }), false),
            column(Kind::Release, "release", 15, false),
            column(Kind::Traffic { bar: 0 }, "share", 6, true),
            column(Kind::Tasks, "tasks", 9, false),
            column(Kind::Errors, "errors", 7, true),
        ];
        (columns, 1)
    } else if total < 170 {
        let columns = vec![
            column(Kind::Name, "service", names.clamp(8, 22), false),
            column(Kind::Method, "method", methods.clamp(8, 15), false),
            column(Kind::Release, "release", 17, false),
            column(Kind::Traffic { bar: 8 }, "traffic", 14, false),
            column(Kind::Tasks, "tasks", 10, false),
            column(Kind::Errors, "errors", 7, true),
            column(Kind::P95, "p95", 6, true),
        ];
        (columns, 1)
    } else {
        let columns = vec![
            column(Kind::Name, "service", names.clamp(8, 32), false),
            column(Kind::Cluster, "cluster", clusters.clamp(7, 16), false),
            column(Kind::Method, "method", methods.clamp(10, 15), false),
            column(Kind::Release, "release", 22, false),
            column(Kind::Traffic { bar: 10 }, "traffic", 16, false),
            column(Kind::Tasks, "tasks", 11, false),
            column(Kind::Errors, "errors", 8, true),
            column(Kind::P95, "p95", 7, true),
            column(Kind::Verdict, "verdict", 20, false),
        ];
        (columns, 2)
    };
    let used: usize = 3 + columns.iter().map(|column| column.width + gap).sum::<usize>();
    let mut columns = columns;
    columns.push(Column { kind: Kind::State, heading: "state", width: total.saturating_sub(used), right: false });
    (columns, gap)
}

/// Draws the fleet.
pub(crate) fn draw(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let (observed, fleet) = (scene.observed, &scene.screen.fleet);
    if observed.snapshot.services.get().is_none() {
        return not_read(scene, buffer, area);
    }
    let lines = fleet.lines(&observed.releases);
    let (top, rest) = split_top(area, 2);
    put(buffer, top, 0, summary(scene, &lines, area.width.into()));
    if lines.is_empty() {
        let filter = fleet.find.text.value();
        let (what, todo) = if filter.is_empty() {
            (
                "no service here",
                "These clusters have none. Check --cluster, the region and the account above.".to_owned(),
            )
        } else {
            ("no service matches", format!("The filter is \"{}\"; esc clears it.", format::clip(filter, 40)))
        };
        return middle(buffer, rest, vec![scene.line(what, Role::Title), scene.line(todo, Role::Dim)]);
    }
    let names = lines.iter().map(|release| format::width(&format::clip(&release.name, 40))).max().unwrap_or(0);
    let clusters = lines.iter().map(|release| format::width(&format::clip(&release.stable.service.cluster, 20))).max();
    let methods = lines.iter().map(|release| format::width(&release.method.to_string())).max().unwrap_or(0);
    let (columns, gap) = columns(area.width.into(), names, clusters.unwrap_or(0), methods);
    put(buffer, top, 1, headings(scene, &columns, gap));

    let focus = scene.screen.focus(observed).map(|release| (&release.name, &release.stable.service));
    let marked = lines.iter().position(|release| Some((&release.name, &release.stable.service)) == focus);
    // Room that the list does not need shows the marked release.
    let room = usize::from(rest.height);
    let preview = if room >= lines.len() + 11 { room - lines.len() - 1 } else { 0 };
    let (list, below) = split_top(rest, u16::try_from(room - preview).unwrap_or(rest.height));
    let rows = usize::from(list.height);
    let first = marked.unwrap_or(0).saturating_sub(rows / 2).min(lines.len().saturating_sub(rows));
    for (row, (index, release)) in (0u16..).zip(lines.iter().enumerate().skip(first).take(rows)) {
        put(buffer, list, row, line(scene, release, &columns, gap, Some(index) == marked));
    }
    if preview > 0
        && let Some(release) = marked.and_then(|index| lines.get(index))
    {
        look(scene, release, buffer, below);
    }
}

/// Draws a preview of the marked release below the list.
fn look(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    put(
        buffer,
        area,
        0,
        scene.heading(&format::clip(&release.name, 60), vec![scene.dim("enter opens")], area.width.into()),
    );
    let (_, area) = split_top(area, 1);
    let head = release::head::lines(scene, release, area.width.into());
    let height = u16::try_from(head.len()).unwrap_or(u16::MAX);
    crate::console::widgets::canvas::put_all(scene, buffer, area, head);
    let (_, rest) = split_top(area, height.saturating_add(1));
    if rest.height >= screen::LEAST_METRICS {
        let (metrics, _) = split_top(rest, rest.height.min(screen::MOST_METRICS));
        release::metrics::draw(scene, release, buffer, metrics);
        let (_, rest) = split_top(rest, metrics.height.saturating_add(1));
        if rest.height >= 4 {
            screen::stacked(scene, release, buffer, rest);
        }
    }
}

/// Renders the number of releases, the numbers that need an operator and are in flight, and the filter.
fn summary(scene: &Canvas<'_>, lines: &[&Release], columns: usize) -> Line<'static> {
    let (observed, fleet) = (scene.observed, &scene.screen.fleet);
    // The count includes the releases that a search hides: they need an operator all the same.
    let needed = observed.releases.iter().filter(|release| release.needs_somebody()).count();
    let flying = lines.iter().filter(|release| release.in_flight()).count();
    let mut spans = vec![scene.text(format!(" {}", format::many(lines.len(), "release")))];
    if lines.len() != observed.releases.len() {
        spans.push(scene.dim(format!(" of {}", observed.releases.len())));
    }
    if observed.snapshot.services_are_coming() {
        spans.push(scene.span(" so far", Role::Warn));
    }
    spans.push(scene.dim(" · "));
    spans.push(match needed {
        0 if observed.snapshot.services_are_coming() => scene.dim("the rest is being read"),
        0 => scene.dim("none needs you"),
        1 => scene.span("1 needs you", Role::Warn),
        many => scene.span(format!("{many} need you"), Role::Warn),
    });
    if flying > 0 {
        spans.push(scene.dim(" · "));
        spans.push(scene.text(format!("{flying} in flight")));
    }
    let filter = fleet.find.text.value();
    if fleet.find.typing || !filter.is_empty() {
        spans.push(scene.dim("   / "));
        spans.extend(typed(scene, &fleet.find.text, columns / 3, fleet.find.typing));
    }
    Line::from(spans)
}

fn headings(scene: &Canvas<'_>, columns: &[Column], gap: usize) -> Line<'static> {
    let mut text = "   ".to_owned();
    for column in columns {
        text.push_str(&aligned(column.heading, column));
        text.push_str(&" ".repeat(gap));
    }
    scene.line(text.trim_end().to_owned(), Role::Dim)
}

fn aligned(text: &str, column: &Column) -> String {
    if column.right { format::pad_left(text, column.width) } else { format::pad(text, column.width) }
}

/// Renders one release in one line.
fn line(scene: &Canvas<'_>, release: &Release, columns: &[Column], gap: usize, marked: bool) -> Line<'static> {
    let (shape, role) = status::shape(release);
    let mut spans = vec![
        scene.span(if marked { "▸" } else { " " }, Role::Accent),
        scene.span(shape, role),
        automatic(scene, release),
    ];
    for column in columns {
        match column.kind {
            Kind::Traffic { bar } => spans.extend(traffic(scene, release, column, bar)),
            kind => {
                let (text, role) = cell(scene, release, kind, column.width);
                let mut span = scene.span(aligned(&text, column), role);
                if marked && kind == Kind::Name {
                    span.style = scene.theme.style(Role::Marked).add_modifier(Modifier::BOLD);
                }
                spans.push(span);
            }
        }
        spans.push(Span::raw(" ".repeat(gap)));
    }
    Line::from(spans)
}

/// Renders the sign of automatic promotion.
fn automatic(scene: &Canvas<'_>, release: &Release) -> Span<'static> {
    match scene.operations.automatic.get(&release.name) {
        Some(on) if on.countdown.is_some() => scene.span("»", Role::Warn),
        Some(_) => scene.span("»", Role::Accent),
        None => Span::raw(" "),
    }
}

fn cell(scene: &Canvas<'_>, release: &Release, kind: Kind, columns: usize) -> (String, Role) {
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
        Kind::Name => (release.name.clone(), Role::Title),
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
                    true => (format!("~{rate:.0}% ▲"), Role::Bad),
                    false => (format!("~{}", format::rate(rate)), Role::Dim),
                };
            }
            let over = judged.error_percent.is_some_and(|rate| rate > thresholds.warn_error_percent);
            measured(judged.error_percent.map(format::rate), over)
        }
        Kind::P95 => {
            let (text, role) = measured(judged.p95.map(format::latency), false);
            let slow = thresholds.p95_ms.zip(judged.p95).is_some_and(|(limit, p95)| p95 > limit);
            // The colour marks a slow p95; the state says it in words.
            (
                if text == "no data" { "–".to_owned() } else { text },
                if slow && role == Role::Text { Role::Bad } else { role },
            )
        }
        Kind::Verdict => match (&metrics, judged.minutes) {
            (None, _) if uncounted => ("no data".to_owned(), Role::Dim),
            (None, _) => ("–".to_owned(), Role::Dim),
            (_, 0) => ("no data".to_owned(), Role::Dim),
            (Some(source), _) => {
                let text = format!("{} n={}", release.verdict.outcome.word(), format::count(judged.requests));
                if source.good() { (text, release::verdict::role(release)) } else { (format!("{text} old"), Role::Dim) }
            }
        },
        Kind::State => status::words(scene, release, columns),
        Kind::Traffic { .. } => (String::new(), Role::Text),
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

/// Renders running and desired tasks as `18/18+2/2`, the canary's after the plus.
fn tasks(release: &Release) -> (String, Role) {
    let mut text = format!("{}/{}", release.stable.running, release.stable.desired);
    if let Some(canary) = release.canary.as_ref().filter(|canary| canary.desired > 0 || canary.running > 0) {
        text.push_str(&format!("+{}/{}", canary.running, canary.desired));
    }
    let short = release.sides().any(|side| side.running < side.desired);
    (text, if short { Role::Warn } else { Role::Text })
}

/// Renders the canary's share with its bar, or a word in its place.
fn traffic(scene: &Canvas<'_>, release: &Release, column: &Column, bar: usize) -> Vec<Span<'static>> {
    let word = |text: &str, role| vec![scene.span(aligned(text, column), role)];
    let rests = if release.unsteady().is_none() { "steady" } else { "–" };
    match (release.method, release.share.configured, release.phase) {
        (_, Some(share), Phase::Steady) if share.is_zero() => word(rests, Role::Dim),
        (_, Some(share), _) if bar == 0 => word(&share.to_string(), Role::Canary),
        (_, Some(share), _) => {
            let mut spans = vec![scene.span(format::pad_left(&share.to_string(), 5), Role::Canary), Span::raw(" ")];
            spans.extend(share_bar(scene, share, bar));
            let used: usize = spans.iter().map(|span| format::width(&span.content)).sum();
            spans.push(Span::raw(" ".repeat(column.width.saturating_sub(used))));
            spans
        }
        (_, None, _) if release.canary.is_some() && !release.rules.is_empty() => {
            word(if bar == 0 { "none" } else { "none: 0 and 0" }, Role::Bad)
        }
        (_, _, Phase::Steady) => word(rests, Role::Dim),
        (Method::Rolling, _, _) => word(if bar == 0 { "rolls" } else { "in place" }, Role::Dim),
        (Method::Native | Method::NativeWeighted, _, _) => {
            word(if bar == 0 { "ECS" } else { "ECS shifts it" }, Role::Dim)
        }
        _ => word("–", Role::Dim),
    }
}

/// Draws the read in progress before there is a list, or the fault and its advice.
fn not_read(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let snapshot = &scene.observed.snapshot;
    let fault = snapshot.services.failing().or(snapshot.identity.failing());
    match fault {
        Some(fault) => middle(buffer, area, fault_lines(scene, fault, usize::from(area.width).min(76))),
        None => {
            let mut lines = vec![scene.line("reading services…", Role::Title)];
            if let Some(since) = scene.polls.waiting_since() {
                let waited = format::age(scene.observed.now.since(since));
                lines.push(scene.line(format!("asked {waited} ago, no answer yet"), Role::Dim));
            }
            middle(buffer, area, lines);
        }
    }
}

/// Draws an open release that is not, or no longer, there.
pub(crate) fn absent(scene: &Canvas<'_>, name: &str, buffer: &mut Buffer, area: Rect) {
    if scene.observed.snapshot.services.get().is_none() {
        return not_read(scene, buffer, area);
    }
    let gone = format!("{} is not here any more", format::clip(name, 50));
    middle(buffer, area, vec![scene.line(gone, Role::Warn), scene.line("esc goes back to the fleet", Role::Dim)]);
}
