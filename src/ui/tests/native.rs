//! Snapshots of services whose traffic ECS shifts.

use insta::assert_snapshot;

use super::screens::{SIZES, layouts};
use super::{draw, glyphs, picture, plain};
use crate::app::model::{Model, Screen};
use crate::ui::fixture;
use crate::ui::{Palette, Theme};

fn fleet(mut model: Model) -> Model {
    model.screen = Screen::Fleet;
    model
}

#[test]
fn a_native_release_at_every_turn() {
    layouts("native_paused", fixture::native_paused);
    layouts("native_near", |size| fixture::native_paused_for(size, 250, "CONTINUE"));
    layouts("native_starting", fixture::native_starting);
    layouts("native_baking", fixture::native_baking);
    layouts("native_weighted", fixture::native_weighted);
    layouts("native_back", fixture::native_back);
    layouts("native_over", fixture::native_over);
}

#[test]
fn a_fleet_with_a_native_release() {
    layouts("native_fleet", |size| fleet(fixture::native_paused(size)));
    let near = fleet(fixture::native_paused_for(SIZES[0], 250, "ROLLBACK"));
    assert_snapshot!("native_fleet_near", picture(&draw(&near, &plain())));
    let weighted = fleet(fixture::native_weighted(SIZES[1]));
    assert_snapshot!("native_fleet_weighted", glyphs(&draw(&weighted, &plain())));
}

#[test]
fn looks_of_a_native_release() {
    let model = fixture::native_paused_for(SIZES[0], 250, "ROLLBACK");
    for (looks, theme) in [("mono", Theme::new(Palette::Mono, false)), ("ascii", Theme::new(Palette::Mono, true))] {
        assert_snapshot!(format!("native_looks_{looks}"), picture(&draw(&model, &theme)));
    }
}
