//! Which numbers are asked for, and over which minutes.

use jiff::SignedDuration;

use crate::app::model::{Model, Screen};
use crate::domain::meter::{Detail, Meter};
use crate::domain::metrics::MetricsQuery;
use crate::domain::snapshot::Query;

/// One question to each source of minutes that is needed.
pub(super) fn questions(model: &Model) -> Vec<Query> {
    let (prometheus, cloudwatch): (Vec<_>, Vec<_>) =
        meters(model).into_iter().partition(|(meter, _)| meter.of_prometheus());
    let asked = [cloudwatch, prometheus].into_iter().filter(|meters| !meters.is_empty());
    asked.map(|meters| Query::Metrics(window(model, meters))).collect()
}

/// All that is shown: of the open release all of it, of the others what a line of the fleet needs.
fn meters(model: &Model) -> Vec<(Meter, Detail)> {
    let open = model.focus().filter(|_| model.screen != Screen::Fleet).map(|release| release.name.as_str());
    let of = |release: &crate::domain::release::Release| {
        let detail = if open == Some(release.name.as_str()) { Detail::Full } else { Detail::Brief };
        let sides = std::iter::once(&release.stable).chain(&release.canary);
        sides.filter_map(|side| side.meter.clone()).map(|meter| (meter, detail)).collect::<Vec<_>>()
    };
    let mut meters: Vec<_> = model.releases.iter().flat_map(of).collect();
    meters.sort_by(|(a, detail), (b, other)| a.cmp(b).then(other.cmp(detail)));
    meters.dedup_by(|a, b| a.0 == b.0);
    meters
}

/// Three hours the first time, then the ten minutes that a source may still correct.
fn window(model: &Model, meters: Vec<(Meter, Detail)>) -> MetricsQuery {
    let known = meters.iter().all(|(meter, _)| {
        let read_to = model.polls.window.get(meter);
        read_to.is_some_and(|to| model.now.at.duration_since(*to) < SignedDuration::from_mins(8))
    });
    MetricsQuery::last(meters, model.now.at, if known { 10 } else { 180 })
}
