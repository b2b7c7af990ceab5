"""Brings an emulator's stack to what its template says, then checks that it is there.

MiniStack accepts some properties and drops them without a word. With --apply, each of those is set through its own
API call. Then every property of every resource of the processed template is compared with the describe calls of its
service. A difference that is not on the short list of what the emulator cannot do ends the step with an error.
Running it again changes nothing. The stack's outputs and physical ids are written as JSON to --out.
"""

import argparse
import functools
import json
import sys

import boto3
from botocore.config import Config

from describe import TYPES, lifecycle_in_api_words
from template_values import DeployedTemplate, Unresolved

# What the emulator has no place for, with the reason.
EMULATOR_CANNOT = {
    ("AWS::StepFunctions::StateMachine", "TracingConfiguration"): "there is no X-Ray",
    ("AWS::ApiGateway::Stage", "TracingEnabled"): "there is no X-Ray",
    ("AWS::SES::EmailIdentity", "DkimAttributes"): "mail is kept in a box and not signed",
    ("AWS::SES::EmailIdentity", "DkimSigningAttributes"): "mail is kept in a box and not signed",
    ("AWS::SES::EmailIdentity", "FeedbackAttributes"): "no bounces come back",
    ("AWS::SES::EmailIdentity", "ConfigurationSetAttributes"): "no sending events are published",
    ("AWS::SES::EmailIdentity", "MailFromAttributes"): "no mail leaves",
    ("AWS::SES::ConfigurationSet", "SuppressionOptions"): "no bounces come back",
    ("AWS::SES::ConfigurationSet", "ReputationOptions"): "no reputation is measured",
    ("AWS::SES::ConfigurationSet", "SendingOptions"): "always on",
    ("AWS::SES::ConfigurationSet", "DeliveryOptions"): "no mail leaves",
    ("AWS::SES::ConfigurationSetEventDestination", ""): "no sending events are published",
}
# Compared on no target: they steer CloudFormation itself, or no describe call gives them back; `*` is any type.
NOT_DESCRIBED = {
    ("*", "Tags"),
    ("AWS::Lambda::Function", "CodeSigningConfigArn"),
    ("AWS::ApiGateway::RestApi", "Mode"),
    ("AWS::ApiGateway::RestApi", "FailOnWarnings"),
    ("AWS::ApiGateway::Stage", "StageDescription"),
}

APPLIERS = {}


def applies(kind, name):
    """Registers a function that sets one dropped property."""

    def register(function):
        APPLIERS[kind, name] = function
        return function

    return register


def typed(node):
    """Booleans that came as text from a parameter, as the services want them."""
    if isinstance(node, list):
        return [typed(item) for item in node]
    if isinstance(node, dict):
        return {name: typed(value) for name, value in node.items()}
    return {"true": True, "false": False}.get(node, node) if isinstance(node, str) else node


@applies("AWS::DynamoDB::Table", "TimeToLiveSpecification")
def time_to_live(session, physical, value):
    session.client("dynamodb").update_time_to_live(TableName=physical, TimeToLiveSpecification=value)


@applies("AWS::DynamoDB::Table", "PointInTimeRecoverySpecification")
def point_in_time_recovery(session, physical, value):
    session.client("dynamodb").update_continuous_backups(TableName=physical, PointInTimeRecoverySpecification=value)


@applies("AWS::DynamoDB::Table", "SSESpecification")
def table_encryption(session, physical, value):
    names = {"SSEEnabled": "Enabled", "SSEType": "SSEType", "KMSMasterKeyId": "KMSMasterKeyId"}
    session.client("dynamodb").update_table(TableName=physical, SSESpecification={names[k]: v for k, v in value.items()})


@applies("AWS::Lambda::Function", "ReservedConcurrentExecutions")
def reserved_concurrency(session, physical, value):
    session.client("lambda").put_function_concurrency(FunctionName=physical, ReservedConcurrentExecutions=int(value))


@applies("AWS::S3::Bucket", "LifecycleConfiguration")
def lifecycle(session, physical, value):
    rules = [lifecycle_in_api_words(rule) for rule in value["Rules"]]
    session.client("s3").put_bucket_lifecycle_configuration(Bucket=physical, LifecycleConfiguration={"Rules": rules})


@applies("AWS::S3::Bucket", "BucketEncryption")
def bucket_encryption(session, physical, value):
    rules = [{"ApplyServerSideEncryptionByDefault": r["ServerSideEncryptionByDefault"]} | ({"BucketKeyEnabled": r["BucketKeyEnabled"]} if "BucketKeyEnabled" in r else {})
             for r in value["ServerSideEncryptionConfiguration"]]
    session.client("s3").put_bucket_encryption(Bucket=physical, ServerSideEncryptionConfiguration={"Rules": rules})


@applies("AWS::S3::Bucket", "OwnershipControls")
def ownership(session, physical, value):
    session.client("s3").put_bucket_ownership_controls(Bucket=physical, OwnershipControls=value)


@applies("AWS::StepFunctions::StateMachine", "LoggingConfiguration")
def state_machine_logging(session, physical, value):
    session.client("stepfunctions").update_state_machine(stateMachineArn=physical, loggingConfiguration=with_small_letters(value))


def with_small_letters(node):
    """The inverse of describe.capitalised: names as the API of Step Functions writes them."""
    if isinstance(node, list):
        return [with_small_letters(item) for item in node]
    if isinstance(node, dict):
        return {name[0].lower() + name[1:]: with_small_letters(value) for name, value in node.items()}
    return node


@applies("AWS::SES::EmailIdentity", "EmailIdentity")
def identity(session, physical, value):
    client = session.client("ses")
    if "@" in value:
        client.verify_email_identity(EmailAddress=value)
    else:
        client.verify_domain_identity(Domain=value)


def differences(wanted, found, path=""):
    """Yields (path, wanted, found) for all of `wanted` that `found` lacks; `found` may hold more."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            yield from differences(value, found.get(name), f"{path}.{name}" if path else name)
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (left, right) in enumerate(zip(in_order(wanted), in_order(found))):
            yield from differences(left, right, f"{path}[{index}]")
    elif not same(wanted, found):
        yield path, wanted, found


def in_order(items):
    """Lists are sets to most services; those whose order counts are inside documents and compared there as text."""
    names = ("IndexName", "AttributeName", "Id", "Sid", "PolicyName", "Name", "Action")
    return sorted(items, key=lambda item: (
        next((str(item[n]) for n in names if n in item), "") if isinstance(item, dict) else "", json.dumps(item, sort_keys=True, default=str)))


def same(wanted, found):
    if isinstance(wanted, str) and wanted.startswith("{{resolve:"):
        # A secret: that it was resolved is all that may be looked at.
        return bool(found) and not str(found).startswith("{{resolve:")
    if wanted == found or (wanted in ({}, [], "", False) and found is None):
        return True
    if isinstance(wanted, list) and len(wanted) == 1 and not isinstance(found, list):
        return same(wanted[0], found)
    if isinstance(found, list) and len(found) == 1 and not isinstance(wanted, list):
        return same(wanted, found[0])
    if isinstance(wanted, (dict, list)) or isinstance(found, (dict, list)) or found is None:
        return False
    return text(wanted) == text(found)


def text(value):
    """Numbers and booleans as CloudFormation and the services write them, one of several ways."""
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return str(value).lower()
    try:
        return f"{float(value):.9g}"
    except (TypeError, ValueError):
        return str(value)


def described(deployed, logical, kind, wanted):
    answer = TYPES[kind](deployed, logical, deployed.physical[logical], wanted)
    return answer if isinstance(answer, tuple) else (wanted, answer)


def resource_differences(deployed, logical, kind, properties):
    """All differences of one resource; a type nobody can describe is itself a difference."""
    if kind not in TYPES:
        return [("", "a check for this type", "none: add one to describe.py")]
    if logical not in deployed.physical:
        return [("", "the resource", "not deployed")]
    try:
        wanted, found = described(deployed, logical, kind, properties)
    except Exception as error:  # a describe call that fails is a finding, and the others are wanted too
        return [("", "a description", f"{type(error).__name__}: {error}")]
    wanted = {n: v for n, v in wanted.items() if (kind, n) not in NOT_DESCRIBED and ("*", n) not in NOT_DESCRIBED}
    return list(differences(wanted, found))


def top(path):
    return path.split(".")[0].split("[")[0]


def settle(deployed, logical, kind, properties, apply):
    """Applies what was dropped, then returns (differences that remain, names of what was applied)."""
    found = resource_differences(deployed, logical, kind, properties)
    applied = []
    if apply:
        for name in sorted({top(path) for path, _, _ in found}):
            if (kind, name) in APPLIERS:
                APPLIERS[kind, name](deployed.session, deployed.physical[logical], typed(properties[name]))
                applied.append(name)
    return (resource_differences(deployed, logical, kind, properties) if applied else found), applied


def api_url(deployed, endpoint):
    """The base URL of the stack's first REST API stage."""
    for _, kind, properties in deployed.resources():
        if kind == "AWS::ApiGateway::Stage":
            api, stage = properties["RestApiId"], properties["StageName"]
            if endpoint:
                return f"{endpoint}/restapis/{api}/{stage}/_user_request_"
            return f"https://{api}.execute-api.{deployed.session.region_name}.{deployed.pseudo['AWS::URLSuffix']}/{stage}"
    return ""


def session_with_cached_clients():
    """Clients cost 50 ms each to make, and one of each service is enough."""
    session = boto3.Session()
    config = Config(retries={"max_attempts": 4, "mode": "standard"})
    session.client = functools.lru_cache(maxsize=None)(functools.partial(session.client, config=config))
    return session


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--stack", required=True)
    arguments.add_argument("--endpoint", help="base URL of an emulator")
    arguments.add_argument("--apply", action="store_true", help="set what the emulator dropped")
    arguments.add_argument("--out", required=True, help="file for outputs and physical ids")
    options = arguments.parse_args()

    deployed = DeployedTemplate(session_with_cached_clients(), options.stack)
    failed = checked = accepted = 0
    ids = {}
    try:
        resources = list(deployed.resources())
    except (Unresolved, KeyError) as unknown:
        sys.exit(f"cannot work out the template: {type(unknown).__name__} {unknown}")
    for logical, kind, properties in resources:
        ids.setdefault(kind, {})[logical] = deployed.physical.get(logical)
        remaining, applied = settle(deployed, logical, kind, properties, options.apply)
        checked += 1
        for name in applied:
            print(f"set      {logical} ({kind}): {name}")
        for path, wanted, found in remaining:
            reason = EMULATOR_CANNOT.get((kind, top(path))) if options.endpoint else None
            if reason:
                accepted += 1
                print(f"accepted {logical} ({kind}): {path}: {reason}")
            else:
                failed += 1
                print(f"differs  {logical} ({kind}): {path}: template {json.dumps(wanted, default=str)}, found {json.dumps(found, default=str)}")
    with open(options.out, "w", encoding="utf-8") as out:
        json.dump({"api_url": api_url(deployed, options.endpoint), "region": deployed.session.region_name,
                   "outputs": deployed.outputs, "resources": ids}, out, indent=2)
    print(f"{checked} resources compared with their template: {failed} differences, {accepted} accepted")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
