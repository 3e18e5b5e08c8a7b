//! `sim` and `demo`: the embedded AWS, alone or with a console.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::args::{Sim, World as Options};
use super::exit::{Exit, Failure, internal};
use super::out::Out;
use crate::clock::{CLOCK_VARIABLE, Clock, ScaledClock};
use crate::cloud::aws::Connect;
use crate::console::signals::Signals;
use crate::domain::clock_rate::ClockRate;
use crate::files;
use crate::sim::fault::FaultRule;
use crate::sim::scenario::Scenario;
use crate::sim::wire::{Conditions, Server, SimClock};
use crate::sim::world::World;

/// Maximum bytes of a scenario.
const LARGEST: u64 = 16 << 20;

/// Access key and secret: the embedded AWS accepts any.
const KEY: &str = "tidegate";

/// A simulated account that has not started.
pub(crate) struct Prepared {
    scenario: Scenario,
    seed: u64,
    start: Timestamp,
    clock: ScaledClock,
    conditions: Conditions,
    faults: Vec<FaultRule>,
}

/// A running simulated account.
pub(crate) struct Running {
    /// The server, which stops when dropped.
    server: Server,
    clock: ScaledClock,
    region: String,
}

impl Prepared {
    /// Reads the scenario; cheap. The clock starts here, so time passes while the world is built.
    pub(crate) fn new(options: &Options) -> Result<Self, Failure> {
        let start = Timestamp::now();
        let clock = ScaledClock::new(start, ClockRate::new(options.speed));
        let scenario = scenario(&options.scenario)?;
        let faults = scenario.fault.iter().chain(&options.fault).cloned().collect();
        Ok(Self { scenario, seed: options.seed, start, clock, conditions: Conditions::default(), faults })
    }

    /// The account at the size that the options ask for, which answers as slowly and as strictly as they ask for.
    fn at_scale(self, options: &Sim) -> Self {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        let scenario = self.scenario.enlarged(count(options.services), count(options.load_balancers));
        let latency = Duration::from_millis(options.latency.into());
        Self { scenario, conditions: Conditions { latency, quotas: options.quotas }, ..self }
    }

    /// The only region with any resources.
    pub(crate) fn region(&self) -> &str {
        &self.scenario.region
    }

    /// The clock for a console, in step with the simulation.
    pub(crate) fn clock(&self) -> ScaledClock {
        self.clock
    }

    /// Builds the world and serves it on `port`, or on any free port.
    pub(crate) fn start(self, port: Option<u16>) -> Result<Running, Failure> {
        let Self { scenario, seed, start, clock, conditions, faults } = self;
        let world = World::new(&scenario, seed, start);
        let sim_clock = SimClock::running(clock.now(), clock.rate().get());
        let server = Server::start_under(conditions, world, sim_clock, port).map_err(|error| {
            let port = port.map_or_else(|| "a free port".to_owned(), |port| format!("port {port}"));
            Failure::usage(format!("cannot serve on {port} of 127.0.0.1: {error}"), "Choose another one with --port.")
        })?;
        server.faults().seed(seed);
        faults.into_iter().for_each(|fault| server.faults().add(fault));
        Ok(Running { server, clock, region: scenario.region })
    }
}

impl Running {
    /// The connection settings for a console.
    pub(crate) fn connect(&self) -> Connect {
        Connect {
            region: Some(self.region.clone()),
            endpoint_url: Some(self.server.endpoint()),
            keys: Some((KEY.to_owned(), KEY.to_owned())),
            ..Connect::default()
        }
    }

    /// The variables that direct the AWS tools in a shell to this account.
    fn exports(&self) -> String {
        let variables = [
            ("AWS_ENDPOINT_URL", self.server.endpoint()),
            ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
            ("AWS_REGION", self.region.clone()),
            (CLOCK_VARIABLE, self.clock.to_string()),
        ];
        variables.map(|(name, value)| format!("export {name}={value}")).join("\n")
    }
}

/// Serves until a signal arrives.
pub(crate) async fn sim(out: &mut Out, options: &Sim) -> Result<Exit, Failure> {
    let mut signals = Signals::listen().map_err(|error| internal("cannot listen for signals", error))?;
    let running = Prepared::new(&options.world)?.at_scale(options).start(options.port)?;
    out.script(&running.exports())?;
    out.remark(
        "# serving until ctrl-c; in another shell: take these lines, then `tidegate` or `aws ecs list-services`",
    );
    signals.next().await;
    out.remark(&running.server.counts().table());
    Ok(Exit::Done)
}

/// A built-in scenario, or one from a file.
fn scenario(name: &str) -> Result<Scenario, Failure> {
    if let Some(scenario) = Scenario::named(name) {
        return Ok(scenario);
    }
    if Path::new(name).extension().is_some_and(|extension| extension == "toml") {
        let text = files::read_text(Path::new(name), LARGEST)
            .map_err(|error| Failure::usage(format!("cannot read the scenario {name}: {error}"), "Check the path."))?;
        return Scenario::parse(&text).map_err(|error| {
            Failure::usage(format!("{name}: {error}"), "assets/scenarios has examples of everything.")
        });
    }
    let names: Vec<_> = Scenario::names().collect();
    Err(Failure::usage(
        format!("there is no scenario called {name}"),
        format!("There is {}; or name a file that ends in .toml.", names.join(", ")),
    ))
}
