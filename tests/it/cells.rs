//! The calls that R and P send, cell by cell: every strategy in every phase of a deployment, over the wire.

use std::collections::BTreeMap;

use serde_json::Value;
use tidegate::console::dialogs::Dialog;
use tidegate::console::state::Model;
use tidegate::domain::ecs::deployment::DeploymentStatus;
use tidegate::domain::release::Release;
use tidegate::domain::settings::{ServiceSettings, Settings};
use tidegate::sim::scenario::Scenario;

use crate::harness::{Harness, tell};

const NAME: &str = "search";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Rolling,
    BlueGreen,
    Canary,
    Linear,
    /// BLUE_GREEN; the console writes the weights while the deployment waits at POST_TEST_TRAFFIC_SHIFT.
    Weighted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// SUCCESSFUL, with a good deployment before it.
    Finished,
    /// SUCCESSFUL, the first deployment of the service.
    FirstFinished,
    /// SUCCESSFUL; the good revision before it has been deregistered.
    Deregistered,
    /// PENDING.
    Pending,
    /// IN_PROGRESS at this stage; for a strategy without stages, before its tasks are up.
    Stage(&'static str),
    /// A PAUSE hook waits at this stage.
    Paused(&'static str),
    /// A PAUSE hook waits at the same stage again, before the second step.
    PausedAgain,
    /// Two PAUSE hooks wait at one stage.
    TwoPauses,
    /// Paused for weights, with this share written by the console.
    Held(u8),
    RollbackRequested,
    RollbackInProgress,
    /// ROLLBACK_SUCCESSFUL.
    RolledBack,
    /// ROLLBACK_FAILED.
    RollbackFailed,
    /// A newer deployment runs, which STOPPED the one before.
    Superseding,
    /// The newer deployment is SUCCESSFUL by now.
    Superseded,
}

use At::{
    Deregistered, Finished, FirstFinished, Held, Paused, PausedAgain, Pending, RollbackFailed, RollbackInProgress,
    RollbackRequested, RolledBack, Superseded, Superseding, TwoPauses,
};
use By::{BlueGreen, Canary, Linear, Rolling, Weighted};

const ALL: &[By] = &[Rolling, BlueGreen, Canary, Linear, Weighted];
const NATIVE: &[By] = &[BlueGreen, Canary, Linear, Weighted];
const BY_ECS: &[By] = &[BlueGreen, Canary, Linear];
const STEPPED: &[By] = &[Canary, Linear];

const STOP: &[&str] = &["StopServiceDeployment serviceDeploymentArn=IT stopType=ROLLBACK"];
const GO_BACK: &[&str] = &["ContinueServiceDeployment serviceDeploymentArn=IT action=ROLLBACK hook=1"];
const GO_ON: &[&str] = &["ContinueServiceDeployment serviceDeploymentArn=IT action=CONTINUE hook=1"];
const BLUE_THEN_STOP: &[&str] = &["ModifyRule search-blue=100 search-green=0", STOP[0]];
const BLUE_THEN_GO_BACK: &[&str] = &["ModifyRule search-blue=100 search-green=0", GO_BACK[0]];
const AGAIN: &[&str] = &["UpdateService service=search taskDefinition=search:88 forceNewDeployment=true"];

const NOT_WEIGHTED: &[&str] = &["no: search is a rolling service: it has no weights to write."];
const NOTHING_UNDER_WAY: &[&str] = &["no: search has no deployment under way."];
const NOBODY: &[&str] = &["no: search does not wait for anybody: ECS shifts its traffic by itself."];
const NOTHING_GOOD: &[&str] = &["no: No revision of search other than :88 is known to have worked."];
const ALREADY: &[&str] = &["said: search is rolling back already: nothing is sent"];
const TOO_OLD: &[&str] = &["no: search was released on 2026-11-18, more than 24 h ago."];
/// A second rollback sends nothing.
const REACHED: &[&str] = &["said: search was rolled back, and runs :88: nothing is sent"];
const GOING_BACK: &[&str] = &["no: search is rolling back."];

/// Strategies, phase, the calls of R, the calls of P.
type Row = (&'static [By], At, &'static [&'static str], &'static [&'static str]);

#[rustfmt::skip]
const CELLS: &[Row] = &[
    (&[Rolling], Finished,                                 TOO_OLD,           NOT_WEIGHTED),
    (NATIVE,     Finished,                                 TOO_OLD,           NOTHING_UNDER_WAY),
    (&[Rolling], FirstFinished,                            NOTHING_GOOD,      NOT_WEIGHTED),
    (NATIVE,     FirstFinished,                            NOTHING_GOOD,      NOTHING_UNDER_WAY),
    (&[Rolling], Pending,                                  STOP,              NOT_WEIGHTED),
    (NATIVE,     Pending,                                  STOP,              NOBODY),
    (&[Rolling], At::Stage("SCALE_UP"),                    STOP,              NOT_WEIGHTED),
    (NATIVE,     At::Stage("SCALE_UP"),                    STOP,              NOBODY),
    (NATIVE,     Paused("PRE_SCALE_UP"),                   GO_BACK,           GO_ON),
    (NATIVE,     Paused("POST_SCALE_UP"),                  GO_BACK,           GO_ON),
    (BY_ECS,     Paused("POST_TEST_TRAFFIC_SHIFT"),        GO_BACK,           GO_ON),
    (NATIVE,     Paused("PRE_PRODUCTION_TRAFFIC_SHIFT"),   GO_BACK,           GO_ON),
    (STEPPED,    PausedAgain,                              GO_BACK,           GO_ON),
    (NATIVE,     TwoPauses,                                GO_BACK,           &[GO_ON[0], "ContinueServiceDeployment serviceDeploymentArn=IT action=CONTINUE hook=2"]),
    (BY_ECS,     At::Stage("PRODUCTION_TRAFFIC_SHIFT"),    STOP,              NOBODY),
    (&[Weighted], At::Stage("PRODUCTION_TRAFFIC_SHIFT"),   BLUE_THEN_STOP,    NOBODY),
    (BY_ECS,     Paused("POST_PRODUCTION_TRAFFIC_SHIFT"),  GO_BACK,           GO_ON),
    (&[Weighted], Paused("POST_PRODUCTION_TRAFFIC_SHIFT"), BLUE_THEN_GO_BACK, GO_ON),
    (BY_ECS,     At::Stage("BAKE_TIME"),                   STOP,              NOBODY),
    (&[Weighted], At::Stage("BAKE_TIME"),                  BLUE_THEN_STOP,    NOBODY),
    // Blue's tasks are stopping: ECS starts new ones before it shifts, and users stay on green until then.
    (NATIVE,     At::Stage("CLEAN_UP"),                    STOP,              NOBODY),
    (&[Rolling], RollbackRequested,                        ALREADY,           NOT_WEIGHTED),
    (NATIVE,     RollbackRequested,                        ALREADY,           GOING_BACK),
    (&[Rolling], RollbackInProgress,                       ALREADY,           NOT_WEIGHTED),
    (NATIVE,     RollbackInProgress,                       ALREADY,           GOING_BACK),
    (&[Rolling], RolledBack,                               REACHED,           NOT_WEIGHTED),
    (NATIVE,     RolledBack,                               REACHED,           NOTHING_UNDER_WAY),
    // The revision that ECS could not bring back is deployed again, not the revision before it.
    (&[Rolling], RollbackFailed,                           AGAIN,             NOT_WEIGHTED),
    (NATIVE,     RollbackFailed,                           AGAIN,             NOTHING_UNDER_WAY),
    (&[Rolling], Superseding,                              STOP,              NOT_WEIGHTED),
    (NATIVE,     Superseding,                              STOP,              NOBODY),
    // The rollback skips the stopped deployment and goes to the revision before it.
    (&[Rolling], Superseded,                               &["UpdateService service=search taskDefinition=search:88"], NOT_WEIGHTED),
    (NATIVE,     Superseded,                               &["UpdateService service=search taskDefinition=search:88"], NOTHING_UNDER_WAY),
    (&[Weighted], Held(0),                                 GO_BACK,           &["ModifyRule search-blue=99 search-green=1"]),
    (&[Weighted], Held(1),                                 BLUE_THEN_GO_BACK, &["ModifyRule search-blue=90 search-green=10"]),
    (&[Weighted], Held(10),                                BLUE_THEN_GO_BACK, &["ModifyRule search-blue=0 search-green=100"]),
    (&[Weighted], Held(100),                               BLUE_THEN_GO_BACK, GO_ON),
];

/// The scenario with one service, `search:88`, deployed by the strategy. Its events lead to the phase.
pub(crate) fn world(by: By, at: At) -> Scenario {
    let strategy = match by {
        Rolling => "strategy = 'ROLLING'",
        BlueGreen | Weighted => "strategy = 'BLUE_GREEN', bake_minutes = 2",
        Canary => "strategy = 'CANARY', step_percent = 10, step_bake_minutes = 1, bake_minutes = 2",
        Linear => "strategy = 'LINEAR', step_percent = 40, step_bake_minutes = 1, bake_minutes = 2",
    };
    let pauses = match at {
        Paused(stage) => vec![stage],
        Held(_) => vec!["POST_TEST_TRAFFIC_SHIFT"],
        PausedAgain => vec!["PRE_PRODUCTION_TRAFFIC_SHIFT"],
        TwoPauses => vec!["POST_SCALE_UP", "POST_SCALE_UP"],
        _ => Vec::new(),
    };
    let pauses: Vec<_> = pauses.iter().map(|stage| format!("{{ stages = ['{stage}'] }}")).collect();
    let groups = match by {
        Rolling => "target_group = 'search-blue'",
        _ => "target_group = 'search-blue'\nalternate_target_group = 'search-green'\nproduction_rule = 'search'",
    };
    let past = match at {
        FirstFinished => "[]",
        RollbackFailed => {
            "[{ task_definition = 'search:89', ago = '2h', outcome = 'rollback_failed' }, { task_definition = 'search:87', ago = '9d' }]"
        }
        _ => "[{ task_definition = 'search:87', ago = '9d' }]",
    };
    let update = |at: u32, to: u32| {
        format!("[[event]]\nat = '{at}s'\nupdate_service = {{ service = 'search', task_definition = 'search:{to}' }}\n")
    };
    let stop = |at: u32| format!("[[event]]\nat = '{at}s'\nstop_deployment = {{ service = 'search' }}\n");
    let events = match at {
        Finished | FirstFinished | Deregistered | RollbackFailed => String::new(),
        RollbackRequested | RollbackInProgress | RolledBack => update(6, 89) + &stop(STOPPED_AT),
        Superseding | Superseded => update(6, 89) + &update(16, 90),
        _ => update(BEGUN_AT, 89),
    };
    let deregistered = at == Deregistered;
    let forward = if by == Rolling { "search-blue = 100" } else { "search-blue = 100, search-green = 0" };
    let text = format!(
        "name = 'cell'\nsummary = 'one cell'\nwarmup = '1m'\n\
         [listener.http]\nport = 80\ndefault = {{ fixed_response = 404 }}\n\
         [rule.search]\npriority = 20\npath = ['/search*']\naction = {{ forward = {{ {forward} }} }}\nrps = 4\n\
         [target_group.search-blue]\ninterval_seconds = 5\n[target_group.search-green]\ninterval_seconds = 5\n\
         [family.search]\ntraits = {{ pull_seconds = 3, start_seconds = 2 }}\nrevision = [\
         {{ number = 87, tag = '7', age = '9d', inactive = {deregistered} }}, {{ number = 88, tag = '8', age = '3d' }}, \
         {{ number = 89, tag = '9', age = '1h' }}, {{ number = 90, tag = '10', age = '1h' }}]\n\
         [service.search]\ntask_definition = 'search:88'\ndesired = 2\ndeployed = '3d'\n{groups}\npast = {past}\n\
         deployment = {{ {strategy}, pause = [{}] }}\n{events}",
        pauses.join(", ")
    );
    Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Seconds from the start to the beginning of the deployment and of the stop: PENDING and ROLLBACK_REQUESTED last two
/// seconds.
const BEGUN_AT: u32 = 6;
const STOPPED_AT: u32 = 26;

fn release(model: &Model) -> &Release {
    model.release(NAME).unwrap()
}

fn status(model: &Model) -> Option<&DeploymentStatus> {
    release(model).deployment.as_ref().map(|deployment| &deployment.status)
}

/// Opens the service's screen in a console and waits for the phase.
#[expect(clippy::too_many_lines, reason = "a case for each phase")]
pub(crate) async fn reach(by: By, at: At) -> Harness {
    let own = ServiceSettings { native_weighted: by == Weighted, ..ServiceSettings::default() };
    let settings = Settings { services: BTreeMap::from([(NAME.to_owned(), own)]), ..Settings::default() };
    let mut stage = Harness::on(&world(by, at), settings).await;
    stage.go(NAME).await;
    let what = format!("{by:?} {at:?}");
    let paused = |model: &Model| !release(model).pauses.is_empty();
    match at {
        Finished | FirstFinished | Deregistered | RollbackFailed => {}
        Pending | RollbackRequested => {
            let second = if at == Pending { BEGUN_AT } else { STOPPED_AT };
            stage.pass_to(second - 1).await;
            stage.press("r").await;
        }
        // The stage lasts only a few seconds if all the traffic shifts at once.
        At::Stage("PRODUCTION_TRAFFIC_SHIFT") => {
            stage.until(&what, |model| release(model).stage.is_some()).await;
            while stage.release(NAME).stage != Some("PRODUCTION_TRAFFIC_SHIFT".into()) {
                assert!(stage.release(NAME).stage.is_some(), "{what} is over");
                stage.press("r").await;
            }
        }
        At::Stage(wanted) => {
            stage
                .until(&what, |model| match by {
                    Rolling => release(model).stable.rolling,
                    _ => release(model).stage == Some(wanted.into()),
                })
                .await;
        }
        Paused(wanted) => {
            stage.until(&what, paused).await;
            assert_eq!(stage.release(NAME).stage, Some(wanted.into()));
        }
        TwoPauses => stage.until(&what, |model| release(model).pauses.len() == 2).await,
        PausedAgain => {
            stage.until(&what, paused).await;
            let first = stage.release(NAME).pauses.clone();
            stage.settle().await;
            stage.press("Py").await;
            stage.until(&what, |model| paused(model) && release(model).pauses != first).await;
        }
        Held(share) => {
            stage.until(&what, paused).await;
            stage.settle().await;
            for _ in [1, 10, 100].iter().take_while(|step| **step <= share) {
                stage.step().await;
            }
            // A P right after them would belong to their burst.
            stage.stride(12).await;
            let configured = stage.release(NAME).share.configured;
            assert_eq!(configured.map(|share| share.value()), Some(share.into()), "{}", stage.screen(120, 40));
        }
        RollbackInProgress => {
            stage.until(&what, |model| status(model) == Some(&DeploymentStatus::RollbackInProgress)).await;
        }
        RolledBack => {
            stage.until(&what, |model| status(model) == Some(&DeploymentStatus::RollbackSuccessful)).await;
        }
        Superseding | Superseded => {
            let newer = |model: &Model| {
                let newest = release(model).deployment.as_ref().and_then(|newest| newest.task_definition());
                newest.is_some_and(|newest| newest.short() == "search:90")
            };
            let over = |model: &Model| status(model) == Some(&DeploymentStatus::Successful);
            stage.until(&what, |model| newer(model) && over(model) == (at == Superseded)).await;
        }
    }
    stage.settle().await;
    stage
}

/// The calls that a key sends, or the text of the refusal. A dialog is confirmed with `y`.
async fn press(stage: &mut Harness, key: &str) -> Vec<String> {
    let before = stage.release(NAME).clone();
    let sent = stage.writes().len();
    stage.press(key).await;
    match &stage.model.screen.dialog {
        Some(Dialog::Refused { refusal, .. }) => return vec![format!("no: {}", refusal.reason)],
        Some(Dialog::Confirm(_)) => stage.press("y").await,
        Some(other) => panic!("{other:?}"),
        None => {}
    }
    let told: Vec<_> =
        stage.writes()[sent..].iter().map(|(operation, input)| line(&before, operation, input)).collect();
    if told.is_empty() { vec![said(stage)] } else { told }
}

/// The text of the status line, without its time and advice.
fn said(stage: &Harness) -> String {
    let text = stage.model.screen.notice.as_ref().map_or("", |notice| notice.text.as_str());
    let text = text.split(';').next().unwrap_or_default();
    let words = text.split(' ').collect::<Vec<_>>();
    let timed = words.iter().position(|word| word.ends_with("Z,")).filter(|at| *at > 0);
    let without =
        timed.map_or(text.to_owned(), |at| [&words[..at - 1].join(" "), ", ", &words[at + 1..].join(" ")].concat());
    format!("said: {without}")
}

/// A write in one line. IT stands for the deployment that was on the screen; hooks have their numbers on the screen.
fn line(before: &Release, operation: &str, input: &Value) -> String {
    assert_ne!(input["stopType"], "ABORT");
    assert!(input["desiredCount"].is_null(), "{input}");
    let mut told = tell(operation, input);
    if let Some(revision) = input["taskDefinition"].as_str() {
        assert!(
            revision.starts_with("arn:aws:ecs:us-east-1:123456789012:task-definition/"),
            "the full ARN: {revision}"
        );
    }
    if let Some(shown) = &before.newest().deployment
        && input["serviceDeploymentArn"] == shown.as_str()
    {
        told = told.replace(shown.name(), "IT");
    }
    if let Some(hook) = input["hookId"].as_str() {
        let known = before.pauses.iter().position(|pause| pause.hook == hook);
        told += &known.map_or(" hook=unknown".to_owned(), |index| format!(" hook={}", index + 1));
    }
    told
}

/// Checks every cell of a strategy, and reports all differences at once.
async fn check(by: By) {
    let mut wrong = Vec::new();
    for (_, at, on_r, on_p) in CELLS.iter().filter(|(strategies, ..)| strategies.contains(&by)) {
        let mut stage = reach(by, *at).await;
        let told = press(&mut stage, "P").await;
        if told != *on_p {
            wrong.push(format!("{by:?} {at:?} P: {told:#?}, not {on_p:#?}"));
        }
        // A refusal changes nothing, so the same world is used again.
        if stage.model.screen.dialog.take().is_none() {
            stage = reach(by, *at).await;
        }
        let told = press(&mut stage, "R").await;
        if told != *on_r {
            wrong.push(format!("{by:?} {at:?} R: {told:#?}, not {on_r:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn rolling() {
    check(Rolling).await;
}

#[tokio::test]
async fn blue_green() {
    check(BlueGreen).await;
}

#[tokio::test]
async fn canary() {
    check(Canary).await;
}

#[tokio::test]
async fn linear() {
    check(Linear).await;
}

#[tokio::test]
async fn native_weighted() {
    check(Weighted).await;
}

#[test]
fn every_phase_has_its_cell_for_every_strategy() {
    let rows = |by: By| CELLS.iter().filter(move |(strategies, ..)| strategies.contains(&by)).map(|(_, at, ..)| at);
    for by in ALL {
        let mut seen = Vec::new();
        for at in rows(*by) {
            assert!(!seen.contains(&at), "{by:?} {at:?} twice");
            seen.push(at);
        }
    }
    // The strategies with ECS stages have the same phases, except for the phases of their steps.
    let steps = |at: &&At| !matches!(at, PausedAgain | Held(_) | Paused("POST_TEST_TRAFFIC_SHIFT"));
    let blue_green: Vec<_> = rows(BlueGreen).filter(steps).collect();
    for by in [Canary, Linear, Weighted] {
        assert_eq!(rows(by).filter(steps).collect::<Vec<_>>(), blue_green, "{by:?}");
    }
}
