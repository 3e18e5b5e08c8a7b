//! Faults as a command line and a scenario write them: `ecs.DescribeServices=0.3@2m..5m:throttle`.

use std::str::FromStr;
use std::time::Duration;

use jiff::SignedDuration;

use super::api::Service;
use super::fault::{Fault, FaultRule};

/// Reason why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFault {
    /// The text has not the parts of a fault.
    #[error(
        "takes CALLS[=FRACTION][@FROM..TO]:KIND, such as *:slow-500, ecs.DescribeServices=0.3:throttle or \
         *@2m..5m:reset"
    )]
    Shape,
    /// The service is not simulated.
    #[error("names the service {0:?}; there are ecs, elbv2, cloudwatch, logs and sts")]
    Service(String),
    /// The kind of fault is not known.
    #[error(
        "names the kind {0:?}; there are throttle, 500, denied, expired, reset, hang, slow-MILLISECONDS, garbage and \
         lost-answer"
    )]
    Kind(String),
    /// The time is not one.
    #[error("has the time {0:?}; it is like 2m..5m, counted from the start")]
    Time(String),
    /// The fraction is not between 0 and 1.
    #[error("has the fraction {0:?}; it is between 0 and 1, such as 0.3")]
    Fraction(String),
}

impl FromStr for FaultRule {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let (calls, kind) = text.split_once(':').ok_or(BadFault::Shape)?;
        let (calls, time) = calls.split_once('@').map_or((calls, None), |(calls, time)| (calls, Some(time)));
        let (calls, fraction) = calls.split_once('=').map_or((calls, None), |(calls, part)| (calls, Some(part)));
        if calls.is_empty() {
            return Err(BadFault::Shape);
        }
        let mut rule = Self::new(self::kind(kind)?);
        let (service, operation) = calls.split_once('.').map_or((None, calls), |(one, other)| (Some(one), other));
        if let Some(name) = service.filter(|name| *name != "*") {
            rule = rule.service(self::service(name)?);
        }
        if operation != "*" {
            rule = rule.operations(&[operation]);
        }
        if let Some(part) = fraction {
            let known = part.parse().ok().filter(|fraction| (0.0..=1.0).contains(fraction));
            rule = rule.fraction(known.ok_or_else(|| BadFault::Fraction(part.to_owned()))?);
        }
        if let Some(time) = time {
            let (from, to) = during(time).ok_or_else(|| BadFault::Time(time.to_owned()))?;
            rule = rule.during(from, to);
        }
        Ok(rule)
    }
}

impl TryFrom<String> for FaultRule {
    type Error = BadFault;

    fn try_from(text: String) -> Result<Self, BadFault> {
        text.parse()
    }
}

/// `2m..5m`.
fn during(text: &str) -> Option<(Duration, Duration)> {
    let (from, to) = text.split_once("..")?;
    let of = |text: &str| Duration::try_from(text.parse::<SignedDuration>().ok()?).ok();
    let (from, to) = (of(from)?, of(to)?);
    (from < to).then_some((from, to))
}

fn service(name: &str) -> Result<Service, BadFault> {
    Ok(match name {
        "ecs" => Service::Ecs,
        "elbv2" => Service::Elbv2,
        "cloudwatch" => Service::CloudWatch,
        "logs" => Service::Logs,
        "sts" => Service::Sts,
        _ => return Err(BadFault::Service(name.to_owned())),
    })
}

fn kind(name: &str) -> Result<Fault, BadFault> {
    let slow = name.strip_prefix("slow-").and_then(|millis| millis.parse().ok());
    Ok(match (name, slow) {
        ("throttle", _) => Fault::Throttle,
        ("500", _) => Fault::ServerError,
        ("denied", _) => Fault::Deny,
        ("expired", _) => Fault::Expire,
        ("reset", _) => Fault::Drop,
        ("hang", _) => Fault::Hang,
        ("garbage", _) => Fault::Garbage,
        ("lost-answer", _) => Fault::ApplyThenHang,
        (_, Some(millis)) => Fault::Delay { millis },
        _ => return Err(BadFault::Kind(name.to_owned())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_with_its_calls_its_fraction_and_its_kind() {
        let throttled = FaultRule::new(Fault::Throttle);
        let table = [
            ("*:throttle", throttled.clone()),
            ("*.*=1:throttle", throttled.clone().fraction(1.0)),
            ("ecs.*=0.3:500", FaultRule::new(Fault::ServerError).service(Service::Ecs).fraction(0.3)),
            (
                "elbv2.ModifyRule:lost-answer",
                FaultRule::new(Fault::ApplyThenHang).service(Service::Elbv2).operations(&["ModifyRule"]),
            ),
            ("*@30s..2m:reset", FaultRule::new(Fault::Drop).during(Duration::from_secs(30), Duration::from_mins(2))),
            ("Describe*:slow-250", FaultRule::new(Fault::Delay { millis: 250 }).operations(&["Describe*"])),
        ];
        for (text, rule) in table {
            assert_eq!(text.parse(), Ok(rule), "{text}");
        }
    }

    #[test]
    fn what_is_no_fault_is_told_with_what_would_be() {
        let table = [
            ("", BadFault::Shape),
            ("throttle", BadFault::Shape),
            (":throttle", BadFault::Shape),
            ("s3.*:throttle", BadFault::Service("s3".to_owned())),
            ("*:slow-", BadFault::Kind("slow-".to_owned())),
            ("*:explode", BadFault::Kind("explode".to_owned())),
            ("*=2:hang", BadFault::Fraction("2".to_owned())),
            ("*@5m:hang", BadFault::Time("5m".to_owned())),
            ("*@5m..2m:hang", BadFault::Time("5m..2m".to_owned())),
            ("*=NaN:hang", BadFault::Fraction("NaN".to_owned())),
        ];
        for (text, wrong) in table {
            assert_eq!(text.parse::<FaultRule>(), Err(wrong), "{text}");
        }
    }
}
