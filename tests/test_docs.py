"""The documentation says what the code does: generated pages, examples, links."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import dagprop
from dagprop.errors import CODES
from docs import generate

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("graphs/*.md"),
        *ROOT.glob("plugins/**/*.md"),
        *ROOT.glob("tests/data/*.md"),
    ]
)


def blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", generate.PAGES)
def test_generated_pages_are_up_to_date(page):
    """Run ``python docs/generate.py`` where this fails."""
    assert generate.PAGES[page]() == (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("number", range(len(blocks(ROOT / "docs/file-format.md", "json"))))
def test_every_example_of_a_graph_file_is_right(number, tmp_path):
    path = tmp_path / "graph.json"
    path.write_text(blocks(ROOT / "docs/file-format.md", "json")[number], encoding="utf-8")
    graph, problems = dagprop.check_file(path)
    assert problems == []
    assert graph is not None


def test_python_in_the_readme_prints_what_it_says(tmp_path):
    (tmp_path / "graphs").symlink_to(ROOT / "graphs")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ((code, printed),) = re.findall(
        r"```python\n(import dagprop\n.*?)```\n\nIt prints:\n\n```text\n(.*?)```", readme, re.DOTALL
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == (printed, "")


def test_the_readme_sets_up_with_two_commands():
    lines = [line for block in blocks(ROOT / "README.md", "bash") for line in block.splitlines()]
    assert lines == ["pip install -e . && dagprop train graphs/digits.json", "pip install -e '.[test]' && pytest"]


def test_the_tour_has_a_folder_of_its_own_that_git_does_not_see(tmp_path):
    (command,) = re.findall(r"`(mkdir tour [^`]+)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    for name in ("graphs", "plugins"):
        (tmp_path / name).symlink_to(ROOT / name)
    subprocess.run(
        ["bash", "-ec", f"{command} && cat graphs/xor.json plugins/snake.py >joined"], cwd=tmp_path, check=True
    )
    assert (tmp_path / "tour" / "joined").stat().st_size
    assert "/tour/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_readme_leads_from_a_formula_to_a_registered_plugin(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGPROP_CONFIG_DIR", str(tmp_path / "configuration"))
    monkeypatch.delenv("DAGPROP_PLUGINS")
    (commands,) = [block for block in blocks(ROOT / "README.md", "text") if block.startswith("dagprop plugins new")]
    for command in [*commands.splitlines(), "dagprop train bent.json"]:
        words = [sys.executable, "-m", "dagprop.cli.main", *shlex.split(command)[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        if "train" in command:
            assert float(re.search(r"^loss (\S+)", done.stdout + done.stderr, re.MULTILINE)[1]) < 0.001


@pytest.mark.parametrize(("number", "names"), [(0, ("gated_dense",)), (1, ("count",))])
def test_the_plugins_on_the_page_of_plugins_can_be_loaded(number, names, tmp_path, own_ops):
    from dagprop.ops.plugins import load_plugin

    (tmp_path / "gated_dense.json").write_bytes((ROOT / "plugins/gated_dense.json").read_bytes())
    path = tmp_path / "plugin.py"
    path.write_text(blocks(ROOT / "docs/plugins.md", "python")[number], encoding="utf-8")
    assert load_plugin(str(path)) == names


def test_what_training_is_taught_in_the_documentation_works(tmp_path):
    page = ROOT / "docs/training.md"
    ((plugin,), (commands,), (train,)) = (blocks(page, language) for language in ("python", "bash", "json"))
    for name in ("graphs", "plugins"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "plugins.py").write_text(plugin, encoding="utf-8")
    line = json.loads((ROOT / "graphs/line.json").read_text(encoding="utf-8"))
    line["data"]["file"] = str(ROOT / "graphs" / line["data"]["file"])
    (tmp_path / "line.json").write_text(json.dumps({**line, "train": json.loads(train)}), encoding="utf-8")
    plugins = [f"--plugin plugins/{name}.py" for name in ("adam", "cosine", "mean_absolute_error")]
    own = "dagprop train graphs/line.json --plugin plugins.py --optimizer momentum:momentum=0.5"
    everything = f"dagprop train line.json {' '.join(plugins)}"
    for command in (*commands.replace("\\\n", "").splitlines(), own, everything):
        words = [sys.executable, "-m", "dagprop.cli.main", *command.split()[1:]]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_code_that_is_used_is_explained():
    used = {code for path in ROOT.glob("dagprop/**/*.py") for code in re.findall(r"DP\d{3}", path.read_text("utf-8"))}
    assert used == set(CODES)


def test_every_json_block_is_json():
    for page in PAGES:
        for block in blocks(page, "json"):
            json.loads(block)
