//! CloudWatch: recorded minutes, queries over them, and alarms.

pub(crate) mod alarms;
pub(crate) mod latency_histogram;
pub(crate) mod metric_query;
pub(crate) mod metric_store;
