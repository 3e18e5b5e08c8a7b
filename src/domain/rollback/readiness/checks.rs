//! The checks, except for images.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Check, Level, Look, Way, alarm_names, check};
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::ecs::deployment::{ServiceDeployment, ServiceRevision};
use crate::domain::ecs::service::Managed;
use crate::domain::fault::FaultKind;
use crate::domain::observe::snapshot::KEEPS;
use crate::domain::release::Method;
use crate::domain::rollback::target::{Evidence, KnownGood, best};
use crate::domain::wording::Wording;

impl Look<'_> {
    /// Writes that the rollback needs and AWS has refused.
    pub(super) fn permissions(&self) -> Vec<Check> {
        let weights = self.release.rules.iter().map(|rule| rule.route.id.operation());
        let back = match self.way {
            Way::None => return Vec::new(),
            Way::Weights => None,
            Way::Redeploy => Some("UpdateService"),
            // Nothing needs to be sent.
            Way::Undo(Some(deployment)) if deployment.status.rolling_back() => None,
            Way::Undo(_) if !self.release.pauses.is_empty() => Some("ContinueServiceDeployment"),
            Way::Undo(_) => Some("StopServiceDeployment"),
        };
        let by_weights = match self.release.method {
            Method::Weighted => true,
            // Blue gets everything back before ECS is told.
            Method::NativeWeighted => self.release.may_be_shared() && matches!(self.way, Way::Undo(_)),
            _ => false,
        };
        let needed: BTreeSet<&str> = back.into_iter().chain(weights.filter(|_| by_weights)).collect();
        let denied = |operation: &&str| {
            self.denied.iter().any(|fault| fault.kind == FaultKind::Denied && fault.operation == **operation)
        };
        let needed = needed.into_iter().filter(denied);
        needed.map(|it| check(Level::Blocks, format!("AWS denied {it}, which the way back needs"))).collect()
    }

    /// Whether the history, by which it is known what worked, was read.
    pub(super) fn history_read(&self) -> Option<Check> {
        let reading = self.snapshot.deployments.get(&self.service.key);
        if let Some(fault) = reading.and_then(|reading| reading.failing()) {
            return Some(if fault.kind == FaultKind::Denied {
                check(Level::Warn, format!("AWS denies {}: what worked is known only from here", fault.operation))
            } else {
                check(Level::Unknown, format!("the deployment history cannot be read: {}", fault.kind.word()))
            });
        }
        let read = reading.is_some_and(|reading| reading.get().is_some());
        (!read).then(|| check(Level::Unknown, "the deployment history was not read yet"))
    }

    /// Whether the target can be deployed, and which newer revisions were skipped.
    pub(super) fn target(&self) -> Vec<Check> {
        let redeploy = matches!(self.way, Way::Redeploy);
        let Some(target) = self.target else { return self.nowhere() };
        let reading = self.snapshot.task_definitions.get(target);
        let failing = reading.and_then(|reading| reading.failing()).map(|fault| fault.kind.word());
        let state = match (reading.and_then(|reading| reading.get()).map(|it| it.active), failing) {
            (Some(true), None) => check(Level::Good, format!("{target} is ACTIVE: it can be deployed")),
            (Some(false), _) if redeploy => {
                check(Level::Blocks, format!("{target} was deregistered: AWS would not deploy it"))
            }
            (Some(false), _) => {
                let what = format!("{target} was deregistered: once this deployment is over, nobody can deploy it");
                check(Level::Warn, what)
            }
            (_, Some(word)) => {
                check(Level::Unknown, format!("whether {target} can still be deployed cannot be read: {word}"))
            }
            (None, None) => check(Level::Unknown, format!("whether {target} can still be deployed was not read yet")),
        };
        let passed_over = if redeploy { self.passed_over() } else { Vec::new() };
        std::iter::once(state).chain(passed_over).collect()
    }

    /// Whether ECS would fail a deployment at its start because the production rule is divided.
    pub(super) fn divided(&self) -> Option<Check> {
        let at_rest = self.release.divided_at_rest().filter(|_| matches!(self.way, Way::Redeploy));
        at_rest.map(|condition| check(Level::Blocks, condition.message(Wording::PLAIN)))
    }

    /// A warning if tasks of the present revision may serve on after another one was deployed.
    pub(super) fn deferred_cleanup(&self) -> Option<Check> {
        let deferred = matches!(self.way, Way::Redeploy) && self.release.stable.defers_cleanup;
        let present = self.present().tag();
        let what =
            format!("ECS removes replaced tasks later (deferred cleanup): {present} may serve on for up to 14 d");
        deferred.then(|| check(Level::Warn, what))
    }

    /// That Express Mode deploys by its own record of the service, which a deployment from here does not change.
    pub(super) fn express(&self) -> Option<Check> {
        let redeployed = matches!(self.way, Way::Redeploy) && self.release.managed == Some(Managed::Express);
        let what = "ECS Express Mode owns the service: its next update deploys by its own record again";
        redeployed.then(|| check(Level::Warn, what))
    }

    /// There is nothing to go back to, as far as is known.
    fn nowhere(&self) -> Vec<Check> {
        let read = self.snapshot.deployments.get(&self.service.key).is_some_and(|reading| reading.get().is_some());
        match (self.way, self.release.previous.first()) {
            (Way::Undo(_), _) if read => {
                vec![check(Level::Warn, "nothing that worked is known before this deployment: ECS may only stop it")]
            }
            (Way::Redeploy, Some(good)) if good.evidence == Evidence::NeverRan => {
                let what = format!("no task of {} ever ran, and nothing else worked", good.task_definition);
                vec![check(Level::Blocks, what)]
            }
            (Way::Redeploy, Some(good)) if good.rolled_back_from => {
                vec![check(Level::Warn, format!("only {} is left, which was gone back from", good.task_definition))]
            }
            (Way::Redeploy, Some(good)) => {
                let what = format!("{} was deregistered, and nothing else worked", good.task_definition);
                vec![check(Level::Blocks, what)]
            }
            (Way::Redeploy, None) if read => {
                vec![check(Level::Blocks, "no other revision is known to have worked")]
            }
            // That the history was not read is said already.
            _ => Vec::new(),
        }
    }

    /// Newer ones that worked, and are not gone back to all the same.
    fn passed_over(&self) -> Vec<Check> {
        let previous = &self.release.previous;
        let Some(best) = best(previous) else { return Vec::new() };
        let gone = previous.iter().take_while(|good| *good != best).filter(|good| good.active == Some(false));
        let left = previous.iter().filter(|good| good.rolled_back_from && good.at > best.at && best.at.is_some());
        let tags =
            |of: Vec<&KnownGood>| of.iter().map(|good| good.task_definition.tag()).collect::<Vec<_>>().join(", ");
        let idle = previous.iter().filter(|good| good.evidence == Evidence::NeverRan && good.at > best.at);
        let skipped = [
            (tags(gone.collect()), "deregistered"),
            (tags(left.collect()), "gone back from"),
            (tags(idle.collect()), "no task of it ever ran"),
        ];
        let found = skipped.into_iter().filter(|(tags, _)| !tags.is_empty());
        let to = best.task_definition.tag();
        found.map(|(tags, why)| check(Level::Warn, format!("newer than {to} but {why}: {tags}"))).collect()
    }

    /// What a redeployment leaves as it is now, and was another when the target ran.
    pub(super) fn surroundings(&self) -> Vec<Check> {
        let (Way::Redeploy, Some(target)) = (self.way, self.target) else { return Vec::new() };
        let newest = |of| {
            let known = |revision: &&ServiceRevision| !revision.surroundings.is_empty();
            self.revisions_of(of).into_iter().find(known)
        };
        let (Some(then), Some(now)) = (newest(target), newest(self.present())) else { return Vec::new() };
        let (then, now) = (&then.surroundings, &now.surroundings);
        let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        let of =
            |map: &BTreeMap<String, String>, name: &String| map.get(name).cloned().unwrap_or_else(|| "none".to_owned());
        let differ = names.into_iter().filter(|name| then.get(*name) != now.get(*name)).map(|name| {
            let (then, now) = (of(then, name), of(now, name));
            check(Level::Warn, format!("going back keeps the present {name}: {then} → {now}"))
        });
        let differ: Vec<_> = differ.collect();
        if differ.is_empty() {
            let what = format!("the service is set up as it was with {}", target.tag());
            return vec![check(Level::Good, what)];
        }
        differ
    }

    /// ECS ignores an alarm that is in ALARM when a deployment begins for the whole of it.
    pub(super) fn alarms(&self) -> Vec<Check> {
        let under_way = match self.way {
            Way::Undo(deployment) => deployment,
            _ => None,
        };
        let monitor = under_way.and_then(|deployment| deployment.alarms.as_ref());
        let triggered = monitor.map_or(&[][..], |monitor| monitor.triggered.as_slice());
        let mut checks = Vec::new();
        if monitor.is_some_and(|monitor| monitor.status == "TRIGGERED") || !triggered.is_empty() {
            let names = if triggered.is_empty() { "which one is not said".to_owned() } else { triggered.join(", ") };
            checks.push(check(Level::Warn, format!("an alarm of this deployment was triggered: {names}")));
        }
        let (mut fine, mut unknown) = (0_usize, Vec::new());
        for name in alarm_names(self.release) {
            match self.alarm(name) {
                None => unknown.push(name),
                Some(alarm) if alarm.state == AlarmState::Ok => fine += 1,
                Some(alarm) if alarm.state == AlarmState::Alarm && !triggered.iter().any(|it| it == name) => {
                    checks.push(check(Level::Warn, self.in_alarm(alarm, under_way)));
                }
                Some(alarm) if alarm.state == AlarmState::Alarm => {}
                Some(_) => checks.push(check(Level::Unknown, format!("alarm {name} has too little data to judge by"))),
            }
        }
        if !unknown.is_empty() {
            checks.push(check(Level::Unknown, format!("not known whether in ALARM: {}", unknown.join(", "))));
        }
        if checks.is_empty() && fine > 0 {
            let what = if fine == 1 { "the alarm is OK".to_owned() } else { format!("all {fine} alarms are OK") };
            checks.push(check(Level::Good, what));
        }
        checks
    }

    /// An alarm, where its state of now was read.
    fn alarm(&self, name: &str) -> Option<&Alarm> {
        let reading = self.snapshot.alarms.get(name).filter(|reading| reading.failing().is_none())?;
        reading.get().filter(|_| reading.age(self.now).is_some_and(|age| age <= KEEPS))
    }

    fn in_alarm(&self, alarm: &Alarm, under_way: Option<&ServiceDeployment>) -> String {
        let name = &alarm.name;
        if !matches!(self.way, Way::Undo(_)) {
            return format!("alarm {name} is in ALARM: ECS ignores it for the whole deployment");
        }
        let began = under_way.and_then(|deployment| deployment.created_at);
        match (alarm.since, began) {
            (Some(since), Some(began)) if since <= began => {
                format!("ECS ignores alarm {name} for this deployment: it was in ALARM when it began")
            }
            (Some(since), _) => format!("alarm {name} is in ALARM since {}", self.clock(since)),
            (None, _) => format!("alarm {name} is in ALARM"),
        }
    }

    pub(super) fn clock(&self, at: Timestamp) -> String {
        let today = self.now.duration_since(at).abs() < SignedDuration::from_hours(20);
        at.strftime(if today { "%H:%MZ" } else { "%Y-%m-%d %H:%MZ" }).to_string()
    }
}
