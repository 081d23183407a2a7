"""The files of deploy/ pass their validators, and fit each other and the program. `make test` runs it; with HUBBUB_PROGRAM another program."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import ecs
import image
from breaks import BREAKS
from facts import ROOT, gathered
from relations import RELATIONS, findings

# What is wrong today, and that each README of deploy/ says. Whoever mends one takes it out here, and out of there.
KNOWN = {
    # A connection is closed 10 s after its last request; the balancer may use it for a minute.
    "ecs_server_keeps_idle_connections_longer",
}


def texts():
    folders = ["ecs"]
    found = [path for folder in folders for path in (ROOT / "deploy" / folder).iterdir() if path.is_file()]
    found += [ROOT / image.DOCKERFILE, ROOT / image.IGNORE]
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
                more = [one for one in findings(broken, self.facts) if one not in self.found]
                self.assertIn(name, [name for name, _ in more])
                self.assertFalse([one for one in more if "cannot be looked at" in one[1]])

    def test_every_relation_has_been_seen_to_fail(self):
        self.assertEqual(set(RELATIONS), {name for *_, name in BREAKS})


class Validators(unittest.TestCase):
    def test_cloudformation_is_valid_and_what_is_not_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            broken = Path(folder) / "broken.yaml"
            text = (ROOT / ecs.SERVICE).read_text()
            broken.write_text(text.replace("ReadonlyRootFilesystem: true", "ReadOnlyRootFilesystem: true"))
            templates = [str(ROOT / ecs.SERVICE), str(ROOT / ecs.DATA)]
            command = [str(Path(sys.executable).parent / "cfn-lint"), "--include-checks", "I", "--format", "parseable", "--"]
            run = subprocess.run([*command, *templates, str(broken)], capture_output=True, text=True)
            lines = run.stdout.splitlines()
            self.assertEqual([], [line for line in lines if not line.startswith(str(broken))], run.stdout + run.stderr)
            self.assertTrue(any("ReadOnlyRootFilesystem" in line for line in lines), run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
