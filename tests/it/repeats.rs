//! Acting commands that run twice, and again after a kill, an exit 5 and a time-out: what is done is not sent again.

use std::process::Stdio;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tidegate::clock::{CLOCK_VARIABLE, Clock, ScaledClock};
use tidegate::domain::clock_rate::ClockRate;
use tidegate::sim::scenario::Scenario;
use tidegate::sim::wire::{Fault, FaultRule, Server, SimClock};
use tidegate::sim::world::World;

use crate::cli::{Home, Ran};

/// A simulated account, and a machine that acts on it.
struct Account {
    server: Server,
    home: Home,
}

impl Account {
    fn new(scenario: &str, speed: f64) -> Self {
        let start = Timestamp::now();
        let clock = ScaledClock::new(start, ClockRate::new(speed));
        let scenario = Scenario::named(scenario).unwrap();
        let world = World::new(&scenario, 1, start);
        let server = Server::start(world, SimClock::running(clock.now(), speed), None).unwrap();
        let mut home = Home::new();
        home.set("AWS_ENDPOINT_URL", &server.endpoint());
        home.set("AWS_ACCESS_KEY_ID", "test");
        home.set("AWS_SECRET_ACCESS_KEY", "test");
        home.set("AWS_REGION", "us-east-1");
        home.set(CLOCK_VARIABLE, &clock.to_string());
        Self { server, home }
    }

    /// The writes that AWS has received so far.
    fn writes(&self) -> usize {
        let write =
            |operation: &str| ["Modify", "Update", "Stop", "Continue"].iter().any(|it| operation.starts_with(it));
        self.server.log().select(|call| write(&call.operation)).len()
    }

    /// Runs a command that ends with this code and sends so many writes.
    fn run(&self, code: i32, writes: usize, words: &[&str]) -> Ran {
        let before = self.writes();
        let ran = self.home.expect(code, words);
        assert_eq!(self.writes() - before, writes, "{words:?}: {ran:?}");
        ran
    }

    /// Kills a command as soon as its first write has been answered.
    fn kill_after_a_write(&self, words: &[&str]) {
        let before = self.writes();
        let mut command = self.home.command(words);
        let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        while self.writes() == before {
            assert!(begun.elapsed() < Duration::from_secs(20), "{words:?} sends nothing");
            std::thread::yield_now();
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

const START: [&str; 5] = ["start", "checkout", "--task-definition", ":42", "--yes"];

#[test]
fn a_start_a_step_and_a_rollback_are_repeated_without_harm() {
    let account = Account::new("shop", 300.0);
    let wait = |words: &[&'static str]| [words, &["--wait"]].concat();
    account.kill_after_a_write(&wait(&START));
    account.run(0, 0, &START);
    account.run(0, 0, &wait(&START));
    account.run(0, 0, &START);

    let step = ["step", "checkout", "--to", "1", "--yes"];
    // Past its time a command sends nothing, and says what it sent.
    let late = account.run(5, 0, &[&step[..], &["--timeout", "1s"]].concat());
    assert!(late.err.contains("not done after 1s (--timeout)"), "{late:?}");
    // AWS does not take the write and does not answer: nobody knows.
    account.server.faults().add(FaultRule::new(Fault::Drop).operations(&["ModifyRule"]));
    let unknown = account.run(5, 1, &[&step[..], &["--timeout", "10m"]].concat());
    assert!(unknown.err.contains("outcome unknown") && unknown.err.contains("ModifyRule"), "{unknown:?}");
    account.server.faults().clear();
    account.run(0, 1, &step);
    let again = account.run(0, 0, &step);
    assert!(again.out.contains("nothing is sent"), "{again:?}");

    let back = ["rollback", "checkout", "--yes"];
    account.kill_after_a_write(&back);
    account.run(0, 1, &back);
    for _ in 0..2 {
        let again = account.run(0, 0, &back);
        assert!(again.out.contains("nothing is sent"), "{again:?}");
    }
    // What was taken back does not go up again because a poller repeats itself.
    account.run(3, 0, &START);
    account.run(3, 0, &step);
}

#[test]
fn a_finish_is_repeated_without_harm() {
    let account = Account::new("good-release", 300.0);
    let finish = ["finish", "checkout", "--yes", "--wait"];
    account.home.expect(0, &["step", "checkout", "--to", "100", "--yes"]);
    account.kill_after_a_write(&finish);
    account.home.expect(0, &finish);
    for _ in 0..2 {
        let again = account.run(0, 0, &finish);
        assert!(again.out.contains("nothing is sent"), "{again:?}");
    }
    account.run(0, 0, &START);
}

#[test]
fn a_step_whose_release_somebody_takes_back_ends_at_once() {
    let account = Account::new("good-release", 60.0);
    // The tasks for all of the traffic are not there yet: the step waits for them.
    let mut step = account.home.command(&["step", "checkout", "--to", "100", "--yes"]);
    let before = account.writes();
    let mut step = step.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while account.writes() == before && begun.elapsed() < Duration::from_secs(20) {
        std::thread::yield_now();
    }
    let other = account.home.elsewhere();
    let mut back = other.command(&["rollback", "checkout", "--yes"]);
    let mut back = back.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let ended = step.wait().unwrap();
    let took = begun.elapsed();
    let said = std::io::read_to_string(step.stderr.take().unwrap()).unwrap();
    back.wait().unwrap();
    assert_eq!(ended.code(), Some(6), "{said}");
    assert!(said.contains("somebody else changed it meanwhile"), "{said}");
    assert!(took < Duration::from_secs(15), "{took:?}, where patience is half a minute");
}
