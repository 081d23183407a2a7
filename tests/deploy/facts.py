"""What the program is and does: read from its help and its limits, and asked of a server that runs for a moment."""

import json
import os
import re
import secrets
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Facts:
    """Times are in seconds."""

    commands: frozenset  # subcommands of the program
    variables: frozenset  # HUBBUB_… that it reads
    secret: frozenset  # those of them that hold secrets
    drain_window: float  # unless set
    after_window: float  # how long an instance may take beyond its window
    ping: float  # from a ping until a connection without a pong is closed
    idle: float  # how long a connection may be idle between two requests
    public: dict  # status of paths at --listen, where there is an --admin-listen
    admin: dict  # status of paths at --admin-listen
    metrics: frozenset
    user_writes: bool  # whether it wrote anything but its database


def program():
    """The program under test."""
    return os.environ.get("HUBBUB_PROGRAM") or str(ROOT / "target/debug/hubbub")


def help_of(*command):
    return subprocess.run([program(), *command, "--help"], check=True, capture_output=True, text=True).stdout


def seconds(text):
    """`20s`, `2m`, `1500ms`, `20` in seconds."""
    number, unit = re.fullmatch(r"([\d.]+)\s*(ms|s|m|h|)", str(text).strip()).groups()
    return float(number) * {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600}[unit]


def limit(name):
    """A limit of the program that is a time."""
    for path in [ROOT / "crates/hubbub-core/src/limits.rs", *(ROOT / "crates/hubbub-core/src/limits").glob("*.rs")]:
        found = re.search(rf"pub const {name}: Duration = Duration::from_(secs|millis)\(([\d_ *]+)\)", path.read_text())
        if found:
            unit, number = found.groups()
            product = 1
            for factor in number.replace("_", "").split("*"):
                product *= int(factor)
            return product * (1 if unit == "secs" else 0.001)
    return None


PATHS = ["/health/ready", "/health/live", "/metrics", "/v1/rooms", "/openapi.json", "/connection/websocket", "/emulation"]


def asked():
    """Paths, on both ports, and metrics, of a server that is started without --dev and in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, ports(2) as (listen, admin):
        key = secrets.token_hex(24)
        environment = {
            "HUBBUB_LISTEN": f"127.0.0.1:{listen}",
            "HUBBUB_ADMIN_LISTEN": f"127.0.0.1:{admin}",
            "HUBBUB_STORE": f"sqlite:{folder}/store.db",
            "HUBBUB_API_KEY": key,
            "HUBBUB_TOKEN_SECRET": secrets.token_hex(32),
        }
        working = Path(folder) / "working"
        working.mkdir()
        with open(Path(folder) / "log", "w", encoding="utf-8") as log:
            server = subprocess.Popen([program(), "serve"], env=environment, cwd=working, stderr=log)
        try:
            until = time.monotonic() + 30
            while status(listen, "/health/ready") != 200:
                if server.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("the server does not start: " + (Path(folder) / "log").read_text())
                time.sleep(0.05)
            public = {path: status(listen, path, key) for path in PATHS}
            inside = {path: status(admin, path, key) for path in PATHS}
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=10) as answer:
                text = answer.read().decode()
            names = {re.split(r"[ {]", line)[0] for line in text.splitlines() if not line.startswith("#")}
            return public, inside, frozenset(names), any(working.iterdir())
        finally:
            server.kill()
            server.wait()


@contextmanager
def ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    yield numbers


def status(port, path, key=""):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return None


def gathered():
    commands = re.findall(r"^  ([a-z-]+) ", help_of().split("Commands:")[1].split("Options:")[0], re.MULTILINE)
    served = help_of("serve")
    variables = set(re.findall(r"\[env: (HUBBUB_[A-Z_]+)", served))
    # Values of what may be secret are not shown in the help; each of these can be given as a file, too.
    files = set(re.findall(r'"(HUBBUB_[A-Z_]+_FILE)"', (ROOT / "crates/hubbub/src/config/keys.rs").read_text()))
    window = re.search(r"--drain-window <TIME>.*?\[default: (\w+);", served, re.DOTALL).group(1)
    public, admin, metrics, writes = asked()
    return Facts(
        commands=frozenset(commands),
        variables=frozenset(variables | files),
        secret=frozenset(name.removesuffix("_FILE") for name in files),
        drain_window=seconds(window),
        after_window=limit("ANSWERS_WITHIN") + limit("CLOSE_WITHIN"),
        ping=limit("PING_EVERY") + limit("PONG_WITHIN"),
        idle=limit("IDLE_WITHIN") or limit("HEAD_WITHIN"),
        public=public,
        admin=admin,
        metrics=metrics,
        user_writes=writes,
    )


if __name__ == "__main__":
    print(json.dumps(gathered().__dict__, default=sorted, indent=2))
