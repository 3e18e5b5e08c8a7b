//! Values of options that need a form of their own.

use jiff::SignedDuration;

pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    match text.parse::<SignedDuration>() {
        Ok(duration) if duration > SignedDuration::ZERO => Ok(duration),
        _ => Err("give a length of time, such as 90s, 45m or 2h".to_owned()),
    }
}

pub(super) fn speed(text: &str) -> Result<f64, String> {
    match text.trim_end_matches(['x', '×']).parse::<f64>() {
        Ok(speed) if (1.0..=600.0).contains(&speed) => Ok(speed),
        _ => Err("give a number from 1 to 600".to_owned()),
    }
}
