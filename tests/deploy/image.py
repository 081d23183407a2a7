"""Relations of the Dockerfile, and what its last stage makes: an image that is started as it says itself."""

import json
import os
import re
import shutil
import subprocess
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

from facts import ROOT, program
from relations import port_of, relation

DOCKERFILE, IGNORE = "Dockerfile", ".dockerignore"


def last_stage(text):
    return text[text.rindex("\nFROM ") + 1 :]


def said(text, word):
    """What the last stage says of this word, the last time."""
    return re.findall(rf"^{word} (.+)$", last_stage(text), re.MULTILINE)[-1]


def variables(text):
    return dict(re.findall(r"^ENV (\w+)=(\S+)$", last_stage(text), re.MULTILINE))


def version(text):
    return [int(part) for part in text.split(".")]


@relation
def image_is_nobody_special(files, facts):
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", said(files[DOCKERFILE], "USER")):
        yield "USER is root, or a name, of which Kubernetes cannot tell whether it is"


@relation
def image_listens_where_it_says(files, facts):
    text = files[DOCKERFILE]
    if port_of(variables(text)["HUBBUB_LISTEN"]) != int(said(text, "EXPOSE")):
        yield "EXPOSE names another port than HUBBUB_LISTEN"
    for name in sorted(set(variables(text)) - facts.variables):
        yield f"the program knows no variable {name}"


@relation
def image_asks_after_its_health(files, facts):
    has = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", last_stage(files[DOCKERFILE]), re.MULTILINE)
    if not has and "health" in facts.commands:
        yield "the program has `hubbub health` now, and the image has no HEALTHCHECK"
    if has and (json.loads(has.group(1))[0] != "/hubbub" or json.loads(has.group(1))[1] not in facts.commands):
        yield "HEALTHCHECK is no command of the program (there is no shell in the image)"


@relation
def image_is_built_with_versions_that_do(files, facts):
    rust = re.search(r"^FROM docker.io/library/rust:([\d.]+)-", files[DOCKERFILE], re.MULTILINE).group(1)
    wanted = re.search(r'^rust-version = "([\d.]+)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE).group(1)
    if version(rust) < version(wanted):
        yield f"Rust {rust} is older than {wanted}"
    node = re.search(r"^FROM docker.io/library/node:([\d.]+)-", files[DOCKERFILE], re.MULTILINE).group(1)
    engines = json.loads((ROOT / "web/package.json").read_text())["engines"]["node"].removeprefix(">=")
    if version(node)[0] < version(engines)[0]:
        yield f"Node.js {node} is older than {engines}"


def is_ignored(path, patterns):
    parts = path.split("/")
    heads = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    return any(
        fnmatch(part, pattern[3:]) if pattern.startswith("**/") else ("/" not in head or "/" in pattern) and fnmatch(head, pattern)
        for pattern in patterns
        for head, part in zip(heads, parts)
    )


@lru_cache
def read_by_a_build():
    read = {"Cargo.toml", "Cargo.lock", "scripts/rootfs", "web/package-lock.json", "sdk/src/chat.ts"}
    for manifest in (ROOT / "crates").glob("*/Cargo.toml"):
        paths = re.findall(r'^path = "(.+\.rs)"', manifest.read_text(), re.MULTILINE)
        read |= {os.path.relpath(manifest.parent / path, ROOT) for path in [manifest.name, *paths]}
    for source in (ROOT / "crates").glob("**/*.rs"):
        paths = re.findall(r'include_(?:str|bytes)!\(\s*"([^"]+)"', source.read_text())
        read |= {os.path.relpath(source.parent / path, ROOT) for path in paths}
    return sorted(read)


@relation
def image_is_built_of_all_that_is_read(files, facts):
    patterns = [line for line in files[IGNORE].splitlines() if line and not line.startswith("#")]
    for path in read_by_a_build():
        if not (ROOT / path).exists():
            yield f"{path} is not there"
        if is_ignored(path, patterns):
            yield f"a build reads {path}, which .dockerignore leaves out"
    for path in ["target/debug/hubbub", "target-2/x", ".git/HEAD", ".dev/api-key", "web/node_modules/x/y.js", "hubbub.db", "hubbub.db-wal", "web/dist/index.html"]:
        if not is_ignored(path, patterns):
            yield f"{path} is sent to the build"


class Image:
    """The last stage of the Dockerfile, built of the program under test."""

    def __init__(self, folder):
        self.folder = Path(folder)
        context = self.folder / "build"
        context.mkdir()
        stripped = self.folder / "hubbub"
        subprocess.run(["objcopy", "--strip-all", program(), str(stripped)], check=True)
        subprocess.run([str(ROOT / "scripts/rootfs"), str(stripped), str(context / "rootfs")], check=True)
        last = self.folder / "Dockerfile"
        last.write_text(last_stage((ROOT / DOCKERFILE).read_text()))
        self.buildah("bud", "--isolation", "chroot", "--build-context", f"build={context}", "-t", "hubbub", "-f", str(last), str(context))
        container = self.buildah("from", "--pull-never", "hubbub")
        self.config = json.loads(self.buildah("inspect", "--type", "container", container))["OCIv1"]["config"]
        self.root = Path(self.buildah("mount", container))
        self.bytes = sum(path.stat().st_size for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        self.container = container

    def buildah(self, *arguments):
        where = ["--storage-driver", "vfs", "--root", str(self.folder / "store"), "--runroot", str(self.folder / "run")]
        run = subprocess.run(["buildah", *where, *arguments], capture_output=True, text=True)
        if run.returncode != 0:
            raise RuntimeError(f"buildah {arguments[0]}: {run.stderr}")
        return run.stdout.strip()

    def start(self, environment, writable, log, arguments=None):
        """Starts it as a runtime would with a read-only root and one writable volume, /data, on this machine's network."""
        for name in ["proc", "data", "view"]:
            (self.folder if name == "view" else self.root).joinpath(name).mkdir(exist_ok=True)
        shutil.copy("/etc/hosts", self.root / "etc/hosts")
        inside = {**dict(one.split("=", 1) for one in self.config["Env"]), **environment}
        script = """
            set -e
            mount --bind "$1" "$2"
            mount --rbind /proc "$2/proc"
            mount --bind "$3" "$2/data"
            mount -o remount,bind,ro "$2"
            view=$2 user=$4
            shift 4
            exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$view" "$@"
        """
        command = [*self.config["Entrypoint"], *(arguments or self.config["Cmd"])]
        view = [str(self.root), str(self.folder / "view"), str(writable), self.config["User"]]
        unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *view, *command]
        return subprocess.Popen(unshare, env={"PATH": os.environ["PATH"], **inside}, stderr=log, stdout=log)

    def close(self):
        self.buildah("rm", self.container)
        self.buildah("rmi", "hubbub")
