//! Checks that a cloned task definition has every member of the original. The SDK drops members that it does not know,
//! so its copy would silently lack them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::Value;

use crate::cloud::aws::task_definition::Description;
use crate::domain::ecs::task_definition::SAID_BY_AWS;

/// The captured calls of one clone: the description and the registration.
#[derive(Debug, Clone, Default)]
pub(super) struct Whole {
    description: Description,
    lost: Arc<Mutex<Option<String>>>,
}

/// The interceptor that stops a registration with a missing member.
#[derive(Debug)]
struct Registered(Whole);

impl Whole {
    pub(super) fn described(&self) -> impl Intercept + use<> {
        self.description.listener()
    }

    pub(super) fn registered(&self) -> impl Intercept + use<> {
        Registered(self.clone())
    }

    /// The missing member because of which the registration was not sent.
    pub(super) fn lost(&self) -> Option<String> {
        self.loss().clone()
    }

    fn loss(&self) -> MutexGuard<'_, Option<String>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Registered {
    fn name(&self) -> &'static str {
        "Registered"
    }

    fn read_after_serialization(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let sent = serde_json::from_slice::<Value>(context.request().body().bytes().unwrap_or_default());
        let lost = match (self.0.description.get(), sent) {
            (Some(description), Ok(sent)) => lost(&description, &sent),
            _ => Some("something".to_owned()),
        };
        self.0.loss().clone_from(&lost);
        lost.map_or(Ok(()), |member| Err(format!("{member} would be lost").into()))
    }
}

/// The first described member that is missing or different in the request.
fn lost(described: &Value, sent: &Value) -> Option<String> {
    let members = described.as_object()?.iter().filter(|(name, _)| !SAID_BY_AWS.contains(&name.as_str()));
    members.into_iter().find_map(|(name, value)| within(name, value, sent.get(name)))
}

fn within(path: &str, described: &Value, sent: Option<&Value>) -> Option<String> {
    let same = match (described, sent) {
        (Value::Null, _) => true,
        (Value::Object(members), Some(sent @ Value::Object(_))) => {
            return members.iter().find_map(|(name, value)| within(&format!("{path}.{name}"), value, sent.get(name)));
        }
        (Value::Array(items), Some(Value::Array(sent))) if items.len() == sent.len() => {
            let mut pairs = items.iter().zip(sent).enumerate();
            return pairs.find_map(|(at, (item, sent))| within(&format!("{path}[{at}]"), item, Some(sent)));
        }
        (Value::Number(one), Some(Value::Number(other))) => one.as_f64() == other.as_f64(),
        (described, Some(sent)) => described == sent,
        (_, None) => false,
    };
    (!same).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_that_is_not_sent_is_named() {
        let described = json!({"family": "a", "revision": 3, "volumes": [], "gone": null, "cpu": 1.0,
            "containerDefinitions": [{"name": "x"}, {"name": "y", "labels": {"a": "b"}}]});
        let of = |sent: Value| lost(&described, &sent);
        let whole = json!({"family": "a", "volumes": [], "cpu": 1, "more": true,
            "containerDefinitions": [{"name": "x", "cpu": 0}, {"name": "y", "labels": {"a": "b"}}]});
        assert_eq!(of(whole.clone()), None);
        let without = |pointer: &str, name: &str| {
            let mut sent = whole.clone();
            sent.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(name);
            of(sent)
        };
        assert_eq!(without("", "volumes").as_deref(), Some("volumes"));
        assert_eq!(without("/containerDefinitions/0", "name").as_deref(), Some("containerDefinitions[0].name"));
        assert_eq!(without("/containerDefinitions/1/labels", "a").as_deref(), Some("containerDefinitions[1].labels.a"));
        let with = |pointer: &str, value: Value| {
            let mut sent = whole.clone();
            *sent.pointer_mut(pointer).unwrap() = value;
            of(sent)
        };
        assert_eq!(with("/cpu", json!(2)).as_deref(), Some("cpu"));
        assert_eq!(with("/containerDefinitions", json!([])).as_deref(), Some("containerDefinitions"));
        assert_eq!(with("/family", json!({})).as_deref(), Some("family"));
    }
}
