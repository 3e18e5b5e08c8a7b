//! What a service revision holds besides its task definition: network, capacity, platform.

use serde_json::{Value, json};

use crate::sim::scenario::{Network, TaskSettings};

/// The newest Fargate platform.
const PLATFORM: &str = "1.4.0";

/// Where and on what the tasks of a revision run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Settings {
    /// networkConfiguration, as it was written.
    pub network: Value,
    /// capacityProviderStrategy, as it was written; without one the launch type is FARGATE.
    pub providers: Option<Value>,
    /// platformVersion as it was asked for: `LATEST` or a number.
    pub platform: String,
    /// enableExecuteCommand: tasks have the agent that lets people in.
    pub execute_command: bool,
}

impl Settings {
    /// Those of a scenario; what it does not say is as in `base`.
    pub fn new(from: &TaskSettings, base: Option<&Self>) -> Self {
        let strategy = from
            .capacity_providers
            .iter()
            .map(|(name, weight)| json!({"capacityProvider": name, "weight": weight, "base": 0}));
        let strategy: Vec<_> = strategy.collect();
        let network = match (&from.network, base) {
            (None, Some(base)) => base.network.clone(),
            (network, _) => network.as_ref().unwrap_or(&Network::default()).json(),
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

    /// Takes over what an UpdateService says. The error is the message of an InvalidParameterException.
    pub fn patch(&mut self, from: &Value) -> Result<(), String> {
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
            // An empty list goes back to the launch type.
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

    /// Adds to an UpdateService what of `wanted` is not so yet.
    pub fn changed(&self, wanted: &Self, input: &mut Value) {
        let Some(map) = input.as_object_mut() else {
            return;
        };
        if wanted.network != self.network {
            map.insert("networkConfiguration".into(), wanted.network.clone());
        }
        if wanted.providers != self.providers {
            map.insert("capacityProviderStrategy".into(), wanted.providers.clone().unwrap_or_else(|| json!([])));
        }
        if wanted.platform != self.platform {
            map.insert("platformVersion".into(), json!(wanted.platform));
        }
        if wanted.execute_command != self.execute_command {
            map.insert("enableExecuteCommand".into(), json!(wanted.execute_command));
        }
    }

    pub fn subnets(&self) -> Vec<&str> {
        list(self.network.get("awsvpcConfiguration"), "subnets")
    }

    /// The platform that `LATEST` means.
    pub fn resolved_platform(&self) -> &str {
        if self.platform == "LATEST" { PLATFORM } else { &self.platform }
    }

    /// Adds networkConfiguration, and capacityProviderStrategy or launchType.
    pub fn show(&self, out: &mut Value) {
        let Some(map) = out.as_object_mut() else {
            return;
        };
        map.insert("networkConfiguration".into(), self.network.clone());
        match &self.providers {
            Some(strategy) => map.insert("capacityProviderStrategy".into(), strategy.clone()),
            None => map.insert("launchType".into(), json!("FARGATE")),
        };
    }

    /// The provider that a task of these settings runs on: the one with the most weight.
    pub fn provider(&self) -> Option<&str> {
        let weight = |item: &&Value| item.get("weight").and_then(Value::as_u64).unwrap_or(0);
        let items = self.providers.as_ref()?.as_array()?;
        items.iter().max_by_key(weight)?.get("capacityProvider")?.as_str()
    }
}

fn list<'a>(from: Option<&'a Value>, name: &str) -> Vec<&'a str> {
    let items = from.and_then(|f| f.get(name)).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).collect()
}

impl Network {
    /// As networkConfiguration.
    fn json(&self) -> Value {
        let public = if self.public_ip { "ENABLED" } else { "DISABLED" };
        json!({"awsvpcConfiguration": {
            "subnets": self.subnets, "securityGroups": self.security_groups, "assignPublicIp": public,
        }})
    }
}
