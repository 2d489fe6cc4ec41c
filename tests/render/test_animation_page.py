"""The page of an animation in a real browser: what each step shows, and that nothing gets in or out."""

import html.parser
import json
import re
from xml.etree import ElementTree

import pytest

import dagprop
from dagprop.cli.main import main
from tests.browser import browser, needs_browser
from tests.render.test_formats import IN_FILES

NODES = """Object.fromEntries([...document.querySelectorAll("[data-node]")].map((node) => [node.dataset.node, {
  value: node.dataset.value, grad: node.dataset.grad,
  texts: [...node.querySelectorAll("text")].map((text) => text.textContent),
  framed: node.querySelector(".halo").getAttribute("visibility") === "visible",
}]))"""
EDGES = """Object.fromEntries([...document.querySelectorAll("[data-from]")].map((edge) => [
  `${edge.dataset.to}/${edge.dataset.from}`, [...edge.querySelectorAll("text")].map((text) => text.textContent)]))"""
STEP = "Number(document.documentElement.dataset.step)"
PICTURE = 'document.querySelector("figure > svg").outerHTML'


def command(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    assert stop.value.code == 0
    return capsys.readouterr().out


def number(value):
    return f"{value:.4g}".replace("-", "−")


class Expected:
    """What is known after each step, told from what ``dagprop backprop --json`` prints."""

    def __init__(self, printed):
        self.printed, self.nodes, self.edges = printed, printed["nodes"], printed["edges"]
        targets = {edge["to"] for edge in self.edges}
        forward = [name for name in self.nodes if name in targets]
        self.leaves = [name for name in self.nodes if name not in targets]
        self.backward = 1 + len(forward) + 1
        self.last = self.backward + len(self.edges)
        self.forward = forward

    def values(self, step):
        known = [*self.leaves, *self.forward[:step]]
        values = {name: self.nodes[name]["value"] for name in known}
        if step == self.last:
            values |= {name: entry["new_value"] for name, entry in self.printed["parameters"].items()}
        return values

    def gradients(self, step):
        if step < self.backward - 1:
            return {}
        gone = self.edges[: step - self.backward + 1]
        return {"L": 1.0} | {edge["from"]: self.nodes[edge["from"]]["grad"] for edge in gone}

    def locals(self, step):
        return {
            f"{edge['to']}/{edge['from']}": edge["local"] for edge in self.edges[: max(0, step - self.backward + 1)]
        }


def check_step(page, expected, step):
    values, gradients, locals_ = expected.values(step), expected.gradients(step), expected.locals(step)
    nodes, edges = page.run(NODES), page.run(EDGES)
    assert page.run(STEP) == step and set(nodes) == set(expected.nodes)
    for name, node in nodes.items():
        for key, known in (("value", values), ("grad", gradients)):
            assert (name in known) == (key in node), f"{key} of {name} at step {step}"
            assert name not in known or json.loads(node[key]) == known[name]
        value, gradient = (number(known[name]) if name in known else "–" for known in (values, gradients))
        assert f"= {value}" in node["texts"]
        assert any(text.startswith("∂ℒ/∂") and text.endswith(f" = {gradient}") for text in node["texts"])
    for name, texts in edges.items():
        assert texts[-1] == (f"= {number(locals_[name])}" if name in locals_ else "= –")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def chain(root, tmp_path, capsys, page):
    """The page of the four-layer chain, opened, and what it must show."""
    path, graph = tmp_path / "chain.html", root / "graphs" / "four-layer-chain.json"
    command(capsys, "animate", graph, "-o", path, "--lr", "0.5", "--set", "x=0.7")
    printed = json.loads(command(capsys, "backprop", graph, "--json", "--lr", "0.5", "--set", "x=0.7"))
    page.open(path)
    return path, Expected(printed)


@needs_browser
def test_every_step_shows_the_numbers_of_backprop_on_and_back(chain, page):
    path, expected = chain
    pictures = []
    for step in range(expected.last + 1):
        check_step(page, expected, step)
        pictures.append(page.run(PICTURE))
        page.press("ArrowRight")
    assert page.run(STEP) == expected.last
    for step in reversed(range(expected.last + 1)):
        check_step(page, expected, step)
        assert page.run(PICTURE) == pictures[step]
        page.press("ArrowLeft")
    assert page.run(STEP) == 0
    assert page.requests == [path.as_uri()]
    assert page.complaints == []


@needs_browser
def test_a_wide_page_that_is_opened_at_a_step_has_it_in_sight(root, tmp_path, capsys, page):
    path = tmp_path / "xor.html"
    command(capsys, "animate", root / "graphs" / "xor.json", "-o", path)
    page.open(path, "#8")
    assert page.run("figure.scrollWidth > figure.clientWidth")
    inside = """[...document.querySelectorAll('.halo[visibility="visible"], figcaption')].every((shown) => {
      const place = shown.getBoundingClientRect(), frame = figure.getBoundingClientRect();
      return place.left >= frame.left && place.right <= frame.right; })"""
    assert page.run("figure.scrollLeft > 0") and page.run(inside)


@needs_browser
def test_the_line_of_the_derivation_stands_beside_the_picture(chain, page):
    told = []
    for _ in range(22):
        told.append(re.sub(r"\n+", "\n", page.run('document.querySelector("#steps .now").innerText')))
        assert page.run('document.querySelectorAll("#steps li:not(.now)")[0].offsetHeight') == 0
        page.press("ArrowRight")
    assert told[0].startswith("Start\n")
    assert told[1].startswith("Forward 1 of 7\na₁ = w₁ · x + b₁ = 0.8 · 0.7 + 0.1 = 0.66\n")
    backward = {re.search(r"∂ℒ/∂(\S+) =", text)[1]: text for text in told if text.startswith("Backward")}
    assert "∂ℒ/∂w₃ = [∂ℒ/∂a₃] · f₂ =" in backward["w₃"]
    reused = {name for name, text in backward.items() if "is already computed, re-use (propagate)!" in text}
    assert reused == {"f₂", "f₁", "x", "b₁"}  # their users have passed their gradients on before
    assert "∂ℒ/∂a₃ is already computed, re-use (propagate)!" in backward["f₂"]
    rows = [page.run(f'document.querySelectorAll("#step-{step} tr").length') for step in (9, 11)]
    assert rows == [2, 4]  # rule and number; chain rule, rules, numbers, their product
    assert told[-1].startswith("Update\n") and "With the new values ℒ = " in told[-1]


@needs_browser
def test_what_has_changed_is_framed_and_said_aloud(chain, page):
    page.open(chain[0], "#13")
    framed = {name for name, node in page.run(NODES).items() if node["framed"]}
    assert framed == {"f2", "a3"}  # the gradient of f2 has come from that of a3, which is re-used
    assert "re-use (propagate)!" in page.run(NODES)["a3"]["texts"]
    page.press("ArrowRight")
    assert "re-use (propagate)!" not in page.run(NODES)["a3"]["texts"]
    said = page.run('document.querySelector("[role=status]").textContent')
    assert said.startswith("Backward 7 of 13. ∂ℒ/∂a₂ = [∂ℒ/∂f₂] · f₂(1 − f₂) = ")
    label = page.run('document.querySelector("figure > svg").getAttribute("aria-label")')
    assert "Backward 7 of 13: ∂ℒ/∂a₂ = " in label


@needs_browser
def test_keys_buttons_and_slider(chain, page):
    last = chain[1].last
    moves = [
        ("End", last), ("PageUp", last - 1), ("Home", 0), ("PageDown", 1), ("ArrowRight", 2), ("ArrowLeft", 1),
    ]  # fmt: skip
    for key, step in moves:
        page.press(key)
        assert page.run(STEP) == step, key
    for button, step in (("next", 2), ("last", last), ("back", last - 1), ("first", 0)):
        page.run(f'document.getElementById("{button}").click()')
        assert page.run(STEP) == step
    page.run('slider.value = 9; slider.dispatchEvent(new Event("input"))')
    assert page.run(STEP) == 9
    assert page.run("slider.getAttribute('aria-valuetext')") == f"9 of {last}: Backward 2 of 13"
    page.run("slider.focus()")
    page.press("ArrowRight")
    assert page.run(STEP) == 10  # one step, and not one of the slider and one of the page
    page.run('document.querySelectorAll("[data-go]")[2].click()')
    assert page.run(STEP) == 8


@needs_browser
def test_playing_stops_when_a_key_is_pressed_and_at_the_end(chain, page):
    pressed = "[play.getAttribute('aria-pressed'), play.textContent]"
    page.run("play.click()")
    assert page.run(pressed) == ["true", "Pause"]
    page.press("ArrowRight")
    assert page.run(pressed) == ["false", "Play"] and page.run(STEP) == 1
    page.press("End")
    page.run("play.click()")
    assert page.run(STEP) == 0, "from the beginning again"
    page.run("play.click(); all.click()")
    assert (
        page.run("[...steps.children].every((item) => item.offsetHeight) && all.getAttribute('aria-pressed')") == "true"
    )


@needs_browser
def test_the_keyboard_reaches_everything_and_focus_is_never_lost(chain, page):
    reached = []
    for _ in range(10):
        page.press("Tab")
        reached.append(page.run("document.activeElement.id || document.activeElement.textContent"))
    assert reached == [
        *("next", "last", "slider", "Start", "Forward", "Backward", "Update", "play", "all", "figure"),
    ]  # at the first step there is no way back
    page.run("last.focus(); last.click()")
    assert page.run("document.activeElement.id") == "back"
    tree = page.send("Accessibility.getFullAXTree")["nodes"]
    named = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]}
    assert {("button", "Next step"), ("button", "Step back"), ("slider", "Step"), ("navigation", "Steps")} <= named
    assert any(role == "image" and "four-layer-chain" in name for role, name in named)
    assert any(role == "status" for role, _ in named)
    assert not [role for role, name in named if role in ("button", "slider", "image") and not name]


@needs_browser
@pytest.mark.parametrize(
    ("media", "feature", "script", "value"),
    [
        ("", "prefers-color-scheme: light", "getComputedStyle(document.body).backgroundColor", "rgb(255, 255, 255)"),
        ("", "prefers-color-scheme: dark", "getComputedStyle(document.body).backgroundColor", "rgb(20, 24, 29)"),
        (
            "",
            "prefers-reduced-motion: reduce",
            "getComputedStyle(document.querySelector('.halo')).transitionDuration",
            "0s",
        ),
        (
            "print",
            "prefers-color-scheme: dark",
            "getComputedStyle(document.body).backgroundColor",
            "rgb(255, 255, 255)",
        ),
        ("print", "prefers-color-scheme: light", "getComputedStyle(document.querySelector('nav')).display", "none"),
        ("print", "prefers-color-scheme: light", "[...steps.children].filter((item) => !item.offsetHeight).length", 0),
    ],
)
def test_dark_rooms_motion_and_paper(chain, page, media, feature, script, value):
    name, _, wanted = feature.partition(": ")
    page.send("Emulation.setEmulatedMedia", media=media, features=[{"name": name, "value": wanted}])
    try:
        assert page.run(script) == value
    finally:
        page.send("Emulation.setEmulatedMedia", media="", features=[])


class Outline(html.parser.HTMLParser):
    """Collects the elements and attributes of a page."""

    def __init__(self):
        super().__init__()
        self.elements, self.attributes = [], set()

    def handle_starttag(self, tag, attributes):
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attributes}


EVIL = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
TEXTS = [*IN_FILES, EVIL, f"</title>{EVIL}", f"--></style>{EVIL}<!--<script>"]


def graph_of(load_graph, texts):
    """A graph in which each text is what a parameter is called and for."""
    names = [f"w{place}" for place in range(len(texts))]
    nodes = {name: {"op": "parameter", "value": 1, "tex": t, "doc": t} for name, t in zip(names, texts, strict=True)}
    total = {"op": "add", "inputs": names, "tex": texts[-1], "doc": texts[-1]}
    return load_graph({**nodes, "L": total}, loss="L", name=texts[-1], doc=texts[-1])


def test_hostile_texts_come_to_nothing(load_graph):
    outlines = []
    for texts in (TEXTS, ["plain"] * len(TEXTS)):
        (content,) = dagprop.animate(graph_of(load_graph, texts))
        outline = Outline()
        outline.feed(content.decode())
        outlines.append(outline)
    hostile, plain = outlines
    counts = [[outline.elements.count(tag) for outline in outlines] for tag in ("script", "style", "svg", "li", "g")]
    assert all(count == same for count, same in counts)
    assert hostile.attributes - plain.attributes <= {"form", "stretchy", "fence"}  # of brackets in mathematics
    assert not set(hostile.elements) & {"img", "a", "iframe", "object", "link", "base"}
    for slide in dagprop.animate(graph_of(load_graph, TEXTS), format="frames"):
        tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(slide).iter()}
        assert tags <= {"svg", "g", "title", "rect", "path", "polygon", "text"}


@needs_browser
def test_hostile_texts_do_nothing_in_a_browser(load_graph, tmp_path, page):
    path = tmp_path / "hostile.html"
    dagprop.animate(graph_of(load_graph, TEXTS), path)
    page.open(path)
    for step in range(len(page.run("[...steps.children].map((item) => item.id)"))):
        assert page.run(STEP) == step
        page.press("ArrowRight")
    assert page.run("window.hacked === undefined")
    assert (page.requests, page.complaints) == ([path.as_uri()], [])


@needs_browser
@pytest.mark.parametrize(
    ("evil", "refused"),
    [
        ("<script>window.hacked=1</script>", "script-src"),
        ("<img src=x.png onerror=window.hacked=1>", "Loading the image"),
        ("<iframe src=x.html></iframe>", "Framing"),
        ("<style>main { display: none }</style>", "style-src"),
    ],
)
def test_the_policy_keeps_all_else_out(chain, page, evil, refused):
    path, _ = chain
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("<main", f"{evil}<main", 1), encoding="utf-8")
    page.open(path)
    assert page.run("window.hacked === undefined")
    assert [complaint for complaint in page.complaints if refused in complaint], page.complaints
