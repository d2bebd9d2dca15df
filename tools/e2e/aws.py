"""AWS on loopback, with the stack in it, for make e2e.

    python3 tools/e2e/aws.py translated.json Name=Value ...

starts moto on a port that the kernel chooses, creates every resource of the
translated template over the services' own APIs, and then switches IAM on: from
there on each request needs a valid signature and a policy that allows it. One
line of JSON on stdout says what there is. The process ends with its stdin, so
that nothing stays behind when a test is killed.
"""

import json
import logging
import os
import sys
import threading

sys.dont_write_bytecode = True
ACCOUNT, REGION = "111122223333", "eu-central-1"
os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
os.environ["AWS_DEFAULT_REGION"] = REGION

import boto3  # noqa: E402
from moto import settings  # noqa: E402
from moto.core.authorization import ActionAuthenticatorMixin  # noqa: E402
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: E402
from werkzeug.serving import make_server  # noqa: E402

import corrections  # noqa: E402
from stack import Stack  # noqa: E402


def start():
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def clients(url):
    made = {}

    def client(service):
        if service not in made:
            made[service] = boto3.client(
                service, endpoint_url=url, region_name=REGION, aws_access_key_id="deploys", aws_secret_access_key="deploys"
            )
        return made[service]

    return client


def administrator(iam):
    """A user who may do everything, as whoever tests an account."""
    iam.create_user(UserName="admin")
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="admin", PolicyName="everything", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName="admin")["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"], "token": ""}


def assumed(sts, arn):
    """The credentials that Lambda would give the function."""
    c = sts.assume_role(RoleArn=arn, RoleSessionName="ingest")["Credentials"]
    return {"id": c["AccessKeyId"], "secret": c["SecretAccessKey"], "token": c["SessionToken"]}


def twin(iam, name, policies):
    """A user who may do what a role may, for engines that take no session token."""
    iam.create_user(UserName=f"{name}-twin")
    for p in policies:
        iam.put_user_policy(UserName=f"{name}-twin", PolicyName=p["PolicyName"], PolicyDocument=json.dumps(p["PolicyDocument"]))
    key = iam.create_access_key(UserName=f"{name}-twin")["AccessKey"]
    return {"id": key["AccessKeyId"], "secret": key["SecretAccessKey"], "token": ""}


def main():
    with open(sys.argv[1], encoding="utf-8") as f:
        template = json.load(f)
    parameters = dict(a.split("=", 1) for a in sys.argv[2:])
    url = start()
    client = clients(url)
    stack = Stack(template, "sluice", parameters, ACCOUNT, REGION, client)
    stack.create()
    report = {
        "url": url,
        "account": ACCOUNT,
        "region": REGION,
        "types": sorted({r["Type"] for r in template["Resources"].values()}),
        "resources": stack.report(),
        "outputs": stack.outputs(),
        "admin": administrator(client("iam")),
    }
    report["roles"] = {
        name: assumed(client("sts"), stack.attributes[name]["Arn"])
        for name, r in stack.resources.items()
        if r["Type"] == "AWS::IAM::Role"
    }
    report["twins"] = {name: twin(client("iam"), name, stack.properties[name].get("Policies", [])) for name in report["roles"]}
    corrections.apply()
    settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
    ActionAuthenticatorMixin.request_count = 0
    print(json.dumps(report), flush=True)
    sys.stdin.read()
    os._exit(0)


main()
