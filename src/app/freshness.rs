//! How old an answer may be before it is no longer relied on: what is marked on the screen, and what nothing is done by
//! itself on.

use jiff::{SignedDuration, Timestamp};

use super::model::Model;
use super::polls::Source;
use crate::domain::release::{Release, Side};
use crate::domain::snapshot::Reading;

/// A source that is a few seconds late is not old, however fast AWS's clock runs.
const NEVER_OLD_BEFORE: SignedDuration = SignedDuration::from_secs(5);

/// How old an answer of that time is, as the operator lived it, and whether that is older than three times its
/// source's pace.
pub fn age(model: &Model, source: &Source, at: Timestamp) -> (SignedDuration, bool) {
    let busy = model.focused && model.releases.iter().any(Release::in_flight);
    let pace = model.now.felt(source.every(busy)).saturating_mul(3).max(NEVER_OLD_BEFORE);
    let age = model.now.since(at);
    (age, age > pace)
}

/// Why an answer is not to be relied on: there is none, it is old, or the newest attempt failed.
fn doubt<T>(model: &Model, source: &Source, reading: Option<&Reading<T>>) -> Option<String> {
    let Some((reading, at)) = reading.and_then(|reading| Some((reading, reading.at()?))) else {
        return Some(format!("the {source} are not read yet"));
    };
    if let Some(fault) = reading.failing() {
        return Some(format!("the {source} cannot be read ({})", fault.kind.word()));
    }
    let (age, old) = age(model, source, at);
    old.then(|| format!("the {source} are {} s old", age.as_secs()))
}

/// What a decision about this release would rest on and cannot be relied on, in words.
pub fn stale(model: &Model, release: &Release) -> Option<String> {
    let snapshot = &model.snapshot;
    doubt(model, &Source::Services, Some(&snapshot.services))
        .or_else(|| doubt(model, &Source::Routes, Some(&snapshot.routes)))
        .or_else(|| {
            let native = release.method.shifted_by_ecs();
            let deployments = snapshot.deployments.get(&release.stable.service);
            native.then(|| doubt(model, &Source::Deployments, deployments)).flatten()
        })
        .or_else(|| {
            let mut sides = std::iter::once(&release.stable).chain(&release.canary);
            sides.find_map(|side| minutes(model, side))
        })
}

fn minutes(model: &Model, side: &Side) -> Option<String> {
    let Some(meter) = &side.meter else {
        return Some(format!("the requests of {} are not counted anywhere", side.service.service));
    };
    let source = if meter.of_prometheus() { Source::Prometheus } else { Source::Metrics };
    doubt(model, &source, model.snapshot.metrics.get(meter))
}
