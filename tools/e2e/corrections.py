"""What moto 5.2.1 does otherwise than AWS, as far as make e2e would notice."""

import html
import itertools
import json
import os
import re
import threading
import urllib.parse
from datetime import datetime, timezone

from moto.athena.responses import AthenaResponse
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.glue.responses import GlueResponse
from moto.iam import access_control
from moto.s3 import notifications
from moto.s3 import responses as s3
from moto.sns.responses import SNSResponse
from moto.sqs.models import SQSBackend
from werkzeug.exceptions import HTTPException


def apply():
    access_control.S3IAMRequest._create_aws_request = _signed_path(access_control.S3IAMRequest._create_aws_request)
    access_control.IAMRequestBase.check_action_permitted = _check
    access_control.IAMRequest._raise_access_denied = _refuse(access_control.IAMRequest._raise_access_denied)
    access_control.IAMPolicyStatement.is_action_permitted = _bucket_statement
    SNSResponse._determine_resource = lambda self: self._get_param("TopicArn") or self._get_param("TargetArn") or "*"
    DynamoHandler._determine_resource = _table
    AthenaResponse._determine_resource = _workgroup
    GlueResponse._determine_resource = _glued
    DynamoHandler.call_action = _one_at_a_time(DynamoHandler.call_action)
    Table.query = _in_partition(Table.query)
    s3.ACTION_MAP["BUCKET"]["GET"] = {**_SETTINGS, **s3.ACTION_MAP["BUCKET"]["GET"]}
    s3.S3Response.get_bucket_logging = _key_format(s3.S3Response.get_bucket_logging)
    # It counts the whole queue for each message it gives out, which takes seconds
    # where a thousand wait; none here is as old as a queue keeps it.
    SQSBackend.is_message_valid_based_on_retention_period = lambda self, queue, message: True
    notifications._get_s3_event = _event(notifications._get_s3_event)


def _signed_path(original):
    """A key or a prefix is signed as it is escaped on the wire; moto checks it unescaped."""

    def create(self):
        path, question, query = self._path.partition("?")
        query = "&".join("=".join(_escaped(x, "") for x in pair.split("=", 1)) for pair in query.split("&"))
        self._path = _escaped(path, "/") + question + query
        return original(self)

    return create


def _escaped(text, safe):
    return urllib.parse.quote(urllib.parse.unquote(text), safe=safe + "-._~")


# What moto takes for a list of the bucket's objects when it asks what is allowed.
_SETTINGS = {
    "encryption": "GetEncryptionConfiguration",
    "object-lock": "GetBucketObjectLockConfiguration",
    "ownershipControls": "GetBucketOwnershipControls",
    "requestPayment": "GetBucketRequestPayment",
}


def _key_format(original):
    """Where logs go under which keys: moto keeps the keys' format and does not tell it."""

    def get(self):
        status, headers, body = original(self)
        kept = self.backend.get_bucket_logging(self.bucket_name)
        form = kept.get("TargetObjectKeyFormat") if kept else None
        if form is not None:
            inner = "<SimplePrefix/>"
            if "PartitionedPrefix" in form:
                source = (form["PartitionedPrefix"] or {}).get("PartitionDateSource", "EventTime")
                inner = f"<PartitionedPrefix><PartitionDateSource>{source}</PartitionDateSource></PartitionedPrefix>"
            text = body.decode() if isinstance(body, bytes) else body
            body = text.replace("</LoggingEnabled>", f"<TargetObjectKeyFormat>{inner}</TargetObjectKeyFormat></LoggingEnabled>")
        return status, headers, body

    return get


def _table(self):
    """moto asks whether a call to DynamoDB is allowed on "*"."""
    name = self.body.get("TableName") if isinstance(self.body, dict) else None
    return f"arn:aws:dynamodb:{self.region}:{self.current_account}:table/{name}" if name else "*"


def _workgroup(self):
    """The same of Athena: a statement belongs to the workgroup that it was started in."""
    execution = self.athena_backend.executions.get(self._get_param("QueryExecutionId"))
    name = execution.workgroup.name if execution else self._get_param("WorkGroup")
    return f"arn:aws:athena:{self.region}:{self.current_account}:workgroup/{name}"


def _glued(self):
    """The same of Glue: the table, or else the database. IAM also asks for what is around it."""
    body = json.loads(self.body)
    database, table = body.get("DatabaseName"), body.get("TableInput", {}).get("Name") or body.get("TableName") or body.get("Name")
    arn = f"arn:aws:glue:{self.region}:{self.current_account}:"
    if database and table:
        return f"{arn}table/{database}/{table}"
    return f"{arn}database/{database or table}" if database or table else f"{arn}catalog"


def _one_at_a_time(original):
    """A conditional write is one step; in moto two threads may meet between condition and write."""
    lock = threading.Lock()

    def call(self):
        with lock:
            return original(self)

    return call


def _in_partition(original):
    """A query reads one partition; moto's goes through the whole table for it."""

    def query(self, hash_key, *args, **kwargs):
        if self.all_indexes():
            return original(self, hash_key, *args, **kwargs)
        everything = self.items
        self.items = {hash_key: everything[hash_key]} if hash_key in everything else {}
        try:
            return original(self, hash_key, *args, **kwargs)
        finally:
            self.items = everything

    return query


# How policies are read. moto takes an unmet condition for a denial, knows no
# condition on S3's parameters, and reads "." in a resource as any character.


def _many(x):
    return x if isinstance(x, list) else [x]


def _like(pattern, text):
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), text, re.S) is not None


_TESTS = {
    "bool": lambda want, have: want.lower() == have.lower(),
    "stringequals": lambda want, have: want == have,
    "stringlike": _like,
    "arnequals": _like,
    "arnlike": _like,
}


def _met(conditions, context):
    for operator, pairs in conditions.items():
        name = operator.lower()
        if name.startswith("forallvalues:"):
            test = _TESTS[name.removeprefix("forallvalues:")]
            for key, want in pairs.items():
                if not all(any(test(w, have) for w in _many(want)) for have in context.get(key.lower(), [])):
                    return False
            continue
        negated = "not" in name
        test = _TESTS[name.replace("not", "")]  # an operator that is not here stops the run
        for key, want in pairs.items():
            have = context.get(key.lower())
            if have is None:
                if not negated:
                    return False
            elif any(test(str(w), have) for w in _many(want)) == negated:
                return False
    return True


def _applies(statement, action, resource, context):
    if not any(_like(a.lower(), action.lower()) for a in _many(statement["Action"])):
        return False
    if not any(_like(r, resource) for r in _many(statement["Resource"])):
        return False
    return _met(statement.get("Condition", {}), context)


def _leading_keys(body):
    """The partitions that a call to DynamoDB is about, all of one table."""
    keys = [body.get("Key", {}).get("pk"), body.get("Item", {}).get("pk")]
    if "KeyConditionExpression" in body:
        name = re.search(r"pk\s*=\s*(:\w+)", body["KeyConditionExpression"])
        keys.append(body["ExpressionAttributeValues"][name.group(1)] if name else {"S": "of no known partition"})
    return [k["S"] for k in keys if k]


# What IAM calls otherwise than the service does.
_PERMISSIONS = {
    "sns:PublishBatch": "sns:Publish",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}


def _check(self, resource):
    """Whether the caller's own policies allow an action."""
    self._action = _PERMISSIONS.get(self._action, self._action)
    if self._action == "sts:GetCallerIdentity":
        return
    context = {"aws:securetransport": "true"}
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(self._path).query)
    if self._service == "s3" and "prefix" in query:
        context["s3:prefix"] = query["prefix"][0]
    if self._service == "s3":
        context["aws:resourceaccount"] = os.environ["MOTO_ACCOUNT_ID"]
    if self._service == "dynamodb":
        context["dynamodb:leadingkeys"] = _leading_keys(json.loads(self._body))
    for one in _deleted(resource, self._body) if self._action == "s3:DeleteObject" else [resource]:
        allowed = False
        for policy in self._access_key.collect_policies():
            document = policy if isinstance(policy, str) else policy["policy_document"]  # a role's, a user's
            for statement in _many(json.loads(document)["Statement"]):
                if _applies(statement, self._action, one, context):
                    if statement["Effect"] == "Deny":
                        self._raise_access_denied()
                    allowed = True
        if not allowed:
            self._raise_access_denied()


def _deleted(resource, body):
    """What a call deletes: of a bucket's objects those that it lists, each by its own right."""
    text = body.decode() if isinstance(body, bytes) else body or ""
    keys = re.findall("<Key>(.*?)</Key>", text, re.S) if "/" not in resource else []
    return [f"{resource}/{html.unescape(k)}" for k in keys] or [resource]


def _bucket_statement(self, action, resource="*", principal=None, incoming_condition_values=None):
    """A statement of a bucket's policy. Those for services concern no caller here."""
    s = self._statement
    context = {"aws:securetransport": "true"}
    if s.get("Principal") not in ("*", {"AWS": "*"}) or not _applies(s, action, resource, context):
        return access_control.PermissionResult.NEUTRAL
    if s["Effect"] == "Allow":
        return access_control.PermissionResult.PERMITTED
    return access_control.PermissionResult.DENIED


def _refuse(original):
    """A denial in the protocol of the service; moto answers all in XML of EC2's."""

    def refuse(self):
        text = f"User: {self._access_key.arn} is not authorized to perform: {self._action}"
        if self._service in ("sqs", "dynamodb", "glue", "logs", "athena"):
            e = HTTPException(json.dumps({"__type": f"com.amazonaws.{self._service}#AccessDeniedException", "message": text}))
            e.code = 400
            raise e
        if self._service == "sns":
            e = HTTPException(
                "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code>"
                f"<Message>{text}</Message></Error></ErrorResponse>"
            )
            e.code = 403
            raise e
        return original(self)

    return refuse


def _event(original):
    """A notification with what S3 has in it and moto leaves out, and its "/"."""
    sequence = itertools.count(0x0055AED6DCD90281)

    def event(event_name, bucket, key, notification_id):
        e = original(event_name, bucket, key, notification_id)
        record = e["Records"][0]
        record["eventTime"] = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        record["userIdentity"] = {"principalId": "AWS:AIDAEXAMPLE"}
        record["requestParameters"] = {"sourceIPAddress": "192.0.2.10"}
        record["responseElements"] = {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "made-up"}
        record["s3"]["bucket"]["ownerIdentity"] = {"principalId": "A3NL1KOZZKExample"}
        o = record["s3"]["object"]
        o["key"] = urllib.parse.quote_plus(key.name, safe="/")
        o["sequencer"] = f"{next(sequence):016X}"
        if bucket.is_versioned:
            o["versionId"] = key.version_id
        return e

    return event
