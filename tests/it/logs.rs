//! The log of a release, followed on the whole console in paused time, against a simulated AWS that writes log lines.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tidegate::console::keymap::Key;
use tidegate::console::screens::logs::state::BOUNDS;
use tidegate::domain::logs::buffer::LogSide;
use tidegate::domain::logs::counters::{SLOT, whole};
use tidegate::sim::api::{Call, Service};
use tidegate::sim::wire::Backend;

use crate::harness::Harness;

/// The number of lines between two times in the sources that the console reads, counted in the simulated AWS itself.
fn written(stage: &Harness, from: Timestamp, to: Timestamp) -> u64 {
    let mut world = stage.world.clone();
    let mut lines = 0;
    for source in &stage.model.screen.logs.sources.read {
        let mut token = None;
        loop {
            let mut input = json!({
                "logGroupName": source.group,
                "logStreamNamePrefix": source.prefix,
                "startTime": from.as_millisecond(),
                "endTime": to.as_millisecond() - 1,
            });
            if let Some(token) = token {
                input["nextToken"] = token;
            }
            let region = "us-east-1".to_owned();
            let call = Call { service: Service::Logs, operation: "FilterLogEvents".to_owned(), input, region };
            let answer = world.call(&call).unwrap();
            lines += answer["events"].as_array().unwrap().len() as u64;
            match answer.get("nextToken") {
                Some(next) if !next.is_null() => token = Some(next.clone()),
                _ => break,
            }
        }
    }
    lines
}

#[tokio::test]
async fn a_hundred_thousand_lines_a_minute_are_each_counted_once_and_kept_within_bounds() {
    let mut stage = Harness::open("log-storm").await;
    stage.go("checkout").await;
    stage.press("l").await;
    // Three minutes of history first, then one minute while lines are written.
    for second in 0..60 {
        stage.stride(1).await;
        // Keys work while pages are read.
        stage.hit(if second % 2 == 0 { Key::Up } else { Key::End });
    }
    stage.settle().await;
    let logs = &stage.model.screen.logs;
    let from = whole(logs.since().unwrap()) + SignedDuration::from_secs(SLOT);
    // Newer lines may still arrive.
    let to = whole(logs.reach().unwrap() - SignedDuration::from_secs(15));
    let minutes = to.duration_since(from).as_secs_f64() / 60.0;
    assert!(minutes > 2.5, "{from} {to}");
    let sum = |errors: bool| -> u64 {
        let each = [LogSide::Stable, LogSide::Canary, LogSide::Unknown].map(|whose| logs.book.between(whose, from, to));
        each.iter().map(|count| if errors { count.errors } else { count.lines }).sum()
    };
    let truth = written(&stage, from, to);
    assert!(truth as f64 > 100_000.0 * minutes, "{truth} lines in {minutes} minutes are no storm");
    assert_eq!(sum(false), truth);
    let (stable, canary) = (logs.book.all(LogSide::Stable), logs.book.all(LogSide::Canary));
    assert!(canary.errors > 0 && canary.lines < stable.lines, "{stable:?} {canary:?}");
    assert_eq!(logs.book.all(LogSide::Unknown).lines, 0, "every task is known");
    assert!(logs.book.kept() as u64 <= sum(false), "what is old goes");
    assert!(logs.bytes() < BOUNDS.bytes + (8 << 20), "{} bytes", logs.bytes());
    // At most two calls a second, however much there is to read.
    let mut asked: Vec<_> =
        stage.server.log().select(|call| call.operation == "FilterLogEvents").iter().map(|call| call.at).collect();
    asked.sort();
    for (earlier, later) in asked.iter().zip(asked.iter().skip(2)) {
        assert!(later.duration_since(*earlier) >= SignedDuration::from_secs(1), "{earlier} {later}");
    }
}

#[tokio::test]
async fn tasks_that_never_started_have_no_log_and_the_view_says_so() {
    let mut stage = Harness::open("cannot-pull").await;
    stage.go("checkout").await;
    stage.press("l").await;
    for _ in 0..60 {
        stage.stride(1).await;
    }
    assert_eq!(stage.model.screen.logs.book.all(LogSide::Canary).lines, 0);
    assert!(stage.model.screen.logs.book.all(LogSide::Stable).lines > 0);
    let screen = stage.screen(120, 40);
    assert!(screen.contains("canary has no log:") && screen.contains("cannot pull the image"), "{screen}");
}

#[tokio::test]
async fn the_log_of_a_task_that_crashed_ends_with_why() {
    let mut stage = Harness::open("crash-loop").await;
    stage
        .until("a task of payments:18 has failed", |model| {
            model.release("payments").is_some_and(|release| release.ailment.is_some())
        })
        .await;
    stage.go("payments").await;
    stage.press("t\n").await;
    stage.pass(20).await;
    let screen = stage.screen(120, 40);
    assert!(screen.contains("PROVIDER_URL is not set"), "{screen}");
    // Only the log of the newest failed task.
    assert!(stage.model.screen.logs.task.is_some());
}
