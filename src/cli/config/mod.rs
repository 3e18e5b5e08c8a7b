//! The operator's settings: flags over environment variables over the file over defaults, merged in one place, each
//! value with its origin.

mod environment;
pub(super) mod file;
pub(super) mod metrics;
mod salvage;
mod show;
#[cfg(test)]
mod tests;
pub(super) mod thresholds;
pub(super) mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::cloud::aws::budget;
use crate::console::view::Background;
use crate::domain::metrics::Percentile;
use crate::domain::metrics::source::{CustomMetrics, Source};
use crate::domain::settings::{ServiceSettings, Settings};

pub(super) use self::environment::Environment;
use self::environment::environment;
pub(super) use self::file::{ConfigError, File};
pub(super) use self::salvage::load_what_is_right;
use self::thresholds::ThresholdsTable;

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A flag.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// The configuration file.
    File,
    /// The built-in default.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(variable) => f.write_str(variable),
            Self::File => f.write_str("file"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The origin of the value.
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// Returns the value of the first layer that has one, else the default.
    fn first(layers: impl IntoIterator<Item = (Origin, Option<T>)>, default: T) -> Self {
        layers
            .into_iter()
            .find_map(|(origin, value)| value.map(|value| Self { value, origin }))
            .unwrap_or(Self { value: default, origin: Origin::Default })
    }

    /// Returns the value of the file, else the default.
    fn file(value: Option<T>, default: T) -> Self {
        Self::first([(Origin::File, value)], default)
    }
}

/// The options of the command line.
#[derive(Debug, Clone, Default)]
pub(super) struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--environment`.
    pub environment: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--region`.
    pub region: Option<String>,
    /// Every `--cluster`.
    pub clusters: Vec<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
    /// `--read-only`.
    pub read_only: bool,
    /// `--ascii`.
    pub ascii: bool,
}

/// The merged configuration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Config {
    /// The file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// The environment in use.
    pub environment: Environment,
    /// The names of all environments in the file.
    pub environments: Vec<String>,
    /// The settings of planner and verdict; `protected` and `read_only` are the environment's.
    pub settings: Settings,
    /// Draw with ASCII characters only.
    pub ascii: Sourced<bool>,
    /// The latency percentile that is drawn first.
    pub percentile: Sourced<Percentile>,
    /// The background that the colours are for.
    pub theme: Sourced<Background>,
    /// The share of each AWS request quota that steady polling may spend, percent.
    pub steady_share: Sourced<f64>,
    /// The origin of each setting, by its key.
    origins: Vec<(&'static str, Origin)>,
    /// The wrong parts of the file that are left out, in words. Empty unless the caller allows wrong parts.
    pub ignored: Vec<String>,
    /// The thresholds of the file, for all services and by service.
    lines: (ThresholdsTable, BTreeMap<String, ThresholdsTable>),
}

/// The lookup of environment variables, so that tests need not touch the process.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Returns a variable of the process; an empty variable counts as not set.
pub(super) fn process_variables(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads the file and merges all layers.
pub(super) fn load(flags: &Flags, variables: Variables<'_>) -> Result<Config, ConfigError> {
    let (path, named) = path(flags, variables);
    let file = match &path {
        Some(path) => File::load(path, named)?,
        None => None,
    };
    let path = path.filter(|_| file.is_some());
    merge(flags, variables, &file.unwrap_or_default(), path.as_deref())
}

/// Returns the path of the file, and true if a flag or a variable names the path.
fn path(flags: &Flags, variables: Variables<'_>) -> (Option<PathBuf>, bool) {
    match flags.config.clone().or_else(|| variables("TIDEGATE_CONFIG").map(PathBuf::from)) {
        Some(path) => (Some(path), true),
        None => (default_path(), false),
    }
}

/// Returns the settings of a demo: nothing from this machine's accounts, and no file unless `--config` names one.
pub(super) fn demo(flags: &Flags) -> Result<Config, ConfigError> {
    let named = match &flags.config {
        Some(path) => File::load(path, true)?,
        None => None,
    };
    let file = File { environments: Vec::new(), ..named.unwrap_or_default() };
    let here = Flags { read_only: flags.read_only, ascii: flags.ascii, ..Flags::default() };
    let mut config = merge(&here, &|_| None, &file, flags.config.as_deref())?;
    "demo".clone_into(&mut config.environment.name.value);
    Ok(config)
}

/// Returns `tidegate/config.toml` in the user's configuration directory.
pub(super) fn default_path() -> Option<PathBuf> {
    etcetera::choose_base_strategy().ok().map(|base| base.config_dir().join("tidegate").join("config.toml"))
}

fn merge(flags: &Flags, variables: Variables<'_>, file: &File, path: Option<&Path>) -> Result<Config, ConfigError> {
    let environment = environment(flags, variables, file)?;
    let defaults = Settings::default();
    let thresholds = file.thresholds.over(&defaults.thresholds);
    let ladder = Sourced::file(file.ladder.clone(), defaults.ladder);
    let bake = Sourced::file(file.bake.map(|span| span.0), defaults.bake);
    let finish_watch = Sourced::file(file.finish_watch.map(|span| span.0), defaults.finish_watch);
    let patience = Sourced::file(file.patience.map(|span| span.0), defaults.patience);
    let propagation = Sourced::file(file.propagation.map(|span| span.0), defaults.propagation);
    let rollback_within = Sourced::file(file.rollback_within.map(|span| span.0), defaults.rollback_within);
    let rollback_confirm = Sourced::file(file.rollback_confirm, defaults.rollback_confirm);
    let automatic = file.automatic.over(&defaults.automatic);
    let origin = |said: bool| if said { Origin::File } else { Origin::Default };
    let services: BTreeMap<_, _> =
        file.services.iter().map(|(name, table)| (name.clone(), table.settings(&thresholds))).collect();
    counted(&services, &environment, path)?;
    let origins = vec![
        ("ladder", ladder.origin),
        ("bake", bake.origin),
        ("finish_watch", finish_watch.origin),
        ("patience", patience.origin),
        ("propagation", propagation.origin),
        ("rollback_within", rollback_within.origin),
        ("rollback_confirm", rollback_confirm.origin),
        ("automatic.countdown", origin(file.automatic.countdown.is_some())),
        ("automatic.rollback_after", origin(file.automatic.rollback_after.is_some())),
    ];
    Ok(Config {
        file: path.map(Path::to_owned),
        settings: Settings {
            read_only: environment.read_only.value,
            protected: environment.protected.value,
            rollback_confirm: rollback_confirm.value,
            ladder: ladder.value,
            bake: bake.value,
            finish_watch: finish_watch.value,
            propagation: propagation.value,
            rollback_within: rollback_within.value,
            patience: patience.value,
            thresholds,
            automatic,
            services,
        },
        environment,
        environments: file.environments.iter().map(|environment| environment.name.clone()).collect(),
        ascii: ascii(flags, variables, file)?,
        percentile: Sourced::file(file.ui.percentile, Percentile::default()),
        theme: Sourced::file(file.ui.theme, Background::default()),
        steady_share: Sourced::file(file.budget.steady.map(|share| share.0), budget::STEADY_PERCENT),
        origins,
        ignored: Vec::new(),
        lines: (
            file.thresholds.clone(),
            file.services.iter().map(|(name, table)| (name.clone(), table.thresholds.clone())).collect(),
        ),
    })
}

fn ascii(flags: &Flags, variables: Variables<'_>, file: &File) -> Result<Sourced<bool>, ConfigError> {
    let layers = [
        (Origin::Flag("--ascii"), flags.ascii.then_some(true)),
        (Origin::Variable("TIDEGATE_ASCII"), switch(variables, "TIDEGATE_ASCII")?),
        (Origin::File, file.ui.ascii),
    ];
    Ok(Sourced::first(layers, false))
}

/// Refuses metrics that Prometheus counts if the environment has no Prometheus.
fn counted(
    services: &BTreeMap<String, ServiceSettings>,
    environment: &Environment,
    path: Option<&Path>,
) -> Result<(), ConfigError> {
    let prometheus = |own: &CustomMetrics| matches!(own.source, Source::Prometheus(_));
    let lost = services.iter().find(|(_, service)| service.own.as_ref().is_some_and(prometheus));
    match lost.filter(|_| environment.prometheus.value.is_none()) {
        Some((service, _)) => Err(ConfigError::NoPrometheus {
            service: service.clone(),
            here: path.map(|path| format!(" in {}", path.display())).unwrap_or_default(),
        }),
        None => Ok(()),
    }
}

fn switch(variables: Variables<'_>, name: &'static str) -> Result<Option<bool>, ConfigError> {
    match variables(name).map(|value| (value.to_ascii_lowercase(), value)) {
        None => Ok(None),
        Some((lower, _)) if ["1", "true", "yes"].contains(&lower.as_str()) => Ok(Some(true)),
        Some((lower, _)) if ["0", "false", "no"].contains(&lower.as_str()) => Ok(Some(false)),
        Some((_, value)) => Err(ConfigError::Variable { variable: name, value, takes: "1 or 0" }),
    }
}
