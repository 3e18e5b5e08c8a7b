//! Samples, and the table that prints them.
#![allow(clippy::print_stdout)]

use std::time::Duration;

/// Durations of one kind.
#[derive(Default)]
pub(crate) struct Samples(Vec<Duration>);

impl Samples {
    pub(crate) fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    #[allow(dead_code, reason = "each bench uses a part of this")]
    pub(crate) fn extend(&mut self, samples: impl IntoIterator<Item = Duration>) {
        self.0.extend(samples);
    }

    /// The smallest sample that is at least as large as this share (0 to 1) of all samples, without interpolation.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// The options passed by cargo: `cargo bench` passes `--bench`, and `-- --check` turns an exceeded limit into a
/// failure. Without `--bench`, as from `cargo test --all-targets`, a bench runs only two rounds.
pub(crate) struct Wish {
    pub rounds: usize,
    pub check: bool,
}

impl Wish {
    pub(crate) fn new(rounds: usize) -> Self {
        let asked = |flag: &str| std::env::args().any(|word| word == flag);
        Self { rounds: if asked("--bench") { rounds } else { 2 }, check: asked("--check") }
    }

    /// Prints each line and returns the process's exit code.
    pub(crate) fn report(&self, title: &str, lines: &[Line<'_>]) -> std::process::ExitCode {
        let build = if cfg!(debug_assertions) { "unoptimized build" } else { "optimized build" };
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let load = load.split(' ').next().filter(|load| !load.is_empty()).map_or(String::new(), |load| {
            format!(", load {load} on {} processors", std::thread::available_parallelism().map_or(0, usize::from))
        });
        println!("{title} ({build}{load})");
        println!("{:<44} {:>6} {:>9} {:>9} {:>9}   limit", "ms", "n", "p50", "p99", "max");
        let ms = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1e3);
        let mut over = false;
        for Line { what, samples, limit } in lines {
            let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| samples.quantile(share));
            let verdict = limit.map_or(String::new(), |limit| {
                let limit = if cfg!(debug_assertions) { limit * UNOPTIMIZED } else { limit };
                over |= p99 > limit;
                format!("p99 <= {}{}", ms(limit), if p99 > limit { "  OVER" } else { "" })
            });
            let n = samples.0.len();
            println!("{what:<44} {n:>6} {:>9} {:>9} {:>9}   {verdict}", ms(p50), ms(p99), ms(max));
        }
        if over && self.check { std::process::ExitCode::FAILURE } else { std::process::ExitCode::SUCCESS }
    }
}

/// Factor on the limits for an unoptimized build: the limits are for the released program.
const UNOPTIMIZED: u32 = 3;

/// A line of the table.
pub(crate) struct Line<'a> {
    pub what: &'a str,
    pub samples: &'a Samples,
    /// Limit of the 99th percentile.
    pub limit: Option<Duration>,
}
