//! The frame around every screen: the header, the status line and the keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::keymap::{Action, BINDINGS, Binding, Key, MARKS, Scope};
use crate::console::screen::{Screen, View};
use crate::console::screens::banner::advice;
use crate::console::screens::banner::state::State;
use crate::console::screens::release;
use crate::console::screens::release::state::Plotted;
use crate::console::state::list::Find;
use crate::console::widgets::canvas::{Canvas, put};
use crate::console::widgets::operation::operation_line;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::console::wording::KEYS;
use crate::domain::plan::Intent;
use crate::domain::release::{Method, Release};

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
    let used = format::wide(line.iter().chain(&right));
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
    // A FAIL that stays is in the banner already.
    let told = |release: &&Release| State::of(scene, release) == State::Fail;
    if let Some(bad) = release.filter(|release| !told(release)).and_then(|release| release.known_against_newest()) {
        let text = format!("✖ {}: {bad}", bad.task_definition.tag());
        return scene.line(format::clip(&text, columns), Role::Bad);
    }
    // A release's own screen says its conditions.
    let elsewhere = release.filter(|_| !matches!(scene.screen.current, Screen::Release(_)));
    let odd = elsewhere
        .and_then(|release| release.other_conditions().find(|condition| !release::stages::tells(release, condition)));
    match odd {
        Some(condition) => {
            let text = condition.message(KEYS);
            Line::from(vec![scene.span("▲ ", Role::Warn), scene.span(format::clip(&text, columns), Role::Warn)])
        }
        None => Line::default(),
    }
}

/// Draws the keys that apply here in three groups: acts, views, the program. The most important ones have room first;
/// `?` and `q` always have. The advised act is filled.
pub(crate) fn footer(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let place = scene.screen.scope();
    let zoomed = scene.screen.release.zoom.is_some() && place == Scope::Release;
    let mut all: Vec<_> = BINDINGS.iter().filter(|binding| offered(scene, binding, place)).collect();
    all.sort_by_key(|binding| if ALWAYS.contains(&binding.action) { 0 } else { 1 + missed(binding, place, zoomed) });
    // A gap after each key, and two separators.
    let length = |binding: &Binding| key_of(binding).chars().count() + format::width(binding.word) + 3;
    let mut room = usize::from(area.width).saturating_sub(2);
    all.retain(|binding| {
        let fits = length(binding) <= room + 2;
        if fits {
            room = room.saturating_sub(length(binding));
        }
        fits
    });
    let advised = scene.screen.focus(scene.observed).and_then(|release| advised(scene, release));
    let mut line: Vec<Span<'static>> = Vec::new();
    for group in [Group::Acts, Group::Views, Group::Program] {
        let mut keys: Vec<_> = all.iter().filter(|binding| Group::of(binding) == group).collect();
        keys.sort_by_key(|binding| missed(binding, place, zoomed));
        for (index, binding) in keys.into_iter().enumerate() {
            match (line.is_empty(), index) {
                (true, _) => {}
                (false, 0) => line.push(scene.dim(" │ ")),
                (false, _) => line.push(Span::raw("  ")),
            }
            let key = key_of(binding);
            if advised.as_deref() == Some(key.as_str()) {
                line.push(scene.span(format!("{key} {}", binding.word), Role::BusyBadge));
            } else {
                line.extend([scene.span(key, Role::Key), scene.dim(format!(" {}", binding.word))]);
            }
        }
    }
    put(buffer, area, 0, Line::from(line));
}

/// Actions that the footer always offers.
const ALWAYS: [Action; 2] = [Action::Help, Action::Quit];

/// The groups of keys in the footer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    /// Keys that may lead to a write.
    Acts,
    /// Keys that look at the release.
    Views,
    /// Keys of the program.
    Program,
}

impl Group {
    fn of(binding: &Binding) -> Self {
        match binding.action {
            action if action.acts() => Self::Acts,
            Action::Waive | Action::RollbackTo => Self::Acts,
            Action::Help | Action::Quit | Action::Back | Action::Palette | Action::Refresh => Self::Program,
            _ => Self::Views,
        }
    }
}

fn key_of(binding: &Binding) -> String {
    binding.keys.first().copied().map(Key::label).unwrap_or_default()
}

/// The key that the release's state asks for.
fn advised(scene: &Canvas<'_>, release: &Release) -> Option<String> {
    let advice = advice::advice(scene, release, State::of(scene, release));
    advice.into_iter().find(|it| it.advised)?.keys.chars().next().map(String::from)
}

/// Returns true if a key is offered here: a key that would do nothing is not.
fn offered(scene: &Canvas<'_>, binding: &Binding, place: Scope) -> bool {
    let fleet = scene.screen.current == Screen::Fleet;
    let zoom = scene.screen.release.zoom;
    let tabs = zoom.is_some() || !release::view::shows_all(scene.screen.size);
    let works = match binding.action {
        // The keys that move the mark and the shell's own keys are in the help only.
        action if MARKS.contains(&action) => false,
        Action::Suspend => false,
        // A release's own screen has no list, and without a search there is no next match.
        Action::Find | Action::Sort | Action::Reverse => scene.screen.find().is_some(),
        Action::FindNext | Action::FindPrevious => scene.screen.find().is_some_and(Find::active),
        Action::Waive => !scene.operations.pending.is_empty(),
        Action::Panel | Action::Verdict => tabs,
        Action::Percentile => zoom.is_none_or(|plotted| plotted == Plotted::Latency),
        Action::Back => !fleet,
        Action::View(view) => place != Scope::In(view),
        action => can_act(scene, action),
    };
    works && binding.scope.reaches(place)
}

/// Returns true if an act has a plan now. A rollback and a start are always offered: what they find is said.
fn can_act(scene: &Canvas<'_>, action: Action) -> bool {
    let Some(release) = scene.screen.focus(scene.observed) else { return true };
    let planned = |intent| scene.operations.plan(scene.observed, release, &intent).is_ok();
    match action {
        Action::Step => planned(Intent::Step { to: None }),
        Action::Finish => planned(Intent::Finish),
        // Another release would be refused until this deployment has ended.
        Action::Start => release.under_way().is_none() && !release.newest().rolling,
        Action::Weight => matches!(release.method, Method::Weighted | Method::NativeWeighted),
        _ => true,
    }
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
