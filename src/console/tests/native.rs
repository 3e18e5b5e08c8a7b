//! Snapshots of services whose traffic ECS shifts.

use insta::assert_snapshot;

use super::screens::{SIZES, layouts};
use super::{draw, glyphs, picture, plain};
use crate::console::dialogs::{Confirm, Consent, Dialog};
use crate::console::screen::Screen;
use crate::console::screen::View;
use crate::console::screens::release::state::Panel;
use crate::console::state::Model;
use crate::console::state::list::Find;
use crate::console::view::{Palette, Theme};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::Intent;
use crate::domain::release::Phase;
use crate::domain::rollback::readiness::{Check, Level};
use crate::testkit::consoles;

fn fleet(mut model: Model) -> Model {
    model.screen.current = Screen::Fleet;
    model
}

#[test]
fn a_native_release_at_every_turn() {
    layouts("native_paused", consoles::native_paused);
    layouts("native_near", |size| consoles::native_paused_for(size, 250, "CONTINUE"));
    layouts("native_starting", consoles::native_starting);
    layouts("native_baking", consoles::native_baking);
    layouts("native_weighted", consoles::native_weighted);
    layouts("native_back", consoles::native_back);
    layouts("native_over", consoles::native_over);
}

/// The question that `R` asks about `payments`.
fn asked(mut model: Model) -> Model {
    let release = model.release("payments").unwrap();
    let plan = model.observed.plan(release, &Intent::Rollback { to: None, at_once: false }).unwrap();
    let (consent, ways, drawn) = (Consent::Yes, Vec::new(), None);
    model.screen.dialog = Some(Dialog::Confirm(Box::new(Confirm { plan, consent, ways, drawn, details: false })));
    model
}

#[test]
fn what_is_known_beforehand_of_the_way_back() {
    layouts("native_doubtful", consoles::native_doubtful);
    layouts("native_doubtful_asked", |size| asked(consoles::native_doubtful(size)));
    let mut panel = consoles::native_doubtful(SIZES[0]);
    panel.screen.release.panel = Panel::Preflight;
    assert_snapshot!("native_preflight", glyphs(&draw(&panel, &plain())));
    let mut blocked = consoles::native_doubtful(SIZES[0]);
    for release in &mut blocked.observed.releases {
        release.preflight.estimate = None;
        if let Some(check) = release.preflight.checks.first_mut() {
            *check =
                Check { level: Level::Blocks, what: "task definition :17 is INACTIVE, and AWS deploys no such".into() };
        }
    }
    let text = glyphs(&draw(&blocked, &plain()));
    assert!(text.contains("▏ROLLBACK NOT READY▕ R  to :17"), "{text}");
    assert!(text.contains("✖ AWS would refuse it: task definition :17 is INACTIVE"), "{text}");
    blocked.screen.size = SIZES[1];
    let text = glyphs(&draw(&blocked, &plain()));
    assert!(text.contains("no past rollback to go by"), "{text}");
}

fn history(mut model: Model) -> Model {
    let name = model.focus().unwrap().name.clone();
    model.screen.current = Screen::View(View::History, name);
    model
}

#[test]
fn the_history() {
    layouts("history", |size| {
        let mut model = history(consoles::native_over(size));
        let second = model
            .observed
            .deployments(model.focus().unwrap())
            .get(1)
            .map(|deployment| deployment.arn.as_str().to_owned());
        model.screen.lists.entry(View::History).or_default().marked = second;
        model
    });
    layouts("history_under_way", |size| history(consoles::native_paused(size)));
    assert_snapshot!("history_of_a_pair", glyphs(&draw(&history(consoles::pair_with_history(SIZES[0])), &plain())));
    let ascii = Theme::new(Palette::Mono, true);
    assert_snapshot!("history_looks_ascii", picture(&draw(&history(consoles::native_over(SIZES[0])), &ascii)));
}

#[test]
fn a_history_that_is_not_there_says_why() {
    let text = |model: &Model| glyphs(&draw(model, &plain()));
    let mut model = history(consoles::native_over(SIZES[0]));
    model.observed.snapshot.deployments.clear();
    assert!(text(&model).contains("\nnot read yet\n"), "{}", text(&model));
    let key = consoles::key("payments");
    let denied = Fault::new(FaultKind::Denied, "ListServiceDeployments", "payments", "User ana is not authorized");
    consoles::hear(&mut model, 2, Query::Deployments(key.clone()), Err(denied.clone()));
    assert!(text(&model).contains("User ana is not authorized"), "{}", text(&model));
    consoles::learn(&mut model, 1, Query::Deployments(key.clone()), Answer::Deployments(Vec::new()));
    assert!(text(&model).contains("no history: ECS knows no deployment"), "{}", text(&model));
    // What was read stays, marked, when it cannot be read any more.
    let mut stale = history(consoles::native_over(SIZES[0]));
    consoles::hear(&mut stale, 1, Query::Deployments(key), Err(denied));
    let shown = text(&stale);
    assert!(shown.contains("denied, 8s old") && shown.contains("User ana is not authorized"), "{shown}");
    assert!(shown.contains(":15 → :17"), "{shown}");
}

#[test]
fn a_share_that_is_not_nothing_is_not_shown_as_nothing() {
    let mut model = consoles::native_paused(SIZES[1]);
    let release = model.observed.releases.iter_mut().find(|release| release.name == "payments").unwrap();
    release.share.observed = Some(consoles::percent(0.03));
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("observed <0.1 %"), "{text}");
    let release = model.observed.releases.iter_mut().find(|release| release.name == "payments").unwrap();
    (release.share.observed, release.verdict.judged.minutes) = (Some(consoles::percent(0.0)), 0);
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("observed no data"), "{text}");
}

#[test]
fn where_the_traffic_goes_is_said_once() {
    let mut model = consoles::native_paused(SIZES[0]);
    let release = model.observed.releases.iter_mut().find(|release| release.name == "payments").unwrap();
    // Answered a moment ago: the rule says 10 %, as ECS asked, and 100 % is next.
    release.pauses.clear();
    release.phase = Phase::Shifting;
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("ECS shifts to 100 %") && !text.contains("ECS shifts to 10 %"), "{text}");
    let release = model.observed.releases.iter_mut().find(|release| release.name == "payments").unwrap();
    release.share.configured = Some(consoles::percent(0.0));
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("ECS shifts to 10 %"), "{text}");
}

#[test]
fn a_filter_without_a_match_says_so() {
    let mut model = fleet(consoles::native_paused(SIZES[0]));
    model.screen.fleet.find = Find { text: "nobody".into(), only: true, typing: false };
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("▏ROLLBACK NOT READY▕  no service matches \"nobody\""), "{text}");
}

#[test]
fn a_fleet_with_a_native_release() {
    layouts("native_fleet", |size| fleet(consoles::native_paused(size)));
    let near = fleet(consoles::native_paused_for(SIZES[0], 250, "ROLLBACK"));
    assert_snapshot!("native_fleet_near", picture(&draw(&near, &plain())));
    let weighted = fleet(consoles::native_weighted(SIZES[1]));
    assert_snapshot!("native_fleet_weighted", glyphs(&draw(&weighted, &plain())));
}

#[test]
fn looks_of_a_native_release() {
    let model = consoles::native_paused_for(SIZES[0], 250, "ROLLBACK");
    for (looks, theme) in [("mono", Theme::new(Palette::Mono, false)), ("ascii", Theme::new(Palette::Mono, true))] {
        assert_snapshot!(format!("native_looks_{looks}"), picture(&draw(&model, &theme)));
    }
}
