use aws_sdk_elasticloadbalancingv2::types::{
    AuthenticateOidcActionConfig, HostHeaderConditionConfig, HttpHeaderConditionConfig, PathPatternConditionConfig,
    QueryStringConditionConfig, QueryStringKeyValuePair,
};

use proptest::prelude::*;

use super::*;

const RULE: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/shop/01/02/03";

fn group(name: &str) -> Arn {
    Arn::new(format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/01"))
}

fn tuple(name: &str, weight: Option<i32>) -> TargetGroupTuple {
    TargetGroupTuple::builder().target_group_arn(group(name).as_str()).set_weight(weight).build()
}

fn forward(groups: Vec<TargetGroupTuple>, sticky: Option<(bool, i32)>) -> Action {
    let stickiness = sticky.map(|(enabled, seconds)| {
        TargetGroupStickinessConfig::builder().enabled(enabled).duration_seconds(seconds).build()
    });
    let config = ForwardActionConfig::builder().set_target_groups(Some(groups));
    let config = config.set_target_group_stickiness_config(stickiness).build();
    Action::builder().r#type(ActionTypeEnum::Forward).order(2).forward_config(config).build()
}

fn oidc(parameters: &[(&str, &str)]) -> Action {
    let parameters = parameters.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let config = AuthenticateOidcActionConfig::builder()
        .issuer("https://login.example.com")
        .client_id("console")
        .set_authentication_request_extra_params(Some(parameters.collect()))
        .build();
    Action::builder().r#type(ActionTypeEnum::AuthenticateOidc).order(1).authenticate_oidc_config(config).build()
}

fn rule(actions: Vec<Action>) -> Option<Rule> {
    let path = PathPatternConditionConfig::builder().values("/checkout*").build();
    let condition = RuleCondition::builder().field("path-pattern").path_pattern_config(path).build();
    let raw = RawRule::builder().rule_arn(RULE).priority("10").conditions(condition).set_actions(Some(actions)).build();
    Rule::from_rule(raw, &Spot { load_balancer: Arn::new("lb"), port: Some(443) })
}

fn shape_of(actions: Vec<Action>) -> u64 {
    rule(actions).unwrap().route.shape
}

fn pair(stable: i32, canary: i32) -> Action {
    forward(vec![tuple("stable", Some(stable)), tuple("canary", Some(canary))], None)
}

fn to(name: &str, weight: u64) -> Forward {
    Forward { target_group: group(name), weight: Weight::new(weight).unwrap() }
}

#[test]
fn a_rule_as_a_route() {
    let sticky = forward(vec![tuple("stable", None), tuple("canary", Some(0))], Some((true, 3600)));
    let route = rule(vec![oidc(&[]), sticky]).unwrap().route;
    assert_eq!(route.forwards, [to("stable", 1), to("canary", 0)], "an absent weight counts as 1");
    assert_eq!((route.stickiness, route.port, route.priority.as_str()), (Some(3600), Some(443), "10"));
    assert_eq!(route.conditions, ["path /checkout*"]);
    let short = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(group("only").as_str()).build();
    assert_eq!(rule(vec![short]).unwrap().route.forwards, [to("only", 1)]);
    assert_eq!(rule(vec![oidc(&[])]), None, "what does not forward is no route");
}

#[test]
fn weights_are_no_part_of_the_shape_and_all_else_is() {
    let shape = shape_of(vec![oidc(&[("a", "1")]), pair(99, 1)]);
    let swapped = forward(vec![tuple("canary", Some(5)), tuple("stable", Some(6))], Some((false, 60)));
    for same in [pair(0, 100), swapped] {
        assert_eq!(shape_of(vec![oidc(&[("a", "1")]), same]), shape);
    }
    let sticky = forward(vec![tuple("stable", Some(99)), tuple("canary", Some(1))], Some((true, 60)));
    let other = forward(vec![tuple("stable", Some(99)), tuple("other", Some(1))], None);
    for changed in [
        vec![pair(99, 1)],
        vec![oidc(&[("a", "2")]), pair(99, 1)],
        vec![oidc(&[("a", "1")]), sticky],
        vec![oidc(&[("a", "1")]), other],
    ] {
        assert_ne!(shape_of(changed), shape);
    }
}

#[test]
fn the_shape_does_not_depend_on_the_order_of_a_map() {
    let many: Vec<(String, String)> = (0..20).map(|i| (format!("k{i}"), format!("v{i}"))).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let shape = shape_of(vec![oidc(&many), pair(1, 1)]);
    for _ in 0..20 {
        assert_eq!(shape_of(vec![oidc(&many), pair(1, 1)]), shape);
    }
}

#[test]
fn both_forms_of_one_target_group_have_the_same_shape() {
    let short = Action::builder().r#type(ActionTypeEnum::Forward).order(2).target_group_arn(group("only").as_str());
    let long = forward(vec![tuple("only", Some(1))], Some((false, 0)));
    let mut both = long.clone();
    both.target_group_arn = Some(group("only").as_str().to_owned());
    assert_eq!(shape_of(vec![short.build()]), shape_of(vec![long]));
    assert_eq!(shape_of(vec![both.clone()]), shape_of(vec![both]));
}

#[test]
fn other_weights_and_nothing_else() {
    let sticky = forward(vec![tuple("stable", Some(99)), tuple("canary", Some(1))], Some((true, 60)));
    let before = rule(vec![oidc(&[("a", "1")]), sticky]).unwrap();
    let actions = before.reweighted(&[to("stable", 90), to("canary", 10)], None).unwrap();
    let after = rule(actions.clone()).unwrap();
    assert_eq!(after.route.forwards, [to("stable", 90), to("canary", 10)]);
    assert_eq!(after.route.shape, before.route.shape);
    let oidc = actions[0].authenticate_oidc_config.as_ref().unwrap();
    assert_eq!((oidc.use_existing_client_secret, oidc.client_secret.as_deref()), (Some(true), None));
    let alone = before.reweighted(&[to("canary", 0)], None).unwrap();
    assert_eq!(rule(alone).unwrap().route.forwards, [to("stable", 99), to("canary", 0)], "the others keep theirs");
    assert_eq!(before.reweighted(&[to("stable", 1), to("gone", 0)], None), None);
}

#[test]
fn a_short_form_beside_several_target_groups_is_not_written_back() {
    let mut action = pair(99, 1);
    action.target_group_arn = Some(group("stable").as_str().to_owned());
    let written = rule(vec![action]).unwrap().reweighted(&[to("canary", 10)], None).unwrap();
    assert_eq!(written[0].target_group_arn, None);
    let short = Action::builder().r#type(ActionTypeEnum::Forward).target_group_arn(group("only").as_str()).build();
    let written = rule(vec![short]).unwrap().reweighted(&[to("only", 100)], None).unwrap();
    assert_eq!(forwards(&written), [to("only", 100)]);
}

#[test]
fn an_action_of_an_unknown_kind_is_told() {
    let odd = Action::builder().r#type(ActionTypeEnum::from("teleport")).build();
    assert_eq!(rule(vec![odd, pair(1, 1)]).unwrap().route.unknown_action.as_deref(), Some("teleport"));
    assert_eq!(rule(vec![oidc(&[]), pair(1, 1)]).unwrap().route.unknown_action, None);
}

#[test]
fn conditions_in_words() {
    let host = HostHeaderConditionConfig::builder().values("a.example.com").values("b.example.com").build();
    let header = HttpHeaderConditionConfig::builder().http_header_name("X-Team").values("shop").build();
    let pair = |key: Option<&str>, value: &str| {
        QueryStringKeyValuePair::builder().set_key(key.map(str::to_owned)).value(value).build()
    };
    let query = QueryStringConditionConfig::builder().values(pair(Some("v"), "2")).values(pair(None, "beta")).build();
    let build = RuleCondition::builder;
    for (condition, words) in [
        (build().field("path-pattern").values("/a*").build(), "path /a*"),
        (
            build().field("host-header").values("x").host_header_config(host).build(),
            "host a.example.com or b.example.com",
        ),
        (build().field("http-header").http_header_config(header).build(), "header X-Team: shop"),
        (build().field("query-string").query_string_config(query).build(), "query v=2 or beta"),
        (build().field("path-pattern").regex_values("^/v[0-9]").build(), "path ^/v[0-9]"),
        (build().field("moon-phase").values("full").build(), "moon-phase full"),
    ] {
        assert_eq!(in_words(&condition), words);
    }
}

proptest! {
    /// However often the weights are written, nothing else in the rule moves.
    #[test]
    fn any_number_of_steps_changes_weights_alone(
        groups in 1usize..6,
        authenticated in any::<bool>(),
        sticky in proptest::option::of((any::<bool>(), 1i32..604_800)),
        steps in proptest::collection::vec((0usize..6, 0u64..=999), 0..20),
    ) {
        let tuples = (0..groups).map(|i| tuple(&format!("tg{i}"), Some(1))).collect();
        let actions = authenticated.then(|| oidc(&[("a", "1"), ("b", "2")])).into_iter().chain([forward(tuples, sticky)]);
        let first = rule(actions.collect()).unwrap();
        let mut now = first.clone();
        let mut weights = vec![1; groups];
        for (index, weight) in steps {
            weights[index % groups] = weight;
            let written = now.reweighted(&[to(&format!("tg{}", index % groups), weight)], None).unwrap();
            now = rule(written).unwrap();
        }
        prop_assert_eq!(now.route.shape, first.route.shape);
        let are: Vec<u64> = now.route.forwards.iter().map(|forward| forward.weight.into()).collect();
        prop_assert_eq!(are, weights);
        let restored: Vec<Forward> = first.route.forwards.clone();
        let mut back = now.reweighted(&restored, None).unwrap();
        // What says that the secret stays is all that is added.
        for oidc in back.iter_mut().filter_map(|action| action.authenticate_oidc_config.as_mut()) {
            prop_assert_eq!(oidc.use_existing_client_secret.take(), Some(true));
        }
        prop_assert_eq!(back, first.actions);
    }

    /// Switched off and on again, a rule is what it was.
    #[test]
    fn stickiness_changes_nothing_but_itself(
        authenticated in any::<bool>(),
        seconds in 1u32..604_800,
        weights in (0u64..=999, 0u64..=999),
    ) {
        let sticky = forward(vec![tuple("a", Some(5)), tuple("b", Some(7))], Some((true, seconds as i32)));
        let actions = authenticated.then(|| oidc(&[("a", "1")])).into_iter().chain([sticky]);
        let first = rule(actions.collect()).unwrap();
        let to_both = [to("a", weights.0), to("b", weights.1)];
        let off = rule(first.reweighted(&to_both, Some(Stickiness::Off { was: seconds })).unwrap()).unwrap();
        prop_assert_eq!((off.route.stickiness, &off.route.forwards[..]), (None, &to_both[..]));
        prop_assert_eq!((off.route.former_stickiness, off.route.cookies_last()), (Some(seconds), Some(seconds)));
        let plain = rule(first.reweighted(&to_both, None).unwrap()).unwrap();
        prop_assert_ne!(off.route.shape, plain.route.shape);
        let on = rule(off.reweighted(&to_both, Some(Stickiness::On { seconds })).unwrap()).unwrap();
        prop_assert_eq!(on, plain);
    }
}
