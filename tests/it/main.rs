//! The integration tests: one binary, since each one links the AWS SDK again.

mod wire;
