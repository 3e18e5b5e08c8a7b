//! Snapshots of plots: what is drawn of a rate besides its curve, one plot over the screen, a long range.

use insta::assert_snapshot;

use super::screens::{SIZES, layouts};
use super::{draw, glyphs, picture, plain};
use crate::console::screens::release::state::Panel;
use crate::console::screens::release::state::Plotted;
use crate::console::state::Model;
use crate::console::view::{Palette, Theme};
use crate::domain::metrics::source::{CustomMetrics, MetricQueries, MetricSource, Source};
use crate::testkit::consoles;

/// A canary at 1 %: some fifty requests a minute, so that its rate may be almost anything.
fn few(size: (u16, u16)) -> Model {
    consoles::open(size, consoles::Pair::at(1, 900))
}

fn zoomed(plotted: Plotted, make: impl Fn((u16, u16)) -> Model) -> impl Fn((u16, u16)) -> Model {
    move |size| {
        let mut model = make(size);
        model.screen.release.zoom = Some(plotted);
        model
    }
}

#[test]
fn the_canarys_rate_has_its_bounds_drawn_behind_it() {
    layouts("band", few);
    layouts("zoom_band", zoomed(Plotted::Errors, few));
}

#[test]
fn no_data_is_marked_and_none_lies_on_the_floor() {
    layouts("holes", consoles::holes);
    for size in SIZES {
        let text = glyphs(&draw(&zoomed(Plotted::Errors, consoles::holes)(size), &plain()));
        let axis = text.lines().find(|line| line.contains('└')).unwrap();
        // Three settled minutes without data, each at least a column wide.
        assert!(axis.matches('?').count() >= 3, "{text}");
        assert!(text.contains("? no data"), "{text}");
    }
}

#[test]
fn each_plot_can_have_the_whole_screen() {
    for plotted in
        [Plotted::Errors, Plotted::Ratio, Plotted::Latency, Plotted::Requests, Plotted::Balancer, Plotted::Resources]
    {
        layouts(&format!("zoom_{plotted}"), zoomed(plotted, consoles::holes));
    }
    layouts("zoom_bad", zoomed(Plotted::Errors, consoles::bad));
    layouts("zoom_ratio_bad", zoomed(Plotted::Ratio, consoles::bad));
}

#[test]
fn a_longer_range_packs_minutes() {
    let long = |size| {
        let mut model = consoles::bad(size);
        model.screen.release.range = Some(180);
        model
    };
    layouts("long", long);
    layouts("zoom_long", zoomed(Plotted::Latency, long));
    for (size, by) in SIZES.into_iter().zip(["3h by 6m", "3h by 4m", "3h by 2m"]) {
        let text = glyphs(&draw(&long(size), &plain()));
        assert!(text.contains(&format!("errors {by}")) && text.contains(&format!("latency p95 {by}")), "{text}");
    }
}

#[test]
fn what_could_not_be_read_is_named_where_its_value_would_be() {
    layouts("troubled", consoles::troubled);
    for size in SIZES {
        let text = glyphs(&draw(&consoles::troubled(size), &plain()));
        assert!(text.contains("HTTPCode_Target_5XX_Count") && text.contains("Forbidden"), "{text}");
        assert!(!text.contains("0.00%"), "what is not known is not none: {text}");
    }
    let mut around = consoles::troubled(SIZES[0]);
    around.screen.release.panel = Panel::Around;
    assert_snapshot!("panel_around_troubled", glyphs(&draw(&around, &plain())));
    let mut around = consoles::holes(SIZES[0]);
    around.screen.release.panel = Panel::Around;
    assert_snapshot!("panel_around", glyphs(&draw(&around, &plain())));
}

#[test]
fn what_prometheus_could_not_give_is_not_told_in_cloudwatchs_words() {
    let mut model = consoles::troubled(SIZES[0]);
    let own = CustomMetrics { source: Source::Prometheus(MetricQueries::default().into()), seconds: true };
    for release in model.observed.releases.iter_mut().filter(|release| release.name == "checkout") {
        let state = &mut **release;
        let sides = std::iter::once(&mut state.stable).chain(&mut state.canary);
        for (place, side) in sides.enumerate() {
            let meter = MetricSource::Custom(CustomMetrics { seconds: place == 0, ..own.clone() });
            let had = side.meter.replace(meter.clone()).unwrap();
            let read = model.observed.snapshot.metrics.remove(&had).unwrap();
            model.observed.snapshot.metrics.insert(meter, read);
        }
    }
    let text = glyphs(&draw(&model, &plain()));
    assert!(text.contains("p95: read in part"), "{text}");
    assert!(!text.contains("PartialData") && !text.contains("Forbidden"), "{text}");
}

#[test]
fn plots_can_be_read_without_colour() {
    for (looks, theme) in [("mono", Theme::new(Palette::Mono, false)), ("ascii", Theme::new(Palette::Mono, true))] {
        assert_snapshot!(format!("looks_band_{looks}"), picture(&draw(&few(SIZES[0]), &theme)));
        let zoomed = zoomed(Plotted::Errors, consoles::holes)(SIZES[0]);
        assert_snapshot!(format!("looks_zoom_{looks}"), picture(&draw(&zoomed, &theme)));
    }
}

#[test]
fn the_way_back_and_the_verdict_stay_beside_a_zoomed_plot() {
    for size in SIZES {
        for plotted in [Plotted::Errors, Plotted::Balancer] {
            let text = glyphs(&draw(&zoomed(plotted, consoles::bad)(size), &plain()));
            let rows: Vec<_> = text.lines().collect();
            assert!(rows[rows.len() - 3..].iter().any(|row| row.contains("ROLLBACK READY")), "{text}");
            assert!(text.contains("FAIL") && text.contains("tab: next  z: back"), "{text}");
            assert!(rows[rows.len() - 1].contains("z zoom") || size.0 == 80, "{text}");
        }
    }
}
