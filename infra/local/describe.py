"""Asks AWS what is there, in the words of the template: one function per resource type.

Each takes (deployed, logical id, physical id, properties) and returns the found values under the names of the
template's properties. A function may return a pair (wanted, found) where the template's own form cannot be compared.
"""

import json

TYPES = {}


def of(kind):
    """Registers a function for a resource type."""

    def register(function):
        TYPES[kind] = function
        return function

    return register


def without_none(values):
    return {name: value for name, value in values.items() if value is not None}


def parsed(text):
    return json.loads(text) if isinstance(text, str) and text else text


def canonical(text):
    """A document in which the order of lists counts, as text that compares."""
    return json.dumps(json.loads(text), sort_keys=True)


@of("AWS::Lambda::Function")
def lambda_function(deployed, logical, physical, wanted):
    client = deployed.session.client("lambda")
    found = client.get_function_configuration(FunctionName=physical)
    concurrency = client.get_function_concurrency(FunctionName=physical)
    names = ("FunctionName", "Description", "Runtime", "Handler", "Timeout", "MemorySize", "Role", "Environment", "Architectures",
             "EphemeralStorage", "TracingConfig", "LoggingConfig", "DeadLetterConfig", "PackageType", "KmsKeyArn")
    code = {"Code": "present" if found.get("CodeSize") else "absent"}
    return ({**wanted, "Code": "present"},
            without_none({name: found.get(name) for name in names}
                         | {"ReservedConcurrentExecutions": concurrency.get("ReservedConcurrentExecutions")} | code))


@of("AWS::Lambda::EventSourceMapping")
def event_source_mapping(deployed, logical, physical, wanted):
    found = dict(deployed.session.client("lambda").get_event_source_mapping(UUID=physical))
    found["FunctionName"] = found["FunctionArn"].split(":function:")[1]
    found["Enabled"] = found["State"] in ("Enabled", "Enabling", "Creating")
    return {**wanted, "FunctionName": str(wanted["FunctionName"]).split(":function:")[-1]}, found


@of("AWS::Lambda::EventInvokeConfig")
def event_invoke_config(deployed, logical, physical, wanted):
    found = deployed.session.client("lambda").get_function_event_invoke_config(
        FunctionName=wanted["FunctionName"], Qualifier=wanted["Qualifier"])
    return {**found, "FunctionName": wanted["FunctionName"], "Qualifier": wanted["Qualifier"]}


@of("AWS::Lambda::Permission")
def lambda_permission(deployed, logical, physical, wanted):
    policy = json.loads(deployed.session.client("lambda").get_policy(FunctionName=wanted["FunctionName"])["Policy"])
    for statement in policy["Statement"]:
        principal = statement["Principal"]
        principal = principal.get("Service", principal.get("AWS")) if isinstance(principal, dict) else principal
        source = statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn")
        if (principal, statement["Action"]) == (wanted["Principal"], wanted["Action"]) and source == wanted.get("SourceArn"):
            return wanted
    return {}


@of("AWS::DynamoDB::Table")
def table(deployed, logical, physical, wanted):
    client = deployed.session.client("dynamodb")
    found = client.describe_table(TableName=physical)["Table"]
    ttl = client.describe_time_to_live(TableName=physical)["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName=physical)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    found = {
        "TableName": found["TableName"],
        "KeySchema": found["KeySchema"],
        "AttributeDefinitions": found["AttributeDefinitions"],
        "GlobalSecondaryIndexes": found.get("GlobalSecondaryIndexes"),
        "LocalSecondaryIndexes": found.get("LocalSecondaryIndexes"),
        "BillingMode": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "StreamSpecification": found.get("StreamSpecification"),
        "DeletionProtectionEnabled": found.get("DeletionProtectionEnabled", False),
        "SSESpecification": {"SSEEnabled": found.get("SSEDescription", {}).get("Status") in ("ENABLED", "ENABLING")},
        "TimeToLiveSpecification": {"Enabled": ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING"), "AttributeName": ttl.get("AttributeName")},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": recovery == "ENABLED"},
    }
    return without_none(found)


@of("AWS::SQS::Queue")
def queue(deployed, logical, physical, wanted):
    found = deployed.session.client("sqs").get_queue_attributes(QueueUrl=physical, AttributeNames=["All"])["Attributes"]
    found["QueueName"] = physical.rsplit("/", 1)[-1]
    for name in ("RedrivePolicy", "RedriveAllowPolicy"):
        found[name] = parsed(found.get(name))
    return without_none(found | {"KmsMasterKeyId": found.get("KmsMasterKeyId")} | {
        "ReceiveMessageWaitTimeSeconds": found.get("ReceiveMessageWaitTimeSeconds", "0")})


@of("AWS::SQS::QueuePolicy")
def queue_policy(deployed, logical, physical, wanted):
    client = deployed.session.client("sqs")
    policies = [client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {}).get("Policy")
                for url in wanted["Queues"]]
    return {"Queues": wanted["Queues"], "PolicyDocument": parsed(policies[0]) if len(set(policies)) == 1 else policies}


@of("AWS::SNS::Topic")
def topic(deployed, logical, physical, wanted):
    client = deployed.session.client("sns")
    found = client.get_topic_attributes(TopicArn=physical)["Attributes"]
    subscriptions = client.list_subscriptions_by_topic(TopicArn=physical)["Subscriptions"]
    return without_none({
        "TopicName": physical.rsplit(":", 1)[-1],
        "DisplayName": found.get("DisplayName"),
        "KmsMasterKeyId": found.get("KmsMasterKeyId"),
        "Subscription": [{"Protocol": s["Protocol"], "Endpoint": s["Endpoint"]} for s in subscriptions],
    })


@of("AWS::SNS::TopicPolicy")
def topic_policy(deployed, logical, physical, wanted):
    client = deployed.session.client("sns")
    policies = [client.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy") for arn in wanted["Topics"]]
    return {"Topics": wanted["Topics"], "PolicyDocument": parsed(policies[0]) if len(set(policies)) == 1 else policies}


@of("AWS::SNS::Subscription")
def subscription(deployed, logical, physical, wanted):
    client = deployed.session.client("sns")
    found = client.get_subscription_attributes(SubscriptionArn=physical)["Attributes"]
    for page in client.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=wanted["TopicArn"]):
        for listed in page["Subscriptions"]:
            if listed["SubscriptionArn"] == physical:
                found |= {name: listed[name] for name in ("TopicArn", "Protocol", "Endpoint")}
    return without_none(found | {name: parsed(found.get(name)) for name in ("FilterPolicy", "RedrivePolicy")})


@of("AWS::Events::EventBus")
def event_bus(deployed, logical, physical, wanted):
    return {"Name": deployed.session.client("events").describe_event_bus(Name=physical)["Name"]}


@of("AWS::Events::Rule")
def rule(deployed, logical, physical, wanted):
    client = deployed.session.client("events")
    address = {"EventBusName": wanted.get("EventBusName", "default")}
    name = physical.rsplit("|", 1)[-1]
    found = client.describe_rule(Name=name, **address)
    targets = client.list_targets_by_rule(Rule=name, **address)["Targets"]
    return without_none({
        "Name": found["Name"], "Description": found.get("Description"), "State": found["State"],
        "EventBusName": found.get("EventBusName"), "ScheduleExpression": found.get("ScheduleExpression"),
        "EventPattern": parsed(found.get("EventPattern")), "Targets": targets,
    })


@of("AWS::Logs::LogGroup")
def log_group(deployed, logical, physical, wanted):
    groups = deployed.session.client("logs").describe_log_groups(logGroupNamePrefix=physical)["logGroups"]
    group = next(g for g in groups if g["logGroupName"] == physical)
    return without_none({"LogGroupName": physical, "RetentionInDays": group.get("retentionInDays"), "KmsKeyId": group.get("kmsKeyId")})


@of("AWS::Logs::MetricFilter")
def metric_filter(deployed, logical, physical, wanted):
    filters = deployed.session.client("logs").describe_metric_filters(logGroupName=wanted["LogGroupName"])["metricFilters"]
    found = next(f for f in filters if f["filterName"] == physical)
    capitalised = [{name[0].upper() + name[1:]: value for name, value in t.items()} for t in found["metricTransformations"]]
    return {"LogGroupName": wanted["LogGroupName"], "FilterName": physical, "FilterPattern": found["filterPattern"], "MetricTransformations": capitalised}


@of("AWS::StepFunctions::StateMachine")
def state_machine(deployed, logical, physical, wanted):
    found = deployed.session.client("stepfunctions").describe_state_machine(stateMachineArn=physical)
    wanted = dict(wanted)
    text = wanted.pop("DefinitionString", None)
    if location := wanted.pop("DefinitionS3Location", None):
        text = deployed.session.client("s3").get_object(Bucket=location["Bucket"], Key=location["Key"])["Body"].read().decode()
    if text is None:
        text = json.dumps(wanted.pop("Definition"))
    for name, value in wanted.pop("DefinitionSubstitutions", {}).items():
        text = text.replace("${" + name + "}", str(value))
    wanted["Definition"] = canonical(text)
    logging = found.get("loggingConfiguration", {})
    return wanted, without_none({
        "Definition": canonical(found["definition"]), "RoleArn": found["roleArn"], "StateMachineName": found["name"],
        "StateMachineType": found["type"], "LoggingConfiguration": capitalised(logging),
        "TracingConfiguration": capitalised(found.get("tracingConfiguration")),
    })


def capitalised(node):
    """Names as CloudFormation writes them, from an API that starts them with a small letter."""
    if isinstance(node, list):
        return [capitalised(item) for item in node]
    if isinstance(node, dict):
        return {name[0].upper() + name[1:]: capitalised(value) for name, value in node.items()}
    return node


@of("AWS::CloudWatch::Alarm")
def alarm(deployed, logical, physical, wanted):
    alarms = deployed.session.client("cloudwatch").describe_alarms(AlarmNames=[physical])["MetricAlarms"]
    return alarms[0] if alarms else {}


@of("AWS::CloudWatch::Dashboard")
def dashboard(deployed, logical, physical, wanted):
    found = deployed.session.client("cloudwatch").get_dashboard(DashboardName=physical)
    wanted = {**wanted, "DashboardBody": canonical(wanted["DashboardBody"])}
    return wanted, {"DashboardName": physical, "DashboardBody": canonical(found["DashboardBody"])}


@of("AWS::SES::EmailIdentity")
def email_identity(deployed, logical, physical, wanted):
    name = wanted["EmailIdentity"]
    found = deployed.session.client("ses").get_identity_verification_attributes(Identities=[name])["VerificationAttributes"]
    # On AWS the owner of the name confirms it later; what counts is that the identity is there.
    return {"EmailIdentity": name if name in found else None}


@of("AWS::SES::ConfigurationSet")
def configuration_set(deployed, logical, physical, wanted):
    client = deployed.session.client("sesv2")
    return {"Name": client.get_configuration_set(ConfigurationSetName=physical)["ConfigurationSetName"]}


@of("AWS::SSM::Parameter")
def ssm_parameter(deployed, logical, physical, wanted):
    return deployed.session.client("ssm").get_parameter(Name=physical)["Parameter"]


@of("AWS::SecretsManager::Secret")
def secret(deployed, logical, physical, wanted):
    found = deployed.session.client("secretsmanager").describe_secret(SecretId=physical)
    kept = {"GenerateSecretString", "SecretString"} & set(wanted)
    return without_none({"Name": found["Name"], "Description": found.get("Description"), "KmsKeyId": found.get("KmsKeyId")}) | {
        name: wanted[name] for name in kept}


@of("AWS::KMS::Key")
def kms_key(deployed, logical, physical, wanted):
    client = deployed.session.client("kms")
    found = client.describe_key(KeyId=physical)["KeyMetadata"]
    return {
        "Description": found.get("Description"), "Enabled": found["Enabled"],
        "EnableKeyRotation": client.get_key_rotation_status(KeyId=physical)["KeyRotationEnabled"],
        "KeyPolicy": parsed(client.get_key_policy(KeyId=physical, PolicyName="default")["Policy"]),
    }


@of("AWS::KMS::Alias")
def kms_alias(deployed, logical, physical, wanted):
    for page in deployed.session.client("kms").get_paginator("list_aliases").paginate():
        for alias in page["Aliases"]:
            if alias["AliasName"] == wanted["AliasName"]:
                return {"AliasName": alias["AliasName"], "TargetKeyId": alias.get("TargetKeyId")}
    return {}


@of("AWS::IAM::Role")
def role(deployed, logical, physical, wanted):
    client = deployed.session.client("iam")
    found = client.get_role(RoleName=physical)["Role"]
    names = client.list_role_policies(RoleName=physical)["PolicyNames"]
    attached = client.list_attached_role_policies(RoleName=physical)["AttachedPolicies"]
    inline = [{"PolicyName": n, "PolicyDocument": client.get_role_policy(RoleName=physical, PolicyName=n)["PolicyDocument"]} for n in names]
    declared = {policy["PolicyName"] for policy in wanted.get("Policies", [])}
    return without_none({
        "RoleName": found["RoleName"], "Path": found.get("Path"), "Description": found.get("Description"),
        "AssumeRolePolicyDocument": parsed(found["AssumeRolePolicyDocument"]),
        "ManagedPolicyArns": [policy["PolicyArn"] for policy in attached],
        # Policies that other resources of the template attach are checked there.
        "Policies": [policy for policy in inline if policy["PolicyName"] in declared],
        "PermissionsBoundary": found.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "MaxSessionDuration": found.get("MaxSessionDuration"),
    })


@of("AWS::IAM::Policy")
def role_policy(deployed, logical, physical, wanted):
    client = deployed.session.client("iam")
    documents = [client.get_role_policy(RoleName=name, PolicyName=wanted["PolicyName"])["PolicyDocument"] for name in wanted["Roles"]]
    same = all(document == documents[0] for document in documents)
    return {"PolicyName": wanted["PolicyName"], "Roles": wanted["Roles"], "PolicyDocument": documents[0] if same else documents}


@of("AWS::S3::Bucket")
def bucket(deployed, logical, physical, wanted):
    client = deployed.session.client("s3")

    def ask(call, key, absent):
        try:
            return call(Bucket=physical).get(key)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] in absent:
                return None
            raise

    versioning = client.get_bucket_versioning(Bucket=physical).get("Status")
    lifecycle = ask(client.get_bucket_lifecycle_configuration, "Rules", ("NoSuchLifecycleConfiguration",))
    encryption = ask(client.get_bucket_encryption, "ServerSideEncryptionConfiguration", ("ServerSideEncryptionConfigurationNotFoundError",))
    access = ask(client.get_public_access_block, "PublicAccessBlockConfiguration", ("NoSuchPublicAccessBlockConfiguration",))
    ownership = ask(client.get_bucket_ownership_controls, "OwnershipControls", ("OwnershipControlsNotFoundError",))
    cors = ask(client.get_bucket_cors, "CORSRules", ("NoSuchCORSConfiguration",))
    notification = client.get_bucket_notification_configuration(Bucket=physical)
    return without_none({
        "BucketName": physical,
        "VersioningConfiguration": {"Status": versioning} if versioning else None,
        "LifecycleConfiguration": {"Rules": [lifecycle_in_template_words(r) for r in lifecycle]} if lifecycle else None,
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": r.get("ApplyServerSideEncryptionByDefault", {})} | without_none({"BucketKeyEnabled": r.get("BucketKeyEnabled")})
            for r in encryption["Rules"]]} if encryption else None,
        "PublicAccessBlockConfiguration": access,
        "OwnershipControls": ownership,
        "CorsConfiguration": {"CorsRules": cors} if cors else None,
        "NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}} if "EventBridgeConfiguration" in notification else
            notification_in_template_words(notification),
    })


def lifecycle_in_template_words(rule):
    words = {"Id": rule.get("ID"), "Status": rule["Status"], "Prefix": rule.get("Filter", {}).get("Prefix", rule.get("Prefix")) or None}
    words["ExpirationInDays"] = rule.get("Expiration", {}).get("Days")
    words["ExpiredObjectDeleteMarker"] = rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")
    words["NoncurrentVersionExpiration"] = rule.get("NoncurrentVersionExpiration")
    words["AbortIncompleteMultipartUpload"] = rule.get("AbortIncompleteMultipartUpload")
    if rule.get("Transitions"):
        words["Transitions"] = [{"StorageClass": t["StorageClass"], "TransitionInDays": t["Days"]} for t in rule["Transitions"]]
    return without_none(words)


def lifecycle_in_api_words(rule):
    words = {"ID": rule.get("Id"), "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    expiration = without_none({"Days": rule.get("ExpirationInDays"), "ExpiredObjectDeleteMarker": rule.get("ExpiredObjectDeleteMarker")})
    words["Expiration"] = expiration or None
    words["NoncurrentVersionExpiration"] = rule.get("NoncurrentVersionExpiration")
    if "AbortIncompleteMultipartUpload" in rule:
        words["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]}
    if "Transitions" in rule:
        words["Transitions"] = [{"StorageClass": t["StorageClass"], "Days": t["TransitionInDays"]} for t in rule["Transitions"]]
    return without_none(words)


def notification_in_template_words(found):
    lists = {
        "QueueConfigurations": [{"Queue": c["QueueArn"], "Event": e} | filter_in_template_words(c) for c in found.get("QueueConfigurations", []) for e in c["Events"]],
        "TopicConfigurations": [{"Topic": c["TopicArn"], "Event": e} | filter_in_template_words(c) for c in found.get("TopicConfigurations", []) for e in c["Events"]],
        "LambdaConfigurations": [{"Function": c["LambdaFunctionArn"], "Event": e} | filter_in_template_words(c)
                                 for c in found.get("LambdaFunctionConfigurations", []) for e in c["Events"]],
    }
    return {name: entries for name, entries in lists.items() if entries} or None


def filter_in_template_words(configuration):
    rules = configuration.get("Filter", {}).get("Key", {}).get("FilterRules", [])
    return {"Filter": {"S3Key": {"Rules": [{"Name": r["Name"].lower(), "Value": r["Value"]} for r in rules]}}} if rules else {}


@of("AWS::S3::BucketPolicy")
def bucket_policy(deployed, logical, physical, wanted):
    policy = deployed.session.client("s3").get_bucket_policy(Bucket=wanted["Bucket"])["Policy"]
    return {"Bucket": wanted["Bucket"], "PolicyDocument": parsed(policy)}


@of("AWS::ApiGateway::RestApi")
def rest_api(deployed, logical, physical, wanted):
    client = deployed.session.client("apigateway")
    found = client.get_rest_api(restApiId=physical)
    names = {a["id"]: a["name"] for a in client.get_authorizers(restApiId=physical)["items"]}
    operations = {}
    for page in client.get_paginator("get_resources").paginate(restApiId=physical, embed=["methods"]):
        for resource in page["items"]:
            for verb, method in resource.get("resourceMethods", {}).items():
                integration = method.get("methodIntegration") or client.get_integration(
                    restApiId=physical, resourceId=resource["id"], httpMethod=verb)
                operations[f"{verb} {resource['path']}"] = {
                    "integration": integration["type"].lower(), "uri": integration.get("uri"), "authorizer": names.get(method.get("authorizerId"), "none")}
    wanted = dict(wanted)
    if "Body" in wanted:
        wanted["Body"] = operations_of(wanted["Body"])
    endpoint = capitalised(found.get("endpointConfiguration"))
    return wanted, without_none({
        "Body": operations, "Name": found["name"], "Description": found.get("description"),
        "BinaryMediaTypes": found.get("binaryMediaTypes"), "EndpointConfiguration": endpoint, "Parameters": wanted.get("Parameters"),
    })


def operations_of(body):
    """What an OpenAPI body asks of the gateway: per operation the integration and who authorises it."""
    custom = {name for name, scheme in body.get("components", body).get("securitySchemes", body.get("securityDefinitions", {})).items()
              if "x-amazon-apigateway-authorizer" in scheme}
    everywhere = body.get("security", [])
    operations = {}
    for path, verbs in body["paths"].items():
        for verb, operation in verbs.items():
            integration = operation.get("x-amazon-apigateway-integration") if isinstance(operation, dict) else None
            if integration is None:
                continue
            schemes = [name for requirement in operation.get("security", everywhere) for name in requirement if name in custom]
            operations[f"{verb.upper()} {path}"] = {
                "integration": integration["type"].lower(), "uri": integration.get("uri"), "authorizer": schemes[0] if schemes else "none"}
    return operations


@of("AWS::ApiGateway::Deployment")
def api_deployment(deployed, logical, physical, wanted):
    client = deployed.session.client("apigateway")
    client.get_deployment(restApiId=wanted["RestApiId"], deploymentId=physical)
    return {name: wanted[name] for name in ("RestApiId", "Description", "StageName") if name in wanted}


@of("AWS::ApiGateway::Stage")
def api_stage(deployed, logical, physical, wanted):
    found = deployed.session.client("apigateway").get_stage(restApiId=wanted["RestApiId"], stageName=wanted["StageName"])
    settings = []
    for key, setting in found.get("methodSettings", {}).items():
        path, _, verb = key.rpartition("/")
        words = {name[0].upper() + name[1:]: value for name, value in setting.items()}
        settings.append({"ResourcePath": "/" + path.lstrip("/"), "HttpMethod": verb} | words)
    access = found.get("accessLogSettings")
    return without_none({
        "RestApiId": wanted["RestApiId"], "StageName": found["stageName"], "DeploymentId": found["deploymentId"],
        "Description": found.get("description"), "TracingEnabled": found.get("tracingEnabled"), "Variables": found.get("variables"),
        "MethodSettings": settings, "AccessLogSetting": capitalised(access) if access else None,
    })


@of("AWS::ApiGateway::GatewayResponse")
def gateway_response(deployed, logical, physical, wanted):
    found = deployed.session.client("apigateway").get_gateway_response(restApiId=wanted["RestApiId"], responseType=wanted["ResponseType"])
    return {"RestApiId": wanted["RestApiId"]} | capitalised_top(found)


def capitalised_top(values):
    return {name[0].upper() + name[1:]: value for name, value in values.items()}


@of("AWS::ApiGateway::Account")
def api_account(deployed, logical, physical, wanted):
    return without_none({"CloudWatchRoleArn": deployed.session.client("apigateway").get_account().get("cloudwatchRoleArn")})
