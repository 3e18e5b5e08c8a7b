use super::*;
use crate::console::state::Model;
use crate::domain::ecs::service::TaskDefinition;
use crate::domain::observe::snapshot::{Answer, Query};
use crate::testkit::consoles;
use crate::testkit::consoles::{learn, waiting};

fn menu(model: &Model) -> CopyMenu {
    let list = match &model.screen.current {
        Screen::View(view, _) => model.screen.list(*view),
        _ => &List::default(),
    };
    CopyMenu::of(&model.observed, &model.shell, &model.screen.current, list, model.focus().unwrap())
}

fn texts(model: &Model) -> Vec<String> {
    menu(model).items.into_iter().map(|way| way.text).collect()
}

fn remark(model: &Model) -> Option<String> {
    menu(model).items.remove(0).remark
}

/// Every task of the release, changed.
fn change(model: &mut Model, with: impl Fn(&mut Task)) {
    for reading in model.observed.snapshot.tasks.values_mut() {
        reading.value.iter_mut().flat_map(|(_, tasks)| tasks).for_each(&with);
    }
}

const REGION: &str = "--region us-east-1";

#[test]
fn a_shell_goes_into_the_newest_task_of_the_canary() {
    let mut model = waiting((120, 40));
    let command =
        "aws ecs execute-command --cluster prod --task 00000001 --container app --interactive --command /bin/sh";
    assert_eq!(texts(&model)[0], format!("{command} {REGION}"));
    let off = "execute command is off for this task; for new tasks aws ecs update-service --cluster prod --service \
               checkout-canary --enable-execute-command --region us-east-1 turns it on";
    assert_eq!(remark(&model).as_deref(), Some(off));
    change(&mut model, |task| task.execute_command = true);
    assert_eq!(remark(&model), None);
    model.shell.profile = Some("on call's".into());
    model.shell.endpoint = Some("http://127.0.0.1:4566/?a&b".into());
    let quoted = r#"--profile "on call's" --endpoint-url 'http://127.0.0.1:4566/?a&b'"#;
    assert_eq!(texts(&model)[0], format!("{command} {REGION} {quoted}"));
    model.shell.profile = Some("$(id)`id`;'\"".into());
    let words = shlex::split(&texts(&model)[0]).unwrap();
    assert!(words.contains(&"$(id)`id`;'\"".to_owned()), "a shell reads what was meant: {words:?}");
}

#[test]
fn what_is_marked_among_the_tasks_is_meant() {
    let mut model = consoles::crash_loop((120, 40));
    model.screen.current = Screen::View(View::Tasks, "payments".into());
    let remark = remark(&model).unwrap();
    assert!(remark.starts_with("it has stopped"), "the newest example of the first cause: {remark}");
    let tasks = model.observed.snapshot.tasks[&consoles::key("payments")].get().unwrap();
    let old = tasks.iter().find(|task| task.status == "RUNNING").unwrap().clone();
    model.screen.lists.entry(View::Tasks).or_default().marked = Some(old.arn.to_string());
    let first = texts(&model).remove(0);
    assert!(first.contains(&format!("--task {}", old.id())), "{first}");
}

#[test]
fn addresses_are_of_the_partition_and_encoded_as_the_console_wants_it() {
    let model = waiting((120, 40));
    let mut texts = texts(&model);
    let task = texts.remove(1);
    let root = "https://us-east-1.console.aws.amazon.com";
    let service = format!("{root}/ecs/v2/clusters/prod/services/checkout-canary");
    assert_eq!(task, format!("{service}/tasks/00000001/configuration?region=us-east-1"));
    assert_eq!(texts[1], format!("{service}/health?region=us-east-1"));
    let group = "arn%3Aaws%3Aelasticloadbalancing%3Aus-east-1%3A123456789012%3Atargetgroup%2Fcheckout-canary%2F0123456789abcdef";
    assert_eq!(texts[2], format!("{root}/ec2/home?region=us-east-1#TargetGroup:targetGroupArn={group}"));
    assert_eq!(texts[3], format!("{root}/ecs/v2/task-definitions/checkout/42/containers?region=us-east-1"));
    for (partition, region, domain) in [
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com/"),
    ] {
        assert!(Pages::new(partition, region).alarm("5xx").starts_with(domain));
    }
    let pages = Pages::new("aws", "us-east-1");
    let logs = format!("{root}/cloudwatch/home?region=us-east-1#logsV2:log-groups/log-group/$252Fecs$252Fcheckout");
    assert_eq!(pages.log("/ecs/checkout", None), logs);
    assert_eq!(pages.log("/ecs/checkout", Some("app/app/0")), format!("{logs}/log-events/app$252Fapp$252F0"));
    assert_eq!(pages.alarm("a b/c"), format!("{root}/cloudwatch/home?region=us-east-1#alarmsV2:alarm/a%20b%2Fc"));
}

#[test]
fn the_log_is_that_of_the_task_and_a_simulated_account_has_no_pages() {
    let mut model = waiting((120, 40));
    model.shell.simulated = true;
    let driver = LogDriver::Awslogs { group: "/ecs/checkout".into(), region: None, prefix: Some("ecs".into()) };
    let arn = consoles::td("checkout", 42);
    let mut read: TaskDefinition = model.observed.snapshot.task_definition(&arn).unwrap().clone();
    read.logs = vec![("app".into(), driver)];
    learn(&mut model, 0, Query::TaskDefinitions(vec![arn]), Answer::TaskDefinitions(vec![read]));
    let items = menu(&model).items;
    let log = items.iter().find(|way| way.title.starts_with("log of app")).unwrap();
    assert!(log.text.ends_with("log-group/$252Fecs$252Fcheckout/log-events/ecs$252Fapp$252F00000001"), "{}", log.text);
    assert_eq!(log.remark.as_deref(), Some("this account is simulated: AWS's console does not know it"));
}

#[test]
fn nothing_that_could_harm_a_terminal_is_copied() {
    let mut model = waiting((120, 40));
    change(&mut model, |task| {
        task.containers.iter_mut().for_each(|container| container.name = "a\u{1b}[2Jb\nrm".into());
    });
    model.observed.snapshot.task_definitions.clear();
    let texts = texts(&model);
    assert!(!texts.is_empty() && texts.iter().all(|text| text.starts_with("https://")), "{texts:?}");
}
