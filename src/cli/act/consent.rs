//! Who says yes to a plan on the command line, and how.

use crate::cli::exit::{Exit, Failure};
use crate::cli::out::Out;
use crate::domain::plan::{Intent, Plan};
use crate::domain::settings::{RollbackConfirm, Settings};
use crate::domain::text;

/// What says yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    /// Nothing: it was ordered, and it is on the way back.
    NotAsked,
    /// `y`.
    Yes,
    /// The release's name.
    Name,
}

/// What has to be asked before this intent is fulfilled.
pub(super) fn needed(settings: &Settings, in_flight: bool, intent: &Intent) -> Consent {
    if !intent.is_rollback() {
        return if settings.protected { Consent::Name } else { Consent::Yes };
    }
    let asks = match settings.rollback_confirm {
        RollbackConfirm::Always => true,
        RollbackConfirm::Idle => !in_flight,
        RollbackConfirm::Never => false,
    };
    if asks { Consent::Yes } else { Consent::NotAsked }
}

/// Where the environment is protected and the verdict speaks against it, nobody goes on without saying why.
pub(super) fn reasoned(settings: &Settings, plan: &Plan, reason: Option<&str>) -> Result<(), Failure> {
    let Some(gate) = plan.gate.as_ref().filter(|_| settings.protected) else { return Ok(()) };
    let said = |reason: &str| reason.chars().any(|c| text::is_safe(c) && !c.is_whitespace());
    if reason.is_some_and(said) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        format!(
            "The verdict on {} is {}, and {} is protected: nothing was sent.",
            plan.release,
            gate.outcome.word(),
            plan.place.environment
        ),
        "Say why it should go on all the same with --reason TEXT, or wait for a PASS.",
    ))
}

/// Asks for it.
pub(super) fn given(out: &mut Out, consent: Consent, plan: &Plan) -> bool {
    match consent {
        Consent::NotAsked => true,
        Consent::Yes => {
            let answer = out.ask("Go on? [y/N]").map(|answer| answer.to_lowercase());
            matches!(answer.as_deref(), Some("y" | "yes"))
        }
        Consent::Name => {
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
    use crate::domain::plan::Gate;

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
            before: Vec::new(),
        }
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        let table = [
            (Consent::Yes, Some("y\n"), true),
            (Consent::Yes, Some("YES\n"), true),
            (Consent::Yes, Some("\n"), false),
            (Consent::Yes, Some("n\n"), false),
            (Consent::Yes, Some("yellow\n"), false),
            (Consent::Yes, Some(""), false),
            (Consent::Yes, None, false),
            (Consent::Name, Some("checkout\n"), true),
            (Consent::Name, Some("y\n"), false),
            (Consent::Name, Some("check\n"), false),
            (Consent::NotAsked, None, true),
        ];
        for (consent, typed, expected) in table {
            assert_eq!(given(&mut out(typed), consent, &plan()), expected, "{consent:?} {typed:?}");
        }
    }

    #[test]
    fn a_gated_plan_of_a_protected_environment_wants_a_reason() {
        let gated = |outcome| Plan { gate: Some(Gate { outcome, reasons: Vec::new() }), ..plan() };
        let open = Settings::default();
        let protected = Settings { protected: true, ..Settings::default() };
        for outcome in [VerdictStatus::Fail, VerdictStatus::Inconclusive] {
            assert!(reasoned(&open, &gated(outcome), None).is_ok());
            assert!(reasoned(&protected, &gated(outcome), Some("it is a false alarm")).is_ok());
            for blank in [None, Some(""), Some(" \t"), Some("\u{200b}")] {
                let refused = reasoned(&protected, &gated(outcome), blank).unwrap_err();
                assert_eq!(refused.exit, Exit::Refused);
                assert!(refused.message.contains(outcome.word()), "{}", refused.message);
            }
        }
        assert!(reasoned(&protected, &plan(), None).is_ok(), "what is not gated is not asked about");
    }

    #[test]
    fn forward_always_asks_and_back_only_as_configured() {
        let ask = |protected, rollback_confirm, in_flight, back| {
            let settings = Settings { protected, rollback_confirm, ..Settings::default() };
            let intent = if back { Intent::Rollback { to: None, at_once: false } } else { Intent::Finish };
            needed(&settings, in_flight, &intent)
        };
        use RollbackConfirm::{Always, Idle, Never};
        for rollback_confirm in [Always, Idle, Never] {
            assert_eq!(ask(false, rollback_confirm, true, false), Consent::Yes);
            assert_eq!(ask(true, rollback_confirm, true, false), Consent::Name);
        }
        let table = [
            (Idle, true, Consent::NotAsked),
            (Idle, false, Consent::Yes),
            (Always, true, Consent::Yes),
            (Never, false, Consent::NotAsked),
        ];
        for (rollback_confirm, in_flight, consent) in table {
            // A protected environment makes no difference on the way back.
            assert_eq!(ask(true, rollback_confirm, in_flight, true), consent, "{rollback_confirm:?} {in_flight}");
        }
    }
}
