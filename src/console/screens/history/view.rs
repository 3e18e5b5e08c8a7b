//! The deployments of a release, newest first: revision, strategy, duration, outcome and reason.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::poll_schedule::source::Source;
use crate::console::screen::View;
use crate::console::screens::release::deployment;
use crate::console::screens::{events, history};
use crate::console::state::list::Listed;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::parts;
use crate::console::widgets::table;
use crate::console::widgets::table::Listing;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::Arn;
use crate::domain::release::Release;
use crate::domain::timeline::Origin;

/// Draws the list, and below it the marked deployment in full.
pub(crate) fn draw(scene: &Canvas<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let columns = usize::from(area.width);
    let list = scene.screen.list(View::History);
    let all = list.shown(history::state::rows(scene.observed, release)).len();
    let marked = history::state::marked(scene.observed, list, release);
    let said = marked.map(|(at, _)| scene.text(format!("{} of {}", at + 1, format::many(all, "deployment"))));
    let fresh = age::history(scene, release);
    let title = table::title(scene, (release, View::History), said.into_iter().collect(), Some(&fresh), columns);
    let starters = events::state::starters(scene.observed, &scene.operations.acts, release);
    let (rows, at) = rows(scene, release, marked.map(|(_, deployment)| &deployment.arn), &starters, columns);
    let mut details = marked.map(|(_, deployment)| deployment::lines(scene, deployment, columns)).unwrap_or_default();
    if let Some((_, deployment)) = marked {
        details.splice(0..0, leads(scene, deployment, starters.get(&deployment.arn).copied(), columns));
        let bad = deployment.task_definition().and_then(|revision| release.known_against(revision));
        let bad = bad.map(|bad| format!("✖ {}: {bad}", bad.task_definition.tag()));
        details.splice(0..0, bad.map(|bad| scene.line(format::clip(&bad, columns), Role::Bad)));
    }
    let marked = marked.map(|(_, deployment)| deployment::name(deployment)).unwrap_or_default();
    table::draw(scene, Listing { title, headings: None, rows, at, marked, details }, buffer, area);
}

/// Renders the keys that lead on from the marked deployment, and a warning if another operator started the deployment.
fn leads(
    scene: &Canvas<'_>,
    deployment: &ServiceDeployment,
    starter: Option<Origin>,
    columns: usize,
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    if starter == Some(Origin::Others) {
        let text = "▲ somebody else started it: nothing that was ordered from here explains it";
        lines.push(scene.line(format::clip(text, columns), Role::Warn));
    }
    let Some(to) = deployment.task_definition() else { return lines };
    let compared = match &scene.screen.history.picked {
        Some(picked) if picked == to => "picked, space lets go of it".to_owned(),
        Some(picked) => format!("compares {} with it", picked.tag()),
        None => "compares it with what it replaced".to_owned(),
    };
    let key = |key: &str| scene.span(key.to_owned(), Role::Key);
    let mut spans = vec![key("d"), scene.dim(format!(" {compared} · "))];
    if scene.screen.history.picked.is_none() {
        spans.extend([key("space"), scene.dim(" picks it for d on another · ")]);
    }
    spans.extend([key("enter"), scene.dim(format!(" asks to roll back to {}", to.tag()))]);
    lines.push(format::fit(Line::from(spans), columns));
    lines
}

/// Returns every line of the list, and the index of the marked line.
fn rows(
    scene: &Canvas<'_>,
    release: &Release,
    marked: Option<&Arn>,
    starters: &BTreeMap<Arn, Origin>,
    columns: usize,
) -> (Vec<Line<'static>>, usize) {
    let mut lines = Vec::new();
    let mut at = 0;
    let pair = release.services().count() > 1;
    for (index, side) in release.services().enumerate() {
        let reading = scene.observed.snapshot.deployments.get(&side.service);
        if pair {
            let role = if index == 0 { ("stable", Role::Stable) } else { ("canary", Role::Canary) };
            let name = format::clip(&side.service.service, 50);
            lines.push(scene.heading(&name, vec![scene.span(role.0, role.1)], columns));
        }
        let fresh = age::of(scene, Source::Deployments, reading);
        match (reading.and_then(|reading| reading.get()), &fresh.fault) {
            (None, Some((_, fault))) => lines.extend(parts::fault_lines(scene, fault, columns)),
            (None, None) => lines.push(scene.line("not read yet", Role::Dim)),
            (Some(none), _) if none.is_empty() => {
                lines.push(scene.line("no history: ECS knows no deployment of the last 90 days", Role::Text));
            }
            (Some(deployments), fault) => {
                if let Some((_, fault)) = fault {
                    let why =
                        format::wrap(&format!("{}. {}", fault.headline(), fault.advice), columns.saturating_sub(2), 2);
                    lines.extend(why.into_iter().map(|text| scene.line(format!("✖ {text}"), Role::Bad)));
                }
                lines.push(headings(scene, columns));
                let find = &scene.screen.list(View::History).find;
                let shown = |it: &&ServiceDeployment| !find.only || find.matches(&history::state::Row(it).text());
                for deployment in deployments.iter().filter(shown) {
                    let here = marked == Some(&deployment.arn);
                    if here {
                        at = lines.len();
                    }
                    let others = starters.get(&deployment.arn) == Some(&Origin::Others);
                    let bad = deployment.task_definition().is_some_and(|it| release.known_against(it).is_some());
                    lines.push(row(scene, deployment, (here, others, bad), fresh.good(), columns));
                }
            }
        }
    }
    (lines, at)
}

/// Widths of the columns before the reason; the reason takes the rest.
fn widths(columns: usize) -> [usize; 6] {
    match columns {
        ..110 => [4, 10, 9, 10, 5, 17],
        110..170 => [5, 12, 14, 12, 8, 17],
        _ => [6, 14, 20, 42, 8, 17],
    }
}

fn headings(scene: &Canvas<'_>, columns: usize) -> Line<'static> {
    let names = ["age", "revision", "version", "strategy", "took", "outcome"];
    let mut text = "  ".to_owned();
    for (index, (name, width)) in names.into_iter().zip(widths(columns)).enumerate() {
        text.push_str(&if index == 0 { format::pad_left(name, width) } else { format::pad(name, width) });
        text.push(' ');
    }
    text.push_str("why");
    scene.line(text, Role::Dim)
}

/// Renders one deployment in one line. The flags: marked, started by another operator, revision known to be bad.
fn row(
    scene: &Canvas<'_>,
    deployment: &ServiceDeployment,
    (marked, others, bad): (bool, bool, bool),
    fresh: bool,
    columns: usize,
) -> Line<'static> {
    let now = scene.observed.now.at;
    let age = deployment.created_at.map_or("?".to_owned(), |at| format::age(now.duration_since(at)));
    let wide = columns >= 170;
    let strategy = match wide {
        true => deployment.configuration.describe(),
        false => deployment.configuration.strategy.to_string(),
    };
    let took = match (deployment.took(), deployment.created_at) {
        (Some(took), _) => format::age(took),
        (None, Some(at)) if !deployment.status.ended() => format!("{}+", format::age(now.duration_since(at))),
        _ => "?".to_owned(),
    };
    let (outcome, role) = deployment::outcome(deployment, fresh);
    let version = deployment::version(scene, deployment.target.as_deref());
    let [ages, revisions, versions, strategies, tooks, outcomes] = widths(columns);
    let cells = [
        (format::pad_left(&age, ages), Role::Text),
        (
            format::pad(&deployment::revisions(scene, deployment), revisions),
            if marked { Role::Marked } else { Role::Title },
        ),
        (format::pad(&version, versions), Role::Text),
        (format::pad(&strategy, strategies), Role::Dim),
        (format::pad(&took, tooks), Role::Text),
        (format::pad(&outcome, outcomes), role),
    ];
    let picked =
        scene.screen.history.picked.is_some() && scene.screen.history.picked.as_ref() == deployment.task_definition();
    let (sign, signed) = match (picked, bad, others) {
        (true, ..) => ("●", Role::Accent),
        (false, true, _) => ("✖", Role::Bad),
        (false, false, true) => ("▲", Role::Warn),
        (false, false, false) => (" ", Role::Text),
    };
    let mut spans = vec![scene.span(if marked { "▸" } else { " " }, Role::Accent), scene.span(sign, signed)];
    for (text, role) in cells {
        spans.push(scene.span(text, role));
        spans.push(Span::raw(" "));
    }
    let used = format::wide(&spans);
    let why = deployment::reason(deployment).unwrap_or_default();
    spans.push(scene.span(format::clip(&why, columns.saturating_sub(used)), Role::Text));
    Line::from(spans)
}
