"""What a deployed stack's template says, with parameters, conditions and intrinsic functions worked out."""

import json
import re

NO_VALUE = object()


class Unresolved(Exception):
    """An intrinsic function this module does not know."""


class DeployedTemplate:
    """The processed template of one stack beside the stack's parameters and physical ids."""

    def __init__(self, session, stack_name):
        cfn = session.client("cloudformation")
        stack = cfn.describe_stacks(StackName=stack_name)["Stacks"][0]
        body = cfn.get_template(StackName=stack_name, TemplateStage="Processed")["TemplateBody"]
        self.session = session
        self.template = json.loads(body) if isinstance(body, str) else body
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}
        self.given = {p["ParameterKey"]: p.get("ResolvedValue", p.get("ParameterValue")) for p in stack.get("Parameters", [])}
        self.account = session.client("sts").get_caller_identity()["Account"]
        self.pseudo = {
            "AWS::Region": session.region_name,
            "AWS::AccountId": self.account,
            "AWS::Partition": session.get_partition_for_region(session.region_name),
            "AWS::StackName": stack_name,
            "AWS::StackId": stack["StackId"],
            "AWS::URLSuffix": "amazonaws.com",
            "AWS::NoValue": NO_VALUE,
        }
        self.physical = {}
        for page in cfn.get_paginator("list_stack_resources").paginate(StackName=stack_name):
            for resource in page["StackResourceSummaries"]:
                self.physical[resource["LogicalResourceId"]] = resource.get("PhysicalResourceId")

    def resources(self):
        """Yields (logical id, type, properties) of the resources whose condition holds."""
        for logical, resource in sorted(self.template["Resources"].items()):
            if "Condition" not in resource or self.condition(resource["Condition"]):
                yield logical, resource["Type"], self.value(resource.get("Properties", {}))

    def value(self, node):
        """A template value without intrinsic functions."""
        if isinstance(node, list):
            return [v for v in (self.value(item) for item in node) if v is not NO_VALUE]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, argument), = node.items()
            if name == "Ref" or name == "Condition" or name.startswith("Fn::"):
                return self.intrinsic(name, argument)
        return {k: v for k, v in ((k, self.value(item)) for k, item in node.items()) if v is not NO_VALUE}

    def intrinsic(self, name, argument):
        if name == "Ref":
            return self.reference(argument)
        if name == "Condition":
            return self.condition(argument)
        if name == "Fn::GetAtt":
            logical, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
            return self.attribute(logical, attribute)
        if name == "Fn::Sub":
            return self.substituted(argument)
        if name == "Fn::If":
            return self.value(argument[1] if self.condition(argument[0]) else argument[2])
        if name == "Fn::Join":
            return argument[0].join(str(part) for part in self.value(argument[1]))
        if name == "Fn::Select":
            return self.value(argument[1])[int(self.value(argument[0]))]
        if name == "Fn::Split":
            return self.value(argument[1]).split(argument[0])
        if name == "Fn::FindInMap":
            first, second, third = (self.value(part) for part in argument[:3])
            return self.value(self.template["Mappings"][first][second][third])
        if name == "Fn::Equals":
            left, right = (self.value(side) for side in argument)
            return str(left) == str(right)
        if name == "Fn::And":
            return all(self.value(part) for part in argument)
        if name == "Fn::Or":
            return any(self.value(part) for part in argument)
        if name == "Fn::Not":
            return not self.value(argument[0])
        raise Unresolved(f"{name} {argument}")

    def condition(self, name):
        return bool(self.value(self.template["Conditions"][name]))

    def reference(self, name):
        if name in self.pseudo:
            return self.pseudo[name]
        if name in self.template.get("Parameters", {}):
            declared = self.template["Parameters"][name]
            text = self.given.get(name, declared.get("Default"))
            is_list = declared["Type"].startswith("List<") or declared["Type"] == "CommaDelimitedList"
            return [part.strip() for part in str(text).split(",")] if is_list else text
        if name in self.physical:
            return self.physical[name]
        raise Unresolved(f"Ref {name}")

    def substituted(self, argument):
        text, names = argument if isinstance(argument, list) else (argument, {})

        def replaced(match):
            name = match.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in names:
                return str(self.value(names[name]))
            if "." in name:
                return str(self.attribute(*name.split(".", 1)))
            return str(self.reference(name))

        return re.sub(r"\$\{([^}]+)\}", replaced, text)

    def rule(self, logical, identity):
        """A rule's path in its ARN: its bus stands before its name, unless that is the default one."""
        bus = self.value(self.template["Resources"][logical]["Properties"].get("EventBusName", "default"))
        name = re.split(r"[/|]", identity)[-1]
        return name if bus == "default" else f"{bus}/{name}"

    def attribute(self, logical, attribute):
        """What Fn::GetAtt gives, worked out from type and physical id and not asked of CloudFormation."""
        kind = self.template["Resources"][logical]["Type"]
        identity = self.physical[logical]
        last = re.split(r"[/:]", identity)[-1]
        if attribute in ("Arn", "TopicArn"):
            if kind == "AWS::Events::Rule":
                return self.arn(kind, self.rule(logical, identity))
            return self.arn(kind, identity)
        if attribute in ("QueueName", "Name", "TopicName"):
            return last
        if attribute == "QueueUrl":
            return identity
        if (kind, attribute) == ("AWS::DynamoDB::Table", "StreamArn"):
            return self.session.client("dynamodb").describe_table(TableName=identity)["Table"]["LatestStreamArn"]
        raise Unresolved(f"Fn::GetAtt {logical}.{attribute} of {kind}")

    def arn(self, kind, identity):
        if identity.startswith("arn:"):
            return identity
        forms = {
            "AWS::Lambda::Function": "lambda:{region}:{account}:function:{id}",
            "AWS::IAM::Role": "iam::{account}:role/{id}",
            "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{id}",
            "AWS::SQS::Queue": "sqs:{region}:{account}:{last}",
            "AWS::S3::Bucket": "s3:::{id}",
            "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{id}",
            "AWS::Events::Rule": "events:{region}:{account}:rule/{id}",
            "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{id}:*",
            "AWS::CloudWatch::Alarm": "cloudwatch:{region}:{account}:alarm:{id}",
            "AWS::KMS::Key": "kms:{region}:{account}:key/{id}",
        }
        if kind not in forms:
            raise Unresolved(f"ARN of {kind}")
        filled = forms[kind].format(
            region=self.pseudo["AWS::Region"], account=self.account, id=identity, last=identity.rsplit("/", 1)[-1]
        )
        return f"arn:{self.pseudo['AWS::Partition']}:{filled}"
