//! `step --hook`: one pause of a deployment, by its id.

use crate::cli::exit::{Exit, Failure};
use crate::domain::plan::{Context, Intent, Plan};
use crate::domain::release::Release;

/// The release with this pause alone. A failure if ECS does not know the pause.
pub(super) fn only(release: &Release, hook: &str) -> Result<Release, Failure> {
    let mut only = release.clone();
    only.state.pauses.retain(|pause| pause.hook == hook);
    if !only.pauses.is_empty() || was_answered(release, hook) {
        return Ok(only);
    }
    Err(Failure::new(
        Exit::Refused,
        format!("No pause {hook} of {} is known. Nothing was sent.", release.name),
        "`tidegate status --json` lists the pauses that wait, with their ids (`pauses[].hook`).",
    )
    .coded("no_such_pause"))
}

/// The plan without steps of a pause that was answered already; `None`: it waits, or its release goes back.
pub(super) fn answered(release: &Release, hook: &str, intent: &Intent, context: &Context<'_>) -> Option<Plan> {
    let goes_on = !release.newest().is_rolling_back && release.went_back.is_none();
    let what = "has had an answer to that pause already: nothing is sent".to_owned();
    (goes_on && was_answered(release, hook)).then(|| context.reached(release, intent.clone(), what))
}

fn was_answered(release: &Release, hook: &str) -> bool {
    let hooks = release.deployment.iter().flat_map(|deployment| &deployment.hooks);
    hooks.into_iter().any(|known| known.id == hook) && release.pauses.iter().all(|pause| pause.hook != hook)
}
