//! A release with metrics from Prometheus.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tidegate::domain::analysis::VerdictStatus;
use tidegate::domain::metrics::source::{CustomMetrics, MetricQueries, MetricSource, Source};
use tidegate::domain::settings::{ServiceSettings, Settings};
use tokio::net::TcpListener;

use crate::harness::Harness;

/// The constant value of an expression; `requests:42` is the requests of :42.
fn value(expression: &str) -> Option<f64> {
    match expression {
        "requests:41" => Some(3_000.0),
        "requests:42" => Some(600.0),
        "errors:41" => Some(3.0),
        "errors:42" => Some(120.0),
        _ => None,
    }
}

/// A Prometheus that returns these values; while `down` is true it fails.
async fn prometheus(down: Arc<AtomicBool>) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let down = down.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let query = request.uri().query().unwrap_or_default().as_bytes();
                let asked: HashMap<String, String> = form_urlencoded::parse(query).into_owned().collect();
                let second = |name: &str| asked[name].parse::<usize>().unwrap();
                let times = (second("start")..=second("end")).step_by(second("step"));
                let values = value(&asked["query"]).map(|value| times.map(move |at| json!([at, value.to_string()])));
                let series: Vec<_> = values
                    .map(|values| json!({ "metric": {}, "values": values.collect::<Vec<_>>() }))
                    .into_iter()
                    .collect();
                let (status, body) = match down.load(Ordering::Relaxed) {
                    false => {
                        (200, json!({ "status": "success", "data": { "resultType": "matrix", "result": series } }))
                    }
                    true => (503, json!({ "status": "error", "errorType": "unavailable", "error": "starting up" })),
                };
                let response = Response::builder().status(status).body(Full::new(Bytes::from(body.to_string())));
                async move { Ok::<_, Infallible>(response.unwrap()) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    url
}

fn settings() -> Settings {
    let recipe = MetricQueries {
        requests: Some("requests:{revision}".to_owned()),
        errors: Some("errors:{revision}".to_owned()),
        ..MetricQueries::default()
    };
    let own = Some(CustomMetrics { source: Source::Prometheus(recipe.into()), seconds: true });
    let mut settings = Settings::default();
    settings.services.insert("checkout".to_owned(), ServiceSettings { own, ..ServiceSettings::default() });
    settings
}

#[tokio::test]
async fn a_canary_that_prometheus_counts_is_judged_by_that_alone() {
    let down = Arc::new(AtomicBool::new(false));
    let mut stage = Harness::with("good-release", settings()).await;
    assert_eq!(stage.release("checkout").verdict.outcome, VerdictStatus::Inconclusive, "nobody has counted yet");
    stage.count_by(&prometheus(down.clone()).await);
    stage.go("checkout").await;
    stage
        .until("a FAIL, though CloudWatch sees nothing wrong", |model| {
            model.release("checkout").is_some_and(|release| release.verdict.outcome == VerdictStatus::Fail)
        })
        .await;
    let judged = &stage.release("checkout").verdict.judged;
    assert!(judged.minutes > 0 && (judged.requests / f64::from(judged.minutes) - 600.0).abs() < 1e-6, "{judged:?}");
    assert!((judged.error_percent.unwrap() - 20.0).abs() < 1e-6, "{judged:?}");
    let canary = stage.release("checkout").canary.clone().unwrap();
    let Some(meter @ MetricSource::Custom(_)) = canary.meter else { panic!("{:?}", canary.meter) };
    let live = |stage: &Harness| stage.model.observed.snapshot.metrics[&meter].get().unwrap().live.len();
    stage
        .until("the open release is read every five seconds", |model| {
            model.observed.snapshot.metrics[&meter].get().is_some_and(|series| series.live.len() == 121)
        })
        .await;

    down.store(true, Ordering::Relaxed);
    stage
        .until("Prometheus' failure, in its own words", |model| {
            model.observed.snapshot.metrics[&meter]
                .fault
                .as_ref()
                .is_some_and(|(_, fault)| fault.message == "starting up")
        })
        .await;
    assert_eq!(live(&stage), 121, "what was read stays, and ages");
    let others = stage.model.observed.releases.iter().filter(|release| release.name != "checkout");
    for meter in others.filter_map(|release| release.stable.meter.as_ref()) {
        assert!(stage.model.observed.snapshot.metrics[meter].fault.is_none(), "CloudWatch goes on for {meter:?}");
    }
    // A rollback waits for no metric source.
    assert_eq!(stage.release("checkout").verdict.outcome, VerdictStatus::Fail);
    let sent = stage.writes().len();
    stage.press("R").await;
    assert_eq!(stage.told()[sent], "ModifyRule checkout-stable=100 checkout-canary=0");
}
