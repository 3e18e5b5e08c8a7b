use hyper::Request as HttpRequest;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::request::{Protocol, Request, Target};
use super::shapes::Api;
use super::{Fault, cbor, json as aws_json, query, request, xml};
use crate::sim::api::{ApiError, Call, Service};

const SIGNED: &str =
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=00";

fn elb() -> &'static Api {
    Api::by_version("2015-12-01").unwrap()
}

fn cloudwatch() -> &'static Api {
    Api::by_version("2010-08-01").unwrap()
}

fn read(headers: &[(&str, &str)], path: &str, body: &[u8]) -> (Target, Result<Request, ApiError>) {
    let mut request = HttpRequest::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    request::read(&head, body)
}

fn form(text: &str) -> Value {
    query::decode(elb(), &query::parse(text.as_bytes())).unwrap()
}

#[test]
fn a_json_request_names_its_operation_in_the_target_header() {
    let (target, request) = read(
        &[
            ("authorization", SIGNED),
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", "AmazonEC2ContainerServiceV20141113.DescribeServices"),
        ],
        "/",
        br#"{"cluster":"prod"}"#,
    );
    let request = request.unwrap();
    assert_eq!(target.protocol, Protocol::Json11);
    assert_eq!(request.call.service, Service::Ecs);
    assert_eq!(request.call.operation, "DescribeServices");
    assert_eq!(request.call.region, "eu-west-1");
    assert_eq!(request.call.input, json!({"cluster": "prod"}));
    assert_eq!(request.access_key, "AKIDEXAMPLE");
}

#[test]
fn cloudwatch_requests_are_read_in_all_three_protocols() {
    let path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms";
    let (cbor, request) = read(&[("authorization", SIGNED), ("smithy-protocol", "rpc-v2-cbor")], path, b"");
    assert_eq!((cbor.protocol, request.unwrap().call.service), (Protocol::Cbor, Service::CloudWatch));
    let (json, request) = read(
        &[
            ("authorization", SIGNED),
            ("content-type", "application/x-amz-json-1.0"),
            ("x-amz-target", "GraniteServiceVersion20100801.DescribeAlarms"),
        ],
        "/",
        b"{}",
    );
    assert_eq!((json.protocol, request.unwrap().call.service), (Protocol::Json10, Service::CloudWatch));
    let (query, request) =
        read(&[("authorization", SIGNED)], "/", b"Action=DescribeAlarms&Version=2010-08-01&MaxRecords=5");
    let request = request.unwrap();
    assert_eq!((query.protocol, request.call.service), (Protocol::Query, Service::CloudWatch));
    assert_eq!(request.call.input, json!({"MaxRecords": 5}));
}

#[test]
fn invalid_requests_are_refused_with_the_code_of_their_protocol() {
    const ECS: (&str, &str) = ("x-amz-target", "AmazonEC2ContainerServiceV20141113.ListClusters");
    const SIGNATURE: (&str, &str) = ("authorization", SIGNED);
    const CUT_SHORT: (&str, &str) = ("authorization", "AWS4-HMAC-SHA256 Credential=AKID");
    type Case = (&'static [(&'static str, &'static str)], &'static str, &'static str, &'static str);
    let cases: &[Case] = &[
        (&[], "/", "", "MissingAction"),
        (&[SIGNATURE], "/", "Action=RunInstances&Version=2016-11-15", "InvalidAction"),
        (&[SIGNATURE, ("x-amz-target", "Foo.Bar")], "/", "{}", "UnknownOperationException"),
        (&[SIGNATURE], "/service/Foo/operation/Bar", "", "UnknownOperationException"),
        (&[], "/", "Action=GetCallerIdentity&Version=2011-06-15", "MissingAuthenticationToken"),
        (&[ECS], "/", "{}", "MissingAuthenticationTokenException"),
        (&[CUT_SHORT, ECS], "/", "{}", "MissingAuthenticationTokenException"),
        (&[SIGNATURE, ECS], "/", "[1", "SerializationException"),
        (&[SIGNATURE, ECS], "/", "[]", "SerializationException"),
        (&[SIGNATURE], "/", "Action=DescribeRules&Version=2015-12-01&PageSize=many", "MalformedInput"),
    ];
    for (headers, path, body, code) in cases {
        let refused = read(headers, path, body.as_bytes()).1.unwrap_err();
        assert_eq!(&refused.code, code, "{headers:?} {path} {body}");
    }
}

#[test]
fn a_form_is_decoded_into_typed_nested_json() {
    let input = form(
        "Action=ModifyRule&Version=2015-12-01&RuleArn=arn%3Aaws%3Ar&Actions.member.1.Type=forward&\
         Actions.member.1.Order=1&Actions.member.1.ForwardConfig.TargetGroups.member.2.TargetGroupArn=c&\
         Actions.member.1.ForwardConfig.TargetGroups.member.2.Weight=10&\
         Actions.member.1.ForwardConfig.TargetGroups.member.1.TargetGroupArn=s&\
         Actions.member.1.ForwardConfig.TargetGroups.member.1.Weight=90&\
         Actions.member.1.ForwardConfig.TargetGroupStickinessConfig.Enabled=false&\
         Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1.key=prompt&\
         Actions.member.1.AuthenticateOidcConfig.AuthenticationRequestExtraParams.entry.1.value=a%26b",
    );
    assert_eq!(
        input,
        json!({
            "RuleArn": "arn:aws:r",
            "Actions": [{
                "Type": "forward",
                "Order": 1,
                "ForwardConfig": {
                    "TargetGroups": [
                        {"TargetGroupArn": "s", "Weight": 90},
                        {"TargetGroupArn": "c", "Weight": 10},
                    ],
                    "TargetGroupStickinessConfig": {"Enabled": false},
                },
                "AuthenticateOidcConfig": {"AuthenticationRequestExtraParams": {"prompt": "a&b"}},
            }],
        })
    );
}

#[test]
fn lists_in_a_form_are_ordered_by_number_and_may_be_empty() {
    let many: String = (1..=12).rev().map(|n| format!("&RuleArns.member.{n}=r{n}")).collect();
    assert_eq!(form(&many)["RuleArns"][10], "r11");
    assert_eq!(form("RuleArns=&Marker=")["RuleArns"], json!([]));
    assert_eq!(form("RuleArns=&Marker=")["Marker"], "");
}

#[test]
fn times_in_a_cloudwatch_form_become_epoch_seconds() {
    let form = query::parse(b"StartTime=2026-11-21T04:00:00Z&EndTime=1970-01-01T00:00:01.5Z");
    let input = query::decode(cloudwatch(), &form).unwrap();
    assert_eq!(input, json!({"StartTime": 1795233600.0, "EndTime": 1.5}));
}

#[test]
fn a_malformed_form_is_an_error() {
    let deep = format!("{}=1", vec!["a"; 100_000].join("."));
    assert!(query::decode(elb(), &query::parse(deep.as_bytes())).is_err());
    assert!(query::decode(elb(), &query::parse(b"Names.member.x=1")).is_err());
    assert!(query::decode(elb(), &query::parse(b"Names.member.99999999999=1")).is_err());
    assert_eq!(form("Names.member.4294967295=last")["Names"], json!(["last"]));
}

#[test]
fn xml_has_the_envelope_lists_maps_and_times_of_aws() {
    let output = json!({
        "TargetGroups": [{"Port": 8080, "HealthCheckEnabled": true, "Matcher": null, "CreatedTime": 1795235520.25}],
        "LoadBalancers": [],
        "AuthenticationRequestExtraParams": {"prompt": "login"},
    });
    let body = xml::encode(elb(), "DescribeTargetGroups", &output, "id-1");
    assert_eq!(
        String::from_utf8(body.to_vec()).unwrap(),
        "<DescribeTargetGroupsResponse xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
         <DescribeTargetGroupsResult><TargetGroups><member><Port>8080</Port>\
         <HealthCheckEnabled>true</HealthCheckEnabled><CreatedTime>2026-11-21T04:32:00.250Z</CreatedTime></member>\
         </TargetGroups><LoadBalancers></LoadBalancers><AuthenticationRequestExtraParams><entry><key>prompt</key>\
         <value>login</value></entry></AuthenticationRequestExtraParams></DescribeTargetGroupsResult>\
         <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DescribeTargetGroupsResponse>"
    );
}

#[test]
fn an_xml_error_names_sender_or_receiver() {
    let error = |status| ApiError { status, code: "RuleNotFound".to_owned(), message: "a<b".to_owned() };
    let text = |status| String::from_utf8(xml::encode_error(elb().namespace, &error(status), "id-1").to_vec()).unwrap();
    assert!(text(400).contains(
        "<Error><Type>Sender</Type><Code>RuleNotFound</Code><Message>a&lt;b</Message></Error><RequestId>id-1</RequestId>"
    ));
    assert!(text(500).contains("<Type>Receiver</Type>"));
}

#[test]
fn cbor_encodes_times_as_tag_1_and_doubles_as_floats() {
    let output = json!({"Id": "a", "Period": 60, "Timestamps": [1795235520, 1.5], "Values": [5, 0.5], "Label": null});
    let body = cbor::encode(cloudwatch(), &output);
    let value: ciborium::Value = ciborium::from_reader(body.as_ref()).unwrap();
    let at = |name: &str| {
        let members = value.as_map().unwrap();
        members.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    };
    let times = at("Timestamps").unwrap().as_array().unwrap();
    assert!(times.iter().all(|time| matches!(time, ciborium::Value::Tag(1, seconds) if seconds.is_float())));
    assert!(at("Values").unwrap().as_array().unwrap().iter().all(ciborium::Value::is_float));
    assert!(at("Period").unwrap().is_integer());
    assert!(at("Label").is_none());
}

#[test]
fn malformed_cbor_is_an_error() {
    assert!(cbor::decode(&[0x9f; 100_000]).is_err());
    assert!(cbor::decode(&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).is_err());
    assert!(cbor::decode(&[0xa1, 0x01, 0x02]).is_err());
    assert!(cbor::decode(&[0x01]).is_err());
}

#[test]
fn faults_use_the_error_codes_of_each_service() {
    for (service, fault, status, code) in [
        (Service::Ecs, Fault::Throttle, 400, "ThrottlingException"),
        (Service::Elbv2, Fault::Throttle, 400, "Throttling"),
        (Service::Ecs, Fault::Deny, 400, "AccessDeniedException"),
        (Service::CloudWatch, Fault::Deny, 403, "AccessDenied"),
        (Service::Ecs, Fault::Expire, 400, "ExpiredTokenException"),
        (Service::Sts, Fault::Expire, 403, "ExpiredToken"),
        (Service::Ecs, Fault::ServerError, 500, "ServerException"),
        (Service::CloudWatch, Fault::ServerError, 500, "InternalFailure"),
    ] {
        let call = Call { service, operation: "X".to_owned(), input: Value::Null, region: String::new() };
        let error = fault.error(&call).unwrap();
        assert_eq!((error.status, error.code.as_str()), (status, code));
    }
}

/// Any text, with a high share of characters that encodings treat specially.
fn any_text() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        '\0', '\u{1}', '\t', '\n', '\r', '\u{7f}', '&', '<', '>', '"', '\'', '=', '%', '+', '.', 'é', '\u{2028}',
        '\u{fffd}', '\u{ffff}', '🚢',
    ]);
    prop::collection::vec(prop_oneof![special, any::<char>()], 0..24).prop_map(|chars| chars.into_iter().collect())
}

/// Parses an XML answer and returns the text of `RuleArn`.
fn read_back(body: &[u8]) -> String {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_reader(body);
    let (mut text, mut inside) = (String::new(), false);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => inside = tag.name().as_ref() == "RuleArn",
            Event::Text(part) if inside => text.push_str(&part),
            Event::GeneralRef(entity) if inside => {
                let escaped = format!("&{};", &*entity);
                text.push_str(&quick_xml::escape::unescape(&escaped).unwrap());
            }
            Event::End(_) => inside = false,
            Event::Eof => return text,
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn any_text_survives_a_form(text in any_text()) {
        let body: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("Conditions.member.1.Values.member.1", &text)
            .finish();
        prop_assert_eq!(&form(&body)["Conditions"][0]["Values"][0], &Value::String(text));
    }

    #[test]
    fn any_text_survives_json(text in any_text()) {
        let input = json!({"reason": text});
        prop_assert_eq!(aws_json::decode(&aws_json::encode(&input)).unwrap(), input);
    }

    #[test]
    fn any_text_survives_cbor(text in any_text()) {
        let input = json!({"Label": text, "Values": [0.1], "Timestamps": [12.5]});
        prop_assert_eq!(cbor::decode(&cbor::encode(cloudwatch(), &input)).unwrap(), input);
    }

    #[test]
    fn any_text_survives_xml_except_for_characters_that_xml_does_not_allow(text in any_text()) {
        let body = xml::encode(elb(), "ModifyRule", &json!({"RuleArn": text}), "id");
        let expected: String = text
            .chars()
            .map(|c| match c {
                '\t' | '\n' | '\r' => c,
                '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                c if c < ' ' => '\u{fffd}',
                c => c,
            })
            .collect();
        prop_assert_eq!(read_back(&body), expected);
    }

    #[test]
    fn decoders_never_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = cbor::decode(&body);
        let _ = aws_json::decode(&body);
        let _ = query::decode(elb(), &query::parse(&body));
    }
}
