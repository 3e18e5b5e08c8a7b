//! The log, for when something is odd: off unless `TIDEGATE_LOG` asks for it.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use super::config::ConfigError;
use super::exit::{Failure, internal};
use crate::execute::audit;

const VARIABLE: &str = "TIDEGATE_LOG";

/// Starts the log where `TIDEGATE_LOG` says how much of it: `error`, `warn`, `info`, `debug` or `trace`. The file is
/// `tidegate.log` beside the audit, readable by its owner alone.
pub(crate) fn start() -> Result<Option<PathBuf>, Failure> {
    let Some(value) = super::config::process_variables(VARIABLE) else { return Ok(None) };
    let level: LevelFilter = value.parse().map_err(|_| {
        let takes = "off, error, warn, info, debug or trace";
        Failure::from(ConfigError::Variable { variable: VARIABLE, value: value.clone(), takes })
    })?;
    let cannot = |error: &dyn std::fmt::Display| internal("cannot write the log", error);
    let path = audit::default_path().map_err(|error| cannot(&error))?.with_file_name("tidegate.log");
    if let Some(dir) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| cannot(&error))?;
    }
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(|error| cannot(&error))?;
    // Of the SDK only what went wrong: its details may hold what must not be written down.
    let ours = Targets::new().with_default(LevelFilter::WARN.min(level)).with_target("tidegate", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_writer(Mutex::new(file));
    tracing_subscriber::registry().with(ours).with(lines).init();
    Ok(Some(path))
}
