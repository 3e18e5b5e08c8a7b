//! Task definitions: registering, describing and deregistering them.

use serde_json::{Value, json};

use super::ecs_show::insert;
use super::input::Input;
use super::refuse;
use crate::sim::api::{Answer, ApiError};
use crate::sim::world::World;
use crate::sim::world::catalog::DefId;
use crate::sim::world::clock::epoch;
use crate::sim::world::definition;
use crate::sim::world::definition::TaskDef;

pub(super) fn register(world: &mut World, input: Input<'_>) -> Answer {
    let body = definition::checked(input.whole()).map_err(|message| refuse("ClientException", message))?;
    let tags = input.get("tags").cloned().unwrap_or_else(|| json!([]));
    let family = input.text("family").unwrap_or_default();
    let id = world.catalog.register(family, body, tags, world.tick, &mut world.ids);
    let def = world.catalog.get(id);
    Ok(json!({"taskDefinition": show(world, def), "tags": def.tags}))
}

pub(super) fn deregister(world: &mut World, input: Input<'_>) -> Answer {
    let name = input.text("taskDefinition").unwrap_or_default();
    let exact = name.rsplit_once('/').map_or(name, |(_, last)| last).contains(':');
    if !exact {
        return Err(refuse("ClientException", "Revision is required to deregister a task definition."));
    }
    let id = world
        .catalog
        .find(name)
        .ok_or_else(|| refuse("ClientException", "The specified task definition does not exist."))?;
    world.catalog.deregister(id, world.tick);
    Ok(json!({"taskDefinition": show(world, world.catalog.get(id))}))
}

pub(super) fn describe(world: &World, input: Input<'_>) -> Answer {
    let found = input.text("taskDefinition").and_then(|name| world.catalog.find(name));
    let id = found.ok_or_else(|| refuse("ClientException", "Unable to describe task definition."))?;
    let def = world.catalog.get(id);
    let mut out = json!({"taskDefinition": show(world, def)});
    if input.includes("include", "TAGS") {
        insert(&mut out, "tags", def.tags.clone());
    }
    Ok(out)
}

/// A definition that a service can be updated to.
pub(super) fn deployable(world: &World, name: &str) -> Result<DefId, ApiError> {
    let id = world.catalog.find(name).ok_or_else(|| refuse("ClientException", "TaskDefinition not found."))?;
    if world.catalog.get(id).deregistered.is_some() {
        return Err(refuse("ClientException", "TaskDefinition is inactive"));
    }
    Ok(id)
}

fn show(world: &World, def: &TaskDef) -> Value {
    let place = &world.ids.place;
    let (compatibilities, attributes) = definition::requirements(&def.body);
    let mut out = def.body.clone();
    for (name, value) in [
        ("taskDefinitionArn", json!(def.arn(place))),
        ("family", json!(def.family)),
        ("revision", json!(def.revision)),
        ("status", json!(if def.deregistered.is_some() { "INACTIVE" } else { "ACTIVE" })),
        ("requiresAttributes", attributes),
        ("compatibilities", compatibilities),
        ("registeredAt", epoch(def.registered)),
        ("registeredBy", json!(format!("arn:aws:sts::{}:assumed-role/deployer/pipeline", place.account))),
    ] {
        insert(&mut out, name, value);
    }
    if let Some(at) = def.deregistered {
        insert(&mut out, "deregisteredAt", epoch(at));
    }
    out
}
