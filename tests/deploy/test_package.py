"""The archive and the package: of the same program the same bytes; installed, started as the service does, and removed."""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
import time
import tomllib
import unittest
from pathlib import Path

from facts import ROOT, ports, program, status
from service import UNIT, Unit
from test_image import may_mount


def run(*command, **how):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    if done.returncode:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def packs(what, out):
    run(str(ROOT / "scripts/package"), "--program", str(what), "--out", str(out), "--level", "1")
    return out


def setUpModule():
    made = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(made.cleanup)
    folder.path = Path(made.name)


def folder():
    """Of this module's tests alone."""
    return folder.path


@functools.cache
def packed():
    """A folder with the program under test, packed."""
    run("objcopy", "--strip-all", program(), str(folder() / "hubbub"))
    return packs(folder() / "hubbub", folder() / "out")


class Packed(unittest.TestCase):
    def setUp(self):
        self.out = packed()

    def test_of_the_same_program_the_same_bytes_are_made(self):
        # Any program does, and a small one does it soon.
        small = folder() / "small"
        shutil.copy("/usr/bin/env", small)
        first = packs(small, folder() / "first")
        # At another time, and by somebody whose files are for nobody else.
        os.utime(small, (1, 1))
        before = os.umask(0o077)
        try:
            again = packs(small, folder() / "again")
        finally:
            os.umask(before)
        sums = (first / "SHA256SUMS").read_text()
        self.assertEqual(sums, (again / "SHA256SUMS").read_text())
        named = dict(reversed(line.split("  ")) for line in sums.splitlines())
        self.assertEqual({path.name for path in first.iterdir()} - {"SHA256SUMS"}, set(named))
        for name, said in named.items():
            self.assertEqual(said, hashlib.sha256((first / name).read_bytes()).hexdigest())

    def test_the_archive_is_unpacked_and_runs(self):
        (path,) = self.out.glob("*.tar.gz")
        with tarfile.open(path) as archive:
            self.assertEqual({(0, 0)}, {(one.uid, one.gid) for one in archive})
            archive.extractall(folder() / "unpacked", filter="data")
        root = folder() / "unpacked" / path.name.removesuffix(".tar.gz")
        self.assertRegex(run(str(root / "hubbub"), "--version"), r"^hubbub \d")
        self.assertRegex((root / "README.md").read_text(), r"C library of GNU, 2\.\d+ or newer")
        self.assertTrue((root / "LICENSE").is_file())

    def test_lists_of_parts_are_the_same_whoever_writes_them(self):
        lists = []
        for number, root in enumerate(["/home/ana/hubbub", "/build"]):
            parts = {"serialNumber": f"urn:uuid:{number}", "metadata": {"timestamp": f"2026-01-0{number + 1}T00:00:00Z"}, "components": [{"bom-ref": f"path+file://{root}/crates/hubbub#0.1.0"}]}
            lists.append(folder() / f"{number}.cdx.json")
            lists[-1].write_text(json.dumps(parts))
            run(str(ROOT / "scripts/parts"), root, str(lists[-1]), env={**os.environ, "SOURCE_DATE_EPOCH": "86400"})
        first, second = (path.read_text() for path in lists)
        self.assertEqual(first, second)
        self.assertEqual("1970-01-02T00:00:00.000Z", json.loads(first)["metadata"]["timestamp"])

    def test_the_package_says_what_it_needs(self):
        (path,) = self.out.glob("*.deb")
        said = run("dpkg-deb", "--field", str(path))
        self.assertRegex(said, r"Depends: libc6 \(>= 2\.\d+\), libgcc-s1")
        self.assertIn("/etc/hubbub/hubbub.toml", run("dpkg-deb", "--info", str(path), "conffiles"))
        owners = {line.split()[1] for line in run("dpkg-deb", "--contents", str(path)).splitlines()}
        self.assertEqual({"root/root"}, owners)


@unittest.skipUnless(may_mount(), "installs into a copy of this system: needs root that may mount")
class Installed(unittest.TestCase):
    """In a copy of this machine's files that nothing of it outlives."""

    @classmethod
    def setUpClass(cls):
        base = folder() / "system"
        base.mkdir()
        # Layers above layers are not allowed everywhere: those above memory are.
        run("mount", "-t", "tmpfs", "tmpfs", str(base))
        cls.addClassCleanup(run, "umount", "-l", str(base))
        for part in ("upper", "work", "root"):
            (base / part).mkdir()
        cls.root = base / "root"
        run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={base}/upper,workdir={base}/work", str(cls.root))
        cls.addClassCleanup(run, "umount", "-l", str(cls.root))
        run("mount", "-t", "proc", "proc", str(cls.root / "proc"))
        cls.addClassCleanup(run, "umount", "-l", str(cls.root / "proc"))
        run("mount", "--bind", "/dev", str(cls.root / "dev"))
        cls.addClassCleanup(run, "umount", "-l", str(cls.root / "dev"))
        (package,) = packed().glob("*.deb")
        shutil.copy(package, cls.root / "tmp/hubbub.deb")

    def inside(self, *command):
        return run("chroot", str(self.root), *command)

    def test_it_is_installed_started_and_removed(self):
        self.inside("dpkg", "--install", "/tmp/hubbub.deb")
        unit = Unit((ROOT / UNIT).read_text())
        config = self.root / "etc/hubbub/hubbub.toml"
        settings = tomllib.loads(config.read_text())
        keys = [self.root / settings[f"{name}-file"].lstrip("/") for name in ("api-key", "token-secret")]
        for file in keys:
            self.assertEqual((0o640, 48), (file.stat().st_mode & 0o777, len(file.read_text())))
        # What systemd thinks of the unit, where the program is.
        self.inside("systemd-analyze", "verify", "--man=no", "/lib/systemd/system/hubbub.service")
        self.inside("systemd-analyze", "security", "--offline=true", "--threshold=20", "/lib/systemd/system/hubbub.service")

        with ports(1) as (port,):
            config.write_text(config.read_text().replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
            # As the package's README has it, before anything was started.
            checked = self.inside("runuser", "-u", "hubbub", "--", "hubbub", "check", "--strict", "--config", "/etc/hubbub/hubbub.toml")
            self.assertIn(" 0 wrong", checked)
            with self.as_the_service(unit["Service"]["ExecStart"].split()) as server:
                deadline = time.monotonic() + 60
                while status(port, "/health/ready") != 200:
                    self.assertIsNone(server.poll(), "it ended")
                    self.assertLess(time.monotonic(), deadline, "it is not ready")
                    time.sleep(0.05)
                self.assertEqual(200, status(port, "/v1/rooms", keys[0].read_text()))

        # A newer one leaves what was changed, and the secrets.
        kept = [file.read_text() for file in keys]
        self.inside("dpkg", "--install", "/tmp/hubbub.deb")
        self.assertIn(str(port), config.read_text())
        self.assertEqual(kept, [file.read_text() for file in keys])

        self.inside("dpkg", "--purge", "hubbub")
        self.assertFalse((self.root / "etc/hubbub").exists(), "configuration is left")
        self.assertFalse((self.root / "usr/bin/hubbub").exists())
        self.assertTrue((self.root / "var/lib/hubbub/hubbub.db").is_file(), "the data went with it")

    @contextlib.contextmanager
    def as_the_service(self, arguments):
        command = ["chroot", "--userspec=hubbub:hubbub", str(self.root), "/usr/bin/env", "-i", "-C", "/var/lib/hubbub", *arguments]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                yield server
                server.terminate()
                self.assertEqual(0, server.wait(60))
            finally:
                server.kill()


if __name__ == "__main__":
    unittest.main()
