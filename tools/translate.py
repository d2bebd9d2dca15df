"""Prints what CloudFormation will see of a SAM template.

    python3 tools/translate.py template.yaml [Parameter=value ...]

The code is a made-up place unless sam package has uploaded it. Some mistakes (an action that does not exist, a parameter nobody reads) show
only there. Needs aws-sam-translator, which cfn-lint brings along, and a Region
in AWS_DEFAULT_REGION; makes no request.
"""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """The template names every action itself, so no managed policy is looked up."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as f:
    template = yaml_parse(f.read())
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function" and not resource["Properties"]["CodeUri"].startswith("s3://"):
        resource["Properties"]["CodeUri"] = "s3://bucket/key"
values = {name: p.get("Default") for name, p in template.get("Parameters", {}).items()}
given = dict(a.split("=", 1) for a in sys.argv[2:])
if unknown := set(given) - set(values):
    raise SystemExit(f"{sys.argv[1]} has no parameters {sorted(unknown)}")
values.update(given)
json.dump(transform(template, values, NoManagedPolicies()), sys.stdout, indent=1)
