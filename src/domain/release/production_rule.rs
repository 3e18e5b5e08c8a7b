//! A rule that divides a release's production traffic between its two sides.

use super::share::{Percent, ShareError, Weight, Weights};
use crate::domain::ecs::names::Arn;
use crate::domain::ecs::route::{Forward, Route};

/// A production rule with each side's target group in it. Two rules of one release may have different groups.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductionRule {
    /// The rule as it was read.
    pub route: Route,
    /// Stable's target group in this rule.
    pub stable: Arn,
    /// The canary's target group in this rule.
    pub canary: Arn,
}

impl ProductionRule {
    /// The canary's share of what both sides get here; `None` where both weights are 0.
    pub fn share(&self) -> Option<Percent> {
        self.share_of(&self.route.forwards)
    }

    /// The canary's share with other weights than the present ones.
    pub fn share_of(&self, forwards: &[Forward]) -> Option<Percent> {
        share_in(forwards, &self.stable, &self.canary)
    }

    /// The weights that give the canary exactly `share` of what both sides get.
    ///
    /// Beside a third target group with traffic the sum of the two stays what it is, so that the third keeps its share.
    ///
    /// # Errors
    /// [`ShareError::TooFine`] where integer weights cannot express the share, [`ShareError::NotOf`] where those that keep
    /// the third group's share cannot.
    pub fn weights_for(&self, share: Percent) -> Result<Weights, ShareError> {
        let sum = [&self.stable, &self.canary].map(|group| self.route.weight(group).map_or(0, Weight::value));
        let sum: u16 = sum.iter().sum();
        if sum == 0 || !self.others().any(|other| other.weight != Weight::ZERO) {
            return Weights::for_canary(share);
        }
        Weights::dividing(sum, share)
    }

    /// The two target groups with these weights; every other group of the rule keeps its own.
    pub fn forwards(&self, weights: Weights) -> Vec<Forward> {
        [(&self.stable, weights.stable), (&self.canary, weights.canary)]
            .map(|(group, weight)| Forward { target_group: group.clone(), weight })
            .into()
    }

    /// The target groups of neither side.
    pub fn others(&self) -> impl Iterator<Item = &Forward> {
        let sides = [&self.stable, &self.canary];
        self.route.forwards.iter().filter(move |to| !sides.contains(&&to.target_group))
    }
}

/// The canary's share of what two target groups get.
pub(super) fn share_in(forwards: &[Forward], stable: &Arn, canary: &Arn) -> Option<Percent> {
    let weight = |group: &Arn| forwards.iter().find(|to| to.target_group == *group).map(|to| to.weight);
    Weights { stable: weight(stable)?, canary: weight(canary)? }.canary_share()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ecs::route::RouteId;

    fn rule(weights: &[(&str, u64)]) -> ProductionRule {
        let to = |(name, weight): &(&str, u64)| Forward {
            target_group: Arn::new(*name),
            weight: Weight::new(*weight).unwrap(),
        };
        let route =
            Route { forwards: weights.iter().map(to).collect(), ..Route::bare(RouteId::Rule(Arn::new("rule"))) };
        ProductionRule { route, stable: Arn::new("stable"), canary: Arn::new("canary") }
    }

    #[test]
    fn a_third_group_keeps_its_share() {
        let percent = |value| Percent::new(value).unwrap();
        let idle = rule(&[("stable", 99), ("canary", 1), ("legacy", 0)]);
        assert_eq!(idle.weights_for(percent(10.0)).unwrap().to_string(), "90/10");
        let busy = rule(&[("stable", 180), ("canary", 20), ("legacy", 50)]);
        assert_eq!(busy.share(), Some(percent(10.0)));
        for (share, weights) in [(0.0, "200/0"), (50.0, "100/100"), (100.0, "0/200"), (0.5, "199/1")] {
            assert_eq!(busy.weights_for(percent(share)).unwrap().to_string(), weights);
        }
        assert_eq!(busy.weights_for(percent(0.1)), Err(ShareError::NotOf { share: 0.1, sum: 200 }));
        // What no weight can express in full comes as close as a weight can: nobody is sent elsewhere for that.
        let wide = rule(&[("stable", 900), ("canary", 100), ("legacy", 5)]);
        assert_eq!(wide.weights_for(Percent::ZERO).unwrap().to_string(), "999/0");
        assert_eq!(wide.weights_for(percent(20.0)).unwrap().to_string(), "800/200");
        let wider = rule(&[("stable", 999), ("canary", 501), ("legacy", 5)]);
        assert_eq!(
            wider.weights_for(percent(20.0)),
            Err(ShareError::NotOf { share: 20.0, sum: 1500 }),
            "1200 is no weight"
        );
        // Of nothing there is no share to keep.
        assert_eq!(
            rule(&[("stable", 0), ("canary", 0), ("legacy", 5)]).weights_for(percent(0.0)).unwrap().to_string(),
            "100/0"
        );
    }
}
