//! The embedded AWS's wire, as the real SDK clients read it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricStat};
use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, ForwardActionConfig, TargetGroupStickinessConfig, TargetGroupTuple,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::config_bag::{ConfigBag, Layer};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::request_id::RequestId;
use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::sim::api::{Answer, ApiError, Call, Service};
use tidegate::sim::wire::{Backend, CallLog, Fault, FaultRule, Server, SimClock};

const START: &str = "2026-11-21T04:32:00Z";
const RULE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop-alb/1/2/3";

/// Answers by operation, and what it was asked.
#[derive(Default)]
struct Canned {
    answers: BTreeMap<&'static str, Answer>,
    now: Option<Timestamp>,
    calls: Vec<Call>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Canned>>);

impl Fake {
    fn answering(answers: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let fake = Self::default();
        fake.0.lock().unwrap().answers.extend(answers.into_iter().map(|(name, value)| (name, Ok(value))));
        fake
    }

    fn refusing(operation: &'static str, status: u16, code: &str, message: &str) -> Self {
        let fake = Self::default();
        let error = ApiError { status, code: code.to_owned(), message: message.to_owned() };
        fake.0.lock().unwrap().answers.insert(operation, Err(error));
        fake
    }

    fn calls(&self) -> Vec<Call> {
        self.0.lock().unwrap().calls.clone()
    }

    fn now(&self) -> Option<Timestamp> {
        self.0.lock().unwrap().now
    }
}

impl Backend for Fake {
    fn advance(&mut self, to: Timestamp) {
        let mut canned = self.0.lock().unwrap();
        canned.now = canned.now.max(Some(to));
    }

    fn call(&mut self, call: &Call) -> Answer {
        let mut canned = self.0.lock().unwrap();
        canned.calls.push(call.clone());
        canned.answers.get(call.operation.as_str()).cloned().unwrap_or_else(|| Ok(json!({})))
    }
}

fn start() -> Timestamp {
    START.parse().unwrap()
}

fn serve(fake: &Fake) -> Server {
    Server::start(fake.clone(), SimClock::manual(start()), None).unwrap()
}

/// The four clients, set up as the console's are but for the credentials; one attempt, no retries.
macro_rules! client {
    ($sdk:ident, $server:expr) => {{
        let credentials = $sdk::config::Credentials::new("AKIDTEST", "secret", None, None, "test");
        let config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new("eu-west-1"))
            .credentials_provider(credentials)
            .retry_config(RetryConfig::disabled())
            .endpoint_url($server.endpoint())
            .build();
        $sdk::Client::from_conf(config)
    }};
}
