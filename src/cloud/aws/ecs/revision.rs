//! A service revision as the domain's: what it runs, where its tasks register, and what no task definition carries.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as sdk;

use crate::cloud::aws::time::maybe;
use crate::domain::ecs::deployment::{RevisionImage, ServiceRevision};
use crate::domain::ecs::names::{Arn, TaskDefinitionArn};

use super::text::non_empty;

/// `None` for a revision without an ARN or a task definition.
pub(in crate::cloud::aws) fn revision(raw: &sdk::ServiceRevision) -> Option<ServiceRevision> {
    let arn = Arn::new(raw.service_revision_arn()?);
    let resolved = raw.resolved_configuration().map(|it| it.load_balancers()).unwrap_or_default();
    let mut target_groups: Vec<Arn> =
        resolved.iter().filter_map(|it| non_empty(it.target_group_arn())).map(Arn::new).collect();
    target_groups.sort();
    target_groups.dedup();
    let mut rules: Vec<String> = resolved.iter().filter_map(|it| non_empty(it.production_listener_rule())).collect();
    rules.sort();
    let managed = managed(raw);
    let of_aws = managed.iter().filter_map(|it| it.rule.clone());
    let production_rule = rules.into_iter().chain(of_aws).next().map(Arn::new);
    let mut images: Vec<RevisionImage> = raw.container_images().iter().map(image).collect();
    images.sort_by(|one, other| one.container.cmp(&other.container));
    Some(ServiceRevision {
        created_at: maybe(raw.created_at()),
        images,
        target_groups,
        production_rule,
        managed_groups: managed.into_iter().flat_map(|it| it.groups).map(Arn::new).collect(),
        behind_gateway: !raw.gateway_connectors().is_empty(),
        surroundings: surroundings(raw),
        ..ServiceRevision::bare(arn, TaskDefinitionArn::new(raw.task_definition()?))
    })
}

/// A production rule that AWS created for a revision, with its target groups.
struct ManagedRule {
    rule: Option<String>,
    groups: Vec<String>,
}

/// The rules of an ECS Gateway, and those of an Express service.
fn managed(raw: &sdk::ServiceRevision) -> Vec<ManagedRule> {
    let Some(resources) = raw.ecs_managed_resources() else { return Vec::new() };
    let balancers = resources.gateway_connections().iter().filter_map(|it| it.resources()?.as_host_shared_alb().ok());
    let of_gateways = balancers.flatten().map(|it| ManagedRule {
        rule: non_empty(it.listener_rule_arn()),
        groups: [it.target_group_arn(), it.alternate_target_group_arn()].into_iter().filter_map(non_empty).collect(),
    });
    let of_express = resources.ingress_paths().iter().map(|path| ManagedRule {
        rule: path.rule().and_then(|rule| non_empty(rule.arn())),
        groups: path.target_groups().iter().filter_map(|group| non_empty(group.arn())).collect(),
    });
    of_gateways.chain(of_express).collect()
}

/// Whether ECS moves traffic to it, so that it resolves target groups and a rule for it at some time.
pub(in crate::cloud::aws) fn takes_traffic(raw: &sdk::ServiceRevision) -> bool {
    raw.load_balancers().iter().any(|balancer| balancer.advanced_configuration().is_some())
}

fn image(raw: &sdk::ContainerImage) -> RevisionImage {
    RevisionImage {
        container: raw.container_name().unwrap_or_default().to_owned(),
        image: raw.image().unwrap_or_default().to_owned(),
        digest: non_empty(raw.image_digest()),
    }
}

/// Each a line, its parts sorted, so that two revisions differ only where they do.
fn surroundings(raw: &sdk::ServiceRevision) -> BTreeMap<String, String> {
    let vpc = raw.network_configuration().and_then(|it| it.awsvpc_configuration());
    let lines = [
        ("subnets", vpc.map(|it| listed(it.subnets().to_vec()))),
        ("security groups", vpc.map(|it| listed(it.security_groups().to_vec()))),
        ("public IP", vpc.and_then(|it| it.assign_public_ip()).map(|it| it.as_str().to_owned())),
        ("launch type", raw.launch_type().map(|it| it.as_str().to_owned())),
        ("capacity", Some(listed(raw.capacity_provider_strategy().iter().map(capacity).collect()))),
        ("platform", Some(words([non_empty(raw.platform_family()), non_empty(raw.platform_version())]))),
        ("architecture", architecture(raw).map(str::to_owned)),
        ("load balancer", Some(listed(raw.load_balancers().iter().map(balancer).collect()))),
        ("VPC Lattice", Some(listed(raw.vpc_lattice_configurations().iter().map(lattice).collect()))),
        ("service registries", Some(listed(raw.service_registries().iter().map(registry).collect()))),
        ("Service Connect", raw.service_connect_configuration().map(connect)),
        ("gateway connectors", Some(listed(raw.gateway_connectors().iter().map(|it| it.port_name.clone()).collect()))),
        ("volumes", Some(listed(raw.volume_configurations().iter().map(volume).collect()))),
        ("ephemeral storage", raw.fargate_ephemeral_storage().and_then(|it| key(it.kms_key_id()))),
        ("monitoring", raw.monitoring().map(|it| listed(it.metric_configurations().iter().map(metrics).collect()))),
    ];
    let there = lines.into_iter().filter_map(|(name, line)| Some((name.to_owned(), line.filter(|it| !it.is_empty())?)));
    there.collect()
}

fn listed(mut parts: Vec<String>) -> String {
    parts.sort();
    parts.join(", ")
}

/// Those of the words that there are.
fn words<const MANY: usize>(words: [Option<String>; MANY]) -> String {
    words.into_iter().flatten().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn short(arn: &str) -> String {
    Arn::new(arn).resource().to_owned()
}

fn port(container: Option<&str>, port: Option<i32>) -> Option<String> {
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    non_empty(Some(&format!("{}{port}", container.unwrap_or_default())))
}

fn architecture(raw: &sdk::ServiceRevision) -> Option<&str> {
    raw.overrides()?.runtime_platform()?.cpu_architecture()
}

fn capacity(raw: &sdk::CapacityProviderStrategyItem) -> String {
    let base = (raw.base != 0).then(|| format!("base {}", raw.base));
    words([Some(raw.capacity_provider.clone()), Some(format!("weight {}", raw.weight)), base])
}

/// Where ECS moves traffic between two target groups they change roles with each deployment: that is no difference.
fn balancer(raw: &sdk::LoadBalancer) -> String {
    let advanced = raw.advanced_configuration();
    let group = raw.target_group_arn().filter(|_| advanced.is_none());
    let rule = advanced.and_then(|it| non_empty(it.production_listener_rule()));
    let test = advanced.and_then(|it| non_empty(it.test_listener_rule()));
    words([
        port(raw.container_name(), raw.container_port()),
        non_empty(raw.load_balancer_name()),
        group.map(short),
        rule.map(|rule| format!("rule {}", short(&rule))),
        test.map(|rule| format!("test rule {}", short(&rule))),
    ])
}

fn lattice(raw: &sdk::VpcLatticeConfiguration) -> String {
    let advanced = raw.advanced_configuration();
    let group = advanced.is_none().then(|| short(&raw.target_group_arn));
    let rule = advanced.and_then(|it| non_empty(it.production_listener_rule()));
    words([Some(raw.port_name.clone()), group, rule.map(|rule| format!("rule {}", short(&rule)))])
}

fn registry(raw: &sdk::ServiceRegistry) -> String {
    let own = raw.port().map(|port| format!("port {port}"));
    words([raw.registry_arn().map(short), port(raw.container_name(), raw.container_port()), own])
}

/// The options of its logs are left out: they may hold what nobody should read.
fn connect(raw: &sdk::ServiceConnectConfiguration) -> String {
    if !raw.enabled {
        return "off".to_owned();
    }
    let service = |raw: &sdk::ServiceConnectService| {
        let alias = |raw: &sdk::ServiceConnectClientAlias| {
            let name = raw.dns_name().unwrap_or_default();
            format!("{name}:{}", raw.port)
        };
        let aliases = listed(raw.client_aliases().iter().map(alias).collect());
        let ingress = raw.ingress_port_override().map(|port| format!("ingress {port}"));
        let name = match raw.discovery_name() {
            Some(name) => format!("{}={name}", raw.port_name),
            None => raw.port_name.clone(),
        };
        let aliases = (!aliases.is_empty()).then(|| format!("as {aliases}"));
        words([Some(name), aliases, ingress, raw.tls().map(|_| "with TLS".to_owned())])
    };
    let services = listed(raw.services().iter().map(service).collect());
    words([Some("on".to_owned()), non_empty(raw.namespace()).map(|it| format!("namespace {it}")), Some(services)])
}

fn volume(raw: &sdk::ServiceVolumeConfiguration) -> String {
    let Some(disk) = raw.managed_ebs_volume() else { return raw.name.clone() };
    let number = |number: Option<i32>, unit: &str| number.map(|number| format!("{number} {unit}"));
    let encrypted = disk.encrypted().unwrap_or(false).then(|| "encrypted".to_owned());
    words([
        Some(raw.name.clone()),
        number(disk.size_in_gib(), "GiB"),
        non_empty(disk.volume_type()),
        number(disk.iops(), "IOPS"),
        number(disk.throughput(), "MiB/s"),
        disk.filesystem_type().map(|it| it.as_str().to_owned()),
        non_empty(disk.snapshot_id()),
        encrypted,
        key(disk.kms_key_id()),
    ])
}

fn key(id: Option<&str>) -> Option<String> {
    non_empty(id).map(|id| format!("key {}", short(&id)))
}

fn metrics(raw: &sdk::MetricConfiguration) -> String {
    format!("{} every {} s", listed(raw.metric_names().to_vec()).replace(", ", "+"), raw.resolution_seconds)
}

#[cfg(test)]
mod tests;
