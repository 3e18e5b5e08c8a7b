use std::collections::BTreeMap;

use super::*;
use crate::console::message::{Effect, Msg};
use crate::console::screen::Screen;
use crate::console::state::Model;
use crate::console::update;
use crate::domain::ecs::route::{Forward, Route, RouteId};
use crate::domain::ecs::service::Service;
use crate::domain::fault::FaultKind;
use crate::domain::metrics::source;
use crate::domain::metrics::source::{CustomMetrics, MetricQueries};
use crate::domain::metrics::{Member, Minute, Trouble, TroubleKind};
use crate::domain::observe::snapshot::Answer;
use crate::domain::release::share::Weight;
use crate::domain::settings::ServiceSettings;
use crate::testkit::consoles::{group, known, learn, now, route_of_search, service};

/// A fleet of `count` services, each behind its own target group.
fn fleet(count: u32) -> Model {
    counted(count, None)
}

/// The same fleet, counted by Prometheus.
fn own_fleet(count: u32) -> Model {
    let text = Some("r{app=\"{service}\"}".to_owned());
    let recipe = MetricQueries { requests: text.clone(), errors: text, ..MetricQueries::default() };
    counted(count, Some(&CustomMetrics { source: source::Source::Prometheus(recipe.into()), seconds: true }))
}

fn counted(count: u32, own: Option<&CustomMetrics>) -> Model {
    let mut model = known((120, 40));
    for name in (0..count).map(|n| format!("s{n:03}")) {
        let settings = ServiceSettings { own: own.cloned(), ..ServiceSettings::default() };
        model.observed.settings.services.insert(name, settings);
    }
    let name = |n: u32| format!("s{n:03}");
    let services: Vec<Service> = (0..count).map(|n| service(&name(n), &name(n), 1, 2, 86_400)).collect();
    let route = |service: &Service| Route {
        id: RouteId::Rule(service.arn.clone()),
        forwards: vec![Forward { target_group: group(&service.key.service), weight: Weight::new(1).unwrap() }],
        ..route_of_search()
    };
    let routes = services.iter().map(route).collect();
    learn(&mut model, 2, Query::Routes, Answer::Routes(routes));
    learn(&mut model, 1, Query::Services, Answer::Services(services));
    model
}

/// A source's response at a time.
type Reply = fn(&MetricSource, Timestamp) -> Series;

fn good(meter: &MetricSource, at: Timestamp) -> Series {
    let mut series = Series::from(vec![Minute { requests: Some(60.0), ..Minute::at(at) }]);
    if matches!(meter, MetricSource::Service(_)) {
        series.gauges.insert(Gauge::Cpu, BTreeMap::from([(at, 20.0)]));
    }
    series
}

fn failing(_: &MetricSource, _: Timestamp) -> Series {
    let message = "CloudWatch failed to read it".to_owned();
    let trouble = Trouble { metric: "RequestCount Sum".to_owned(), kind: TroubleKind::Failed, message };
    Series { troubles: vec![trouble], unread: [Member::Requests].into(), ..Series::default() }
}

/// The queries to CloudWatch between two seconds of the console's run, each answered a second later.
fn asked(model: &mut Model, seconds: std::ops::Range<i64>, answer: Reply) -> Vec<(i64, MetricsQuery)> {
    let mut all = Vec::new();
    let mut coming: Vec<Query> = Vec::new();
    for second in seconds {
        let stamp = Now::new(now() + SignedDuration::from_secs(second));
        let mut heard = vec![Msg::Tick];
        heard.extend(coming.drain(..).map(|query| {
            let Query::Metrics(metrics) = &query else { unreachable!() };
            let read = metrics.meters.iter().map(|(meter, _)| (meter.clone(), answer(meter, stamp.at))).collect();
            Msg::Read { asked: stamp.at, query: query.clone(), answer: Ok(Answer::Metrics(read)) }
        }));
        for effect in heard.into_iter().flat_map(|msg| update(model, stamp, msg)) {
            if let Effect::Read(query @ Query::Metrics(_)) = effect {
                let Query::Metrics(metrics) = &query else { unreachable!() };
                all.push((second, metrics.clone()));
                coming.push(query);
            }
        }
    }
    all
}

fn told(asked: &[(i64, MetricsQuery)]) -> Vec<(i64, i64, usize)> {
    asked.iter().map(|(second, query)| (*second, query.spans().as_mins(), query.metrics())).collect()
}

#[test]
fn three_hours_at_first_then_ten_minutes_once_a_minute() {
    let mut model = fleet(3);
    assert_eq!(told(&asked(&mut model, 0..130, good)), [(0, 180, 12), (60, 10, 12), (120, 10, 12)]);
}

#[test]
fn what_comes_into_sight_is_asked_for_at_once_and_without_the_others() {
    let mut model = fleet(40);
    asked(&mut model, 0..70, good);
    model.screen.current = Screen::Release("s007".to_owned());
    let all = asked(&mut model, 70..130, good);
    // Eight metrics of its target group, one of its load balancer, four of its service.
    assert_eq!(told(&all)[0], (70, 180, 13));
    // Container Insights is off.
    assert_eq!(told(&all)[1..], [(120, 10, 39 * 4 + 8 + 1 + 2)]);
    assert!(
        all[0]
            .1
            .meters
            .iter()
            .all(|(meter, detail)| *detail == Resolution::Full || matches!(meter, MetricSource::Balancer(_)))
    );
}

#[test]
fn a_screen_of_more_than_a_call_takes_turns() {
    let mut model = fleet(300);
    model.screen.size = (120, 400);
    let first = asked(&mut model, 0..59, good);
    assert!(first.iter().all(|(_, query)| query.metrics() <= METRICS_A_CALL), "{:?}", told(&first));
    let seen: HashSet<_> = first.iter().flat_map(|(_, query)| query.meters.iter().map(|(meter, _)| meter)).collect();
    assert_eq!(seen.len(), 300);
    let again = asked(&mut model, 59..320, good);
    assert!(again.iter().all(|(_, query)| query.metrics() <= METRICS_A_CALL));
    assert!(again.len() <= 5, "one call a poll: {:?}", told(&again));
    let seen: HashSet<_> = again.iter().flat_map(|(_, query)| query.meters.iter().map(|(meter, _)| meter)).collect();
    assert_eq!(seen.len(), 300);
}

#[test]
fn a_large_fleet_costs_what_is_on_screen() {
    let mut model = fleet(300);
    let screen = asked(&mut model, 0..59, good);
    let seen: HashSet<_> = screen.iter().flat_map(|(_, query)| query.meters.iter().map(|(meter, _)| meter)).collect();
    assert_eq!(seen.len(), 40, "the rows of the terminal");
    model.screen.current = Screen::Release("s299".to_owned());
    let open = asked(&mut model, 59..130, good);
    let seen: HashSet<_> = open.iter().flat_map(|(_, query)| query.meters.iter().map(|(meter, _)| meter)).collect();
    assert_eq!(seen.len(), 1 + 2, "the open release, its service and its load balancer: {:?}", told(&open));
}

#[test]
fn container_insights_are_looked_for_again_after_an_hour() {
    let mut model = fleet(1);
    model.screen.current = Screen::Release("s000".to_owned());
    let all = asked(&mut model, 0..3_700, good);
    let full = |query: &MetricsQuery| {
        query
            .meters
            .iter()
            .any(|(meter, detail)| matches!(meter, MetricSource::Service(_)) && *detail == Resolution::Full)
    };
    let looked: Vec<_> = all.iter().filter(|(_, query)| full(query)).map(|(second, _)| *second).collect();
    assert!(matches!(looked[..], [0, again] if (3_540..3_700).contains(&again)), "{looked:?}");
}

#[test]
fn what_could_not_be_read_is_read_again_over_all_of_its_minutes() {
    let mut model = fleet(1);
    asked(&mut model, 0..70, good);
    let troubled = asked(&mut model, 70..200, failing);
    assert_eq!(told(&troubled)[0], (120, 10, 4));
    assert!(told(&troubled)[1..].iter().all(|(_, minutes, _)| *minutes == 180), "{:?}", told(&troubled));
    let mended = asked(&mut model, 200..400, good);
    assert_eq!(told(&mended).iter().map(|(_, minutes, _)| *minutes).take(2).collect::<Vec<_>>(), [180, 10]);
}

#[test]
fn the_cost_is_that_of_the_metrics_that_are_asked_for_at_the_list_price() {
    let mut model = fleet(25);
    assert_eq!(model.polls.cloudwatch_dollars_an_hour(model.observed.now), 0.0);
    asked(&mut model, 0..10, good);
    // A hundred metrics a minute.
    let hourly = 100.0 * 60.0 * 0.01 / 1_000.0;
    let near = |dollars: f64| (dollars - hourly).abs() < hourly * 0.11;
    assert!(near(model.polls.cloudwatch_dollars_an_hour(model.observed.now)));
    asked(&mut model, 10..1_500, good);
    let dollars = model.polls.cloudwatch_dollars_an_hour(model.observed.now);
    assert!(near(dollars), "{dollars}");
    // An idle console costs nothing.
    let later = Now { at: model.observed.now.at + SignedDuration::from_hours(1), ..model.observed.now };
    assert_eq!(model.polls.cloudwatch_dollars_an_hour(later), 0.0);
}

/// Time, minutes and number of sources of each query to Prometheus in this resolution.
fn of_prometheus(asked: &[(i64, MetricsQuery)], detail: Resolution) -> Vec<(i64, i64, usize)> {
    let of = asked.iter().filter(|(_, query)| query.of_prometheus() && query.meters[0].1 == detail);
    of.map(|(second, query)| (*second, query.spans().as_mins(), query.meters.len())).collect()
}

#[test]
fn prometheus_is_asked_every_five_seconds_for_what_is_open_and_seldom_for_the_fleet() {
    let mut model = own_fleet(40);
    model.screen.current = Screen::Release("s007".to_owned());
    let all = asked(&mut model, 0..121, good);
    let open: Vec<_> = (1..25).map(|n| (n * 5, 10, 1)).collect();
    assert_eq!(of_prometheus(&all, Resolution::Full), [vec![(0, 180, 1)], open].concat());
    let fleet = of_prometheus(&all, Resolution::Brief);
    assert!(fleet.iter().all(|(.., meters)| *meters <= METERS_AT_ONCE), "{fleet:?}");
    let first: Vec<_> = fleet.iter().filter(|(_, minutes, _)| *minutes == 180).copied().collect();
    assert_eq!(first, [(0, 180, 39)]);
    let again: Vec<_> = fleet.iter().filter(|(_, minutes, _)| *minutes == 10).copied().collect();
    assert_eq!(again, [(30, 10, 39), (60, 10, 39), (90, 10, 39), (120, 10, 39)]);
    let turns = all.iter().filter(|(_, query)| query.of_prometheus() && query.spans().as_mins() == 10);
    let turns: HashSet<_> = turns.flat_map(|(_, query)| query.meters.iter().map(|(meter, _)| meter)).collect();
    assert_eq!(turns.len(), 40);
}

#[test]
fn prometheus_is_asked_for_a_tall_screen_in_batches() {
    let mut model = own_fleet(100);
    model.screen.size = (120, 400);
    let all = asked(&mut model, 0..121, good);
    let fleet = of_prometheus(&all, Resolution::Brief);
    assert!(fleet.iter().all(|(.., meters)| *meters <= METERS_AT_ONCE), "{fleet:?}");
    // The batches follow one another.
    let first: Vec<_> = fleet.iter().filter(|(_, minutes, _)| *minutes == 180).copied().collect();
    assert_eq!(first, [(0, 180, 40), (1, 180, 40), (2, 180, 20)]);
    let turns = all.iter().filter(|(_, query)| query.of_prometheus() && query.spans().as_mins() == 10);
    let turns: HashSet<_> = turns.flat_map(|(_, query)| query.meters.iter().map(|(meter, _)| meter)).collect();
    assert_eq!(turns.len(), 100);
}

#[test]
fn an_expression_that_fails_is_not_asked_for_over_all_minutes_each_time() {
    for before in [0, 60] {
        let mut model = own_fleet(1);
        model.screen.current = Screen::Release("s000".to_owned());
        asked(&mut model, 0..before, good);
        let troubled = of_prometheus(&asked(&mut model, before..before + 900, failing), Resolution::Full);
        let long: Vec<_> =
            troubled.iter().filter(|(_, minutes, _)| *minutes > 10).map(|(second, ..)| *second).collect();
        assert!(!long.is_empty() && long.len() <= 16, "{long:?}");
        assert!(long.windows(2).all(|two| two[1] - two[0] >= 60), "{long:?}");
        assert!(troubled.len() > 150, "{}", troubled.len());
        // A recovered source is read once over all minutes that may be missing.
        let mended = of_prometheus(&asked(&mut model, before + 900..before + 1_100, good), Resolution::Full);
        let long: Vec<_> = mended.iter().filter(|(_, minutes, _)| *minutes > 10).collect();
        assert_eq!(long.len(), 1, "{mended:?}");
    }
}

#[test]
fn a_server_that_fails_is_not_asked_sooner_for_other_meters() {
    for own in [false, true] {
        let mut model = if own { own_fleet(3) } else { fleet(3) };
        let mut tried = Vec::new();
        for second in 0..600 {
            let stamp = Now::new(now() + SignedDuration::from_secs(second));
            // Another release is opened every second.
            model.screen.current = Screen::Release(format!("s{:03}", second % 3));
            for effect in update(&mut model, stamp, Msg::Tick) {
                if let Effect::Read(query @ Query::Metrics(_)) = effect {
                    model.polls.answered(&query, Some(FaultKind::Server));
                    tried.push(second);
                }
            }
        }
        // An attempt every two minutes, with up to three queries.
        let late: HashSet<_> = tried.iter().filter(|second| **second >= 240).collect();
        assert!(!late.is_empty() && late.len() <= 12, "{tried:?}");
    }
}

#[test]
fn what_is_out_of_sight_is_forgotten() {
    let mut model = own_fleet(30);
    for n in 0..30 {
        model.screen.current = Screen::Release(format!("s{n:03}"));
        asked(&mut model, n * 120..n * 120 + 3, good);
    }
    model.observed.releases.clear();
    model.observed.snapshot.services = crate::domain::observe::snapshot::Reading::default();
    model.polls.ask(
        &Query::Metrics(MetricsQuery::last(Vec::new(), model.observed.now.at, 10)),
        model.observed.now.at + TURNS + TURNS,
    );
    let Meters { read_to, asked, all_asked, waiting, .. } = &model.polls.meters;
    assert_eq!((read_to.len(), asked.len(), all_asked.len(), waiting.len()), (0, 0, 0, 0));
    assert!(!model.polls.asked.keys().any(|(source, _)| *source == Source::Prometheus));
}
