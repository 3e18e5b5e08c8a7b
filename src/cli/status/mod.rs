//! `status`: all releases as a table, one release in full, or one document.

mod document;
mod rollback;
mod table;

use super::exit::Failure;
use super::lookup;
use super::observe::Observation;
use super::out::Out;
use crate::domain::observe::requirements::Scope;
use crate::domain::plan::Context;
use crate::domain::release::Release;
use crate::domain::settings::Settings;

pub(super) use self::document::{document, service};

/// The scope of reads for `status [SERVICE]`.
pub(super) fn scope(service: Option<&str>) -> Scope {
    if service.is_some() { Scope::Release } else { Scope::Fleet }
}

/// Prints an observation.
pub(super) fn print(
    out: &mut Out,
    seen: &Observation,
    service: Option<&str>,
    settings: &Settings,
) -> Result<(), Failure> {
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
