//! The log, for when something is odd: off unless `TIDEGATE_LOG` asks for it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use super::config::ConfigError;
use super::exit::Failure;
use crate::domain::text::{clean, cut};
use crate::execute::audit;
use crate::files;

const VARIABLE: &str = "TIDEGATE_LOG";

/// Characters of a line, at the most: an error of AWS may have megabytes.
const LONGEST_LINE: usize = 16 << 10;

/// Starts the log where `TIDEGATE_LOG` says how much of it: `error`, `warn`, `info`, `debug` or `trace`. The file is
/// `tidegate.log` beside the audit, readable by its owner alone.
pub(crate) fn start() -> Result<Option<PathBuf>, Failure> {
    let Some(value) = super::config::process_variables(VARIABLE) else { return Ok(None) };
    let level: LevelFilter = value.parse().map_err(|_| {
        let takes = "off, error, warn, info, debug or trace";
        Failure::from(ConfigError::Variable { variable: VARIABLE, value: value.clone(), takes })
    })?;
    let cannot = |path: &str, error: &dyn std::fmt::Display| {
        let advice = "Set TIDEGATE_STATE_DIR to a directory of your own, or unset TIDEGATE_LOG.";
        Failure::usage(format!("the log {path}cannot be opened: {error}"), advice)
    };
    let path = audit::default_path().map_err(|error| cannot("", &error))?.with_file_name("tidegate.log");
    let file = files::append_own(&path).map_err(|error| cannot(&format!("{} ", path.display()), &error))?;
    // Of the SDK only what went wrong: its details may hold what must not be written down.
    let ours = Targets::new().with_default(LevelFilter::WARN.min(level)).with_target("tidegate", level);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        // A full disk is not to be told on the screen that the console draws on.
        .log_internal_errors(false)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_writer(Mutex::new(CleanLines(file)));
    tracing_subscriber::registry().with(ours).with(lines).init();
    Ok(Some(path))
}

/// A writer that gets each line whole, as the log's formatter writes it, and passes it on as one line of text: AWS's
/// messages can forge no line and move no cursor.
struct CleanLines<W>(W);

impl<W: Write> Write for CleanLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut line = cut(&clean(text.trim_end_matches('\n')), LONGEST_LINE).into_owned();
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_aws_is_one_line_of_text_within_the_limit() {
        let mut lines = CleanLines(Vec::new());
        lines.write_all("WARN denied \u{1b}[2J\0\nERROR forged\u{9b}31m\r\n".as_bytes()).unwrap();
        lines.write_all(&[&vec![b'x'; 4 << 20][..], b"\n"].concat()).unwrap();
        lines.write_all(b"\xff\xfe\n").unwrap();
        let text = String::from_utf8(lines.0).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0].trim_end(), "WARN denied ·[2J· ERROR forged·31m");
        assert!(lines[1].chars().count() <= LONGEST_LINE && lines[1].ends_with('…'), "{}", lines[1].len());
        assert_eq!((lines.len(), text.contains('\u{1b}')), (3, false));
    }
}
