//! `status`: where the releases are, as a table, as one release in full, or as one document.

mod document;
mod table;

use super::exit::Failure;
use super::lookup;
use super::observe::{Observation, Scope};
use super::out::Out;
use crate::cli::wording::COMMANDS;
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::plan;
use crate::domain::plan::{Call, Context, Intent};
use crate::domain::release::Release;
use crate::domain::settings::Settings;

pub use self::document::{document, service};

/// What a rollback would do now.
#[derive(Debug, Clone, PartialEq)]
pub struct WayBack {
    /// Whether it would do it.
    pub ready: bool,
    /// The revision that users would be back on.
    pub target: Option<TaskDefinitionArn>,
    /// How, step by step; or why not, and what to do.
    pub path: String,
    /// Its writes, in order.
    pub calls: Vec<String>,
}

/// What a rollback would do now, by planning one.
pub fn way_back(release: &Release, context: &Context<'_>) -> WayBack {
    match plan::plan(release, &Intent::Rollback { to: None, at_once: false }, context) {
        Ok(plan) => WayBack {
            ready: true,
            target: plan.ends_on(release).cloned(),
            path: plan.steps.iter().map(|step| step.title.as_str()).collect::<Vec<_>>().join("; "),
            calls: plan.calls().map(Call::describe).collect(),
        },
        Err(refusal) => WayBack { ready: false, target: None, path: refusal.text(COMMANDS), calls: Vec::new() },
    }
}

/// What is looked at for `status [SERVICE]`.
pub fn want(service: Option<&str>) -> Scope<'_> {
    service.map_or(Scope::Everything, Scope::One)
}

/// Prints what was seen.
pub fn print(out: &mut Out, seen: &Observation, service: Option<&str>, settings: &Settings) -> Result<(), Failure> {
    let shown: Vec<&Release> = match service {
        Some(name) => vec![lookup::find(&seen.releases, name)?],
        None => {
            let mut all: Vec<_> = seen.releases.iter().collect();
            all.sort_by_key(|release| (release.urgency(), release.name.clone()));
            all
        }
    };
    if out.json {
        return out.document(&document(seen, &shown, settings));
    }
    let context = Context { place: &seen.place, settings, now: seen.now };
    let lines = match (service, shown.as_slice()) {
        (Some(_), [release]) => table::one(seen, release, &context),
        _ => table::all(seen, &shown, &context),
    };
    out.say(&lines.join("\n"))
}
