//! The console's clock. With AWS it is the operator's; with a simulated AWS in a expedite it runs along with that.

pub mod pause;

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};

use crate::console::message::Now;

/// Tells the time on AWS's clock.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// What AWS's clock said …
    origin: Timestamp,
    /// … when the operator's said this.
    real_origin: Timestamp,
    /// Seconds on AWS's clock for a second of the operator's.
    speed: f64,
}

/// The variable by which `tidegate sim` tells a console about its clock.
pub const CLOCK_VARIABLE: &str = "TIDEGATE_CLOCK";

impl Clock {
    /// The operator's own clock.
    pub fn system() -> Self {
        Self { origin: Timestamp::UNIX_EPOCH, real_origin: Timestamp::UNIX_EPOCH, speed: 1.0 }
    }

    /// A clock that says `origin` now and runs `speed` times as fast.
    pub fn scaled(origin: Timestamp, speed: f64) -> Self {
        Self { origin, real_origin: Timestamp::now(), speed }
    }

    /// The time.
    pub fn now(&self) -> Now {
        let passed = Timestamp::now().duration_since(self.real_origin).as_secs_f64() * self.speed;
        let at = SignedDuration::try_from_secs_f64(passed).ok().and_then(|passed| self.origin.checked_add(passed).ok());
        let at = if self.speed == 1.0 && self.origin == self.real_origin {
            Timestamp::now()
        } else {
            at.unwrap_or(Timestamp::MAX)
        };
        Now { at, speed: self.speed }
    }

    /// Seconds on AWS's clock for a second of the operator's.
    pub fn speed(&self) -> f64 {
        self.speed
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}@{}", self.origin, self.speed, self.real_origin)
    }
}

impl FromStr for Clock {
    type Err = String;
    /// Reads what [`Clock`] displays: `ORIGIN@SPEED@REAL-ORIGIN`.
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
        Ok(Self { origin, real_origin, speed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_survives_its_text() {
        let clock = Clock::scaled("2026-11-21T09:00:00Z".parse().unwrap(), 60.0);
        assert_eq!(clock.to_string().parse::<Clock>(), Ok(clock));
        for bad in ["", "now", "2026-11-21T09:00:00Z@0@2026-11-21T09:00:00Z", "@@", "a@1@b"] {
            assert!(bad.parse::<Clock>().is_err(), "{bad}");
        }
    }
}
