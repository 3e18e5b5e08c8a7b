//! Rules and target groups that AWS creates for a service: DescribeServices does not show them, service revisions do.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as sdk;

use crate::domain::ecs::deployment::ServiceRevision;
use crate::domain::ecs::service::{Managed, Service};

use super::Aws;

/// The revisions to ask for the resources of a service that shows no load balancer of its own.
pub(super) fn revisions_of(raw: &sdk::Service) -> Vec<String> {
    if !raw.load_balancers().is_empty() || !raw.task_sets().is_empty() {
        return Vec::new();
    }
    raw.current_service_revisions().iter().filter_map(|revision| revision.arn().map(str::to_owned)).collect()
}

impl Aws {
    /// Services with the resources that AWS created for them. Each revision is asked for once: what it says does not
    /// change. Without an answer a service stays as DescribeServices showed it.
    pub(super) async fn with_managed_resources(&self, services: Vec<(Service, Vec<String>)>) -> Vec<Service> {
        let named = services.iter().flat_map(|(_, revisions)| revisions);
        let unknown: BTreeSet<&String> = named.filter(|arn| self.to_be_asked_for(arn)).collect();
        let unknown: Vec<String> = unknown.into_iter().cloned().collect();
        if let Err(fault) = self.describe_unknown(unknown).await {
            tracing::debug!(%fault, "resources that AWS manages are not known");
        }
        let with = |(mut service, revisions): (Service, Vec<String>)| {
            for revision in revisions.iter().filter_map(|arn| self.memory.revision(arn)) {
                add(&mut service, &revision);
            }
            service
        };
        services.into_iter().map(with).collect()
    }

    /// True if a revision is not known, or a Gateway is still creating its resources.
    fn to_be_asked_for(&self, arn: &str) -> bool {
        let created = |known: &ServiceRevision| !known.behind_gateway || !known.managed_groups.is_empty();
        self.memory.revision(arn).is_none_or(|known| !created(&known))
    }
}

fn add(service: &mut Service, revision: &ServiceRevision) {
    for group in &revision.managed_groups {
        if !service.target_groups.contains(group) {
            service.target_groups.push(group.clone());
        }
    }
    if revision.behind_gateway {
        service.managed.get_or_insert(Managed::Gateway);
    }
    if service.production_rule.is_none() && !revision.managed_groups.is_empty() {
        service.production_rule.clone_from(&revision.production_rule);
    }
}
