//! CloudWatch Logs. No line is stored: a line is a function of its task, its container and its second, so that any time
//! range can be read repeatedly with the same result.
//!
//! `source` holds the data that lines are computed from, `stream` computes the lines of a container in a second,
//! `log_writer` formats their text, and `reader` pages through them.

pub(crate) mod groups;
mod log_writer;
pub(crate) mod reader;
pub(crate) mod source;
pub(crate) mod stream;
