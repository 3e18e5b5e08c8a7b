//! The fleet: every release of the environment, one line each, the releases that need an operator first.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::row;
use super::row::columns;
use super::state::Fleet;
use crate::console::screens::banner::Banner;
use crate::console::screens::release;
use crate::console::screens::release::view as screen;
use crate::console::view::middle;
use crate::console::widgets::canvas::{Canvas, put, split_top};
use crate::console::widgets::format;
use crate::console::widgets::parts::{fault_lines, typed};
use crate::console::widgets::theme::Role;
use crate::domain::release::Release;

/// Draws the fleet.
pub(crate) fn draw(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let (observed, fleet) = (scene.observed, &scene.screen.fleet);
    if observed.snapshot.services.get().is_none() {
        return not_read(scene, buffer, area);
    }
    let lines = fleet.lines(&observed.releases);
    let focus = scene.screen.focus(observed).map(|release| (&release.name, &release.stable.service));
    let marked = lines.iter().position(|release| Some((&release.name, &release.stable.service)) == focus);
    let (top, rest) = split_top(area, 2);
    put(buffer, top, 0, summary(scene, &lines, marked, area.width.into()));
    if lines.is_empty() {
        return nothing_listed(scene, buffer, rest);
    }
    // Room that the list does not need shows the marked release.
    let list = Listing { rule: rule_before(fleet, &lines), lines, marked };
    let (room, listed) = (usize::from(rest.height), list.rows());
    let preview = if room >= listed + 11 { room - listed - 1 } else { 0 };
    let (upper, below) = split_top(rest, u16::try_from(room - preview).unwrap_or(rest.height));
    list.draw(scene, buffer, (top, upper));
    if preview > 0
        && let Some(release) = marked.and_then(|index| list.lines.get(index))
    {
        look(scene, release, buffer, below);
    }
}

/// The index of the first release that is steady and needs nobody, if others stand before it.
fn rule_before(fleet: &Fleet, lines: &[&Release]) -> Option<usize> {
    let first = lines.iter().position(|release| is_quiet(release))?;
    (first > 0 && fleet.urgent_first()).then_some(first)
}

/// Returns true for a release that neither needs an operator nor is in flight.
fn is_quiet(release: &Release) -> bool {
    !release.needs_somebody() && !release.in_flight()
}

/// The releases, with a rule between those that need an operator or are in flight and the others.
struct Listing<'a> {
    lines: Vec<&'a Release>,
    /// The index of the release below the rule.
    rule: Option<usize>,
    /// The index of the marked release.
    marked: Option<usize>,
}

impl Listing<'_> {
    /// Number of rows: the releases and the rule.
    fn rows(&self) -> usize {
        self.lines.len() + usize::from(self.rule.is_some())
    }

    /// The row of a release.
    fn row_of(&self, index: usize) -> usize {
        index + usize::from(self.rule.is_some_and(|rule| rule <= index))
    }

    /// Draws the headings, the rows that have room, and a scroll mark at the right where not all have.
    fn draw(&self, scene: &Canvas<'_>, buffer: &mut Buffer, (top, area): (Rect, Rect)) {
        let (width, shown) = (usize::from(area.width), usize::from(area.height));
        let at = self.marked.map_or(0, |marked| self.row_of(marked));
        let first = at.saturating_sub(shown / 2).min(self.rows().saturating_sub(shown));
        let on_screen = |index: &usize| (first..first + shown).contains(&self.row_of(*index));
        let rows = self.lines.iter().enumerate().filter(|(index, _)| on_screen(index));
        let rows: Vec<_> = rows.map(|(index, release)| (index, *release, Banner::of(scene, release))).collect();
        let columns = columns(width, &self.lines, rows.iter().map(|(.., banner)| banner));
        put(buffer, top, 1, row::headings(scene, &columns));
        let row = |row: usize| u16::try_from(row - first).unwrap_or(u16::MAX);
        for (index, release, banner) in &rows {
            let marked = Some(*index) == self.marked;
            let line = row::line(scene, (release, banner), &columns, (is_quiet(release), marked));
            put(buffer, area, row(self.row_of(*index)), if marked { inverted(line, width) } else { line });
        }
        if let Some(rule) = self.rule.filter(|rule| (first..first + shown).contains(rule)) {
            put(buffer, area, row(rule), scene.heading("steady", Vec::new(), width));
        }
        let all = self.rows();
        if all > shown && shown > 0 && area.width > 0 {
            let mark = (first * shown.saturating_sub(1)).div_ceil((all - shown).max(1)).min(shown - 1);
            let edge = Rect { x: area.x + area.width - 1, width: 1, ..area };
            put(buffer, edge, u16::try_from(mark).unwrap_or(0), scene.line("┃", Role::Accent));
        }
    }
}

/// A line inverted as a whole: what was filled stays filled and goes on telling the state.
fn inverted(line: Line<'static>, columns: usize) -> Line<'static> {
    let line = format::filled(line.spans, columns, Style::new());
    let is_filled = |style: Style| style.bg.is_some() || style.add_modifier.contains(Modifier::REVERSED);
    let invert = |span: Span<'static>| match is_filled(span.style) {
        true => span,
        false => {
            // Colours and faint text are hard to read on an inverted line.
            let style = Style::new().add_modifier(Modifier::REVERSED | Modifier::BOLD);
            Span::styled(span.content, style)
        }
    };
    line.spans.into_iter().map(invert).collect()
}

fn nothing_listed(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let filter = scene.screen.fleet.find.text.value();
    let (what, todo) = match filter.is_empty() {
        true => (
            "no service here",
            "These clusters have none. Check --cluster, the region and the account above.".to_owned(),
        ),
        false => ("no service matches", format!("The filter is \"{}\"; esc clears it.", format::clip(filter, 40))),
    };
    middle(buffer, area, vec![scene.line(what, Role::Title), scene.line(todo, Role::Dim)]);
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
    let head = release::head::lines(scene, release, area.width.into(), true);
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

/// Renders the number of releases, the numbers that need an operator and are in flight, the filter, and at the right the
/// position of the mark.
fn summary(scene: &Canvas<'_>, lines: &[&Release], marked: Option<usize>, columns: usize) -> Line<'static> {
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
    if let Some(marked) = marked {
        let place = format!("{}/{} ", marked + 1, lines.len());
        let used = format::wide(&spans);
        spans.push(Span::raw(" ".repeat(columns.saturating_sub(used + format::width(&place)))));
        spans.push(scene.dim(place));
    }
    Line::from(spans)
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
