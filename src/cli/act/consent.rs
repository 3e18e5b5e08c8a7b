//! Who says yes to a plan on the command line, and how.

use crate::cli::out::Out;
use crate::domain::plan::{Intent, Plan};
use crate::domain::release::Release;
use crate::domain::settings::{RollbackConfirm, Settings};

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
pub(super) fn needed(settings: &Settings, release: &Release, intent: &Intent) -> Consent {
    if !intent.is_rollback() {
        return if settings.protected { Consent::Name } else { Consent::Yes };
    }
    let asks = match settings.rollback_confirm {
        RollbackConfirm::Always => true,
        RollbackConfirm::Idle => !release.in_flight(),
        RollbackConfirm::Never => false,
    };
    if asks { Consent::Yes } else { Consent::NotAsked }
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
