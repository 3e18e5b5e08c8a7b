//! Region, credentials, timeouts and retries of the connection to an AWS account.

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
use super::budget::Budget;
use super::settings;
use super::settings::{Chosen, variable};

/// The choice of account and region. A missing value comes from the AWS variables and files, as with every other AWS
/// tool.
#[derive(Debug, Clone, Default)]
pub struct Connect {
    /// `--profile`, which takes precedence over keys in the environment; else `AWS_PROFILE`, which does not.
    pub profile: Option<String>,
    /// `--region`; else `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile's region, this instance's region.
    pub region: Option<String>,
    /// `--endpoint-url`, for every service; else `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`.
    pub endpoint_url: Option<String>,
    /// Cluster names or ARNs; empty: every cluster.
    pub clusters: Vec<String>,
    /// Access key and secret of an endpoint without real credentials: the embedded AWS.
    pub keys: Option<(String, String)>,
    /// Bounds on the size of queries.
    pub limits: Limits,
    /// The requests that may be sent.
    pub budget: Budget,
    /// True for a command that ends after one look: it may spend more of the budget than steady polling.
    pub once: bool,
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

/// Bounds on the cost of one query.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Concurrent calls of one query.
    pub concurrency: usize,
    /// Tasks of a service that are described: at most this number running, and as many stopped.
    pub tasks: usize,
    /// Past deployments of a service that are read.
    pub deployments: usize,
    /// Revisions of a task definition family that are listed.
    pub family: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { concurrency: 8, tasks: 500, deployments: 100, family: 50 }
    }
}

/// The purpose of a client. Each pool has its own connections, timeouts and retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientPool {
    /// Repeated reads.
    Poll,
    /// Writes, and the read right before a write: never queued behind a poll.
    Act,
}

/// The clients of one pool.
#[derive(Debug, Clone)]
pub(super) struct Clients {
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) scaling: aws_sdk_applicationautoscaling::Client,
}

/// Loads the settings of environment and files for both pools. Does not fetch credentials yet.
pub(super) async fn configure(options: &Connect) -> Result<(SdkConfig, String), Fault> {
    let region = region(options).await.ok_or_else(|| no_region(options))?;
    let region = settings::check_region(region)?;
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        // Each pool has its own retries; the SDK would read them from variables, and panics on some values.
        .retry_config(RetryConfig::standard())
        .region(Region::new(region.clone()))
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(profile) = &options.profile {
        // A profile named by the operator takes precedence over keys in the environment. By default the SDK would take
        // the keys first, and act on another account.
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

/// Returns the first region that is set. The instance's metadata comes last and with a short timeout: outside EC2
/// nothing responds.
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

/// Endpoint of each service; `None`: AWS's default endpoint.
pub(super) struct Endpoints {
    ecs: Option<String>,
    elbv2: Option<String>,
    cloudwatch: Option<String>,
    logs: Option<String>,
    sts: Option<String>,
    scaling: Option<String>,
}

impl Endpoints {
    /// Reads the endpoints from flags, variables and files; returns a fault for an invalid URL.
    pub(super) fn of(config: &SdkConfig, files: Option<&ProfileSet>) -> Result<Self, Fault> {
        let of = |service| settings::endpoint(config, files, service);
        Ok(Self {
            ecs: of("ECS")?,
            elbv2: of("Elastic Load Balancing v2")?,
            cloudwatch: of("CloudWatch")?,
            logs: of("CloudWatch Logs")?,
            sts: of("STS")?,
            scaling: of("Application Auto Scaling")?,
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
        // The SDK shares the retry budget among all clients of a partition: throttled polls must not use up the budget
        // of a rollback.
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
            scaling: client!(aws_sdk_applicationautoscaling, scaling),
        }
    }
}

/// Builds the connection pool of one client pool.
fn http_client(lane: ClientPool) -> SharedHttpClient {
    let idle = match lane {
        ClientPool::Poll => Duration::from_secs(60),
        // A connection that a NAT gateway or a sleeping laptop has silently dropped would cost an acting call its whole
        // timeout, so old connections are not reused.
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

/// Timeouts of a pool. By default the SDK waits forever.
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

/// Retries of a pool. Both pools use standard mode; adaptive mode would delay calls on the client's side.
fn retries(lane: ClientPool) -> RetryConfig {
    match lane {
        ClientPool::Poll => RetryConfig::standard().with_max_attempts(2),
        ClientPool::Act => {
            RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(250))
        }
    }
}

/// Retry rule of the acting pool: no call that AWS may have applied is sent again. After a timeout, a lost connection
/// or a 5xx the outcome is unknown, and the caller reads the state back first. AWS has not applied a throttled call, so
/// only throttled calls are retried.
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
