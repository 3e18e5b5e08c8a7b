//! Plans for two services behind weighted target groups: the common parts of their steps.

mod capacity;
mod finish;
mod rollback;
mod step;

pub(super) use self::finish::finish;
pub(super) use self::rollback::{has_two_ways, rollback};
pub(super) use self::step::{start, step, weight};

use super::refusal::{Refusal, Remedy};
use crate::domain::release::share::Percent;
use crate::domain::release::{Release, Side};

/// Both sides, with the canary's smallest and largest share across the rules.
struct Moving<'a> {
    stable: &'a Side,
    canary: &'a Side,
    least: Percent,
    most: Percent,
}

impl Moving<'_> {
    /// Returns true if the rules of the pair have different shares.
    fn uneven(&self) -> bool {
        (self.most.value() - self.least.value()).abs() > 1e-9
    }
}

/// Both sides and the present share, or the reason why no weights can be written.
fn moving(release: &Release) -> Result<Moving<'_>, Refusal> {
    let canary = release.canary.as_ref().ok_or_else(no_pair)?;
    let nobody = || Refusal::new("Both weights of the rule are 0.", Remedy::RollbackRestoresTraffic);
    let shares: Option<Vec<_>> = release.shares().into_iter().collect();
    let shares = shares.ok_or_else(nobody)?;
    let by_value = |a: &&Percent, b: &&Percent| a.value().total_cmp(&b.value());
    let least = *shares.iter().min_by(by_value).ok_or_else(nobody)?;
    let most = *shares.iter().max_by(by_value).ok_or_else(nobody)?;
    Ok(Moving { stable: &release.stable, canary, least, most })
}

fn no_pair() -> Refusal {
    Refusal::new("There is no canary here.", Remedy::NeedsPair)
}
