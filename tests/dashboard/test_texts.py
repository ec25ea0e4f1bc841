"""Every word of the dashboard comes from the text files, in both languages, and every text is used."""

import ast
import re
from pathlib import Path

import pytest

import dashboard
from insights import charts
from insights.catalogue import LANGUAGES, load

FOLDER = Path(dashboard.__file__).parent
OWN = sorted(FOLDER.rglob("*.py"))
SHARED = [
    Path(charts.__file__).with_name(name)
    for name in ("wording.py", *(f"chart{rest}.py" for rest in ("s", "_time", "_encoding", "_paper")))
]
CATALOGUES = {"words", "texts"}
SAYING = {
    "title", "header", "subheader", "markdown", "caption", "write", "text", "info", "warning", "error", "success", "button",
    "download_button", "radio", "selectbox", "multiselect", "date_input", "expander", "metric", "html", "toast",
}  # fmt: skip


def calls(file: Path):
    return [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]


def keys_asked(file: Path) -> list[str]:
    """Give patterns of the keys that a file asks a catalogue for."""
    found = []
    for call in calls(file):
        named = (
            call.func.id
            if isinstance(call.func, ast.Name)
            else call.func.attr
            if isinstance(call.func, ast.Attribute)
            else ""
        )
        inner = call.func.func.id if isinstance(call.func, ast.Call) and isinstance(call.func.func, ast.Name) else ""
        if not call.args or (named not in CATALOGUES and inner not in CATALOGUES):
            continue
        found += patterns(call.args[0])
    return found


def patterns(argument: ast.expr) -> list[str]:
    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
        return [re.escape(argument.value)]
    if isinstance(argument, ast.JoinedStr):
        parts = [re.escape(part.value) if isinstance(part, ast.Constant) else r"[\w-]+" for part in argument.values]
        return ["".join(parts)]
    return []


def every_string(file: Path) -> list[str]:
    """Give patterns of all strings that could be keys: some travel through a parameter before they are looked up."""
    tree = ast.parse(file.read_text("utf-8"))
    return [
        pattern
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for pattern in patterns(node)
    ]


@pytest.mark.parametrize("file", [*OWN, *SHARED], ids=lambda file: file.name)
def test_every_text_that_is_asked_for_exists_in_both_languages(file):
    for language in LANGUAGES:
        known = set(load(language, "dashboard").keys())
        for pattern in keys_asked(file):
            if pattern in LANGUAGES:
                continue
            assert any(re.fullmatch(pattern, key) for key in known), (language, pattern)


def test_every_text_of_the_dashboard_is_used():
    used = [pattern for file in OWN for pattern in every_string(file) if len(pattern) > 3]
    names = [r"(language|source|step|denominator)\.[\w-]+"]  # looked up by the name of a thing, through a parameter
    for key in set(load("en", "dashboard").keys()) - set(load("en").keys()):
        assert any(re.fullmatch(pattern, key) for pattern in [*used, *names]), key


@pytest.mark.parametrize("file", OWN, ids=lambda file: file.name)
def test_no_words_stand_in_the_code(file):
    for call in calls(file):
        if isinstance(call.func, ast.Attribute) and call.func.attr in SAYING:
            for argument in [
                *call.args[:1],
                *(one.value for one in call.keywords if one.arg in {"label", "help", "placeholder"}),
            ]:
                said = [
                    part.value
                    for part in ast.walk(argument)
                    if isinstance(part, ast.Constant) and not _inside_call(argument, part)
                ]
                assert not any(isinstance(text, str) and re.search(r"[A-Za-z]{2}", text) for text in said), (
                    file.name,
                    said,
                )


def _inside_call(root: ast.expr, node: ast.expr) -> bool:
    return any(isinstance(call, ast.Call) and any(node is inner for inner in ast.walk(call)) for call in ast.walk(root))
