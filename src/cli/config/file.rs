//! The configuration file: its shape, and how it is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::metrics::{Metrics, PrometheusTable};
use super::thresholds::ThresholdsTable;
use super::values::{Span, Wait};
use crate::domain::metrics::Percentile;
use crate::domain::release::ladder::Ladder;
use crate::domain::settings::{Automatic, RollbackConfirm, ServiceSettings, Thresholds};
use crate::files;

/// Bytes of a file, at the most: a configuration has some thousands.
const LARGEST: u64 = 1 << 20;

/// A configuration file. Every member may be left out; a name that is not one of these is an error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The steps, percent.
    pub ladder: Option<Ladder>,
    /// How long a step is watched before the next.
    pub bake: Option<Wait>,
    /// How long a finished release is watched before the canary is taken down.
    pub finish_watch: Option<Wait>,
    /// The longest that a plan waits for tasks.
    pub patience: Option<Span>,
    /// How long a load balancer may take to follow a write.
    pub propagation: Option<Wait>,
    /// For how long a release is rolled back without naming a revision.
    pub rollback_within: Option<Span>,
    /// When a rollback asks.
    pub rollback_confirm: Option<RollbackConfirm>,
    /// `[thresholds]`.
    #[serde(default)]
    pub thresholds: ThresholdsTable,
    /// `[automatic]`.
    #[serde(default)]
    pub automatic: AutomaticTable,
    /// `[prometheus]`.
    pub prometheus: Option<PrometheusTable>,
    /// `[ui]`.
    #[serde(default)]
    pub ui: UiTable,
    /// `[services.NAME]`.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceTable>,
    /// `[[environments]]`; the first is the one that is shown unless another is named.
    #[serde(default)]
    pub environments: Vec<EnvironmentTable>,
}

/// `[automatic]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutomaticTable {
    /// How long before each act a key can stop it.
    pub countdown: Option<Span>,
    /// For how long a FAIL lasts before it is rolled back.
    pub rollback_after: Option<Span>,
}

impl AutomaticTable {
    /// What it decides.
    pub(crate) fn over(&self, base: &Automatic) -> Automatic {
        Automatic {
            countdown: self.countdown.map_or(base.countdown, |span| span.0),
            rollback_after: self.rollback_after.map(|span| span.0).or(base.rollback_after),
        }
    }
}

/// `[ui]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UiTable {
    /// Draw with ASCII characters only.
    pub ascii: Option<bool>,
    /// Which latency is drawn first.
    pub percentile: Option<Percentile>,
}

/// `[services.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceTable {
    /// Its own steps, percent.
    pub ladder: Option<Ladder>,
    /// Its own bake time.
    pub bake: Option<Wait>,
    /// The stable service of the pair.
    pub stable: Option<String>,
    /// The canary service of the pair.
    pub canary: Option<String>,
    /// Its production rules, or after a `!` other rules.
    pub rules: Option<Vec<String>>,
    /// For a BLUE_GREEN service that pauses before its production shift: let the console write the rule's weights there.
    pub native_weighted: Option<bool>,
    /// Alarms that fail its canary, by name.
    pub alarms: Option<Vec<String>>,
    /// For how long a FAIL of it lasts before it is rolled back.
    pub rollback_after: Option<Span>,
    /// `[services.NAME.thresholds]`.
    #[serde(default)]
    pub thresholds: ThresholdsTable,
    /// `[services.NAME.metrics]`.
    pub metrics: Option<Metrics>,
}

/// `[[environments]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvironmentTable {
    /// What people call it.
    pub name: String,
    /// The AWS profile.
    pub profile: Option<String>,
    /// The AWS region.
    pub region: Option<String>,
    /// Names or ARNs of clusters.
    pub clusters: Option<Vec<String>>,
    /// Whether forward acts ask for the release's name.
    pub protected: Option<bool>,
    /// Whether nothing may be written.
    pub read_only: Option<bool>,
    /// Another endpoint than AWS's.
    pub endpoint_url: Option<String>,
    /// `[environments.prometheus]`, instead of `[prometheus]`.
    pub prometheus: Option<PrometheusTable>,
}

impl ServiceTable {
    /// What it decides, where `thresholds` are everybody's lines.
    pub(crate) fn settings(&self, thresholds: &Thresholds) -> ServiceSettings {
        ServiceSettings {
            ladder: self.ladder.clone(),
            bake: self.bake.map(|span| span.0),
            stable: self.stable.clone(),
            canary: self.canary.clone(),
            rules: self.rules.clone().unwrap_or_default(),
            native_weighted: self.native_weighted.unwrap_or(false),
            thresholds: self.thresholds.any().then(|| self.thresholds.over(thresholds)),
            alarms: self.alarms.clone().unwrap_or_default(),
            own: self.metrics.as_ref().map(|metrics| metrics.own.clone()),
            rollback_after: self.rollback_after.map(|span| span.0),
        }
    }
}

/// What is wrong with the configuration. Each says where, and what would be right.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file that was named cannot be read.
    #[error("cannot read the configuration {path}: {error}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// It is not what a configuration looks like.
    #[error("{path}: {error}", path = path.display())]
    Wrong {
        /// Which file.
        path: PathBuf,
        /// Line, column, the line itself and the keys that exist.
        error: Box<toml::de::Error>,
    },
    /// Two environments of one name.
    #[error("{path}: two environments are called {name:?}; each name must be its own", path = path.display())]
    Twice {
        /// Which file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A service's numbers are in a Prometheus that nobody named.
    #[error(
        "services.{service}.metrics has source = \"prometheus\", but no Prometheus is named{here}: add a table \
             [prometheus] with url = \"http://127.0.0.1:9090\", or wherever it is"
    )]
    NoPrometheus {
        /// The service's name.
        service: String,
        /// Where it is missing, in words.
        here: String,
    },
    /// No environment goes by this name.
    #[error("there is no environment called {name:?}; {known}")]
    NoEnvironment {
        /// The name that was asked for.
        name: String,
        /// Those that exist, in words.
        known: String,
    },
    /// An environment variable has a value that it cannot have.
    #[error("{variable} is {value:?}; it takes {takes}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it takes, in words.
        takes: &'static str,
    },
}

impl File {
    /// Reads a file's text; `path` is for the message.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file: Self = toml::from_str(text)
            .map_err(|error| ConfigError::Wrong { path: path.to_owned(), error: Box::new(error) })?;
        for (index, environment) in file.environments.iter().enumerate() {
            if file.environments.iter().take(index).any(|other| other.name == environment.name) {
                return Err(ConfigError::Twice { path: path.to_owned(), name: environment.name.clone() });
            }
        }
        Ok(file)
    }

    /// Reads the file at `path`. One that is not there is an empty one, unless it was `named` by somebody.
    pub(crate) fn load(path: &Path, named: bool) -> Result<Option<Self>, ConfigError> {
        Self::text(path, named)?.map(|text| Self::parse(&text, path)).transpose()
    }

    /// The text of that file.
    pub(super) fn text(path: &Path, named: bool) -> Result<Option<String>, ConfigError> {
        match files::read_text(path, LARGEST) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => Ok(None),
            Err(error) => Err(ConfigError::Unreadable { path: path.to_owned(), error }),
        }
    }
}
