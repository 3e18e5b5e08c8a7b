//! The settings of a service revision besides its task definition: network, capacity, platform.

use serde_json::{Value, json};

use crate::sim::scenario::{Network, TaskSettings};

/// The newest Fargate platform.
const PLATFORM: &str = "1.4.0";

/// Network, capacity and platform of a revision's tasks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RevisionSettings {
    /// networkConfiguration as the client wrote it.
    pub(crate) network: Value,
    /// capacityProviderStrategy as the client wrote it; `None` if the launch type is FARGATE.
    pub(crate) providers: Option<Value>,
    /// The requested platformVersion: `LATEST` or a number.
    pub(crate) platform: String,
    /// enableExecuteCommand.
    pub(crate) execute_command: bool,
}

impl RevisionSettings {
    /// The settings of a scenario. Missing ones come from `base`.
    pub(crate) fn new(from: &TaskSettings, base: Option<&Self>) -> Self {
        let strategy = from
            .capacity_providers
            .iter()
            .map(|(name, weight)| json!({"capacityProvider": name, "weight": weight, "base": 0}));
        let strategy: Vec<_> = strategy.collect();
        let network = match (&from.network, base) {
            (None, Some(base)) => base.network.clone(),
            (network, _) => network_configuration(network.as_ref().unwrap_or(&Network::default())),
        };
        let providers = base.and_then(|b| b.providers.clone());
        let platform = from.platform.clone().or(base.map(|b| b.platform.clone()));
        Self {
            network,
            providers: if strategy.is_empty() { providers } else { Some(Value::Array(strategy)) },
            platform: platform.unwrap_or_else(|| "LATEST".into()),
            execute_command: from.execute_command.or(base.map(|b| b.execute_command)).unwrap_or(false),
        }
    }

    /// Applies the members of an UpdateService. The error is the message of an InvalidParameterException.
    pub(crate) fn patch(&mut self, from: &Value) -> Result<(), String> {
        let given = |name: &str| from.get(name).filter(|v| !v.is_null());
        if let Some(network) = given("networkConfiguration") {
            if list(network.get("awsvpcConfiguration"), "subnets").is_empty() {
                return Err("subnets can not be empty.".into());
            }
            self.network = network.clone();
        }
        if let Some(strategy) = given("capacityProviderStrategy") {
            let items = strategy.as_array().map(Vec::as_slice).unwrap_or_default();
            for item in items {
                let name = item.get("capacityProvider").and_then(Value::as_str).unwrap_or_default();
                if name != "FARGATE" && name != "FARGATE_SPOT" {
                    return Err(format!("The specified capacity provider '{name}' was not found."));
                }
            }
            // An empty list switches back to the launch type.
            self.providers = (!items.is_empty()).then(|| strategy.clone());
        }
        if let Some(platform) = given("platformVersion").and_then(Value::as_str) {
            self.platform = platform.to_owned();
        }
        if let Some(enabled) = given("enableExecuteCommand").and_then(Value::as_bool) {
            self.execute_command = enabled;
        }
        Ok(())
    }

    /// Adds the members to an UpdateService that change these settings to `desired`.
    pub(crate) fn add_changes(&self, desired: &Self, input: &mut Value) {
        let Some(map) = input.as_object_mut() else {
            return;
        };
        if desired.network != self.network {
            map.insert("networkConfiguration".into(), desired.network.clone());
        }
        if desired.providers != self.providers {
            map.insert("capacityProviderStrategy".into(), desired.providers.clone().unwrap_or_else(|| json!([])));
        }
        if desired.platform != self.platform {
            map.insert("platformVersion".into(), json!(desired.platform));
        }
        if desired.execute_command != self.execute_command {
            map.insert("enableExecuteCommand".into(), json!(desired.execute_command));
        }
    }

    pub(crate) fn subnets(&self) -> Vec<&str> {
        list(self.network.get("awsvpcConfiguration"), "subnets")
    }

    /// The platform version with `LATEST` resolved.
    pub(crate) fn resolved_platform(&self) -> &str {
        if self.platform == "LATEST" { PLATFORM } else { &self.platform }
    }

    /// Adds networkConfiguration, the platform, and either capacityProviderStrategy or launchType. A revision whose tasks
    /// run on instances has a launchType alone.
    pub(crate) fn add_to(&self, on_instances: bool, platform: &str, out: &mut Value) {
        let Some(map) = out.as_object_mut() else {
            return;
        };
        if on_instances {
            map.insert("launchType".into(), json!("EC2"));
            return;
        }
        map.insert("platformFamily".into(), json!("Linux"));
        map.insert("platformVersion".into(), json!(platform));
        map.insert("networkConfiguration".into(), self.network.clone());
        match &self.providers {
            Some(strategy) => map.insert("capacityProviderStrategy".into(), strategy.clone()),
            None => map.insert("launchType".into(), json!("FARGATE")),
        };
    }

    /// The capacity provider that tasks run on: the one with the highest weight.
    pub(crate) fn provider(&self) -> Option<&str> {
        let weight = |item: &&Value| item.get("weight").and_then(Value::as_u64).unwrap_or(0);
        let items = self.providers.as_ref()?.as_array()?;
        items.iter().max_by_key(weight)?.get("capacityProvider")?.as_str()
    }
}

fn list<'a>(from: Option<&'a Value>, name: &str) -> Vec<&'a str> {
    let items = from.and_then(|f| f.get(name)).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).collect()
}

fn network_configuration(network: &Network) -> Value {
    let public = if network.public_ip { "ENABLED" } else { "DISABLED" };
    json!({"awsvpcConfiguration": {
        "subnets": network.subnets, "securityGroups": network.security_groups, "assignPublicIp": public,
    }})
}
