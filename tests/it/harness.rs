//! The whole console in paused time: real model, real SDK, real sockets, an AWS of our own; only the clock is the test's.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate::clock::Clock;
use tidegate::cloud::aws;
use tidegate::cloud::aws::{Budget, Connect, Limits};
use tidegate::cloud::prometheus::Prometheus;
use tidegate::cloud::{Cloud, WithPrometheus};
use tidegate::console::dialogs::Dialog;
use tidegate::console::driver::Driver;
use tidegate::console::keymap::Key;
use tidegate::console::message::{Effect, Msg};
use tidegate::console::recorder::Recorder;
use tidegate::console::recording::Header;
use tidegate::console::screen::Screen;
use tidegate::console::state::Model;
use tidegate::console::update;
use tidegate::console::update::takes_text;
use tidegate::console::view;
use tidegate::console::view::{Palette, Theme};
use tidegate::domain::analysis::VerdictStatus;
use tidegate::domain::ecs::names::Location;
use tidegate::domain::fault::Fault;
use tidegate::domain::history::History;
use tidegate::domain::observe::snapshot::{Answer, Query};
use tidegate::domain::plan::{Call, Receipt};
use tidegate::domain::release::Release;
use tidegate::domain::settings::Settings;
use tidegate::execute::audit::{Journal, history};
use tidegate::execute::executor::Options;
use tidegate::sim::api::{Call as ApiCall, Service};
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Backend, Server, SimClock};
use tidegate::sim::world::World;

const START: &str = "2026-11-21T09:00:00Z";

pub(crate) struct Harness {
    pub server: Server,
    pub world: Arc<Mutex<World>>,
    pub clock: SimClock,
    pub model: Model,
    driver: Driver,
    reader: Arc<Reader>,
    _state: TempDir,
    journal: Arc<Journal>,
    recorder: Option<Recorder>,
    /// The screen after each message of a recorded session, as long as they are kept.
    pub frames: Vec<Buffer>,
    pub keeps_frames: bool,
    pub copied: Vec<String>,
    pub quit: bool,
}

/// The simulated account's clock, moved by hand. An executor that waits moves it too.
struct ManualClock {
    sim: SimClock,
    start: Timestamp,
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.sim.now()
    }

    fn elapsed(&self) -> Duration {
        self.sim.now().duration_since(self.start).unsigned_abs()
    }

    async fn sleep(&self, span: Duration) {
        self.sim.advance(span);
        tokio::task::yield_now().await;
    }
}

/// The cloud that answers polls; a test may put another one in its place.
struct Reader(Mutex<Arc<dyn Cloud>>);

#[async_trait]
impl Cloud for Reader {
    async fn read(&self, query: &Query) -> Result<Answer, Fault> {
        let cloud = self.0.lock().unwrap().clone();
        cloud.read(query).await
    }

    async fn act(&self, call: &Call) -> Result<Receipt, Fault> {
        let cloud = self.0.lock().unwrap().clone();
        cloud.act(call).await
    }
}

impl Harness {
    /// A console on a scenario, after its first look around.
    pub(crate) async fn open(scenario: &str) -> Self {
        Self::with(scenario, Settings::default()).await
    }

    pub(crate) async fn with(scenario: &str, settings: Settings) -> Self {
        Self::on(&Scenario::named(scenario).unwrap(), settings).await
    }

    /// On a scenario that a test wrote itself.
    pub(crate) async fn on(scenario: &Scenario, settings: Settings) -> Self {
        Self::behind(scenario, settings, |world| world).await
    }

    /// … whose answers come through something of the test's.
    pub(crate) async fn behind<B: Backend + 'static>(
        scenario: &Scenario,
        settings: Settings,
        backend: impl FnOnce(Arc<Mutex<World>>) -> B,
    ) -> Self {
        Self::begin(scenario, settings, backend, None).await
    }

    /// A session that is recorded from its beginning.
    pub(crate) async fn recorded(scenario: &str, recording: &Path) -> Self {
        let scenario = Scenario::named(scenario).unwrap();
        Self::begin(&scenario, Settings::default(), |world| world, Some(recording)).await
    }

    /// Closes the recording.
    pub(crate) fn stop_recording(&mut self) {
        let recorder = self.recorder.take().unwrap();
        assert_eq!(recorder.failure(), None);
    }

    async fn begin<B: Backend + 'static>(
        scenario: &Scenario,
        settings: Settings,
        backend: impl FnOnce(Arc<Mutex<World>>) -> B,
        recording: Option<&Path>,
    ) -> Self {
        let start: Timestamp = START.parse().unwrap();
        let clock = SimClock::manual(start);
        let world = Arc::new(Mutex::new(World::new(scenario, 7, start)));
        let server = Server::start(backend(world.clone()), clock.clone(), None).unwrap();
        let lanes = aws::connect(&Connect {
            profile: None,
            region: Some("us-east-1".to_owned()),
            endpoint_url: Some(server.endpoint()),
            clusters: Vec::new(),
            keys: Some(("test".to_owned(), "test".to_owned())),
            limits: Limits::default(),
            budget: Budget::unlimited(),
            once: false,
        })
        .await
        .unwrap();
        let place = Location { environment: "test".to_owned(), account: String::new(), region: "us-east-1".to_owned() };
        let state = TempDir::new().unwrap();
        let journal = Arc::new(Journal::open(&state.path().join("audit.jsonl")).unwrap());
        let reader = Arc::new(Reader(Mutex::new(Arc::new(lanes.poll))));
        let options = Options { clock: Arc::new(ManualClock { sim: clock.clone(), start }), ..Options::default() };
        let driver = Driver::new(reader.clone(), Arc::new(lanes.act), Ok(journal.clone()), options);
        let model = Model::new(settings, place, driver.now(), (120, 40));
        let mut stage = Self {
            server,
            world,
            clock,
            model,
            driver,
            reader,
            _state: state,
            journal,
            recorder: None,
            frames: Vec::new(),
            keeps_frames: true,
            copied: Vec::new(),
            quit: false,
        };
        if let Some(path) = recording {
            let mut recorder = Recorder::create(path).unwrap();
            recorder.begin(Header::of(&stage.model, &theme()));
            stage.recorder = Some(recorder);
        }
        stage.feed(Msg::Tick);
        stage.settle().await;
        stage.pass(1).await;
        stage
    }

    /// From now on Prometheus at `url` counts what it is configured to, by the stage's clock.
    pub(crate) fn count_by(&mut self, url: &str) {
        let clock = ManualClock { sim: self.clock.clone(), start: self.clock.now() };
        let prometheus = Prometheus::new(url.parse().unwrap(), None, Arc::new(clock)).unwrap();
        let mut reader = self.reader.0.lock().unwrap();
        *reader = Arc::new(WithPrometheus::new(reader.clone(), Arc::new(prometheus)));
    }

    /// One message into the console; what it wants done is begun.
    pub(crate) fn feed(&mut self, msg: Msg) {
        let now = self.driver.now();
        if let Some(recorder) = &mut self.recorder {
            let text = serde_json::to_string(&msg).unwrap();
            assert_eq!(serde_json::from_str::<Msg>(&text).unwrap(), msg, "{text}");
            recorder.record(now.at, &msg, takes_text(&mut self.model));
        }
        let effects = update(&mut self.model, now, msg);
        if self.recorder.is_some() && self.keeps_frames {
            self.frames.push(view::render(&self.model, &theme(), self.model.screen.size));
        }
        for effect in effects {
            match effect {
                Effect::Copy(text) => self.copied.push(text),
                Effect::Quit => self.quit = true,
                Effect::Suspend => {}
                effect => self.driver.start(effect, self.model.observed.snapshot.identity.get()),
            }
        }
        // The loop draws soon after, and tells of a question's first frame.
        if self.model.screen.dialog.as_mut().is_some_and(Dialog::awaits_drawing) {
            self.feed(Msg::Drawn);
        }
    }

    /// Until every question is answered and every operation is over.
    pub(crate) async fn settle(&mut self) {
        while self.next().await {}
    }

    /// Takes the next message in. Returns whether there was one: no task is at work where there is none.
    async fn next(&mut self) -> bool {
        let msg = tokio::time::timeout(Duration::from_secs(60), self.driver.next()).await;
        let msg = msg.expect("something is under way, and nothing comes back");
        let any = msg.is_some();
        msg.into_iter().for_each(|msg| self.feed(msg));
        any
    }

    /// Goes on until the console is as described.
    pub(crate) async fn until(&mut self, what: &str, condition: impl Fn(&Model) -> bool) {
        for _ in 0..2_000 {
            if condition(&self.model) {
                return;
            }
            if !self.next().await {
                self.tick(5);
            }
        }
        panic!("never came: {what}\n{}", self.screen(120, 40));
    }

    fn tick(&mut self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.feed(Msg::Tick);
    }

    /// On a canary at 10 % that fails, and is known to: checkout's own screen.
    pub(crate) async fn failing_at_10_percent() -> Self {
        let mut stage = Self::open("bad-canary").await;
        stage.go("checkout").await;
        stage.press("Py").await;
        let failed =
            |model: &Model| model.release("checkout").is_some_and(|it| it.verdict.outcome == VerdictStatus::Fail);
        stage.until("a FAIL", failed).await;
        stage
    }

    /// Time passes, with all that it brings.
    pub(crate) async fn pass(&mut self, seconds: u64) {
        let mut left = seconds;
        while left > 0 {
            let step = left.min(5);
            self.tick(step);
            self.settle().await;
            left -= step;
        }
    }

    /// Time passes in longer strides, for what takes hours.
    pub(crate) async fn stride(&mut self, seconds: u64) {
        self.tick(seconds);
        self.settle().await;
    }

    /// Time passes until so many seconds after the start.
    pub(crate) async fn pass_to(&mut self, second: u32) {
        let start: Timestamp = START.parse().unwrap();
        let left = i64::from(second) - self.clock.now().duration_since(start).as_secs();
        self.pass(left.try_into().expect("that second is over")).await;
    }

    /// A key, a second after the last one, and nothing else yet.
    pub(crate) fn hit(&mut self, key: Key) {
        self.clock.advance(Duration::from_secs(1));
        self.feed(Msg::Key(key));
    }

    /// Keys, and whatever comes of each.
    pub(crate) async fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            self.hit(if c == '\n' { Key::Enter } else { Key::Char(c) });
            self.settle().await;
        }
    }

    /// A step that nobody takes for a part of the burst that took the last one.
    pub(crate) async fn step(&mut self) {
        self.stride(12).await;
        self.press("Py").await;
    }

    /// To a release's own screen, from the fleet.
    pub(crate) async fn go(&mut self, name: &str) {
        let line = self
            .model
            .screen
            .fleet
            .lines(&self.model.observed.releases)
            .iter()
            .position(|release| release.name == name)
            .unwrap();
        self.hit(Key::Home);
        self.press(&"j".repeat(line)).await;
        self.press("\n").await;
        assert_eq!(self.model.screen.current, Screen::Release(name.to_owned()));
    }

    pub(crate) fn release(&self, name: &str) -> &Release {
        self.model.release(name).unwrap_or_else(|| panic!("no release {name}"))
    }

    /// What the operator sees.
    pub(crate) fn screen(&self, columns: u16, rows: u16) -> String {
        let mut model = self.model.clone();
        model.screen.size = (columns, rows);
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| view::view(&model, &theme(), frame)).unwrap();
        terminal.backend().to_string()
    }

    /// AWS's answer to a call that no console sent.
    pub(crate) fn aws(&self, service: Service, operation: &str, input: Value) -> Value {
        let (operation, region) = (operation.to_owned(), "us-east-1".to_owned());
        self.world.lock().unwrap().call(&ApiCall { service, operation, input, region }).unwrap()
    }

    /// The rule of a release, as AWS has it.
    pub(crate) fn rule(&self, release: &str) -> Value {
        let arn = self.release(release).rules[0].route.id.arn().as_str().to_owned();
        self.aws(Service::Elbv2, "DescribeRules", json!({ "RuleArns": [arn] }))["Rules"][0].clone()
    }

    /// Every write that reached AWS, in order: operation and input.
    pub(crate) fn writes(&self) -> Vec<(String, Value)> {
        let write = |operation: &str| {
            ["Modify", "Update", "Stop", "Continue", "Register"].iter().any(|verb| operation.starts_with(verb))
        };
        let records = self.server.log().select(|record| write(&record.operation));
        records.into_iter().map(|record| (record.operation, record.input)).collect()
    }

    /// The writes in a line each: the members that matter, by their names.
    pub(crate) fn told(&self) -> Vec<String> {
        self.writes().iter().map(|(operation, input)| tell(operation, input)).collect()
    }

    /// The audit's lines, once the last one is an end: the journal writes on a thread of its own.
    pub(crate) async fn audit(&self) -> Vec<Value> {
        let read = || -> Vec<Value> {
            let text = std::fs::read_to_string(self.journal.path()).unwrap();
            text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
        };
        let ended = async {
            while read().last().is_none_or(|line| line["event"] != "ended" && line["event"] != "waived") {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), ended).await.expect("the audit is written to its end");
        read()
    }

    /// What another console on this machine would recall.
    pub(crate) fn recalled(&self) -> History {
        history::recall(self.journal.path(), &self.model.observed.place, self.driver.now().at)
    }

    pub(crate) fn audit_mode(&self) -> u32 {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(self.journal.path()).unwrap().permissions().mode() & 0o777
    }
}

fn theme() -> Theme {
    Theme::new(Palette::Sixteen, false)
}

fn last(arn: &Value) -> String {
    arn.as_str().unwrap_or("?").rsplit('/').next().unwrap_or("?").to_owned()
}

/// A deploymentConfiguration in a few words: `CANARY 10%/2min bake=5 hooks=[PAUSE POST_SCALE_UP 60 ROLLBACK]`.
fn goes_by(configuration: &Value) -> String {
    let text = |value: &Value| value.to_string().trim_matches('"').to_owned();
    let mut parts = vec![format!("deploymentConfiguration={}", text(&configuration["strategy"]))];
    for (member, percent, minutes) in [
        ("canaryConfiguration", "canaryPercent", "canaryBakeTimeInMinutes"),
        ("linearConfiguration", "stepPercent", "stepBakeTimeInMinutes"),
    ] {
        let step = &configuration[member];
        if !step.is_null() {
            parts.push(format!("{}%/{}min", step[percent].as_f64().unwrap(), text(&step[minutes])));
        }
    }
    let hook = |hook: &Value| {
        let timeout = &hook["timeoutConfiguration"];
        let stages: Vec<_> = hook["lifecycleStages"].as_array().into_iter().flatten().map(text).collect();
        let (minutes, action) = (text(&timeout["timeoutInMinutes"]), text(&timeout["action"]));
        format!("{} {} {minutes} {action}", text(&hook["targetType"]), stages.join("+"))
    };
    // What is not sent stays as it is: that is not the same as an empty list.
    let hooks = configuration["lifecycleHooks"].as_array();
    let hooks = hooks.map_or("not sent".to_owned(), |hooks| hooks.iter().map(hook).collect::<Vec<_>>().join(", "));
    parts.push(format!("bake={} hooks=[{hooks}]", text(&configuration["bakeTimeInMinutes"])));
    parts.join(" ")
}

pub(crate) fn tell(operation: &str, input: &Value) -> String {
    let mut parts = vec![operation.to_owned()];
    let actions = input["Actions"].as_array().or(input["DefaultActions"].as_array());
    for to in
        actions.into_iter().flatten().flat_map(|action| action["ForwardConfig"]["TargetGroups"].as_array()).flatten()
    {
        let group = to["TargetGroupArn"].as_str().unwrap().split('/').nth(1).unwrap();
        parts.push(format!("{group}={}", to["Weight"]));
    }
    for action in actions.into_iter().flatten() {
        let sticky = &action["ForwardConfig"]["TargetGroupStickinessConfig"];
        // A rule that never was sticky has no duration.
        let state = if sticky["Enabled"] == true { "on" } else { "off" };
        let seconds = sticky["DurationSeconds"].as_i64();
        parts.extend(seconds.map(|seconds| format!("stickiness={state}/{seconds}")));
    }
    for member in ["service", "taskDefinition", "serviceDeploymentArn"] {
        if !input[member].is_null() {
            parts.push(format!("{member}={}", last(&input[member])));
        }
    }
    for member in ["desiredCount", "stopType", "action", "forceNewDeployment"] {
        if !input[member].is_null() {
            parts.push(format!("{member}={}", input[member].to_string().trim_matches('"')));
        }
    }
    if !input["deploymentConfiguration"].is_null() {
        parts.push(goes_by(&input["deploymentConfiguration"]));
    }
    parts.join(" ")
}
