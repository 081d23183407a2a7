"""Relations of the service of systemd and the package that brings it."""

import configparser
import re

from relations import drain_window, relation, seconds

UNIT, CONFIG = "deploy/systemd/hubbub.service", "deploy/systemd/hubbub.toml"


class Unit(configparser.RawConfigParser):
    """Keys may come several times: all values of one."""

    def __init__(self, text):
        super().__init__(strict=False, interpolation=None, delimiters="=")
        self.optionxform = str
        self.read_string(text)
        self.lines = [line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#")]

    def all(self, key):
        return [value for name, value in self.lines if name == key]


@relation
def service_stops_after_the_drain(files, facts):
    unit = Unit(files[UNIT])
    stop = seconds(unit["Service"]["TimeoutStopSec"])
    if stop <= drain_window({}, facts) + facts.after_window:
        yield f"the service is killed after {stop:.0f} s"


@relation
def service_variables_are_known(files, facts):
    for variable in Unit(files[UNIT]).all("Environment"):
        name = variable.split("=", 1)[0]
        if name not in facts.variables:
            yield f"the program knows no variable {name}"
        if name in facts.secret and not name.endswith("_FILE"):
            yield f"{name} is in the unit, which everybody reads"


@relation
def service_settings_are_known(files, facts):
    # Those that are commented out, too: somebody will take the # away.
    for key in re.findall(r"^(?:# )?([a-z-]+) = ", files[CONFIG], re.MULTILINE):
        name = "HUBBUB_" + key.upper().replace("-", "_")
        if name not in facts.variables:
            yield f"{CONFIG}: there is no setting {key}"
        if name in facts.secret and not name.endswith("_FILE") and key not in ("store", "bus"):
            yield f"{CONFIG}: {key} is secret, and everybody reads this file"


@relation
def service_starts_what_is_packed(files, facts):
    command = Unit(files[UNIT])["Service"]["ExecStart"].split()
    if command[:2] != ["/usr/bin/hubbub", "serve"] or command[-1] != "/etc/hubbub/hubbub.toml":
        yield f"{' '.join(command)} is not what the package has"


@relation
def service_has_no_rights(files, facts):
    service = Unit(files[UNIT])["Service"]
    wanted = {"User": "hubbub", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "PrivateDevices": "yes"}
    for key, value in wanted.items():
        if service.get(key) != value:
            yield f"{key} is {service.get(key)}"
