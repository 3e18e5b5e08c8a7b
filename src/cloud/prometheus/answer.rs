//! What Prometheus answers: one number for each time, or in its own words why not.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{failed, short};
use crate::domain::metrics::{Member, Trouble, TroubleKind};
use crate::domain::text::clean;

/// An expression's values by the time that it was evaluated at, Unix seconds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Points {
    pub(super) values: Vec<(i64, f64)>,
    warning: Option<String>,
}

impl Points {
    /// What Prometheus warns of: that a part of its own sources did not answer, mostly.
    pub(super) fn warning(&self, member: Member) -> Option<Trouble> {
        let message = self.warning.clone()?;
        Some(Trouble { metric: member.to_string(), kind: TroubleKind::Partial, message })
    }
}

/// The envelope of every answer.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    status: Status,
    data: Option<Data>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Success,
    Error,
}

#[derive(Debug, Deserialize)]
struct Data {
    result: Vec<Row>,
}

/// One series of the result.
#[derive(Debug, Deserialize)]
struct Row {
    #[serde(default)]
    values: Vec<(f64, String)>,
    /// A native histogram instead of numbers.
    histograms: Option<IgnoredAny>,
}

/// What an envelope says.
#[derive(Debug)]
pub(super) enum Said {
    /// The values, or what is wrong with the expression.
    Answer(Result<Points, Trouble>),
    /// Something is wrong with Prometheus: its sort of error, its message.
    Failure(String, String),
}

impl Envelope {
    pub(super) fn said(self, member: Member) -> Said {
        match (self.status, self.data) {
            (Status::Success, Some(data)) => Said::Answer(points(data, self.warnings, member)),
            (Status::Success, None) => Said::Failure("no data".to_owned(), "a success without data".to_owned()),
            (Status::Error, _) => {
                let sort = short(&clean(&self.error_type.unwrap_or_default()));
                let message = short(&clean(&self.error.unwrap_or_else(|| "no message".to_owned())));
                match sort.as_str() {
                    // Parse errors, and what went wrong with this expression alone: too many samples, too slow.
                    "bad_data" | "execution" | "timeout" | "canceled" => {
                        Said::Answer(Err(failed(member, format!("{message} ({sort})"))))
                    }
                    _ => Said::Failure(sort, message),
                }
            }
        }
    }
}

fn points(data: Data, warnings: Vec<String>, member: Member) -> Result<Points, Trouble> {
    let mut rows = data.result;
    // To pick one, or to add them up, would be a guess about what was meant.
    if rows.len() > 1 {
        return Err(failed(member, format!("gives {} series, not one; wrap it in sum(…)", rows.len())));
    }
    let row = rows.pop();
    if row.as_ref().is_some_and(|row| row.histograms.is_some()) {
        return Err(failed(member, "gives histograms, not numbers; wrap it in histogram_quantile(…)".to_owned()));
    }
    let mut values = Vec::new();
    for (at, value) in row.into_iter().flat_map(|row| row.values) {
        let Ok(value) = value.parse() else {
            return Err(failed(member, format!("gives {:?}, which is no number", clean(&value))));
        };
        // Evaluations are at whole seconds, for that is when they were asked for.
        #[allow(clippy::cast_possible_truncation)]
        values.push((at.round() as i64, value));
    }
    // Versions before 2.54 put remarks about style among their warnings.
    let mut warnings = warnings.iter().filter(|warning| !warning.starts_with("PromQL info"));
    Ok(Points { values, warning: warnings.next().map(|warning| short(&clean(warning))) })
}
