//! What a command works with: AWS by two lanes, the clock, and what this machine remembers.

use std::sync::Arc;

use jiff::Timestamp;

use super::config::metrics::PrometheusTable;
use super::config::{Config, Origin, Sourced};
use super::exit::Failure;
use super::observe::{Limits, Observation, Observer};
use super::service_recorder::ServiceRecorder;
use crate::clock::{CLOCK_VARIABLE, Clock, ScaledClock, SystemClock};
use crate::cloud::aws;
use crate::cloud::aws::{Aws, Connect};
use crate::cloud::prometheus::Prometheus;
use crate::cloud::{Cloud, WithPrometheus};
use crate::domain::history::History;
use crate::domain::observe::requirements::Scope;
use crate::execute::audit;
use crate::execute::audit::history;

/// A connection to the environment that is looked at.
pub(super) struct Session {
    /// What was decided.
    pub config: Config,
    /// For questions: AWS, and Prometheus where the configuration has one.
    pub reader: Arc<dyn Cloud>,
    /// For writes, and for the questions about them.
    pub actor: Arc<Aws>,
    /// The region that is meant.
    pub region: String,
    /// AWS's clock.
    pub clock: Arc<dyn Clock>,
}

/// What a connection is made from. A profile or an endpoint out of an environment variable is left to the SDK,
/// which knows more of them than we do.
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

/// The clock that goes with the endpoint: a simulated AWS tells about its own by a variable.
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

/// `cloud`, with the configuration's Prometheus for what that counts.
pub(super) fn counted(
    cloud: Arc<dyn Cloud>,
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Cloud>, Failure> {
    let Some(PrometheusTable { url, bearer_token_file }) = config.environment.prometheus.value.clone() else {
        return Ok(cloud);
    };
    // Its minutes are held against AWS's, so it is asked by the same clock.
    let prometheus = Prometheus::new(url.0, bearer_token_file, clock)?;
    Ok(Arc::new(WithPrometheus::new(cloud, Arc::new(prometheus))))
}

impl Session {
    /// Finds region and credentials; calls nobody yet.
    pub(super) async fn connect(config: Config) -> Result<Self, Failure> {
        let (options, clock) = (options(&config), clock()?);
        Self::with(config, &options, clock).await
    }

    /// The same with another way to AWS than the configuration's.
    pub(super) async fn with(config: Config, options: &Connect, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let lanes = aws::connect(options).await?;
        let reader = counted(Arc::new(lanes.poll), &config, Arc::clone(&clock))?;
        let reader = ServiceRecorder::around(reader, &config, Arc::clone(&clock));
        Ok(Self { config, reader, actor: Arc::new(lanes.act), region: lanes.region, clock })
    }

    /// Reads AWS once: what `scope` requires of the release called `name`, else of all of them.
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

    /// The time on AWS's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
