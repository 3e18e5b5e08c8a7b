//! The confirmation of a plan, call by call.

use ratatui::text::{Line, Span};

use super::{effect, labelled};
use crate::console::dialogs::{Confirm, Consent};
use crate::console::screens::release;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::parts::typed;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format, operation};
use crate::console::wording::KEYS;
use crate::domain::analysis::VerdictStatus;
use crate::domain::plan::{Expect, Intent, Step};
use crate::domain::release::Release;

/// The detail of each step. A small screen shows less, but never leaves out a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Title, preconditions, call and expected result, a line each.
    Full,
    /// The call, with the preconditions and the expected result.
    Calls,
    /// One line a step.
    Short,
}

/// Lines of a dialog that belong together. The higher the rank, the sooner a small screen goes without them.
struct Part {
    rank: u8,
    lines: Vec<Line<'static>>,
}

/// Rows below which a dialog shows one reason of the verdict.
const SMALL: usize = 14;
/// Rank of what is always shown: what changes, the verdict's objections, the location, the consent.
const ALWAYS: u8 = 0;
/// Rank of warnings: where they have no room, the dialog says so.
const WARNINGS: u8 = 1;

/// The change for users, the verdict, the way back, the target location and the consent; the calls where the operator
/// asks for them. Where letters are typed there is no key for that: the calls are shown as far as there is room.
pub(super) fn lines(scene: &Canvas<'_>, confirm: &Confirm, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let mut parts = vec![
        Part { rank: ALWAYS, lines: changes(scene, confirm, columns) },
        Part { rank: 4, lines: vec![Line::default()] },
    ];
    parts.extend(tail(scene, confirm, columns, rows));
    let least: usize = parts.iter().map(|part| part.lines.len()).sum();
    if confirm.details {
        // Whoever asks for the calls sees them before anything that may be left out.
        let kept: usize = parts.iter().filter(|part| part.rank <= WARNINGS).map(|part| part.lines.len()).sum();
        let room = rows.saturating_sub(least).max(rows.saturating_sub(kept)).max(1);
        parts.insert(2, Part { rank: ALWAYS, lines: calls(scene, confirm, columns, room) });
    } else if confirm.consent.accepts_text() && rows > least {
        parts.insert(2, Part { rank: 5, lines: calls(scene, confirm, columns, rows - least) });
    }
    fitted(scene, parts, rows)
}

/// The parts that have room, in their order. Left-out warnings are said to be there.
fn fitted(scene: &Canvas<'_>, mut parts: Vec<Part>, rows: usize) -> Vec<Line<'static>> {
    let height = |parts: &[Part]| parts.iter().map(|part| part.lines.len()).sum::<usize>();
    while height(&parts) > rows {
        let worst = parts.iter().map(|part| part.rank).max().filter(|rank| *rank > ALWAYS);
        let Some(at) = worst.and_then(|worst| parts.iter().rposition(|part| part.rank == worst)) else { break };
        let hidden = parts.remove(at);
        if hidden.rank == WARNINGS && hidden.lines.len() > 1 {
            let more = scene.line("▲ warnings: a larger screen shows them", Role::Warn);
            parts.insert(at, Part { rank: ALWAYS, lines: vec![more] });
        }
    }
    parts.into_iter().flat_map(|part| part.lines).collect()
}

/// The plan's change for users. With nothing in flight, that is said first.
fn changes(scene: &Canvas<'_>, confirm: &Confirm, columns: usize) -> Vec<Line<'static>> {
    let plan = &confirm.plan;
    let Some(release) = scene.observed.release(&plan.release) else { return Vec::new() };
    let texts = [
        effect::at_rest(scene, plan, release).map(|text| (text, Role::Warn)),
        Some((effect::of(scene, plan, release), Role::Title)),
    ];
    let wrapped = |(text, role): (String, Role)| {
        format::wrap(&text, columns, 2).into_iter().map(move |row| scene.line(row, role))
    };
    texts.into_iter().flatten().flat_map(wrapped).collect()
}

/// The steps in as much detail as the rows allow.
fn calls(scene: &Canvas<'_>, confirm: &Confirm, columns: usize, room: usize) -> Vec<Line<'static>> {
    let all = |detail| -> Vec<Line<'static>> {
        let steps = confirm.plan.steps.iter().enumerate();
        steps.flat_map(|(index, step)| self::step(scene, index, step, detail, columns)).collect()
    };
    let details = [Detail::Full, Detail::Calls, Detail::Short];
    let mut lines =
        details.into_iter().map(all).find(|lines| lines.len() <= room).unwrap_or_else(|| all(Detail::Short));
    // A plan with more steps than rows says how many are hidden.
    if lines.len() > room {
        let hidden = lines.len() - room.saturating_sub(1);
        lines.truncate(room.saturating_sub(1));
        lines.push(scene.line(format!("… and {}", format::many(hidden, "more step")), Role::Warn));
    }
    lines
}

fn expects(expects: &[Expect]) -> String {
    expects.iter().map(Expect::describe).collect::<Vec<_>>().join(", ")
}

fn step(scene: &Canvas<'_>, index: usize, step: &Step, detail: Detail, columns: usize) -> Vec<Line<'static>> {
    let number = format!("{} ", index + 1);
    let title = operation::title(index, &step.title).to_owned();
    let call = step.call.as_ref().map(|call| call.describe());
    // A call is never cut: its text takes as many lines as needed.
    let wrapped = |label: &str, text: &str, role: Role, label_role: Role| -> Vec<Line<'static>> {
        let room = columns.saturating_sub(format::width(label));
        let rows = format::wrap(text, room, 4).into_iter().enumerate();
        rows.map(|(index, text)| {
            let label = if index == 0 { label.to_owned() } else { " ".repeat(format::width(label)) };
            Line::from(vec![scene.span(label, label_role), scene.span(text, role)])
        })
        .collect()
    };
    let part = |label: &str, text: String, role: Role| wrapped(&format!("   {label}"), &text, role, Role::Dim);
    let first = |text: &str, role: Role| wrapped(&format::pad(&number, 3), text, role, Role::Accent);
    let hold = if step.hold.is_zero() { String::new() } else { format!(", for {} s", step.hold.as_secs()) };
    let read_back = format!("{}{hold}", expects(&step.after));
    match detail {
        Detail::Full => {
            let mut lines = first(&title, Role::Title);
            if !step.before.is_empty() {
                lines.extend(part("waits for  ", expects(&step.before), Role::Text));
            }
            lines.extend(call.into_iter().flat_map(|call| part("call       ", call, Role::Text)));
            if !step.after.is_empty() {
                lines.extend(part("read back  ", read_back, Role::Dim));
            }
            lines
        }
        Detail::Calls => {
            let mut lines = match &call {
                Some(call) => first(call, Role::Text),
                None => first(&title, Role::Dim),
            };
            let waits = match (step.before.is_empty(), step.after.is_empty()) {
                (false, _) => format!("after {}; then {read_back}", expects(&step.before)),
                (true, false) => format!("then {read_back}"),
                (true, true) => return lines,
            };
            let waits = format::clip(&waits, columns.saturating_sub(3));
            lines.push(Line::from(vec![Span::raw("   "), scene.dim(waits)]));
            lines
        }
        Detail::Short => match call {
            Some(call) => first(&call, Role::Text),
            None => first(&title, Role::Dim),
        },
    }
}

/// The part that is always shown: the gate, warnings, the verdict where it applies, the location, and the consent.
fn tail(scene: &Canvas<'_>, confirm: &Confirm, columns: usize, rows: usize) -> Vec<Part> {
    let plan = &confirm.plan;
    let release = scene.observed.release(&plan.release);
    let place = format::clip(&format!("{} in {}", plan.release, plan.place), columns.saturating_sub(9));
    let part = |rank, lines: Vec<Line<'static>>| Part { rank, lines };
    vec![
        part(ALWAYS, gate(scene, confirm, columns, rows)),
        part(WARNINGS, warnings(scene, confirm, columns, rows)),
        part(3, release.map(|release| judged(scene, confirm, release, columns)).unwrap_or_default()),
        part(ALWAYS, vec![labelled(scene, "for", vec![scene.span(place, Role::Title)])]),
        part(4, vec![Line::default()]),
        part(2, other_way(scene, confirm).into_iter().collect()),
        part(ALWAYS, vec![consent(scene, confirm, columns)]),
    ]
}

/// The plan's warnings; of a rollback, what is known of its readiness.
fn warnings(scene: &Canvas<'_>, confirm: &Confirm, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let plan = &confirm.plan;
    let mut lines = Vec::new();
    for warning in plan.warnings.iter().take(4) {
        for (index, text) in format::wrap(&warning.text(KEYS), columns.saturating_sub(2), 2).into_iter().enumerate() {
            lines.push(Line::from(vec![
                scene.span(if index == 0 { "▲ " } else { "  " }, Role::Warn),
                scene.span(text, Role::Warn),
            ]));
        }
    }
    if let Some(release) = scene.observed.release(&plan.release)
        && plan.intent.is_rollback()
    {
        // The durations of past deployments say nothing about a rollback that sets the strategy aside.
        let timed = !matches!(plan.intent, Intent::Rollback { at_once: true, .. });
        lines.extend(release::readiness::brief(scene, release, timed, columns, rows / 2));
    }
    lines
}

/// The verdict where nothing speaks against it, and the way back.
fn judged(scene: &Canvas<'_>, confirm: &Confirm, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let plan = &confirm.plan;
    let moves = plan.share.is_some_and(|share| !share.is_zero()) && !plan.intent.is_rollback();
    let verdict = (moves && plan.gate.is_none()).then(|| labelled(scene, "verdict", verdict(scene, release)));
    let back = effect::way_back(scene, plan, release).map(|back| {
        let text = format::clip(&back, columns.saturating_sub(9));
        labelled(scene, "way back", vec![scene.text(text)])
    });
    verdict.into_iter().chain(back).collect()
}

/// The keys for another plan: the next alternative, worded by its difference, and another revision.
fn other_way(scene: &Canvas<'_>, confirm: &Confirm) -> Option<Line<'static>> {
    let next = confirm.next_way().map(|next| match next {
        Intent::Rollback { at_once: true, .. } => "instead: at once, its strategy set aside",
        Intent::Rollback { .. } => "instead: by its own strategy, step by step",
        Intent::Start { pauses: true, .. } => "instead: pause before each step, for this release",
        _ => "instead: by its own strategy as it is",
    });
    let choose = confirm.can_choose(scene.observed).then_some(("c", "choose another revision"));
    let what = if confirm.details { "hide the calls" } else { "the calls, step by step" };
    let calls = (!confirm.consent.accepts_text()).then_some(("d", what));
    let offers: Vec<_> = next.map(|next| ("tab", next)).into_iter().chain(choose).chain(calls).collect();
    let mut spans = Vec::new();
    for (key, what) in &offers {
        spans.extend([scene.span(*key, Role::Key), scene.text(format!(" {what}     "))]);
    }
    (!offers.is_empty()).then(|| Line::from(spans))
}

/// The verdict on the canary, in one line.
fn verdict(scene: &Canvas<'_>, release: &Release) -> Vec<Span<'static>> {
    if release::verdict::of_stable(release) {
        return vec![scene.dim("the canary has had no traffic to be judged by")];
    }
    let verdict = &release.verdict;
    let usable = age::metrics(scene, release).is_some_and(|source| source.good());
    let role = if usable { release::verdict::role(release) } else { Role::Dim };
    let mut value = vec![scene.span(verdict.outcome.word(), role)];
    value.push(scene.text(match verdict.judged.error_percent {
        Some(rate) => format!("  errors {} of {} requests", format::rate(rate), format::count(verdict.judged.requests)),
        None => "  no data".to_owned(),
    }));
    if let Some(p95) = verdict.judged.p95 {
        value.push(scene.text(format!(", p95 {}", format::latency(p95))));
    }
    if !usable {
        value.push(scene.span("  (old)", Role::Warn));
    }
    value
}

/// The gate's reasons, the most serious first; at least the first line of each is shown.
fn gate(scene: &Canvas<'_>, confirm: &Confirm, columns: usize, rows: usize) -> Vec<Line<'static>> {
    let Some(gate) = &confirm.plan.gate else { return Vec::new() };
    let (shape, role) = match gate.outcome {
        VerdictStatus::Fail => ("✖", Role::Bad),
        VerdictStatus::Inconclusive | VerdictStatus::Pass => ("○", Role::Warn),
    };
    let mut heading = vec![scene.span(format!("{shape} the verdict is {}", gate.outcome.word()), role)];
    let release = scene.observed.release(&confirm.plan.release);
    let source = release.and_then(|release| age::metrics(scene, release));
    if let Some(source) = source.filter(|source| !source.good()) {
        heading.push(scene.span(format!("  ({})", source.words()), Role::Warn));
    }
    let mut lines = vec![Line::from(heading)];
    // The gate's reasons get more rows than the expected results.
    let small = rows < SMALL;
    for (index, reason) in gate.reasons.iter().take(if small { 1 } else { 4 }).enumerate() {
        let most = if !small && index == 0 || rows >= 24 { 3 } else { 2 };
        for (row, text) in format::wrap(reason, columns.saturating_sub(4), most).into_iter().enumerate() {
            lines.push(Line::from(vec![scene.dim(if row == 0 { "  · " } else { "    " }), scene.text(text)]));
        }
    }
    lines
}

fn consent(scene: &Canvas<'_>, confirm: &Confirm, columns: usize) -> Line<'static> {
    let release = &confirm.plan.release;
    match &confirm.consent {
        Consent::Reason { why, .. } => {
            let word = confirm.plan.gate.as_ref().map_or("PASS", |gate| gate.outcome.word());
            let mut line =
                vec![scene.span(" PROTECTED ", Role::Badge), scene.text(format!(" {word}: why all the same? "))];
            line.extend(typed(scene, why, columns / 2, true));
            if confirm.reason().is_some() {
                line.push(scene.span("  ✓ enter", Role::Good));
            }
            Line::from(line)
        }
        consent => {
            let forward = if confirm.plan.intent.is_rollback() { "roll back" } else { "carry it out" };
            yes_or_name(scene, consent, release, forward, columns)
        }
    }
}

/// The question for consent: `y`, or the release's name.
pub(super) fn yes_or_name(
    scene: &Canvas<'_>,
    consent: &Consent,
    release: &str,
    yes: &str,
    columns: usize,
) -> Line<'static> {
    let Consent::Name(input) = consent else {
        return Line::from(vec![
            scene.span("y", Role::Key),
            scene.text(format!(" {yes}     ")),
            scene.span("n", Role::Key),
            scene.text(" cancel"),
        ]);
    };
    let mut line = vec![
        scene.span(" PROTECTED ", Role::Badge),
        scene.text(" type "),
        scene.span(format::clip(release, columns / 3), Role::Title),
        scene.text(", then enter: "),
    ];
    line.extend(typed(scene, input, columns / 3, true));
    if consent.names(release) {
        line.push(scene.span("  ✓ enter", Role::Good));
    }
    Line::from(line)
}
