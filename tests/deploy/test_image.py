"""The image's last stage is built, and started without root and with a root file system for reading only."""

import json
import os
import re
import secrets
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

import ecs
import servers
from facts import ROOT, ports, status
from image import Image


def filled(url, port):
    """A URL of the template, with what CloudFormation would put in."""
    return re.sub(r"\$\{[\w.]+Address\}:\d+", f"localhost:{port}", url)


def body(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return json.load(answer)
    except OSError:
        return None


def may_mount():
    """Whether this machine allows what a container's runtime does: root in a container of its own often may not."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@unittest.skipUnless(may_mount(), "mounts, and starts programs as other users: needs root that may mount")
class Started(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.image = Image(cls.folder.name)
        cls.addClassCleanup(cls.image.close)

    def test_it_serves_without_root_and_goes_when_told(self):
        data = Path(self.folder.name) / "data"
        data.mkdir()
        uid, gid = map(int, self.image.config["User"].split(":"))
        os.chown(data, uid, gid)
        log_path = Path(self.folder.name) / "log"
        with ports(1) as (port,), open(log_path, "w", encoding="utf-8") as log:
            begin = time.monotonic()
            environment = {
                "HUBBUB_LISTEN": f"127.0.0.1:{port}",
                "HUBBUB_STORE": "sqlite:/data/hubbub.db",
                "HUBBUB_API_KEY": secrets.token_hex(24),
                "HUBBUB_TOKEN_SECRET": secrets.token_hex(32),
            }
            server = self.image.start(environment, data, log)
            try:
                while status(port, "/health/ready") != 200:
                    self.assertIsNone(server.poll(), log_path.read_text())
                    self.assertLess(time.monotonic(), begin + 60, log_path.read_text())
                    time.sleep(0.02)
                print(f"an image of {self.image.bytes / 1e6:.0f} MB (program not optimised), ready after {time.monotonic() - begin:.2f} s")
                proc = Path(f"/proc/{server.pid}")
                said = dict(line.split(":\t", 1) for line in (proc / "status").read_text().splitlines())
                self.assertEqual([str(uid)] * 4, said["Uid"].split())
                self.assertEqual([str(gid)] * 4, said["Gid"].split())
                self.assertEqual(("", 0), (said["Groups"].strip(), int(said["CapEff"], 16)))
                root = [line.split() for line in (proc / "mountinfo").read_text().splitlines() if line.split()[4] == "/"]
                self.assertIn("ro", root[-1][5].split(","), "its root file system can be written")
                self.assertEqual(200, status(port, "/v1/rooms", environment["HUBBUB_API_KEY"]))
                # In a container nobody else catches it.
                server.send_signal(getattr(signal, self.image.config["StopSignal"]))
                self.assertEqual(0, server.wait(60), log_path.read_text())
                self.assertTrue((data / "hubbub.db").is_file())
            finally:
                server.kill()
                server.wait()

    def test_it_reaches_postgres_and_redis_by_the_urls_of_the_template(self):
        folder, root = Path(self.folder.name), self.image.root
        system, rds = root / "etc/ssl/certs/ca-certificates.crt", root / "etc/hubbub/rds-ca.pem"
        nowhere = folder / "nowhere"
        nowhere.mkdir()
        os.chmod(folder, 0o755)
        files = {ecs.DATA: (ROOT / ecs.DATA).read_text()}
        with servers.both(folder / "servers") as (postgres, redis), ports(1) as (port,):
            ours, known = (folder / "servers/ca.pem").read_text(), system.read_text()
            system.write_text(known + ours)
            rds.write_text(servers.rds_authorities() + ours)
            self.assertGreater(rds.read_text().count("BEGIN CERTIFICATE"), 100)
            store, bus = ecs.urls(files)
            environment = {
                "HUBBUB_LISTEN": f"127.0.0.1:{port}",
                "HUBBUB_STORE": filled(store, postgres[0]),
                "HUBBUB_STORE_PASSWORD": postgres[1],
                "HUBBUB_BUS": filled(bus, redis[0]),
                "HUBBUB_BUS_PASSWORD": redis[1],
                "HUBBUB_API_KEY": secrets.token_hex(24),
                "HUBBUB_TOKEN_SECRET": secrets.token_hex(32),
            }
            log_path = folder / "log-tls"
            with open(log_path, "w", encoding="utf-8") as log:
                server = self.image.start(environment, nowhere, log)
                try:
                    until = time.monotonic() + 60
                    while (ready := body(port, "/health/ready")) is None or (ready["store"], ready["bus"]) != ("up", "up"):
                        self.assertIsNone(server.poll(), log_path.read_text())
                        self.assertLess(time.monotonic(), until, f"{ready} {log_path.read_text()}")
                        time.sleep(0.05)
                    self.assertEqual("ok", ready["status"])
                finally:
                    server.kill()
                    server.wait()
            # Whoever is signed by nobody it knows is not spoken to: these lists are what it goes by.
            system.write_text(known)
            rds.write_text(servers.rds_authorities())
            with open(log_path, "w", encoding="utf-8") as log:
                self.assertEqual(1, self.image.start(environment, nowhere, log, ["check"]).wait(60))
            wrong = [line for line in log_path.read_text().splitlines() if line.startswith("wrong")]
            for option in ["--store", "--bus"]:
                self.assertTrue(any(option in line and "an authority that is not trusted here" in line for line in wrong), log_path.read_text())

    def test_it_has_the_authorities_and_no_shell(self):
        bundle = (self.image.root / "etc/ssl/certs/ca-certificates.crt").read_text()
        self.assertGreater(bundle.count("-----BEGIN CERTIFICATE-----"), 80)
        names = {path.name for path in self.image.root.rglob("*") if path.is_file()}
        self.assertFalse(names & {"sh", "bash", "busybox", "apt", "dpkg"})


if __name__ == "__main__":
    unittest.main()
