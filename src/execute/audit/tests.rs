use super::history::recall;
use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::domain::ecs::names::{Location, ServiceKey, TaskDefinitionArn};
use crate::domain::history::History;
use crate::domain::plan::{Before, Intent};

fn plan(account: &str, release: &str, share: f64, settled: bool) -> Plan {
    Plan {
        revision: None,
        release: release.to_owned(),
        place: Location { environment: "prod".into(), account: account.into(), region: "us-east-1".into() },
        intent: Intent::Finish,
        title: String::new(),
        steps: Vec::new(),
        gate: None,
        warnings: Vec::new(),
        share: Percent::new(share).ok(),
        before: vec![Before {
            service: ServiceKey::new("prod", release),
            task_definition: TaskDefinitionArn::new(format!("arn:aws:ecs:us-east-1:{account}:task-definition/x:7")),
            settled,
        }],
    }
}

const ACCOUNT: &str = "123456789012";

fn order() -> Order {
    let who = Identity { account: ACCOUNT.into(), arn: format!("arn:aws:iam::{ACCOUNT}:user/ana") };
    Order { who: Some(who), via: Via::Command, why: Some("a\nb\u{1b}[2J".into()) }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

/// An operation from its order to its end, as perform writes it.
fn write(journal: &Journal, plan: &Plan, second: i64, outcome: &OperationOutcome) {
    let order = order();
    drop(journal.write(&Line::new(at(second), "1", Event::Ordered, plan, &order)));
    let share = plan.share.filter(|_| *outcome == OperationOutcome::Done);
    let ended = Line::new(at(second + 1), "1", Event::Ended, plan, &order);
    drop(journal.write(&Line { outcome: Some(outcome), share, ..ended }));
}

#[test]
fn lines_stay_lines_and_only_the_owner_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state/audit.jsonl");
    drop(
        Journal::open(&path)
            .map(|journal| write(&journal, &plan(ACCOUNT, "checkout", 10.0, true), 0, &OperationOutcome::Done)),
    );
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains('\u{1b}'));
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["schema"], SCHEMA);
    assert_eq!(first["event"], "ordered");
    assert_eq!(first["who"]["arn"], format!("arn:aws:iam::{ACCOUNT}:user/ana"));
    assert_eq!(first["why"], "a\nb\u{1b}[2J");
    assert_eq!(first["plan"]["before"][0]["service"]["service"], "checkout");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_file_that_others_could_read_is_closed_to_them_and_half_a_line_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    fs::write(&path, "{\"schema\":\"tidegate.au").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    drop(
        Journal::open(&path)
            .map(|journal| write(&journal, &plan(ACCOUNT, "a", 10.0, true), 0, &OperationOutcome::Done)),
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let recalled = recall(&path, &plan(ACCOUNT, "a", 1.0, true).place, at(3600));
    assert_eq!(recalled.requested.get("a").map(|share| share.value()), Some(10.0));
}

#[test]
fn what_cannot_be_opened_is_said_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    let error = Journal::open(dir.path()).unwrap_err();
    assert!(error.contains(&dir.path().display().to_string()), "{error}");
}

#[test]
fn recalls_its_own_place_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let failed = OperationOutcome::Failed { step: 0, reason: "no".into() };
    let journal = Journal::open(&path).unwrap();
    write(&journal, &plan(ACCOUNT, "a", 10.0, true), 0, &OperationOutcome::Done);
    write(&journal, &plan(ACCOUNT, "a", 50.0, false), 10, &failed);
    write(&journal, &plan(ACCOUNT, "b", 50.0, false), 20, &failed);
    write(&journal, &plan("999999999999", "c", 1.0, true), 30, &OperationOutcome::Done);
    drop(journal);
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"garbage\n{}\n\xff\xfe\n").unwrap();
    let recalled = recall(&path, &plan(ACCOUNT, "a", 1.0, true).place, at(3600));
    assert_eq!(recalled.requested, [("a".to_owned(), Percent::new(10.0).unwrap())].into());
    let witnessed: Vec<_> = recalled.healthy.iter().map(|(key, seen)| (key.service.as_str(), seen.len())).collect();
    assert_eq!(witnessed, [("a", 1)]);
    assert_eq!(recall(&dir.path().join("none"), &plan(ACCOUNT, "a", 1.0, true).place, at(3600)), History::default());
}

#[test]
fn only_the_end_of_a_long_file_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let journal = Journal::open(&path).unwrap();
    write(&journal, &plan(ACCOUNT, "old", 10.0, true), 0, &OperationOutcome::Done);
    drop(journal);
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(&vec![b'x'; 2 << 20]).unwrap();
    let journal = Journal::open(&path).unwrap();
    write(&journal, &plan(ACCOUNT, "new", 10.0, true), 10, &OperationOutcome::Done);
    drop(journal);
    let recalled = recall(&path, &plan(ACCOUNT, "a", 1.0, true).place, at(3600));
    assert_eq!(recalled.requested.keys().collect::<Vec<_>>(), ["new"]);
}

#[test]
fn a_line_begins_on_a_line_of_its_own_whoever_tore_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let journal = Journal::open(&path).unwrap();
    write(&journal, &plan(ACCOUNT, "a", 10.0, true), 0, &OperationOutcome::Done);
    // Another console dies in the middle of a line while this one is open.
    let mut other = fs::OpenOptions::new().append(true).open(&path).unwrap();
    while fs::read_to_string(&path).unwrap().lines().count() < 2 {
        std::thread::yield_now();
    }
    other.write_all(b"{\"schema\":\"tidegate.audit/1\",\"at\":").unwrap();
    write(&journal, &plan(ACCOUNT, "b", 50.0, true), 10, &OperationOutcome::Done);
    drop(journal);
    let recalled = recall(&path, &plan(ACCOUNT, "a", 1.0, true).place, at(3600));
    assert_eq!(recalled.requested.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 5);
}

#[test]
fn what_cannot_have_been_written_here_is_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let journal = Journal::open(&path).unwrap();
    let here = plan(ACCOUNT, "a", 10.0, true);
    let elsewhere = |arn: &str| {
        let mut plan = here.clone();
        plan.before[0].task_definition = TaskDefinitionArn::new(arn);
        plan
    };
    // A century ahead, and of revisions of another account, another region, and none.
    write(&journal, &here, 100 * 365 * 86_400, &OperationOutcome::Done);
    write(
        &journal,
        &elsewhere("arn:aws:ecs:us-east-1:999999999999:task-definition/x:7"),
        0,
        &OperationOutcome::Superseded,
    );
    let other_region = format!("arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/x:7");
    write(&journal, &elsewhere(&other_region), 0, &OperationOutcome::Superseded);
    write(&journal, &elsewhere("x:7"), 0, &OperationOutcome::Superseded);
    drop(journal);
    let recalled = recall(&path, &here.place, at(3600));
    assert_eq!((recalled.healthy.len(), recalled.requested.len()), (0, 0), "{recalled:?}");
    // A clock that was set right goes back a little.
    let journal = Journal::open(&path).unwrap();
    write(&journal, &here, 3_650, &OperationOutcome::Done);
    drop(journal);
    assert_eq!(recall(&path, &here.place, at(3600)).healthy.len(), 1);
    // Before AWS has named the account, nothing is of this account.
    let nowhere = Location { account: String::new(), ..here.place.clone() };
    assert_eq!(recall(&path, &nowhere, at(3600)), History::default());
}

#[test]
fn a_link_in_its_place_is_neither_written_nor_read() {
    let dir = tempfile::tempdir().unwrap();
    let (victim, path) = (dir.path().join("victim"), dir.path().join("audit.jsonl"));
    write(&Journal::open(&victim).unwrap(), &plan(ACCOUNT, "a", 10.0, true), 0, &OperationOutcome::Done);
    let before = fs::read(&victim).unwrap();
    symlink(&victim, &path).unwrap();
    let error = Journal::open(&path).unwrap_err();
    assert!(error.contains("audit.jsonl") && error.contains("a symbolic link"), "{error}");
    assert_eq!(fs::read(&victim).unwrap(), before);
    assert_eq!(recall(&path, &plan(ACCOUNT, "a", 1.0, true).place, at(3600)), History::default());
}

#[test]
fn a_full_disk_is_reported_and_ends_nothing() {
    let Ok(full) = fs::OpenOptions::new().read(true).write(true).open("/dev/full") else { return };
    let mut full = full;
    assert!(append(&mut full, b"{}\n").is_err());
}
