//! Lookup of a release, or of a revision, by name.

use super::exit::{Exit, Failure};
use crate::domain::ecs::names::TaskDefinitionArn;
use crate::domain::release::Release;

/// Returns the release that is called `name`: the stem of a pair, either of its services, or `cluster/service`.
pub(super) fn find<'a>(releases: &'a [Release], name: &str) -> Result<&'a Release, Failure> {
    let (cluster, name_there) = match name.split_once('/') {
        Some((cluster, name_there)) => (Some(cluster), name_there),
        None => (None, name),
    };
    let mut found: Vec<_> = releases
        .iter()
        .filter(|release| cluster.is_none_or(|cluster| release.stable.service.cluster == cluster))
        .filter(|release| release.answers_to(name_there))
        .collect();
    if cluster.is_some() && found.len() > 1 {
        // If the cluster is named, a service's own name takes precedence over the stem of a pair.
        let own = |release: &Release| {
            [Some(&release.stable), release.canary.as_ref()]
                .iter()
                .flatten()
                .any(|side| side.service.service == name_there)
        };
        if found.iter().filter(|release| own(release)).count() == 1 {
            found.retain(|release| own(release));
        }
    }
    match found.as_slice() {
        [release] => Ok(release),
        [] => {
            let message = format!("there is no service called {name} here");
            Err(Failure::new(Exit::Aws, message, near(releases, name_there)).coded("no_such_service"))
        }
        several => {
            let candidates: Vec<_> = several.iter().map(|release| release.stable.service.to_string()).collect();
            Err(Failure::usage(format!("{name} may be {}", candidates.join(" or ")), "Name one of those.")
                .coded("ambiguous_name"))
        }
    }
}

/// Returns the revision that `:42`, `42`, `checkout:42` or an ARN means if releases are of `family`. A text without a
/// revision never means the newest one.
pub(super) fn revision(text: &str, family: &str) -> Result<TaskDefinitionArn, Failure> {
    let number = text.strip_prefix(':').unwrap_or(text);
    let named = match number.parse::<u32>() {
        Ok(number) => TaskDefinitionArn::new(format!("{family}:{number}")),
        Err(_) => TaskDefinitionArn::new(text),
    };
    if named.revision().is_some() {
        return Ok(named);
    }
    Err(Failure::usage(
        format!("{text} names no revision."),
        format!("Say which one: {family}:42, :42, or the full ARN. The newest one is never meant by itself."),
    ))
}

/// Returns the names to look for instead.
fn near(releases: &[Release], name: &str) -> String {
    const SHOWN: usize = 12;
    if releases.is_empty() {
        return "No cluster here has a service. Check the region, the account and --cluster.".to_owned();
    }
    let lower = name.to_lowercase();
    let alike = |release: &&Release| {
        let other = release.name.to_lowercase();
        other.contains(&lower) || lower.contains(&other)
    };
    let mut names: Vec<_> = releases.iter().filter(alike).map(|release| release.name.as_str()).collect();
    if names.is_empty() {
        names = releases.iter().map(|release| release.name.as_str()).collect();
    }
    names.dedup();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    names.truncate(SHOWN);
    format!("There is {}{more}. Check the region, the account and --cluster.", names.join(", "))
}
