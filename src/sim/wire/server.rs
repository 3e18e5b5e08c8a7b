//! The loopback server: one thread with a small runtime of its own, so that neither a busy screen nor a hanging
//! client gets in the way of the other.

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
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::faults;
use super::reply;
use super::reply::Reply;
use super::request;
use super::request::Target;
use super::{Backend, CallLog, CallRecord, Fault, Faults, SimClock};
use crate::sim::api::{Answer, ApiError, Call};
use crate::sim::free_text;

/// No request of ours comes near; a larger one is refused unread.
const MAX_BODY: usize = 1 << 20;
/// How often a running world moves on by itself, so that a request never waits for much to be caught up.
const TICK: Duration = Duration::from_millis(250);

/// The running server. Dropping it closes the port and every connection, and ends its thread.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    log: CallLog,
    faults: Faults,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `backend` on 127.0.0.1, on `port` or on any free one.
    ///
    /// # Errors
    /// When the port is taken, or the thread or its runtime cannot be made.
    pub fn start(backend: impl Backend + 'static, clock: SimClock, port: Option<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0)))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (log, faults, stop) = (CallLog::default(), Faults::default(), CancellationToken::new());
        let desk = Arc::new(Desk {
            backend: Mutex::new(Box::new(backend)),
            clock,
            log: log.clone(),
            faults: faults.clone(),
            sequence: AtomicU64::new(0),
        });
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("embedded-aws".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve(listener, desk, stopped)) {
                tracing::error!(%error, "the embedded AWS could not listen");
            }
        })?;
        Ok(Self { address, log, faults, stop, thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came in so far.
    pub fn log(&self) -> &CallLog {
        &self.log
    }

    /// What shall go wrong.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic in there was reported when it happened.
            let _ = thread.join();
        }
    }
}

/// The connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped on purpose")]
struct Dropped;

async fn serve(listener: TcpListener, desk: Arc<Desk>, stop: CancellationToken) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut tasks = JoinSet::new();
    if desk.clock.is_running() {
        tasks.spawn(Arc::clone(&desk).keep_moving());
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Some(_) = tasks.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { tasks.spawn(Arc::clone(&desk).attend(stream)); }
                // Out of file descriptors, most likely: let some connections end first.
                Err(_) => { let _ = tokio::time::timeout(TICK, stop.cancelled()).await; }
            },
        }
    }
}

/// Where requests are handled.
struct Desk {
    /// Never locked across an await.
    backend: Mutex<Box<dyn Backend>>,
    clock: SimClock,
    log: CallLog,
    faults: Faults,
    sequence: AtomicU64,
}

impl Desk {
    /// Moves the world on at every tick.
    async fn keep_moving(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let desk = Arc::clone(&self);
            let _ = tokio::task::spawn_blocking(move || desk.backend().advance(desk.clock.now())).await;
        }
    }

    /// Serves one connection to its end.
    async fn attend(self: Arc<Self>, stream: TcpStream) {
        // Without it, small answers would wait for the client's delayed acknowledgement.
        let _ = stream.set_nodelay(true);
        let service = service_fn(move |request| Arc::clone(&self).handle(request));
        // A client that breaks off is nobody's failure.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    fn backend(&self) -> MutexGuard<'_, Box<dyn Backend>> {
        self.backend.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the call answered, apart from the thread that reads requests, which never waits for the world.
    async fn call(self: &Arc<Self>, call: Call) -> Answer {
        let desk = Arc::clone(self);
        let answering = tokio::task::spawn_blocking(move || {
            let mut backend = desk.backend();
            backend.advance(desk.clock.now());
            backend.call(&call)
        });
        answering.await.unwrap_or_else(|_| Err(failure()))
    }

    async fn handle(self: Arc<Self>, request: Request<Incoming>) -> Result<Reply, Dropped> {
        let arrived = Instant::now();
        let (head, body) = request.into_parts();
        if matches!(head.method, Method::GET | Method::HEAD) && head.uri.query().is_none() {
            return Ok(reply::greeting());
        }
        let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
            return Ok(reply::too_large());
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
        let (reply, error) = match request {
            Ok(request) => self.answer(&target, request.call, &request_id).await?,
            Err(error) => (reply::refusal(&target, &error, &request_id), Some(error)),
        };
        self.log.answered(sequence, reply.status().as_u16(), error.map(|error| error.code));
        Ok(reply)
    }

    /// The reply to a call, and the error in it, with whatever fault is due.
    async fn answer(
        self: &Arc<Self>,
        target: &Target,
        call: Call,
        id: &str,
    ) -> Result<(Reply, Option<ApiError>), Dropped> {
        if let Some((fault, clearing)) = self.faults.take(call.service, &call.operation) {
            match fault {
                Fault::Delay { millis } => clearing.wait_up_to(millis).await,
                Fault::Hang => {
                    clearing.wait().await;
                    return Err(Dropped);
                }
                Fault::ApplyThenHang => {
                    let _ = self.call(call).await;
                    clearing.wait().await;
                    return Err(Dropped);
                }
                Fault::Drop => return Err(Dropped),
                Fault::MetricStatus { metric, status } => {
                    let input = call.input.clone();
                    let mut answer = self.call(call).await;
                    if let Ok(answer) = &mut answer {
                        faults::mark(&input, answer, &metric, &status);
                    }
                    return Ok((reply::answer(target, &answer, id), answer.err()));
                }
                Fault::InvalidUtf8 => {
                    let mut answer = self.call(call).await;
                    if let Ok(answer) = &mut answer {
                        free_text::each(answer, &mut free_text::mark);
                    }
                    return Ok((reply::broken(reply::answer(target, &answer, id)).await, answer.err()));
                }
                Fault::Html500 => return Ok((reply::html_error(), None)),
                refusing => {
                    if let Some(error) = refusing.error(&call) {
                        return Ok((reply::refusal(target, &error, id), Some(error)));
                    }
                }
            }
        }
        let answer = self.call(call).await;
        Ok((reply::answer(target, &answer, id), answer.err()))
    }
}

/// What AWS says when it breaks.
fn failure() -> ApiError {
    ApiError { status: 500, code: "InternalFailure".to_owned(), message: "An internal error occurred".to_owned() }
}

/// A request id in the form of a UUID; the same one for the same request of each run.
fn request_id(sequence: u64) -> String {
    let bits: u128 = StdRng::seed_from_u64(sequence).random();
    let hex = format!("{bits:032x}");
    let mut id = String::with_capacity(36);
    for (index, digit) in hex.chars().enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        // The version's digit of a random UUID.
        id.push(if index == 12 { '4' } else { digit });
    }
    id
}
