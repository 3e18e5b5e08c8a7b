"""The checker of the models, checked: each kind of defect is seen, in each protocol, and a right answer has none."""

from __future__ import annotations

import datetime
import json
import unittest
from typing import Any

import botocore.session
import cbor2
from botocore.model import OperationModel

import schema

RIGHT: dict[str, Any] = {
    "MetricDataResults": [
        {"Id": "a", "Label": "x", "StatusCode": "Complete", "Timestamps": [1795235520.0], "Values": [1.0]}
    ]
}
XML = (
    '<GetMetricDataResponse xmlns="http://monitoring.amazonaws.com/doc/2010-08-01/"><GetMetricDataResult>'
    "<MetricDataResults><member><Id>a</Id><Label>x</Label><StatusCode>Complete</StatusCode>"
    "<Timestamps><member>2026-11-21T04:32:00Z</member></Timestamps><Values><member>1.0</member></Values>"
    "</member></MetricDataResults></GetMetricDataResult>"
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetMetricDataResponse>"
)


def operation(service: str, name: str) -> OperationModel:
    return botocore.session.get_session().get_service_model(service).operation_model(name)


def found(protocol: str, body: str | bytes) -> list[str]:
    body = body.encode() if isinstance(body, str) else body
    return [problem.what for problem in schema.problems(operation("cloudwatch", "GetMetricData"), protocol, body)]


def changed(**members: Any) -> dict[str, Any]:
    result = {**RIGHT["MetricDataResults"][0], **members}
    return {"MetricDataResults": [{name: value for name, value in result.items() if value is not None}]}


class Json(unittest.TestCase):
    def test_a_right_answer_has_no_problem(self) -> None:
        self.assertEqual(found("json", json.dumps(RIGHT)), [])

    def test_a_document_may_hold_anything(self) -> None:
        given = operation("ecs", "UpdateService").input_shape
        assert given is not None
        shape = given.members["deploymentConfiguration"]
        config = {
            "bakeTimeInMinutes": 5,
            "maximumPercent": 200,
            "minimumHealthyPercent": 100,
            "strategy": "BLUE_GREEN",
            "lifecycleHooks": [{"hookDetails": {"limits": [1, None], "deep": {"er": True}}, "surprise": 1}],
        }
        problems = [problem.what for problem in schema.Checker("ecs", float).check(shape, config, "")]
        self.assertEqual(problems, ["DeploymentLifecycleHook has no member surprise"])

    def test_each_defect_is_seen(self) -> None:
        for members, what in (
            ({"Extra": 1}, "has no member Extra"),
            ({"Label": None}, "lacks Label"),
            ({"StatusCode": "Done"}, "'Done' is none of Complete"),
            ({"Values": ["1"]}, "'1' is not of type double"),
            ({"Values": [True]}, "True is not of type double"),
            ({"Values": 1}, "1 is not a list"),
            ({"Timestamps": ["2026-11-21T04:32:00Z"]}, "is not of type timestamp"),
        ):
            problems = found("json", json.dumps(changed(**members)))
            self.assertEqual(len(problems), 1, problems)
            self.assertIn(what, problems[0])


class Cbor(unittest.TestCase):
    def test_a_time_has_to_be_tagged(self) -> None:
        time = datetime.datetime.fromtimestamp(1795235520, datetime.UTC)
        right = cbor2.dumps(changed(Timestamps=[time]), datetime_as_timestamp=True)
        self.assertEqual(found("smithy-rpc-v2-cbor", right), [])
        self.assertIn("is not of type timestamp", found("smithy-rpc-v2-cbor", cbor2.dumps(RIGHT))[0])


class Query(unittest.TestCase):
    def test_a_right_answer_has_no_problem(self) -> None:
        self.assertEqual(found("query", XML), [])

    def test_each_defect_is_seen(self) -> None:
        for text, instead, what in (
            ("<Label>x</Label>", "", "lacks Label"),
            ("<Label>x</Label>", "<Label>x</Label><Extra/>", "has no member Extra"),
            ("Complete", "Done", "is none of"),
            ("1.0", "one", "is not of type double"),
            ("04:32:00Z", "04:32:00", "is not of type timestamp"),
            ("<Values><member>1.0</member></Values>", "<Values><item>1.0</item></Values>", "is not a list"),
            ("GetMetricDataResult>", "Result>", "is not a structure"),
            ("RequestId>", "Id>", "is not a structure"),
        ):
            problems = found("query", XML.replace(text, instead))
            self.assertTrue(any(what in problem for problem in problems), (what, problems))
