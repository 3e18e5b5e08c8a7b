//! The command line's names of what an operator can do.

use crate::domain::wording::{Act, Wording};

/// Acts are called by their subcommands.
pub(crate) const COMMANDS: Wording = Wording::new(command);

const fn command(act: Act) -> Option<&'static str> {
    Some(match act {
        Act::Start => "`tidegate start`",
        Act::Step => "`tidegate step`",
        Act::Weight => "`tidegate step --to`",
        Act::Finish => "`tidegate finish`",
        Act::Rollback => "`tidegate rollback`",
        Act::RollbackTo | Act::RollbackToChoice => "`tidegate rollback --to`",
    })
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use regex::Regex;
    use strum::IntoEnumIterator;

    use super::*;
    use crate::cli::act::report;
    use crate::domain::plan::{Context, Intent, Plan, Refusal, Remedy, Warning};
    use crate::domain::release::Release;
    use crate::domain::settings::Settings;
    use crate::testkit::worlds::{intent, native_intent, native_scene, now, place, scene};

    /// A capital letter by itself, in a text: the console's keys look like that.
    fn lone_capital(text: &str) -> bool {
        static LONE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(?:^|[^\w:/.-])[SPFRHWN](?:$|[^\w:/-])").unwrap());
        LONE.is_match(text)
    }

    /// All that a command prints of a plan or its refusal.
    fn printed(release: &Release, intent: &Intent, answer: &Result<Plan, Refusal>) -> Vec<String> {
        match answer {
            Ok(plan) => [report::plan_lines(plan), vec![report::planned(plan, &[], now()).to_string()]].concat(),
            Err(refusal) => {
                let context = Context { place: &place(), settings: &Settings::default(), now: now() };
                vec![refusal.text(COMMANDS), report::refused(release, intent, refusal, &context).to_string()]
            }
        }
    }

    fn names_no_key(release: &Release, intent: &Intent, answer: &Result<Plan, Refusal>) -> Result<(), TestCaseError> {
        for text in printed(release, intent, answer) {
            prop_assert!(!lone_capital(&text), "{text}");
        }
        Ok(())
    }

    #[test]
    fn a_lone_capital_is_found() {
        for text in ["Start a release with S.", "P lets ECS go on", "until F puts it back", "\"press R\""] {
            assert!(lone_capital(text), "{text}");
        }
        for text in ["Start a release with `tidegate start`.", "PRE_SCALE_UP", "sticky for 60 s", "arn:F:1", "A FAIL"] {
            assert!(!lone_capital(text), "{text}");
        }
    }

    #[test]
    fn no_remedy_or_warning_names_a_key_and_each_says_something() {
        for remedy in Remedy::iter() {
            for wording in [COMMANDS, Wording::PLAIN] {
                let text = remedy.text(wording);
                assert!(!text.is_empty() && !lone_capital(&text), "{remedy:?}: {text}");
            }
        }
        let warnings = [
            Warning::StrategySetAside { strategy: "LINEAR".into() },
            Warning::StrategyStillSetAside { strategy: "LINEAR".into() },
            Warning::PausesStay,
            Warning::CopyDeploysNothing,
        ];
        for warning in warnings {
            assert!(!lone_capital(&warning.text(COMMANDS)) && !lone_capital(&warning.text(Wording::PLAIN)));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_command_names_a_key_for_a_pair(scene in scene(), intent in intent()) {
            for release in scene.releases() {
                names_no_key(&release, &intent, &scene.plan(&release, &intent))?;
            }
        }

        #[test]
        fn no_command_names_a_key_for_a_service_that_ecs_shifts(scene in native_scene(), intent in native_intent()) {
            let release = scene.release();
            names_no_key(&release, &intent, &scene.plan(&release, &intent))?;
        }
    }
}
