//! Failing releases: the views that show the reasons, and the paths to these views from other screens.

use insta::assert_snapshot;

use super::screens::{SIZES, layouts};
use super::{draw, glyphs, picture, plain};
use crate::console::dialogs::Dialog;
use crate::console::links::CopyMenu;
use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::state::Model;
use crate::console::state::list::List;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::Query;
use crate::testkit::consoles;

/// A view of the open release.
fn seen(mut model: Model, view: View) -> Model {
    let name = model.focus().unwrap().name.clone();
    model.screen.current = Screen::View(view, name);
    model
}

fn fleet(mut model: Model) -> Model {
    model.screen.current = Screen::Fleet;
    model
}

fn text(model: &Model) -> String {
    glyphs(&draw(model, &plain()))
}

/// The model with another line marked.
fn down(mut model: Model, view: View, lines: usize) -> Model {
    let all = crate::console::screens::lines(&model.observed, &model.operations.acts, &model.screen);
    model.screen.lists.entry(view).or_default().marked = all.get(lines).map(|line| line.id.clone());
    model
}

#[test]
fn the_tasks() {
    layouts("tasks_crash_loop", |size| seen(consoles::crash_loop(size), View::Tasks));
    layouts("tasks_failing_checks", |size| seen(consoles::failing_checks(size), View::Tasks));
    layouts("tasks_marked", |size| down(seen(consoles::crash_loop(size), View::Tasks), View::Tasks, 2));
    assert_snapshot!("tasks_picture", picture(&draw(&seen(consoles::crash_loop(SIZES[0]), View::Tasks), &plain())));
}

#[test]
fn the_targets() {
    layouts("targets", |size| seen(consoles::failing_checks(size), View::Targets));
    layouts("targets_draining", |size| down(seen(consoles::failing_checks(size), View::Targets), View::Targets, 2));
}

#[test]
fn the_alarms() {
    layouts("alarms", |size| seen(consoles::alarmed(size), View::Alarms));
    layouts("alarms_none", |size| seen(consoles::baking(size), View::Alarms));
}

#[test]
fn what_ails_a_release_is_on_both_screens() {
    layouts("crash_loop_fleet", |size| fleet(consoles::crash_loop(size)));
    layouts("crash_loop_release", consoles::crash_loop);
    layouts("stalled_fleet", |size| fleet(consoles::stalled(size)));
    layouts("stalled_release", consoles::stalled);
    for size in SIZES {
        let seen = text(&fleet(consoles::crash_loop(size)));
        assert!(seen.contains("✖ CRASH LOOP"), "{seen}");
        let open = text(&consoles::crash_loop(size));
        assert!(open.contains("✖ CRASH LOOP") && open.contains("6 tasks of :18 failed: exit 1"), "{open}");
        assert!(!open.contains("in a row"), "it is said once: {open}");
        let seen = text(&fleet(consoles::stalled(size)));
        assert!(seen.contains("▲ STALLED"), "{seen}");
    }
}

#[test]
fn the_ways_out() {
    layouts("outside", |size| {
        let mut model = consoles::waiting(size);
        model.shell.profile = Some("prod-oncall".into());
        let (list, release) = (&List::default(), model.focus().unwrap());
        let menu = CopyMenu::of(&model.observed, &model.shell, &model.screen.current, list, release);
        model.screen.dialog = Some(Dialog::CopyMenu(menu));
        model
    });
}

#[test]
fn what_is_not_known_is_never_green_and_never_nothing() {
    let denied = |operation: &str| Fault::new(FaultKind::Denied, operation, "checkout", "not authorized");
    let mut model = seen(consoles::failing_checks(SIZES[1]), View::Targets);
    let groups = vec![consoles::group("checkout-stable"), consoles::group("checkout-canary")];
    consoles::hear(&mut model, 0, Query::Health(groups.clone()), Err(denied("DescribeTargetHealth")));
    let style = |model: &Model, word: &str| {
        let buffer = draw(model, &plain());
        let green = buffer.content.iter().filter(|cell| cell.fg == ratatui::style::Color::Green);
        let green: String = green.map(|cell| cell.symbol().to_owned()).collect();
        (glyphs(&buffer), green.contains(word))
    };
    let (seen_text, green) = style(&model, "healthy");
    assert!(seen_text.contains("denied") && !green, "{seen_text}");
    model.observed.snapshot.health.clear();
    model.observed.snapshot.target_groups.clear();
    let seen_text = text(&model);
    assert!(seen_text.contains("health unknown: not read yet"), "{seen_text}");
    assert!(seen_text.contains("how it is checked is not read yet"), "{seen_text}");
    let mut model = seen(consoles::crash_loop(SIZES[1]), View::Tasks);
    model.observed.snapshot.tasks.clear();
    assert!(text(&model).contains("tasks of payments are not read yet"), "{}", text(&model));
    consoles::hear(&mut model, 0, Query::Tasks(consoles::key("payments")), Err(denied("DescribeTasks")));
    assert!(text(&model).contains("not authorized"), "{}", text(&model));
    // If the tasks of a crash loop cannot be read, only the count is known.
    let release = model.release("payments").unwrap();
    assert_eq!(release.ailment.as_ref().map(|it| it.brief()).as_deref(), Some("crash loop: 6 tasks failed"));
}

#[test]
fn only_lines_with_the_text_are_shown_and_their_headings() {
    let mut model = seen(consoles::crash_loop(SIZES[1]), View::Tasks);
    let list = model.screen.lists.entry(View::Tasks).or_default();
    (list.find.text, list.find.only) = (tui_input::Input::new("scaling".into()), true);
    let found = text(&model);
    assert!(found.contains("── :17") && !found.contains("── :18"), "{found}");
    assert!(found.contains("1 of 1 line") && found.contains("Scaling activity initiated"), "{found}");
}
