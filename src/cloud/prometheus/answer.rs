//! Responses of Prometheus: values for each evaluation time, or an error in its own words.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Asked, failed, short};
use crate::domain::metrics::{Trouble, TroubleKind};
use crate::domain::text::clean;

/// An expression's values by evaluation time, in Unix seconds.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Points {
    pub(super) values: Vec<(i64, f64)>,
    /// The same of a histogram: pairs of `le` and the number of requests that took at most so long.
    pub(super) buckets: BTreeMap<i64, Vec<(f64, f64)>>,
    warning: Option<String>,
}

impl Points {
    /// A trouble made of Prometheus' warning: usually a part of its own sources did not respond.
    pub(super) fn warning(&self, asked: Asked) -> Option<Trouble> {
        let message = self.warning.clone()?;
        Some(Trouble { metric: asked.to_string(), kind: TroubleKind::Partial, message })
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
    metric: Labels,
    #[serde(default)]
    values: Vec<(f64, String)>,
    /// Native histograms instead of numbers.
    histograms: Option<IgnoredAny>,
}

/// The labels of a series.
#[derive(Debug, Default, Deserialize)]
struct Labels {
    /// The edge of a bucket: at most as long.
    le: Option<String>,
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
    pub(super) fn said(self, asked: Asked) -> Said {
        match (self.status, self.data) {
            (Status::Success, Some(data)) => Said::Answer(points(data, self.warnings, asked)),
            (Status::Success, None) => Said::Failure("no data".to_owned(), "a success without data".to_owned()),
            (Status::Error, _) => {
                let sort = short(&clean(&self.error_type.unwrap_or_default()));
                let message = short(&clean(&self.error.unwrap_or_else(|| "no message".to_owned())));
                match sort.as_str() {
                    // Parse errors, and failures of this expression alone: too many samples, too slow.
                    "bad_data" | "execution" | "timeout" | "canceled" => {
                        Said::Answer(Err(failed(asked, format!("{message} ({sort})"))))
                    }
                    _ => Said::Failure(sort, message),
                }
            }
        }
    }
}

fn points(data: Data, warnings: Vec<String>, asked: Asked) -> Result<Points, Trouble> {
    if data.result.iter().any(|row| row.histograms.is_some()) {
        let instead = match asked {
            Asked::Number(_) => "numbers; wrap it in histogram_quantile(…)",
            Asked::Histogram => "a number for each le; native histograms are not read, …_bucket series are",
        };
        return Err(failed(asked, format!("gives histograms, not {instead}")));
    }
    // Versions before 2.54 report remarks about style as warnings.
    let mut warnings = warnings.iter().filter(|warning| !warning.starts_with("PromQL info"));
    let mut points = Points { warning: warnings.next().map(|warning| short(&clean(warning))), ..Points::default() };
    match asked {
        Asked::Number(_) => points.values = number(data.result, asked)?,
        Asked::Histogram => points.buckets = buckets(data.result, asked)?,
    }
    Ok(points)
}

/// The values of the only series.
fn number(mut rows: Vec<Row>, asked: Asked) -> Result<Vec<(i64, f64)>, Trouble> {
    // Picking one series, or adding them up, would be a guess at the intent.
    if rows.len() > 1 {
        return Err(failed(asked, format!("gives {} series, not one; wrap it in sum(…)", rows.len())));
    }
    rows.pop().into_iter().flat_map(|row| row.values).map(|value| parsed(value, asked)).collect()
}

/// The buckets by evaluation time.
fn buckets(rows: Vec<Row>, asked: Asked) -> Result<BTreeMap<i64, Vec<(f64, f64)>>, Trouble> {
    let mut edges = Vec::new();
    let mut buckets: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for row in rows {
        let Some(le) = row.metric.le.as_ref().and_then(|le| le.parse::<f64>().ok()).filter(|le| !le.is_nan()) else {
            return Err(failed(asked, "gives a series without a number as its label le".to_owned()));
        };
        if edges.contains(&le) {
            return Err(failed(asked, format!("gives several series with le={le}; wrap it in sum by (le) (…)")));
        }
        edges.push(le);
        for value in row.values {
            let (at, count) = parsed(value, asked)?;
            buckets.entry(at).or_default().push((le, count));
        }
    }
    Ok(buckets)
}

fn parsed((at, value): (f64, String), asked: Asked) -> Result<(i64, f64), Trouble> {
    let Ok(value) = value.parse() else {
        return Err(failed(asked, format!("gives {:?}, which is no number", clean(&value))));
    };
    // The query requests evaluations at whole seconds.
    #[allow(clippy::cast_possible_truncation)]
    Ok((at.round() as i64, value))
}
