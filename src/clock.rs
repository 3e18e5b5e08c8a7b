//! Time and waiting. With AWS both use the machine's clock; the demo's account runs on a faster clock.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::domain::clock_rate::ClockRate;

/// A clock to read and to wait on. Waiting belongs to the clock so that a test can let an hour pass at once.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time on AWS's clock.
    fn now(&self) -> Timestamp;

    /// The operator's time since a fixed moment; never goes back.
    fn elapsed(&self) -> Duration;

    /// Returns after `span` of the operator's time.
    async fn sleep(&self, span: Duration);

    /// The rate of AWS's clock.
    fn rate(&self) -> ClockRate {
        ClockRate::default()
    }

    /// Converts a span of AWS's clock to the operator's time; zero for a negative span.
    fn operator_time(&self, span: SignedDuration) -> Duration {
        self.rate().operator_time(span).max(SignedDuration::ZERO).unsigned_abs()
    }
}

/// The machine's own clock, which is also AWS's time.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }
}

/// The clock of a simulated AWS, which runs faster than the machine's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScaledClock {
    /// The time on AWS's clock at `real_origin` …
    origin: Timestamp,
    /// … which is a time on the machine's clock.
    real_origin: Timestamp,
    rate: ClockRate,
    began: Instant,
}

/// The variable in which `tidegate sim` passes its clock to a console.
pub const CLOCK_VARIABLE: &str = "TIDEGATE_CLOCK";

impl ScaledClock {
    /// A clock that shows `origin` now.
    pub fn new(origin: Timestamp, rate: ClockRate) -> Self {
        Self { origin, real_origin: Timestamp::now(), rate, began: Instant::now() }
    }
}

#[async_trait]
impl Clock for ScaledClock {
    fn now(&self) -> Timestamp {
        let passed = Timestamp::now().duration_since(self.real_origin).as_secs_f64() * self.rate.get();
        let at = SignedDuration::try_from_secs_f64(passed).ok().and_then(|passed| self.origin.checked_add(passed).ok());
        at.unwrap_or(Timestamp::MAX)
    }

    fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    fn rate(&self) -> ClockRate {
        self.rate
    }
}

impl fmt::Display for ScaledClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}@{}", self.origin, self.rate.get(), self.real_origin)
    }
}

impl FromStr for ScaledClock {
    type Err = String;
    /// Parses the text that [`ScaledClock`] displays: `ORIGIN@SPEED@REAL-ORIGIN`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{CLOCK_VARIABLE} is ORIGIN@SPEED@REAL-ORIGIN as `tidegate sim` prints it, not '{text}'");
        let parts: Vec<_> = text.split('@').collect();
        let [origin, speed, real_origin] = parts.as_slice() else { return Err(wrong()) };
        let speed: f64 = speed.parse().map_err(|_| wrong())?;
        if !(1.0..=600.0).contains(&speed) {
            return Err(wrong());
        }
        let origin = origin.parse().map_err(|_| wrong())?;
        let real_origin = real_origin.parse().map_err(|_| wrong())?;
        Ok(Self { origin, real_origin, rate: ClockRate::new(speed), began: Instant::now() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_survives_its_text() {
        let clock = ScaledClock::new("2026-11-21T09:00:00Z".parse().unwrap(), ClockRate::new(60.0));
        let parsed: ScaledClock = clock.to_string().parse().unwrap();
        assert_eq!(ScaledClock { began: clock.began, ..parsed }, clock);
        for bad in ["", "now", "2026-11-21T09:00:00Z@0@2026-11-21T09:00:00Z", "@@", "a@1@b"] {
            assert!(bad.parse::<ScaledClock>().is_err(), "{bad}");
        }
    }
}
