"""Fails unless two translations of one template have the same resources.

    python3 tools/same.py translated.json translated-otherwise.json

The translator looks into parameters. A resource whose name or type depends on
one would be removed and made again when somebody changes it: conditions are for
CloudFormation, which knows what there was before. Resources that hold data must
be kept, whoever removes them.
"""

import json
import sys

KEPT = {"AWS::S3::Bucket", "AWS::DynamoDB::Table"}


def resources(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)["Resources"]


one, other = map(resources, sys.argv[1:3])
wrong = [f"{name}: in one of the translations only" for name in sorted(one.keys() ^ other.keys())]
for name in sorted(one.keys() & other.keys()):
    a, b = one[name], other[name]
    if a["Type"] != b["Type"]:
        wrong.append(f"{name}: {a['Type']} in one, {b['Type']} in the other")
    if a["Type"] in KEPT and not (a.get("DeletionPolicy") == a.get("UpdateReplacePolicy") == "Retain"):
        wrong.append(f"{name}: holds data and is not kept")
    if a["Type"] == "AWS::IAM::Role" and a["Properties"].get("ManagedPolicyArns"):
        wrong.append(f"{name}: has managed policies: {a['Properties']['ManagedPolicyArns']}")
if wrong:
    raise SystemExit("\n".join(wrong))
print(f"{len(one)} resources, the same for both sets of parameters")
