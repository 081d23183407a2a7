"""Relations of deploy/compose."""

import re

import image
from facts import seconds
from relations import differing, drain_window, parsed, plain_secrets, port_of, relation, unknown_variables

COMPOSE, SECRETS, NGINX = "deploy/compose/compose.yaml", "deploy/compose/make-secrets", "deploy/nginx/hubbub.conf"


def services(files):
    return parsed(files[COMPOSE])[0]["services"]


def instances(files):
    return {name: one for name, one in services(files).items() if name.startswith("hubbub-")}


def one(files):
    return next(iter(instances(files).values()))


def upstream(files):
    """Addresses with ports to which nginx goes, after what its command changes in its file."""
    script = services(files)["nginx"]["command"][2]
    before, after = re.search(r"sed 's/((?:[^/\\]|\\.)+)/([^/]+)/'", script).groups()
    return re.findall(r"^\s+server (\S+:\d+) ", re.sub(before, after, files[NGINX]), re.MULTILINE)


@relation
def compose_instances_are_identical(files, facts):
    found = instances(files)
    if len(found) != 3:
        yield f"{len(found)} instances"
    differ = {name for name, each in found.items() if {**each, "networks": 0} != {**one(files), "networks": 0}}
    if differ:
        yield f"{sorted(differ)} are configured otherwise than the first"


@relation
def compose_stop_is_above_the_drain(files, facts):
    grace, takes = seconds(one(files)["stop_grace_period"]), drain_window(one(files)["environment"], facts) + facts.after_window
    if grace <= takes:
        yield f"an instance is killed after {grace:.0f} s, and going takes up to {takes:.0f} s"


@relation
def compose_addresses_agree(files, facts):
    port = port_of(one(files)["environment"]["HUBBUB_LISTEN"])
    addresses = sorted(f"{each['networks']['front']['ipv4_address']}:{port}" for each in instances(files).values())
    if addresses != sorted(upstream(files)):
        yield f"instances are at {addresses}, nginx goes to {sorted(upstream(files))}"
    nginx = services(files)["nginx"]["networks"]["front"]["ipv4_address"]
    if one(files)["environment"].get("HUBBUB_TRUSTED_PROXIES") != nginx:
        yield f"nginx is at {nginx}, and the instances believe another"
    yield from differing("the port inside", {
        "HUBBUB_LISTEN": port,
        "the image": int(image.said(files["Dockerfile"], "EXPOSE")),
    })


@relation
def compose_nginx_waits_longer_than_a_ping(files, facts):
    for name in ["proxy_read_timeout", "proxy_send_timeout"]:
        waits = seconds(re.search(rf"^\s+{name} (\w+);", files[NGINX], re.MULTILINE).group(1))
        if waits <= facts.ping:
            yield f"{name} is {waits:.0f} s, and a ping with its pong takes up to {facts.ping:.0f} s"


@relation
def compose_variables_are_known(files, facts):
    for each in instances(files).values():
        yield from unknown_variables(each["environment"], facts)


@relation
def compose_secrets_are_files(files, facts):
    for each in services(files).values():
        yield from plain_secrets(each.get("environment", {}), facts)
    declared = parsed(files[COMPOSE])[0]["secrets"]
    made = set(re.search(r"^for name in (.+); do$", files[SECRETS], re.MULTILINE).group(1).split())
    if {entry["file"] for entry in declared.values()} != {f"secrets/{name}" for name in made}:
        yield f"make-secrets makes {sorted(made)}"
    for name, each in services(files).items():
        for variable, path in each.get("environment", {}).items():
            if variable.endswith("_FILE") and path not in {f"/run/secrets/{secret}" for secret in each.get("secrets", [])}:
                yield f"{name}: {variable} names {path}, which it is not given"
    for wanted in ["HUBBUB_STORE_PASSWORD_FILE", "HUBBUB_API_KEY_FILE", "HUBBUB_TOKEN_SECRET_FILE", "HUBBUB_SECRETS_KEY_FILE"]:
        if wanted not in one(files)["environment"]:
            yield f"{wanted} is not given"


@relation
def compose_asks_after_its_health(files, facts):
    test = one(files).get("healthcheck", {}).get("test", [])
    if test[:2] != ["CMD", "/hubbub"] or test[2] not in facts.commands:
        yield f"{test} is no command of the program (there is no shell in the image)"


@relation
def compose_inside_is_inside(files, facts):
    if not parsed(files[COMPOSE])[0]["networks"]["inside"].get("internal"):
        yield "Redis has no password, and its network is open"
    for name in ["postgres", "redis"]:
        if services(files)[name]["networks"] != ["inside"] or "ports" in services(files)[name]:
            yield f"{name} can be reached from outside"
    if not services(files)["nginx"]["ports"][0].startswith("${HUBBUB_PORT:-127.0.0.1:"):
        yield "nginx listens for everybody, without TLS"


@relation
def compose_instances_have_no_rights(files, facts):
    each = one(files)
    if each["user"] != image.said(files["Dockerfile"], "USER"):
        yield "the user is not the image's"
    if not each.get("read_only") or each.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in each.get("security_opt", []):
        yield "an instance may write its root file system, or keeps rights"
    if facts.user_writes:
        yield "the program writes into its working directory"
