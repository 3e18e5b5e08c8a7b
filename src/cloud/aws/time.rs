//! AWS's times as ours, and back.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

/// `None` for a time that no calendar has.
pub(super) fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// The same, of a member that may be absent.
pub(super) fn maybe(time: Option<&DateTime>) -> Option<Timestamp> {
    time.and_then(timestamp)
}

pub(super) fn date_time(time: Timestamp) -> DateTime {
    // A `Timestamp`'s fraction has the sign of the whole; a `DateTime`'s always counts upwards.
    let nanos = time.as_nanosecond();
    DateTime::from_nanos(nanos).unwrap_or_else(|_| DateTime::from_secs(time.as_second()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_both_ways() {
        for text in ["2026-11-20T09:41:07Z", "2026-11-20T09:41:07.123456789Z", "1969-12-31T23:59:59.5Z"] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(timestamp(&date_time(time)), Some(time), "{text}");
        }
        assert_eq!(timestamp(&DateTime::from_secs(i64::MAX)), None);
    }
}
