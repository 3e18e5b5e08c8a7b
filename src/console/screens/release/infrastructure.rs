//! Infrastructure around a release, never judged: the load balancer's own errors, connection errors, unhealthy hosts,
//! CPU and memory. These values help to locate a fault.

use jiff::Timestamp;
use ratatui::text::{Line, Span};

use super::metrics;
use crate::console::poll_schedule::source::Source;
use crate::console::widgets::age;
use crate::console::widgets::age::Part;
use crate::console::widgets::canvas::Canvas;
use crate::console::widgets::format;
use crate::console::widgets::sparklines::{Curve, Strip, Values, number_of, percent_of};
use crate::console::widgets::theme::Role;
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::load_balancer_dimension;
use crate::domain::metrics::source::MetricSource;
use crate::domain::metrics::{Gauge, Series};
use crate::domain::release::{Release, Side};

/// Errors that the load balancer itself responds with.
const ELB: &str = "ELB 5xx";
/// Columns of the labels at the left.
const LABEL: usize = 18;

/// The series of a side's target group, whatever source judges the side.
fn group<'a>(scene: &Canvas<'a>, side: &Side) -> Option<&'a Series> {
    let wanted = side.target_group.as_ref()?;
    let mut all = scene.observed.snapshot.metrics.iter();
    let found = all.find(|(meter, _)| matches!(meter, MetricSource::TargetGroup { group, .. } if group == wanted));
    found.and_then(|(_, reading)| reading.get())
}

/// The load balancers of the release, without duplicates.
fn balancers(release: &Release) -> Vec<&Arn> {
    let metered = release.sides().filter_map(|side| match &side.meter {
        Some(MetricSource::TargetGroup { balancer, .. }) => Some(balancer),
        _ => None,
    });
    let mut all: Vec<_> = release.rules.iter().map(|rule| &rule.route.load_balancer).chain(metered).collect();
    all.sort();
    all.dedup();
    all
}

fn gauge(series: &Series, gauge: Gauge) -> Values {
    series.gauges.get(&gauge).cloned().unwrap_or_default()
}

/// Completes a count that CloudWatch only reports where there is one: zero in the other minutes that had requests.
fn sparse<'a>(values: Values, counted: impl Iterator<Item = &'a Series>) -> Values {
    let mut all: Values = counted
        .flat_map(|series| &series.minutes)
        .filter(|minute| minute.requests.is_some() && !minute.uncounted)
        .map(|minute| (minute.at, 0.0))
        .collect();
    all.extend(values);
    all
}

/// `app/shop/50dc6c495c0c9188` → `shop`.
fn short(balancer: &Arn) -> String {
    let dimension = load_balancer_dimension(balancer);
    dimension.split('/').nth(1).unwrap_or(dimension).to_owned()
}

/// The load balancer's own errors, connection errors and unhealthy hosts.
pub fn balancer<'a>(scene: &Canvas<'a>, release: &Release) -> Vec<Strip<'a>> {
    let read = &scene.observed.snapshot.metrics;
    let groups: Vec<_> = age::parts(release).filter_map(|(part, side)| Some((part, group(scene, side)?))).collect();
    let mut strips = Vec::new();
    for balancer in balancers(release) {
        let series = read.get(&MetricSource::Balancer(balancer.clone())).and_then(|reading| reading.get());
        let curves = series.map(|series| {
            let values = gauge(series, Gauge::BalancerErrors);
            // Without any response, zero cannot be told from not read.
            let known = !series.gauges.is_empty() || series.troubles.is_empty();
            let counted = groups.iter().map(|(_, series)| *series).filter(|_| known);
            Curve::new(Part::Alone, "whole load balancer", sparse(values, counted), series)
        });
        strips.push(Strip {
            title: ELB,
            note: format!("a minute, of all that is behind {}", short(balancer)),
            curves: curves.into_iter().collect(),
            unit: number_of,
            least_top: 4.0,
        });
    }
    let each = |make: &dyn Fn(&Series) -> Values| -> Vec<Curve<'a>> {
        let curve = |(part, series): &(Part, &'a Series)| Curve::new(*part, part.word().0, make(series), series);
        groups.iter().map(curve).collect()
    };
    let connections = each(&|series| {
        let had = series.minutes.iter().filter_map(|minute| Some((minute.at, minute.connection_errors?)));
        sparse(had.collect(), std::iter::once(series))
    });
    let strip =
        |title, note: &str, curves| Strip { title, note: note.to_owned(), curves, unit: number_of, least_top: 4.0 };
    strips.push(strip("connection errors", "a minute, by target group", connections));
    let hosts = each(&|series| gauge(series, Gauge::UnhealthyHosts));
    strips.push(strip("unhealthy hosts", "the most at once", hosts));
    strips
}

/// CPU and memory of the services; one service has both revisions together.
pub fn resources<'a>(scene: &Canvas<'a>, release: &Release) -> Vec<Strip<'a>> {
    let both = release.one_service();
    let read = &scene.observed.snapshot.metrics;
    let services: Vec<_> = age::parts(release)
        .take(if both { 1 } else { 2 })
        .filter_map(|(part, side)| {
            let series = read.get(&MetricSource::Service(side.service.clone()))?.get()?;
            let (part, name) = if both { (Part::Alone, "service") } else { (part, part.word().0) };
            Some((part, name, series))
        })
        .collect();
    let now = scene.observed.now.at;
    let strip = |title, share, units, unit: &str| {
        let curve =
            |(part, name, series): &(Part, &str, &'a Series)| Curve::new(*part, *name, gauge(series, share), series);
        let inside: Vec<_> = services
            .iter()
            .filter_map(|(part, name, series)| {
                let value = Curve::new(*part, *name, gauge(series, units), series).latest(now)?;
                Some(format!("{name} {} {unit}", format::count(value)))
            })
            .collect();
        let mut note = "of what is reserved".to_owned();
        if both {
            note.push_str(", both revisions together");
        }
        if !inside.is_empty() {
            note.push_str(&format!("; Container Insights: {}", inside.join(", ")));
        }
        let curves = services.iter().map(curve).collect();
        Strip { title, note, curves, unit: percent_of, least_top: 100.0 }
    };
    vec![strip("CPU", Gauge::Cpu, Gauge::CpuUnits, "CPU units"), strip("memory", Gauge::Memory, Gauge::Megabytes, "MB")]
}

/// Requests a minute, each side on its own scale: on stable's scale a canary with 1 % would be flat.
pub fn requests<'a>(scene: &Canvas<'a>, release: &Release) -> Vec<Strip<'a>> {
    let strip = |(part, side): (Part, &Side)| {
        let series = metrics::series(scene, side);
        let curve = series.map(|series| {
            let known = series.minutes.iter().filter_map(|minute| Some((minute.at, minute.requests?)));
            Curve::new(part, part.word().0, known.collect(), series)
        });
        Strip {
            title: "requests",
            note: "a minute".to_owned(),
            curves: curve.into_iter().collect(),
            unit: number_of,
            least_top: 10.0,
        }
    };
    // The side under test comes first.
    let mut strips: Vec<_> = age::parts(release).map(strip).collect();
    strips.reverse();
    strips
}

/// The metrics that could not be read.
fn troubles(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let read = &scene.observed.snapshot.metrics;
    let series = |meter: &MetricSource| read.get(meter).and_then(|reading| reading.get());
    // All of these are CloudWatch's.
    let told = |(whose, series)| metrics::metric_errors::Told { whose, prometheus: false, series };
    let of_balancers = balancers(release)
        .into_iter()
        .filter_map(|balancer| Some((short(balancer), series(&MetricSource::Balancer(balancer.clone()))?)));
    let of_services = release
        .services()
        .filter_map(|side| Some((side.service.service.clone(), series(&MetricSource::Service(side.service.clone()))?)));
    let of_groups =
        age::parts(release).filter_map(|(part, side)| Some((part.word().0.to_owned(), group(scene, side)?)));
    let around = of_balancers.chain(of_services).map(told);
    let mut lines = metrics::metric_errors::lines(scene, around, |_| true, columns, 1);
    lines.extend(metrics::metric_errors::lines(
        scene,
        of_groups.map(told),
        metrics::metric_errors::is_gauge,
        columns,
        1,
    ));
    lines
}

/// The age of the oldest reading, if it is failing or old.
fn stale(scene: &Canvas<'_>, release: &Release) -> Option<Span<'static>> {
    let read = &scene.observed.snapshot.metrics;
    let meters = balancers(release).into_iter().cloned().map(MetricSource::Balancer);
    let meters = meters.chain(release.services().map(|side| MetricSource::Service(side.service.clone())));
    let known =
        meters.filter_map(|meter| read.get(&meter).map(|reading| age::of(scene, Source::Metrics, Some(reading))));
    let bad = known.filter(|known| !known.good()).max_by_key(|known| known.age)?;
    Some(scene.span(bad.words(), bad.role()))
}

fn values(strip: &Strip<'_>, now: Timestamp) -> Vec<(Part, String, Option<f64>)> {
    strip.curves.iter().map(|curve| (curve.part, curve.name.clone(), curve.latest(now))).collect()
}

/// A line for each metric: its newest settled value by side.
pub fn lines(scene: &Canvas<'_>, release: &Release, columns: usize) -> Vec<Line<'static>> {
    let now = scene.observed.now.at;
    let mut lines = Vec::new();
    for strip in balancer(scene, release).iter().chain(&resources(scene, release)) {
        let mut spans = vec![scene.dim(format::pad(strip.title, LABEL))];
        let known = values(strip, now);
        if known.iter().all(|(.., value)| value.is_none()) {
            spans.push(scene.dim("no data"));
        } else {
            for (index, (part, name, value)) in known.into_iter().enumerate() {
                if index > 0 {
                    spans.push(scene.dim(" · "));
                }
                if part != Part::Alone || strip.title == ELB {
                    spans.push(scene.dim(format!("{name} ")));
                }
                spans.push(said(scene, strip, value));
            }
        }
        let used = format::wide(&spans);
        spans.push(scene.dim(format::clip(&format!("  {}", strip.note), columns.saturating_sub(used))));
        lines.push(Line::from(spans));
    }
    lines.extend(failed_open(scene, release));
    lines.extend(troubles(scene, release, columns));
    lines.extend(stale(scene, release).map(|stale| Line::from(vec![scene.dim("read "), stale])));
    lines
}

/// A value; a count that should be zero stands out if it is not.
fn said(scene: &Canvas<'_>, strip: &Strip<'_>, value: Option<f64>) -> Span<'static> {
    let counts = !matches!(strip.title, "CPU" | "memory");
    match value {
        None => scene.dim("no data"),
        Some(value) if counts && value > 0.0 => scene.span(format!("{} ▲", (strip.unit)(value)), Role::Warn),
        Some(value) => scene.span((strip.unit)(value), Role::Title),
    }
}

/// Requests sent to unhealthy targets because there were no healthy ones.
fn failed_open(scene: &Canvas<'_>, release: &Release) -> Vec<Line<'static>> {
    let now = scene.observed.now.at;
    let each = age::parts(release).filter_map(|(part, side)| {
        let series = group(scene, side)?;
        let value = Curve::new(part, "", gauge(series, Gauge::FailedOpen), series).latest(now)?;
        (value > 0.0).then(|| (part.word().0, value))
    });
    let line = |(name, value)| {
        let text = format!("✖ {name}: {}/min sent to unhealthy targets, for there are no others", format::count(value));
        scene.line(text, Role::Bad)
    };
    each.map(line).collect()
}

/// All metrics on one line.
pub fn line(scene: &Canvas<'_>, release: &Release) -> Line<'static> {
    let now = scene.observed.now.at;
    let mut spans = vec![scene.dim("around   ")];
    for (index, strip) in balancer(scene, release).iter().chain(&resources(scene, release)).enumerate() {
        if index > 0 {
            spans.push(scene.dim(" · "));
        }
        let whose = if strip.title == ELB { " (whole)" } else { "" };
        let title = strip.title.trim_end_matches(" hosts");
        spans.push(scene.dim(format!("{title}{whose} ")));
        let known = values(strip, now);
        if known.iter().all(|(.., value)| value.is_none()) {
            spans.push(scene.dim("no data"));
            continue;
        }
        // Both sides without anything to count are one zero.
        if known.iter().all(|(.., value)| value.is_some_and(|value| value <= 0.0)) {
            spans.push(said(scene, strip, Some(0.0)));
            continue;
        }
        for (index, (part, name, value)) in known.into_iter().enumerate() {
            if index > 0 {
                spans.push(scene.dim(", "));
            }
            if part != Part::Alone {
                spans.push(scene.dim(format!("{name} ")));
            }
            spans.push(said(scene, strip, value));
        }
    }
    if let Some(stale) = stale(scene, release) {
        spans.extend([scene.dim("  "), stale]);
    }
    Line::from(spans)
}
