//! Random counts.

use rand::{Rng, RngExt};
use rand_distr::{Binomial, Distribution, Poisson};

pub(super) fn poisson(rng: &mut impl Rng, mean: f64) -> u64 {
    Poisson::new(mean).map_or(0, |d| d.sample(rng) as u64)
}

pub(super) fn binomial(rng: &mut impl Rng, n: u64, p: f64) -> u64 {
    if n == 0 || p <= 0.0 {
        return 0;
    }
    // If more than one success is unlikely, a single draw is a good approximation.
    if n as f64 * p < 0.05 {
        return u64::from(rng.random::<f64>() < n as f64 * p);
    }
    Binomial::new(n, p.min(1.0)).map_or(0, |d| d.sample(rng))
}
