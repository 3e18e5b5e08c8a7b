//! Names that AWS makes up: ids of every form, and ARNs.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The account and region that every ARN names.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub account: String,
    pub region: String,
}

impl Place {
    fn arn(&self, service: &str, rest: std::fmt::Arguments<'_>) -> String {
        format!("arn:aws:{service}:{}:{}:{rest}", self.region, self.account)
    }

    pub fn cluster(&self, name: &str) -> String {
        self.arn("ecs", format_args!("cluster/{name}"))
    }

    pub fn service(&self, cluster: &str, name: &str) -> String {
        self.arn("ecs", format_args!("service/{cluster}/{name}"))
    }

    pub fn task(&self, cluster: &str, id: &str) -> String {
        self.arn("ecs", format_args!("task/{cluster}/{id}"))
    }

    pub fn container(&self, cluster: &str, task: &str, id: &str) -> String {
        self.arn("ecs", format_args!("container/{cluster}/{task}/{id}"))
    }

    pub fn task_definition(&self, family: &str, revision: u32) -> String {
        self.arn("ecs", format_args!("task-definition/{family}:{revision}"))
    }

    pub fn service_deployment(&self, cluster: &str, service: &str, id: &str) -> String {
        self.arn("ecs", format_args!("service-deployment/{cluster}/{service}/{id}"))
    }

    pub fn service_revision(&self, cluster: &str, service: &str, id: u64) -> String {
        self.arn("ecs", format_args!("service-revision/{cluster}/{service}/{id}"))
    }

    pub fn load_balancer(&self, name: &str, id: &str) -> String {
        self.arn("elasticloadbalancing", format_args!("loadbalancer/app/{name}/{id}"))
    }

    pub fn target_group(&self, name: &str, id: &str) -> String {
        self.arn("elasticloadbalancing", format_args!("targetgroup/{name}/{id}"))
    }

    pub fn alarm(&self, name: &str) -> String {
        self.arn("cloudwatch", format_args!("alarm:{name}"))
    }

    pub fn secret(&self, name: &str) -> String {
        self.arn("secretsmanager", format_args!("secret:{name}"))
    }

    pub fn log_group(&self, name: &str) -> String {
        self.arn("logs", format_args!("log-group:{name}"))
    }

    pub fn role(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    pub fn image(&self, repository: &str, tag: &str) -> String {
        format!("{}.dkr.ecr.{}.amazonaws.com/{repository}:{tag}", self.account, self.region)
    }
}

/// A seeded source of ids.
#[derive(Debug)]
pub(super) struct Ids {
    pub place: Place,
    pub rng: ChaCha8Rng,
}

impl Ids {
    pub fn new(place: Place, seed: u64) -> Self {
        Self { place, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// Hexadecimal digits: task ids (32), target group ids (16), eni ids (17).
    pub fn hex(&mut self, digits: usize) -> String {
        self.pick(digits, b"0123456789abcdef")
    }

    /// Letters and digits: service deployment ids (21).
    pub fn alnum(&mut self, digits: usize) -> String {
        self.pick(digits, b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    }

    /// Nineteen digits: `ecs-svc/…` and service revisions.
    pub fn number(&mut self) -> u64 {
        self.rng.random_range(1_000_000_000_000_000_000..9_000_000_000_000_000_000)
    }

    /// `8-4-4-4-12`: events, containers, attachments.
    pub fn uuid(&mut self) -> String {
        let parts = [8, 4, 4, 4, 12].map(|n| self.hex(n));
        parts.join("-")
    }

    /// A number of milliseconds around `ms`, a fifth up or down.
    pub fn around(&mut self, ms: i64) -> i64 {
        let spread = ms / 5;
        if spread <= 0 { ms } else { ms + self.rng.random_range(-spread..=spread) }
    }

    fn pick(&mut self, digits: usize, alphabet: &[u8]) -> String {
        let pick = |rng: &mut ChaCha8Rng| alphabet.get(rng.random_range(0..alphabet.len())).copied().unwrap_or(b'0');
        (0..digits).map(|_| char::from(pick(&mut self.rng))).collect()
    }
}

/// A number that looks random and is always the same for the same `seed`: what is worked out again and again and
/// must not change, such as a log line, comes from this.
pub(super) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
