//! Response times as a histogram: the requests of a minute, by the time that each took at most.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

/// The requests of one minute by response time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(f64, f64)>", into = "Vec<(f64, f64)>")]
pub struct Histogram {
    /// The finite edges, milliseconds, rising, each with the number of requests that took at most so long.
    edges: Vec<(f64, f64)>,
    /// All requests.
    requests: f64,
    digest: u64,
}

/// Reason why some buckets are no histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadHistogram {
    /// The last bucket does not hold all requests.
    #[error("has no bucket le=\"+Inf\"")]
    NoTotal,
    /// There is nothing to compare by.
    #[error("has no bucket but le=\"+Inf\"")]
    NoEdge,
    /// A count is negative or not a number.
    #[error("has a bucket whose count is no count")]
    NoCount,
}

impl Histogram {
    /// A histogram of Prometheus: pairs of `le` (milliseconds, one of them infinite) and the number of requests that
    /// took at most so long, in any order.
    pub fn cumulative(mut buckets: Vec<(f64, f64)>) -> Result<Self, BadHistogram> {
        if buckets.iter().any(|(le, count)| le.is_nan() || !count.is_finite() || *count < 0.0) {
            return Err(BadHistogram::NoCount);
        }
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        buckets.dedup_by(|(one, _), (other, _)| one == other);
        // `increase` extrapolates each bucket by itself, so a bucket may have slightly fewer than a smaller one.
        let mut highest = 0.0f64;
        for (_, count) in &mut buckets {
            highest = highest.max(*count);
            *count = highest;
        }
        let Some((_, requests)) = buckets.pop_if(|(le, _)| *le == f64::INFINITY) else {
            return Err(BadHistogram::NoTotal);
        };
        if buckets.is_empty() {
            return Err(BadHistogram::NoEdge);
        }
        let mut hasher = DefaultHasher::new();
        for (le, count) in &buckets {
            (le.to_bits(), count.to_bits()).hash(&mut hasher);
        }
        requests.to_bits().hash(&mut hasher);
        Ok(Self { edges: buckets, requests, digest: hasher.finish() })
    }

    /// All requests of the minute.
    pub fn requests(&self) -> f64 {
        self.requests
    }

    /// The finite edges, milliseconds, rising.
    pub fn edges(&self) -> impl Iterator<Item = f64> {
        self.edges.iter().map(|(edge, _)| *edge)
    }

    /// The pairs of [`Self::cumulative`], rising.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, f64)> {
        self.edges.iter().copied().chain([(f64::INFINITY, self.requests)])
    }

    /// The number of requests that took longer than an edge; `None`: the histogram has no such edge.
    pub fn slower_than_edge(&self, edge: f64) -> Option<f64> {
        let place = self.edges.binary_search_by(|(other, _)| other.total_cmp(&edge)).ok()?;
        self.edges.get(place).map(|(_, faster)| self.requests - faster)
    }

    /// The number of requests that took longer than `time` milliseconds. Within a bucket the requests are spread
    /// evenly, as `histogram_quantile` spreads them. Beyond the last finite edge all of them count as longer.
    pub fn slower_than(&self, time: f64) -> f64 {
        let above = self.edges.partition_point(|(edge, _)| *edge <= time);
        let (low, faster) = above.checked_sub(1).and_then(|place| self.edges.get(place)).copied().unwrap_or((0.0, 0.0));
        let within = match self.edges.get(above) {
            Some((high, up_to)) if *high > low => (up_to - faster) * ((time - low) / (high - low)).clamp(0.0, 1.0),
            _ => 0.0,
        };
        self.requests - faster - within
    }

    /// A number that differs for another histogram.
    pub fn digest(&self) -> u64 {
        self.digest
    }
}

impl TryFrom<Vec<(f64, f64)>> for Histogram {
    type Error = BadHistogram;

    /// The last pair has the requests alone: JSON has no infinity.
    fn try_from(mut pairs: Vec<(f64, f64)>) -> Result<Self, BadHistogram> {
        let (_, requests) = pairs.pop().ok_or(BadHistogram::NoTotal)?;
        pairs.push((f64::INFINITY, requests));
        Self::cumulative(pairs)
    }
}

impl From<Histogram> for Vec<(f64, f64)> {
    fn from(histogram: Histogram) -> Self {
        let mut pairs = histogram.edges;
        pairs.push((0.0, histogram.requests));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram() -> Histogram {
        let buckets = vec![(f64::INFINITY, 100.0), (100.0, 60.0), (50.0, 20.0), (200.0, 90.0)];
        Histogram::cumulative(buckets).unwrap()
    }

    #[test]
    fn requests_are_counted_beyond_an_edge_and_spread_evenly_within_a_bucket() {
        let it = histogram();
        assert_eq!(it.edges().collect::<Vec<_>>(), [50.0, 100.0, 200.0]);
        assert_eq!([50.0, 100.0, 200.0].map(|edge| it.slower_than_edge(edge)), [80.0, 40.0, 10.0].map(Some));
        assert_eq!(it.slower_than_edge(150.0), None);
        assert_eq!(
            [0.0, 25.0, 50.0, 150.0, 200.0, 9e9].map(|at| it.slower_than(at)),
            [100.0, 90.0, 80.0, 25.0, 10.0, 10.0]
        );
    }

    #[test]
    fn a_bucket_that_has_fewer_than_a_smaller_one_has_as_many() {
        let it = Histogram::cumulative(vec![(1.0, 5.0), (2.0, 4.9), (f64::INFINITY, 5.0)]).unwrap();
        assert_eq!(it.slower_than_edge(2.0), Some(0.0));
    }

    #[test]
    fn what_is_no_histogram_is_refused_with_its_reason() {
        let bad = |buckets: &[(f64, f64)]| Histogram::cumulative(buckets.to_vec()).unwrap_err();
        assert_eq!(bad(&[]), BadHistogram::NoTotal);
        assert_eq!(bad(&[(1.0, 5.0)]), BadHistogram::NoTotal);
        assert_eq!(bad(&[(f64::INFINITY, 5.0)]), BadHistogram::NoEdge);
        assert_eq!(bad(&[(1.0, f64::NAN), (f64::INFINITY, 5.0)]), BadHistogram::NoCount);
        assert_eq!(bad(&[(1.0, -1.0), (f64::INFINITY, 5.0)]), BadHistogram::NoCount);
    }

    #[test]
    fn a_histogram_is_the_same_after_it_was_written_and_read() {
        let text = serde_json::to_string(&histogram()).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram());
    }
}
