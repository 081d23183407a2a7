"""What must hold between the files of deploy/ and the program, and how it is looked for.

A relation is a function of the files and the facts that yields a sentence for each thing that is wrong. Its name is what the finding
is called, and what breaks.py names.
"""

import re
from functools import lru_cache

import yaml

from facts import seconds

RELATIONS = {}


def relation(function):
    assert function.__name__ not in RELATIONS, function.__name__
    RELATIONS[function.__name__] = function
    return function


def findings(files, facts, names=None):
    """Everything that is wrong, as (name of the relation, sentence). `files` are texts by path; `names` are all relations unless given."""
    found = []
    for name in names or RELATIONS:
        try:
            found += [(name, sentence) for sentence in RELATIONS[name](files, facts)]
        except (KeyError, IndexError, TypeError, AttributeError, ValueError, StopIteration) as error:
            found.append((name, f"cannot be looked at: {error!r}"))
    return found


def port_of(address):
    """The port of `0.0.0.0:8000`, `127.0.0.1:8000` or `http://host:8000/path`."""
    return int(re.search(r":(\d+)(/|$)", str(address)).group(1))


def differing(what, numbers):
    """A finding where numbers by what says them are not one and the same."""
    if len(set(numbers.values())) > 1:
        yield f"{what}: " + ", ".join(f"{where} says {number}" for where, number in numbers.items())


def unknown_variables(names, facts):
    for name in sorted(set(names) - facts.variables):
        yield f"the program knows no variable {name}"


# What is put in from a secret or a parameter, and a password between a user and a host that is not.
PUT_IN = re.compile(r"\{\{resolve:secretsmanager:(\$\{\w+\}|[^}])*\}\}|\$\{[^}]*\}")
IN_URL = re.compile(r"://[^/\s\"'@:]*:(?!PUT-IN@)[^/\s\"'@]+@")


def password_in_url(text):
    return IN_URL.search(PUT_IN.sub("PUT-IN", str(text))) is not None


def plain_secrets(plain, facts):
    """`plain` are variables whose values stand in the file."""
    for name, value in plain.items():
        # Where a server is is no secret.
        if name in facts.secret - {"HUBBUB_STORE", "HUBBUB_BUS"}:
            yield f"{name} is in plain environment"
        elif re.search(r"PASSWORD|SECRET$|KEY$", name) and not name.endswith("_FILE"):
            yield f"{name} is in plain environment"
        if password_in_url(value):
            yield f"{name} has a password in its URL"


def drain_window(variables, facts):
    return seconds(variables.get("HUBBUB_DRAIN_WINDOW", facts.drain_window))


@lru_cache(maxsize=64)
def parsed(text, loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """All documents of a YAML file. Not to be changed by who gets them."""
    return list(yaml.load_all(text, Loader=loader))
