//! The loopback server. It has its own thread and runtime, so that a busy console and a hanging client never block each
//! other.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::backend::Backend;
use super::call_counts::CallCounts;
use super::call_log::{CallLog, CallRecord};
use super::clock::SimClock;
use super::faults::{self, Clearing, Faults};
use super::quotas::Quotas;
use super::request::{self, Target};
use super::response::{self, HttpResponse};
use crate::sim::api::{Answer, ApiError, Call};
use crate::sim::fault::Fault;
use crate::sim::fuzz_text;

/// Maximum bytes of a request. AWS clients stay far below.
const MAX_BODY: usize = 1 << 20;
/// Interval at which the server advances a running world, so that requests have little time to catch up on.
const TICK: Duration = Duration::from_millis(250);

/// The path at which the server reports the number of requests by operation, as JSON.
const COUNTS: &str = "/calls";

/// The conditions under which the server answers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions {
    /// Time between the arrival of a request and its execution.
    pub latency: Duration,
    /// AWS's request quotas are enforced. They count simulated time.
    pub quotas: bool,
}

/// The running server. Dropping it closes the port and all connections, and ends its thread.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    log: CallLog,
    counts: CallCounts,
    faults: Faults,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `backend` on 127.0.0.1, on `port` or on any free port.
    ///
    /// # Errors
    /// If the port is taken, or the thread or its runtime cannot be created.
    pub fn start(backend: impl Backend + 'static, clock: SimClock, port: Option<u16>) -> io::Result<Self> {
        Self::start_under(Conditions::default(), backend, clock, port)
    }

    /// Serves `backend` under these conditions, as [`Self::start`] does under none.
    ///
    /// # Errors
    /// If the port is taken, or the thread or its runtime cannot be created.
    pub fn start_under(
        conditions: Conditions,
        backend: impl Backend + 'static,
        clock: SimClock,
        port: Option<u16>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (log, counts) = (CallLog::default(), CallCounts::default());
        let (faults, stop) = (Faults::default(), CancellationToken::new());
        let frontend = Arc::new(Frontend {
            backend: Mutex::new(Box::new(backend)),
            began: clock.now(),
            clock,
            conditions,
            quotas: Quotas::default(),
            log: log.clone(),
            counts: counts.clone(),
            faults: faults.clone(),
            sequence: AtomicU64::new(0),
        });
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("embedded-aws".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener, frontend, stopped)) {
                tracing::error!(%error, "the embedded AWS cannot listen");
            }
        })?;
        Ok(Self { address, log, counts, faults, stop, thread: Some(thread) })
    }

    /// The value of `AWS_ENDPOINT_URL`: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The log of requests so far.
    pub fn log(&self) -> &CallLog {
        &self.log
    }

    /// The number of requests so far, by operation.
    pub fn counts(&self) -> &CallCounts {
        &self.counts
    }

    /// The faults that the server injects.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// An error that closes the connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("a fault closes the connection")]
struct Dropped;

async fn serve(listener: TcpListener, frontend: Arc<Frontend>, stop: CancellationToken) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut tasks = JoinSet::new();
    if frontend.clock.is_running() {
        tasks.spawn(Arc::clone(&frontend).keep_time());
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { tasks.spawn(Arc::clone(&frontend).serve_connection(stream)); }
                // Probably out of file descriptors: wait for some connections to end.
                Err(_) => { let _ = tokio::time::timeout(TICK, stop.cancelled()).await; }
            },
        }
    }
}

/// The handler of requests.
struct Frontend {
    /// Never locked across an await.
    backend: Mutex<Box<dyn Backend>>,
    clock: SimClock,
    /// The time of the start.
    began: Timestamp,
    conditions: Conditions,
    quotas: Quotas,
    log: CallLog,
    counts: CallCounts,
    faults: Faults,
    sequence: AtomicU64,
}

impl Frontend {
    /// Advances the backend at every tick.
    async fn keep_time(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let frontend = Arc::clone(&self);
            let _ = tokio::task::spawn_blocking(move || frontend.backend().advance(frontend.clock.now())).await;
        }
    }

    async fn serve_connection(self: Arc<Self>, stream: TcpStream) {
        // With Nagle's algorithm, small responses would wait for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| Arc::clone(&self).handle(request));
        // The only error is a client that disconnects.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    fn backend(&self) -> MutexGuard<'_, Box<dyn Backend>> {
        self.backend.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the backend on a blocking thread, so that the thread that reads requests never waits for it.
    async fn call(self: &Arc<Self>, call: Call) -> Answer {
        let frontend = Arc::clone(self);
        let answering = tokio::task::spawn_blocking(move || {
            let mut backend = frontend.backend();
            backend.advance(frontend.clock.now());
            backend.call(&call)
        });
        answering.await.unwrap_or_else(|_| Err(internal_failure()))
    }

    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Result<HttpResponse, Dropped> {
        let arrived = Instant::now();
        let (head, body) = request.into_parts();
        if matches!(head.method, Method::GET | Method::HEAD) && head.uri.query().is_none() {
            let counts = (head.uri.path() == COUNTS).then(|| response::document(&self.counts.document()));
            return Ok(counts.unwrap_or_else(response::greeting));
        }
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return Ok(response::too_large());
        };
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed) + 1;
        let request_id = request_id(sequence);
        let (target, request) = request::read(&head, &body.to_bytes());
        if let Some(api) = target.api {
            let (call, access_key) = request.as_ref().map_or((None, ""), |read| (Some(&read.call), &read.access_key));
            self.log.push(CallRecord {
                sequence,
                arrived,
                at: self.clock.now(),
                service: api.service,
                operation: target.operation.clone(),
                input: call.map_or(Value::Null, |call| call.input.clone()),
                region: call.map_or_else(String::new, |call| call.region.clone()),
                access_key: access_key.to_owned(),
                request_id: request_id.clone(),
                status: None,
                error: None,
            });
        }
        if !self.conditions.latency.is_zero() {
            tokio::time::sleep(self.conditions.latency).await;
        }
        let (response, error) = match request {
            Ok(request) => self.respond(&target, request.call, &request_id).await?,
            Err(error) => (response::api_error(&target, &error, &request_id), Some(error)),
        };
        if target.api.is_some() {
            self.counts.add(&target.operation, error.as_ref().map(|error| error.code.as_str()));
        }
        self.log.record_answer(sequence, response.status().as_u16(), error.map(|error| error.code));
        Ok(response)
    }

    /// The response to a call and the error that it reports, if any. Injects the fault that applies to the call.
    async fn respond(
        self: &Arc<Self>,
        target: &Target,
        call: Call,
        id: &str,
    ) -> Result<(HttpResponse, Option<ApiError>), Dropped> {
        if self.conditions.quotas
            && let Err(error) = self.quotas.take(call.service, &call.operation, self.clock.now())
        {
            return Ok((response::api_error(target, &error, id), Some(error)));
        }
        let elapsed = self.clock.now().duration_since(self.began).try_into().unwrap_or_default();
        if let Some((fault, clearing)) = self.faults.take(call.service, &call.operation, elapsed) {
            match fault {
                Fault::Delay { millis } => clearing.wait_up_to(millis).await,
                Fault::Html500 => return Ok((response::html_error(), None)),
                Fault::Hang | Fault::ApplyThenHang | Fault::Drop => {
                    return Err(self.drop_call(&fault, call, clearing).await);
                }
                Fault::MetricStatus { metric, status } => {
                    let input = call.input.clone();
                    let mut answer = self.call(call).await;
                    if let Ok(answer) = &mut answer {
                        faults::set_metric_status(&input, answer, &metric, &status);
                    }
                    return Ok((response::answer(target, &answer, id), answer.err()));
                }
                Fault::InvalidUtf8 => {
                    let mut answer = self.call(call).await;
                    if let Ok(answer) = &mut answer {
                        fuzz_text::for_each(answer, &mut fuzz_text::mark);
                    }
                    return Ok((response::corrupted(response::answer(target, &answer, id)).await, answer.err()));
                }
                Fault::Garbage => {
                    let answer = self.call(call).await;
                    return Ok((response::garbled(response::answer(target, &answer, id)), answer.err()));
                }
                Fault::Error { .. } | Fault::Throttle | Fault::Deny | Fault::Expire | Fault::ServerError => {
                    if let Some(error) = fault.error(&call) {
                        return Ok((response::api_error(target, &error, id), Some(error)));
                    }
                }
            }
        }
        let answer = self.call(call).await;
        Ok((response::answer(target, &answer, id), answer.err()))
    }

    /// Ends a call without a response: at once, or when the faults are cleared.
    async fn drop_call(self: &Arc<Self>, fault: &Fault, call: Call, clearing: Clearing) -> Dropped {
        if *fault == Fault::ApplyThenHang {
            let _ = self.call(call).await;
        }
        if *fault != Fault::Drop {
            clearing.wait().await;
        }
        Dropped
    }
}

/// The error of an AWS service that fails internally.
fn internal_failure() -> ApiError {
    ApiError { status: 500, code: "InternalFailure".to_owned(), message: "An internal error occurred".to_owned() }
}

/// A request id in UUID form, derived from the sequence number so that every run has the same ids.
fn request_id(sequence: u64) -> String {
    let bits: u128 = StdRng::seed_from_u64(sequence).random();
    let hex = format!("{bits:032x}");
    let mut id = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        // A random UUID has a 4 as its version digit.
        id.push(if index == 12 { '4' } else { digit });
    }
    id
}
