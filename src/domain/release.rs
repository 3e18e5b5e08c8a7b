//! A release as an operator thinks of it, derived from the snapshot and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::ladder::Ladder;
use super::names::Arn;
use super::pair::{self, Pair};
use super::plan::Intent;
use super::previous::{self, Good};
use super::route::Route;
use super::service::{Controller, Service, Strategy};
use super::settings::Settings;
use super::share::{Percent, Weights};
use super::snapshot::{Since, Snapshot};
use super::verdict::{self, Numbers, Opinion, Verdict};

mod phase;
mod side;

pub use phase::Phase;
pub use side::Side;

use phase::{single_phase, weighted_phase};
use side::{deployment_under_way, side};

/// Who moves the traffic, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Method {
    /// Two services behind weighted target groups; the console writes the weights.
    Weighted,
    /// One service, tasks replaced in place.
    Rolling,
    /// One service whose own strategy shifts traffic.
    Native,
    /// CodeDeploy moves it.
    CodeDeploy,
    /// Somebody else does.
    External,
}

/// What this console is doing to a release, and what it last asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ours {
    /// The intent of the operation in flight.
    pub doing: Option<Intent>,
    /// The canary's share that was last written from here.
    pub requested: Option<Percent>,
    /// When that was read back, where it is remembered: a single look could not know.
    pub since: Option<Timestamp>,
}

/// The canary's share of traffic, three ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Share {
    /// What was last asked for from this console, percent.
    pub requested: Option<Percent>,
    /// What the rule says, percent.
    pub configured: Option<Percent>,
    /// What requests show over the last settled minutes, percent.
    pub observed: Option<Percent>,
}

/// How long the present share has been watched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bake {
    /// Since when.
    pub since: Timestamp,
    /// Whether the change was seen; else it has been so at least that long.
    pub seen: bool,
    /// How long it should be, seconds.
    #[serde(skip)]
    pub of: SignedDuration,
}

/// A service, or a pair, and where its release is.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// The pair's stem, or the service's name.
    pub name: String,
    /// Who moves the traffic.
    pub method: Method,
    /// Where it is.
    pub phase: Phase,
    /// The service that was there.
    pub stable: Side,
    /// The service that is tried.
    pub canary: Option<Side>,
    /// Every rule that weights the two.
    pub routes: Vec<Route>,
    /// The canary's share.
    pub share: Share,
    /// The steps.
    pub ladder: Ladder,
    /// The bake timer, while a share is set.
    pub bake: Option<Bake>,
    /// What the metrics say.
    pub verdict: Verdict,
    /// What to go back to, best first.
    pub previous: Vec<Good>,
    /// Why nothing may be written here, where that is so.
    pub watch_only: Option<String>,
    /// What is wrong or odd, for the operator.
    pub remarks: Vec<String>,
    /// Since when the stable service's rollout has been complete.
    pub steady_since: Option<Timestamp>,
}

impl Bake {
    /// How much of it has passed.
    pub fn elapsed(&self, now: Timestamp) -> SignedDuration {
        now.duration_since(self.since).max(SignedDuration::ZERO)
    }

    /// Whether it is over.
    pub fn done(&self, now: Timestamp) -> bool {
        self.elapsed(now) >= self.of
    }
}

impl Release {
    /// Whether a release is under way, so that `R` acts at once.
    pub fn in_flight(&self) -> bool {
        self.phase != Phase::Steady
    }

    /// Whether it goes by this name: its own, or one of its services'.
    pub fn answers_to(&self, name: &str) -> bool {
        self.name == name
            || self.stable.service.service == name
            || self.canary.as_ref().is_some_and(|canary| canary.service.service == name)
    }

    /// The side that carries the new revision.
    pub fn newest(&self) -> &Side {
        self.canary.as_ref().unwrap_or(&self.stable)
    }

    /// Whether stable runs the canary's revision, or is about to: there is no other version to send users to, and
    /// a rollback must first bring one back.
    pub fn stable_taken(&self) -> bool {
        self.canary.as_ref().is_some_and(|canary| canary.task_definition == self.stable.task_definition)
    }

    /// The canary's share in each of the pair's rules; `None` where both weights are 0.
    pub fn shares(&self) -> Vec<Option<Percent>> {
        let groups = self.stable.target_group.as_ref().zip(self.newest().target_group.as_ref());
        let Some((stable, canary)) = groups else { return Vec::new() };
        self.routes.iter().map(|route| share_in(route, stable, canary)).collect()
    }

    /// The lower, the sooner an operator must look at it.
    pub fn urgency(&self) -> u8 {
        match (self.phase, self.verdict.opinion) {
            (Phase::Failed, _) => 0,
            (_, Opinion::Bad) => 1,
            (Phase::RollingBack, _) => 2,
            (Phase::Waiting, _) => 3,
            (Phase::Steady, _) if !self.remarks.is_empty() => 6,
            (Phase::Steady, _) => 7,
            // Where the operator holds the lever; elsewhere ECS goes on by itself.
            _ if self.method == Method::Weighted => 4,
            _ => 5,
        }
    }
}

/// Every release of the environment: pairs as one, every other service alone, by name.
pub fn releases(
    snapshot: &Snapshot,
    settings: &Settings,
    ours: &BTreeMap<String, Ours>,
    now: Timestamp,
) -> Vec<Release> {
    let Some(services) = snapshot.services.get() else { return Vec::new() };
    let pairs = pair::pairs(snapshot, settings);
    let paired: BTreeSet<_> = pairs.iter().flat_map(|pair| [&pair.stable, &pair.canary]).collect();
    let nobody = Ours::default();
    let ours_of = |name: &str| ours.get(name).unwrap_or(&nobody);
    let mut releases: Vec<_> = pairs
        .iter()
        .filter_map(|pair| weighted(pair, snapshot, settings, ours_of(&pair.name), now))
        .chain(
            services
                .values()
                .filter(|service| !paired.contains(&service.key))
                .map(|service| single(service, snapshot, settings, ours_of(&service.key.service), now)),
        )
        .collect();
    releases.sort_by(|a, b| (&a.name, &a.stable.service).cmp(&(&b.name, &b.stable.service)));
    releases
}

fn weighted(pair: &Pair, snapshot: &Snapshot, settings: &Settings, ours: &Ours, now: Timestamp) -> Option<Release> {
    let (stable, canary) = (snapshot.service(&pair.stable)?, snapshot.service(&pair.canary)?);
    let routes: Vec<_> = pair.routes.iter().filter_map(|id| snapshot.route(id)).cloned().collect();
    let share_in = |route: &Route| share_in(route, &pair.stable_group, &pair.canary_group);
    // Where the rules disagree, the one that matters most speaks for all: nobody served, else most of the canary.
    let weight_of = |route: &&Route| share_in(route).map_or(f64::INFINITY, Percent::value);
    let route = routes.iter().max_by(|a, b| weight_of(a).total_cmp(&weight_of(b)))?;
    let configured = share_in(route);
    let remembered = ours.since.filter(|_| ours.requested.is_some() && ours.requested == configured);
    let since = match (snapshot.weights_since.get(&route.id).copied(), remembered) {
        (Some(since), Some(at)) if !since.seen => Some(Since { at, seen: true }),
        (since, _) => since,
    };
    let thresholds = &settings.thresholds;
    let numbers = |group: &Arn, from: Option<Timestamp>| {
        let series = snapshot.metrics.get(group).and_then(|reading| reading.get());
        series.map(|series| Numbers::gather(series, now, thresholds, from)).unwrap_or_default()
    };
    let (on_canary, on_stable) =
        (numbers(&pair.canary_group, seen_at(since)), numbers(&pair.stable_group, seen_at(since)));
    let observed = Percent::of(on_canary.requests, on_canary.requests + on_stable.requests);
    // Without traffic there is nothing to say about the canary; then stable is judged, as any other service.
    let verdict = if configured.is_some_and(Percent::is_zero) {
        verdict::judge(numbers(&pair.stable_group, None), None, thresholds)
    } else {
        verdict::judge(on_canary, Some(on_stable), thresholds)
    };
    let stable_side = side(stable, Some(&pair.stable_group), Some(route), snapshot);
    let canary_side = side(canary, Some(&pair.canary_group), Some(route), snapshot);

    let mut remarks = Vec::new();
    if routes.iter().any(|other| share_in(other) != configured) {
        remarks.push("the rules of this pair have different weights".to_owned());
    }
    if configured.is_none() {
        remarks.push("both weights are 0: nobody is served".to_owned());
    }
    if let Some(requested) = ours.requested
        && ours.doing.is_none()
        && configured.is_some_and(|configured| (configured.value() - requested.value()).abs() > 0.05)
    {
        remarks.push(format!("somebody else changed the weights since {requested} was written from here"));
    }
    if let Some(seconds) = route.stickiness {
        remarks.push(format!("sticky for {seconds} s: clients with the cookie keep their side whatever the weights"));
    }
    remarks.extend(pair.told_by.as_ref().err().cloned());

    let bake_for = settings.bake_of(&pair.name);
    let shared = configured.is_some_and(|share| !share.is_zero());
    let bake = since.filter(|_| shared).map(|since| Bake { since: since.at, seen: since.seen, of: bake_for });
    let phase = weighted_phase(&stable_side, &canary_side, configured, bake, ours, now);
    Some(Release {
        name: pair.name.clone(),
        method: Method::Weighted,
        phase,
        share: Share { requested: ours.requested, configured, observed },
        ladder: settings.ladder_of(&pair.name).clone(),
        bake,
        verdict,
        previous: previous::candidates(stable, &stable_side.task_definition, snapshot),
        watch_only: pair.told_by.as_ref().err().cloned(),
        remarks,
        steady_since: stable.primary().and_then(|primary| primary.updated_at.or(primary.created_at)),
        stable: stable_side,
        canary: Some(canary_side),
        routes,
    })
}

fn share_in(route: &Route, stable: &Arn, canary: &Arn) -> Option<Percent> {
    Weights { stable: route.weight(stable)?, canary: route.weight(canary)? }.canary_share()
}

fn seen_at(since: Option<Since>) -> Option<Timestamp> {
    since.filter(|since| since.seen).map(|since| since.at)
}

fn single(service: &Service, snapshot: &Snapshot, settings: &Settings, ours: &Ours, now: Timestamp) -> Release {
    let name = service.key.service.clone();
    let group = service.target_groups.first();
    let route = snapshot.routes.get().and_then(|routes| {
        routes
            .values()
            .find(|route| route.forwards.iter().any(|to| group.is_some_and(|group| *group == to.target_group)))
    });
    let series = group.and_then(|group| snapshot.metrics.get(group)).and_then(|reading| reading.get());
    let numbers = series.map(|series| Numbers::gather(series, now, &settings.thresholds, None)).unwrap_or_default();
    let (method, watch_only) = match (&service.controller, &service.strategy) {
        (Controller::CodeDeploy, _) => (
            Method::CodeDeploy,
            Some("CodeDeploy moves this service's traffic; it can only be watched here.".to_owned()),
        ),
        (Controller::External | Controller::Other(_), _) => {
            (Method::External, Some("Another controller moves this service; it can only be watched here.".to_owned()))
        }
        (Controller::Ecs, Strategy::Rolling) => (Method::Rolling, None),
        (Controller::Ecs, _) => (Method::Native, None),
    };
    let side = side(service, group, route, snapshot);
    let current = deployment_under_way(service, snapshot);
    Release {
        phase: single_phase(service, &side, current, ours),
        name: name.clone(),
        method,
        share: Share::default(),
        ladder: settings.ladder_of(&name).clone(),
        bake: None,
        verdict: verdict::judge(numbers, None, &settings.thresholds),
        previous: previous::candidates(service, &side.task_definition, snapshot),
        watch_only,
        remarks: side.trouble.iter().cloned().collect(),
        steady_since: service.primary().and_then(|primary| primary.updated_at.or(primary.created_at)),
        stable: side,
        canary: None,
        routes: Vec::new(),
    }
}

impl fmt::Display for Release {
    /// The facts of a release in a few lines, for a ticket.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |share: Option<Percent>| share.map_or_else(|| "unknown".to_owned(), |share| share.to_string());
        writeln!(f, "{} ({}) is {}", self.name, self.method, self.phase)?;
        for (role, side) in [("stable", Some(&self.stable)), ("canary", self.canary.as_ref())] {
            let Some(side) = side else { continue };
            let version = side.version.as_deref().unwrap_or("version unknown");
            let healthy =
                side.healthy.map_or_else(|| "health unknown".to_owned(), |healthy| format!("{healthy} healthy"));
            writeln!(
                f,
                "{role} {} runs {} ({version}), {} of {} tasks, {healthy}",
                side.service, side.task_definition, side.running, side.desired
            )?;
        }
        if self.canary.is_some() {
            let Share { requested, configured, observed } = self.share;
            writeln!(
                f,
                "canary's traffic: requested {}, configured {}, observed {}",
                share(requested),
                share(configured),
                share(observed)
            )?;
        }
        write!(f, "verdict {}", self.verdict.opinion.word())?;
        self.verdict.reasons.iter().try_for_each(|reason| write!(f, "; {reason}"))?;
        self.remarks.iter().try_for_each(|remark| write!(f, "\n{remark}"))
    }
}
