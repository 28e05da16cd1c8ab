"""Asks a Prometheus that scrapes the services everything that the rules and the dashboard ask.

An expression that is an error fails, and so does one with a name that this Prometheus does not know, of a metric or of a
label, and a panel that shows nothing: all of these are empty in silence otherwise. Alerts must say how bad it is, what
is wrong and where one reads on, and must have a case among their tests.
"""

import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE_SECONDS = 30
# What Grafana puts in.
VARIABLES = {"$__rate_interval": "30s", "$namespace": ".+"}

LABELS_IN_MATCHERS = re.compile(r"([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)")
GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
NAME = re.compile(r"(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:])")
DURATION = re.compile(r"\[[^\]]*\]")
WORDS = {"and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring", "group_left", "group_right"}

root = pathlib.Path(__file__).parent.parent
prometheus = sys.argv[1]


def ask(path, **parameters):
    query = urllib.parse.urlencode(parameters)
    try:
        with urllib.request.urlopen(f"{prometheus}/api/v1/{path}?{query}", timeout=10) as answer:
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise ValueError(json.load(error)["error"]) from None
    except OSError as error:
        raise ValueError(f"Prometheus does not answer: {error}") from None


def names_in(expression):
    """The metrics and the labels that an expression names."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"', '""', expression)
    labels = set()
    for matchers in re.findall(r"\{([^}]*)\}", bare):
        labels.update(LABELS_IN_MATCHERS.findall(matchers))
    bare = re.sub(r"\{[^}]*\}", " ", bare)
    for group in GROUPING.findall(bare):
        labels.update(name.strip() for name in group.split(",") if name.strip())
    bare = DURATION.sub(" ", GROUPING.sub(" ", bare))
    return {name for name in NAME.findall(bare) if name not in WORDS}, labels


def dashboard():
    """Title and expression of all that the dashboard asks."""
    board = json.loads((root / "k8s/components/prometheus/dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']!r}", target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
            yield f"variable {variable['name']!r}", f"count by ({asked[2]}) ({asked[1]})"


def wrong_with_names(expression, metrics, labels):
    used_metrics, used_labels = names_in(expression)
    if not used_metrics:
        yield "names no metric"
    yield from (f"there is no metric {name}" for name in sorted(used_metrics - metrics))
    yield from (f"there is no label {name}" for name in sorted(used_labels - labels))


def wrong_with_alert(alert, sections, cases):
    if alert["labels"].get("severity") not in ("critical", "warning"):
        yield "has no severity"
    if not alert["annotations"].get("summary"):
        yield "has no summary"
    if alert["annotations"].get("runbook") != f"docs/alerts.md#{alert['name'].lower()}":
        yield "does not name its section of docs/alerts.md"
    if alert["name"] not in sections:
        yield "has no section in docs/alerts.md"
    if f'alertname="{alert["name"]}"' not in cases:
        yield "fires in no case of k8s/tests/alerts.yaml"


def findings(rules):
    metrics = set(ask("label/__name__/values"))
    labels = set(ask("labels"))
    sections = re.findall(r"^## (\w+)$", (root / "docs/alerts.md").read_text(), re.MULTILINE)
    cases = (root / "k8s/tests/alerts.yaml").read_text()
    alerts = set()
    for rule in rules:
        if rule["health"] != "ok":
            yield f"rule {rule['name']}: {rule['health']} {rule.get('lastError', '')}"
        for wrong in wrong_with_names(rule["query"], metrics, labels):
            yield f"rule {rule['name']}: {wrong}"
        if rule["type"] == "alerting":
            alerts.add(rule["name"])
            for wrong in wrong_with_alert(rule, sections, cases):
                yield f"alert {rule['name']} {wrong}"
    yield from (f"docs/alerts.md: there is no alert {name}" for name in sections if name not in alerts)
    for title, expression in dashboard():
        for wrong in wrong_with_names(expression, metrics, labels):
            yield f"{title}: {wrong}"
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        try:
            if not ask("query", query=expression)["result"]:
                yield f"{title} shows nothing: {expression}"
        except ValueError as error:
            yield f"{title}: {error}"


# Rates want two scrapes, and rules want to have been evaluated.
give_up = time.monotonic() + PATIENCE_SECONDS
while True:
    try:
        rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
        found = list(findings(rules))
    except ValueError as error:
        found = [str(error)]
    if not found:
        break
    if time.monotonic() > give_up:
        print("\n".join(found), file=sys.stderr)
        sys.exit(1)
    time.sleep(1)
alerts = sum(rule["type"] == "alerting" for rule in rules)
panels = len(list(dashboard()))
if not alerts or not panels:
    sys.exit("there are no alerts, or there is no dashboard")
print(f"{alerts} alerts, {len(rules) - alerts} recording rules and {panels} queries of the dashboard")
