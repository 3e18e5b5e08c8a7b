//! Prometheus: a team's custom metrics, read by range queries of the HTTP API.
//!
//! Each expression is evaluated at the end of each whole minute, so its value describes the minute that ends there:
//! `sum(increase(http_requests_total{revision="{revision}"}[1m]))`. For live display the same expression is evaluated
//! every five seconds. tidegate computes nothing that PromQL could: percentiles, sums and rates belong to the
//! expression.

mod answer;
mod api;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};

use super::MetricProvider;
use crate::clock::Clock;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::source::{CustomMetrics, MetricSource, PrometheusQueries, Resolution, Source};
use crate::domain::metrics::{Histogram, Member, MetricsQuery, Minute, Series, Trouble, TroubleKind};
use crate::domain::text::cut;

pub use self::api::{Address, BadAddress};

/// Delay before a minute's values are complete. Prometheus corrects no values, but it learns of a minute's last
/// requests only when it scrapes their targets. A scrape may take ten seconds by default, and its data may come from
/// another Prometheus (remote write, federation).
pub const SETTLES_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// Seconds between two evaluations for live display.
const FINE: i64 = 5;
/// Seconds of history in the live display.
const LIVE: i64 = 600;
const MINUTE: i64 = 60;

/// Maximum characters of a message about an expression.
const LONGEST_MESSAGE: usize = 500;

/// Concurrent range queries: Prometheus runs twenty at a time by default, and has other clients.
const AT_ONCE: usize = 6;
/// Timeout for all range queries of one metrics query together: a range query without a response by then has failed.
const PATIENCE: Duration = Duration::from_secs(25);

/// A Prometheus server, or another one with the same API (Thanos, Mimir, VictoriaMetrics).
pub struct Prometheus {
    api: api::Api,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl Prometheus {
    /// Creates the client without sending a request. The token is read from its file for each call, because it may be
    /// renewed at any time.
    pub fn new(address: Address, token: Option<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self { api: api::Api::new(address, token)?, clock, patience: PATIENCE })
    }
}

/// Evaluation times from `first` to `last`, both included, every `step` seconds. Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    first: i64,
    last: i64,
    step: i64,
}

/// The meaning of an expression's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    /// One number of a minute.
    Number(Member),
    /// The buckets of all response times of a minute.
    Histogram,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(member) => member.fmt(f),
            Self::Histogram => f.write_str("histogram"),
        }
    }
}

/// The expressions of one revision. Nobody looks at buckets live.
fn expressions(queries: &PrometheusQueries, detail: Resolution) -> impl Iterator<Item = (Asked, &String, Resolution)> {
    let numbers = queries.numbers.each().map(move |(member, query)| (Asked::Number(member), query, detail));
    let histogram = queries.histogram.iter().map(|query| (Asked::Histogram, query, Resolution::Brief));
    numbers.chain(histogram)
}

/// An expression and its evaluation times.
#[derive(Debug, Clone)]
struct Question {
    /// Index of its metric source in the query.
    meter: usize,
    asked: Asked,
    expression: String,
    range: Range,
}

/// The result of one expression. An error in one expression does not affect the others.
type Answered = (Question, Result<answer::Points, Trouble>);

/// The evaluation times: the end of each minute that is over and, for live display, steps of five seconds. The ten
/// minutes of five-second steps include the ends of their minutes.
fn ranges(query: &MetricsQuery, detail: Resolution, now: i64) -> Vec<Range> {
    let first = (query.from.as_second() + MINUTE - 1).div_euclid(MINUTE) * MINUTE + MINUTE;
    let last = query.to.as_second().min(now).div_euclid(MINUTE) * MINUTE;
    let whole = Range { first, last, step: MINUTE };
    let last = now.div_euclid(FINE) * FINE;
    let fine = Range { first: last - LIVE, last, step: FINE };
    let mut ranges = match detail {
        Resolution::Brief => vec![whole],
        Resolution::Full if whole.first >= fine.first && whole.last <= fine.last => vec![fine],
        Resolution::Full => vec![whole, fine],
    };
    ranges.retain(|range| range.first <= range.last);
    ranges
}

#[async_trait]
impl MetricProvider for Prometheus {
    /// Returns an empty series for a source that is not Prometheus. Leaves out a minute that has not ended.
    async fn minutes(&self, query: &MetricsQuery) -> Result<Vec<(MetricSource, Series)>, Fault> {
        let now = self.clock.now();
        let questions = query.meters.iter().enumerate().flat_map(|(meter, (asked, detail))| {
            let queries = match asked {
                MetricSource::Custom(CustomMetrics { source: Source::Prometheus(queries), .. }) => Some(queries),
                _ => None,
            };
            let each = queries.into_iter().flat_map(|queries| expressions(queries, *detail));
            each.flat_map(move |(asked, expression, detail)| {
                let ranges = ranges(query, detail, now.as_second());
                ranges.into_iter().map(move |range| Question { meter, asked, expression: expression.clone(), range })
            })
        });
        let mut answers = self.answers(questions.collect()).await?;
        answers.sort_by_key(|(question, _)| (question.meter, question.asked));
        let of = |index: usize| answers.iter().filter(move |(question, _)| question.meter == index);
        let series = query.meters.iter().enumerate().map(|(index, (meter, detail))| {
            let seconds = matches!(meter, MetricSource::Custom(CustomMetrics { seconds: true, .. }));
            (meter.clone(), assemble(of(index), query, *detail, seconds, now.as_second()))
        });
        Ok(series.collect())
    }
}

impl Prometheus {
    /// Sends all range queries. A query that takes too long fails alone, as long as at least one other has a response.
    async fn answers(&self, questions: Vec<Question>) -> Result<Vec<Answered>, Fault> {
        let asking = futures::stream::iter(questions.clone().into_iter().enumerate())
            .map(|(place, question)| async move { (place, self.api.ask(&question).await) })
            .buffer_unordered(AT_ONCE)
            .take_until(tokio::time::sleep(self.patience));
        let mut asking = std::pin::pin!(asking);
        let mut answered = BTreeMap::new();
        let mut slow = None;
        while let Some((place, answer)) = asking.next().await {
            match answer {
                Ok(answer) => drop(answered.insert(place, answer)),
                Err(fault) if fault.kind == FaultKind::Unanswered => drop(slow.get_or_insert(fault)),
                Err(fault) => return Err(fault),
            }
        }
        let waited = slow.as_ref().map_or_else(
            || format!("not all queries were answered within {:?}", self.patience),
            |fault| fault.message.clone(),
        );
        if answered.is_empty() && !questions.is_empty() {
            let advice = "Check that it is well; fewer or cheaper expressions, or recording rules, help.";
            return Err(slow.unwrap_or_else(|| self.api.fault(FaultKind::Unanswered, waited, advice)));
        }
        let questions = questions.into_iter().enumerate().map(|(place, question)| {
            let late = || Err(failed(question.asked, format!("{waited}; a cheaper one, or a recording rule, helps")));
            let answer = answered.remove(&place).unwrap_or_else(late);
            (question, answer)
        });
        Ok(questions.collect())
    }
}

/// The minutes of one source, by their end in Unix seconds.
#[derive(Default)]
struct Ended {
    minutes: BTreeMap<i64, Minute>,
    /// Ends of the minutes for which the expression for errors returned something other than a count.
    uncounted: BTreeSet<i64>,
}

impl Ended {
    fn put(&mut self, member: Member, end: i64, value: f64, seconds: bool) {
        // A division by zero gives NaN, a quantile above the last bucket +Inf. No count is negative.
        if !value.is_finite() || value < 0.0 {
            if member == Member::Errors {
                self.uncounted.insert(end);
            }
            return;
        }
        let Ok(at) = Timestamp::from_second(end - MINUTE) else { return };
        let minute = self.minutes.entry(end).or_insert_with(|| Minute::at(at));
        let scale = if seconds && !member.counts() { 1e3 } else { 1.0 };
        *member.of(minute) = Some(value * scale);
    }

    fn series(self, uncounted: bool) -> Vec<Minute> {
        let Self { minutes, uncounted: some } = self;
        let minute = |(end, minute)| Minute { uncounted: uncounted || some.contains(&end), ..minute };
        minutes.into_iter().map(minute).collect()
    }
}

fn assemble<'a>(
    answers: impl Iterator<Item = &'a Answered>,
    query: &MetricsQuery,
    detail: Resolution,
    seconds: bool,
    now: i64,
) -> Series {
    let (from, to) = (query.from.as_second(), query.to.as_second().min(now));
    let (mut whole, mut live) = (Ended::default(), Ended::default());
    let mut troubles: Vec<Trouble> = Vec::new();
    let mut unread = BTreeSet::new();
    let (mut histograms, mut bad) = (BTreeMap::new(), None);
    for (Question { asked, .. }, answer) in answers {
        let none = answer::Points::default();
        let (points, trouble) = match answer {
            Ok(points) => (points, points.warning(*asked)),
            Err(trouble) => (&none, Some(trouble.clone())),
        };
        // Values of only some of the targets are displayed, never judged.
        let judged = |end: i64| trouble.is_none() && end % MINUTE == 0 && from + MINUTE <= end && end <= to;
        match asked {
            Asked::Number(member) => {
                for (end, value) in &points.values {
                    if judged(*end) {
                        whole.put(*member, *end, *value, seconds);
                    }
                    if detail == Resolution::Full && end % FINE == 0 && now.div_euclid(FINE) * FINE - LIVE <= *end {
                        live.put(*member, *end, *value, seconds);
                    }
                }
                unread.extend(trouble.is_some().then_some(*member));
            }
            Asked::Histogram => {
                for (end, buckets) in points.buckets.iter().filter(|(end, _)| judged(**end)) {
                    match histogram(*end, buckets, seconds) {
                        Ok(minute) => histograms.extend([minute]),
                        Err(why) => bad = Some(failed(Asked::Histogram, why)),
                    }
                }
            }
        }
        troubles.extend(trouble.filter(|trouble| !troubles.contains(trouble)));
    }
    troubles.extend(bad);
    // Partial counts of requests or errors give no valid rate.
    let uncounted = unread.iter().any(|member| member.counts());
    Series {
        minutes: whole.series(uncounted),
        live: live.series(uncounted),
        histograms,
        troubles,
        unread,
        settles_after: SETTLES_AFTER,
        ..Series::default()
    }
}

/// The histogram of the minute that ends at `end`, Unix seconds, or the reason why the buckets are none.
fn histogram(end: i64, buckets: &[(f64, f64)], seconds: bool) -> Result<(Timestamp, Histogram), String> {
    let scale = if seconds { 1e3 } else { 1.0 };
    let milliseconds = buckets.iter().map(|(le, count)| (le * scale, *count)).collect();
    let at = Timestamp::from_second(end - MINUTE).map_err(|error| error.to_string())?;
    Ok((at, Histogram::cumulative(milliseconds).map_err(|error| error.to_string())?))
}

/// Shortens a message of Prometheus to one line: it may repeat a whole expression, or a body of megabytes.
fn short(text: &str) -> String {
    cut(text, LONGEST_MESSAGE).into_owned()
}

/// The trouble of a failed expression.
fn failed(asked: Asked, message: String) -> Trouble {
    Trouble { metric: asked.to_string(), kind: TroubleKind::Failed, message: short(&message) }
}
