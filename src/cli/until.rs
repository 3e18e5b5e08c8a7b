//! A point in a release that a watch waits for, so that a script needs no polling and no parsing.

use std::str::FromStr;

use crate::domain::analysis::VerdictStatus;
use crate::domain::ecs::lifecycle_stage::LifecycleStage;
use crate::domain::release::Release;
use crate::domain::release::share::Percent;

/// The point at which a watch ends, before the release does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Until {
    /// The verdict is PASS.
    Pass,
    /// The verdict is FAIL.
    Fail,
    /// ECS waits for an answer.
    Paused,
    /// The deployment is at this lifecycle stage, or past it.
    Stage(LifecycleStage),
    /// The canary has this share of the traffic, or more; 0: the canary has no traffic.
    Share(Percent),
}

/// The reason why a watch ends at its point.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reached {
    /// The point is reached.
    Yes(String),
    /// Further waiting is pointless: the verdict is FAIL.
    Failed(String),
}

impl FromStr for Until {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let word = text.to_ascii_lowercase();
        match word.as_str() {
            "pass" => return Ok(Self::Pass),
            "fail" => return Ok(Self::Fail),
            "paused" => return Ok(Self::Paused),
            _ => {}
        }
        if let Ok(number) = word.trim_end_matches('%').parse::<f64>() {
            return Percent::new(number).map(Self::Share).map_err(|error| error.to_string());
        }
        match LifecycleStage::from(text.to_ascii_uppercase()) {
            LifecycleStage::Other(_) => {
                Err("give pass, fail, paused, a percentage of the traffic, or a lifecycle stage such as BAKE_TIME"
                    .to_owned())
            }
            stage => Ok(Self::Stage(stage)),
        }
    }
}

impl Until {
    /// Returns `Some` if a release that is under way has reached the point, or if further waiting is pointless.
    pub(crate) fn reached(&self, release: &Release) -> Option<Reached> {
        let verdict = &release.verdict;
        let why = verdict.reasons.first().map(|reason| format!(": {reason}")).unwrap_or_default();
        let said = format!("the verdict is {}{why}", verdict.outcome.word());
        match self {
            Self::Pass => match verdict.outcome {
                VerdictStatus::Pass => Some(Reached::Yes(said)),
                VerdictStatus::Fail => Some(Reached::Failed(said)),
                VerdictStatus::Inconclusive => None,
            },
            Self::Fail => (verdict.outcome == VerdictStatus::Fail).then_some(Reached::Yes(said)),
            Self::Paused => (!release.pauses.is_empty()).then(|| Reached::Yes("ECS waits for an answer".to_owned())),
            Self::Stage(stage) => {
                let at = release.stage.as_ref().filter(|at| !matches!(at, LifecycleStage::Other(_)) && *at >= stage)?;
                Some(Reached::Yes(format!("the deployment is at {at}")))
            }
            Self::Share(share) => {
                let at = release.share.configured?;
                let there = if share.is_zero() { at.is_zero() } else { at.value() >= share.value() - 1e-9 };
                there.then(|| Reached::Yes(format!("the canary has {at} of the traffic")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::consoles::{Pair, open};

    #[test]
    fn a_point_is_a_word_a_share_or_a_stage() {
        let share = |value: f64| Until::Share(Percent::new(value).unwrap());
        let table = [
            ("pass", Until::Pass),
            ("FAIL", Until::Fail),
            ("paused", Until::Paused),
            ("10", share(10.0)),
            ("0.5%", share(0.5)),
            ("bake_time", Until::Stage(LifecycleStage::BakeTime)),
            ("POST_TEST_TRAFFIC_SHIFT", Until::Stage(LifecycleStage::PostTestTrafficShift)),
        ];
        for (text, until) in table {
            assert_eq!(text.parse(), Ok(until), "{text}");
        }
        for wrong in ["", "done", "101", "-1", "NaN", "bake time"] {
            assert!(wrong.parse::<Until>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_point_is_reached_by_what_the_release_shows() {
        let mut release = open((120, 40), Pair::at(10, 1_200)).release("checkout").unwrap().clone();
        release.stage = Some(LifecycleStage::BakeTime);
        let reached = |release: &Release, until: &str| match until.parse::<Until>().unwrap().reached(release) {
            None => "no",
            Some(Reached::Yes(_)) => "yes",
            Some(Reached::Failed(_)) => "failed",
        };
        let table = [
            ("1", "yes"),
            ("10", "yes"),
            ("11", "no"),
            ("0", "no"),
            ("SCALE_UP", "yes"),
            ("BAKE_TIME", "yes"),
            ("CLEAN_UP", "no"),
            ("paused", "no"),
            ("pass", "yes"),
            ("fail", "no"),
        ];
        for (until, expected) in table {
            assert_eq!(reached(&release, until), expected, "{until}");
        }
        release.verdict.outcome = VerdictStatus::Fail;
        assert_eq!([reached(&release, "pass"), reached(&release, "fail")], ["failed", "yes"]);
        release.verdict.outcome = VerdictStatus::Inconclusive;
        assert_eq!([reached(&release, "pass"), reached(&release, "fail")], ["no", "no"]);
        release.share.configured = None;
        assert_eq!([reached(&release, "0"), reached(&release, "10")], ["no", "no"], "not known");
    }
}
