//! Task definitions: registering, describing and deregistering them.

use serde_json::{Value, json};

use super::error::refuse;
use super::input::{Input, last_part};
use super::json::insert;
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::account::Account;
use crate::sim::world::arns::Arns;
use crate::sim::world::clock::epoch;
use crate::sim::world::task_definitions::catalog::DefinitionId;
use crate::sim::world::task_definitions::definition::TaskDefinition;
use crate::sim::world::task_definitions::registration::{Registration, requirements};

pub(super) fn register(account: &mut Account, input: Input<'_>) -> Answer {
    let registration = Registration::read(input.value()).map_err(|message| refuse("ClientException", message))?;
    let id = account.catalog.register(registration, account.tick, &mut account.ids);
    let definition = account.catalog.get(id);
    Ok(json!({"taskDefinition": definition_json(&account.arns, definition), "tags": definition.tags}))
}

pub(super) fn deregister(account: &mut Account, input: Input<'_>) -> Answer {
    let name = input.text("taskDefinition").unwrap_or_default();
    if !last_part(name).contains(':') {
        return Err(refuse("ClientException", "Revision is required to deregister a task definition."));
    }
    let id = account
        .catalog
        .find(name)
        .ok_or_else(|| refuse("ClientException", "The specified task definition does not exist."))?;
    account.catalog.deregister(id, account.tick);
    Ok(json!({"taskDefinition": definition_json(&account.arns, account.catalog.get(id))}))
}

pub(super) fn describe(account: &Account, input: Input<'_>) -> Answer {
    let found = input.text("taskDefinition").and_then(|name| account.catalog.find(name));
    let id = found.ok_or_else(|| refuse("ClientException", "Unable to describe task definition."))?;
    let definition = account.catalog.get(id);
    let mut out = json!({"taskDefinition": definition_json(&account.arns, definition)});
    if input.includes("include", "TAGS") {
        insert(&mut out, "tags", definition.tags.clone());
    }
    Ok(out)
}

/// Finds an ACTIVE definition that a service can deploy.
pub(super) fn find_deployable(account: &Account, name: &str) -> Result<DefinitionId, ApiError> {
    let id = account.catalog.find(name).ok_or_else(|| refuse("ClientException", "TaskDefinition not found."))?;
    if account.catalog.get(id).deregistered.is_some() {
        return Err(refuse("ClientException", "TaskDefinition is inactive"));
    }
    Ok(id)
}

fn definition_json(arns: &Arns, definition: &TaskDefinition) -> Value {
    let (compatibilities, attributes) = requirements(&definition.body);
    let mut out = definition.body.clone();
    for (name, value) in [
        ("taskDefinitionArn", json!(definition.arn(arns))),
        ("family", json!(definition.family)),
        ("revision", json!(definition.revision)),
        ("status", json!(if definition.deregistered.is_some() { "INACTIVE" } else { "ACTIVE" })),
        ("requiresAttributes", attributes),
        ("compatibilities", compatibilities),
        ("registeredAt", epoch(definition.registered)),
        ("registeredBy", json!(format!("arn:aws:sts::{}:assumed-role/deployer/pipeline", arns.account))),
    ] {
        insert(&mut out, name, value);
    }
    if let Some(at) = definition.deregistered {
        insert(&mut out, "deregisteredAt", epoch(at));
    }
    out
}
