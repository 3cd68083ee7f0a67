"""A33: what the lint finds, what it lets pass, and that the project is clean."""

from pathlib import Path

import pytest

from scripts.lint_banned import lint, main

BAD_PYTHON = {
    "torch.load": "import torch\nx = torch.load('w.pt')",
    "torch.load by another name": "import torch as t\nx = t.load('w.pt')",
    "torch.load by its own name": "from torch import load\nx = load('w.pt')",
    "pickle.load": "import pickle\nx = pickle.load(f)",
    "pickle.loads, not called": "import pickle\nread = pickle.loads",
    "an unpickler": "import pickle\nclass Mine(pickle.Unpickler): ...",
    "a pickle in an array": "import numpy as np\nx = np.load('a.npy', allow_pickle=True)",
    "eval": "\nx = eval('1')",
    "exec": "\nexec('x = 1')",
    "extractall": "import zipfile\nzipfile.ZipFile('a.zip').extractall()",
    "yaml.load": "import yaml\nx = yaml.load(f, Loader=yaml.SafeLoader)",
    "a model's own code": "\nx = AutoModel.from_pretrained('m', trust_remote_code=True)",
    "a shell": "import subprocess\nsubprocess.run('ls', shell=True)",
    "a shell, perhaps": "import subprocess\nsubprocess.run('ls', shell=maybe)",
    "markup": "from markupsafe import Markup\nx = Markup('<b>')",
    "torchvision": "\nimport torchvision.transforms",
}
GOOD_PYTHON = """
import ast, json, pickle, subprocess, yaml
model.eval()
ast.literal_eval("1")
json.load(f), yaml.safe_load(f), pickle.dumps(1)
subprocess.run(["ls"], shell=False)
"torch.load, eval() and |safe are banned"  # pickle.load
"""
BAD_TEMPLATES = {
    "safe": "<p>\n{{ caption | safe }}",
    "Markup": "<p>\n{{ Markup(caption) }}",
    "autoescape": "<p>\n{% autoescape false %}",
    "a script's body": "<p>\n<script>alert(1)</script>",
    "a script's body, with a type": '<p>\n<script type="module">alert(1)</script>',
    "a style sheet": "<p>\n<style>p { color: red }</style>",
    "a style": '<p\nstyle="color: red">',
    "a handler": '<p\nonclick="go()">',
    "a handler between tags": '<p {% if wide %}class="wide"{% endif %}\nONLOAD = go()>',
    "an htmx handler": '<p\nhx-on:click="go()">',
    "an htmx value": '<p\nhx-vals="js:{now: Date.now()}">',
    "a script's address": '<p>\n<a href="javascript:go()">',
}
GOOD_TEMPLATE = """
<script src="/static/js/app.js" defer></script>
<link rel="stylesheet" href="/static/css/base.css">
{% set on = viewer %}{% set one = 1 %}{# style="…" #}
<p class="onward" data-style="a">{{ caption }} is safe: 3 js files</p>
"""


def lint_one(folder: Path, name: str, text: str) -> list[int]:
    """The lines of what is found in one file."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return [finding.line for finding in lint(folder, [file])]


@pytest.mark.parametrize("source", BAD_PYTHON.values(), ids=BAD_PYTHON)
def test_a33_finds_in_python(tmp_path: Path, source: str) -> None:
    assert 2 in lint_one(tmp_path, "bad.py", source)


@pytest.mark.parametrize("text", BAD_TEMPLATES.values(), ids=BAD_TEMPLATES)
def test_a33_finds_in_templates(tmp_path: Path, text: str) -> None:
    assert lint_one(tmp_path, "bad.html", text) == [2]


def test_lets_pass_what_only_looks_like_it(tmp_path: Path) -> None:
    assert lint_one(tmp_path, "good.py", GOOD_PYTHON) == []
    assert lint_one(tmp_path, "good.html", GOOD_TEMPLATE) == []


def test_a33_the_project_is_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().err
