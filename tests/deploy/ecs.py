"""Relations of deploy/ecs."""

import json
import re

import yaml

from relations import differing, drain_window, parsed, password_in_url, plain_secrets, port_of, relation, unknown_variables

SERVICE, DATA, DOCKERFILE = "deploy/ecs/service.yaml", "deploy/ecs/data.yaml", "deploy/ecs/Dockerfile"


class CloudFormation(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML with CloudFormation's short forms: `!Ref X` is {"Ref": "X"}, and so on."""


def short_form(loader, suffix, node):
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


CloudFormation.add_multi_constructor("!", short_form)


def template(files, path=SERVICE):
    return parsed(files[path], CloudFormation)[0]


def resource(files, name, path=SERVICE):
    return template(files, path)["Resources"][name]["Properties"]


def container(files, name="hubbub"):
    return next(one for one in resource(files, "Task")["ContainerDefinitions"] if one["Name"] == name)


def environment(files, name="hubbub"):
    return {one["Name"]: one["Value"] for one in container(files, name)["Environment"]}


def attributes(files, name):
    of = {"Balancer": "LoadBalancerAttributes", "TargetGroup": "TargetGroupAttributes"}[name]
    return {one["Key"]: one["Value"] for one in resource(files, name)[of]}


def collector(files):
    return parsed(environment(files, "collector")["AOT_CONFIG_CONTENT"]["Fn::Sub"])[0]


def urls(files):
    """Where Postgres and Redis are."""
    return [template(files, DATA)["Outputs"][name]["Value"]["Fn::Sub"] for name in ("StoreUrl", "BusUrl")]


def parameter(files, name):
    return template(files)["Parameters"][name]["Default"]


@relation
def ecs_stop_is_above_the_drain(files, facts):
    stop, takes = container(files)["StopTimeout"], drain_window(environment(files), facts) + facts.after_window
    if stop <= takes:
        yield f"StopTimeout is {stop} s, and going takes up to {takes:.0f} s"
    if stop > 120:
        yield f"Fargate waits for 120 s at most, not {stop}"


@relation
def ecs_delay_is_above_the_drain(files, facts):
    delay = int(attributes(files, "TargetGroup")["deregistration_delay.timeout_seconds"])
    takes = drain_window(environment(files), facts) + facts.after_window
    if delay <= takes:
        yield f"the balancer lets go of a task after {delay} s, while clients are moved for up to {takes:.0f} s"


@relation
def ecs_idle_is_above_the_ping(files, facts):
    idle = int(attributes(files, "Balancer")["idle_timeout.timeout_seconds"])
    if idle <= facts.ping:
        yield f"the balancer ends connections that are idle for {idle} s, and a ping with its pong takes up to {facts.ping:.0f} s"


@relation
def ecs_server_keeps_idle_connections_longer(files, facts):
    idle = int(attributes(files, "Balancer")["idle_timeout.timeout_seconds"])
    if facts.idle <= idle:
        yield f"the balancer uses connections that have been idle for up to {idle} s, and the server closes them after {facts.idle:.0f} s"


@relation
def ecs_health_path_is_there(files, facts):
    path = resource(files, "TargetGroup")["HealthCheckPath"]
    if path != "/health/ready" or facts.public[path] != 200:
        yield f"{path} is not what says whether an instance takes clients"


@relation
def ecs_health_command_is_there(files, facts):
    check = container(files).get("HealthCheck")
    if check is None:
        if "health" in facts.commands:
            yield "the program has `hubbub health` now, and the container has no HealthCheck"
    elif check["Command"][0] != "CMD" or check["Command"][1] != "/hubbub" or check["Command"][2] not in facts.commands:
        yield f"{check['Command']} is no command of the program (there is no shell in the image)"


@relation
def ecs_ports_agree(files, facts):
    variables, service = environment(files), resource(files, "Service")["LoadBalancers"][0]
    ingress = {one["SourceSecurityGroupId"]["Ref"]: one for one in resource(files, "TaskSecurityGroup")["SecurityGroupIngress"]}
    from_balancer, from_backend = ingress["BalancerSecurityGroup"], ingress["ApiClientSecurityGroup"]
    yield from differing("the port of clients", {
        "HUBBUB_LISTEN": port_of(variables["HUBBUB_LISTEN"]),
        "the target group": resource(files, "TargetGroup")["Port"],
        "the service": service["ContainerPort"],
        "the security group": from_balancer["FromPort"],
        "its end": from_balancer["ToPort"],
    })
    targets = collector(files)["receivers"]["prometheus"]["config"]["scrape_configs"][0]["static_configs"][0]["targets"]
    yield from differing("the port of /v1 and /metrics", {
        "HUBBUB_ADMIN_LISTEN": port_of(variables["HUBBUB_ADMIN_LISTEN"]),
        "the security group": from_backend["FromPort"],
        "its end": from_backend["ToPort"],
        "the collector": port_of(targets[0]),
        "the output Api": port_of(template(files)["Outputs"]["Api"]["Value"]["Fn::Sub"]),
    })
    mapped = {one["ContainerPort"] for one in container(files)["PortMappings"]}
    if mapped != {port_of(variables["HUBBUB_LISTEN"]), port_of(variables["HUBBUB_ADMIN_LISTEN"])}:
        yield f"the container maps {sorted(mapped)}"
    if facts.admin["/metrics"] != 200 or facts.admin["/v1/rooms"] != 200:
        yield "the collector and your backend ask a port that does not answer them"


@relation
def ecs_variables_are_known(files, facts):
    given = container(files)["Secrets"]
    yield from unknown_variables([*environment(files), *(one["Name"] for one in given)], facts)


@relation
def ecs_secrets_are_injected(files, facts):
    yield from plain_secrets(environment(files), facts)
    given = {one["Name"]: one["ValueFrom"]["Ref"] for one in container(files)["Secrets"]}
    for name in ["HUBBUB_STORE_PASSWORD", "HUBBUB_BUS_PASSWORD", "HUBBUB_API_KEY", "HUBBUB_SECRETS_KEY"]:
        if name not in given:
            yield f"{name} is not given"
    readable = resource(files, "ExecutionRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"]
    for name, secret in given.items():
        if {"Ref": secret} not in readable:
            yield f"{name} comes from {secret}, which the execution role may not read"
    for path in [SERVICE, DATA]:
        for number, line in enumerate(files[path].splitlines(), 1):
            if password_in_url(line):
                yield f"{path}:{number} has a password in a URL"
    outputs = template(files, DATA)["Outputs"]
    urls_of = [value for name, value in environment(files).items() if name in ("HUBBUB_STORE", "HUBBUB_BUS")]
    plain = [value["Ref"] for value in urls_of if isinstance(value, dict)]
    for name in [*given.values(), *plain, "DataClientSecurityGroup"]:
        if name not in outputs:
            yield f"service.yaml wants {name}, and data.yaml does not put it out"


@relation
def ecs_scales_by_a_metric_that_is_there(files, facts):
    wanted = resource(files, "ByConnections")["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    name, config = wanted["MetricName"], collector(files)
    if name not in facts.metrics:
        yield f"the server has no metric {name}"
    scrape = config["receivers"]["prometheus"]["config"]["scrape_configs"][0]
    if not re.fullmatch(scrape["metric_relabel_configs"][0]["regex"], name):
        yield f"the collector drops {name}"
    for kept in scrape["metric_relabel_configs"][0]["regex"].split("|"):
        if kept not in facts.metrics:
            yield f"the collector keeps {kept}, which the server has not"
    exporter = config["exporters"]["awsemf"]
    declared = exporter["metric_declarations"][0]
    if not any(re.search(one, name) for one in declared["metric_name_selectors"]):
        yield f"the collector declares no {name}"
    if exporter["namespace"] != wanted["Namespace"]:
        yield f"the collector writes into {exporter['namespace']}, autoscaling reads {wanted['Namespace']}"
    dimensions = [one["Name"] for one in wanted["Dimensions"]]
    labels = scrape["static_configs"][0]["labels"]
    if declared["dimensions"] != [dimensions] or not set(dimensions) <= set(labels):
        yield f"the dimensions {dimensions} are not those of the collector: {declared['dimensions']}, {sorted(labels)}"
    if wanted["Statistic"] != "Average":
        yield "of connections of each task the average is wanted"


@relation
def ecs_files_are_enough(files, facts):
    files_of_task, wanted = container(files)["Ulimits"][0]["HardLimit"], parameter(files, "ConnectionsPerTask")
    if files_of_task < 2 * wanted:
        yield f"a task has {files_of_task} files; it should take twice the {wanted} connections at which others are added"


@relation
def ecs_deployment_goes_on(files, facts):
    tasks, rule = parameter(files, "MinTasks"), resource(files, "Service")["DeploymentConfiguration"]
    if rule["MinimumHealthyPercent"] < 100:
        yield "fewer tasks than there should be while a new version comes"
    if tasks * rule["MaximumPercent"] // 100 <= tasks:
        yield f"of {tasks} tasks at most {rule['MaximumPercent']} % may run: there is no room for a new one"
    if tasks < 2:
        yield "one task is nobody while it is replaced after a fault"


@relation
def ecs_tasks_have_no_rights(files, facts):
    one = container(files)
    if one.get("User", "0").split(":")[0] in ("0", "root") or not one.get("ReadonlyRootFilesystem"):
        yield "the container is root, or may write its root file system"
    if one["LinuxParameters"]["Capabilities"]["Drop"] != ["ALL"]:
        yield "the container keeps capabilities"
    if facts.user_writes:
        yield "the program writes into its working directory: the root file system cannot be read-only"


@relation
def ecs_balancer_keeps_inside_what_is(files, facts):
    paths = resource(files, "Forward")["Conditions"][0]["PathPatternConfig"]["Values"]
    pattern = lambda path: any(re.fullmatch(one.replace("*", ".*"), path) for one in paths)  # noqa: E731
    for path in ["/v1/rooms", "/metrics", "/health/ready", "/openapi.json"]:
        if pattern(path):
            yield f"the balancer passes {path} to everybody"
    for path in ["/connection/websocket", "/connection/http_stream", "/emulation", "/hooks/desk/secret"]:
        if not pattern(path):
            yield f"the balancer does not pass {path}"
    if attributes(files, "Balancer").get("access_logs.s3.enabled") == "true":
        yield "the balancer logs the query of /connection/sse, with a token in it"


@relation
def ecs_balancer_is_believed(files, facts):
    of = attributes(files, "Balancer")
    if of["routing.http.xff_header_processing.mode"] != "append":
        yield "a client could say any address"
    if of["routing.http.preserve_host_header.enabled"] != "true":
        yield "a page's Origin is compared with Host, which the balancer would change"
    if environment(files).get("HUBBUB_TRUSTED_PROXIES") != {"Fn::Join": [",", {"Ref": "BalancerCidrs"}]}:
        yield "all clients count as the balancer's one address"


@relation
def ecs_is_sticky(files, facts):
    of = attributes(files, "TargetGroup")
    if of.get("stickiness.enabled") != "true" or of.get("stickiness.type") != "lb_cookie":
        yield "whoever comes back comes to any task; Hubbub sets no cookie of its own"


@relation
def ecs_addresses_are_forgotten_within_the_drain(files, facts):
    ttl = resource(files, "Discovery")["DnsConfig"]["DnsRecords"][0]["TTL"]
    if ttl >= drain_window(environment(files), facts):
        yield f"your backend calls a task by its address for {ttl} s after it has begun to go"


@relation
def ecs_is_encrypted(files, facts):
    if resource(files, "Listener", SERVICE)["Protocol"] != "HTTPS":
        yield "clients come without TLS"
    if resource(files, "DatabaseParameters", DATA)["Parameters"].get("rds.force_ssl") != "1":
        yield "Postgres takes who comes without TLS"
    store, bus = urls(files)
    authorities = re.search(r"^ADD .* (/\S+\.pem)$", files[DOCKERFILE], re.MULTILINE).group(1)
    if f"?sslmode=verify-full&sslrootcert={authorities}" not in store:
        yield f"Postgres' certificate is not checked with the image's {authorities}"
    if not re.search(r"^ADD .*--chmod=0?444 ", files[DOCKERFILE], re.MULTILINE):
        yield "the authorities of RDS cannot be read by who is not root"
    cache = resource(files, "Cache", DATA)
    if not cache.get("TransitEncryptionEnabled") or cache.get("TransitEncryptionMode") != "required":
        yield "Redis takes who comes without TLS"
    if not bus.startswith("rediss://"):
        yield "Redis is spoken to without TLS"


@relation
def ecs_groups_let_in(files, facts):
    for name, port in [("DatabaseSecurityGroup", 5432), ("CacheSecurityGroup", 6379)]:
        ingress = resource(files, name, DATA)["SecurityGroupIngress"]
        if [(one["FromPort"], one["SourceSecurityGroupId"]["Ref"]) for one in ingress] != [(port, "ClientSecurityGroup")]:
            yield f"{name} lets in {json.dumps(ingress)}"
    for url, port in zip(urls(files), (5432, 6379)):
        if not re.search(rf"Address\}}:{port}\b", url):
            yield f"the URL has another port than {port}"
    worn = resource(files, "Service")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    if {"Ref": "DataClientSecurityGroup"} not in worn:
        yield "tasks do not wear the group that Postgres and Redis let in"


@relation
def ecs_health_is_noticed_within_the_drain(files, facts):
    group = resource(files, "TargetGroup")
    notice = group["HealthCheckIntervalSeconds"] * group["UnhealthyThresholdCount"]
    if notice >= drain_window(environment(files), facts):
        yield f"the balancer notices after {notice} s that a task goes"
