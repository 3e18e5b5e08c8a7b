//! The minutes of a release, from the source that counted and kept them.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::file::Side;
use crate::cli::args::Judge;
use crate::cli::exit::{Exit, Failure};
use crate::cli::lookup;
use crate::cli::observe::Observation;
use crate::cli::session::Session;
use crate::domain::analysis::Observed;
use crate::domain::ecs::deployment::{ServiceDeployment, ServiceRevision};
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::service::Service;
use crate::domain::metrics::source::{MetricSource, Resolution};
use crate::domain::metrics::{MetricsQuery, Series, minute_of};
use crate::domain::observe::query::{Answer, Query};
use crate::domain::observe::requirements::{Scope, metrics_of_groups};
use crate::domain::release::Release;
use crate::domain::settings::Settings;

/// Time for which CloudWatch keeps single minutes; after that, only their sums over five minutes.
const KEPT: SignedDuration = SignedDuration::from_hours(15 * 24);

const MINUTE: SignedDuration = SignedDuration::from_secs(60);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Both sides of a release over a past period.
#[derive(Debug)]
pub(super) struct Served {
    /// The release's name, which selects its settings.
    pub name: String,
    /// The source that counted.
    pub source: &'static str,
    /// The first minute that is judged: the canary's first with requests. Without such a minute, the first that was
    /// requested.
    pub from: Timestamp,
    /// The end of the last settled minute, or of the requested period.
    pub to: Timestamp,
    /// The canary's settled minutes, from `from` on.
    pub canary: Side,
    /// Stable's settled minutes, from an hour before `from` on.
    pub stable: Side,
    /// True if latency is counted at all.
    pub timed: bool,
    /// The metrics that could not be read.
    pub troubles: Vec<String>,
}

/// The sources of metrics of both sides.
struct Meters {
    stable: MetricSource,
    canary: MetricSource,
}

/// Returns the first and the last requested minute, the last exclusive; both are whole minutes.
fn window(
    now: Timestamp,
    since: SignedDuration,
    until: Option<SignedDuration>,
) -> Result<(Timestamp, Timestamp), Failure> {
    let advice =
        "Both count back from now: --since 2h --until 30m is an hour and a half, which ended half an hour ago.";
    // Stable's minutes are read from an hour before.
    if since + HOUR > KEPT {
        let why =
            format!("--since {since:#}: CloudWatch keeps single minutes for 15 days, and an hour before is read too");
        return Err(Failure::usage(why, "Minutes that were kept (--minutes) can be judged at any time."));
    }
    let until = until.unwrap_or(SignedDuration::ZERO);
    if until + MINUTE > since {
        return Err(Failure::usage(format!("--until {until:#} is not after --since {since:#}"), advice));
    }
    let back = |by: SignedDuration| now.checked_sub(by).map_or(now, minute_of);
    Ok((back(since), back(until)))
}

/// Reads the same data of the release as `status`, and the release's minutes.
pub(super) async fn served(session: &Session, wish: &Judge, since: SignedDuration) -> Result<Served, Failure> {
    let (from, to) = window(session.now(), since, wish.until)?;
    let seen = session.observe(Scope::Release, Some(&wish.what)).await?;
    let release = lookup::find(&seen.releases, &wish.what)?;
    let Meters { stable, canary } = meters(release, &seen, &session.config.settings, from, to)?;
    let source = if canary.of_prometheus() { "Prometheus" } else { "CloudWatch" };
    let earlier = from.checked_sub(HOUR).unwrap_or(from);
    let both = vec![(stable.clone(), Resolution::Full), (canary.clone(), Resolution::Full)];
    let query = Query::Metrics(MetricsQuery { meters: both, from: earlier, to });
    let Answer::Metrics(mut read) = session.reader.read(&query).await? else {
        return Err(Failure::new(Exit::Internal, "the minutes were answered with something else", "Please report it."));
    };
    let (now, timed) = (session.now(), canary.timed());
    let mut take = |meter: &MetricSource| {
        let place = read.iter().position(|(read, _)| read == meter);
        place.map(|place| read.swap_remove(place).1).unwrap_or_default()
    };
    let (stable, canary) = (take(&stable), take(&canary));
    let troubles = [("stable", &stable), ("canary", &canary)].into_iter().flat_map(|(side, series)| {
        series.troubles.iter().map(move |trouble| format!("{side}: {}: {}", trouble.metric, trouble.message))
    });
    let troubles = troubles.collect();
    let settles = stable.settles_after.max(canary.settles_after);
    let settled = now.checked_sub(settles).map_or(to, |at| to.min(at));
    let settled = minute_of(settled).max(from);
    let observed = |series: &Series, from: Timestamp| {
        let within = |at: Timestamp| from <= at && at < settled && series.settled(at, now);
        let minutes = series.minutes.iter().filter(|minute| within(minute.at)).map(Observed::from).collect();
        let histograms = series.histograms.iter().filter(|(at, _)| within(**at));
        Side { minutes, histograms: histograms.map(|(at, it)| (*at, it.clone())).collect() }
    };
    let came = observed(&canary, from).minutes.iter().find(|minute| minute.count().is_some()).map(|minute| minute.at);
    let begins = came.unwrap_or(from);
    Ok(Served {
        name: release.name.clone(),
        source,
        from: begins,
        to: settled,
        canary: if came.is_some() { observed(&canary, begins) } else { Side::default() },
        stable: observed(&stable, begins.checked_sub(HOUR).unwrap_or(begins)),
        timed,
        troubles,
    })
}

/// Returns the sources of metrics of both sides. A release under way has the console's sources. For a release that is
/// over, the deployment tells which target group the canary had.
fn meters(
    release: &Release,
    seen: &Observation,
    settings: &Settings,
    from: Timestamp,
    to: Timestamp,
) -> Result<Meters, Failure> {
    let name = &release.name;
    if let Some(canary) = &release.canary {
        let Some((stable, canary)) = release.stable.meter.clone().zip(canary.meter.clone()) else {
            return Err(Failure::new(
                Exit::Refused,
                format!(
                    "{name}: it is not known which target group serves which side, so nobody counts their requests"
                ),
                "Both need a target group behind a rule, or metrics of their own in the configuration.",
            ));
        };
        return Ok(Meters { stable, canary });
    }
    past_meters(release, seen, settings, (from, to)).map_err(|why| {
        let advice = "It takes a pair of services behind weighted target groups, or a deployment in which ECS shifted \
                      traffic between two target groups, in the time that is asked about (--since, --until).";
        Failure::new(Exit::Refused, format!("{name} has no canary side to judge: {why}"), advice)
    })
}

/// Returns the sources of a deployment that is over, or the reason why there are none.
fn past_meters(
    release: &Release,
    seen: &Observation,
    settings: &Settings,
    (from, to): (Timestamp, Timestamp),
) -> Result<Meters, String> {
    if !release.method.shifted_by_ecs() {
        return Err("its revisions replace one another behind one target group".to_owned());
    }
    let service = seen.snapshot.service(&release.stable.service);
    let history = seen.snapshot.deployments.get(&release.stable.service).and_then(|reading| reading.get());
    let (Some(service), Some(history)) = (service, history) else {
        return Err("its deployments could not be read".to_owned());
    };
    let during = |deployment: &&ServiceDeployment| {
        let began = deployment.started_at.or(deployment.created_at);
        began.is_some_and(|at| at < to) && deployment.finished_at.is_none_or(|at| from < at)
    };
    let Some(deployment) = history.iter().find(during) else {
        return Err("no deployment of it was under way then".to_owned());
    };
    let green = deployment.target.as_deref();
    let blue = match deployment.sources.as_slice() {
        [only] if deployment.unresolved_sources == 0 => Some(&**only),
        _ => None,
    };
    let (Some(green), Some(blue)) = (green, blue) else {
        return Err("AWS no longer tells between which revisions its deployment went".to_owned());
    };
    if let Some(own) = settings.own_of(&release.name) {
        let [stable, canary] = [blue, green].map(|side| own.of(&service.key, &side.task_definition));
        let same = canary.same_as(&stable);
        if !same.is_empty() {
            return Err(format!(
                "its own {} would be the same for both revisions: with {{revision}} in them they are not",
                same.join(", ")
            ));
        }
        return Ok(Meters { stable: MetricSource::Custom(stable), canary: MetricSource::Custom(canary) });
    }
    let Some((blue, green)) = groups_of(service, blue, green) else {
        return Err("AWS no longer tells which target group its canary had".to_owned());
    };
    let meter = |group: Arn| metrics_of_groups(&BTreeSet::from([group]), &seen.snapshot).pop();
    let meters = meter(blue).zip(meter(green)).map(|(stable, canary)| Meters { stable, canary });
    meters.ok_or_else(|| "its target groups are behind no rule any more".to_owned())
}

/// Returns the target groups that blue and green had. ECS reports a revision's group only while the revision is in use:
/// for a release that is over, one side's group.
fn groups_of(service: &Service, blue: &ServiceRevision, green: &ServiceRevision) -> Option<(Arn, Arn)> {
    let known = |groups: &[Arn]| groups.iter().find(|group| service.target_groups.contains(group)).cloned();
    let other = |one: &Arn| match service.target_groups.as_slice() {
        [a, b] if a == one => Some(b.clone()),
        [a, b] if b == one => Some(a.clone()),
        _ => None,
    };
    match (known(&blue.target_groups), known(&green.target_groups)) {
        (Some(blue), Some(green)) if blue != green => Some((blue, green)),
        (None, Some(green)) => other(&green).map(|blue| (blue, green)),
        (Some(blue), None) => other(&blue).map(|green| (blue, green)),
        _ => None,
    }
}

impl Served {
    /// Renders the release, the source and the period that are judged, for people.
    pub(super) fn headline(&self) -> String {
        let Self { name, source, from, to, canary, .. } = self;
        let (from, to) = (from.strftime("%Y-%m-%d %H:%MZ"), to.strftime("%H:%MZ"));
        match canary.minutes.is_empty() {
            true => format!("{name}, by {source}'s minutes from {from} to {to}: none has a request to the canary"),
            false => format!("{name}, by {source}'s minutes from {from}, the canary's first with requests, to {to}"),
        }
    }

    /// Returns the minutes as a file that `judge` accepts.
    pub(super) fn file(&self) -> Value {
        let side = |side: &Side| -> Vec<Value> {
            let minute = |minute: &Observed| {
                let mut members = json!({
                    "minute": minute.at.strftime("%Y-%m-%dT%H:%MZ").to_string(),
                    "requests": minute.requests, "errors": minute.errors,
                    "p50": minute.p50, "p95": minute.p95, "p99": minute.p99,
                });
                if let (Some(histogram), Value::Object(members)) = (side.histograms.get(&minute.at), &mut members) {
                    let buckets = histogram.buckets().map(|(le, count)| (edge(le), json!(count)));
                    members.insert("histogram".to_owned(), Value::Object(buckets.collect()));
                }
                members
            };
            side.minutes.iter().map(minute).collect()
        };
        json!({ "stable": side(&self.stable), "canary": side(&self.canary) })
    }
}

/// An edge as a file has it.
fn edge(le: f64) -> String {
    if le.is_infinite() { "+Inf".to_owned() } else { le.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(text: &str) -> SignedDuration {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_of_whole_minutes_and_no_longer_than_minutes_are_kept() {
        let now: Timestamp = "2026-11-21T09:41:07Z".parse().unwrap();
        let (from, to) = window(now, span("2h"), Some(span("30m"))).unwrap();
        assert_eq!(
            (from.to_string().as_str(), to.to_string().as_str()),
            ("2026-11-21T07:41:00Z", "2026-11-21T09:11:00Z")
        );
        assert_eq!(window(now, span("2h"), None).unwrap().1.to_string(), "2026-11-21T09:41:00Z");
        for (since, until, part) in
            [("361h", None, "15 days"), ("30m", Some("30m"), "not after"), ("1h", Some("2h"), "not after")]
        {
            let failure = window(now, span(since), until.map(span)).unwrap_err();
            assert!(failure.exit == Exit::Usage && failure.message.contains(part), "{}", failure.message);
        }
    }
}
