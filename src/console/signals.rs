//! What ends a console from outside.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGXFSZ no longer ends the process: a write beyond the size that a file may have (`ulimit -f`) fails, as on a full
/// disk. Where it cannot be caught it stays as it was.
pub fn survive_file_size_limit() {
    // A flag that nobody reads: what counts is that the signal is caught. What is started from here gets the default back.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Why a console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The operator left.
    ByOperator,
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// The terminal went away (SIGHUP, or it takes no more output).
    TerminalGone,
}

impl Ended {
    /// The exit code that a shell expects: 128 + the signal's number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::ByOperator => 0,
            Self::TerminalGone => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// The signals that end a console.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Starts to listen; from here on these signals no longer end the process by themselves.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of them.
    pub async fn next(&mut self) -> Ended {
        tokio::select! {
            _ = self.interrupt.recv() => Ended::Interrupted,
            _ = self.terminate.recv() => Ended::Terminated,
            _ = self.hangup.recv() => Ended::TerminalGone,
        }
    }
}
