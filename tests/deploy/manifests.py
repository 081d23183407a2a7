"""Relations of deploy/kubernetes."""

import re

from facts import ROOT
from relations import differing, drain_window, parsed, plain_secrets, port_of, relation, unknown_variables

FOLDER = "deploy/kubernetes"


def documents(files):
    """Everything that is sent to a cluster, by kind and name."""
    texts = [text for path, text in files.items() if path.startswith(f"{FOLDER}/") and path.endswith(".yaml")]
    found = [one for text in texts for one in parsed(text) if one["kind"] != "Kustomization"]
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def spec(files, kind, name="hubbub"):
    return documents(files)[(kind, name)]["spec"]


def pod(files):
    return spec(files, "Deployment")["template"]["spec"]


def container(files):
    return pod(files)["containers"][0]


def settings(files):
    lines = [line for line in files[f"{FOLDER}/hubbub.env"].splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def given(files):
    return {one["name"]: one.get("value") for one in container(files)["env"]}


def labels(files):
    return spec(files, "Deployment")["template"]["metadata"]["labels"]


@relation
def kubernetes_grace_is_above_the_drain(files, facts):
    grace, pause = pod(files)["terminationGracePeriodSeconds"], container(files)["lifecycle"]["preStop"]["sleep"]["seconds"]
    takes = pause + drain_window(settings(files), facts) + facts.after_window
    if grace <= takes:
        yield f"a pod is killed after {grace} s, and going takes up to {takes:.0f} s"


@relation
def kubernetes_probes_ask_what_they_should(files, facts):
    one = container(files)
    for probe, path in [("startupProbe", "/health/live"), ("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")]:
        asks = one[probe]["httpGet"]
        if asks["path"] != path or facts.public[path] != 200 or asks["port"] != "clients":
            yield f"{probe} asks {asks['path']} at {asks['port']}"
    ready = one["readinessProbe"]
    if ready["periodSeconds"] * ready["failureThreshold"] >= drain_window(settings(files), facts):
        yield "that a pod goes is noticed when it has gone"
    if one["startupProbe"]["periodSeconds"] * one["startupProbe"]["failureThreshold"] < 60:
        yield "a start that takes a minute is killed"


@relation
def kubernetes_ports_agree(files, facts):
    variables = settings(files)
    named = {one["name"]: one["containerPort"] for one in container(files)["ports"]}
    services = {name: spec(files, "Service", name)["ports"][0] for name in ("hubbub", "hubbub-api")}
    rules = spec(files, "NetworkPolicy")["ingress"]
    annotations = spec(files, "Deployment")["template"]["metadata"]["annotations"]
    yield from differing("the port of clients", {
        "HUBBUB_LISTEN": port_of(variables["HUBBUB_LISTEN"]),
        "the container": named["clients"],
        "the service": named[services["hubbub"]["targetPort"]],
        "the network policy": rules[0]["ports"][0]["port"],
    })
    yield from differing("the port of /v1 and /metrics", {
        "HUBBUB_ADMIN_LISTEN": port_of(variables["HUBBUB_ADMIN_LISTEN"]),
        "the container": named["api"],
        "the service": named[services["hubbub-api"]["targetPort"]],
        "the network policy": rules[1]["ports"][0]["port"],
        "the annotation for Prometheus": int(annotations["prometheus.io/port"]),
    })
    if facts.admin["/v1/rooms"] != 200 or facts.admin[annotations["prometheus.io/path"]] != 200:
        yield "your backend or Prometheus ask a port that does not answer them"
    for path in spec(files, "Ingress")["rules"][0]["http"]["paths"]:
        backend = path["backend"]["service"]
        if backend["name"] != "hubbub" or backend["port"]["name"] != services["hubbub"]["name"]:
            yield f"{path['path']} leads to {backend}"


@relation
def kubernetes_selectors_find_the_pods(files, facts):
    selectors = {
        "the deployment": spec(files, "Deployment")["selector"]["matchLabels"],
        "the service": spec(files, "Service")["selector"],
        "the service of the API": spec(files, "Service", "hubbub-api")["selector"],
        "the budget": spec(files, "PodDisruptionBudget")["selector"]["matchLabels"],
        "the network policy": spec(files, "NetworkPolicy")["podSelector"]["matchLabels"],
    }
    for who, selector in selectors.items():
        if not selector or not selector.items() <= labels(files).items():
            yield f"{who} looks for {selector}"
    target = spec(files, "HorizontalPodAutoscaler")["scaleTargetRef"]
    if (target["kind"], target["name"]) not in documents(files):
        yield f"the autoscaler looks for {target}"
    if "replicas" in spec(files, "Deployment"):
        yield "each apply would set the number of pods back, whatever the autoscaler says"


@relation
def kubernetes_variables_are_known(files, facts):
    yield from unknown_variables([*settings(files), *given(files)], facts)


@relation
def kubernetes_secrets_are_files(files, facts):
    yield from plain_secrets({**settings(files), **given(files)}, facts)
    where = container(files)["volumeMounts"][0]["mountPath"]
    for name in ["HUBBUB_STORE_PASSWORD_FILE", "HUBBUB_BUS_PASSWORD_FILE", "HUBBUB_API_KEY_FILE", "HUBBUB_SECRETS_KEY_FILE"]:
        path = given(files).get(name, "")
        if not path.startswith(f"{where}/"):
            yield f"{name} is not among the secrets at {where}"
        elif f"--from-file={path.removeprefix(f'{where}/')}" not in files[f"{FOLDER}/README.md"]:
            yield f"README.md does not say to make {path}"
    volume = pod(files)["volumes"][0]["secret"]
    if volume["defaultMode"] != 0o440 or pod(files)["securityContext"].get("fsGroup") != pod(files)["securityContext"]["runAsGroup"]:
        yield "secrets are not for the pod's group alone to read"


@relation
def kubernetes_scales_by_a_metric_that_is_there(files, facts):
    metrics = [one["pods"] for one in spec(files, "HorizontalPodAutoscaler")["metrics"] if one["type"] == "Pods"]
    for one in metrics:
        name = one["metric"]["name"]
        if name not in facts.metrics:
            yield f"the server has no metric {name}"
        if f"seriesQuery: '{name}{{" not in files[f"{FOLDER}/README.md"]:
            yield f"README.md's rule does not serve {name}"
        if one["target"]["type"] != "AverageValue":
            yield "of connections of each pod the average is wanted"
    if not metrics:
        yield "nothing is scaled by connections"


@relation
def kubernetes_replicas_fit_the_budget(files, facts):
    least, budget = spec(files, "HorizontalPodAutoscaler")["minReplicas"], spec(files, "PodDisruptionBudget")
    away = budget.get("maxUnavailable", least - budget.get("minAvailable", 0))
    if away < 1:
        yield "no node could ever be emptied"
    if least - away < 2:
        yield f"of {least} pods {away} may be taken away at a time: fewer than two are left"
    rolling = spec(files, "Deployment")["strategy"]["rollingUpdate"]
    if rolling["maxUnavailable"] != 0 or rolling["maxSurge"] < 1:
        yield "fewer pods than there should be while a new version comes"


@relation
def kubernetes_pods_have_no_rights(files, facts):
    whole, own = pod(files)["securityContext"], container(files)["securityContext"]
    if not whole["runAsNonRoot"] or f"{whole['runAsUser']}:{whole['runAsGroup']}" != image_user(files):
        yield f"the pod's user is not the image's {image_user(files)}"
    if whole["seccompProfile"]["type"] != "RuntimeDefault" or own["allowPrivilegeEscalation"] or own["capabilities"]["drop"] != ["ALL"]:
        yield "the namespace's level, restricted, refuses this pod"
    if not own["readOnlyRootFilesystem"] or facts.user_writes:
        yield "the root file system can be written, or must be"
    if pod(files)["automountServiceAccountToken"]:
        yield "the program calls nothing of Kubernetes and has a token for it"


def image_user(files):
    return re.findall(r"^USER (\S+)$", files["Dockerfile"], re.MULTILINE)[-1]


@relation
def kubernetes_ingress_keeps_inside_what_is(files, facts):
    paths = {one["path"] for one in spec(files, "Ingress")["rules"][0]["http"]["paths"]}
    if paths != {"/connection", "/emulation", "/hooks"}:
        yield f"the ingress passes {sorted(paths)}"
    hosts = {one["host"] for one in spec(files, "Ingress")["rules"]}
    if hosts != set(spec(files, "Ingress")["tls"][0]["hosts"]):
        yield "there is no certificate for the host"
    if settings(files)["HUBBUB_PUBLIC_URL"] not in {f"https://{host}" for host in hosts}:
        yield "HUBBUB_PUBLIC_URL is another host's"
    if "HUBBUB_TRUSTED_PROXIES" not in settings(files):
        yield "all clients count as the controller's one address"


@relation
def kubernetes_applies_every_file(files, facts):
    kustomization = parsed(files[f"{FOLDER}/kustomization.yaml"])[0]
    there = {path.name for path in (ROOT / FOLDER).glob("*.yaml")} - {"kustomization.yaml"}
    if set(kustomization["resources"]) != there:
        yield f"kustomization.yaml has {sorted(kustomization['resources'])}"
    for generator in kustomization["configMapGenerator"]:
        if generator["name"] != container(files)["envFrom"][0]["configMapRef"]["name"] or generator["envs"] != ["hubbub.env"]:
            yield "the pod does not take its settings from what is made of hubbub.env"
    if [one["name"] for one in kustomization["images"]] != [container(files)["image"]]:
        yield "the image's name is not replaced"
    if ("Namespace", kustomization["namespace"]) not in documents(files):
        yield "there is no such namespace"
