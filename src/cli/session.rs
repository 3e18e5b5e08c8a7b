//! The session of a command: AWS over two lanes, the clock, and this machine's records.

use std::sync::Arc;

use jiff::Timestamp;

use super::config::metrics::PrometheusTable;
use super::config::{Config, Origin, Sourced};
use super::exit::Failure;
use super::observe::{Limits, Observation, Observer};
use super::service_recorder::ServiceRecorder;
use crate::clock::{CLOCK_VARIABLE, Clock, ScaledClock, SystemClock};
use crate::cloud::aws;
use crate::cloud::aws::{Aws, Budget, Connect};
use crate::cloud::prometheus::Prometheus;
use crate::cloud::{Cloud, WithPrometheus};
use crate::domain::history::History;
use crate::domain::observe::requirements::Scope;
use crate::execute::audit;
use crate::execute::audit::history;

/// A connection to the environment in use.
pub(super) struct Session {
    /// The configuration.
    pub config: Config,
    /// The reader: AWS, and Prometheus if the configuration has one.
    pub reader: Arc<dyn Cloud>,
    /// The client for writes, and for the reads about these writes.
    pub actor: Arc<Aws>,
    /// The region in use.
    pub region: String,
    /// AWS's clock.
    pub clock: Arc<dyn Clock>,
}

/// Returns the options of the connection. A profile or an endpoint from an environment variable is left to the SDK,
/// which knows more about these variables than tidegate.
fn options(config: &Config) -> Connect {
    let ours = |sourced: &Sourced<Option<String>>| {
        sourced.value.clone().filter(|_| !matches!(sourced.origin, Origin::Variable(_)))
    };
    Connect {
        profile: ours(&config.environment.profile),
        region: config.environment.region.value.clone(),
        endpoint_url: ours(&config.environment.endpoint_url),
        clusters: config.environment.clusters.value.clone(),
        ..Connect::default()
    }
}

/// Returns the clock of the endpoint: a simulated AWS describes its clock in a variable.
fn clock() -> Result<Arc<dyn Clock>, Failure> {
    match super::config::process_variables(CLOCK_VARIABLE) {
        Some(text) => {
            let clock: ScaledClock = text
                .parse()
                .map_err(|error: String| Failure::usage(error, "Unset it, or take what `tidegate sim` prints."))?;
            Ok(Arc::new(clock))
        }
        None => Ok(Arc::new(SystemClock::default())),
    }
}

/// Returns `cloud`, with the configuration's Prometheus for the metrics that Prometheus counts.
pub(super) fn counted(
    cloud: Arc<dyn Cloud>,
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Cloud>, Failure> {
    let Some(PrometheusTable { url, bearer_token_file }) = config.environment.prometheus.value.clone() else {
        return Ok(cloud);
    };
    // Prometheus's minutes are compared with AWS's, so both are queried by the same clock.
    let prometheus = Prometheus::new(url.0, bearer_token_file, clock)?;
    Ok(Arc::new(WithPrometheus::new(cloud, Arc::new(prometheus))))
}

impl Session {
    /// Finds region and credentials for one look; sends no call yet.
    pub(super) async fn connect(config: Config) -> Result<Self, Failure> {
        let (options, clock) = (Connect { once: true, ..options(&config) }, clock()?);
        Self::with(config, options, clock).await
    }

    /// Finds region and credentials to look again and again; sends no call yet.
    pub(super) async fn watching(config: Config) -> Result<Self, Failure> {
        let (options, clock) = (options(&config), clock()?);
        Self::with(config, options, clock).await
    }

    /// Connects with other options than the configuration's.
    pub(super) async fn with(config: Config, mut options: Connect, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        options.budget = Budget::new(config.steady_share.value / 100.0, Arc::clone(&clock));
        let lanes = aws::connect(&options).await?;
        let reader = counted(Arc::new(lanes.poll), &config, Arc::clone(&clock))?;
        let reader = ServiceRecorder::around(reader, &config, Arc::clone(&clock));
        Ok(Self { config, reader, actor: Arc::new(lanes.act), region: lanes.region, clock })
    }

    /// Reads AWS once: everything that `scope` requires for the release called `name`, else for all releases.
    pub(super) async fn observe(&self, scope: Scope, name: Option<&str>) -> Result<Observation, Failure> {
        let observer = Observer {
            cloud: &*self.reader,
            config: &self.config,
            region: &self.region,
            clock: &*self.clock,
            limits: Limits::default(),
        };
        let recall = |place: &crate::domain::ecs::names::Location| match audit::default_path() {
            Ok(path) => history::recall(&path, place, self.now()),
            Err(_) => History::default(),
        };
        observer.observe(scope, name, recall).await
    }

    /// Returns the time on AWS's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
