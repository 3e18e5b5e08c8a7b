//! The configuration file: its structure, and reading it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::metrics::{Metrics, PrometheusTable};
use super::thresholds::ThresholdsTable;
use super::values::{QuotaShare, Span, Wait};
use crate::console::view::Background;
use crate::domain::metrics::Percentile;
use crate::domain::release::ladder::Ladder;
use crate::domain::settings::{Automatic, RollbackConfirm, ServiceSettings, Thresholds};
use crate::files;

/// Maximum bytes of the file; a typical configuration has a few thousand.
const LARGEST: u64 = 1 << 20;

/// A configuration file. Every member is optional; an unknown member is an error.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The steps, percent.
    pub ladder: Option<Ladder>,
    /// Bake time of a step before the next step.
    pub bake: Option<Wait>,
    /// Watch time after a finished release, before the canary is taken down.
    pub finish_watch: Option<Wait>,
    /// Maximum time for which a plan waits for tasks.
    pub patience: Option<Span>,
    /// Maximum time in which a load balancer applies a write.
    pub propagation: Option<Wait>,
    /// Time after the end of a release within which a rollback needs no named revision.
    pub rollback_within: Option<Span>,
    /// The cases in which a rollback asks for confirmation.
    pub rollback_confirm: Option<RollbackConfirm>,
    /// `[thresholds]`.
    #[serde(default)]
    pub thresholds: ThresholdsTable,
    /// `[automatic]`.
    #[serde(default)]
    pub automatic: AutomaticTable,
    /// `[prometheus]`.
    pub prometheus: Option<PrometheusTable>,
    /// `[budget]`.
    #[serde(default)]
    pub budget: BudgetTable,
    /// `[ui]`.
    #[serde(default)]
    pub ui: UiTable,
    /// `[services.NAME]`.
    #[serde(default)]
    pub services: BTreeMap<String, ServiceTable>,
    /// `[[environments]]`; the first one is the default.
    #[serde(default)]
    pub environments: Vec<EnvironmentTable>,
}

/// `[automatic]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutomaticTable {
    /// Time before each automatic act in which a key can stop it.
    pub countdown: Option<Span>,
    /// Duration of a FAIL after which the release is rolled back automatically.
    pub rollback_after: Option<Span>,
}

impl AutomaticTable {
    /// The settings of this table over those of `base`.
    pub(crate) fn over(&self, base: &Automatic) -> Automatic {
        Automatic {
            countdown: self.countdown.map_or(base.countdown, |span| span.0),
            rollback_after: self.rollback_after.map(|span| span.0).or(base.rollback_after),
        }
    }
}

/// `[budget]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BudgetTable {
    /// The share of each AWS request quota that steady polling may spend, percent.
    pub steady: Option<QuotaShare>,
}

/// `[ui]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct UiTable {
    /// Draw with ASCII characters only.
    pub ascii: Option<bool>,
    /// The latency percentile that is drawn first.
    pub percentile: Option<Percentile>,
    /// The background that the colours are for.
    pub theme: Option<Background>,
}

/// `[services.NAME]`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceTable {
    /// Steps of this service, percent.
    pub ladder: Option<Ladder>,
    /// Bake time of this service.
    pub bake: Option<Wait>,
    /// The stable service of the pair.
    pub stable: Option<String>,
    /// The canary service of the pair.
    pub canary: Option<String>,
    /// Listener rules that carry production traffic, or, after a `!`, rules that do not.
    pub rules: Option<Vec<String>>,
    /// For a BLUE_GREEN service that pauses before its production shift: lets the console write the rule's weights
    /// during the pause.
    pub native_weighted: Option<bool>,
    /// Names of alarms that fail the canary of this service.
    pub alarms: Option<Vec<String>>,
    /// Duration of a FAIL of this service after which it is rolled back automatically.
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
    /// The environment's name, as operators use it.
    pub name: String,
    /// The AWS profile.
    pub profile: Option<String>,
    /// The AWS region.
    pub region: Option<String>,
    /// Names or ARNs of the clusters.
    pub clusters: Option<Vec<String>>,
    /// True if forward acts ask for the release's name.
    pub protected: Option<bool>,
    /// True if nothing may be written.
    pub read_only: Option<bool>,
    /// An endpoint other than AWS's.
    pub endpoint_url: Option<String>,
    /// `[environments.prometheus]`, which replaces `[prometheus]`.
    pub prometheus: Option<PrometheusTable>,
}

impl ServiceTable {
    /// The settings of this table. `thresholds` supplies every threshold that the table does not set.
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

/// An error in the configuration, with its place and the correct form.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A file named by the operator cannot be read.
    #[error("cannot read the configuration {path}: {error}", path = path.display())]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// The system's error.
        error: std::io::Error,
    },
    /// The text is not a valid configuration.
    #[error("{path}: {error}", path = path.display())]
    Wrong {
        /// The file's path.
        path: PathBuf,
        /// Line, column, the text of the line, and the valid keys.
        error: Box<toml::de::Error>,
    },
    /// Two environments have the same name.
    #[error("{path}: two environments are called {name:?}; each name must be its own", path = path.display())]
    Twice {
        /// The file's path.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// A service's metrics come from Prometheus, but no Prometheus is configured.
    #[error(
        "services.{service}.metrics has source = \"prometheus\", but no Prometheus is named{here}: add a table \
             [prometheus] with url = \"http://127.0.0.1:9090\", or wherever it is"
    )]
    NoPrometheus {
        /// The service's name.
        service: String,
        /// The place where Prometheus is missing, in words.
        here: String,
    },
    /// No environment has this name.
    #[error("there is no environment called {name:?}; {known}")]
    NoEnvironment {
        /// The name that the operator gave.
        name: String,
        /// The existing names, in words.
        known: String,
    },
    /// An environment variable has an invalid value.
    #[error("{variable} is {value:?}; it takes {takes}")]
    Variable {
        /// The variable's name.
        variable: &'static str,
        /// The variable's value.
        value: String,
        /// The valid values, in words.
        takes: &'static str,
    },
}

impl File {
    /// Parses a file's text. `path` appears in error messages.
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

    /// Reads the file at `path`. A missing file counts as empty, unless the operator `named` it.
    pub(crate) fn load(path: &Path, named: bool) -> Result<Option<Self>, ConfigError> {
        Self::text(path, named)?.map(|text| Self::parse(&text, path)).transpose()
    }

    /// Reads the text of the file; `None` if it is missing and the operator did not name it.
    pub(super) fn text(path: &Path, named: bool) -> Result<Option<String>, ConfigError> {
        match files::read_text(path, LARGEST) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => Ok(None),
            Err(error) => Err(ConfigError::Unreadable { path: path.to_owned(), error }),
        }
    }
}
