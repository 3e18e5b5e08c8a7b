//! The number of requests that the server received, by operation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

/// The requests of one operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCount {
    /// All requests.
    pub calls: u64,
    /// The requests that were answered with a throttling error.
    pub throttled: u64,
    /// The requests that were answered with another error.
    pub failed: u64,
}

/// The requests so far, by operation. Clones share the counts.
#[derive(Debug, Clone, Default)]
pub struct CallCounts(Arc<Mutex<BTreeMap<String, CallCount>>>);

impl CallCounts {
    /// The counts of each operation, by its name.
    pub fn all(&self) -> BTreeMap<String, CallCount> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The counts of all operations together.
    pub fn total(&self) -> CallCount {
        let add = |sum: CallCount, one: CallCount| CallCount {
            calls: sum.calls + one.calls,
            throttled: sum.throttled + one.throttled,
            failed: sum.failed + one.failed,
        };
        self.all().into_values().fold(CallCount::default(), add)
    }

    /// `{"operations": {NAME: {"calls": …, "throttled": …, "failed": …}}, "total": {…}}`.
    pub(super) fn document(&self) -> Value {
        let of = |count: CallCount| json!({"calls": count.calls, "throttled": count.throttled, "failed": count.failed});
        let operations: BTreeMap<_, _> = self.all().into_iter().map(|(name, count)| (name, of(count))).collect();
        json!({"operations": operations, "total": of(self.total())})
    }

    /// The counts as a table, one operation a line, the most frequent first; empty without requests.
    pub fn table(&self) -> String {
        let mut all: Vec<_> = self.all().into_iter().collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(count.calls));
        let line = |name: &str, count: CallCount| {
            format!("{name:<32}{:>9}{:>11}{:>8}", count.calls, count.throttled, count.failed)
        };
        if all.is_empty() {
            return String::new();
        }
        let head = format!("{:<32}{:>9}{:>11}{:>8}", "operation", "calls", "throttled", "failed");
        let lines = all.iter().map(|(name, count)| line(name, *count));
        let lines = std::iter::once(head).chain(lines).chain([line("total", self.total())]);
        lines.collect::<Vec<_>>().join("\n")
    }

    pub(super) fn add(&self, operation: &str, error: Option<&str>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match all.get_mut(operation) {
            Some(count) => count,
            None => all.entry(operation.to_owned()).or_default(),
        };
        count.calls += 1;
        match error {
            None => {}
            Some(code) if code.starts_with("Throttling") => count.throttled += 1,
            Some(_) => count.failed += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throttled_and_failed_requests_are_counted_apart() {
        let counts = CallCounts::default();
        assert_eq!(counts.table(), "");
        for error in [None, None, Some("ThrottlingException"), Some("AccessDeniedException")] {
            counts.add("DescribeServices", error);
        }
        counts.add("DescribeRules", Some("Throttling"));
        assert_eq!(counts.total(), CallCount { calls: 5, throttled: 2, failed: 1 });
        assert_eq!(counts.all()["DescribeServices"], CallCount { calls: 4, throttled: 1, failed: 1 });
        assert_eq!(counts.document()["operations"]["DescribeRules"]["throttled"], 1);
        let table = counts.table();
        let first: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(first, ["DescribeServices", "4", "1", "1"]);
    }
}
