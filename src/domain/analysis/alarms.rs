//! The effect of CloudWatch alarms on a verdict: the alarms of the settings, and the alarms that ECS watches.
//!
//! An alarm is an operator's own threshold and needs no statistics. An alarm in ALARM fails a canary and a steady
//! service alike. A failed steady service is shown red but blocks nothing, since only a canary with traffic is gated.
//! An alarm that was in ALARM before the canary got its share fails too, with a note: the release would continue during
//! an incident, and the alarm could no longer go off because of the canary.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Reason, ReasonCode, Verdict, VerdictStatus};
use crate::domain::ecs::alarm::{Alarm, AlarmState};
use crate::domain::observe::snapshot::{KEEPS, Since, Snapshot};
use crate::domain::release::ReleaseState;
use crate::domain::rollback::readiness;
use crate::domain::settings::Settings;

/// The names of the alarms that affect a release, without duplicates: those of the settings, of the deployment under
/// way, and of both services' configurations.
pub fn names(release: &ReleaseState, snapshot: &Snapshot, settings: &Settings) -> BTreeSet<String> {
    let of_settings = settings.alarms_of(&release.name).iter().map(String::as_str);
    let canary = release.canary.as_ref().filter(|canary| canary.service != release.stable.service);
    let of_canary = canary.and_then(|canary| snapshot.service(&canary.service)?.configuration.alarms.as_ref());
    let of_canary = of_canary.filter(|alarms| alarms.enable).into_iter().flat_map(|alarms| &alarms.names);
    let all = of_settings.chain(of_canary.map(String::as_str)).chain(readiness::alarm_names(release));
    all.map(str::to_owned).collect()
}

/// The verdict after the alarms. `since`: the start of the canary's present share.
pub fn apply_alarms(
    mut verdict: Verdict,
    names: &BTreeSet<String>,
    snapshot: &Snapshot,
    since: Option<Since>,
    now: Timestamp,
) -> Verdict {
    let of_canary = verdict.baseline.is_some();
    let mut fine = Vec::new();
    for name in names {
        verdict = match state(name, snapshot, now) {
            Ok(alarm) => match &alarm.state {
                AlarmState::Alarm => verdict.failed_by(in_alarm(alarm, since.filter(|_| of_canary))),
                AlarmState::Ok => {
                    fine.push(name.as_str());
                    verdict
                }
                // Most alarms on errors are in this state whenever there are no errors: a load balancer reports no 5xx
                // instead of 0. Withholding a PASS here would withhold it from every service without errors.
                AlarmState::InsufficientData => {
                    let why = format!("alarm {name} has INSUFFICIENT_DATA");
                    verdict.warned(ReasonCode::AlarmInsufficientData.because(why))
                }
                AlarmState::Other(other) => {
                    unknown(verdict, format!("alarm {name} is in a state unknown here: {other}"))
                }
            },
            Err(why) => unknown(verdict, why),
        };
    }
    if verdict.outcome == VerdictStatus::Pass && !fine.is_empty() {
        let are = if fine.len() == 1 { "alarm is OK" } else { "alarms are OK" };
        let what = format!("{are}: {}", fine.join(", "));
        verdict.grounds.push(ReasonCode::AlarmsOk.because(what));
    }
    verdict
}

/// A canary does not pass on unknown alarms. For a steady service there is nothing to decide, so the reason is a
/// warning.
fn unknown(verdict: Verdict, why: String) -> Verdict {
    let why = ReasonCode::AlarmUnknown.because(why);
    if verdict.baseline.is_some() { verdict.downgrade_to_inconclusive(why) } else { verdict.warned(why) }
}

/// An alarm's present state, or the reason why it is unknown.
fn state<'a>(name: &str, snapshot: &'a Snapshot, now: Timestamp) -> Result<&'a Alarm, String> {
    let reading = snapshot.alarms.get(name).ok_or_else(|| format!("alarm {name} was not read yet"))?;
    match (reading.get(), reading.failing()) {
        // An alarm that was last read in ALARM stays in ALARM after a failed attempt.
        (Some(alarm), _) if reading.age(now).is_some_and(|age| age <= KEEPS) => Ok(alarm),
        (_, Some(fault)) => Err(format!("alarm {name} could not be read: {}", fault.headline())),
        (_, None) => Err(format!("alarm {name} was not read for more than {} min", KEEPS.as_mins())),
    }
}

/// `alarm X is in ALARM since 09:40Z: Threshold Crossed …`.
fn in_alarm(alarm: &Alarm, step: Option<Since>) -> Reason {
    let since = alarm.since.map(|at| format!(" since {}", at.strftime("%H:%MZ"))).unwrap_or_default();
    let step = step.filter(|step| step.seen).map(|step| step.at);
    let before = alarm.since.zip(step).is_some_and(|(since, step)| since < step);
    let before = if before { ", since before this step" } else { "" };
    let why = alarm.reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
    ReasonCode::AlarmInAlarm.because(format!("alarm {} is in ALARM{since}{before}{why}", alarm.name))
}

impl Verdict {
    /// Turns the verdict into a FAIL, or adds a reason to a FAIL. Doubts are dropped.
    fn failed_by(mut self, why: Reason) -> Self {
        match self.outcome {
            VerdictStatus::Fail => self.reasons.push(why),
            VerdictStatus::Inconclusive => self.reasons = vec![why],
            VerdictStatus::Pass => self.reasons.insert(0, why),
        }
        (self.outcome, self.needs) = (VerdictStatus::Fail, None);
        self.grounds.clear();
        self
    }

    fn warned(mut self, why: Reason) -> Self {
        self.reasons.push(why);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::analysis::Numbers;
    use crate::domain::fault::{Fault, FaultKind};
    use crate::domain::observe::snapshot::{Answer, Query};

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_040 + minute * 60).unwrap()
    }

    fn verdict(outcome: VerdictStatus, of_canary: bool) -> Verdict {
        Verdict {
            outcome,
            critical: false,
            reasons: if outcome == VerdictStatus::Pass {
                Vec::new()
            } else {
                vec![ReasonCode::NoData.because("its own reason")]
            },
            grounds: if outcome == VerdictStatus::Pass {
                vec![ReasonCode::SampleSufficient.because("its own ground")]
            } else {
                Vec::new()
            },
            needs: None,
            judged: Numbers::default(),
            baseline: of_canary.then(Numbers::default),
            error_rate: None,
            latency: None,
        }
    }

    /// Alarm `5xx` in a state since a minute, read at minute 0; no other alarm is known.
    fn read(state: AlarmState, since: i64) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let reason = Some("Threshold Crossed: 3 of 3".to_owned());
        let alarm = Alarm { name: "5xx".into(), state, reason, since: Some(at(since)) };
        snapshot.apply(at(0), &Query::Alarms(vec!["5xx".into()]), Ok(Answer::Alarms(vec![alarm])));
        snapshot
    }

    fn heed(
        outcome: VerdictStatus,
        of_canary: bool,
        snapshot: &Snapshot,
        now: i64,
    ) -> (VerdictStatus, Vec<String>, Vec<String>) {
        let names = BTreeSet::from(["5xx".to_owned()]);
        let since = Some(Since { at: at(-10), seen: true });
        let said = apply_alarms(verdict(outcome, of_canary), &names, snapshot, since, at(now));
        let texts = |reasons: Vec<Reason>| reasons.into_iter().map(|reason| reason.text).collect();
        (said.outcome, texts(said.reasons), texts(said.grounds))
    }

    #[test]
    fn in_alarm_fails_whatever_the_numbers_say() {
        let reason = format!("alarm 5xx is in ALARM since {}: Threshold Crossed: 3 of 3", at(-2).strftime("%H:%MZ"));
        let alarm = read(AlarmState::Alarm, -2);
        let alone = vec![reason.clone()];
        assert_eq!(heed(VerdictStatus::Pass, true, &alarm, 1), (VerdictStatus::Fail, alone.clone(), vec![]));
        assert_eq!(heed(VerdictStatus::Inconclusive, true, &alarm, 1), (VerdictStatus::Fail, alone.clone(), vec![]));
        let both = vec!["its own reason".to_owned(), reason];
        assert_eq!(heed(VerdictStatus::Fail, true, &alarm, 1), (VerdictStatus::Fail, both, vec![]));
        assert_eq!(
            heed(VerdictStatus::Pass, false, &alarm, 1),
            (VerdictStatus::Fail, alone, vec![]),
            "a steady service is red"
        );
        let (outcome, reasons, _) = heed(VerdictStatus::Pass, true, &read(AlarmState::Alarm, -30), 1);
        assert!(outcome == VerdictStatus::Fail && reasons[0].contains(", since before this step: "), "{reasons:?}");
        // If the beginning of the step was not observed, no alarm counts as older than the step.
        let names = BTreeSet::from(["5xx".to_owned()]);
        let since = Some(Since { at: at(-10), seen: false });
        let alarm = read(AlarmState::Alarm, -30);
        let said = apply_alarms(verdict(VerdictStatus::Pass, true), &names, &alarm, since, at(1));
        assert!(!said.reasons[0].contains("before"), "{:?}", said.reasons);
    }

    #[test]
    fn what_is_not_known_of_an_alarm_withholds_a_pass_of_a_canary() {
        let mut denied = Snapshot::default();
        let fault = Fault::new(FaultKind::Denied, "DescribeAlarms", "1 alarm", "no");
        denied.apply(at(0), &Query::Alarms(vec!["5xx".into()]), Err(fault));
        let mut gone = Snapshot::default();
        gone.apply(at(0), &Query::Alarms(vec!["5xx".into()]), Ok(Answer::Alarms(Vec::new())));
        let table = [
            (Snapshot::default(), 0, "was not read yet"),
            (denied, 1, "could not be read: "),
            (gone, 1, "does not exist"),
            (read(AlarmState::Ok, -2), 6, "was not read for more than 5 min"),
            (read(AlarmState::Other("NEW".into()), -2), 1, "a state unknown here: NEW"),
        ];
        for (snapshot, now, why) in table {
            let (outcome, reasons, grounds) = heed(VerdictStatus::Pass, true, &snapshot, now);
            assert!(
                outcome == VerdictStatus::Inconclusive && reasons[0].contains(why) && grounds.is_empty(),
                "{reasons:?}"
            );
            let (outcome, reasons, _) = heed(VerdictStatus::Fail, true, &snapshot, now);
            assert!(outcome == VerdictStatus::Fail && reasons[1].contains(why), "{reasons:?}");
            let (outcome, reasons, _) = heed(VerdictStatus::Pass, false, &snapshot, now);
            assert!(outcome == VerdictStatus::Pass && reasons[0].contains(why), "{reasons:?}");
        }
    }

    #[test]
    fn what_was_seen_in_alarm_a_minute_ago_is_not_forgotten_by_a_failed_attempt() {
        let mut snapshot = read(AlarmState::Alarm, -2);
        let fault = Fault::new(FaultKind::Throttled, "DescribeAlarms", "1 alarm", "slow down");
        snapshot.apply(at(1), &Query::Alarms(vec!["5xx".into()]), Err(fault));
        assert_eq!(heed(VerdictStatus::Pass, true, &snapshot, 2).0, VerdictStatus::Fail);
    }

    #[test]
    fn ok_is_a_ground_and_too_little_data_a_warning() {
        let (outcome, reasons, grounds) = heed(VerdictStatus::Pass, true, &read(AlarmState::Ok, -2), 1);
        assert_eq!((outcome, reasons.len(), grounds[1].as_str()), (VerdictStatus::Pass, 0, "alarm is OK: 5xx"));
        let (outcome, reasons, grounds) = heed(VerdictStatus::Pass, true, &read(AlarmState::InsufficientData, -2), 1);
        assert_eq!((outcome, grounds.len()), (VerdictStatus::Pass, 1));
        assert_eq!(reasons, ["alarm 5xx has INSUFFICIENT_DATA"]);
    }
}
