//! Automatic promotion: the decision to step or roll back without an operator. A pure decision.
//!
//! Automatic promotion steps only if the share has baked, the verdict is PASS, all data behind both is fresh, and no
//! other operation is in flight. It rolls back only if the configuration allows a rollback. In any doubt it waits; with
//! nothing left to do, it ends.

use jiff::{SignedDuration, Timestamp};

use super::analysis::{Reason, VerdictStatus};
use super::format::minutes;
use super::plan::{Refusal, Remedy};
use super::release::{Bake, Method, Phase, Release};
use super::wording::{Act, Wording};

/// Inputs beside the release itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The time on AWS's clock.
    pub now: Timestamp,
    /// True if this console must not write.
    pub read_only: bool,
    /// The reason why data behind the decision is stale, as text; `None`: all data is fresh.
    pub stale: Option<String>,
    /// The console's operation in flight for the release.
    pub doing: Doing,
    /// The watch time of the present share; `None`: unknown.
    pub bake: Option<Bake>,
    /// Start of an unbroken FAIL.
    pub failing_since: Option<Timestamp>,
    /// Duration of a FAIL before the console rolls back by itself; `None`: never by itself.
    pub rollback_after: Option<SignedDuration>,
}

/// The console's operation in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// No operation.
    Nothing,
    /// A step of automatic promotion. A rollback may replace the step, as `R` does.
    OwnStep,
    /// An operator's operation, or a rollback.
    Another,
}

/// A decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Wait, for this reason.
    Idle(Hold),
    /// Wait: an operation is in flight.
    Busy,
    /// Step forward, for this reason.
    Step(String),
    /// Roll back, for this reason.
    Rollback(String),
    /// End automatic promotion.
    Stop(Refusal),
}

/// The reason to wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// The canary has no traffic yet, so there is nothing to judge.
    NoCanaryTraffic,
    /// The verdict is FAIL, and only an operator may roll back.
    Failing {
        /// The verdict's weightiest reason.
        reason: String,
    },
    /// Any other reason: a phrase that names no act.
    Other(String),
}

impl Hold {
    /// The reason as text.
    pub fn text(&self, wording: Wording) -> String {
        match self {
            Self::NoCanaryTraffic => {
                format!("the canary has no traffic to be judged by yet: {} gives it the first", wording.name(Act::Step))
            }
            Self::Failing { reason } => format!("FAIL holds it, {} rolls back: {reason}", wording.name(Act::Rollback)),
            Self::Other(text) => text.clone(),
        }
    }
}

fn idle(what: impl Into<String>) -> Decision {
    Decision::Idle(Hold::Other(what.into()))
}

fn stop(reason: impl Into<String>, remedy: Remedy) -> Decision {
    Decision::Stop(Refusal::new(reason, remedy))
}

/// Decides. Total: every release gets a decision.
pub fn decide(release: &Release, known: &Known) -> Decision {
    if let Some(over) = over(release, known) {
        return over;
    }
    // A rollback on FAIL does not wait for the end of a step in the wrong direction.
    let condemned = known.rollback_after.is_some()
        && known.stale.is_none()
        && release.verdict.outcome == VerdictStatus::Fail
        && known.doing == Doing::OwnStep;
    if known.doing != Doing::Nothing && !condemned {
        return Decision::Busy;
    }
    // Stale data never leads to an act.
    if let Some(stale) = &known.stale {
        return idle(format!("held: {stale}"));
    }
    let Some(share) = release.share.configured else {
        return idle("held: the canary's share is not known");
    };
    if release.canary.is_none() || share.is_zero() {
        return Decision::Idle(Hold::NoCanaryTraffic);
    }
    match release.verdict.outcome {
        VerdictStatus::Fail => failing(release, known),
        _ if share.is_full() => full(release),
        _ if release.phase == Phase::Failed => idle("held: a rollout failed or its tasks do not start"),
        VerdictStatus::Inconclusive => idle(format!("NOT YET: {}", weightiest(release))),
        VerdictStatus::Pass => passed(release, known),
    }
}

/// The reason to end automatic promotion, independent of the verdict.
fn over(release: &Release, known: &Known) -> Option<Decision> {
    if known.read_only {
        return Some(stop("This console is read-only.", Remedy::LiftReadOnly));
    }
    if let Some(why) = &release.watch_only {
        return Some(stop(why.clone(), Remedy::WatchOnly));
    }
    if !matches!(release.method, Method::Weighted | Method::Native | Method::NativeWeighted) {
        return Some(stop(
            format!("{} is a {} service: there is no lever to step with.", release.name, release.method),
            Remedy::WatchOrRollback,
        ));
    }
    // An operation of this console ends by itself.
    if known.doing != Doing::Nothing {
        return None;
    }
    if release.phase == Phase::Steady {
        return Some(stop(format!("Nothing is under way at {}.", release.name), Remedy::Start));
    }
    if release.phase == Phase::RollingBack || release.is_rollback_deployment {
        return Some(stop(format!("{} is on its way back.", release.name), Remedy::Watch));
    }
    if release.phase == Phase::Finishing {
        return Some(stop(format!("{} is being finished.", release.name), Remedy::Watch));
    }
    None
}

fn weightiest(release: &Release) -> &str {
    release.verdict.reasons.first().map_or("no reason is known", Reason::as_str)
}

fn failing(release: &Release, known: &Known) -> Decision {
    let Some(after) = known.rollback_after else {
        return Decision::Idle(Hold::Failing { reason: weightiest(release).to_owned() });
    };
    let lasted = known.failing_since.map(|since| known.now.duration_since(since).max(SignedDuration::ZERO));
    match lasted {
        Some(lasted) if lasted >= after => Decision::Rollback(format!("FAIL for {}", minutes(lasted))),
        lasted => idle(format!(
            "FAIL for {} of {}, then it rolls back: {}",
            minutes(lasted.unwrap_or_default()),
            minutes(after),
            weightiest(release)
        )),
    }
}

/// The new revision has all traffic; an operator finishes the release.
fn full(release: &Release) -> Decision {
    let name = &release.name;
    let remedy = match release.method {
        Method::Weighted => Remedy::Finish,
        _ if release.pauses.is_empty() => Remedy::EcsFinishes,
        _ => Remedy::LetEcsContinue,
    };
    stop(format!("{name} gives the new revision all of the traffic: automatic stepping ends here."), remedy)
}

fn passed(release: &Release, known: &Known) -> Decision {
    let Some(bake) = known.bake else {
        return idle("held: since when it has had this share is not known");
    };
    if !bake.done(known.now) {
        let left = bake.of.saturating_sub(bake.elapsed(known.now));
        return idle(format!("PASS so far, {} of the bake left", minutes(left)));
    }
    if release.method.shifted_by_ecs() && release.pauses.is_empty() {
        return idle("ECS shifts it: nobody is waited for");
    }
    // Whole minutes: the text is a reason, not a clock.
    let baked = SignedDuration::from_mins(bake.elapsed(known.now).as_mins());
    Decision::Step(format!("baked {} with PASS", minutes(baked.max(SignedDuration::from_secs(1)))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::analysis::ReasonCode;
    use crate::domain::release::share::Percent;
    use crate::testkit::consoles;
    use crate::testkit::worlds::{now, scene};

    fn calm() -> Known {
        let bake = Bake { since: now() - SignedDuration::from_mins(12), seen: true, of: SignedDuration::from_mins(10) };
        Known {
            now: now(),
            read_only: false,
            stale: None,
            doing: Doing::Nothing,
            bake: Some(bake),
            failing_since: None,
            rollback_after: None,
        }
    }

    fn judged(outcome: VerdictStatus) -> Release {
        let mut release = consoles::baking((80, 24)).focus().unwrap().clone();
        release.phase = Phase::Waiting;
        release.verdict.outcome = outcome;
        release.verdict.reasons = vec![ReasonCode::ErrorsWorse.because("errors are worse")];
        release
    }

    #[test]
    fn a_step_wants_a_pass_a_bake_fresh_numbers_and_nothing_else_under_way() {
        let step = Decision::Step("baked 12 min with PASS".to_owned());
        assert_eq!(decide(&judged(VerdictStatus::Pass), &calm()), step);
        let young = Bake { since: now() - SignedDuration::from_secs(460), ..calm().bake.unwrap() };
        let said = |release: &Release, known: &Known| match decide(release, known) {
            Decision::Idle(what) => what.text(Wording::PLAIN),
            other => panic!("{other:?}"),
        };
        let pass = judged(VerdictStatus::Pass);
        let table = [
            (Known { stale: Some("no fresh metrics".to_owned()), ..calm() }, "held: no fresh metrics"),
            (Known { bake: None, ..calm() }, "held: since when it has had this share is not known"),
            (Known { bake: Some(young), ..calm() }, "PASS so far, 2 min 20 s of the bake left"),
        ];
        for (known, expected) in table {
            assert_eq!(said(&pass, &known), expected);
        }
        for doing in [Doing::OwnStep, Doing::Another] {
            assert_eq!(decide(&pass, &Known { doing, ..calm() }), Decision::Busy);
        }
        assert_eq!(said(&judged(VerdictStatus::Inconclusive), &calm()), "NOT YET: errors are worse");
        let mut failed = judged(VerdictStatus::Pass);
        failed.phase = Phase::Failed;
        assert!(said(&failed, &calm()).contains("a rollout failed"));
        for share in [None, Some(Percent::ZERO)] {
            let mut release = judged(VerdictStatus::Pass);
            release.share.configured = share;
            assert!(matches!(decide(&release, &calm()), Decision::Idle(_)), "{share:?}");
        }
    }

    #[test]
    fn a_fail_goes_back_only_where_that_was_decided_and_only_once_it_lasted() {
        let fail = judged(VerdictStatus::Fail);
        let since = |seconds| Some(now() - SignedDuration::from_secs(seconds));
        let after = Some(SignedDuration::from_secs(120));
        let idle = |decision| matches!(decision, Decision::Idle(what) if what.text(Wording::PLAIN).contains("FAIL"));
        assert!(idle(decide(&fail, &Known { failing_since: since(9_999), ..calm() })), "never by itself");
        assert!(idle(decide(&fail, &Known { rollback_after: after, ..calm() })), "not known since when");
        assert!(idle(decide(&fail, &Known { rollback_after: after, failing_since: since(119), ..calm() })));
        let lasted = Known { rollback_after: after, failing_since: since(120), ..calm() };
        assert_eq!(decide(&fail, &lasted), Decision::Rollback("FAIL for 2 min".to_owned()));
        let mut everybody = fail.clone();
        everybody.share.configured = Some(Percent::FULL);
        assert_eq!(decide(&everybody, &lasted), Decision::Rollback("FAIL for 2 min".to_owned()));
        assert!(matches!(decide(&fail, &Known { stale: Some("old".to_owned()), ..lasted.clone() }), Decision::Idle(_)));
        let during = |doing| decide(&fail, &Known { doing, ..lasted.clone() });
        assert!(matches!(during(Doing::OwnStep), Decision::Rollback(_)), "it takes the place of its own step");
        assert_eq!(during(Doing::Another), Decision::Busy);
    }

    #[test]
    fn it_is_over_where_there_is_nothing_left_to_do_and_never_finishes() {
        let mut everybody = judged(VerdictStatus::Pass);
        everybody.share.configured = Some(Percent::FULL);
        match decide(&everybody, &calm()) {
            Decision::Stop(why) => assert_eq!(why.remedy, Remedy::Finish),
            other => panic!("{other:?}"),
        }
        for phase in [Phase::Steady, Phase::RollingBack, Phase::Finishing] {
            let mut release = judged(VerdictStatus::Pass);
            release.phase = phase;
            assert!(matches!(decide(&release, &calm()), Decision::Stop(_)), "{phase}");
        }
        for method in [Method::Rolling, Method::CodeDeploy, Method::External] {
            let mut release = judged(VerdictStatus::Pass);
            release.method = method;
            assert!(matches!(decide(&release, &calm()), Decision::Stop(_)), "{method}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        /// In any world and with any inputs: a step needs a PASS and a finished bake, a rollback needs a setting and a
        /// FAIL. Neither happens on stale data, read-only, or beside another operation; only a rollback may replace the
        /// console's own step.
        #[test]
        fn nothing_is_done_by_itself_that_was_not_earned(
            scene in scene(),
            outcome in prop::sample::select(vec![VerdictStatus::Pass, VerdictStatus::Fail, VerdictStatus::Inconclusive]),
            (read_only, stale) in (any::<bool>(), any::<bool>()),
            doing in prop::sample::select(vec![Doing::Nothing, Doing::OwnStep, Doing::Another]),
            (baked, lasted, after) in (0i64..1200, prop::option::of(0i64..600), prop::option::of(0i64..300)),
        ) {
            let ago = |seconds| now() - SignedDuration::from_secs(seconds);
            for mut release in scene.releases() {
                release.verdict.outcome = outcome;
                let bake = Bake { since: ago(baked), seen: true, of: SignedDuration::from_mins(10) };
                let known = Known {
                    now: now(),
                    read_only,
                    stale: stale.then(|| "old".to_owned()),
                    doing,
                    bake: Some(bake),
                    failing_since: lasted.map(ago),
                    rollback_after: after.map(SignedDuration::from_secs),
                };
                let acts = !read_only && !stale && doing != Doing::Another && release.watch_only.is_none();
                match decide(&release, &known) {
                    Decision::Step(_) => {
                        prop_assert!(acts && doing == Doing::Nothing && outcome == VerdictStatus::Pass && baked >= 600);
                        prop_assert!(release.share.configured.is_some_and(|at| !at.is_zero() && !at.is_full()));
                    }
                    Decision::Rollback(_) => {
                        prop_assert!(acts && outcome == VerdictStatus::Fail);
                        prop_assert!(lasted.zip(after).is_some_and(|(lasted, after)| lasted >= after));
                    }
                    Decision::Idle(what) => prop_assert!(!what.text(Wording::PLAIN).is_empty()),
                    Decision::Busy => prop_assert!(doing != Doing::Nothing),
                    Decision::Stop(why) => prop_assert!(!why.reason.is_empty()),
                }
            }
        }
    }
}
