"""A translated template as resources, one call after the other.

moto's own CloudFormation leaves out half of the resources and most of their
properties. What is not known here is an error: a resource that nobody created
would not be missed.
"""

import base64
import json
import re

from makers import MAKERS

_NOTHING = object()


class Stack:
    def __init__(self, template, name, parameters, account, region, client):
        self.template, self.name, self.account, self.region, self.client = template, name, account, region, client
        self.parameters = {k: str(v.get("Default", "")) for k, v in template.get("Parameters", {}).items()}
        unknown = set(parameters) - set(self.parameters)
        if unknown:
            raise SystemExit(f"the template has no parameters {sorted(unknown)}")
        self.parameters.update(parameters)
        self.parameters.update({
            "AWS::AccountId": account, "AWS::Region": region, "AWS::Partition": "aws",
            "AWS::StackName": name, "AWS::URLSuffix": "amazonaws.com",
        })  # fmt: skip
        self.resources = {
            k: r for k, r in template["Resources"].items() if "Condition" not in r or self._condition(r["Condition"])
        }
        self.physical, self.attributes, self.properties = {}, {}, {}

    def create(self):
        """Creates what has all it refers to, until nothing is left."""
        left = dict(self.resources)
        while left:
            ready = [name for name, r in left.items() if not (self._needs(r) & set(left))]
            if not ready:
                raise SystemExit(f"resources that wait for each other: {sorted(left)}")
            for name in ready:
                r = left.pop(name)
                make = MAKERS.get(r["Type"])
                if make is None:
                    raise SystemExit(f"{name}: {r['Type']} has no maker in tools/e2e/makers.py")
                self.properties[name] = p = self._value(r.get("Properties", {}))
                try:
                    self.physical[name], self.attributes[name] = make(self, name, json.loads(json.dumps(p)))
                except Exception as e:
                    raise SystemExit(f"create {name} ({r['Type']}): {type(e).__name__}: {e}") from e

    def report(self):
        return {
            name: {"type": r["Type"], "id": self.physical[name], "attributes": self.attributes[name], "properties": self.properties[name]}
            for name, r in self.resources.items()
        }

    def outputs(self):
        return {k: self._value(o["Value"]) for k, o in self.template.get("Outputs", {}).items()}

    def named(self, name):
        return f"{self.name}-{name}"

    # The functions of CloudFormation.

    def _needs(self, r):
        found = set()

        def walk(x):
            if isinstance(x, list):
                for i in x:
                    walk(i)
            elif isinstance(x, dict):
                for k, v in x.items():
                    if k == "Ref":
                        found.add(v)
                    elif k == "Fn::GetAtt":
                        found.add(v.split(".")[0] if isinstance(v, str) else v[0])
                    elif k == "Fn::Sub":
                        found.update(n.split(".")[0] for n in re.findall(r"\$\{([^!}]+)\}", v if isinstance(v, str) else v[0]))
                        walk(v)
                    else:
                        walk(v)

        walk(r.get("Properties", {}))
        after = r.get("DependsOn", [])
        return found | set([after] if isinstance(after, str) else after)

    def _condition(self, name):
        return self._value(self.template["Conditions"][name])

    def _ref(self, name):
        if name == "AWS::NoValue":
            return _NOTHING
        return self.parameters[name] if name in self.parameters else self.physical[name]

    def _sub(self, v):
        text, own = (v, {}) if isinstance(v, str) else v

        def put(m):
            name = m.group(1)
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return str(self._value(own[name]))
            if "." in name:
                resource, attribute = name.split(".", 1)
                return str(self.attributes[resource][attribute])
            return str(self._ref(name))

        return re.sub(r"\$\{([^}]+)\}", put, text)

    def _value(self, x):
        if isinstance(x, list):
            return [y for y in map(self._value, x) if y is not _NOTHING]
        if not isinstance(x, dict):
            return x
        if len(x) == 1:
            k, v = next(iter(x.items()))
            if k == "Ref":
                return self._ref(v)
            if k == "Condition" and isinstance(v, str):
                return self._condition(v)
            if k == "Fn::GetAtt":
                resource, attribute = v.split(".", 1) if isinstance(v, str) else v
                return self.attributes[resource][attribute]
            if k == "Fn::Sub":
                return self._sub(v)
            if k == "Fn::If":
                return self._value(v[1] if self._condition(v[0]) else v[2])
            if k == "Fn::Equals":
                a, b = self._value(v)
                return str(a) == str(b)
            if k in _FUNCTIONS:
                return _FUNCTIONS[k](self._value(v))
            if k.startswith("Fn::"):
                raise SystemExit(f"{k} is not known in tools/e2e/stack.py")
        return {k: y for k, y in ((k, self._value(v)) for k, v in x.items()) if y is not _NOTHING}


_FUNCTIONS = {
    "Fn::Base64": lambda v: base64.b64encode(v.encode()).decode(),
    "Fn::Not": lambda v: not v[0],
    "Fn::And": all,
    "Fn::Or": any,
    "Fn::Join": lambda v: v[0].join(v[1]),
    "Fn::Select": lambda v: v[1][int(v[0])],
    "Fn::Split": lambda v: v[1].split(v[0]),
}
