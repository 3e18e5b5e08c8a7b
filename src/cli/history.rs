//! `history`: a service's deployments, with their times, strategies and outcomes.

use serde_json::{Value, json};

use super::deployments;
use super::deployments::{outcome, reason, revisions};
use super::exit::Failure;
use super::format::{columns, since, span};
use super::lookup;
use super::observe::Observation;
use super::out::Out;
use crate::domain::ecs::deployment::ServiceDeployment;
use crate::domain::ecs::names::ServiceKey;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::release::Release;

/// The deployments that AWS keeps of one service.
struct Kept<'a> {
    service: &'a ServiceKey,
    deployments: &'a [ServiceDeployment],
    /// Reason for an empty list.
    none: Option<String>,
}

/// Prints the newest `limit` deployments of each service of the release called `name`.
pub(super) fn print(out: &mut Out, seen: &Observation, name: &str, limit: usize) -> Result<(), Failure> {
    let release = lookup::find(&seen.releases, name)?;
    let sides = release.sides();
    let mut services: Vec<_> = sides.map(|side| &side.service).collect();
    // Both sides of a native release under way belong to one service.
    services.dedup();
    let kept = services.into_iter().map(|service| kept(seen, service)).collect::<Result<Vec<_>, _>>()?;
    if out.json {
        return out.document(&document(seen, release, &kept, limit));
    }
    let mut lines = vec![format!("{} · {}", seen.place, release.name)];
    for kept in &kept {
        lines.push(String::new());
        if release.canary.is_some() && release.stable.service != *kept.service {
            lines.push(format!("canary  {}", kept.service));
        } else if release.canary.as_ref().is_some_and(|canary| canary.service != *kept.service) {
            lines.push(format!("stable  {}", kept.service));
        }
        lines.extend(table(seen, kept, limit));
    }
    out.say(&lines.join("\n"))
}

/// The deployments of a service. Fails only if AWS may have a history that could not be read.
fn kept<'a>(seen: &'a Observation, service: &'a ServiceKey) -> Result<Kept<'a>, Failure> {
    let reading = seen.snapshot.deployments.get(service);
    if let Some(fault) = reading.and_then(|reading| reading.failing()) {
        return match fault.kind {
            FaultKind::Unsupported => Ok(Kept { service, deployments: &[], none: Some(unsupported(fault)) }),
            _ => Err(fault.clone().into()),
        };
    }
    let deployments = reading.and_then(|reading| reading.get()).map_or(&[][..], Vec::as_slice);
    let none = deployments.is_empty().then(|| {
        "AWS has none: it keeps deployments for 90 days, none from before 25 October 2024, and only of services whose \
         tasks ECS itself replaces."
            .to_owned()
    });
    Ok(Kept { service, deployments, none })
}

fn unsupported(fault: &Fault) -> String {
    format!("No history is kept here: this endpoint does not know {}.", fault.operation)
}

fn table(seen: &Observation, kept: &Kept<'_>, limit: usize) -> Vec<String> {
    if let Some(none) = &kept.none {
        return vec![none.clone()];
    }
    let shown = || kept.deployments.iter().take(limit);
    let titles = ["WHEN", "AGO", "REVISION", "TOOK", "OUTCOME", "STRATEGY"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(shown().map(|deployment| row(seen, kept, deployment)));
    let rows = columns(&rows);
    let mut rows = rows.into_iter();
    let mut lines: Vec<_> = rows.next().into_iter().collect();
    for (line, deployment) in rows.zip(shown()) {
        lines.push(line);
        // A reason is a sentence or two from AWS. It is printed in full below the row, because a column would cut it.
        lines.extend(reason(deployment).filter(|_| says_more(deployment)).map(|reason| format!("    {reason}")));
    }
    let left_off = kept.deployments.len().saturating_sub(limit);
    if left_off > 0 {
        lines.push(format!("{left_off} older not shown (--limit)"));
    }
    lines
}

fn row(seen: &Observation, kept: &Kept<'_>, deployment: &ServiceDeployment) -> Vec<String> {
    let unknown = || "unknown".to_owned();
    let took = match (deployment.took(), deployment.created_at) {
        (Some(took), _) => span(took),
        (None, Some(created)) if deployment.outcome().is_none() => format!("{} so far", since(created, seen.now)),
        (None, _) => unknown(),
    };
    vec![
        deployment.created_at.map_or_else(unknown, |at| at.strftime("%Y-%m-%d %H:%MZ").to_string()),
        deployment.created_at.map_or_else(unknown, |at| since(at, seen.now)),
        revisions(deployment, &seen.snapshot),
        took,
        outcome(deployment, kept.deployments, seen.now),
        deployment.configuration.describe(),
    ]
}

/// Returns false for a success: its reason ("completed") would add nothing.
fn says_more(deployment: &ServiceDeployment) -> bool {
    deployment.outcome() != Some(crate::domain::ecs::deployment::DeploymentOutcome::Succeeded)
}

/// `tidegate.history/1`.
fn document(seen: &Observation, release: &Release, kept: &[Kept<'_>], limit: usize) -> Value {
    let service = |kept: &Kept<'_>| {
        let deployments = kept.deployments.iter().take(limit);
        json!({
            "service": kept.service.service,
            "cluster": kept.service.cluster,
            "role": if release.stable.service == *kept.service { "stable" } else { "canary" },
            "none_because": kept.none,
            "left_off": kept.deployments.len().saturating_sub(limit),
            "deployments": deployments
                .map(|deployment| deployments::document(deployment, kept.deployments, &seen.snapshot))
                .collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "tidegate.history/1",
        "at": seen.now,
        "environment": seen.place.environment,
        "account": seen.place.account,
        "region": seen.place.region,
        "identity": seen.identity.as_ref().map(|identity| &identity.arn),
        "name": release.name,
        "method": release.method,
        "services": kept.iter().map(service).collect::<Vec<_>>(),
        "faults": seen.faults,
    })
}
