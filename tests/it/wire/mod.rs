//! The embedded AWS's wire, as the real SDK clients read it.

mod clients;
mod server;
mod world;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tidegate::sim::api::{Answer as ApiAnswer, ApiError, Call};
use tidegate::sim::wire::{Backend, Server, SimClock};
use tokio::sync::watch;

const START: &str = "2026-11-21T04:32:00Z";

/// Answers by operation, and what it was asked.
#[derive(Default)]
struct Canned {
    answers: BTreeMap<&'static str, ApiAnswer>,
    now: Option<Timestamp>,
    calls: Vec<Call>,
}

#[derive(Clone, Default)]
struct Fake {
    canned: Arc<Mutex<Canned>>,
    /// Changes with every advance and call.
    touched: watch::Sender<()>,
}

impl Fake {
    fn answering(answers: impl IntoIterator<Item = (&'static str, Value)>) -> Self {
        let fake = Self::default();
        fake.canned.lock().unwrap().answers.extend(answers.into_iter().map(|(name, value)| (name, Ok(value))));
        fake
    }

    fn refusing(operation: &'static str, status: u16, code: &str, message: &str) -> Self {
        let fake = Self::default();
        let error = ApiError { status, code: code.to_owned(), message: message.to_owned() };
        fake.canned.lock().unwrap().answers.insert(operation, Err(error));
        fake
    }

    fn calls(&self) -> Vec<Call> {
        self.canned.lock().unwrap().calls.clone()
    }

    /// Waits until the fake was used in this way.
    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let mut touched = self.touched.subscribe();
        let _ = soon(touched.wait_for(|()| condition(self))).await;
    }

    fn now(&self) -> Option<Timestamp> {
        self.canned.lock().unwrap().now
    }
}

impl Backend for Fake {
    fn advance(&mut self, to: Timestamp) {
        let mut canned = self.canned.lock().unwrap();
        canned.now = canned.now.max(Some(to));
        drop(canned);
        self.touched.send_replace(());
    }

    fn call(&mut self, call: &Call) -> ApiAnswer {
        let mut canned = self.canned.lock().unwrap();
        canned.calls.push(call.clone());
        let answer = canned.answers.get(call.operation.as_str()).cloned().unwrap_or_else(|| Ok(json!({})));
        drop(canned);
        self.touched.send_replace(());
        answer
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
    ($sdk:ident, $server:expr) => {
        client!($sdk, $server, "eu-west-1")
    };
    ($sdk:ident, $server:expr, $region:literal) => {{
        let credentials = $sdk::config::Credentials::new("AKIDTEST", "secret", None, None, "test");
        let config = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region($sdk::config::Region::new($region))
            .credentials_provider(credentials)
            .retry_config(aws_smithy_types::retry::RetryConfig::disabled())
            .endpoint_url($server.endpoint())
            .build();
        $sdk::Client::from_conf(config)
    }};
}

/// Code, message and request id of a refused call, as the console shows them.
macro_rules! refused {
    ($call:expr) => {{
        let error = $call.send().await.unwrap_err();
        let id = aws_types::request_id::RequestId::request_id(&error).map(str::to_owned);
        (error.code().map(str::to_owned), error.message().map(str::to_owned), id)
    }};
}

use {client, refused};

/// Fails instead of hanging.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("it took more than 20 s")
}
