//! The changes between two revisions by container, or the raw JSON of the newer revision.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::state::{Row, Sides};
use crate::console::screen::View;
use crate::console::screens::diff;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::parts;
use crate::console::widgets::table;
use crate::console::widgets::table::Listing;
use crate::console::widgets::theme::Role;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::ecs::task_definition::{Change, Definition, Kind, Section};
use crate::domain::release::Release;

/// Columns of the labels below the list.
const LABEL: usize = 7;

/// Draws the view.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let (observed, own) = (scene.observed, &scene.screen.diff);
    let sides = diff::state::sides(own, release);
    let (from, to) = diff::state::definitions(observed, own, &sides);
    let changes = diff::state::changes(observed, own, release);
    let list = scene.screen.list(View::Diff);
    let shown = list.shown(diff::state::rows(observed, own, list, release));
    let at = list.at(&shown);
    let mut rows = notes(scene, &sides, from, to, columns);
    let above = rows.len();
    let mut place = above;
    if own.raw {
        for (index, row) in shown.iter().enumerate() {
            if let Row::Json { line, .. } = row {
                rows.push(json_line(scene, line, index == at, columns));
            }
        }
        place += at;
    } else if let (Some(_), Some(_)) = (from, to) {
        let (lines, marked) = compared(scene, &changes, &shown, at, columns);
        place += marked;
        rows.extend(lines);
        rows.extend(unknown_around(scene, release, &sides));
    }
    let title = table::title(scene, (release, View::Diff), said(scene, &changes), None, columns);
    let headings = Some(heading(scene, &sides, columns));
    let (marked, details) = match shown.get(at) {
        Some(Row::Change { change, .. }) => {
            (format!("{} · {}", diff::state::section(&change.section), change.name), details(scene, change, columns))
        }
        // The details show a JSON line in full if it is wider than the screen.
        Some(Row::Json { line, .. }) if format::width(line) + 2 > columns => {
            let whole = format::wrap(line, columns, 12).into_iter().map(|text| scene.line(text, Role::Text));
            ("the whole line".to_owned(), whole.collect())
        }
        _ => (String::new(), Vec::new()),
    };
    table::draw(scene, Listing { title, headings, rows, at: place, marked, details }, buffer, area);
}

/// The number of changes, or a label for the raw JSON.
fn said(scene: &Canvas<'_>, changes: &[Change]) -> Vec<Span<'static>> {
    let different = changes.iter().filter(|change| change.differs()).count();
    let mut said = Vec::new();
    // The warning stays in the heading for as long as values are to be shown.
    if scene.screen.diff.reveal {
        said.push(scene.span(" VALUES SHOWN ", Role::BadBadge));
        said.push(scene.text(" "));
    }
    if scene.screen.diff.raw {
        said.push(scene.text("raw JSON of the newer one"));
    } else if !changes.is_empty() {
        said.push(scene.text(format::many(different, "change")));
    }
    said
}

/// Both revisions with version and age.
fn heading(scene: &Canvas<'_>, sides: &Sides, columns: usize) -> Line<'static> {
    let mut spans = Vec::new();
    if let Some(from) = &sides.from {
        spans.push(scene.dim(format!("{} ", sides.was)));
        spans.push(scene.span(named(scene, from), Role::Stable));
        spans.push(scene.text(format!(" {} ", scene.theme.arrow())));
    }
    spans.push(scene.dim(format!("{} ", sides.is)));
    spans.push(scene.span(named(scene, &sides.to), Role::Canary));
    format::fit(Line::from(spans), columns)
}

/// `checkout:42 (1.9.0, 26m old)`, with `INACTIVE` if the revision can no longer be deployed.
fn named(scene: &Canvas<'_>, arn: &TaskDefinitionArn) -> String {
    let snapshot = &scene.observed.snapshot;
    let summary = snapshot.task_definition(arn);
    let whole = snapshot.definitions.get(arn).and_then(|reading| reading.get());
    let version = summary.and_then(|it| it.version()).map(str::to_owned).or(whole.and_then(version));
    let registered = summary.and_then(|it| it.registered_at);
    let age = registered.map(|at| format!("{} old", format::age(scene.observed.now.at.duration_since(at))));
    let inactive = summary.is_some_and(|it| !it.active)
        || whole.and_then(|it| it.json.get("status")?.as_str()).is_some_and(|status| status != "ACTIVE");
    let inactive = inactive.then(|| "INACTIVE".to_owned());
    let said: Vec<_> = [version, age, inactive].into_iter().flatten().collect();
    let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) };
    format!("{}{said}", format::clip(arn.short(), 40))
}

/// The first container's image tag.
fn version(definition: &Definition) -> Option<String> {
    let image = definition.json.get("containerDefinitions")?.get(0)?.get("image")?.as_str()?;
    let image = image.split('@').next().unwrap_or(image);
    image.rsplit('/').next()?.rsplit_once(':').map(|(_, tag)| tag.to_owned())
}

/// The reasons why there is nothing to compare, or not everything.
fn notes(
    scene: &Canvas<'_>,
    sides: &Sides,
    from: Option<&Definition>,
    to: Option<&Definition>,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if scene.screen.diff.reveal && !diff::state::values_shown(&scene.screen.diff, sides) {
        lines.push(scene.line("the values are being read; v takes that back", Role::Warn));
    }
    if sides.from.is_none() {
        let text = format!("no revision is known that ran before {}: h, space and d compare any two", sides.to);
        lines.push(scene.line(format::clip(&text, columns), Role::Warn));
    }
    if sides.from.as_ref() == Some(&sides.to) {
        lines.push(scene.line("both sides are the same revision: nothing can differ", Role::Text));
    }
    let both = [(sides.from.as_ref(), from), (Some(&sides.to), to)];
    for (arn, definition) in both.into_iter().filter_map(|(arn, definition)| Some((arn?, definition))) {
        let reading = scene.observed.snapshot.definitions.get(arn);
        let fault = reading.and_then(|reading| reading.failing());
        match (definition, fault) {
            (_, Some(fault)) => {
                lines.push(scene.line(format!("✖ {} could not be read", arn.short()), Role::Bad));
                lines.extend(parts::fault_lines(scene, fault, columns));
            }
            (None, None) => lines.push(scene.line(format!("{} is being read", arn.short()), Role::Dim)),
            (Some(_), None) => {}
        }
    }
    lines
}

/// The lines of each container, of the task and of the service, with the number of equal properties; and the index of
/// the marked line.
fn compared(
    scene: &Canvas<'_>,
    changes: &[Change],
    shown: &[Row],
    at: usize,
    columns: usize,
) -> (Vec<Line<'static>>, usize) {
    let mut lines = Vec::new();
    let mut place = 0;
    let mut sections: Vec<&Section> = changes.iter().map(|change| &change.section).collect();
    sections.dedup();
    for section in sections {
        let of = |change: &Change| change.section == *section;
        let differ = changes.iter().filter(|change| of(change) && change.differs()).count();
        let same = changes.iter().filter(|change| of(change) && !change.differs()).count();
        let note = if differ == 0 { scene.dim("no change") } else { scene.text(format::many(differ, "change")) };
        lines.push(scene.heading(&format::clip(&diff::state::section(section), 60), vec![note], columns));
        let mut listed = 0;
        for (index, row) in shown.iter().enumerate() {
            let Row::Change { change, .. } = row else { continue };
            if !of(change) {
                continue;
            }
            if index == at {
                place = lines.len();
            }
            listed += usize::from(!change.differs());
            lines.push(change_line(scene, change, index == at, columns));
        }
        if same > listed {
            lines.push(scene.line(format!("    … {} the same, u unfolds", same - listed), Role::Dim));
        }
    }
    (lines, place)
}

fn look(kind: Kind) -> (&'static str, Role) {
    match kind {
        Kind::Added => ("+ ", Role::Canary),
        Kind::Removed => ("- ", Role::Stable),
        Kind::Changed => ("~ ", Role::Title),
        Kind::Same => ("  ", Role::Dim),
    }
}

fn change_line(scene: &Canvas<'_>, change: &Change, marked: bool, columns: usize) -> Line<'static> {
    let (mark, role) = look(change.kind);
    let width = (columns / 3).clamp(20, 44);
    let mut spans = vec![
        scene.span(if marked { "▸ " } else { "  " }, Role::Accent),
        scene.span(mark, role),
        scene.span(format::pad(&change.name, width), if marked { Role::Marked } else { role }),
        Span::raw(" "),
    ];
    let room = columns.saturating_sub(width + 5);
    let role = if change.differs() { Role::Text } else { Role::Dim };
    spans.push(scene.span(format::clip(&change.values(), room), role));
    Line::from(spans)
}

fn json_line(scene: &Canvas<'_>, line: &str, marked: bool, columns: usize) -> Line<'static> {
    Line::from(vec![
        scene.span(if marked { "▸ " } else { "  " }, Role::Accent),
        scene.text(format::clip(line, columns.saturating_sub(2))),
    ])
}

/// A note that properties outside the task definition could not be compared.
fn unknown_around(scene: &Canvas<'_>, release: &Release, sides: &Sides) -> Option<Line<'static>> {
    let known = |arn: &TaskDefinitionArn| {
        diff::state::revision(scene.observed, release, arn).is_some_and(|revision| !revision.surroundings.is_empty())
    };
    let both = known(&sides.to) && sides.from.as_ref().is_some_and(known);
    let text = "network, capacity and load balancer are not compared: ECS tells them of neither or of one only";
    (!both && sides.from.as_ref() != Some(&sides.to)).then(|| scene.line(text, Role::Dim))
}

/// The details of the marked change, the older value above the newer one.
fn details(scene: &Canvas<'_>, change: &Change, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let room = columns.saturating_sub(LABEL);
    let mut say = |label: &str, text: &str, role: Role| {
        let text = if text.is_empty() { "(empty)" } else { text };
        for (index, text) in format::wrap(text, room, 12).into_iter().enumerate() {
            let label = format::pad(if index == 0 { label } else { "" }, LABEL);
            lines.push(Line::from(vec![scene.dim(label), scene.span(text, role)]));
        }
    };
    match (&change.from, &change.to) {
        (_, Some(to)) if !change.differs() => say("both", to, Role::Text),
        (from, to) => {
            match from {
                Some(from) => say("from", from, Role::Stable),
                None => say("from", "(not there)", Role::Dim),
            }
            match to {
                Some(to) => say("to", to, Role::Canary),
                None => say("to", "(not there)", Role::Dim),
            }
        }
    }
    say("where", &change.path.join(" > "), Role::Dim);
    if change.hidden {
        say("hidden", "v shows the values of both sides, for as long as this view is open", Role::Dim);
    }
    lines
}
