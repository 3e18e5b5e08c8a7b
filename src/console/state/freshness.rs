//! The age up to which an answer is relied on. An older answer is marked on the screen, and no automatic act relies on
//! it.

use jiff::{SignedDuration, Timestamp};

use super::observed::Observed;
use crate::console::poll_schedule::source::{Source, is_large, sweep_time};
use crate::domain::analysis::alarms;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::Series;
use crate::domain::observe::snapshot::{Reading, Snapshot};
use crate::domain::release::{Release, Side};

/// Age up to which an answer is never old, however fast AWS's clock runs.
const NEVER_OLD_BEFORE: SignedDuration = SignedDuration::from_secs(5);

/// Returns the age of an answer from `at` in the operator's time, and true if the age exceeds three times its source's
/// pace.
pub fn age(observed: &Observed, focused: bool, source: &Source, at: Timestamp) -> (SignedDuration, bool) {
    let swept = is_large(observed.releases.len()) && matches!(source, Source::Services | Source::Routes);
    if swept {
        let pace = source.every(false).max(sweep_time(observed.releases.len()));
        let age = observed.now.since(at);
        return (age, age > observed.now.rate.operator_time(pace).saturating_mul(3));
    }
    age_of_one(observed, focused, source, at)
}

/// The same of an answer about one thing, which the size of the fleet does not excuse.
fn age_of_one(observed: &Observed, focused: bool, source: &Source, at: Timestamp) -> (SignedDuration, bool) {
    let busy = focused && observed.releases.iter().any(|release| release.in_flight());
    let pace = observed.now.rate.operator_time(source.every(busy)).saturating_mul(3).max(NEVER_OLD_BEFORE);
    let age = observed.now.since(at);
    (age, age > pace)
}

/// Returns the query time of the oldest essential answer on a release: its services, their rules, and the deployments
/// if ECS shifts traffic. `None`: an answer is missing, or the newest attempt failed. A denied read counts as an
/// answer: another attempt changes nothing.
pub fn essential_read(observed: &Observed, release: &Release) -> Option<Timestamp> {
    fn answered<T>(reading: &Reading<T>, read: Option<Timestamp>) -> Option<Timestamp> {
        match &reading.fault {
            Some((at, fault)) if fault.kind == FaultKind::Denied => Some(*at),
            Some(_) => None,
            None => read,
        }
    }
    let snapshot = &observed.snapshot;
    let services = answered(&snapshot.services, services_read(snapshot, release))?;
    let mut read = services.min(answered(&snapshot.routes, routes_read(snapshot, release))?);
    if release.method.shifted_by_ecs() && release.in_flight() {
        let deployments = snapshot.deployments.get(&release.stable.service)?;
        read = read.min(answered(deployments, deployments.at())?);
    }
    Some(read)
}

/// Returns the time of the oldest read of a release's services.
fn services_read(snapshot: &Snapshot, release: &Release) -> Option<Timestamp> {
    let read = release.services().map(|side| snapshot.service_read_at(&side.service));
    read.min().unwrap_or(snapshot.services.at())
}

/// Returns the time of the oldest read of a release's production rules.
fn routes_read(snapshot: &Snapshot, release: &Release) -> Option<Timestamp> {
    // Without routes nothing tells that these are the rules.
    snapshot.routes.at()?;
    let read = release.rules.iter().map(|rule| snapshot.route_read_at(&rule.route.id));
    read.min().unwrap_or(snapshot.routes.at())
}

/// Returns the name of a source in a sentence.
fn spoken(source: &Source) -> String {
    if *source == Source::Prometheus { "numbers of Prometheus".to_owned() } else { source.to_string() }
}

/// Returns the reason not to rely on an answer: it is missing or old, or the newest attempt failed.
fn doubt<T>(observed: &Observed, focused: bool, source: &Source, reading: Option<&Reading<T>>) -> Option<String> {
    doubt_since(observed, focused, source, (reading.and_then(Reading::failing), reading.and_then(Reading::at)))
}

/// The same of a read at a time of its own.
fn doubt_since(
    observed: &Observed,
    focused: bool,
    source: &Source,
    (failing, read): (Option<&Fault>, Option<Timestamp>),
) -> Option<String> {
    let name = spoken(source);
    if let Some(fault) = failing {
        return Some(format!("the {name} cannot be read ({})", fault.kind.word()));
    }
    let Some(at) = read else {
        return Some(format!("the {name} are not read yet"));
    };
    let (age, old) = age_of_one(observed, focused, source, at);
    old.then(|| format!("the {name} are {} s old", age.as_secs()))
}

/// Returns the reason, in words, not to decide anything about this release on the present data.
pub fn stale(observed: &Observed, focused: bool, release: &Release) -> Option<String> {
    let snapshot = &observed.snapshot;
    let services = (snapshot.services.failing(), services_read(snapshot, release));
    let routes = (snapshot.routes.failing(), routes_read(snapshot, release));
    doubt_since(observed, focused, &Source::Services, services)
        .or_else(|| doubt_since(observed, focused, &Source::Routes, routes))
        .or_else(|| {
            let native = release.method.shifted_by_ecs();
            let deployments = snapshot.deployments.get(&release.stable.service);
            native.then(|| doubt(observed, focused, &Source::Deployments, deployments)).flatten()
        })
        .or_else(|| {
            let mut sides = release.sides();
            sides.find_map(|side| minutes(observed, focused, side))
        })
        .or_else(|| {
            let names = alarms::names(release, snapshot, &observed.settings);
            names.iter().find_map(|name| doubt(observed, focused, &Source::Alarms, snapshot.alarms.get(name)))
        })
}

fn minutes(observed: &Observed, focused: bool, side: &Side) -> Option<String> {
    let Some(meter) = &side.meter else {
        return Some(format!("the requests of {} are not counted anywhere", side.service.service));
    };
    let source = Source::of(meter);
    let reading = observed.snapshot.metrics.get(meter);
    let counted = |series: &Series| {
        // An answer may report every count as unavailable.
        if series.miscounted() {
            return Some(format!("the requests of {} could not be counted", side.service.service));
        }
        let (age, old) = age(observed, focused, &source, series.as_of?);
        old.then(|| format!("the {} are {} s old", spoken(&source), age.as_secs()))
    };
    doubt(observed, focused, &source, reading).or_else(|| reading?.get().and_then(counted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::state::Model;
    use crate::domain::ecs::alarm::{Alarm, AlarmState};
    use crate::domain::fault::Fault;
    use crate::domain::metrics::{Member, MetricsQuery};
    use crate::domain::observe::snapshot::{Answer, Query};
    use crate::domain::settings::ServiceSettings;
    use crate::testkit::consoles;

    fn said(model: &Model) -> Option<String> {
        stale(&model.observed, model.screen.focused, model.release("checkout").unwrap())
    }

    fn count(model: &mut Model, ago: i64, unread: &[Member]) {
        let query = MetricsQuery { meters: Vec::new(), from: consoles::ago(600), to: consoles::now() };
        let series = Series { unread: unread.iter().copied().collect(), ..Series::default() };
        let answer = Answer::Metrics(vec![(consoles::meter("checkout-canary"), series)]);
        consoles::learn(model, ago, Query::Metrics(query), answer);
    }

    #[test]
    fn an_answer_that_counts_nothing_is_not_fresh_however_new() {
        let mut model = consoles::baking((80, 24));
        assert_eq!(said(&model), None);
        let latency = [Member::P50, Member::P95, Member::P99];
        count(&mut model, 5, &latency);
        assert_eq!(said(&model), None, "it does not rest on what was not asked for");
        for member in [Member::Requests, Member::Errors, Member::ConnectionErrors] {
            count(&mut model, 3, &[member]);
            assert_eq!(said(&model).as_deref(), Some("the requests of checkout-canary could not be counted"));
        }
        count(&mut model, 1, &[]);
        assert_eq!(said(&model), None);
        // The age is that of the newest count, not of the newest query.
        let reading = model.observed.snapshot.metrics.get_mut(&consoles::meter("checkout-canary")).unwrap();
        reading.value.as_mut().unwrap().1.as_of = Some(consoles::ago(91));
        assert_eq!(said(&model).as_deref(), Some("the metrics are 91 s old"));
    }

    #[test]
    fn an_alarm_that_is_not_known_now_is_in_doubt() {
        let mut model = consoles::baking((80, 24));
        let of_checkout = ServiceSettings { alarms: vec!["checkout-5xx".to_owned()], ..ServiceSettings::default() };
        model.observed.settings.services.insert("checkout".to_owned(), of_checkout);
        let alarm = Alarm { name: "checkout-5xx".to_owned(), state: AlarmState::Ok, reason: None, since: None };
        let hear = |model: &mut Model, ago: i64, answer| {
            consoles::hear(model, ago, Query::Alarms(vec!["checkout-5xx".to_owned()]), answer);
            said(model)
        };
        assert_eq!(said(&model).as_deref(), Some("the alarms are not read yet"));
        let old = hear(&mut model, 91, Ok(Answer::Alarms(vec![alarm.clone()])));
        assert_eq!(old.as_deref(), Some("the alarms are 91 s old"));
        assert_eq!(hear(&mut model, 4, Ok(Answer::Alarms(vec![alarm]))), None);
        let denied = Fault::new(FaultKind::Denied, "DescribeAlarms", "", "not authorized");
        assert_eq!(hear(&mut model, 2, Err(denied)).as_deref(), Some("the alarms cannot be read (denied)"));
        let deleted = hear(&mut model, 1, Ok(Answer::Alarms(Vec::new())));
        assert_eq!(deleted.as_deref(), Some("the alarms cannot be read (not found)"));
    }
}
