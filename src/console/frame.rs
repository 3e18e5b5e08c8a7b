//! The frame around every screen: the header, the status line and the keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::keymap::{Action, BINDINGS, Binding, Key, MARKS, Scope};
use crate::console::screen::{Screen, View};
use crate::console::screens::release;
use crate::console::screens::release::state::Plotted;
use crate::console::state::list::Find;
use crate::console::widgets::canvas::{Canvas, put};
use crate::console::widgets::operation::operation_line;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::console::wording::KEYS;
use crate::domain::release::Release;

/// Draws the environment, region, account and identity; then the age of the data, the time and the warnings. Where room
/// is short, environment, region, account and the read-only and protected badges stay.
pub(crate) fn header(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let observed = scene.observed;
    let place = &observed.place;
    let identity = observed.snapshot.identity.get();
    let account = match identity.map(|identity| identity.account.as_str()).or(Some(place.account.as_str())) {
        Some(account) if !account.is_empty() => account.to_owned(),
        _ => "account not known yet".to_owned(),
    };
    let world = age::world(scene);
    let live = match (&world.fault, world.age) {
        (None, None) => (freshness_reading(&world), Role::Dim),
        (None, Some(_)) if !world.old => (world.words(), Role::Good),
        _ => (world.words(), world.role()),
    };
    let zulu = observed.now.at.strftime("%H:%M:%SZ").to_string();
    // Where room is short, the part with the highest number is dropped first.
    let mut left = vec![
        (4, scene.span("tidegate", Role::Accent)),
        (0, scene.span(format::clip(&format!("{} {}", place.environment, place.region), 34), Role::Title)),
        (0, scene.text(format::clip(&account, 22))),
    ];
    if let Some(identity) = identity {
        left.push((5, scene.text(format::clip(&identity.short(), 40))));
    }
    let mut right = vec![(1, scene.span(live.0, live.1)), (3, scene.dim(zulu))];
    if observed.now.rate.is_fast() {
        right.push((2, scene.span(format!("clock {}", observed.now.rate), Role::Warn)));
    }
    if observed.settings.read_only {
        right.push((0, scene.span(" READ-ONLY ", Role::Badge)));
    }
    if observed.settings.protected {
        right.push((0, scene.span(" PROTECTED ", Role::Badge)));
    }
    let columns = usize::from(area.width);
    let taken = |parts: &[(u8, Span<'_>)], gap: usize| {
        parts.iter().map(|(_, span)| format::width(&span.content) + gap).sum::<usize>()
    };
    while taken(&left, 3) + taken(&right, 2) > columns + 3 {
        let highest = left.iter().chain(&right).map(|(rank, _)| *rank).max().unwrap_or(0);
        if highest == 0 {
            break;
        }
        left.retain(|(rank, _)| *rank != highest);
        right.retain(|(rank, _)| *rank != highest);
    }
    let mut line = join(scene, left);
    let right: Vec<_> = right.into_iter().flat_map(|(_, span)| [Span::raw("  "), span]).collect();
    let used: usize = line.iter().chain(&right).map(|span| format::width(&span.content)).sum();
    line.push(Span::raw(" ".repeat(columns.saturating_sub(used))));
    line.extend(right);
    put(buffer, area, 0, Line::from(line));
}

fn freshness_reading(world: &age::Freshness) -> String {
    format!(
        "reading {}…",
        if world.source == crate::console::poll_schedule::source::Source::Routes { "rules" } else { "services" }
    )
}

fn join(scene: &Canvas<'_>, parts: Vec<(u8, Span<'static>)>) -> Vec<Span<'static>> {
    let mut line = Vec::new();
    for (index, (rank, span)) in parts.into_iter().enumerate() {
        if index > 0 {
            let after_name = line.len() == 1 && rank == 0;
            line.push(if after_name { Span::raw("  ") } else { scene.dim(" · ") });
        }
        line.push(span);
    }
    line
}

/// Renders the countdown to an automatic act. The time and the way to stop the act are never cut.
pub(crate) fn countdown(scene: &Canvas<'_>, columns: usize) -> Option<Line<'static>> {
    let (_, countdown) = scene.operations.countdown(&scene.observed.now)?;
    let counting = scene.operations.automatic.values().filter(|this| this.countdown.is_some()).count();
    let left = countdown.left(&scene.observed.now);
    let seconds = left.as_secs() + i64::from(left.subsec_nanos() > 0);
    let more = if counting > 1 { format!(", {} more", counting - 1) } else { String::new() };
    let when = format!(" in {seconds} s{more} · any key stops it ");
    let badge = " AUTOMATIC ";
    let room = columns.saturating_sub(format::width(badge) + format::width(&when) + 2);
    Some(Line::from(vec![
        scene.span(badge, Role::BadBadge),
        scene.span(format!("  {}", format::clip(&countdown.title, room)), Role::Title),
        scene.span(when, Role::Warn),
    ]))
}

/// Renders the status in one line, or in two where a sentence needs them: a reason is not cut.
pub(crate) fn statuses(scene: &Canvas<'_>, release: Option<&Release>, columns: usize) -> Vec<Line<'static>> {
    // The pieces are bounded to what two lines can hold.
    format::fold(status(scene, release, columns * 2), columns, 2)
}

/// Renders the status line: the notice, else the operation in flight, else a failing source, else the end of the last
/// operation, else a known fault of the newest revision, else a condition of the release.
fn status(scene: &Canvas<'_>, release: Option<&Release>, columns: usize) -> Line<'static> {
    if let Some(notice) = &scene.screen.notice {
        let (shape, role) = if notice.wrong { ("✖ ", Role::Bad) } else { ("", Role::Title) };
        return Line::from(vec![scene.span(shape, role), scene.span(format::clip(&notice.text, columns), role)]);
    }
    let operation = release.and_then(|release| scene.operations.latest.get(&release.name));
    if let Some(operation) = operation.filter(|operation| operation.in_flight()) {
        return operation_line(scene, operation);
    }
    if let Some(release) = release {
        let failing = age::sources(scene, release).into_iter().find_map(|source| {
            let (_, fault) = source.fault.clone()?;
            Some((source, fault))
        });
        if let Some((source, fault)) = failing {
            return Line::from(vec![
                scene.span(format!("✖ {}: {}. ", age::name(&source.source), source.words()), Role::Bad),
                scene.text(format::clip(&fault.advice, columns)),
            ]);
        }
    }
    if let Some(operation) = operation {
        return operation_line(scene, operation);
    }
    if let Some(bad) = release.and_then(|release| release.known_against_newest()) {
        let text = format!("✖ {}: {bad}", bad.task_definition.tag());
        return scene.line(format::clip(&text, columns), Role::Bad);
    }
    // A release's own screen says its conditions.
    let elsewhere = release.filter(|_| !matches!(scene.screen.current, Screen::Release(_)));
    let odd = |release: &'_ Release| {
        release.other_conditions().find(|condition| !release::stages::tells(release, condition)).cloned()
    };
    match elsewhere.and_then(odd) {
        Some(condition) => {
            let text = condition.message(KEYS);
            Line::from(vec![scene.span("▲ ", Role::Warn), scene.span(format::clip(&text, columns), Role::Warn)])
        }
        None => Line::default(),
    }
}

/// Draws the keys that apply here, the most important first; `?` and `q` always have room.
pub(crate) fn footer(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let fleet = scene.screen.current == Screen::Fleet;
    let place = scene.screen.scope();
    let here = |binding: &&Binding| binding.scope.reaches(place);
    // The keys that move the mark and the shell's own keys are in the help only.
    let silent = |action| MARKS.contains(&action) || action == Action::Suspend;
    let always = [Action::Help, Action::Quit];
    // A key that would do nothing here is not offered.
    let tabs = scene.screen.release.zoom.is_some() || !release::view::shows_all(scene.screen.size);
    let percentiles = scene.screen.release.zoom.is_none_or(|plotted| plotted == Plotted::Latency);
    // A release's own screen has no list, and without a search there is no next match.
    let listed = |action| match action {
        Action::Find | Action::Sort | Action::Reverse => scene.screen.find().is_some(),
        Action::Waive => !scene.operations.pending.is_empty(),
        Action::FindNext | Action::FindPrevious => scene.screen.find().is_some_and(Find::active),
        _ => true,
    };
    let shown = |binding: &&Binding| {
        listed(binding.action)
            && !silent(binding.action)
            && (tabs || !matches!(binding.action, Action::Panel | Action::Verdict))
            && (percentiles || binding.action != Action::Percentile)
            && (!fleet || binding.action != Action::Back)
            && !matches!(binding.action, Action::View(view) if place == Scope::In(view))
    };
    let piece = |binding: &Binding| {
        let key = binding.keys.first().copied().map(Key::label).unwrap_or_default();
        [scene.span(key, Role::Key), scene.dim(format!(" {}", binding.word))]
    };
    let length = |piece: &[Span<'_>; 2]| piece.iter().map(|span| format::width(&span.content)).sum::<usize>() + 2;
    let mut all: Vec<_> = BINDINGS.iter().filter(here).filter(shown).collect();
    let zoomed = scene.screen.release.zoom.is_some() && place == Scope::Release;
    all.sort_by_key(|binding| if always.contains(&binding.action) { u8::MAX } else { missed(binding, place, zoomed) });
    let mut room = usize::from(area.width) + 2;
    let reserved: usize =
        all.iter().filter(|binding| always.contains(&binding.action)).map(|binding| length(&piece(binding))).sum();
    room = room.saturating_sub(reserved);
    let mut line = Vec::new();
    for binding in all {
        let piece = piece(binding);
        if !always.contains(&binding.action) {
            if length(&piece) > room {
                continue;
            }
            room -= length(&piece);
        }
        line.extend(piece);
        line.push(Span::raw("  "));
    }
    // A gap after the last key would be marked as cut text.
    line.pop();
    put(buffer, area, 0, Line::from(line));
}

/// Returns the rank of a key in the footer, lowest first: rollback, back and open; then the keys of this view; then the
/// next step; then tasks and logs, which explain a failure; then the other actions and views.
fn missed(binding: &Binding, place: Scope, zoomed: bool) -> u8 {
    match binding.action {
        Action::Rollback => 0,
        Action::Back | Action::Open => 1,
        _ if binding.scope == place && matches!(place, Scope::In(_)) => 2,
        Action::Zoom if zoomed => 2,
        Action::Step => 3,
        Action::View(View::Tasks | View::Logs) => 4,
        Action::Weight | Action::Start | Action::Finish => 5,
        Action::View(View::Diff | View::Events) => 6,
        Action::Find | Action::Zoom | Action::Palette => 7,
        Action::View(View::Targets | View::Alarms | View::History) | Action::AutoPromotion => 8,
        Action::Verdict | Action::Panel | Action::CopyMenu => 9,
        Action::Percentile | Action::Sort | Action::Copy => 10,
        Action::FindNext | Action::FindPrevious | Action::Reverse => 13,
        Action::Longer | Action::Shorter => 12,
        _ => 11,
    }
}

/// Draws the keys of the dialog on top.
pub(crate) fn dialog_footer(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect, keys: &[(&str, &str)]) {
    let line: Vec<_> = keys
        .iter()
        .flat_map(|(key, word)| [scene.span(*key, Role::Key), scene.dim(format!(" {word}")), Span::raw("  ")])
        .collect();
    put(buffer, area, 0, Line::from(line));
}
