//! Durations, numbers and shares as text, in their shortest honest form.

use std::fmt::Display;

use jiff::{SignedDuration, Timestamp};

use super::release::share::Percent;

/// `45s`, `3m 12s`, `5h 20m`, `9d`: at most two units, and no finer than useful.
pub fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes, rest) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let two = |big: i64, unit: &str, small: i64, lesser: &str| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit} {small}{lesser}") }
    };
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => two(minutes, "m", rest, "s"),
        (0, _, _) => two(hours, "h", minutes, "m"),
        (1..=2, _, _) => two(days, "d", hours, "h"),
        _ => format!("{days}d"),
    }
}

/// The age of `then`.
pub fn since(then: Timestamp, now: Timestamp) -> String {
    span(now.duration_since(then))
}

/// `45 s`, `3 min`, `4 min 10 s`: a duration in a sentence.
pub fn minutes(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// A duration in one unit: `0s`, `45s`, `3m`, `2h`, `9d`.
pub fn age(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..=99 => format!("{seconds}s"),
        100..=5_999 => format!("{}m", seconds / 60),
        6_000..=172_799 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A duration in clock format: `03:12`, `1:03:12`.
pub fn clock(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

/// A short duration, to the hundredth: `0.42 s`.
pub fn seconds(span: SignedDuration) -> String {
    let seconds = span.as_secs_f64().max(0.0);
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.0} s") }
}

/// An error rate in percent: `0%`, `0.21%`, `12.5%`; a rate above zero is never shown as zero.
pub fn rate(percent: f64) -> String {
    match percent {
        p if p <= 0.0 => "0%".to_owned(),
        p if p < 0.01 => "<0.01%".to_owned(),
        p if p < 10.0 => format!("{p:.2}%"),
        p => format!("{p:.1}%"),
    }
}

/// An error rate in plain words: `1 in 9 requests fails (10.8 %)`, `no request fails`.
pub fn failing(percent: f64) -> String {
    let numbers = spaced(rate(percent));
    match percent {
        p if p <= 0.0 => "no request fails".to_owned(),
        p if p >= 99.95 => "every request fails".to_owned(),
        p if p >= 40.0 => format!("{:.0} in 10 requests fail ({numbers})", (p / 10.0).round().min(9.0)),
        p => format!("1 in {} requests fails ({numbers})", count((100.0 / p).round())),
    }
}

/// A share or a rate as a sentence has it: `10 %` instead of `10%`.
pub fn spaced(percent: impl Display) -> String {
    percent.to_string().replace('%', " %")
}

/// A response time in a sentence: `212 ms`, `1.02 s`.
pub fn response_time(ms: f64) -> String {
    if ms < 999.5 { format!("{ms:.0} ms") } else { format!("{:.2} s", ms / 1_000.0) }
}

/// A measured share: a share above zero is never shown as zero, a share below 100 % never as 100 %.
pub fn share(share: Percent) -> String {
    match share.value() {
        _ if share.is_zero() || share.is_full() => share.to_string(),
        part if part < 0.05 => "<0.1%".to_owned(),
        part if part >= 99.95 => ">99.9%".to_owned(),
        _ => share.to_string(),
    }
}

/// A duration in one unit for a sentence: `5 min`, `45 s`, `24 h`.
pub fn lasting(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..=89 => format!("{seconds} s"),
        90..=7_199 => format!("{} min", (seconds + 30) / 60),
        7_200..=172_799 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// The chance of a difference where both sides are alike: `81%`, `1 in 909`; a chance above zero is never shown as zero.
pub fn chance(p: f64) -> String {
    match p {
        p if p >= 0.1 => format!("{:.0}%", p * 100.0),
        p if p >= 1e-9 => format!("1 in {}", count((1.0 / p).round())),
        _ => "below 1 in 1e9".to_owned(),
    }
}

/// Evidence as odds against chance: `1 : 40`, `1 : 0.2`, `1 : 41,200`, `1 : >1e9`.
pub fn odds(evidence: f64) -> String {
    match evidence {
        e if e >= 1e9 => "1 : >1e9".to_owned(),
        e if e >= 10.0 => format!("1 : {}", count(e.round())),
        e if e >= 0.1 => format!("1 : {e:.1}"),
        _ => "1 : <0.1".to_owned(),
    }
}

/// A factor: `0.8×`, `2.1×`, `14×`.
pub fn times(factor: f64) -> String {
    if factor >= 9.95 { format!("{factor:.0}×") } else { format!("{factor:.1}×") }
}

/// The bounds of a factor: `1.3–3.2×`; `1.3× or more` if no factor is ruled out.
pub fn ratio_between(low: f64, high: f64) -> String {
    let short = |factor: f64| times(factor).trim_end_matches('×').to_owned();
    match high.is_finite() {
        true => format!("{}–{}×", short(low), short(high)),
        false => format!("{}× or more", short(low)),
    }
}

/// A cost, US dollars per hour: `$0.008/h`, `$1.20/h`; a cost above zero is never shown as zero.
pub fn dollars_an_hour(dollars: f64) -> String {
    match dollars {
        d if d <= 0.0 => "$0/h".to_owned(),
        d if d < 0.001 => "<$0.001/h".to_owned(),
        d if d < 0.1 => format!("${d:.3}/h"),
        d => format!("${d:.2}/h"),
    }
}

/// A round error rate, for axes and thresholds: `1%`, `0.5%`.
pub fn round_rate(percent: f64) -> String {
    format!("{}%", (percent * 100.0).round() / 100.0)
}

/// A round response time, for axes.
pub fn round_latency(ms: f64) -> String {
    if ms <= 0.0 { "0ms".to_owned() } else { latency(ms) }
}

/// A response time in milliseconds: `8.2ms`, `212ms`, `12.3s`.
pub fn latency(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.1}ms"),
        ms if ms < 9_999.5 => format!("{ms:.0}ms"),
        ms => format!("{:.1}s", ms / 1_000.0),
    }
}

/// A count with thousands separators: `51,200`.
pub fn count(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0) + 0.0);
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 task`, `2 tasks`.
pub fn many(number: usize, thing: &str) -> String {
    if number == 1 { format!("{number} {thing}") } else { format!("{number} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_as_fine_as_it_matters() {
        let table = [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (192, "3m 12s"),
            (3_600, "1h"),
            (19_200, "5h 20m"),
            (90_000, "1d 1h"),
            (9 * 86_400 + 7_000, "9d"),
            (-5, "0s"),
        ];
        for (seconds, words) in table {
            assert_eq!(span(SignedDuration::from_secs(seconds)), words);
        }
    }

    #[test]
    fn numbers_in_their_shortest_honest_form() {
        assert_eq!([rate(0.0), rate(0.004), rate(0.214), rate(12.54)], ["0%", "<0.01%", "0.21%", "12.5%"]);
        assert_eq!([latency(8.21), latency(212.4), latency(12_345.0)], ["8.2ms", "212ms", "12.3s"]);
        assert_eq!([count(7.0), count(5_120.0), count(1_234_567.0)], ["7", "5,120", "1,234,567"]);
        let shares =
            [0.0, 0.01, 0.049, 0.05, 9.1, 99.94, 99.96, 100.0].map(|value| share(Percent::new(value).unwrap()));
        assert_eq!(shares, ["0%", "<0.1%", "<0.1%", "0.1%", "9.1%", "99.9%", ">99.9%", "100%"]);
        assert_eq!(
            [chance(1.0), chance(0.428), chance(0.002_1), chance(1e-12)],
            ["100%", "43%", "1 in 476", "below 1 in 1e9"]
        );
        assert_eq!([0.0, 0.000_2, 0.008_4, 1.2].map(dollars_an_hour), ["$0/h", "<$0.001/h", "$0.008/h", "$1.20/h"]);
        let spans = [45, 95, 300, 86_400, 259_200].map(|seconds| lasting(SignedDuration::from_secs(seconds)));
        assert_eq!(spans, ["45 s", "2 min", "5 min", "24 h", "3 d"]);
        let of = |seconds| age(SignedDuration::from_secs(seconds));
        assert_eq!([of(0), of(45), of(200), of(7_300), of(800_000)], ["0s", "45s", "3m", "2h", "9d"]);
        assert_eq!(clock(SignedDuration::from_secs(192)), "03:12");
        assert_eq!(clock(SignedDuration::from_secs(3_792)), "1:03:12");
    }

    #[test]
    fn an_error_rate_is_said_in_requests() {
        let said = [0.0, 0.004, 0.21, 10.8, 34.0, 60.0, 98.0, 100.0].map(failing);
        assert_eq!(
            said,
            [
                "no request fails",
                "1 in 25,000 requests fails (<0.01 %)",
                "1 in 476 requests fails (0.21 %)",
                "1 in 9 requests fails (10.8 %)",
                "1 in 3 requests fails (34.0 %)",
                "6 in 10 requests fail (60.0 %)",
                "9 in 10 requests fail (98.0 %)",
                "every request fails",
            ]
        );
        assert_eq!([response_time(212.4), response_time(1_020.0)], ["212 ms", "1.02 s"]);
    }

    #[test]
    fn a_sentence_has_minutes_and_seconds() {
        let spans = [-5, 0, 45, 60, 250].map(|seconds| minutes(SignedDuration::from_secs(seconds)));
        assert_eq!(spans, ["0 s", "0 s", "45 s", "1 min", "4 min 10 s"]);
    }
}
