//! The integration tests: one binary, since each one links the AWS SDK again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod automatic;
mod aws;
#[allow(dead_code, clippy::print_stdout)] // Its `main` is Cargo's, and so is what that prints.
#[path = "../../src/build.rs"]
mod build_script;
mod causes;
mod cells;
mod cli;
mod completion;
mod diff;
mod failing;
mod faulty;
mod happened;
mod harness;
mod help;
mod hostile;
mod judged;
mod logs;
mod machine;
mod mashing;
mod native;
mod pending_rollback;
mod pipelines;
mod prometheus;
mod pty;
mod reach;
mod readme;
mod ready;
mod release;
mod repeats;
mod replay;
mod rooms;
mod schemas;
mod steadiness;
mod targets;
mod topologies;
#[allow(dead_code)] // Its clock is for the bench of the start.
mod tty;
mod two;
mod verdict;
mod version;
mod wire;
mod workflow;
