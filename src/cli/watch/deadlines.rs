//! Record of the pauses already reported, and of the time left at each report.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::ecs::deployment::Pause;

/// Times left before a deadline at which a pause is reported again.
const AGAIN: [SignedDuration; 2] = [SignedDuration::from_mins(5), SignedDuration::from_mins(1)];

/// By hook: the number of times in [`AGAIN`] that have passed.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    said: BTreeMap<String, usize>,
}

/// The kind of report that is due for a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PauseNotice {
    /// A new pause.
    New,
    /// A pause near its deadline.
    Near,
}

impl Deadlines {
    /// The reports due for these pauses now. Each report is due only once.
    pub(super) fn due<'a>(&mut self, pauses: &'a [Pause], now: Timestamp) -> Vec<(PauseNotice, &'a Pause)> {
        let mut due = Vec::new();
        for pause in pauses {
            let left = pause.until.map(|until| until.duration_since(now));
            let near = AGAIN.iter().filter(|near| left.is_some_and(|left| left <= **near)).count();
            match self.said.insert(pause.hook.clone(), near) {
                None => due.push((PauseNotice::New, pause)),
                Some(said) if near > said => due.push((PauseNotice::Near, pause)),
                Some(said) => {
                    self.said.insert(pause.hook.clone(), said);
                }
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_said_once_and_twice_more_before_its_deadline() {
        let begun: Timestamp = "2026-11-21T09:00:00Z".parse().unwrap();
        let minutes = SignedDuration::from_mins;
        let pause = |hook: &str, long: Option<i64>| Pause {
            hook: hook.to_owned(),
            until: long.map(|long| begun + minutes(long)),
            then: None,
        };
        let pauses = [pause("a", Some(20)), pause("b", Some(3)), pause("c", None)];
        let mut clock = Deadlines::default();
        let mut said = Vec::new();
        for minute in 0..25 {
            for (due, pause) in clock.due(&pauses, begun + minutes(minute)) {
                said.push((minute, pause.hook.clone(), due));
            }
        }
        let expected = [
            (0, "a", PauseNotice::New),
            (0, "b", PauseNotice::New),
            (0, "c", PauseNotice::New),
            (2, "b", PauseNotice::Near),
            (15, "a", PauseNotice::Near),
            (19, "a", PauseNotice::Near),
        ];
        assert_eq!(said, expected.map(|(minute, hook, due)| (minute, hook.to_owned(), due)));
    }
}
