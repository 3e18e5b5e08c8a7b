//! The audit: who did what, when and why, and what AWS said. JSON lines, only ever appended.

pub(crate) mod history;

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use etcetera::BaseStrategy;
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::console::state::operation::OperationOutcome;
use crate::domain::ecs::names::Identity;
use crate::domain::fault::Fault;
use crate::domain::plan::{Call, Plan, Receipt};
use crate::domain::release::share::Percent;

#[cfg(test)]
mod tests;

pub use self::history::recall;

/// The `schema` of each line.
pub const SCHEMA: &str = "tidegate.audit/1";

/// Where the audit is: `TIDEGATE_STATE_DIR`, else `tidegate` in the user's state directory (XDG_STATE_HOME).
pub fn default_path() -> Result<PathBuf, String> {
    if let Some(dir) = std::env::var_os("TIDEGATE_STATE_DIR").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(dir).join("audit.jsonl"));
    }
    let base = etcetera::choose_base_strategy().map_err(|error| error.to_string())?;
    let state = base.state_dir().unwrap_or_else(|| base.data_dir());
    Ok(state.join("tidegate").join("audit.jsonl"))
}

/// How an act was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// A key in the console.
    Key,
    /// The console by itself, once it was told to.
    Automatic,
    /// A command.
    Command,
}

/// Who ordered a plan, how and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// STS's answer; `None` where it could not be read.
    pub who: Option<Identity>,
    /// A key or a command.
    pub via: Via,
    /// `--reason`, or the key.
    pub why: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// The operator said yes to the plan.
    Ordered,
    /// A call goes on the wire.
    Call,
    /// AWS took it.
    Answer,
    /// It is not known whether AWS took it.
    Unknown,
    /// What was expected has been read back.
    Verified,
    /// The operation is over.
    Ended,
}

/// One line. What does not belong to its event is left out.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    pub(super) schema: &'static str,
    pub(super) at: Timestamp,
    pub(super) operation: &'a str,
    pub(super) event: Event,
    pub(super) who: Option<&'a Identity>,
    pub(super) via: Via,
    pub(super) environment: &'a str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) release: &'a str,
    pub(super) intent: &'static str,
    /// From 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) plan: Option<&'a Plan>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) call: Option<&'a Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) fault: Option<&'a Fault>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'a str>,
    /// What was read back, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) read_back: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'a OperationOutcome>,
    /// The canary's share that is so now, percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) share: Option<Percent>,
    /// Milliseconds, as the operator lived them: since the call was sent, or since the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) took_ms: Option<u64>,
}

impl<'a> Line<'a> {
    /// A line with what every line has.
    pub fn new(at: Timestamp, operation: &'a str, event: Event, plan: &'a Plan, order: &'a Order) -> Self {
        let ordered = event == Event::Ordered;
        Self {
            schema: SCHEMA,
            at,
            operation,
            event,
            who: order.who.as_ref(),
            via: order.via,
            environment: &plan.place.environment,
            account: &plan.place.account,
            region: &plan.place.region,
            release: &plan.release,
            intent: plan.intent.verb(),
            step: None,
            why: order.why.as_deref().filter(|_| ordered),
            plan: ordered.then_some(plan),
            call: None,
            request_id: None,
            answer: None,
            fault: None,
            note: None,
            read_back: Vec::new(),
            outcome: None,
            share: None,
            took_ms: None,
        }
    }

    /// With AWS's answer.
    pub fn receipt(mut self, receipt: &'a Receipt) -> Self {
        self.request_id = receipt.request_id.as_deref();
        self.answer = Some(&receipt.answer);
        self
    }
}

/// A number for an operation that no other operation on this machine has.
pub fn operation_id(at: Timestamp) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{}-{}-{count}", at.as_millisecond(), std::process::id())
}

/// The audit file, open. A thread of its own writes it, so that no write to AWS waits for a slow disk.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    lines: Option<mpsc::Sender<Job>>,
    trouble: Arc<Mutex<Option<String>>>,
    writer: Option<JoinHandle<()>>,
}

/// A line to write, and whom to tell how that went.
struct Job {
    line: Vec<u8>,
    done: oneshot::Sender<Result<(), String>>,
}

impl Journal {
    /// Opens the file for appending; makes it, readable by its owner alone, where there is none.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file =
            open(path).map_err(|error| format!("the audit file {} cannot be opened: {error}", path.display()))?;
        let (lines, jobs) = mpsc::channel::<Job>();
        let trouble = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&trouble);
        let name = path.display().to_string();
        let write = move || {
            let mut file = file;
            for job in jobs {
                let wrote = append(&mut file, &job.line)
                    .map_err(|error| format!("the audit file {name} cannot be written: {error}"));
                if let Err(error) = &wrote {
                    *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
                }
                // Nobody may be waiting for it.
                let _ = job.done.send(wrote);
            }
        };
        let writer = std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(write)
            .map_err(|error| format!("the audit has no thread to be written by: {error}"))?;
        Ok(Self { path: path.to_owned(), lines: Some(lines), trouble, writer: Some(writer) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What went wrong with the last write that failed; asked once, told once.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Hands a line over to be written. The receiver tells when it is on the disk, or why it is not.
    pub fn write(&self, line: &Line<'_>) -> oneshot::Receiver<Result<(), String>> {
        let (done, written) = oneshot::channel();
        // Whatever AWS said, JSON escapes its line breaks and control characters: a line stays a line.
        match (serde_json::to_vec(line), &self.lines) {
            (Ok(mut line), Some(lines)) => {
                line.push(b'\n');
                // A thread that is gone drops `done`, and whoever waits for it sees that.
                let _ = lines.send(Job { line, done });
            }
            (Err(error), _) => {
                let _ = done.send(Err(format!("a line of the audit cannot be written: {error}")));
            }
            (Ok(_), None) => {}
        }
        written
    }
}

impl Drop for Journal {
    /// Waits until everything that was handed over is on the disk.
    fn drop(&mut self) {
        drop(self.lines.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    // A console that died in the middle of a line must not spoil the next one.
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            append(&mut file, b"\n")?;
        }
    }
    Ok(file)
}

/// One write for a line: what two consoles append at once does not mix.
fn append(file: &mut File, line: &[u8]) -> io::Result<()> {
    file.write_all(line)?;
    file.sync_data()
}
