"""Finds what may not stand in code or templates: unsafe loaders, evaluation, shells, markup that skips escaping."""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("app", "ml", "scripts", "migrations", "tests", "templates")

# Who may use an unpickler, as paths relative to the root: nobody. ml/datasets/pickles.py reads CIFAR's without one.
UNPICKLERS: frozenset[str] = frozenset()

PICKLE = frozenset({"pickle.load", "pickle.loads", "pickle.Unpickler"})
NAMES = {
    **dict.fromkeys(PICKLE, "unpickling runs code: keep data as JSON, npz or safetensors"),
    "torch.load": "it unpickles: read weights with safetensors",
    "yaml.load": "use yaml.safe_load",
    "yaml.unsafe_load": "use yaml.safe_load",
    "yaml.full_load": "use yaml.safe_load",
    "markupsafe.Markup": "it skips escaping: render a template",
    "eval": "it runs code",
    "exec": "it runs code",
}
METHODS = {"extractall": "it trusts the names in the archive: read each entry within limits"}
KEYWORDS = {
    "trust_remote_code": "it runs code from a model's repository",
    "shell": "pass a list of arguments",
    "allow_pickle": "unpickling runs code",
}
MODULES = {"torchvision": "it fails at import beside the CPU build of torch"}

# A report stands alone: one file with its own style and its charts in it, made by the charts' own code.
ALONE = frozenset({"ml/evaluation/report.html"})

# In templates. Jinja's own tags are blanked out for those about HTML.
MARKUP = {
    re.compile(r"\|\s*safe\b"): "|safe skips escaping",
    re.compile(r"\bMarkup\("): "Markup( skips escaping",
    re.compile(r"{%-?\s*autoescape\b"): "escaping is always on",
    re.compile(r"\bhx-on\b"): "hx-on is inline script: listen in a file of static/js",
    re.compile(r"\b(?:javascript|js):", re.IGNORECASE): "inline script: listen in a file of static/js",
}
HTML = {
    re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE): "inline <script>: put it into a file of static/js",
    re.compile(r"<style\b", re.IGNORECASE): "inline <style>: put it into a file of static/css",
    re.compile(r"(?<=\s)style\s*=", re.IGNORECASE): "style=: put it into a file of static/css",
    re.compile(r"(?<=\s)on[a-z]+\s*=", re.IGNORECASE): "on…=: listen in a file of static/js",
}
JINJA = re.compile(r"{%.*?%}|{#.*?#}|{{.*?}}", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What stands where, and why it may not."""

    path: str
    line: int
    message: str


def lint_python(path: str, source: str) -> Iterator[Finding]:
    """The banned names, methods, keywords and modules in Python source. `path` is relative to the root."""
    tree = ast.parse(source, path)
    imported = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            for top in {module.split(".")[0] for module in modules} & MODULES.keys():
                yield Finding(path, node.lineno, f"{top}: {MODULES[top]}")
        elif isinstance(node, ast.Name | ast.Attribute):
            name = _dotted(node, imported)
            if name in NAMES and not (name in PICKLE and path in UNPICKLERS):
                yield Finding(path, node.lineno, f"{name}: {NAMES[name]}")
            elif isinstance(node, ast.Attribute) and node.attr in METHODS:
                yield Finding(path, node.lineno, f"{node.attr}: {METHODS[node.attr]}")
        elif isinstance(node, ast.keyword) and node.arg in KEYWORDS and not _is_false(node.value):
            yield Finding(path, node.value.lineno, f"{node.arg}: {KEYWORDS[node.arg]}")


def lint_template(path: str, text: str) -> Iterator[Finding]:
    """The banned markup in a template."""
    html = JINJA.sub(lambda tag: re.sub(r"[^\n]", "_", tag[0]), text)
    for patterns, searched in ((MARKUP, text), (HTML, html)):
        for pattern, message in patterns.items():
            for match in pattern.finditer(searched):
                yield Finding(path, searched.count("\n", 0, match.start()) + 1, message)


def lint(root: Path, files: Sequence[Path]) -> list[Finding]:
    """All findings in the given files, which are below `root`, in order."""
    findings: set[Finding] = set()
    for file in files:
        path = file.relative_to(root).as_posix()
        if file.suffix == ".py":
            findings.update(lint_python(path, file.read_text(encoding="utf-8")))
        elif file.suffix == ".html" and path not in ALONE:
            findings.update(lint_template(path, file.read_text(encoding="utf-8")))
    return sorted(findings)


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: `import torch as t` gives {"t": "torch"}."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update({name.asname: name.name for name in node.names if name.asname})
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.update({name.asname or name.name: f"{node.module}.{name.name}" for name in node.names})
    return names


def _dotted(node: ast.expr, imported: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return imported.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        owner = _dotted(node.value, imported)
        return f"{owner}.{node.attr}" if owner else None
    return None


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def main(arguments: Sequence[str]) -> int:
    """Lint the named files, or the whole project; 1 when something was found."""
    files = [Path(name).resolve() for name in arguments] or [
        file for folder in FOLDERS for file in (ROOT / folder).rglob("*")
    ]
    findings = lint(ROOT, files)
    for finding in findings:
        print(f"{finding.path}:{finding.line}: {finding.message}", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
