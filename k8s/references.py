"""Whether what the objects of one build say of each other is so: names of Secrets, ports and listeners, names in
certificates, ways through network policies.

No schema sees a slip there, and an API server takes it: pods wait for a Secret that nobody makes, a service refuses another.
Takes builds, and says on standard output what does not fit.
"""

import pathlib
import re
import sys

import yaml

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Who uses the manifests brings these.
BROUGHT = {"auth-service", "mail-service", "redis", "postgres"}
SERVER, CLIENT = "server auth", "client auth"


class Build:
    def __init__(self, path):
        self.path = path
        self.objects = [o for o in yaml.load_all(pathlib.Path(path).read_text(), Loader) if o]
        self.by_name = {(o["kind"], o["metadata"]["name"]): o for o in self.objects}
        self.by_secret = {o["spec"]["secretName"]: o["spec"] for o in self.of("Certificate")}
        self.wrong = []

    def of(self, *kinds):
        return [o for o in self.objects if o["kind"] in kinds]

    def spec(self, kind, name):
        return self.by_name.get((kind, name), {}).get("spec")

    def check(self, good, said):
        if not good:
            self.wrong.append(f"{self.path}: {said}")


class Pod:
    """The one container of a workload, and what its settings say."""

    def __init__(self, build, workload):
        self.build, self.name = build, workload["metadata"]["name"]
        template = workload["spec"]["template"]
        self.labels, pod = template["metadata"]["labels"], template["spec"]
        (self.container,) = pod["containers"]
        self.settings = {e["name"]: e.get("value", "") for e in self.container.get("env", [])}
        for source in self.container.get("envFrom", []):
            config = build.by_name.get(("ConfigMap", source["configMapRef"]["name"]), {})
            self.settings |= config.get("data", {})
        self.secrets = {}
        volumes = {v["name"]: v for v in pod.get("volumes", [])}
        for mount in self.container.get("volumeMounts", []):
            if secret := volumes.get(mount["name"], {}).get("secret"):
                self.secrets[mount["mountPath"]] = secret["secretName"]

    def certificate(self, setting):
        """That whose file `setting` names, if it names one."""
        folder = self.settings.get(setting, "").rpartition("/")[0]
        return self.build.by_secret.get(self.secrets.get(folder))


def secrets_are_made(build, pod):
    for secret in pod.secrets.values():
        made = ("Secret", secret) in build.by_name or secret in build.by_secret or secret in BROUGHT
        build.check(made, f"{pod.name}: nobody makes the Secret {secret}")
    for name, path in pod.settings.items():
        folder, _, file = path.rpartition("/")
        if not name.startswith("TM_") or not name.endswith("_FILE"):
            continue
        build.check(folder in pod.secrets, f"{pod.name}: {name} is in no Secret")
        if pod.secrets.get(folder) in build.by_secret:
            right = {"CERT": "tls.crt", "KEY": "tls.key", "CA": "ca.crt"}[name.split("_")[-2]]
            build.check(file == right, f"{pod.name}: {name} is not {right}")


def probes_can_be_answered(build, pod):
    ports = {p["name"]: p["containerPort"] for p in pod.container.get("ports", [])}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        for kind in ("grpc", "httpGet", "tcpSocket"):
            if how := pod.container.get(probe, {}).get(kind):
                known = how["port"] in {*ports, *ports.values()}
                build.check(known, f"{pod.name}: {probe} asks port {how['port']}")
                tls = kind == "grpc" and "TM_TLS_CERT_FILE" in pod.settings
                build.check(not tls, f"{pod.name}: {probe} speaks gRPC without TLS")


def selects(selector, labels):
    wanted = {key: [value] for key, value in selector.get("matchLabels", {}).items()}
    wanted |= {e["key"]: e["values"] for e in selector.get("matchExpressions", [])}
    return all(labels.get(key) in values for key, values in wanted.items())


def is_open(build, way, pod, other, port):
    """Whether a policy lets `pod` call `other` ("to") or be called by it ("from") on `port`."""
    for policy in (p["spec"] for p in build.of("NetworkPolicy")):
        if not selects(policy["podSelector"], pod.labels):
            continue
        for rule in policy.get("egress" if way == "to" else "ingress", []):
            here = [p["podSelector"] for p in rule.get(way, []) if set(p) == {"podSelector"}]
            known = way not in rule or any(selects(selector, other.labels) for selector in here)
            if known and port in [p["port"] for p in rule["ports"]]:
                return True
    return False


def upstreams_are_reached(build, pod, pods):
    for name, url in pod.settings.items():
        parts = re.fullmatch(r"(https?)://([a-z0-9-]+):(\d+)", url)
        if not parts or not name.startswith("TM_"):
            continue
        scheme, host, port = parts.groups()
        service, other = build.spec("Service", host), pods.get(host)
        if not service or not other:
            build.check(False, f"{pod.name}: {name} names nobody: {host}")
            continue
        ports = [p["port"] for p in service["ports"]]
        build.check(int(port) in ports, f"{pod.name}: {name}: {host} has no port {port}")
        if ("NetworkPolicy", "default-deny") in build.by_name:
            way = is_open(build, "to", pod, other, int(port)) and is_open(build, "from", other, pod, int(port))
            build.check(way, f"{pod.name}: {name}: network policies close the way to {host}")
        shown = other.certificate("TM_TLS_CERT_FILE")
        build.check(bool(shown) == (scheme == "https"), f"{pod.name}: {name}: TLS is on one side only")
        if not shown:
            continue
        vouched = host in shown["dnsNames"] and SERVER in shown["usages"]
        build.check(vouched, f"{pod.name}: {name}: the certificate of {host} is not one of {host}")
        trusted = pod.certificate("TM_UPSTREAM_CA_FILE") or {}
        same = trusted.get("issuerRef") == shown["issuerRef"]
        build.check(same, f"{pod.name}: {name}: who vouches for {host} is not trusted")
        if wanted := other.certificate("TM_TLS_CLIENT_CA_FILE"):
            own = pod.certificate("TM_UPSTREAM_CERT_FILE") or {}
            let_in = CLIENT in own.get("usages", []) and own["issuerRef"] == wanted["issuerRef"]
            build.check(let_in, f"{pod.name}: {name}: {host} does not let it in")


def certificates_are_issued(build):
    for certificate in build.of("Certificate"):
        issuer = certificate["spec"]["issuerRef"]
        known = issuer["kind"] == "ClusterIssuer" or build.spec("Issuer", issuer["name"])
        build.check(known, f"Certificate {certificate['metadata']['name']}: no Issuer {issuer['name']}")
    for issuer in build.of("Issuer"):
        secret = issuer["spec"].get("ca", {}).get("secretName")
        authority = not secret or build.by_secret.get(secret, {}).get("isCA")
        build.check(authority, f"Issuer {issuer['metadata']['name']}: {secret} is no authority")


def the_world_gets_in(build, pods):
    policies = [policy["spec"] for policy in build.of("BackendTLSPolicy")]
    reached_by_tls = {target["name"] for policy in policies for target in policy["targetRefs"]}
    for gateway in build.of("Gateway"):
        for listener in gateway["spec"]["listeners"]:
            for reference in listener["tls"]["certificateRefs"] if build.by_secret else []:
                names = build.by_secret.get(reference["name"], {}).get("dnsNames", [])
                vouched = listener["hostname"] in names
                build.check(vouched, f"listener {listener['name']}: no certificate for {listener['hostname']}")
    for route in build.of("GRPCRoute", "HTTPRoute"):
        name = f"{route['kind']} {route['metadata']['name']}"
        for parent in route["spec"]["parentRefs"]:
            gateway = build.spec("Gateway", parent["name"]) or {"listeners": []}
            takes = {x["name"]: [k["kind"] for k in x["allowedRoutes"]["kinds"]] for x in gateway["listeners"]}
            taken = route["kind"] in takes.get(parent["sectionName"], [])
            build.check(taken, f"{name}: no listener {parent['sectionName']} takes it")
        for backend in (b for rule in route["spec"]["rules"] for b in rule["backendRefs"]):
            service = build.spec("Service", backend["name"]) or {"ports": []}
            known = backend["port"] in [p["port"] for p in service["ports"]]
            build.check(known, f"{name}: no Service {backend['name']} with port {backend['port']}")
            same = bool(shown_by(pods, backend["name"])) == (backend["name"] in reached_by_tls)
            build.check(same, f"{name}: TLS is on one side only of the way to {backend['name']}")
    for policy in policies:
        host = policy["validation"]["hostname"]
        for target in policy["targetRefs"]:
            shown = shown_by(pods, target["name"])
            build.check(host in shown.get("dnsNames", []), f"BackendTLSPolicy: {target['name']} is not {host}")


def shown_by(pods, name):
    return (pods[name].certificate("TM_TLS_CERT_FILE") if name in pods else None) or {}


def wrong_in(path):
    build = Build(path)
    workloads = build.of("Deployment", "StatefulSet")
    pods = {pod.name: pod for pod in (Pod(build, workload) for workload in workloads)}
    for pod in pods.values():
        secrets_are_made(build, pod)
        probes_can_be_answered(build, pod)
        upstreams_are_reached(build, pod, pods)
    certificates_are_issued(build)
    the_world_gets_in(build, pods)
    if not pods:
        build.check(False, "there is nothing that runs")
    return build.wrong


found = [wrong for path in sys.argv[1:] for wrong in wrong_in(path)]
print("\n".join(found))
sys.exit(bool(found) or len(sys.argv) == 1)
