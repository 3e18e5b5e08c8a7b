use super::*;
use crate::console::state::Model;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::domain::plan::Intent;
use crate::testkit::consoles;
use crate::testkit::consoles::{Pair, learn, open, planned, route, route_of_search};

const BACK: Intent = Intent::Rollback { to: None, at_once: false };

fn copied(model: &Model, name: &str, intent: &Intent) -> Vec<String> {
    let plan = planned(model.release(name).unwrap(), intent).unwrap();
    of(&plan, &model.observed, &model.shell).unwrap()
}

/// The words of a command as a shell takes them.
fn words(command: &str) -> Vec<String> {
    shlex::split(command).unwrap()
}

#[test]
fn a_pair_goes_back_with_one_command_and_keeps_the_canarys_tasks() {
    let mut model = open((120, 40), Pair::at(10, 1_200));
    (model.shell.profile, model.shell.endpoint) = (Some("on call's".into()), Some("http://127.0.0.1:1".into()));
    let commands = copied(&model, "checkout", &BACK);
    assert_eq!(commands.len(), 1, "tasks are taken away later, and not by a command: {commands:?}");
    let words = words(&commands[0]);
    assert_eq!(words[..4], ["aws", "elbv2", "modify-rule", "--rule-arn"]);
    assert_eq!(words[5], "--actions");
    let actions: Value = serde_json::from_str(&words[6]).unwrap();
    let groups = &actions[0]["ForwardConfig"]["TargetGroups"];
    assert_eq!((&groups[0]["Weight"], &groups[1]["Weight"]), (&json!(100), &json!(0)));
    assert_eq!(actions[0]["ForwardConfig"].get("TargetGroupStickinessConfig"), None);
    assert_eq!(words[7..], ["--region", "us-east-1", "--profile", "on call's", "--endpoint-url", "http://127.0.0.1:1"]);
}

#[test]
fn stickiness_stays_and_other_actions_are_read_and_written_back() {
    let mut model = open((120, 40), Pair::at(10, 1_200));
    let mut hear = |change: fn(&mut Route)| {
        let mut pair = route(90, 10);
        change(&mut pair);
        learn(&mut model, 1, Query::Routes, Answer::Routes(vec![pair, route_of_search()]));
        copied(&model, "checkout", &BACK).remove(0)
    };
    let sticky = hear(|route| route.stickiness = Some(3_600));
    let actions: Value = serde_json::from_str(&words(&sticky)[6]).unwrap();
    let kept = &actions[0]["ForwardConfig"]["TargetGroupStickinessConfig"];
    assert_eq!(*kept, json!({ "Enabled": true, "DurationSeconds": 3_600 }));
    let others = hear(|route| route.other_actions = true);
    assert!(others.contains("--actions \"$(aws elbv2 describe-rules --rule-arns arn:"), "{others}");
    assert!(others.contains("| jq -c --argjson w ") && others.ends_with("\" --region us-east-1"), "{others}");
}

#[test]
fn what_ecs_shifts_goes_back_through_its_pause_or_its_stop() {
    let model = consoles::native_paused((120, 40));
    let [command] = &copied(&model, "payments", &BACK)[..] else { panic!() };
    let words = words(command);
    assert_eq!(words[1..3], ["ecs", "continue-service-deployment"]);
    assert!(words.windows(2).any(|pair| pair == ["--action", "ROLLBACK"]), "{words:?}");
    let model = open((120, 40), Pair::at(10, 1_200));
    let release = model.release("search").unwrap();
    let to = consoles::td("search", 87);
    let plan = planned(release, &Intent::Rollback { to: Some(to.clone()), at_once: false }).unwrap();
    let commands = of(&plan, &model.observed, &model.shell).unwrap();
    assert!(commands[0].starts_with("aws ecs update-service --cluster prod --service search --task-definition arn:"));
}
