//! The banner of a release: its state, whom it concerns, one sentence in plain numbers, and the keys that matter.
//! It answers three questions before anything else: what is wrong, what `R` does, and whether to go on.

pub(crate) mod advice;
pub(crate) mod sentence;
pub(crate) mod state;

use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use self::advice::Advice;
use self::sentence::Fact;
use self::state::{Level, State};
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::theme::Role;
use crate::console::widgets::{age, format};
use crate::domain::release::Release;
use crate::domain::release::share::Percent;

/// Columns that a name has in any case.
const NAME: usize = 20;

/// Rows that the sentence may take: a reason is wrapped, not cut.
const SENTENCE_ROWS: usize = 3;

/// The banner of a release.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Banner {
    /// The state.
    pub state: State,
    /// The release's name.
    pub name: String,
    /// The version that the state is about.
    pub version: String,
    /// The canary's share of users, while a canary has any.
    pub share: Option<Percent>,
    /// The facts of the sentence, the weightiest first.
    pub facts: Vec<Fact>,
    /// The age of the data in words, if it is old or AWS does not answer.
    pub old: Option<String>,
}

impl Banner {
    /// The banner of a release.
    pub(crate) fn of(scene: &Canvas<'_>, release: &Release) -> Self {
        let state = State::of(scene, release);
        let world = age::world(scene);
        let shown = if matches!(state, State::Steady | State::RolledBack) { &release.stable } else { release.newest() };
        Self {
            state,
            name: release.name.clone(),
            version: shown.called(),
            share: release.share.configured.filter(|_| release.canary.is_some() && release.in_flight()),
            facts: sentence::facts(scene, release, state),
            old: (!world.good()).then(|| world.words()),
        }
    }

    /// The sentence: every fact that fits into `rows` rows, each whole, and always the first of them.
    fn sentence(&self, columns: usize, rows: usize) -> Vec<String> {
        let mut said: Vec<String> = Vec::new();
        for fact in &self.facts {
            let words = fact.words();
            let full = said.len() >= rows || format::width(&words) > columns;
            match said.last_mut() {
                None => said = format::wrap(&words, columns, SENTENCE_ROWS),
                Some(last) if format::width(last) + 3 + format::width(&words) <= columns => {
                    last.push_str(" · ");
                    last.push_str(&words);
                }
                Some(_) if full => {}
                Some(_) => said.push(words),
            }
        }
        said
    }

    /// The state in few words: for a list, where the word itself stands in a chip. What has no room is left out and not
    /// cut: the banner has it in full.
    pub(crate) fn brief(&self, columns: usize) -> String {
        let age = if self.old.is_some() { " (old)" } else { "" };
        let Some(fact) = self.facts.first() else { return age.trim_start().to_owned() };
        let brief = fact.brief();
        let full = fact.words();
        let head = brief.split(": ").next().unwrap_or_default().to_owned();
        let calm = self.state.level() == Level::Calm;
        let said = [if calm { brief.clone() } else { full }, brief, head];
        let fitting = said.into_iter().map(|text| format!("{text}{age}")).find(|text| format::width(text) <= columns);
        fitting.unwrap_or_else(|| format::clip(age.trim_start(), columns))
    }

    /// The role of the whole banner, if it is filled: old data is never filled, for it may have changed since.
    fn fill(&self) -> Option<Role> {
        self.state.fill().filter(|_| self.old.is_none())
    }

    /// The role of the state's word: the fill, else its colour without one.
    pub(crate) fn chip(&self) -> Role {
        match (&self.old, self.state.role()) {
            (None, role) => self.fill().unwrap_or(role),
            (Some(_), Role::Bad) => Role::Bad,
            (Some(_), _) => Role::Warn,
        }
    }
}

/// The lines of the banner, each as wide as the screen. `keys`: whether the keys are said here.
pub(crate) fn lines(scene: &Canvas<'_>, release: &Release, columns: usize, keys: bool) -> Vec<Line<'static>> {
    let banner = Banner::of(scene, release);
    let paint = Paint::of(scene, &banner);
    let mut lines = vec![subject(scene, &banner, release, &paint, columns)];
    let rows = if scene.screen.size.1 >= 24 { 2 } else { 1 };
    for text in banner.sentence(columns.saturating_sub(2), rows) {
        lines.push(paint.row(vec![Span::styled(format!(" {text}"), paint.text)], columns));
    }
    let advice = if keys { advice::advice(scene, release, banner.state) } else { Vec::new() };
    if !advice.is_empty() {
        lines.push(paint.row(offered(scene, &advice, &paint, columns), columns));
    }
    lines
}

/// The styles of a banner.
struct Paint {
    /// Sentences.
    text: Style,
    /// The state and the subject.
    title: Style,
    /// A key cap.
    cap: Style,
    /// Cells without text.
    blank: Style,
}

impl Paint {
    fn of(scene: &Canvas<'_>, banner: &Banner) -> Self {
        let style = |role| scene.theme.style(role);
        match banner.fill() {
            Some(role) => {
                let fill = style(role);
                let text = fill.remove_modifier(Modifier::BOLD);
                Self { text, title: fill, cap: scene.theme.cap(role), blank: text }
            }
            None => Self {
                text: style(Role::Text),
                title: style(banner.chip()).add_modifier(Modifier::BOLD),
                cap: style(Role::Key),
                blank: Style::new(),
            },
        }
    }

    /// A row as wide as the screen.
    fn row(&self, spans: Vec<Span<'static>>, columns: usize) -> Line<'static> {
        format::filled(spans, columns, self.blank)
    }
}

/// State, name, version and share; where there is room, how it is released and where.
fn subject(scene: &Canvas<'_>, banner: &Banner, release: &Release, paint: &Paint, columns: usize) -> Line<'static> {
    let shape = banner.state.shape();
    let mark = if shape == " " { String::new() } else { format!("{shape} ") };
    let version = format!(" {}", banner.version);
    let share = banner.share.map(|share| format!(" · {} of users", format::spaced(share)));
    let share = share.unwrap_or_default();
    let old = banner.old.as_ref().map(|old| format!(" · {old}")).unwrap_or_default();
    let word = format!(" {mark}{} ", banner.state.word());
    let room = |rest: &str| columns.saturating_sub(format::width(&word) + format::width(rest) + 2);
    // What is short of room goes before the name does.
    let short = if banner.old.is_some() { " · old" } else { "" };
    let rests = [format!("{version}{share}{old}"), format!("{version}{share}{short}"), format!("{version}{short}")];
    let named = format::width(&banner.name).min(NAME);
    let rest = rests.iter().find(|rest| room(rest) >= named).cloned().unwrap_or_else(|| short.to_owned());
    let name = format::clip_middle(&banner.name, room(&rest));
    let mut spans = vec![
        Span::styled(word, paint.title),
        Span::styled(format!(" {name}"), paint.title),
        Span::styled(format::clip(&rest, columns), paint.text),
    ];
    let used = format::wide(&spans);
    let place = format!("{} · cluster {} ", release.method, format::clip(&release.stable.service.cluster, 30));
    if let Some(gap) = columns.checked_sub(used + format::width(&place)).filter(|gap| *gap >= 2) {
        spans.push(Span::styled(" ".repeat(gap), paint.blank));
        let place_style = if banner.fill().is_some() { paint.text } else { scene.theme.style(Role::Dim) };
        spans.push(Span::styled(place, place_style));
    }
    paint.row(spans, columns)
}

/// The keys with their effects: the first at the left, the second from the middle on where that leaves room.
fn offered(scene: &Canvas<'_>, advice: &[Advice], paint: &Paint, columns: usize) -> Vec<Span<'static>> {
    let arrow = scene.theme.arrow();
    let words: Vec<_> = advice.iter().map(|it| it.effect.words(arrow)).collect();
    // A key cap with its gaps, and the words.
    let wide = |index: usize, length: usize| {
        let keys = advice.get(index).map_or(0, |it| format::width(&it.keys));
        keys + 4 + words.get(index).and_then(|words| words.get(length)).map_or(0, |words| format::width(words))
    };
    // The second key gives up words last: the first is often the longer one.
    let lengths = [[0, 0], [1, 0], [0, 1], [1, 1]];
    let fits = |lengths: &&[usize; 2]| wide(0, lengths[0]) + 2 + wide(1, lengths[1]) <= columns;
    let lengths = lengths.iter().find(fits).unwrap_or(&[1, 1]);
    let mut spans = Vec::new();
    let mut used = 0;
    for (index, (advice, length)) in advice.iter().zip(lengths).enumerate() {
        if index > 0 {
            let middle = columns * 3 / 5;
            let gap = middle.checked_sub(used).filter(|gap| *gap >= 2 && middle + wide(index, *length) <= columns);
            let gap = gap.unwrap_or(2);
            spans.push(Span::styled(" ".repeat(gap), paint.blank));
            used += gap;
        }
        let said = words.get(index).and_then(|words| words.get(*length)).cloned().unwrap_or_default();
        let style = if advice.advised { paint.title } else { paint.text };
        used += wide(index, *length);
        spans.push(Span::styled(" ", paint.blank));
        spans.push(Span::styled(format!(" {} ", advice.keys), paint.cap));
        spans.push(Span::styled(format!(" {said}"), style));
    }
    spans
}
