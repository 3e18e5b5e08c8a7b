//! The effects of actions.

use super::commands;
use super::pending_rollback;
use crate::console::dialogs::Dialog;
use crate::console::dialogs::palette::Palette;
use crate::console::keymap::Action;
use crate::console::links::CopyMenu;
use crate::console::message::Effect;
use crate::console::poll_schedule::source::Source;
use crate::console::screen::{Screen, View};
use crate::console::screens;
use crate::console::screens::logs::state::Logs;
use crate::console::screens::release::state::{Panel, Plotted};
use crate::console::screens::{events, history, tasks};
use crate::console::state::Model;
use crate::console::state::list::List;
use crate::console::text_field::next;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan::Intent;
use crate::domain::release::Release;
use crate::domain::text;

/// Performs the action of a key or of a palette line.
pub(crate) fn dispatch(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Step | Action::Rollback | Action::Weight | Action::Start | Action::Finish | Action::AutoPromotion => {
            return act(model, action);
        }
        Action::RollbackTo => return rollback_to_marked(model),
        Action::Open => open_marked(model),
        Action::Back => back(model),
        Action::View(view) => look_at(model, view),
        Action::Raw | Action::Reveal | Action::Unfold => change_diff(model, action),
        Action::Pick => pick(model),
        Action::Kinds => next_kinds(model),
        Action::LogOfTask => open_log_of_task(model),
        Action::Sides | Action::Follow | Action::Hold | Action::FirstError => model.dispatch_to_log(action),
        Action::CopyMenu => return open_copy_menu(model),
        Action::Palette => model.screen.dialog = Some(Dialog::Palette(Palette::default())),
        Action::Find => {
            if let Some(find) = model.screen.find_mut() {
                (find.typing, find.only) = (true, true);
            }
        }
        Action::Up
        | Action::Down
        | Action::First
        | Action::Last
        | Action::PageUp
        | Action::PageDown
        | Action::FindNext
        | Action::FindPrevious
        | Action::Sort
        | Action::Reverse => model.moved(action),
        Action::Percentile | Action::Panel | Action::Verdict | Action::Zoom | Action::Longer | Action::Shorter => {
            change_plots(model, action);
        }
        Action::Refresh => {
            model.polls.all_due();
            model.say("reading everything again", false);
        }
        Action::Copy => return copy(model),
        Action::Help => model.screen.dialog = Some(Dialog::Help { top: 0 }),
        Action::Waive => return pending_rollback::waive(model).into_iter().collect(),
        Action::Suspend => return vec![Effect::Suspend],
        Action::Quit => return commands::quit(model, false),
    }
    Vec::new()
}

/// The actions that may lead to a write.
fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Rollback => return commands::rollback(model),
        Action::AutoPromotion => return commands::ask_automatic(model).into_iter().collect(),
        Action::Step => commands::step(model),
        Action::Finish => commands::propose(model, Intent::Finish),
        Action::Weight => commands::ask_weight(model),
        Action::Start => commands::ask_revision(model),
        _ => {}
    }
    Vec::new()
}

fn rollback_to_marked(model: &mut Model) -> Vec<Effect> {
    let marked = model.focus().and_then(|release| Some((release.name.clone(), marked_revision(model, release)?)));
    match marked {
        Some((name, to)) => commands::rollback_to(model, &name, to),
        None => {
            model.say("no revision is known of what is marked", true);
            Vec::new()
        }
    }
}

fn open_marked(model: &mut Model) {
    if let Some(name) = model.focus().map(|release| release.name.clone()) {
        model.open(Screen::Release(name));
    }
}

/// Leaves a zoomed plot, a search or raw JSON; otherwise the screen.
fn back(model: &mut Model) {
    let screen = &mut model.screen;
    if screen.release.zoom.is_some() && matches!(screen.current, Screen::Release(_)) {
        screen.release.zoom = None;
        return;
    }
    let raw = screen.diff.raw && !screen.diff.opened_raw && matches!(screen.current, Screen::View(View::Diff, _));
    match screen.find_mut().filter(|find| find.active()) {
        Some(find) => find.clear(),
        None if raw => screen.diff.raw = false,
        None => model.back(),
    }
}

fn change_diff(model: &mut Model, action: Action) {
    match action {
        Action::Raw if !matches!(model.screen.current, Screen::View(View::Diff, _)) => {
            look_at(model, View::Diff);
            (model.screen.diff.raw, model.screen.diff.opened_raw) = (true, true);
        }
        Action::Raw => model.screen.diff.raw = !model.screen.diff.raw,
        Action::Reveal => {
            model.screen.diff.toggle_values();
            if model.screen.diff.reveal {
                // The definitions are queried each time, however recently they were read.
                model.polls.expedite(&[Source::Definitions]);
            }
        }
        _ => model.screen.diff.unfolded = !model.screen.diff.unfolded,
    }
}

fn change_plots(model: &mut Model, action: Action) {
    let (columns, release) = (model.screen.size.0, &mut model.screen.release);
    match action {
        Action::Percentile => release.percentile = release.percentile.next(),
        Action::Panel => match &mut release.zoom {
            Some(plotted) => *plotted = next(*plotted),
            None => release.panel = next(release.panel),
        },
        Action::Verdict => {
            let open = release.zoom.is_none() && release.panel == Panel::Verdict;
            (release.zoom, release.panel) = (None, if open { Panel::default() } else { Panel::Verdict });
        }
        Action::Zoom => release.zoom = if release.zoom.is_some() { None } else { Some(Plotted::default()) },
        action => release.change_range(action == Action::Longer, columns),
    }
}

/// Makes the marked deployment's revision the start of the next diff.
fn pick(model: &mut Model) {
    let marked = model.focus().and_then(|release| marked_revision(model, release));
    match marked {
        Some(revision) => {
            let said = model.screen.history.pick(revision);
            model.say(said, false);
        }
        None => model.say("no revision is known of what is marked", true),
    }
}

/// The revision of the deployment that is marked in the history.
fn marked_revision(model: &Model, release: &Release) -> Option<TaskDefinitionArn> {
    let (_, deployment) = history::state::marked(&model.observed, model.screen.list(View::History), release)?;
    deployment.task_definition().cloned()
}

fn next_kinds(model: &mut Model) {
    let Some(release) = model.focus() else { return };
    let all = events::state::all(&model.observed, &model.operations.acts, release);
    model.screen.events.next_kinds(&all);
}

/// Opens the log of the marked task; if a row stands for several tasks with one failure cause, the newest task's log.
fn open_log_of_task(model: &mut Model) {
    let Some(release) = model.focus() else { return };
    let list = model.screen.list(View::Tasks);
    let rows = list.shown(tasks::state::rows(&model.observed, list, release));
    let marked = rows.get(list.at(&rows));
    match marked.map(|row| (release.name.clone(), Logs::of_task(row.task(), model.observed.now.at))) {
        Some((name, logs)) => {
            model.open(Screen::View(View::Logs, name));
            model.screen.logs = logs;
        }
        None => model.say("there is no task here", true),
    }
}

fn copy(model: &mut Model) -> Vec<Effect> {
    if let Some(commands) = pending_rollback::copy_commands(model) {
        return vec![commands];
    }
    let Some(text) = screens::copied(&model.observed, &model.operations.acts, &model.screen) else {
        return Vec::new();
    };
    model.say("copied", false);
    vec![Effect::Copy(text::clean_lines(&text))]
}

/// Opens a view of the open or marked release. The same key leads back.
fn look_at(model: &mut Model, view: View) {
    match model.focus().map(|release| release.name.clone()) {
        Some(name) if model.screen.current == Screen::View(view, name.clone()) => model.back(),
        Some(name) => {
            let compared = compared(model);
            model.open(Screen::View(view, name));
            if view == View::Diff {
                (model.screen.diff.from, model.screen.diff.to) = compared;
            }
        }
        None => model.say("no service is marked", true),
    }
}

/// The two revisions of a diff that is opened now: in the history, the picked and the marked one; elsewhere `None`, for
/// the release's own two.
fn compared(model: &Model) -> (Option<TaskDefinitionArn>, Option<TaskDefinitionArn>) {
    let Screen::View(View::History, _) = model.screen.current else { return (None, None) };
    let list = model.screen.list(View::History);
    let marked = model.focus().and_then(|release| history::state::marked(&model.observed, list, release));
    model.screen.history.compared(marked.map(|(_, deployment)| deployment))
}

/// Opens the menu of links and commands that lead out of the console, and copies its first item.
fn open_copy_menu(model: &mut Model) -> Vec<Effect> {
    let screen = &model.screen;
    let list = match &screen.current {
        Screen::View(view, _) => screen.list(*view),
        Screen::Fleet | Screen::Release(_) => &List::default(),
    };
    let of = |release| CopyMenu::of(&model.observed, &model.shell, &screen.current, list, release);
    let menu = model.focus().map(of).unwrap_or_default();
    let first = menu.items.first().map(|item| Effect::Copy(item.text.clone()));
    match &first {
        Some(_) => model.screen.dialog = Some(Dialog::CopyMenu(menu)),
        None => model.say("nothing is marked that leads anywhere", true),
    }
    first.into_iter().collect()
}
