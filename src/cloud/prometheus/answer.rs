//! Responses of Prometheus: one value for each evaluation time, or an error in its own words.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{failed, short};
use crate::domain::metrics::{Member, Trouble, TroubleKind};
use crate::domain::text::clean;

/// An expression's values by evaluation time, in Unix seconds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Points {
    pub(super) values: Vec<(i64, f64)>,
    warning: Option<String>,
}

impl Points {
    /// A trouble made of Prometheus' warning: usually a part of its own sources did not respond.
    pub(super) fn warning(&self, member: Member) -> Option<Trouble> {
        let message = self.warning.clone()?;
        Some(Trouble { metric: member.to_string(), kind: TroubleKind::Partial, message })
    }
}

/// The envelope of every response.
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
    /// Native histograms instead of numbers.
    histograms: Option<IgnoredAny>,
}

/// The content of an envelope.
#[derive(Debug)]
pub(super) enum Said {
    /// The values, or an error in the expression.
    Answer(Result<Points, Trouble>),
    /// A failure of Prometheus: error type and message.
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
                    // Parse errors, and failures of this expression alone: too many samples, too slow.
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
    // Picking one series, or adding them up, would be a guess at the intent.
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
        // The query requests evaluations at whole seconds.
        #[allow(clippy::cast_possible_truncation)]
        values.push((at.round() as i64, value));
    }
    // Versions before 2.54 report remarks about style as warnings.
    let mut warnings = warnings.iter().filter(|warning| !warning.starts_with("PromQL info"));
    Ok(Points { values, warning: warnings.next().map(|warning| short(&clean(warning))) })
}
