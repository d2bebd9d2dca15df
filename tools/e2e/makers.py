"""One maker a type of resource: properties in, physical id and attributes out.

Most pass the properties on as they are; boto3 refuses what the service would
not know.
"""

import io
import json
import zipfile


def _call(stack, service, method, **parameters):
    """A call whose numbers may be texts, as parameters of a template are."""
    client = stack.client(service)
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    return getattr(client, method)(**_typed(shape, parameters))


def _typed(shape, value):
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        return {k: _typed(shape.members[k], v) if k in shape.members else v for k, v in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_typed(shape.member, v) for v in value]
    if kind == "map" and isinstance(value, dict):
        return {k: _typed(shape.value, v) for k, v in value.items()}
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("double", "float") and isinstance(value, str):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return {"true": True, "false": False}[value]
    return value


def _bucket(stack, name, p):
    s3 = stack.client("s3")
    bucket = p.pop("BucketName", stack.named(name).lower())
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": stack.region})
    if "BucketEncryption" in p:
        rules = p.pop("BucketEncryption")["ServerSideEncryptionConfiguration"]
        config = {"Rules": [{"ApplyServerSideEncryptionByDefault": r["ServerSideEncryptionByDefault"]} for r in rules]}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=config)
    if "OwnershipControls" in p:
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=p.pop("OwnershipControls"))
    if "PublicAccessBlockConfiguration" in p:
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=p.pop("PublicAccessBlockConfiguration"))
    if "VersioningConfiguration" in p:
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=p.pop("VersioningConfiguration"))
    if "LifecycleConfiguration" in p:
        rules = []
        for r in p.pop("LifecycleConfiguration")["Rules"]:
            rule = {"ID": r.pop("Id"), "Status": r.pop("Status"), "Filter": {"Prefix": r.pop("Prefix", "")}}
            if "ExpirationInDays" in r:
                rule["Expiration"] = {"Days": int(r.pop("ExpirationInDays"))}
            rules.append({**rule, **r})
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    if "NotificationConfiguration" in p:
        queues, notify = [], p.pop("NotificationConfiguration")
        for q in notify.get("QueueConfigurations", []):
            config = {"QueueArn": q["Queue"], "Events": [q["Event"]]}
            if "Filter" in q:
                config["Filter"] = {"Key": {"FilterRules": q["Filter"]["S3Key"]["Rules"]}}
            queues.append(config)
        config = {"QueueConfigurations": queues}
        if notify.get("EventBridgeConfiguration", {}).get("EventBridgeEnabled"):
            config["EventBridgeConfiguration"] = {}
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=config)
    p.pop("Tags", None)
    if p:
        raise ValueError(f"properties {sorted(p)}")
    return bucket, {"Arn": f"arn:aws:s3:::{bucket}"}


def _bucket_policy(stack, name, p):
    stack.client("s3").put_bucket_policy(Bucket=p["Bucket"], Policy=json.dumps(p["PolicyDocument"]))
    return name, {}


def _texts(p):
    return {k: json.dumps(v) if isinstance(v, dict) else str(v).lower() if isinstance(v, bool) else str(v) for k, v in p.items()}


def _queue(stack, name, p):
    sqs, own = stack.client("sqs"), p.pop("QueueName", stack.named(name))
    url = sqs.create_queue(QueueName=own, Attributes=_texts(p))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return url, {"Arn": arn, "QueueName": own, "QueueUrl": url}


def _queue_policy(stack, name, p):
    for url in p["Queues"]:
        stack.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(p["PolicyDocument"])})
    return name, {}


def _role(stack, name, p):
    iam, own = stack.client("iam"), p.get("RoleName", stack.named(name))
    role = iam.create_role(RoleName=own, AssumeRolePolicyDocument=json.dumps(p["AssumeRolePolicyDocument"]))["Role"]
    for policy in p.get("Policies", []):
        iam.put_role_policy(RoleName=own, PolicyName=policy["PolicyName"], PolicyDocument=json.dumps(policy["PolicyDocument"]))
    if p.get("ManagedPolicyArns"):
        raise ValueError("a managed policy: name every action in the template")
    return own, {"Arn": role["Arn"], "RoleId": role["RoleId"]}


def _log_group(stack, name, p):
    logs, own = stack.client("logs"), p.get("LogGroupName", stack.named(name))
    logs.create_log_group(logGroupName=own)
    _call(stack, "logs", "put_retention_policy", logGroupName=own, retentionInDays=p["RetentionInDays"])
    return own, {"Arn": f"arn:aws:logs:{stack.region}:{stack.account}:log-group:{own}:*"}


def _dynamo_table(stack, name, p):
    ddb, own = stack.client("dynamodb"), p.pop("TableName", stack.named(name))
    ttl, recovery = p.pop("TimeToLiveSpecification", None), p.pop("PointInTimeRecoverySpecification", None)
    table = _call(stack, "dynamodb", "create_table", TableName=own, **p)["TableDescription"]
    if ttl:
        ddb.update_time_to_live(TableName=own, TimeToLiveSpecification=ttl)
    if recovery:
        ddb.update_continuous_backups(TableName=own, PointInTimeRecoverySpecification=recovery)
    return own, {"Arn": table["TableArn"]}


def _topic(stack, name, p):
    own = p.pop("TopicName", stack.named(name))
    arn = stack.client("sns").create_topic(Name=own, Attributes=_texts(p))["TopicArn"]
    return arn, {"TopicArn": arn, "TopicName": own}


def _topic_policy(stack, name, p):
    for arn in p["Topics"]:
        stack.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps({"Id": "stack", **p["PolicyDocument"]})
        )
    return name, {}


def _subscription(stack, name, p):
    where = {k: p.pop(k) for k in ("TopicArn", "Protocol", "Endpoint")}
    return stack.client("sns").subscribe(**where, Attributes=_texts(p))["SubscriptionArn"], {}


def _function(stack, name, p):
    """A name and settings: the code runs outside of moto, which would want Docker."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as z:
        z.writestr("bootstrap", "")
    own = p.pop("FunctionName", stack.named(name))
    p["Code"] = {"ZipFile": zipped.getvalue()}
    p["Tags"] = {t["Key"]: t["Value"] for t in p.pop("Tags", [])}
    reserved = p.pop("ReservedConcurrentExecutions", None)
    arn = _call(stack, "lambda", "create_function", FunctionName=own, **p)["FunctionArn"]
    if reserved is not None:
        _call(stack, "lambda", "put_function_concurrency", FunctionName=own, ReservedConcurrentExecutions=reserved)
    return own, {"Arn": arn}


def _event_source(stack, name, p):
    """Switched off: moto would take messages from the queue and put them back."""
    made = _call(stack, "lambda", "create_event_source_mapping", Enabled=False, **p)
    stack.client("lambda").update_event_source_mapping(UUID=made["UUID"], Enabled=False)
    return made["UUID"], {}


def _glue_database(stack, name, p):
    stack.client("glue").create_database(**p)
    return p["DatabaseInput"]["Name"], {}


def _glue_table(stack, name, p):
    _call(stack, "glue", "create_table", **p)
    return p["TableInput"]["Name"], {}


def _workgroup(stack, name, p):
    p.pop("RecursiveDeleteOption", None)
    _call(stack, "athena", "create_work_group", Configuration=p.pop("WorkGroupConfiguration"), **p)
    return p["Name"], {}


def _named_query(stack, name, p):
    return stack.client("athena").create_named_query(**p)["NamedQueryId"], {}


def _alarm(stack, name, p):
    own = p.pop("AlarmName", stack.named(name))
    _call(stack, "cloudwatch", "put_metric_alarm", AlarmName=own, **p)
    return own, {"Arn": f"arn:aws:cloudwatch:{stack.region}:{stack.account}:alarm:{own}"}


def _dashboard(stack, name, p):
    json.loads(p["DashboardBody"])
    own = p.get("DashboardName", stack.named(name))
    stack.client("cloudwatch").put_dashboard(DashboardName=own, DashboardBody=p["DashboardBody"])
    return own, {}


def _permission(stack, name, p):
    stack.client("lambda").add_permission(StatementId=name, **p)
    return name, {}


def _rule(stack, name, p):
    events, own = stack.client("events"), p.pop("Name", stack.named(name))
    targets = p.pop("Targets", [])
    if "EventPattern" in p:  # others go by the clock, and nothing here does
        p["EventPattern"] = json.dumps(p["EventPattern"])
    arn = events.put_rule(Name=own, **p)["RuleArn"]
    if targets:
        events.put_targets(Rule=own, Targets=targets)
    return own, {"Arn": arn}


def _trail(stack, name, p):
    trail, own = stack.client("cloudtrail"), p.pop("TrailName", stack.named(name))
    logging, selectors = p.pop("IsLogging"), p.pop("AdvancedEventSelectors", None)
    arn = _call(stack, "cloudtrail", "create_trail", Name=own, **p)["TrailARN"]
    if selectors:
        trail.put_event_selectors(TrailName=own, AdvancedEventSelectors=selectors)
    if logging:
        trail.start_logging(Name=own)
    return own, {"Arn": arn}


def _enrolment(stack, name, p):
    """The test is CloudFormation here: it asks the function, which is not there yet."""
    return name, {"Enrolled": "what the function answers", "NotEnrolled": "what the function answers"}


def _packing(stack, name, p):
    """The same: what the function would make, the test lets it make."""
    return name, {}


MAKERS = {
    "AWS::Athena::NamedQuery": _named_query,
    "AWS::Athena::WorkGroup": _workgroup,
    "AWS::CloudTrail::Trail": _trail,
    "AWS::CloudWatch::Alarm": _alarm,
    "AWS::CloudWatch::Dashboard": _dashboard,
    "AWS::DynamoDB::Table": _dynamo_table,
    "AWS::Events::Rule": _rule,
    "AWS::Glue::Database": _glue_database,
    "AWS::Glue::Table": _glue_table,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::EventSourceMapping": _event_source,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::Permission": _permission,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": _bucket_policy,
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": _topic_policy,
    "AWS::SQS::Queue": _queue,
    "AWS::SQS::QueuePolicy": _queue_policy,
    "Custom::Enrolment": _enrolment,
    "Custom::Packing": _packing,
}
