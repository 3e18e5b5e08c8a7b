//! Latency: one value per minute, and a test if the canary's minutes are slower than stable's.
//!
//! A minute's percentile is one number whatever the minute's traffic, and its distribution is unknown, so the test uses
//! only the order (Mann and Whitney). Small samples get the exact test, ties included: it counts every way of dealing
//! the same values out to both sides. Larger samples get the normal approximation, corrected for ties and for
//! continuity. Its tail is slightly heavier than the true one, so its errors are on the side of no finding.
//!
//! Both sides have the same minutes. A slowdown of both sides (a busy hour, a slow database) makes the two samples more
//! alike than independent ones. Such errors are on the side of no finding too.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF};

use super::counts::normal;

/// Maximum number of values on each side for the exact distribution.
const EXACT: usize = 12;

/// The result of comparing the order of two samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranks {
    /// p-value: the probability that the first sample is this far above the second, or farther, under one distribution.
    pub p_above: f64,
    /// The same, for the first below the second.
    pub p_below: f64,
    /// The probability that a value of the first exceeds a value of the second, ties counted half; 0.5: alike.
    pub effect: f64,
}

/// Compares two samples; `None`: either is empty. Values that are not finite are ignored.
pub fn compare(a: &[f64], b: &[f64]) -> Option<Ranks> {
    let mut pooled: Vec<(f64, bool)> = a.iter().map(|value| (*value, true)).collect();
    pooled.extend(b.iter().map(|value| (*value, false)));
    pooled.retain(|(value, _)| value.is_finite());
    pooled.sort_by(|x, y| x.0.total_cmp(&y.0));
    let m = pooled.iter().filter(|(_, first)| *first).count();
    let n = pooled.len() - m;
    if m == 0 || n == 0 {
        return None;
    }
    // Twice the ranks where values tie, so that the ranks of ties are whole numbers too. (−0 and 0 are equal.)
    let tied = pooled.windows(2).any(|pair| matches!(pair, [x, y] if x.0 == y.0));
    let scale = if tied { 2 } else { 1 };
    let mut ranks: Vec<usize> = Vec::with_capacity(pooled.len());
    let mut ties = 0.0;
    for group in pooled.chunk_by(|x, y| x.0 == y.0) {
        let before = ranks.len();
        ranks.extend(group.iter().map(|_| scale * (2 * before + group.len() + 1) / 2));
        let t = group.len() as f64;
        ties += t * t * t - t;
    }
    let mine = pooled.iter().zip(&ranks).filter(|((_, first), _)| *first).map(|(_, rank)| *rank);
    let sum: usize = mine.sum();
    let pairs = m as f64 * n as f64;
    let u = sum as f64 / scale as f64 - m as f64 * (m as f64 + 1.0) / 2.0;
    let (p_above, p_below) = if m <= EXACT && n <= EXACT {
        exact(&ranks, m, sum)
    } else {
        let all = (m + n) as f64;
        let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        let tail = |distance: f64| match variance > 0.0 {
            true => normal().sf((distance - 0.5) / variance.sqrt()).min(1.0),
            false => 1.0,
        };
        (tail(u - pairs / 2.0), tail(pairs / 2.0 - u))
    };
    Some(Ranks { p_above, p_below, effect: u / pairs })
}

/// The fraction of choices of `m` ranks whose sum is at least `sum`, and the fraction whose sum is at most `sum`.
fn exact(ranks: &[usize], m: usize, sum: usize) -> (f64, f64) {
    let most: usize = ranks.iter().rev().take(m).sum();
    let width = most + 1;
    // `ways` is a table: one row per number of chosen ranks, one column per sum.
    let mut ways = vec![0.0f64; (m + 1) * width];
    if let Some(none) = ways.first_mut() {
        *none = 1.0;
    }
    for (seen, rank) in ranks.iter().enumerate() {
        for chosen in (1..=m.min(seen + 1)).rev() {
            let (fewer, row) = ways.split_at_mut(chosen * width);
            let from = fewer.iter().skip((chosen - 1) * width).take(width.saturating_sub(*rank));
            for (to, from) in row.iter_mut().skip(*rank).take(width.saturating_sub(*rank)).zip(from) {
                *to += from;
            }
        }
    }
    let row = || ways.iter().skip(m * width);
    let all: f64 = row().sum();
    let above: f64 = row().skip(sum).sum();
    let below: f64 = row().take(sum + 1).sum();
    (above / all, below / all)
}

/// The p-value of the values above `ceiling` if half are expected above: the exact sign test.
pub fn over_ceiling(values: &[f64], ceiling: f64) -> f64 {
    let over = values.iter().filter(|value| **value > ceiling).count();
    match (over, Binomial::new(0.5, values.len() as u64)) {
        (1.., Ok(fair)) => fair.sf(over as u64 - 1),
        _ => 1.0,
    }
}

/// The middle value; `None`: there are no values.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    match sorted.len() % 2 {
        0 => Some((sorted.get(middle - 1)? + upper) / 2.0),
        _ => Some(upper),
    }
}
