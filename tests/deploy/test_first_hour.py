"""docs/operating/first-hour.md: its commands and files as they stand there, at other addresses."""

import base64
import contextlib
import http.server
import json
import os
import re
import secrets
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path

import servers
from facts import ROOT, ports, program

PAGE = ROOT / "docs/operating/first-hour.md"
CERTS = "/realms/shop/protocol/openid-connect/certs"


def blocks():
    """What stands between fences: words after the fence, then the text."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def text_of(kind, *words):
    (text,) = [text for of, text in blocks() if of == kind and all(word in text for word in words)]
    return text


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """Publishes a key as Keycloak does, and signs access tokens with it."""

    def __init__(self, folder):
        self.key = folder / "issuer.key"
        servers.run("openssl", "genrsa", "-out", self.key, "2048")
        modulus = servers.run("openssl", "rsa", "-in", self.key, "-noout", "-modulus").strip().split("=")[1]
        known = {"kty": "RSA", "kid": "first", "use": "sig", "alg": "RS256", "n": b64(bytes.fromhex(modulus)), "e": "AQAB"}
        body = json.dumps({"keys": [known]}).encode()

        class Certs(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if self.path == CERTS else 404)
                self.end_headers()
                self.wfile.write(body if self.path == CERTS else b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Certs)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def token(self, user, audience="shop-web"):
        now = int(time.time())
        claims = {"iss": f"{self.url}/realms/shop", "aud": "account", "azp": audience, "typ": "Bearer", "sub": user, "iat": now, "exp": now + 300}
        signed = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "first"}, claims))
        sign = ["openssl", "dgst", "-sha256", "-sign", str(self.key)]
        return f"{signed}.{b64(subprocess.run(sign, input=signed.encode(), capture_output=True, check=True).stdout)}"


class FirstHour(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.folder.chmod(0o755)
        self.admin = secrets.token_hex(20)

    def shell(self, script, **variables):
        others = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
        environment = {**others, **variables}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def runs(self, script, **variables):
        code, said = self.shell(script, **variables)
        self.assertEqual(0, code, f"{script}\n{said}")
        return said

    def answers(self, port, path, key=None, until=60):
        """The answer once there is one that says all is well."""
        deadline = time.monotonic() + until
        while True:
            with contextlib.suppress(OSError):
                request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {key}"} if key else {})
                return json.load(urllib.request.urlopen(request, timeout=10))
            self.assertLess(time.monotonic(), deadline, f"{path} at {port}")
            time.sleep(0.05)

    def redis(self, port):
        at = {"tls-port 6379": f"tls-port {port}", "/etc/redis/": f"{self.folder}/"}
        text = text_of("redis")
        for old, new in at.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        (self.folder / "redis.conf").write_text(text + f"bind 127.0.0.1\ndir {self.folder}\n")
        server = subprocess.Popen(["redis-server", str(self.folder / "redis.conf")], stdout=subprocess.DEVNULL)
        self.stack.callback(server.wait)
        self.stack.callback(server.kill)

    def configuration(self, name, port, at):
        text = text_of("toml")
        for old, new in {"0.0.0.0:8000": f"127.0.0.1:{port}", "10.0.0.10": "127.0.0.1", "/etc/hubbub/": f"{self.folder}/", **at}.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        (self.folder / name).write_text(text)
        return name

    def check(self, config, token):
        command = text_of("sh", "hubbub check")
        (self.folder / "token.jwt").write_text(token)
        for old, new in {"runuser -u hubbub -- hubbub": program(), "/etc/hubbub/hubbub.toml": config}.items():
            self.assertIn(old, command)
            command = command.replace(old, new)
        return self.shell(command)

    def test_what_the_page_says_ends_with_three_instances(self):
        issuer = Issuer(self.folder)
        self.stack.callback(issuer.server.server_close)
        self.stack.callback(issuer.server.shutdown)
        self.runs(text_of("sh", "openssl req -x509").replace("%s.internal", "localhost"))
        self.runs(text_of("sh", "for secret in"))
        self.shell("cp db.pem server.pem; cp db.key server.key")
        db, bus, *listen = self.stack.enter_context(ports(5))
        # The page's rule, for this machine, and one for the test's own superuser.
        (rule,) = re.findall(r"^hostssl.*$", text_of("pg_hba"), re.MULTILINE)
        rules = rule.replace("10.0.0.0/8", "127.0.0.1/32") + "\nhostssl all postgres 127.0.0.1/32 scram-sha-256\n"
        self.stack.enter_context(servers.postgres(self.folder, db, self.admin, "postgres", rules))
        at_postgres = {"PGHOST": "localhost", "PGPORT": str(db), "PGUSER": "postgres", "PGPASSWORD": self.admin, "PGSSLMODE": "require", "PGDATABASE": "postgres"}
        self.runs(text_of("sh", "CREATE ROLE"), **at_postgres)
        self.runs(text_of("sh", "users.acl"))
        self.redis(bus)

        at = {"db.internal:5432": f"localhost:{db}", "redis.internal:6379": f"localhost:{bus}", "https://login.example.com": issuer.url}
        configs = [self.configuration(f"{port}.toml", port, at) for port in listen]
        code, said = self.check(configs[0], issuer.token("ana"))
        self.assertEqual(0, code, said)
        self.assertIn('its user is "ana"', said)
        code, said = self.check(configs[0], issuer.token("ana", "another-app"))
        self.assertEqual(1, code, said)
        self.assertRegex(said, r"(?m)^wrong +--token .*azp")

        serving = []
        for port, config in zip(listen, configs):
            with open(self.folder / f"{port}.log", "w", encoding="utf-8") as log:
                serving.append(subprocess.Popen([program(), "serve", "--config", config], cwd=self.folder, stderr=log, stdout=log))
            self.stack.callback(serving[-1].wait)
            self.stack.callback(serving[-1].kill)
        for port in listen:
            self.assertEqual(("ok", "up", "up", "fresh"), self.well(port))
        key = (self.folder / "api-key").read_text().strip()
        self.runs(text_of("sh", "/v1/rooms"), hubbub=f"http://127.0.0.1:{listen[0]}")
        members = self.answers(listen[2], "/v1/rooms/kitchen/members", key)
        self.assertEqual({"ana", "ben"}, {one["user"] for one in members["members"]}, members)

        # The password is another one; those who dial from then on need it.
        before = (self.folder / "store-password").read_text()
        self.runs(text_of("sh", "ALTER ROLE"), **at_postgres)
        self.assertNotEqual(before, (self.folder / "store-password").read_text())
        self.runs("psql -c \"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'hubbub'\"", **at_postgres)
        for port in listen:
            self.assertEqual(("ok", "up", "up", "fresh"), self.well(port))
            self.answers(port, "/v1/rooms/kitchen/members", key)
        self.assertEqual([None] * 3, [one.poll() for one in serving])

    def well(self, port):
        """What an instance says of itself, once it says that all is well."""
        deadline = time.monotonic() + 60
        while True:
            ready = self.answers(port, "/health/ready")
            said = tuple(ready[name] for name in ("status", "store", "bus", "token_keys"))
            if said == ("ok", "up", "up", "fresh") or time.monotonic() > deadline:
                return said
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
