//! The time since which the canary has had its present share, and its effect on the verdict.

use jiff::{SignedDuration, Timestamp};

use super::side::series;
use crate::domain::analysis::{ReasonCode, ShownShare, Verdict};
use crate::domain::ecs::route::Route;
use crate::domain::metrics::Minute;
use crate::domain::metrics::source::MetricSource;
use crate::domain::observe::snapshot::{Since, Snapshot};
use crate::domain::release::ladder::Ladder;
use crate::domain::release::production_rule::ProductionRule;
use crate::domain::release::share::Percent;
use crate::domain::release::{LocalState, Side};

/// Load balancers follow a rule's change within this time: requests at another share until then are of before it.
const PROPAGATION: SignedDuration = SignedDuration::from_mins(3);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A share of the traffic, and what could tell since when it stands.
pub(super) struct Standing<'a> {
    /// The rules that divide the traffic.
    pub(super) rules: &'a [ProductionRule],
    /// The canary's share.
    pub(super) share: Option<Percent>,
    /// Stable and canary.
    pub(super) sides: [&'a Side; 2],
    /// The start of the canary's present revision.
    pub(super) began: Option<Timestamp>,
    /// The shares that the canary may have had before.
    pub(super) ladder: &'a Ladder,
    /// True if ECS alone sets the share, step by step.
    pub(super) by_ecs: bool,
    /// Every other rule that has a target group of either side.
    pub(super) other_rules: &'a [Route],
}

impl Standing<'_> {
    /// The time since which this revision has had its share: as this console saw it, as the audit has it, else as
    /// the requests show it. What is not known stands since the first look, and is not `seen`.
    pub(super) fn since(&self, local: &LocalState, snapshot: &Snapshot, now: Timestamp) -> Option<Since> {
        let first_look = |rule: &ProductionRule| snapshot.weights_since.get(&rule.route.id).copied();
        // Of several rules the one that changed last: before that there was another share.
        let newest = self.rules.iter().filter_map(first_look).max_by_key(|it| it.at)?;
        if newest.seen {
            // What another revision earned under the same weights says nothing of this one.
            let at = self.began.map_or(newest.at, |began| began.max(newest.at));
            return Some(Since { at, seen: true });
        }
        let known = Some(Since { at: newest.at, seen: false });
        if self.share.is_none_or(|share| share.is_zero()) {
            return known;
        }
        let shown = self.shown(snapshot, now);
        let read_back = local.since.filter(|_| local.requested.is_some() && local.requested == self.share);
        let remembered = read_back.filter(|at| self.began.is_none_or(|began| began <= *at));
        // Somebody else gave it another share meanwhile.
        let outdated = |at: Timestamp| {
            let other = shown.and_then(|shown| shown.other_until);
            other.is_some_and(|until| until > at + PROPAGATION) && self.counts_all_requests()
        };
        let remembered = remembered.filter(|at| !outdated(*at));
        let at = remembered.or_else(|| self.first_step(snapshot)).or(shown.and_then(|shown| shown.since));
        at.map(|at| Since { at, seen: true }).or(known)
    }

    /// The end of the first minute with requests to a canary that is at the first step of ECS's own: it had no other
    /// share before.
    fn first_step(&self, snapshot: &Snapshot) -> Option<Timestamp> {
        let began = self.began?;
        if !self.by_ecs || self.ladder.steps().first() != self.share.as_ref() || !self.counts_all_requests() {
            return None;
        }
        let served = |minute: &&Minute| minute.at >= began && minute.requests.is_some_and(|requests| requests > 0.0);
        series(self.sides[1], snapshot)?.minutes.iter().find(served).map(|minute| minute.at + MINUTE)
    }

    fn shown(&self, snapshot: &Snapshot, now: Timestamp) -> Option<ShownShare> {
        let [stable, canary] = self.sides.map(|side| series(side, snapshot));
        Some(ShownShare::of([canary?, stable?], (self.share?, self.ladder), self.began, now))
    }

    /// Returns true if the counted requests are those that the production rules divide, no more and no fewer.
    fn counts_all_requests(&self) -> bool {
        let by_balancer = |side: &&Side| matches!(side.meter, Some(MetricSource::TargetGroup { .. }));
        let served_otherwise =
            |rule: &Route| self.sides.iter().flat_map(|side| side.groups()).any(|group| rule.serves(group));
        self.sides.iter().all(by_balancer)
            && self.rules.iter().all(|rule| rule.route.stickiness.is_none())
            && !self.other_rules.iter().any(served_otherwise)
    }

    /// When the canary's revision last had requests, where it had some and has no share any more: it was taken back, by
    /// whomever.
    pub(super) fn taken_back(&self, local: &LocalState, snapshot: &Snapshot) -> Option<Timestamp> {
        let [stable, canary] = self.sides;
        let nobody = self.share.is_some_and(Percent::is_zero) && canary.task_definition != stable.task_definition;
        // An operator of this machine set its share to 0, which is no rollback.
        let set_aside = local.requested.is_some_and(Percent::is_zero) && local.rolled_back.is_none();
        if !nobody || set_aside || !self.counts_all_requests() {
            return None;
        }
        // Load balancers may have sent the revision before it some requests for a moment longer.
        let own = self.began? + PROPAGATION;
        let served = |minute: &&Minute| minute.at >= own && minute.requests.is_some_and(|requests| requests > 0.0);
        series(canary, snapshot)?.minutes.iter().rev().find(served).map(|minute| minute.at + MINUTE)
    }
}

/// A verdict is of one share: without the time since when it stands there is no PASS.
pub(super) fn with_since(verdict: Verdict, share: Option<Percent>, since: Option<Since>) -> Verdict {
    let Some(share) = share.filter(|share| !share.is_zero()) else { return verdict };
    if since.is_some_and(|since| since.seen) {
        return verdict;
    }
    let why = format!(
        "since when the canary has had {share} is not known: this machine did not see it, and the requests do not show it \
         yet"
    );
    verdict.downgrade_to_inconclusive(ReasonCode::ShareSinceUnknown.because(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::state::Model;
    use crate::domain::analysis::VerdictStatus::{Fail, Inconclusive, Pass};
    use crate::domain::metrics::{MetricsQuery, Series};
    use crate::domain::observe::snapshot::{Answer, Query};
    use crate::domain::plan::Intent;
    use crate::domain::release::Release;
    use crate::domain::rollback::known_bad::BadReason;
    use crate::testkit::consoles::{Pair, ago, learn, meter, now, open, percent, planned, route};

    /// The requests of each minute, of which the canary has had these shares: percent and minutes, the oldest first.
    fn measure(model: &mut Model, shares: &[(f64, usize)]) {
        let shares: Vec<_> = shares.iter().flat_map(|(share, count)| std::iter::repeat_n(*share, *count)).collect();
        let newest = now().as_second().div_euclid(60);
        let side = |canary: bool| {
            let minute = |(back, share): (usize, &f64)| {
                let requests = (6_000.0 * if canary { *share } else { 100.0 - share } / 100.0_f64).round();
                let at = Timestamp::from_second((newest - i64::try_from(back).unwrap()) * 60).unwrap();
                let p95 = 205.0 + (back % 7) as f64;
                let errors = (requests * 0.002).round();
                (requests > 0.0).then_some(Minute {
                    requests: Some(requests),
                    target_5xx: (errors > 0.0).then_some(errors),
                    p95: Some(p95),
                    ..Minute::at(at)
                })
            };
            let mut minutes: Vec<_> = shares.iter().rev().enumerate().filter_map(minute).collect();
            minutes.reverse();
            Series::from(minutes)
        };
        model.observed.snapshot.metrics.clear();
        let query = Query::Metrics(MetricsQuery { meters: Vec::new(), from: ago(10_000), to: now() });
        let series = vec![(meter("checkout-stable"), side(false)), (meter("checkout-canary"), side(true))];
        learn(model, 1, query, Answer::Metrics(series));
    }

    /// A console that looked for the first time a moment ago, on a machine that remembers this.
    fn first_look(share: u64, began: i64, local: LocalState, shares: &[(f64, usize)]) -> Release {
        let mut pair = Pair::at(share, 7);
        pair.canary.rollouts[0].created_at = Some(ago(began));
        pair.canary.desired = if share == 0 { 0 } else { 2 };
        let mut model = open((120, 40), pair);
        model.observed.snapshot.weights_since.clear();
        model.observed.snapshot.routes = Default::default();
        learn(&mut model, 7, Query::Routes, Answer::Routes(vec![route(100 - share, share)]));
        model.operations.local.insert("checkout".into(), local);
        measure(&mut model, shares);
        model.derive();
        model.release("checkout").unwrap().clone()
    }

    fn wrote(share: f64, seconds: i64) -> LocalState {
        LocalState { requested: Some(percent(share)), since: Some(ago(seconds)), ..LocalState::default() }
    }

    /// `now` is 09:41:07: the newest settled minute is 09:38.
    #[test]
    fn a_first_look_knows_since_when_a_share_stands_or_says_not_yet() {
        let none = LocalState::default;
        let table = [
            ("ten minutes at 1 %, seven seconds at 10 %", 10, 3_000, none(), &[(1.0, 30)][..], None, Inconclusive),
            ("a quarter of an hour at 10 %", 10, 3_000, none(), &[(1.0, 20), (10.0, 19)], Some(17 * 60 + 7), Pass),
            ("its bake is not over", 10, 3_000, none(), &[(1.0, 20), (10.0, 9)], Some(7 * 60 + 7), Inconclusive),
            ("one minute shows it", 10, 3_000, none(), &[(1.0, 20), (10.0, 4)], None, Inconclusive),
            ("down from 100 %", 10, 3_000, none(), &[(100.0, 20), (10.0, 2)], None, Inconclusive),
            ("this machine wrote it", 10, 3_000, wrote(10.0, 900), &[(1.0, 20), (10.0, 15)], Some(900), Pass),
            ("it wrote it a moment ago", 10, 3_000, wrote(10.0, 7), &[(1.0, 30)], Some(7), Inconclusive),
            ("it wrote another share", 10, 3_000, wrote(1.0, 900), &[(1.0, 30)], None, Inconclusive),
            (
                "somebody else went back and forth since",
                10,
                9_000,
                wrote(10.0, 3_000),
                &[(10.0, 20), (1.0, 20)],
                None,
                Inconclusive,
            ),
            ("and waited", 10, 9_000, wrote(10.0, 3_000), &[(1.0, 20), (10.0, 19)], Some(17 * 60 + 7), Pass),
            (
                "it wrote it for the revision before",
                10,
                600,
                wrote(10.0, 3_000),
                &[(10.0, 50)],
                Some(8 * 60 + 7),
                Inconclusive,
            ),
            ("another revision had it", 10, 60, none(), &[(10.0, 50)], None, Inconclusive),
        ];
        for (name, share, began, local, shares, since, outcome) in table {
            let release = first_look(share, began, local, shares);
            let bake = release.bake.unwrap();
            assert_eq!(bake.seen.then_some(bake.since), since.map(ago), "{name}");
            assert_eq!(release.verdict.outcome, outcome, "{name}: {:?}", release.verdict.reasons);
            let unknown =
                release.verdict.reasons.iter().any(|reason| reason.contains("since when the canary has had 10%"));
            assert_eq!(unknown, since.is_none(), "{name}: {:?}", release.verdict.reasons);
        }
    }

    #[test]
    fn a_revision_that_was_taken_back_does_not_pass_and_is_gated_on_any_machine() {
        let none = LocalState::default;
        let set_aside = || LocalState { requested: Some(percent(0.0)), ..LocalState::default() };
        let here = || LocalState { rolled_back: Some(ago(900)), ..set_aside() };
        let tried = [(0.0, 10), (1.0, 10), (0.0, 10)];
        let table = [
            ("its requests show it", none(), &tried[..], true, true),
            ("this machine did it", here(), &tried, true, true),
            ("it never had any: nobody knows", none(), &[(0.0, 30)], false, false),
            ("this machine set its share to 0", set_aside(), &tried, false, false),
        ];
        for (name, local, shares, back, bad) in table {
            let release = first_look(0, 3_000, local, shares);
            let canary = release.canary.as_ref().unwrap();
            assert_eq!(release.went_back.is_some(), back, "{name}");
            assert_eq!(release.verdict.outcome, Inconclusive, "{name}");
            let reason = if back { "rolled back at" } else { "has no traffic and no tasks" };
            assert!(release.verdict.reasons[0].contains(reason), "{name}: {:?}", release.verdict.reasons);
            let known = release.known_against(&canary.task_definition);
            assert_eq!(known.is_some_and(|known| known.reason == BadReason::RolledBack), bad, "{name}");
            let step = planned(&release, &Intent::Step { to: None }).unwrap();
            assert_eq!(step.gate.map(|gate| gate.outcome), bad.then_some(Fail), "{name}");
        }
    }
}
