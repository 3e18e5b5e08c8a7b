//! A latency histogram with logarithmic buckets.

/// The lower bound of the first bucket in seconds.
const SMALLEST: f64 = 0.0005;
/// The ratio between the bounds of a bucket.
const GROWTH: f64 = 1.03;
const BUCKETS: usize = 400;

/// Weighted latencies in seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct LatencyHistogram {
    /// Empty before the first value.
    buckets: Vec<f32>,
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl LatencyHistogram {
    /// Adds `weight` requests with the same latency, given as its natural logarithm.
    pub(crate) fn add_ln(&mut self, log_seconds: f64, weight: f64) {
        if self.buckets.is_empty() {
            self.buckets = vec![0.0; BUCKETS];
            self.min = f64::INFINITY;
        }
        let at = (log_seconds - SMALLEST.ln()) / GROWTH.ln();
        let at = (at.max(0.0) as usize).min(BUCKETS - 1);
        if let Some(bucket) = self.buckets.get_mut(at) {
            *bucket += weight as f32;
        }
        let seconds = log_seconds.exp();
        self.count += weight;
        self.sum += seconds * weight;
        self.min = self.min.min(seconds);
        self.max = self.max.max(seconds);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        if other.buckets.is_empty() {
            return;
        }
        if self.buckets.is_empty() {
            *self = other.clone();
            return;
        }
        for (own, other) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += other;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// The latency that `percent` of the requests do not exceed; `None` without requests.
    pub(crate) fn percentile(&self, percent: f64) -> Option<f64> {
        let mut left = self.count * percent / 100.0;
        for (at, weight) in self.buckets.iter().enumerate() {
            left -= f64::from(*weight);
            if left <= 1e-6 && *weight > 0.0 {
                let middle = SMALLEST * GROWTH.powf(at as f64 + 0.5);
                return Some(middle.clamp(self.min, self.max));
            }
        }
        (self.count > 0.0).then_some(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_a_bucket() {
        let mut histogram = LatencyHistogram::default();
        assert_eq!(histogram.percentile(50.0), None);
        for ms in 1..=1000 {
            histogram.add_ln((f64::from(ms) / 1000.0).ln(), 2.0);
        }
        for (percent, expected) in [(50.0, 0.5), (95.0, 0.95), (99.0, 0.99), (100.0, 1.0)] {
            let got = histogram.percentile(percent).unwrap();
            assert!((got / expected - 1.0).abs() < 0.03, "p{percent} {got}");
        }
        assert!((histogram.sum / histogram.count - 0.5005).abs() < 1e-6);
        let mut both = LatencyHistogram::default();
        both.merge(&histogram);
        both.merge(&histogram);
        assert_eq!(both.count, 4000.0);
    }
}
