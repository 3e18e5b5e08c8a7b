//! Random accounts: a weighted pair, a service that ECS shifts, and a rolling service, each with what may stand around it.

use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

const BASE: &str = r#"
name = "random"
summary = "A random account"
warmup = "12m"

[listener.http]
port = 80
default = { fixed_response = 404 }
"#;

/// A scenario's text.
pub(super) fn account() -> impl Strategy<Value = String> {
    let propagation = select(vec![0, 0, 20, 60]);
    (propagation, pair(), shifted(), rolling()).prop_map(|(propagation, pair, shifted, rolling)| {
        let events = [&pair, &shifted, &rolling].map(|part| part.events.as_str()).concat();
        let parts = [pair.text, shifted.text, rolling.text].concat();
        format!("propagation_seconds = {propagation}\n{BASE}{parts}{events}")
    })
}

/// The tables of a part of the account, and its events.
#[derive(Debug)]
struct Part {
    text: String,
    events: String,
}

fn event(seconds: u32, what: &str) -> String {
    format!("[[event]]\nat = '-{seconds}s'\n{what}\n")
}

/// A family with three revisions: the newest or the one before may crash, the oldest may be deregistered.
fn family(name: &str, (crashes, old_crashes): (bool, bool), inactive: bool) -> String {
    let traits = |crashes| if crashes { ", traits = { crash_after_seconds = 8 }" } else { "" };
    let (newest, old) = (traits(crashes), traits(old_crashes));
    format!(
        "[family.{name}]\ntraits = {{ latency_ms = 20, capacity_rps = 60, pull_seconds = 2, start_seconds = 2 }}\n\
         revision = [\n  {{ number = 40, tag = '1.0', age = '40d', inactive = {inactive} }},\n  \
         {{ number = 41, tag = '1.1', age = '20d'{old} }},\n  {{ number = 42, tag = '1.2', age = '2h'{newest} }},\n]\n"
    )
}

/// The rules of a pair besides its public one.
#[derive(Debug, Clone, Copy)]
enum Other {
    None,
    /// An internal rule over the same target groups.
    SameGroups,
    /// An internal rule over target groups of its own.
    OwnGroups,
    /// A host that is sent to the canary alone.
    Host,
    /// A test listener, which sends everything to the canary.
    Test,
}

/// The public rule of a pair.
#[derive(Debug, Clone)]
struct Public {
    weights: (u32, u32),
    third: Option<u32>,
    is_default: bool,
    sticky: Option<u32>,
    /// True if clients stay with one target too.
    sticky_groups: bool,
}

impl Public {
    fn action(&self, stable: &str, canary: &str) -> String {
        let third = self.third.map(|weight| format!(", checkout-legacy = {weight}")).unwrap_or_default();
        let sticky = self.sticky.map(|seconds| format!(", sticky_seconds = {seconds}")).unwrap_or_default();
        let (to_stable, to_canary) = self.weights;
        format!("{{ forward = {{ {stable} = {to_stable}, {canary} = {to_canary}{third} }}{sticky} }}")
    }

    fn text(&self) -> String {
        let action = self.action("checkout-stable", "checkout-canary");
        match self.is_default {
            true => format!("[listener.checkout]\nport = 443\ndefault = {action}\nrps = 30\n"),
            false => format!("[rule.checkout]\npriority = 10\npath = ['/checkout*']\naction = {action}\nrps = 30\n"),
        }
    }

    fn groups(&self) -> String {
        let sticky = self.sticky.is_some() && self.sticky_groups;
        let group = |name| format!("[target_group.{name}]\nsticky = {sticky}\n");
        let third = self.third.map(|_| group("checkout-legacy")).unwrap_or_default();
        [group("checkout-stable"), group("checkout-canary"), third].concat()
    }

    fn other(&self, other: Other) -> String {
        let listener = |port| format!("[listener.other]\nport = {port}\ndefault = {{ fixed_response = 404 }}\n");
        let rule = |action: &str| {
            format!("[rule.other]\nlistener = 'other'\npriority = 5\npath = ['/x*']\naction = {action}\nrps = 2\n")
        };
        let own = "[target_group.internal-stable]\n[target_group.internal-canary]\n";
        let whole = Self { third: None, sticky: None, ..self.clone() };
        match other {
            Other::None => String::new(),
            Other::SameGroups => listener(8081) + &rule(&whole.action("checkout-stable", "checkout-canary")),
            Other::OwnGroups => listener(8081) + own + &rule(&whole.action("internal-stable", "internal-canary")),
            Other::Host => "[rule.other]\npriority = 5\nhost = ['preview.shop.example']\n\
                            action = { forward = { checkout-canary = 1 } }\nrps = 1\n"
                .to_owned(),
            Other::Test => listener(8443) + &rule("{ forward = { checkout-stable = 0, checkout-canary = 100 } }"),
        }
    }
}

fn public() -> impl Strategy<Value = Public> {
    let weights = select(vec![(100, 0), (99, 1), (90, 10), (90, 10), (50, 50), (1, 99), (0, 100), (0, 1), (999, 999)]);
    let third = weighted(0.2, select(vec![0u32, 10, 100]));
    let sticky = weighted(0.3, 1u32..90);
    (weights, third, any::<bool>(), sticky, any::<bool>()).prop_map(|(weights, third, is_default, sticky, groups)| {
        Public { weights, third, is_default, sticky, sticky_groups: groups }
    })
}

/// A service of the pair.
#[derive(Debug, Clone)]
struct Side {
    revision: u32,
    desired: u32,
    daemon: bool,
    is_draining: bool,
    /// The cluster has room for fewer tasks than are wanted: ECS says so.
    is_cramped: bool,
    /// Its tasks are protected from scale-in for 45 minutes.
    is_protected: bool,
    past: Vec<u32>,
}

fn side(revisions: [u32; 3], draining: f64) -> impl Strategy<Value = Side> {
    let likely = proptest::bool::weighted;
    let kinds = (likely(0.15), likely(draining), likely(0.1), likely(0.2));
    let past = proptest::collection::vec(40u32..42, 0..2);
    (select(revisions.to_vec()), 0u32..5, kinds, past).prop_map(
        |(revision, desired, (daemon, is_draining, is_cramped, is_protected), past)| Side {
            revision,
            desired,
            daemon,
            is_draining,
            is_cramped,
            is_protected,
            past,
        },
    )
}

/// The settings of a service in a cluster with too little room, and of one with protected tasks.
fn limits(desired: u32, is_cramped: bool, is_protected: bool) -> String {
    let room = if is_cramped && desired > 0 { format!("room = {}\n", desired - 1) } else { String::new() };
    room + if is_protected { "protected = '45m'\n" } else { "" }
}

impl Side {
    fn text(&self, track: &str, more: &str) -> String {
        let Self { revision, desired, daemon, is_draining, is_cramped, is_protected, past } = self;
        let limits = limits(*desired, *is_cramped && !daemon, *is_protected);
        let status = if *is_draining { "DRAINING" } else { "ACTIVE" };
        let (days, since) = if track == "stable" { ("9d", 17) } else { ("50m", 10) };
        let past = past.iter().zip(since..);
        let past: Vec<_> =
            past.map(|(of, ago)| format!("{{ task_definition = 'checkout:{of}', ago = '{ago}d' }}")).collect();
        format!(
            "[service.checkout-{track}]\ntask_definition = 'checkout:{revision}'\ndesired = {desired}\n\
             daemon = {daemon}\nstatus = '{status}'\ndeployed = '{days}'\ntarget_group = 'checkout-{track}'\n{more}\
             {limits}past = [{}]\n",
            past.join(", ")
        )
    }

    /// Returns true if tasks of revision 41 run in it.
    fn runs_41(&self) -> bool {
        self.revision == 41 && self.desired > 0 && !self.is_draining
    }
}

fn pair() -> impl Strategy<Value = Part> {
    use Other::{Host, None, OwnGroups, SameGroups, Test};
    let other = select(vec![None, None, SameGroups, OwnGroups, Host, Test]);
    let sides = (side([41, 41, 40], 0.0), side([42, 42, 41], 0.1));
    let redeployed = weighted(0.3, (select(vec!["stable", "canary"]), select(vec![41u32, 42]), 10u32..400));
    let scaled = weighted(0.2, (0u32..6, 10u32..300));
    let crash = (proptest::bool::weighted(0.15), proptest::bool::weighted(0.05));
    let crashes = (crash, any::<bool>());
    (public(), other, sides, redeployed, (scaled, crashes)).prop_map(
        |(public, other, (stable, canary), redeployed, (scaled, (crashes, inactive)))| {
            let more = |track| match other {
                OwnGroups => format!("more_target_groups = ['internal-{track}']\n"),
                _ => String::new(),
            };
            // Nobody can know that a revision crashes of which no task ran.
            let crashes = (crashes.0, crashes.1 && (stable.runs_41() || canary.runs_41()));
            let legacy = "[service.checkout-legacy]\ntask_definition = 'checkout:41'\ndesired = 1\ndeployed = '17d'\n\
                          target_group = 'checkout-legacy'\n";
            let text = [
                family("checkout", crashes, inactive),
                public.text(),
                public.groups(),
                public.other(other),
                stable.text("stable", &more("stable")),
                canary.text("canary", &more("canary")),
                public.third.map(|_| legacy.to_owned()).unwrap_or_default(),
            ];
            let active = |track: &&str| *track == "stable" || !canary.is_draining;
            let redeployed = redeployed.filter(|(track, ..)| active(track)).map(|(track, revision, seconds)| {
                let service = format!("checkout-{track}");
                let to =
                    format!("update_service = {{ service = '{service}', task_definition = 'checkout:{revision}' }}");
                event(seconds, &to)
            });
            let scaled = scaled.filter(|_| !stable.daemon).map(|(desired, seconds)| {
                event(seconds, &format!("update_service = {{ service = 'checkout-stable', desired = {desired} }}"))
            });
            Part { text: text.concat(), events: redeployed.into_iter().chain(scaled).collect() }
        },
    )
}

/// The outcome of a past deployment.
fn past(family: &'static str) -> impl Strategy<Value = String> {
    let outcome = select(vec!["successful", "successful", "rolled_back", "superseded"]);
    let one = (40u32..43, outcome);
    proptest::collection::vec(one, 0..3).prop_map(move |mut all| {
        // ECS has nothing to roll the first deployment back to.
        while all.last().is_some_and(|(revision, outcome)| *revision == 42 || *outcome == "rolled_back") {
            all.pop();
        }
        let all: Vec<_> = (12..)
            .zip(all)
            .map(|(ago, (revision, outcome))| {
                // The newest revision may crash: it has not succeeded before.
                let outcome = if revision == 42 { "rolled_back" } else { outcome };
                format!("{{ task_definition = '{family}:{revision}', ago = '{ago}d', outcome = '{outcome}' }}")
            })
            .collect();
        format!("past = [{}]\n", all.join(", "))
    })
}

/// Something that happens to a service before the console looks.
fn happens(family: &'static str) -> impl Strategy<Value = String> {
    let at = || 5u32..600;
    let deploy = move |seconds, revision, force: bool| {
        let what = format!(
            "update_service = {{ service = '{family}', task_definition = '{family}:{revision}', force = {force} }}"
        );
        event(seconds, &what)
    };
    let answered = move |seconds: u32, action: &str| {
        let what = format!("continue_deployment = {{ service = '{family}', action = '{action}' }}");
        event(seconds / 3, &what)
    };
    let stopped = move |seconds: u32| event(seconds / 3, &format!("stop_deployment = {{ service = '{family}' }}"));
    prop_oneof![
        1 => Just(String::new()),
        4 => (at(), any::<bool>()).prop_map(move |(at, force)| deploy(at, 42, force)),
        1 => (at(), any::<bool>()).prop_map(move |(at, force)| deploy(at, 41, force)),
        1 => at().prop_map(move |at| deploy(at, 42, false) + &stopped(at)),
        1 => (at(), select(vec!["CONTINUE", "ROLLBACK"]))
            .prop_map(move |(at, action)| deploy(at, 42, false) + &answered(at, action)),
        1 => at().prop_map(move |at| deploy(600, 42, false) + &deploy(at.min(500), 41, false)),
    ]
}

/// deploymentConfiguration of a service that ECS shifts.
fn configuration() -> impl Strategy<Value = String> {
    let strategy = select(vec!["CANARY", "LINEAR", "BLUE_GREEN"]);
    let stage = select(vec![
        "PRE_SCALE_UP",
        "POST_SCALE_UP",
        "POST_TEST_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT",
        "POST_PRODUCTION_TRAFFIC_SHIFT",
    ]);
    let pause = weighted(0.5, (stage, select(vec!["ROLLBACK", "CONTINUE"])));
    (strategy, select(vec![5u32, 10, 25]), 0u32..3, 0u32..4, pause).prop_map(
        |(strategy, percent, step_bake, bake, pause)| {
            let pause = pause
                .map(|(stage, action)| format!("{{ stages = ['{stage}'], timeout_minutes = 60, action = '{action}' }}"))
                .unwrap_or_default();
            format!(
                "deployment = {{ strategy = '{strategy}', step_percent = {percent}, step_bake_minutes = {step_bake}, \
                 bake_minutes = {bake}, pause = [{pause}] }}\n"
            )
        },
    )
}

fn shifted() -> impl Strategy<Value = Part> {
    let managed = select(vec!["", "", "", "managed = 'express'\n", "managed = 'gateway'\n"]);
    let divided = weighted(0.2, (select(vec![(5u32, 95u32), (50, 50), (0, 100), (90, 10)]), 5u32..300));
    let is_protected = proptest::bool::weighted(0.2);
    let flags = (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.2), any::<bool>(), is_protected);
    (configuration(), managed, (happens("search"), divided), (past("search"), 0u32..5), flags).prop_map(
        |(configuration, managed, (happens, divided), (past, desired), flags)| {
            let (is_default, tested, crashes, swapped, is_protected) = flags;
            let limits = limits(desired, false, is_protected);
            let (mine, next) = if swapped { (0, 100) } else { (100, 0) };
            let action = format!("{{ forward = {{ search-blue = {mine}, search-green = {next} }} }}");
            let is_default = is_default && managed != "managed = 'gateway'\n";
            let rule = match is_default {
                true => format!("[listener.search]\nport = 8090\ndefault = {action}\nrps = 20\n"),
                false => format!("[rule.search]\npriority = 20\npath = ['/search*']\naction = {action}\nrps = 20\n"),
            };
            let test = format!("[listener.search-test]\nport = 8091\ndefault = {action}\n");
            let service = format!(
                "[service.search]\ntask_definition = 'search:41'\ndesired = {desired}\ndeployed = '3d'\n\
                 target_group = 'search-blue'\nalternate_target_group = 'search-green'\non_alternate = {swapped}\n\
                 production_rule = 'search'\n{}{managed}{limits}{configuration}{past}",
                if tested { "test_rule = 'search-test'\n" } else { "" },
            );
            let groups = "[target_group.search-blue]\n[target_group.search-green]\n";
            let test = if tested { test } else { String::new() };
            let text = [family("search", (crashes, false), false), rule, test, groups.to_owned(), service].concat();
            let divided = divided.map(|((blue, green), seconds)| {
                let weights = format!("{{ search-blue = {blue}, search-green = {green} }}");
                event(seconds, &format!("set_weights = {{ rule = 'search', weights = {weights} }}"))
            });
            Part { text, events: happens + &divided.unwrap_or_default() }
        },
    )
}

fn rolling() -> impl Strategy<Value = Part> {
    let early = weighted(0.3, select(vec!["BLOCKING", "DEFERRED"]));
    let likely = proptest::bool::weighted;
    let flags = (any::<bool>(), likely(0.3), any::<bool>(), likely(0.15), (likely(0.15), likely(0.2)));
    (early, flags, (happens("orders"), past("orders")), 0u32..5).prop_map(
        |(early, (breaker, crashes, inactive, daemon, (is_cramped, is_protected)), (happens, past), desired)| {
            let limits = limits(desired, is_cramped && !daemon, is_protected);
            let early = early
                .map(|cleanup| format!(", early_success = {{ healthy_percent = 100, cleanup = '{cleanup}' }}"))
                .unwrap_or_default();
            let text = format!(
                "{}[rule.orders]\npriority = 30\npath = ['/orders*']\naction = {{ forward = {{ orders = 1 }} }}\n\
                 rps = 10\n[target_group.orders]\n[service.orders]\ntask_definition = 'orders:41'\n\
                 desired = {desired}\ndeployed = '3d'\ntarget_group = 'orders'\ndaemon = {daemon}\n\
                 deployment = {{ breaker = {breaker}{early} }}\n{limits}{past}",
                family("orders", (crashes, false), inactive),
            );
            Part { text, events: happens }
        },
    )
}
