//! What frames every screen: where the operator is, the line that tells something, and the keys.

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::canvas::{Canvas, put};
use super::theme::Role;
use super::{age, format, status};
use crate::console::dialogs::view::MARKS;
use crate::console::keymap::{Action, BINDINGS, Binding, Key, Scope};
use crate::console::state::list::Find;
use crate::console::state::operation::{Operation, OperationOutcome, StepState};
use crate::console::state::{Plotted, Screen};
use crate::domain::plan::Plan;
use crate::domain::release::Release;

/// Environment, region, account, who; how old the data is, the time, what is special here. The account and
/// the warnings are the last to go where there is no room.
pub fn header(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let model = scene.model;
    let place = &model.place;
    let identity = model.snapshot.identity.get();
    let account = match identity.map(|identity| identity.account.as_str()).or(Some(place.account.as_str())) {
        Some(account) if !account.is_empty() => account.to_owned(),
        _ => "account not known yet".to_owned(),
    };
    let world = age::world(scene);
    let live = match (&world.fault, world.age) {
        (None, None) => (freshness_reading(&world), Role::Dim),
        (None, Some(_)) if !world.old => (format!("live {}", world.words()), Role::Good),
        _ => (world.words(), world.role()),
    };
    let zulu = model.now.at.strftime("%H:%M:%SZ").to_string();
    // What goes first where room is short has the highest number.
    let mut left = vec![
        (4, scene.span("tidegate", Role::Accent)),
        (0, scene.span(format::clip(&format!("{} {}", place.environment, place.region), 34), Role::Title)),
        (0, scene.text(format::clip(&account, 22))),
    ];
    if let Some(identity) = identity {
        left.push((5, scene.text(format::clip(&identity.short(), 40))));
    }
    let mut right = vec![(1, scene.span(live.0, live.1)), (3, scene.dim(zulu))];
    if model.now.rate.is_fast() {
        right.push((2, scene.span(format!("clock {}", model.now.rate), Role::Warn)));
    }
    if model.settings.read_only {
        right.push((0, scene.span(" READ-ONLY ", Role::Badge)));
    }
    if model.settings.protected {
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
        if world.source == crate::console::poll_schedule::Source::Routes { "rules" } else { "services" }
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

/// What is about to be done by itself, and how to stop it: the time and the way to stop it are never cut.
pub fn countdown(scene: &Canvas<'_>, columns: usize) -> Option<Line<'static>> {
    let (_, countdown) = scene.model.countdown()?;
    let counting = scene.model.automatic.values().filter(|this| this.countdown.is_some()).count();
    let left = countdown.left(&scene.model.now);
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

/// How long it is said why automatic stepping went off, once nothing is under way any more.
const TOLD_FOR: SignedDuration = SignedDuration::from_hours(1);

/// Automatic stepping of a release, where it is on, or was switched off by something else than `H`.
pub fn automatic(scene: &Canvas<'_>, release: &Release, columns: usize) -> Option<Line<'static>> {
    let model = scene.model;
    let time = |at: jiff::Timestamp| at.strftime("%H:%MZ").to_string();
    let label = |text: &str, role| scene.span(format::pad(text, crate::console::screens::release::head::LABEL), role);
    let room = columns.saturating_sub(crate::console::screens::release::head::LABEL);
    if let Some(on) = model.automatic.get(&release.name) {
        let text = format!("AUTOMATIC since {}: {}", time(on.since), on.says);
        return Some(Line::from(vec![label("● H", Role::Accent), scene.text(format::clip(&text, room))]));
    }
    // What it did by itself is read by whoever comes to the screen later.
    let told = |at| release.in_flight() || model.now.since(at) < TOLD_FOR;
    let off = model.switched_off.get(&release.name).filter(|off| told(off.at))?;
    let role = if off.wrong { Role::Warn } else { Role::Dim };
    let text = format!("automatic is off since {}: {}", time(off.at), off.why);
    Some(Line::from(vec![label("○ H", role), scene.span(format::clip(&text, room), role)]))
}

/// The line that tells something: the notice, else the operation in flight, else a source that fails, else
/// how the last operation ended.
pub fn status(scene: &Canvas<'_>, release: Option<&Release>, columns: usize) -> Line<'static> {
    if let Some(notice) = &scene.model.notice {
        let (shape, role) = if notice.wrong { ("✖ ", Role::Bad) } else { ("", Role::Title) };
        return Line::from(vec![scene.span(shape, role), scene.span(format::clip(&notice.text, columns), role)]);
    }
    let operation = release.and_then(|release| scene.model.operations.get(&release.name));
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
    match release.and_then(|release| release.other_remarks().next()) {
        Some(remark) => {
            Line::from(vec![scene.span("▲ ", Role::Warn), scene.span(format::clip(remark, columns), Role::Warn)])
        }
        None => Line::default(),
    }
}

/// An operation in one line.
pub fn operation_line(scene: &Canvas<'_>, operation: &Operation) -> Line<'static> {
    let verb = operation.plan.intent.verb();
    let read_back = operation
        .key_to_read_back()
        .map(|span| {
            format!(
                ", key {} read back {}",
                scene.theme.arrow(),
                format::seconds(scene.model.now.rate.operator_time(span))
            )
        })
        .unwrap_or_default();
    let Some((at, outcome)) = &operation.outcome else {
        let (step, of) = status::progress(operation);
        let at = step.saturating_sub(1);
        let (state, role) =
            operation.steps.get(at).map_or((String::new(), Role::Text), |state| step_words(scene, state));
        let title = operation.plan.steps.get(at).map_or("", |step| title(at, &step.title));
        return Line::from(vec![
            scene.span(format!("● {verb}: step {step} of {of} "), Role::Accent),
            scene.span(state, role),
            scene.span(read_back, Role::Good),
            scene.dim(format!(" · {}", format::clip(title, 80))),
        ]);
    };
    let (text, role) = outcome_words(&operation.plan, outcome);
    let shape = match outcome {
        OperationOutcome::Done if operation.plan.only_begins() => "●",
        OperationOutcome::Done => "✓",
        _ => "✖",
    };
    Line::from(vec![
        scene.span(format!("{shape} {verb} {text}"), role),
        scene.text(read_back),
        scene.dim(format!(", {} ago", format::age(scene.model.now.since(*at)))),
    ])
}

/// A step's title without its number, which some plans put there themselves.
pub fn title(index: usize, title: &str) -> &str {
    title.strip_prefix(&format!("{} ", index + 1)).unwrap_or(title)
}

/// An outcome in words.
pub fn outcome_words(plan: &Plan, outcome: &OperationOutcome) -> (String, Role) {
    match outcome {
        // Read back is that it began; the screen shows how it goes on.
        OperationOutcome::Done if plan.only_begins() => ("begun".to_owned(), Role::Accent),
        OperationOutcome::Done => ("done".to_owned(), Role::Good),
        OperationOutcome::Refused { step, fault } => {
            (format!("refused at step {}: {}", step + 1, fault.headline()), Role::Bad)
        }
        OperationOutcome::Failed { step, reason } => (format!("failed at step {}: {reason}", step + 1), Role::Bad),
        OperationOutcome::Unknown { step, fault } => {
            (format!("OUTCOME UNKNOWN at step {}: {}", step + 1, fault.headline()), Role::Bad)
        }
        OperationOutcome::Superseded => ("gave way to another operation".to_owned(), Role::Warn),
    }
}

/// A step's state in words.
pub fn step_words(scene: &Canvas<'_>, state: &StepState) -> (String, Role) {
    let ago = |at| format::seconds(scene.model.now.since(at));
    match state {
        StepState::Pending => ("pending".to_owned(), Role::Dim),
        StepState::Waiting(what) => (format!("waiting: {what}"), Role::Warn),
        StepState::Sent(at) => (format!("sent {} ago, no answer yet", ago(*at)), Role::Warn),
        StepState::Answered(..) => ("answered, reading back".to_owned(), Role::Accent),
        StepState::Unknown(_, fault) => (format!("UNKNOWN ({}): reading back", fault.kind.word()), Role::Bad),
        StepState::Verified(_) => ("read back ✓".to_owned(), Role::Good),
        StepState::Stopped => ("stopped".to_owned(), Role::Bad),
    }
}

/// The keys that mean something here, those that act first; `R`, `?` and `q` always.
pub fn footer(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect) {
    let fleet = scene.model.screen == Screen::Fleet;
    let place = scene.model.scope();
    let here = |binding: &&Binding| binding.scope.reaches(place);
    // What moves the mark and the shell's own keys are in the help.
    let silent = |action| MARKS.contains(&action) || action == Action::Suspend;
    let always = [Action::Help, Action::Quit];
    // A key that would do nothing here is not offered.
    let tabs = scene.model.zoom.is_some() || !crate::console::screens::release::view::shows_all(scene.model.size);
    let percentiles = scene.model.zoom.is_none_or(|plotted| plotted == Plotted::Latency);
    // A release's own screen has no list, and what was not looked for has no next.
    let listed = |action| match action {
        Action::Find | Action::Sort | Action::Reverse => scene.model.find().is_some(),
        Action::FindNext | Action::FindPrevious => scene.model.find().is_some_and(Find::active),
        _ => true,
    };
    let shown = |binding: &&Binding| {
        listed(binding.action)
            && !silent(binding.action)
            && (tabs || binding.action != Action::Panel)
            && (percentiles || binding.action != Action::Percentile)
            && (!fleet || binding.action != Action::Back)
            && binding.action.view().is_none_or(|view| place != Scope::In(view))
    };
    let piece = |binding: &Binding| {
        let key = binding.keys.first().copied().map(Key::label).unwrap_or_default();
        [scene.span(key, Role::Key), scene.dim(format!(" {}", binding.word))]
    };
    let length = |piece: &[Span<'_>; 2]| piece.iter().map(|span| format::width(&span.content)).sum::<usize>() + 2;
    let mut all: Vec<_> = BINDINGS.iter().filter(here).filter(shown).collect();
    let zoomed = scene.model.zoom.is_some() && place == Scope::Release;
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
    // What is not there is not said to be cut.
    line.pop();
    put(buffer, area, 0, Line::from(line));
}

/// How soon a key would be missed that is not shown: the way back and the next step first, then what is of this very
/// place, then where to look why, then the other ways to act and to look.
fn missed(binding: &Binding, place: Scope, zoomed: bool) -> u8 {
    match binding.action {
        Action::Rollback => 0,
        Action::Back | Action::Open => 1,
        _ if binding.scope == place && matches!(place, Scope::In(_)) => 2,
        Action::Zoom if zoomed => 2,
        Action::Step => 3,
        Action::Tasks | Action::Logs => 4,
        Action::Weight | Action::Start | Action::Finish => 5,
        Action::Diff | Action::Events => 6,
        Action::Find | Action::Zoom | Action::Palette => 7,
        Action::Targets | Action::Alarms | Action::History | Action::Automatic => 8,
        Action::Panel | Action::Outside => 9,
        Action::Percentile | Action::Sort | Action::Copy => 10,
        Action::FindNext | Action::FindPrevious | Action::Reverse => 13,
        Action::Longer | Action::Shorter => 12,
        _ => 11,
    }
}

/// The keys of a question, where one is on top.
pub fn dialog_footer(scene: &Canvas<'_>, buffer: &mut Buffer, area: Rect, keys: &[(&str, &str)]) {
    let line: Vec<_> = keys
        .iter()
        .flat_map(|(key, word)| [scene.span(*key, Role::Key), scene.dim(format!(" {word}")), Span::raw("  ")])
        .collect();
    put(buffer, area, 0, Line::from(line));
}
