//! Region, credentials, timeouts, retries: how this account is reached.

use std::time::Duration;

use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder as HttpBuilder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_types::retry::ErrorKind;

use crate::domain::fault::{Fault, FaultKind};

use super::bounded::Bounded;
use super::settings;
use super::settings::{Chosen, variable};

/// What decides which account and region are looked at. Whatever is left out comes from the AWS variables and
/// files, as it does for every other AWS tool.
#[derive(Debug, Clone, Default)]
pub struct Connect {
    /// `--profile`, which goes before keys in the environment; else `AWS_PROFILE`, which comes after them.
    pub profile: Option<String>,
    /// `--region`; else `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's, this instance's.
    pub region: Option<String>,
    /// `--endpoint-url`, for every service; else `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`.
    pub endpoint_url: Option<String>,
    /// Names or ARNs; empty: every cluster there is.
    pub clusters: Vec<String>,
    /// Access key and secret of an endpoint that has no real ones: the embedded AWS.
    pub keys: Option<(String, String)>,
    /// How much is asked for.
    pub limits: Limits,
}

impl Connect {
    pub(super) fn chosen(&self) -> Chosen<'_> {
        Chosen {
            endpoint_url: self.endpoint_url.as_deref(),
            profile: self.profile.as_deref(),
            has_keys: self.keys.is_some(),
        }
    }
}

/// Bounds on what one question costs.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls under way at once for one question.
    pub concurrency: usize,
    /// Tasks of a service that are described, running and stopped each.
    pub tasks: usize,
    /// Deployments of a service that are looked back on.
    pub deployments: usize,
    /// Revisions of a family that are listed.
    pub family: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 8, tasks: 500, deployments: 100, family: 50 }
    }
}

/// What a client is for. Each has connections, timeouts and retries of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPool {
    /// Reading, over and over.
    Poll,
    /// Writing, and the read right before it: never queued behind a poll.
    Act,
}

/// The clients of one lane.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

/// What the environment and the files say, for both lanes. Asks for no credentials yet.
pub(super) async fn configure(options: &Connect) -> Result<(SdkConfig, String), Fault> {
    let region = region(options).await.ok_or_else(|| no_region(options))?;
    let region = settings::check_region(region)?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        // Each pool has its own; the SDK would look into variables for it, and panic on some.
        .retry_config(RetryConfig::standard())
        .region(Region::new(region.clone()))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(profile) = &options.profile {
        // A profile that was asked for by name is meant, whatever keys are in the environment: by itself the SDK
        // would take those first, and act on another account.
        let provider = ProviderConfig::without_region().with_region(Some(Region::new(region.clone())));
        let credentials = ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(credentials);
    } else if variable("AWS_PROFILE").is_none() {
        // An empty AWS_PROFILE is not set.
        loader = loader.profile_name("default");
    }
    if let Some(url) = &options.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    if let Some((id, secret)) = &options.keys {
        loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "tidegate"));
    }
    Ok((loader.load().await, region))
}

/// The first that is set. The instance's own metadata comes last and gets little time: where there is none,
/// nothing answers.
async fn region(options: &Connect) -> Option<String> {
    if let Some(region) = options.region.clone().filter(|region| !region.is_empty()) {
        return Some(region);
    }
    let mut profile = ProfileFileRegionProvider::builder();
    if let Some(name) = &options.profile {
        profile = profile.profile_name(name);
    }
    if let Some(region) = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")) {
        return Some(region);
    }
    if let Some(region) = profile.build().region().await.filter(|region| !region.as_ref().is_empty()) {
        return Some(region.to_string());
    }
    let instance = ImdsRegionProvider::builder().build();
    tokio::time::timeout(METADATA_WAIT, instance.region()).await.ok().flatten().map(|region| region.to_string())
}

const METADATA_WAIT: Duration = Duration::from_millis(700);

fn no_region(options: &Connect) -> Fault {
    let profile = options.profile.clone().or_else(|| variable("AWS_PROFILE"));
    let whose = profile.map_or_else(|| "the default profile".to_owned(), |profile| format!("profile {profile}"));
    let message = format!("no region is set: not by --region, AWS_REGION, AWS_DEFAULT_REGION nor {whose}");
    Fault::new(FaultKind::NoRegion, "connect", "AWS", message)
}

/// Where each service is asked; `None`: where AWS has it.
pub(super) struct Endpoints {
    ecs: Option<String>,
    elbv2: Option<String>,
    cloudwatch: Option<String>,
    logs: Option<String>,
    sts: Option<String>,
}

impl Endpoints {
    /// As flags, variables and files have it; an error where that is no address.
    pub(super) fn of(config: &SdkConfig, files: Option<&ProfileSet>) -> Result<Self, Fault> {
        let of = |service| settings::endpoint(config, files, service);
        Ok(Self {
            ecs: of("ECS")?,
            elbv2: of("Elastic Load Balancing v2")?,
            cloudwatch: of("CloudWatch")?,
            logs: of("CloudWatch Logs")?,
            sts: of("STS")?,
        })
    }
}

impl Clients {
    pub(super) fn new(config: &SdkConfig, endpoints: &Endpoints, lane: ClientPool) -> Self {
        let config = config
            .to_builder()
            .http_client(Bounded(http_client(lane)))
            .timeout_config(timeouts(lane))
            .retry_config(retries(lane))
            .build();
        // The retry budget is shared by all clients of a partition: polls that were throttled must not use up
        // what a rollback needs.
        macro_rules! client {
            ($sdk:ident, $endpoint:ident) => {{
                let mut builder = $sdk::config::Builder::from(&config);
                builder.set_endpoint_url(endpoints.$endpoint.clone());
                if lane == ClientPool::Act {
                    builder = builder
                        .retry_partition($sdk::config::retry::RetryPartition::new("tidegate-act"))
                        .retry_classifier(OnlyWhatWasNotApplied);
                }
                $sdk::Client::from_conf(builder.build())
            }};
        }
        Self {
            ecs: client!(aws_sdk_ecs, ecs),
            elbv2: client!(aws_sdk_elasticloadbalancingv2, elbv2),
            cloudwatch: client!(aws_sdk_cloudwatch, cloudwatch),
            logs: client!(aws_sdk_cloudwatchlogs, logs),
            sts: client!(aws_sdk_sts, sts),
        }
    }
}

/// A connection pool for one lane.
fn http_client(lane: ClientPool) -> SharedHttpClient {
    let idle = match lane {
        ClientPool::Poll => Duration::from_secs(60),
        // A connection that a NAT gateway or a sleeping laptop has silently lost would cost an acting call its
        // whole timeout, so old ones are not used again.
        ClientPool::Act => Duration::from_secs(15),
    };
    HttpBuilder::new().pool_idle_timeout(idle).build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    })
}

/// The SDK waits for ever unless it is told otherwise.
fn timeouts(lane: ClientPool) -> TimeoutConfig {
    let seconds = Duration::from_secs_f64;
    let (connect, read, attempt, operation) = match lane {
        ClientPool::Poll => (3.1, 5.0, 6.0, 15.0),
        ClientPool::Act => (3.0, 10.0, 10.0, 30.0),
    };
    TimeoutConfig::builder()
        .connect_timeout(seconds(connect))
        .read_timeout(seconds(read))
        .operation_attempt_timeout(seconds(attempt))
        .operation_timeout(seconds(operation))
        .build()
}

/// Standard mode in both lanes; adaptive mode would hold calls back on the client's side.
fn retries(lane: ClientPool) -> RetryConfig {
    match lane {
        ClientPool::Poll => RetryConfig::standard().with_max_attempts(2),
        ClientPool::Act => {
            RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(250))
        }
    }
}

/// In the acting lane nothing is sent again that may have been applied: after a timeout, a lost connection or a
/// 5xx the outcome is unknown, and whoever acts reads back first. A throttled call was turned away at the door;
/// that alone is repeated.
#[derive(Debug)]
struct OnlyWhatWasNotApplied;

impl ClassifyRetry for OnlyWhatWasNotApplied {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::RetryForbidden
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind: ErrorKind::ThrottlingError, .. }) => {
                RetryAction::NoActionIndicated
            }
            _ => RetryAction::RetryForbidden,
        }
    }

    fn name(&self) -> &'static str {
        "only what was not applied"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}
