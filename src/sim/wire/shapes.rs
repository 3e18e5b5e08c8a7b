//! The types of members that the JSON form alone does not tell: numbers, times, lists that may be sent empty. Within a
//! service a member's name has the same type in every operation.

use crate::sim::api::Service;

/// A service's addresses on the wire and the types of its members.
#[derive(Debug)]
pub(super) struct Api {
    pub(super) service: Service,
    /// The prefix of `x-amz-target`, and the service's name in an rpc-v2-cbor path.
    pub(super) target: Option<&'static str>,
    /// `Version` in an awsQuery request.
    pub(super) version: Option<&'static str>,
    /// The XML namespace of the service's answers.
    pub(super) namespace: &'static str,
    shapes: Shapes,
}

/// Member names by type.
#[derive(Debug, Default)]
struct Shapes {
    /// Numbers in awsQuery input.
    integers: &'static [&'static str],
    /// Booleans in awsQuery input.
    booleans: &'static [&'static str],
    /// Lists that a client may send empty as `Name=`.
    lists: &'static [&'static str],
    /// Maps in XML output.
    maps: &'static [&'static str],
    /// Times: epoch seconds in JSON, ISO 8601 in XML, tag 1 in CBOR.
    times: &'static [&'static str],
    /// Doubles, which CBOR must not encode as integers.
    doubles: &'static [&'static str],
}

const APIS: &[Api] = &[
    Api {
        service: Service::Ecs,
        target: Some("AmazonEC2ContainerServiceV20141113"),
        version: None,
        namespace: "",
        shapes: Shapes { integers: &[], booleans: &[], lists: &[], maps: &[], times: &[], doubles: &[] },
    },
    Api {
        service: Service::Elbv2,
        target: None,
        version: Some("2015-12-01"),
        namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
        shapes: Shapes {
            integers: &[
                "DurationSeconds",
                "HealthCheckIntervalSeconds",
                "HealthCheckTimeoutSeconds",
                "HealthyThresholdCount",
                "Order",
                "PageSize",
                "Port",
                "Priority",
                "SessionTimeout",
                "UnhealthyThresholdCount",
                "Weight",
            ],
            booleans: &["Enabled", "HealthCheckEnabled", "ResetTransforms", "UseExistingClientSecret"],
            lists: &[
                "Actions",
                "Conditions",
                "DefaultActions",
                "ListenerArns",
                "LoadBalancerArns",
                "Names",
                "ResourceArns",
                "RuleArns",
                "TargetGroupArns",
                "TargetGroups",
                "Targets",
                "Transforms",
                "Values",
            ],
            maps: &["AuthenticationRequestExtraParams"],
            times: &["CreatedTime", "LastModifiedTime"],
            doubles: &[],
        },
    },
    Api {
        service: Service::CloudWatch,
        target: Some("GraniteServiceVersion20100801"),
        version: Some("2010-08-01"),
        namespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
        shapes: Shapes {
            integers: &["EvaluationPeriods", "MaxDatapoints", "MaxRecords", "Period"],
            booleans: &["ReturnData"],
            lists: &["AlarmNames", "AlarmTypes", "Dimensions", "MetricDataQueries"],
            maps: &[],
            times: &[
                "AlarmConfigurationUpdatedTimestamp",
                "EndTime",
                "StartTime",
                "StateTransitionedTimestamp",
                "StateUpdatedTimestamp",
                "Timestamp",
                "Timestamps",
            ],
            doubles: &["Average", "Maximum", "Minimum", "SampleCount", "Sum", "Threshold", "Value", "Values"],
        },
    },
    Api {
        service: Service::Logs,
        target: Some("Logs_20140328"),
        version: None,
        namespace: "",
        shapes: Shapes { integers: &[], booleans: &[], lists: &[], maps: &[], times: &[], doubles: &[] },
    },
    Api {
        service: Service::Scaling,
        target: Some("AnyScaleFrontendService"),
        version: None,
        namespace: "",
        shapes: Shapes { integers: &[], booleans: &[], lists: &[], maps: &[], times: &[], doubles: &[] },
    },
    Api {
        service: Service::Sts,
        target: None,
        version: Some("2011-06-15"),
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
        shapes: Shapes {
            integers: &["DurationSeconds"],
            booleans: &[],
            lists: &["PolicyArns", "Tags"],
            maps: &[],
            times: &["Expiration"],
            doubles: &[],
        },
    },
];

impl Api {
    /// The service with this `x-amz-target` prefix or rpc-v2-cbor service name.
    pub(super) fn by_target(target: &str) -> Option<&'static Self> {
        APIS.iter().find(|api| api.target == Some(target))
    }

    /// The awsQuery service with this API version.
    pub(super) fn by_version(version: &str) -> Option<&'static Self> {
        APIS.iter().find(|api| api.version == Some(version))
    }

    pub(super) fn is_integer(&self, member: &str) -> bool {
        self.shapes.integers.contains(&member)
    }

    pub(super) fn is_boolean(&self, member: &str) -> bool {
        self.shapes.booleans.contains(&member)
    }

    pub(super) fn is_list(&self, member: &str) -> bool {
        self.shapes.lists.contains(&member)
    }

    pub(super) fn is_map(&self, member: &str) -> bool {
        self.shapes.maps.contains(&member)
    }

    pub(super) fn is_time(&self, member: &str) -> bool {
        self.shapes.times.contains(&member)
    }

    pub(super) fn is_double(&self, member: &str) -> bool {
        self.shapes.doubles.contains(&member)
    }
}
