//! The HTTP client for Prometheus: address, timeouts, faults.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use super::answer::{Envelope, Points, Said};
use super::{Question, failed};
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::metrics::Trouble;
use crate::domain::text::clean;
use crate::files;

const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(10);
/// Maximum bytes of a response. One hour of per-second values takes a hundredth of this.
const LARGEST: usize = 4 << 20;

/// Maximum bytes of a token file.
const LARGEST_TOKEN: u64 = 64 << 10;

const OPERATION: &str = "query_range";

/// Base URL of Prometheus: `http://` or `https://`, with an optional path before `/api/v1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Url);

/// Reason why a text is not a valid Prometheus address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Not a URL.
    #[error("is not a URL ({0}); a full one is needed, such as http://127.0.0.1:9090")]
    NotUrl(String),
    /// A scheme other than http and https.
    #[error("begins with {0}://; http:// or https:// is needed, such as http://127.0.0.1:9090")]
    Scheme(String),
    /// A user or password, which would appear on screens and in logs.
    #[error("has a user or password in it, which would be shown; bearer_token_file names a file with a token")]
    Secret,
    /// A query or fragment after the path.
    #[error("has a query or fragment in it; only scheme, host, port and a path before /api/v1 belong there")]
    Extra,
}

impl std::str::FromStr for Address {
    type Err = BadAddress;
    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let url = Url::parse(text).map_err(|error| BadAddress::NotUrl(error.to_string()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadAddress::Secret);
        }
        if !["http", "https"].contains(&url.scheme()) {
            return Err(BadAddress::Scheme(url.scheme().to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BadAddress::Extra);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl Address {
    fn query_range(&self, question: &Question) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/api/v1/query_range", self.0.path().trim_end_matches('/')));
        let range = question.range;
        url.query_pairs_mut()
            .append_pair("query", &question.expression)
            .append_pair("start", &range.first.to_string())
            .append_pair("end", &range.last.to_string())
            .append_pair("step", &range.step.to_string())
            // Prometheus gives up shortly before our own timeout.
            .append_pair("timeout", "9s");
        url
    }
}

pub(super) struct Api {
    address: Address,
    token: Option<PathBuf>,
    client: Client,
    /// Timeout for one query, from connecting to the end of the response.
    pub(super) patience: Duration,
}

impl Api {
    pub(super) fn new(address: Address, token: Option<PathBuf>) -> Result<Self, Fault> {
        let builder = Client::builder().connect_timeout(CONNECT).redirect(Policy::none());
        // Without encryption no CA certificates are needed, so the system need not have any.
        let plain = address.0.scheme() == "http";
        let builder = if plain { builder.tls_certs_only([]) } else { builder };
        match builder.build() {
            Ok(client) => Ok(Self { address, token, client, patience: ANSWER }),
            Err(error) => {
                let advice = "Install the system's CA certificates (ca-certificates), or use http://.";
                Err(fault(&address, FaultKind::Unreachable, root(&error), advice))
            }
        }
    }

    /// Sends one range query. A fault concerns the whole metrics query; a trouble concerns this expression only.
    pub(super) async fn ask(&self, question: &Question) -> Result<Result<Points, Trouble>, Fault> {
        let mut request = self.client.get(self.address.query_range(question)).timeout(self.patience);
        if let Some(token) = self.authorization().await? {
            request = request.header(AUTHORIZATION, token);
        }
        let mut response = request.send().await.map_err(|error| self.unsent(&error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unsent(&error))? {
            if body.len() + chunk.len() > LARGEST {
                let message = format!("gives more than {} MiB; wrap it in sum(…)", LARGEST >> 20);
                return Ok(Err(failed(question.asked, message)));
            }
            body.extend_from_slice(&chunk);
        }
        tracing::debug!(status = %response.status(), asked = %question.asked, "prometheus");
        self.understood(&response, &body, question)
    }

    fn understood(
        &self,
        response: &Response,
        body: &[u8],
        question: &Question,
    ) -> Result<Result<Points, Trouble>, Fault> {
        let status = response.status();
        let said = serde_json::from_slice::<Envelope>(body).map(|envelope| envelope.said(question.asked));
        // A redirect, a refused login or a rate limit concerns every expression, so it is a fault.
        let settled_before = matches!(status.as_u16(), 300..=399 | 401 | 403 | 407 | 429);
        match said {
            Ok(Said::Answer(answer)) if !settled_before => return Ok(answer),
            Ok(Said::Failure(sort, message)) if !settled_before => {
                let advice = "Prometheus had a failure of its own; its log says more. It is asked again.";
                let mut fault = self.fault(FaultKind::Server, message, advice);
                fault.code = Some(sort);
                return Err(fault);
            }
            _ => {}
        }
        let (kind, advice) = refusal(status);
        let message = match response.headers().get("location").filter(|_| status.is_redirection()) {
            Some(to) => format!("it sends us on to {}", clean(&String::from_utf8_lossy(to.as_bytes()))),
            None => format!("its answer is not Prometheus': {}", beginning(body)),
        };
        let mut fault = self.fault(kind, message, advice);
        fault.code = Some(format!("HTTP {}", status.as_u16()));
        Err(fault)
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, Fault> {
        let Some(path) = &self.token else { return Ok(None) };
        let wrong = |what: String| {
            let advice = "prometheus.bearer_token_file has to name a file with the token and nothing else.";
            self.fault(FaultKind::NoCredentials, format!("{}: {what}", path.display()), advice)
        };
        let file = path.clone();
        let read = tokio::task::spawn_blocking(move || files::read_text(&file, LARGEST_TOKEN)).await;
        let token = read.map_err(|error| wrong(error.to_string()))?.map_err(|error| wrong(error.to_string()))?;
        let mut header = HeaderValue::try_from(format!("Bearer {}", token.trim()))
            .map_err(|_| wrong("what is in it cannot be a token".to_owned()))?;
        header.set_sensitive(true);
        Ok(Some(header))
    }

    fn unsent(&self, error: &reqwest::Error) -> Fault {
        let (kind, message) = match (error.is_connect(), error.is_timeout()) {
            (true, true) => (FaultKind::Unreachable, format!("no connection within {CONNECT:?}")),
            (true, false) => (FaultKind::Unreachable, root(error)),
            (false, true) => (FaultKind::Unanswered, format!("no answer within {:?}", self.patience)),
            (false, false) => (FaultKind::Unanswered, root(error)),
        };
        self.fault(kind, message, "Check that Prometheus runs and that prometheus.url leads there from here.")
    }

    pub(super) fn fault(&self, kind: FaultKind, message: impl Into<String>, advice: &str) -> Fault {
        fault(&self.address, kind, message, advice)
    }
}

fn fault(address: &Address, kind: FaultKind, message: impl Into<String>, advice: &str) -> Fault {
    let subject = format!("Prometheus at {address}");
    Fault { advice: advice.to_owned(), ..Fault::new(kind, OPERATION, subject, message) }
}

/// The fault kind and the advice for an HTTP status when Prometheus did not handle the expression itself.
fn refusal(status: StatusCode) -> (FaultKind, &'static str) {
    match status.as_u16() {
        401 | 403 | 407 => (
            FaultKind::Denied,
            "prometheus.bearer_token_file names the file with a token that may read; it is read for each call.",
        ),
        429 => (FaultKind::Throttled, "It is asked less often now; whoever runs it sets the limit."),
        404 => (FaultKind::NotFound, "Check prometheus.url: /api/v1/query_range must be right below it."),
        500..=599 => (FaultKind::Server, "Prometheus, or what stands before it, had a failure. It is asked again."),
        _ => (FaultKind::Garbled, "Check prometheus.url: is it Prometheus that answers there?"),
    }
}

/// The innermost cause: `Connection refused (os error 111)`.
fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    clean(&cause.to_string())
}

/// The beginning of a response, enough to recognise it.
fn beginning(body: &[u8]) -> String {
    let text = clean(String::from_utf8_lossy(body).trim());
    match text.char_indices().nth(100) {
        _ if text.is_empty() => "empty".to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}
