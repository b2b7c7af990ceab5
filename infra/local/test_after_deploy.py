"""The comparison of template and deployment: what it must see and what it must not mind."""

import unittest

from after_deploy import differences
from describe import lifecycle_in_api_words, lifecycle_in_template_words, operations_of
from template_values import NO_VALUE, DeployedTemplate, Unresolved


def template(resources=None, parameters=None, conditions=None, given=None):
    """A deployed template without a deployment."""
    deployed = DeployedTemplate.__new__(DeployedTemplate)
    deployed.template = {"Resources": resources or {}, "Parameters": parameters or {}, "Conditions": conditions or {}}
    deployed.given = given or {}
    deployed.account = "123456789012"
    deployed.pseudo = {"AWS::Region": "eu-west-1", "AWS::Partition": "aws", "AWS::NoValue": NO_VALUE, "AWS::StackName": "ceiba"}
    deployed.physical = {name: f"ceiba-{name}" for name in resources or {}}
    return deployed


class Differences(unittest.TestCase):
    def test_what_is_missing_or_other_is_seen(self):
        cases = [
            ({"Timeout": 10}, {"Timeout": 11}),
            ({"Timeout": 10}, {}),
            ({"Environment": {"Variables": {"A": "1"}}}, {"Environment": {"Variables": {"A": "2"}}}),
            ({"Indexes": [{"IndexName": "a"}]}, {"Indexes": []}),
            ({"Enabled": True}, {"Enabled": False}),
            ({"Types": ["ReportBatchItemFailures"]}, {"Types": []}),
        ]
        for wanted, found in cases:
            self.assertEqual(len(list(differences(wanted, found))), 1, (wanted, found))

    def test_order_spelling_and_what_the_service_adds_are_no_differences(self):
        cases = [
            ({"Timeout": "10"}, {"Timeout": 10, "State": "Active"}),
            ({"Enabled": "true"}, {"Enabled": True}),
            ({"Keys": [{"AttributeName": "b"}, {"AttributeName": "a"}]}, {"Keys": [{"AttributeName": "a", "X": 1}, {"AttributeName": "b"}]}),
            ({"Action": "s3:GetObject"}, {"Action": ["s3:GetObject"]}),
            ({"Tracing": False}, {}),
        ]
        for wanted, found in cases:
            self.assertEqual(list(differences(wanted, found)), [], (wanted, found))


class Values(unittest.TestCase):
    def test_intrinsic_functions_are_worked_out(self):
        deployed = template(
            resources={"Fn": {"Type": "AWS::Lambda::Function"}},
            parameters={"Days": {"Type": "Number", "Default": 7}, "Zones": {"Type": "CommaDelimitedList"}},
            conditions={"Long": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Days"}, 7]}]}},
            given={"Zones": "a, b"},
        )
        cases = [
            ({"Ref": "Days"}, 7),
            ({"Ref": "Zones"}, ["a", "b"]),
            ({"Fn::GetAtt": ["Fn", "Arn"]}, "arn:aws:lambda:eu-west-1:123456789012:function:ceiba-Fn"),
            ({"Fn::Sub": "${AWS::StackName}/${Fn}/${Fn.Arn}/${!kept}"},
             "ceiba/ceiba-Fn/arn:aws:lambda:eu-west-1:123456789012:function:ceiba-Fn/${kept}"),
            ({"Fn::Sub": ["${a}", {"a": {"Ref": "Days"}}]}, "7"),
            ({"Fn::If": ["Long", 1, 2]}, 2),
            ({"Fn::Join": ["-", ["x", {"Ref": "AWS::Region"}]]}, "x-eu-west-1"),
            ({"A": {"Ref": "AWS::NoValue"}, "B": 1}, {"B": 1}),
        ]
        for node, expected in cases:
            self.assertEqual(deployed.value(node), expected, node)

    def test_resources_whose_condition_does_not_hold_are_left_out(self):
        deployed = template(
            resources={"A": {"Type": "T", "Condition": "Never"}, "B": {"Type": "T", "Properties": {"X": 1}}},
            conditions={"Never": {"Fn::Equals": ["a", "b"]}},
        )
        self.assertEqual(list(deployed.resources()), [("B", "T", {"X": 1})])

    def test_an_unknown_function_is_an_error_and_not_a_guess(self):
        with self.assertRaises(Unresolved):
            template().value({"Fn::Unheard": 1})


class Shapes(unittest.TestCase):
    def test_a_lifecycle_rule_survives_the_way_to_the_service_and_back(self):
        rule = {"Id": "old", "Status": "Enabled", "Prefix": "tmp/", "ExpirationInDays": 7,
                "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 30}],
                "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
        self.assertEqual(lifecycle_in_template_words(lifecycle_in_api_words(rule)), rule)

    def test_operations_inherit_the_security_of_the_contract_unless_they_name_their_own(self):
        integration = {"type": "aws_proxy", "uri": "u"}
        body = {
            "security": [{"token": []}],
            "components": {"securitySchemes": {"token": {"x-amazon-apigateway-authorizer": {}}}},
            "paths": {"/a": {
                "get": {"x-amazon-apigateway-integration": integration},
                "post": {"security": [], "x-amazon-apigateway-integration": integration},
                "parameters": [],
            }},
        }
        expected = {"integration": "aws_proxy", "uri": "u"}
        self.assertEqual(operations_of(body), {"GET /a": expected | {"authorizer": "token"}, "POST /a": expected | {"authorizer": "none"}})


if __name__ == "__main__":
    unittest.main()
