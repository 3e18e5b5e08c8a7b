//! Responses of a loopback server, like those of Prometheus and of proxies before it.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::domain::metrics::TroubleKind;
use crate::domain::metrics::source::MetricQueries;
use crate::testkit::fixed_clock::FixedClock;

/// 2026-11-21T09:00:30Z: thirty seconds into a minute.
const NOW: i64 = 1_795_251_630;
const HOUR: i64 = 1_795_251_600;

/// A received request.
#[derive(Debug, Clone)]
struct Asked {
    path: String,
    authorization: Option<String>,
    parameters: BTreeMap<String, String>,
}

impl Asked {
    fn seconds(&self, name: &str) -> i64 {
        self.parameters[name].parse().unwrap()
    }
}

/// A server that responds to each request with a status, headers and a body.
struct Loopback {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _serving: tokio_util::task::AbortOnDropHandle<()>,
}

/// The body that stands for a response that never comes.
const SILENT: &str = "silent";

type Answer = (u16, Vec<(&'static str, &'static str)>, String);

async fn loopback(answer: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Loopback {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (heard, answer) = (asked.clone(), Arc::new(answer));
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (heard, answer) = (heard.clone(), answer.clone());
            let service = service_fn(move |request: Request<Incoming>| {
                let query = request.uri().query().unwrap_or_default().as_bytes();
                let asked = Asked {
                    path: request.uri().path().to_owned(),
                    authorization: request.headers().get("authorization").map(|it| it.to_str().unwrap().to_owned()),
                    parameters: form_urlencoded::parse(query).into_owned().collect(),
                };
                heard.lock().unwrap().push(asked.clone());
                let (status, headers, body) = answer(&asked);
                let silent = body == SILENT;
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                let response = response.body(Full::new(Bytes::from(body))).unwrap();
                async move {
                    if silent {
                        std::future::pending::<()>().await;
                    }
                    Ok::<_, Infallible>(response)
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    Loopback { url, asked, _serving: tokio_util::task::AbortOnDropHandle::new(serving) }
}

fn prometheus(url: &str, token: Option<PathBuf>) -> Prometheus {
    let now = Timestamp::from_second(NOW).unwrap();
    Prometheus::new(url.parse().unwrap(), token, Arc::new(FixedClock(now))).unwrap()
}

fn meter() -> MetricSource {
    let recipe = MetricQueries {
        requests: Some("requests".to_owned()),
        errors: Some("errors".to_owned()),
        p95: Some("p95".to_owned()),
        ..MetricQueries::default()
    };
    MetricSource::Custom(CustomMetrics { source: Source::Prometheus(recipe.into()), seconds: true })
}

async fn ask(prometheus: &Prometheus, detail: Resolution, minutes: i64) -> Result<Series, Fault> {
    let now = Timestamp::from_second(NOW).unwrap();
    let query = MetricsQuery::last(vec![(meter(), detail)], now, minutes);
    let mut answers = prometheus.minutes(&query).await?;
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].0, meter());
    Ok(answers.remove(0).1)
}

/// A successful response with one series; each value has the seconds before the full hour.
fn values(of: &[(i64, &str)]) -> Answer {
    let values: Vec<_> = of.iter().map(|(before, value)| json!([HOUR - before, value])).collect();
    result(&json!([{ "metric": {}, "values": values }]))
}

fn result(series: &Value) -> Answer {
    let body = json!({ "status": "success", "data": { "resultType": "matrix", "result": series } });
    (200, vec![("content-type", "application/json")], body.to_string())
}

fn said(status: u16, error_type: &str, error: &str) -> Answer {
    let body = json!({ "status": "error", "errorType": error_type, "error": error });
    (status, vec![("content-type", "application/json")], body.to_string())
}

/// Ten requests a minute for the query `requests`, `other` for every other query.
fn or_requests(asked: &Asked, other: Answer) -> Answer {
    if asked.parameters["query"] == "requests" { values(&[(60, "10"), (0, "10")]) } else { other }
}

#[tokio::test]
async fn minutes_are_told_by_what_holds_at_their_end() {
    let server = loopback(|asked| match asked.parameters["query"].as_str() {
        "requests" => values(&[(120, "100"), (60, "200.5"), (0, "300")]),
        "errors" => values(&[(60, "2")]),
        _ => values(&[(120, "0.25"), (60, "NaN"), (0, "+Inf")]),
    })
    .await;
    let series = ask(&prometheus(&server.url, None), Resolution::Brief, 4).await.unwrap();
    assert_eq!((series.troubles.as_slice(), series.live.len()), (&[][..], 0));
    assert_eq!(series.settles_after, SETTLES_AFTER);
    let told: Vec<_> = series
        .minutes
        .iter()
        .map(|minute| (HOUR - minute.at.as_second(), minute.requests, minute.errors(), minute.p95))
        .collect();
    assert_eq!(
        told,
        [
            (180, Some(100.0), Some(0.0), Some(250.0)),
            (120, Some(200.5), Some(2.0), None),
            (60, Some(300.0), Some(0.0), None),
        ],
        "errors absent where requests are present are 0; NaN and infinity are no data; seconds are milliseconds here"
    );
    let asked = server.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 3);
    for asked in asked {
        assert_eq!(asked.path, "/api/v1/query_range");
        // Four minutes, the last of which has not ended.
        assert_eq!((asked.seconds("start"), asked.seconds("end")), (HOUR - 120, HOUR));
        assert_eq!((asked.seconds("step"), asked.authorization), (60, None));
    }
}

#[tokio::test]
async fn the_open_release_is_asked_for_every_five_seconds_too() {
    let server = loopback(|asked| match asked.parameters["query"].as_str() {
        "requests" => values(&[(65, "9"), (60, "10"), (55, "11"), (0, "20"), (-30, "25")]),
        _ => result(&json!([])),
    })
    .await;
    let series = ask(&prometheus(&server.url, None), Resolution::Full, 10).await.unwrap();
    let ends = |minutes: &[Minute]| minutes.iter().map(|minute| HOUR - minute.at.as_second() - 60).collect::<Vec<_>>();
    assert_eq!(ends(&series.minutes), [60, 0]);
    assert_eq!(ends(&series.live), [65, 60, 55, 0, -30], "up to now");
    {
        let asked = server.asked.lock().unwrap();
        assert_eq!(asked.len(), 3, "ten minutes at five seconds have the minutes in them");
        assert!(asked.iter().all(|asked| (asked.seconds("step"), asked.seconds("end")) == (5, NOW)));
        assert!(asked.iter().all(|asked| asked.seconds("start") == NOW - 600));
    }
    let _ = ask(&prometheus(&server.url, None), Resolution::Full, 180).await.unwrap();
    let asked = server.asked.lock().unwrap();
    let steps: BTreeSet<_> = asked[3..].iter().map(|asked| (asked.seconds("step"), asked.seconds("start"))).collect();
    assert_eq!(steps, BTreeSet::from([(5, NOW - 600), (60, HOUR - 178 * 60)]));
}

#[tokio::test]
async fn what_is_no_count_of_errors_is_not_taken_for_none() {
    for (odd, known) in [("NaN", false), ("+Inf", false), ("-3", false), ("0", true)] {
        let server = loopback(move |asked| match asked.parameters["query"].as_str() {
            "errors" => values(&[(0, odd)]),
            _ => or_requests(asked, result(&json!([]))),
        })
        .await;
        let series = ask(&prometheus(&server.url, None), Resolution::Brief, 4).await.unwrap();
        let errors: Vec<_> = series.minutes.iter().map(Minute::errors).collect();
        assert_eq!(errors, [Some(0.0), known.then_some(0.0)], "{odd}");
    }
}

#[tokio::test]
async fn nothing_at_all_is_no_data() {
    let server = loopback(|_| result(&json!([]))).await;
    let series = ask(&prometheus(&server.url, None), Resolution::Full, 10).await.unwrap();
    assert_eq!((series.minutes.len(), series.live.len(), series.troubles.len()), (0, 0, 0));
}

#[tokio::test]
async fn what_is_wrong_with_an_expression_is_said_of_it_in_prometheus_words() {
    let two = json!([{ "metric": { "pod": "a" }, "values": [[HOUR, "1"]] }, { "metric": {}, "values": [] }]);
    let histogram = json!([{ "metric": {}, "histograms": [[HOUR, { "count": "1" }]] }]);
    let table = [
        (result(&two), "gives 2 series, not one; wrap it in sum(…)"),
        (result(&histogram), "gives histograms"),
        (values(&[(0, "many")]), "\"many\", which is no number"),
        (
            said(400, "bad_data", "invalid parameter \"query\": 1:5: parse error: \u{1b}[2J"),
            "1:5: parse error: ·[2J (bad_data)",
        ),
        (said(422, "execution", "multiple matches for labels"), "multiple matches for labels (execution)"),
        (
            said(503, "timeout", "query timed out in expression evaluation"),
            "timed out in expression evaluation (timeout)",
        ),
        ((200, Vec::new(), " ".repeat(5 << 20)), "more than 4 MiB"),
    ];
    for (answer, words) in table {
        let server = loopback(move |asked| or_requests(asked, answer.clone())).await;
        let series = ask(&prometheus(&server.url, None), Resolution::Brief, 4).await.unwrap();
        let told: Vec<_> = series.troubles.iter().map(|trouble| (trouble.metric.as_str(), trouble.kind)).collect();
        assert_eq!(told, [("errors", TroubleKind::Failed), ("p95", TroubleKind::Failed)], "{words}");
        assert_eq!(series.unread, [Member::Errors, Member::P95].into());
        assert!(series.troubles[0].message.contains(words), "{words}: {:?}", series.troubles);
        // The requests are known; unknown errors must not count as none.
        assert_eq!(series.minutes.len(), 2);
        assert!(series.minutes.iter().all(|minute| minute.requests == Some(10.0) && minute.errors().is_none()));
    }
}

#[tokio::test]
async fn a_warning_means_that_a_part_is_missing_but_a_remark_on_style_does_not() {
    for (warning, known) in
        [("fetching from remote storage failed", false), ("PromQL info: metric might not be a counter", true)]
    {
        let server = loopback(move |asked| {
            let (status, headers, body) = values(&[(0, "10")]);
            let mut body: Value = serde_json::from_str(&body).unwrap();
            if asked.parameters["query"] == "errors" {
                body["warnings"] = json!([warning]);
            }
            (status, headers, body.to_string())
        })
        .await;
        let series = ask(&prometheus(&server.url, None), Resolution::Brief, 4).await.unwrap();
        assert_eq!(series.minutes[0].errors().is_some(), known, "{warning}");
        assert_eq!(series.troubles.is_empty(), known, "{warning}");
        assert!(series.troubles.iter().all(|it| it.kind == TroubleKind::Partial && it.message == warning));
    }
}

#[tokio::test]
async fn what_is_wrong_with_prometheus_fails_the_question() {
    let html = "<!doctype html><title>Sign in</title>".to_owned();
    let table: [(Answer, FaultKind, &[&str]); 9] = [
        ((401, vec![], "Unauthorized".into()), FaultKind::Denied, &["Unauthorized", "HTTP 401", "bearer_token_file"]),
        ((403, vec![], String::new()), FaultKind::Denied, &["empty", "HTTP 403"]),
        (said(429, "unavailable", "slow down"), FaultKind::Throttled, &["slow down", "HTTP 429"]),
        ((404, vec![], "404 page not found".into()), FaultKind::NotFound, &["404 page not found", "prometheus.url"]),
        (
            (302, vec![("location", "https://login")], html.clone()),
            FaultKind::Garbled,
            &["sends us on to https://login"],
        ),
        ((200, vec![], html), FaultKind::Garbled, &["<!doctype html>", "is it Prometheus that answers there?"]),
        ((502, vec![], "upstream".into()), FaultKind::Server, &["upstream", "HTTP 502"]),
        (said(503, "unavailable", "Service Unavailable"), FaultKind::Server, &["Service Unavailable", "(unavailable)"]),
        ((200, vec![], "{\"status\":\"success\"}".into()), FaultKind::Server, &["a success without data"]),
    ];
    for (answer, kind, words) in table {
        let server = loopback(move |asked| or_requests(asked, answer.clone())).await;
        let fault = ask(&prometheus(&server.url, None), Resolution::Brief, 4).await.unwrap_err();
        let text = fault.to_string();
        assert_eq!(fault.kind, kind, "{text}");
        assert!(text.contains("query_range Prometheus at http://127.0.0.1:"), "{text}");
        assert!(words.iter().all(|word| text.contains(word)), "{words:?}: {text}");
    }
}

#[tokio::test]
async fn nobody_there_is_said_with_where() {
    // A port that was free a moment ago.
    let url = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let fault = ask(&prometheus(&url, None), Resolution::Brief, 4).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    let text = fault.to_string();
    assert!(text.contains(&url) && text.contains("refused") && text.contains("prometheus.url"), "{text}");
}

#[tokio::test]
async fn whoever_takes_a_call_and_says_nothing_is_not_waited_for_long() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut prometheus = prometheus(&url, None);
    prometheus.api.patience = Duration::from_millis(50);
    let fault = ask(&prometheus, Resolution::Brief, 4).await.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unanswered, "{fault}");
    assert!(fault.message.contains("no answer within 50ms"), "{fault}");
}

#[tokio::test]
async fn an_expression_that_takes_too_long_is_in_trouble_by_itself() {
    let short = Duration::from_millis(200);
    // Either the timeout of one query or that of all queries ends the slow query.
    for (each, all) in [(short, PATIENCE), (PATIENCE, short)] {
        let silent = (200, Vec::new(), SILENT.to_owned());
        let server = loopback(move |asked| match asked.parameters["query"].as_str() {
            "p95" => silent.clone(),
            _ => values(&[(0, "10")]),
        })
        .await;
        let mut prometheus = prometheus(&server.url, None);
        (prometheus.api.patience, prometheus.patience) = (each, all);
        let series = ask(&prometheus, Resolution::Brief, 4).await.unwrap();
        assert_eq!((series.minutes[0].requests, series.minutes[0].errors()), (Some(10.0), Some(10.0)));
        assert_eq!(series.unread, [Member::P95].into());
        assert!(series.troubles[0].message.contains("200ms"), "{:?}", series.troubles);
    }
}

#[tokio::test]
async fn counts_that_cannot_be_read_again_neither_age_nor_settle_what_was_read() {
    let keep = SignedDuration::from_hours(3);
    let server = loopback(|asked| or_requests(asked, values(&[(60, "2"), (0, "2")]))).await;
    let mut known = Series::default();
    let at = |second| Timestamp::from_second(second).unwrap();
    known.merge(&ask(&prometheus(&server.url, None), Resolution::Brief, 4).await.unwrap(), at(NOW), keep);
    let (minutes, read) = (known.minutes.clone(), known.as_of);
    assert_eq!(minutes.len(), 2);
    let warned = |asked: &Asked| {
        let (status, headers, body) = values(&[(60, "1"), (0, "1")]);
        let mut body: Value = serde_json::from_str(&body).unwrap();
        if asked.parameters["query"] != "p95" {
            body["warnings"] = json!(["one store did not answer"]);
        }
        (status, headers, body.to_string())
    };
    let refused = |asked: &Asked| match asked.parameters["query"].as_str() {
        "p95" => values(&[]),
        _ => said(422, "execution", "multiple matches for labels"),
    };
    for answer in [Box::new(warned) as Box<dyn Fn(&Asked) -> Answer + Send + Sync>, Box::new(refused)] {
        let server = loopback(answer).await;
        let newer = ask(&prometheus(&server.url, None), Resolution::Brief, 4).await.unwrap();
        assert!(newer.miscounted());
        known.merge(&newer, at(NOW + 60), keep);
        let counts = |of: &[Minute]| of.iter().map(|it| (it.requests, it.errors())).collect::<Vec<_>>();
        assert_eq!(counts(&known.minutes), counts(&minutes));
        assert_eq!(known.as_of, read);
    }
}

#[tokio::test]
async fn a_token_is_read_for_each_call_and_never_said() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    let server = loopback(|_| (401, Vec::new(), String::new())).await;
    let prometheus = prometheus(&format!("{}/prefix/", server.url), Some(path.clone()));
    let missing = ask(&prometheus, Resolution::Brief, 4).await.unwrap_err();
    assert_eq!(missing.kind, FaultKind::NoCredentials);
    assert!(missing.to_string().contains("bearer_token_file"), "{missing}");
    assert!(server.asked.lock().unwrap().is_empty(), "without its token nothing is asked");
    for token in ["first", "second\n"] {
        std::fs::write(&path, token).unwrap();
        let fault = ask(&prometheus, Resolution::Brief, 4).await.unwrap_err();
        assert!(!fault.to_string().contains(token.trim()), "{fault}");
        let asked = server.asked.lock().unwrap().last().unwrap().clone();
        assert_eq!(asked.authorization, Some(format!("Bearer {}", token.trim())));
        assert_eq!(asked.path, "/prefix/api/v1/query_range");
    }
}

/// The source of [`meter`] with a histogram.
fn with_histogram() -> MetricSource {
    let MetricSource::Custom(CustomMetrics { source: Source::Prometheus(queries), seconds }) = meter() else {
        unreachable!()
    };
    let queries = PrometheusQueries { histogram: Some("buckets".to_owned()), ..queries };
    MetricSource::Custom(CustomMetrics { source: Source::Prometheus(queries), seconds })
}

/// The series of [`with_histogram`] from a server whose histogram is `buckets`.
async fn of_buckets(buckets: Answer, detail: Resolution) -> (Series, Vec<Asked>) {
    let server = loopback(move |asked| match asked.parameters["query"].as_str() {
        "buckets" => buckets.clone(),
        _ => values(&[(60, "10"), (0, "10")]),
    })
    .await;
    let now = Timestamp::from_second(NOW).unwrap();
    let query = MetricsQuery::last(vec![(with_histogram(), detail)], now, 4);
    let mut answers = prometheus(&server.url, None).minutes(&query).await.unwrap();
    let asked = server.asked.lock().unwrap().clone();
    (answers.remove(0).1, asked)
}

/// Series by their label `le`, each with its value at the end of each of two minutes.
fn buckets(of: &[(&str, [&str; 2])]) -> Answer {
    let row = |(le, [before, last]): &(&str, [&str; 2])| {
        let values = json!([[HOUR - 60, before], [HOUR, last]]);
        json!({ "metric": { "le": le }, "values": values })
    };
    result(&of.iter().map(row).collect())
}

#[tokio::test]
async fn the_buckets_of_a_minute_become_its_histogram_in_milliseconds() {
    for detail in [Resolution::Brief, Resolution::Full] {
        let answer = buckets(&[("+Inf", ["10", "20"]), ("0.25", ["4", "5.5"]), ("1", ["8", "NaN"])]);
        let (series, asked) = of_buckets(answer, detail).await;
        let first = series.minutes[0].at;
        let histogram = Histogram::cumulative(vec![(250.0, 4.0), (1_000.0, 8.0), (f64::INFINITY, 10.0)]).unwrap();
        assert_eq!(series.histograms, BTreeMap::from([(first, histogram)]));
        assert_eq!(first, Timestamp::from_second(HOUR - 120).unwrap());
        // The second minute has a bucket that is no count.
        let said = series.troubles.iter().map(|trouble| format!("{}: {}", trouble.metric, trouble.message));
        assert_eq!(said.collect::<Vec<_>>(), ["histogram: has a bucket whose count is no count"]);
        assert!(series.unread.is_empty() && series.minutes.len() == 2);
        let fine = asked.iter().filter(|asked| asked.parameters["query"] == "buckets" && asked.seconds("step") != 60);
        assert_eq!(fine.count(), 0, "nobody looks at buckets live");
    }
}

#[tokio::test]
async fn what_is_no_histogram_is_named_and_the_numbers_stay() {
    let native = result(&json!([{ "metric": {}, "histograms": [[HOUR, { "count": "1", "sum": "1" }]] }]));
    let twice = buckets(&[("1", ["1", "1"]), ("1", ["2", "2"]), ("+Inf", ["3", "3"])]);
    let cases = [
        (native, "gives histograms, not a number for each le; native histograms are not read"),
        (twice, "gives several series with le=1; wrap it in sum by (le) (…)"),
        (values(&[(0, "3")]), "gives a series without a number as its label le"),
        (buckets(&[("1", ["1", "1"])]), "has no bucket le=\"+Inf\""),
        (said(400, "bad_data", "parse error"), "parse error (bad_data)"),
    ];
    for (answer, expected) in cases {
        let (series, _) = of_buckets(answer, Resolution::Brief).await;
        let trouble = series.troubles.first().unwrap();
        assert!(trouble.metric == "histogram" && trouble.message.starts_with(expected), "{trouble:?}");
        assert!(series.histograms.is_empty() && series.unread.is_empty() && !series.miscounted());
        assert_eq!(series.minutes.last().unwrap().requests, Some(10.0));
    }
}
