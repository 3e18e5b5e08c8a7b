//! `deploymentConfiguration`, both ways.

use std::collections::BTreeMap;

use aws_sdk_ecs::error::BuildError;
use aws_sdk_ecs::types as sdk;
use aws_smithy_types::{Document, Number};
use serde_json::Value;

use crate::domain::ecs::deployment::{
    AlarmConfiguration, BreakerConfiguration, Configuration, EarlySuccess, HookConfiguration, Strategy,
};

use super::text::non_empty;

/// What a service or a deployment of it goes by. Absent: what ECS does where nothing is said.
pub(in crate::cloud::aws) fn configuration(raw: Option<&sdk::DeploymentConfiguration>) -> Configuration {
    let Some(raw) = raw else { return Configuration::rolling() };
    Configuration {
        strategy: strategy(raw),
        bake_minutes: raw.bake_time_in_minutes,
        hooks: raw.lifecycle_hooks().iter().map(hook).collect(),
        alarms: raw.alarms().map(|alarms| AlarmConfiguration {
            names: alarms.alarm_names().to_vec(),
            enable: alarms.enable,
            rollback: alarms.rollback,
        }),
        breaker: raw.deployment_circuit_breaker().map(|breaker| BreakerConfiguration {
            enable: breaker.enable,
            rollback: breaker.rollback,
            reset_on_healthy: breaker.reset_on_healthy_task,
            threshold: breaker.threshold_configuration().map(|it| (it.r#type.as_str().to_owned(), it.value)),
        }),
        maximum_percent: raw.maximum_percent,
        minimum_healthy_percent: raw.minimum_healthy_percent,
        early_success: raw.early_success_criteria().map(|early| EarlySuccess {
            enable: early.enable,
            healthy_percent: early.healthy_percent,
            cleanup: non_empty(early.source_service_revision_cleanup().map(sdk::ServiceRevisionCleanup::as_str)),
        }),
    }
}

/// The numbers that are absent are AWS's defaults.
fn strategy(raw: &sdk::DeploymentConfiguration) -> Strategy {
    match &raw.strategy {
        None | Some(sdk::DeploymentStrategy::Rolling) => Strategy::Rolling,
        Some(sdk::DeploymentStrategy::BlueGreen) => Strategy::BlueGreen,
        Some(sdk::DeploymentStrategy::Canary) => {
            let canary = raw.canary_configuration.as_ref();
            Strategy::Canary {
                percent: canary.and_then(|it| it.canary_percent).unwrap_or(5.0),
                bake_minutes: canary.and_then(|it| it.canary_bake_time_in_minutes).unwrap_or(10),
            }
        }
        Some(sdk::DeploymentStrategy::Linear) => {
            let linear = raw.linear_configuration.as_ref();
            Strategy::Linear {
                percent: linear.and_then(|it| it.step_percent).unwrap_or(10.0),
                bake_minutes: linear.and_then(|it| it.step_bake_time_in_minutes).unwrap_or(6),
            }
        }
        Some(other) => Strategy::Other { name: other.as_str().to_owned() },
    }
}

/// Some answers have a pause's stages only, neither its type nor its timeout: what is not said is not made up.
fn hook(raw: &sdk::DeploymentLifecycleHook) -> HookConfiguration {
    let timeout = raw.timeout_configuration();
    HookConfiguration {
        kind: non_empty(raw.target_type().map(sdk::DeploymentLifecycleHookTargetType::as_str)),
        target: non_empty(raw.hook_target_arn()),
        role: non_empty(raw.role_arn()),
        stages: raw.lifecycle_stages().iter().map(|stage| stage.as_str().into()).collect(),
        details: raw.hook_details().map(value),
        timeout_minutes: timeout.and_then(|it| it.timeout_in_minutes),
        timeout_action: timeout.and_then(|it| non_empty(it.action().map(sdk::DeploymentLifecycleHookAction::as_str))),
    }
}

/// For UpdateService: every member that is known, because nothing says that AWS keeps what is left out. An empty list
/// of hooks is sent as such.
pub(in crate::cloud::aws) fn written(
    configuration: &Configuration,
) -> Result<sdk::DeploymentConfiguration, BuildError> {
    let call = sdk::DeploymentConfiguration::builder();
    let call = match &configuration.strategy {
        Strategy::Rolling => call.strategy(sdk::DeploymentStrategy::Rolling),
        Strategy::BlueGreen => call.strategy(sdk::DeploymentStrategy::BlueGreen),
        Strategy::Canary { percent, bake_minutes } => {
            let canary = sdk::CanaryConfiguration::builder().canary_percent(*percent);
            let canary = canary.canary_bake_time_in_minutes(*bake_minutes).build();
            call.strategy(sdk::DeploymentStrategy::Canary).canary_configuration(canary)
        }
        Strategy::Linear { percent, bake_minutes } => {
            let linear = sdk::LinearConfiguration::builder().step_percent(*percent);
            let linear = linear.step_bake_time_in_minutes(*bake_minutes).build();
            call.strategy(sdk::DeploymentStrategy::Linear).linear_configuration(linear)
        }
        Strategy::Other { name } => call.strategy(name.as_str().into()),
    };
    let alarms = configuration.alarms.as_ref().map(|alarms| {
        let names = Some(alarms.names.clone());
        sdk::DeploymentAlarms::builder().set_alarm_names(names).enable(alarms.enable).rollback(alarms.rollback).build()
    });
    // ECS takes these criteria with ROLLING alone.
    let early = configuration.early_success.as_ref().filter(|_| !configuration.strategy.shifts_traffic());
    let early = early.map(|early| {
        sdk::DeploymentEarlySuccessCriteria::builder()
            .enable(early.enable)
            .set_healthy_percent(early.healthy_percent)
            .set_source_service_revision_cleanup(early.cleanup.as_deref().map(Into::into))
            .build()
    });
    Ok(call
        .set_early_success_criteria(early)
        .set_bake_time_in_minutes(configuration.bake_minutes)
        .set_lifecycle_hooks(Some(configuration.hooks.iter().map(written_hook).collect()))
        .set_alarms(alarms.transpose()?)
        .set_deployment_circuit_breaker(configuration.breaker.as_ref().map(written_breaker).transpose()?)
        .set_maximum_percent(configuration.maximum_percent)
        .set_minimum_healthy_percent(configuration.minimum_healthy_percent)
        .build())
}

fn written_hook(hook: &HookConfiguration) -> sdk::DeploymentLifecycleHook {
    let timeout = sdk::DeploymentLifecycleHookTimeoutConfiguration::builder()
        .set_timeout_in_minutes(hook.timeout_minutes)
        .set_action(hook.timeout_action.as_deref().map(Into::into))
        .build();
    let timed = hook.timeout_minutes.is_some() || hook.timeout_action.is_some();
    sdk::DeploymentLifecycleHook::builder()
        .set_target_type(hook.kind.as_deref().map(Into::into))
        .set_hook_target_arn(hook.target.clone())
        .set_role_arn(hook.role.clone())
        .set_lifecycle_stages(Some(hook.stages.iter().map(|stage| stage.as_str().into()).collect()))
        .set_hook_details(hook.details.as_ref().map(document))
        .set_timeout_configuration(timed.then_some(timeout))
        .build()
}

fn written_breaker(breaker: &BreakerConfiguration) -> Result<sdk::DeploymentCircuitBreaker, BuildError> {
    let threshold = breaker
        .threshold
        .as_ref()
        .map(|(kind, value)| sdk::ThresholdConfiguration::builder().r#type(kind.as_str().into()).value(*value).build());
    Ok(sdk::DeploymentCircuitBreaker::builder()
        .enable(breaker.enable)
        .rollback(breaker.rollback)
        .set_reset_on_healthy_task(breaker.reset_on_healthy)
        .set_threshold_configuration(threshold.transpose()?)
        .build())
}

/// The keys sorted: the SDK's map has them in another order each time.
fn value(document: &Document) -> Value {
    match document {
        Document::Object(members) => {
            let members: BTreeMap<&String, &Document> = members.iter().collect();
            Value::Object(members.into_iter().map(|(key, it)| (key.clone(), value(it))).collect())
        }
        Document::Array(items) => Value::Array(items.iter().map(value).collect()),
        Document::Number(Number::PosInt(number)) => (*number).into(),
        Document::Number(Number::NegInt(number)) => (*number).into(),
        Document::Number(Number::Float(number)) => (*number).into(),
        Document::String(text) => text.as_str().into(),
        Document::Bool(it) => (*it).into(),
        Document::Null => Value::Null,
    }
}

fn document(value: &Value) -> Document {
    match value {
        Value::Object(members) => {
            Document::Object(members.iter().map(|(key, it)| (key.clone(), document(it))).collect())
        }
        Value::Array(items) => Document::Array(items.iter().map(document).collect()),
        Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
            (Some(number), _, _) => Document::Number(Number::PosInt(number)),
            (None, Some(number), _) => Document::Number(Number::NegInt(number)),
            (None, None, Some(number)) => Document::Number(Number::Float(number)),
            (None, None, None) => Document::Null,
        },
        Value::String(text) => Document::String(text.clone()),
        Value::Bool(it) => Document::Bool(*it),
        Value::Null => Document::Null,
    }
}

#[cfg(test)]
mod tests;
