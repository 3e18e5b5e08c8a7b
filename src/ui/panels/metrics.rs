//! Errors and latency of both sides, each in one plot.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::domain::metrics::{Minute, Percentile, Series};
use crate::domain::release::{Release, Side};
use crate::domain::share::Weights;
use crate::ui::plot::{self, Marker, Plot, Point, Threshold};
use crate::ui::scene::{Scene, put, put_all, split_left, split_top};
use crate::ui::theme::Role;
use crate::ui::{fleet, freshness, words};

/// Draws both panels side by side.
pub fn draw(scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let (left, right) = split_left(area, area.width.saturating_sub(2) / 2);
    errors(scene, release, buffer, left);
    latency(scene, release, buffer, right);
}

/// The error-rate panel.
fn errors(scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    // What is worth a look; a canary is judged against stable long before it fails by a line of its own.
    let line = scene.model.settings.thresholds_of(&release.name).warn_error_percent;
    let panel = Panel {
        title: "errors".to_owned(),
        threshold: Some((line, format!("line {}", words::round_rate(line)))),
        value: Minute::error_percent,
        unit: words::rate,
        round: words::round_rate,
        least_top: 0.1,
    };
    panel.draw(scene, release, buffer, area);
}

/// The latency panel, of the percentile that is chosen.
fn latency(scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
    let thresholds = scene.model.settings.thresholds_of(&release.name);
    let percentile = scene.model.percentile;
    // Only p95 is judged: the others have no line.
    let relative = release.verdict.baseline.and_then(|base| base.p95).map(|base| base * thresholds.p95_ratio);
    let threshold = match (percentile, thresholds.p95_ms, relative) {
        (Percentile::P95, Some(limit), _) => Some((limit, format!("line {}", words::latency(limit)))),
        (Percentile::P95, None, Some(limit)) => {
            Some((limit, format!("line {} = {}× stable", words::latency(limit), thresholds.p95_ratio)))
        }
        _ => None,
    };
    let panel = Panel {
        title: format!("latency {percentile}"),
        threshold,
        value: match percentile {
            Percentile::P50 => |minute| minute.p50,
            Percentile::P95 => |minute| minute.p95,
            Percentile::P99 => |minute| minute.p99,
        },
        unit: words::latency,
        round: words::round_latency,
        least_top: 10.0,
    };
    panel.draw(scene, release, buffer, area);
}

struct Panel {
    title: String,
    threshold: Option<(f64, String)>,
    value: fn(&Minute) -> Option<f64>,
    unit: fn(f64) -> String,
    round: fn(f64) -> String,
    least_top: f64,
}

impl Panel {
    fn draw(&self, scene: &Scene<'_>, release: &Release, buffer: &mut Buffer, area: Rect) {
        let columns = usize::from(area.width);
        let note = self.threshold.iter().map(|(_, label)| scene.span(label.clone(), Role::Warn)).collect();
        put(buffer, area, 0, scene.heading(&self.title, note, columns));
        let (_, area) = split_top(area, 1);
        let stable = self.points(scene, &release.stable);
        let canary = release.canary.as_ref().map(|canary| self.points(scene, canary));
        let source = freshness::metrics(scene, release);
        let nothing = stable.is_empty() && canary.as_ref().is_none_or(Vec::is_empty);
        if nothing {
            return self.nothing(scene, source, buffer, area);
        }
        put(buffer, area, 0, self.legend(scene, release, source));
        let (_, area) = split_top(area, 1);
        let plot = Plot {
            stable,
            canary: canary.unwrap_or_default(),
            threshold: self.threshold.as_ref().map(|(value, _)| Threshold { value: *value }),
            markers: markers(scene, release),
            unsettled: unsettled(scene, release),
            unit: self.round,
            least_top: self.least_top,
        };
        plot::draw(scene, &plot, buffer, area);
    }

    /// No curve at all: why, in words.
    fn nothing(&self, scene: &Scene<'_>, source: Option<freshness::Freshness>, buffer: &mut Buffer, area: Rect) {
        let lines = match source {
            None => vec![scene.dim("no data: no load balancer in front").into()],
            Some(source) => match &source.fault {
                Some((_, fault)) => fleet::fault_lines(scene, fault, area.width.into()),
                None if source.age.is_none() => vec![scene.dim("reading CloudWatch…").into()],
                None => vec![scene.dim("no data: CloudWatch counted no requests").into()],
            },
        };
        let (_, area) = split_top(area, 1);
        put_all(scene, buffer, area, lines);
    }

    /// Which curve is which, with its newest settled value.
    fn legend(&self, scene: &Scene<'_>, release: &Release, source: Option<freshness::Freshness>) -> Line<'static> {
        let (dots, line) = if scene.theme.ascii() { ("o", "x") } else { ("⋯", "━") };
        let usable = source.as_ref().is_some_and(|source| source.good());
        let mut spans = Vec::new();
        let mut newest: Option<Timestamp> = None;
        let labels: [(&str, &str, Role); 2] = match release.canary {
            Some(_) => [(dots, "stable", Role::Stable), (line, "canary", Role::Canary)],
            None => [(dots, "service", Role::Stable), ("", "", Role::Text)],
        };
        for (side, (mark, label, role)) in freshness::sides(release).zip(labels) {
            let latest = series(scene, side).and_then(|series| {
                series
                    .minutes
                    .iter()
                    .rev()
                    .find(|minute| series.settled(minute.at, scene.model.now.at) && (self.value)(minute).is_some())
            });
            newest = newest.max(latest.map(|minute| minute.at));
            let value = latest.and_then(self.value).map_or("no data".to_owned(), self.unit);
            spans.extend([
                scene.span(format!("{mark} {label} "), role),
                scene.span(format!("{value}  "), if usable { Role::Title } else { Role::Dim }),
            ]);
        }
        match (source.filter(|source| !source.good()), newest) {
            (Some(source), _) => spans.push(scene.span(source.words(), source.role())),
            (None, Some(at)) => {
                let ago = scene.model.now.at.duration_since(at);
                spans.push(scene.dim(format!("{} ago", words::age(ago))));
            }
            (None, None) => spans.push(Span::raw("")),
        }
        Line::from(spans)
    }

    fn points(&self, scene: &Scene<'_>, side: &Side) -> Vec<Point> {
        let now = scene.model.now.at;
        let minutes = series(scene, side).map(|series| series.minutes.as_slice()).unwrap_or_default();
        let point = |minute: &Minute| {
            let value = (self.value)(minute)?;
            // The minute's middle; what began just now is at the right edge.
            let ago = (now.duration_since(minute.at).as_secs_f64() / 60.0 - 0.5).max(0.0);
            Some(Point { ago, value })
        };
        minutes.iter().filter_map(point).collect()
    }
}

fn series<'a>(scene: &Scene<'a>, side: &Side) -> Option<&'a Series> {
    scene.model.snapshot.metrics.get(side.meter.as_ref()?)?.get()
}

/// Minutes ago from which on CloudWatch still corrects: whole minutes, as they are drawn.
fn unsettled(scene: &Scene<'_>, release: &Release) -> f64 {
    let now = scene.model.now.at;
    let slowest = freshness::sides(release).filter_map(|side| series(scene, side)).max_by_key(|it| it.settles_after);
    let Some(slowest) = slowest else { return 0.0 };
    let running = now.as_second().rem_euclid(60) as f64 / 60.0;
    // The newest settled minute began at least three minutes ago; the one after it is the first that is not.
    let oldest = (0..5).map(|back| running + f64::from(back)).find(|ago| {
        let began = now.checked_sub(SignedDuration::from_secs_f64(ago * 60.0)).unwrap_or(now);
        slowest.settled(began, now)
    });
    oldest.map_or(3.0, |ago| ago - 1.0).max(0.0)
}

/// When the weights changed, and to what share.
fn markers(scene: &Scene<'_>, release: &Release) -> Vec<Marker> {
    let now = scene.model.now.at;
    let Some(route) = release.routes.first() else { return Vec::new() };
    let groups = release
        .stable
        .target_group
        .as_ref()
        .zip(release.canary.as_ref().and_then(|canary| canary.target_group.as_ref()));
    let Some((stable, canary)) = groups else { return Vec::new() };
    let changes = scene.model.snapshot.weight_changes.get(&route.id).map(Vec::as_slice).unwrap_or_default();
    changes
        .iter()
        .map(|change| {
            let weight = |group: &crate::domain::names::Arn| {
                change.forwards.iter().find(|to| to.target_group == *group).map(|to| to.weight)
            };
            let share = weight(stable)
                .zip(weight(canary))
                .and_then(|(stable, canary)| Weights { stable, canary }.canary_share());
            let ago = now.duration_since(change.at).as_secs_f64() / 60.0;
            Marker { ago, label: share.map_or("0 and 0".to_owned(), |share| share.to_string()) }
        })
        .collect()
}
