//! `rollback --list`: what can be gone back to. Nothing is planned and nothing is sent.

use serde_json::{Value, json};

use crate::cli::deployments::{evidence, version_of};
use crate::cli::exit::Failure;
use crate::cli::format::{columns, since, span};
use crate::cli::lookup;
use crate::cli::observe::Observation;
use crate::cli::out::Out;
use crate::domain::release::Release;
use crate::domain::rollback::target::KnownGood;

/// Prints every revision that is known to have worked, best first.
pub(crate) fn list(out: &mut Out, seen: &Observation, name: &str) -> Result<(), Failure> {
    let release = lookup::find(&seen.releases, name)?;
    if out.json {
        return out.document(&document(seen, release));
    }
    let mut lines = vec![format!("{} · {} runs {}", seen.place, release.name, running(release)), String::new()];
    if release.previous.is_empty() {
        lines.push(format!(
            "No other revision is known to have worked. Name one: tidegate rollback {} --to :41",
            release.name
        ));
        return out.say(&lines.join("\n"));
    }
    let titles = ["REVISION", "VERSION", "EVIDENCE", "LAST SEEN", "GOOD FOR", "REGISTRATION"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(release.previous.iter().map(|good| row(seen, release, good)));
    lines.extend(columns(&rows));
    out.say(&lines.join("\n"))
}

fn running(release: &Release) -> String {
    let stable = release.stable.task_definition.tag();
    match &release.canary {
        Some(canary) if canary.task_definition != release.stable.task_definition => {
            format!("{stable}, and {} as canary", canary.task_definition.tag())
        }
        _ => stable,
    }
}

fn row(seen: &Observation, release: &Release, good: &KnownGood) -> Vec<String> {
    let registration = match good.active {
        Some(true) => "active",
        Some(false) => "deregistered",
        None => "not read",
    };
    vec![
        good.task_definition.tag(),
        version_of(&good.task_definition, &seen.snapshot).unwrap_or_default(),
        match release.known_against(&good.task_definition) {
            Some(bad) => bad.to_string(),
            None if good.rolled_back_from => "it ran, and was rolled back itself".to_owned(),
            None => evidence(good.evidence).to_owned(),
        },
        good.at.map(|at| format!("{} ago", since(at, seen.now))).unwrap_or_default(),
        good.good_for.map(span).unwrap_or_default(),
        registration.to_owned(),
    ]
}

/// `tidegate.previous/1`.
fn document(seen: &Observation, release: &Release) -> Value {
    let previous = |good: &KnownGood| {
        json!({
            "task_definition": good.task_definition,
            "revision": good.task_definition.short(),
            "version": version_of(&good.task_definition, &seen.snapshot),
            "evidence": good.evidence,
            "at": good.at,
            "good_for_seconds": good.good_for.map(|span| span.as_secs()),
            "active": good.active,
            "backed_out": good.rolled_back_from,
        })
    };
    json!({
        "schema": "tidegate.previous/1",
        "at": seen.now,
        "environment": seen.place.environment,
        "account": seen.place.account,
        "region": seen.place.region,
        "name": release.name,
        "service": release.stable.service.service,
        "cluster": release.stable.service.cluster,
        "runs": release.stable.task_definition,
        "previous": release.previous.iter().map(previous).collect::<Vec<_>>(),
        "faults": seen.faults,
    })
}
