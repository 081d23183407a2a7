"""The files of deploy/ pass their validators, and fit each other and the program. `make test` runs it; with HUBBUB_PROGRAM another program."""

import copy
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

import composed
import ecs
import image
import manifests
import service
from breaks import BREAKS
from facts import ROOT, gathered, program
from relations import RELATIONS, findings

# What is wrong today, and that each README of deploy/ says. Whoever mends one takes it out here, and out of there.
KNOWN = set()


def texts():
    folders = [ROOT / "deploy" / folder for folder in ("ecs", "kubernetes", "compose")]
    found = [path for folder in folders for path in folder.iterdir() if path.is_file()]
    found += [ROOT / path for path in (image.DOCKERFILE, image.IGNORE, composed.NGINX, service.UNIT, service.CONFIG)]
    return {str(path.relative_to(ROOT)): path.read_text() for path in found}


class Relations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files, cls.facts = texts(), gathered()
        cls.found = findings(cls.files, cls.facts)

    def test_what_must_hold_holds(self):
        wrong = [f"{name}: {sentence}" for name, sentence in self.found if name not in KNOWN]
        self.assertEqual([], wrong, "\n".join(["", *wrong]))
        self.assertEqual(KNOWN, {name for name, _ in self.found}, "what was known to be wrong is mended: take it out of KNOWN")

    def test_what_is_broken_on_purpose_is_found(self):
        for path, old, new, name in BREAKS:
            with self.subTest(path=path, old=old, new=new):
                self.assertEqual(1, self.files[path].count(old), "this text should be in the file just once")
                broken = {**self.files, path: self.files[path].replace(old, new)}
                more = [sentence for found, sentence in findings(broken, self.facts, [name]) if (found, sentence) not in self.found]
                self.assertTrue(more, f"{name} does not notice")
                self.assertFalse([sentence for sentence in more if "cannot be looked at" in sentence])

    def test_every_relation_has_been_seen_to_fail(self):
        self.assertEqual(set(RELATIONS), {name for *_, name in BREAKS})


class Validators(unittest.TestCase):
    def test_cloudformation_is_valid_and_what_is_not_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = Path(folder) / "broken.yaml"
            # Small, since a check of a large one takes seconds.
            broken.write_text("Resources: { Logs: { Type: AWS::Logs::LogGroup, Properties: { RetentionInDay: 30 } } }\n")
            templates = [str(ROOT / ecs.SERVICE), str(ROOT / ecs.DATA)]
            command = [str(Path(sys.executable).parent / "cfn-lint"), "--include-checks", "I", "--format", "parseable", "--"]
            run = subprocess.run([*command, *templates, str(broken)], capture_output=True, text=True)
            lines = run.stdout.splitlines()
            self.assertEqual([], [line for line in lines if not line.startswith(str(broken))], run.stdout + run.stderr)
            self.assertTrue(any("RetentionInDay" in line for line in lines), run.stdout + run.stderr)

    def test_kubernetes_manifests_are_valid_and_what_is_not_is_refused(self):
        sent = manifests.documents(texts())
        self.assertGreater(len(sent), 7)
        newest = kubernetes_validate.latest_version()
        for document in sent.values():
            kubernetes_validate.validate(document, newest, strict=True)
        for change in [{"replicas": "three"}, {"replica": 3}]:
            broken = copy.deepcopy(sent["Deployment", "hubbub"])
            broken["spec"].update(change)
            with self.assertRaises(kubernetes_validate.ValidationError):
                kubernetes_validate.validate(broken, newest, strict=True)

    def test_the_compose_file_is_valid_and_what_is_not_is_refused(self):
        schema = json.loads((ROOT / ".tools/deploy/compose-spec.json").read_text())
        file = yaml.safe_load((ROOT / composed.COMPOSE).read_text())
        jsonschema.validate(file, schema)
        file["services"]["hubbub-1"]["stop_grace"] = "40s"
        with self.assertRaises(jsonschema.ValidationError):
            jsonschema.validate(file, schema)

    def test_make_secrets_makes_what_the_program_takes(self):
        with tempfile.TemporaryDirectory() as folder:
            environment = composed.one(texts())["environment"]
            made = Path(folder) / "secrets"
            for _ in range(2):
                subprocess.run([ROOT / composed.SECRETS, made], check=True)
            self.assertEqual(0o700, made.stat().st_mode & 0o777)
            files = {name: str(made / Path(value).name) for name, value in environment.items() if name.endswith("_FILE")}
            self.assertRegex(Path(files.pop("HUBBUB_STORE_PASSWORD_FILE")).read_text(), r"^[0-9a-f]{64}$")
            rest = {"HUBBUB_STORE": f"sqlite:{folder}/store.db", "HUBBUB_LISTEN": "127.0.0.1:0"}
            run = subprocess.run([program(), "check"], env={**files, **rest}, capture_output=True, text=True)
            self.assertEqual(0, run.returncode, run.stdout + run.stderr)
            self.assertIn(" 0 wrong", run.stdout)


if __name__ == "__main__":
    unittest.main()
