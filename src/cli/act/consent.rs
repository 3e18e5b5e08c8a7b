//! Confirmation of a plan on the command line.

use crate::cli::args::Acting;
use crate::cli::exit::{Exit, Failure};
use crate::cli::out::Out;
use crate::domain::analysis::VerdictStatus;
use crate::domain::confirm;
use crate::domain::confirm::Confirmation;
use crate::domain::plan::Plan;

/// Refuses a plan that goes on against a FAIL, in every environment, unless that is said in so many words; and one that
/// goes on without a PASS, where a PASS is required.
pub(super) fn check_verdict(plan: &Plan, acting: &Acting) -> Result<(), Failure> {
    let Some(gate) = &plan.gate else { return Ok(()) };
    let (verdict, first) = (gate.outcome.word(), gate.reasons.first().map_or("", String::as_str));
    let code = if gate.outcome == VerdictStatus::Fail { "verdict_fail" } else { "verdict_not_yet" };
    let refused = |advice: &str| {
        let why = first.trim_end_matches('.');
        let message = format!("The verdict on {} is {verdict}: {why}. Nothing was sent.", plan.release);
        Err(Failure::new(Exit::Refused, message, advice).coded(code))
    };
    if acting.require_pass {
        return refused("A PASS is required (--require-pass): wait for it.");
    }
    let said = acting.despite_verdict && acting.reason.as_deref().and_then(confirm::reason).is_some();
    if gate.outcome == VerdictStatus::Fail && !said {
        return refused("Roll back; or go on all the same with --despite-verdict --reason TEXT.");
    }
    Ok(())
}

/// Refuses a plan that goes on against its gate in a protected environment and was ordered without a reason.
pub(super) fn check_reason(required: Confirmation, plan: &Plan, reason: Option<&str>) -> Result<(), Failure> {
    if !required.needs_reason() || reason.and_then(confirm::reason).is_some() {
        return Ok(());
    }
    let verdict = plan.gate.as_ref().map_or("", |gate| gate.outcome.word());
    Err(Failure::new(
        Exit::Refused,
        format!(
            "The verdict on {} is {verdict}, and {} is protected: nothing was sent.",
            plan.release, plan.place.environment
        ),
        "Say why it should go on all the same with --reason TEXT, or wait for a PASS.",
    )
    .coded("reason_required"))
}

/// Asks the operator for the yes or the name that is required.
pub(super) fn ask(out: &mut Out, required: Confirmation, plan: &Plan) -> bool {
    match required {
        Confirmation::None | Confirmation::Reason => true,
        Confirmation::Yes => {
            let answer = out.ask("Go on? [y/N]").map(|answer| answer.to_lowercase());
            matches!(answer.as_deref(), Some("y" | "yes"))
        }
        Confirmation::Name | Confirmation::NameAndReason => {
            let question = format!("{} is protected. Type {} to go on:", plan.place.environment, plan.release);
            out.ask(&question).is_some_and(|answer| answer == plan.release)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::out::tests::Paper;
    use crate::domain::analysis::VerdictStatus;
    use crate::domain::plan::{Gate, Intent};

    fn out(typed: Option<&'static str>) -> Out {
        Out::to(Box::new(Paper::default()), Box::new(Paper::default()), typed)
    }

    fn plan() -> Plan {
        Plan {
            release: "checkout".into(),
            place: crate::domain::ecs::names::Location {
                environment: "prod".into(),
                account: "123456789012".into(),
                region: "us-east-1".into(),
            },
            intent: Intent::Finish,
            title: String::new(),
            steps: Vec::new(),
            gate: None,
            warnings: Vec::new(),
            share: None,
            revision: None,
            before: Vec::new(),
        }
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        let table = [
            (Confirmation::Yes, Some("y\n"), true),
            (Confirmation::Yes, Some("YES\n"), true),
            (Confirmation::Yes, Some("\n"), false),
            (Confirmation::Yes, Some("n\n"), false),
            (Confirmation::Yes, Some("yellow\n"), false),
            (Confirmation::Yes, Some(""), false),
            (Confirmation::Yes, None, false),
            (Confirmation::Name, Some("checkout\n"), true),
            (Confirmation::Name, Some("y\n"), false),
            (Confirmation::Name, Some("check\n"), false),
            (Confirmation::None, None, true),
        ];
        for (required, typed, expected) in table {
            assert_eq!(ask(&mut out(typed), required, &plan()), expected, "{required:?} {typed:?}");
        }
    }

    #[test]
    fn a_fail_is_gone_on_with_only_where_that_is_said_with_a_reason() {
        let acting = |despite, reason: Option<&str>, pass| Acting {
            despite_verdict: despite,
            reason: reason.map(str::to_owned),
            require_pass: pass,
            ..Acting::default()
        };
        let gated = |outcome| Plan {
            gate: Some(Gate { outcome, reasons: vec!["5% errors".into()], reason_codes: Vec::new() }),
            ..plan()
        };
        let (fail, not_yet) = (gated(VerdictStatus::Fail), gated(VerdictStatus::Inconclusive));
        let table = [
            (&fail, acting(false, None, false), false),
            (&fail, acting(false, Some("a false alarm"), false), false),
            (&fail, acting(true, Some(" "), false), false),
            (&fail, acting(true, Some("a false alarm"), false), true),
            (&not_yet, acting(false, None, false), true),
            (&not_yet, acting(false, None, true), false),
            (&plan(), acting(false, None, true), true),
        ];
        for (plan, acting, goes_on) in table {
            assert_eq!(check_verdict(plan, &acting).is_ok(), goes_on, "{acting:?} {:?}", plan.gate);
        }
    }

    #[test]
    fn a_gated_plan_in_a_protected_environment_needs_a_reason() {
        let gated =
            |outcome| Plan { gate: Some(Gate { outcome, reasons: Vec::new(), reason_codes: Vec::new() }), ..plan() };
        for outcome in [VerdictStatus::Fail, VerdictStatus::Inconclusive] {
            for required in [Confirmation::Yes, Confirmation::Name, Confirmation::None] {
                assert!(check_reason(required, &gated(outcome), None).is_ok(), "{required:?}");
            }
            for required in [Confirmation::Reason, Confirmation::NameAndReason] {
                assert!(check_reason(required, &gated(outcome), Some("it is a false alarm")).is_ok());
                for blank in [None, Some(""), Some(" \t"), Some("\u{200b}")] {
                    let refused = check_reason(required, &gated(outcome), blank).unwrap_err();
                    assert_eq!(refused.exit, Exit::Refused);
                    assert!(refused.message.contains(outcome.word()), "{}", refused.message);
                }
            }
        }
    }
}
