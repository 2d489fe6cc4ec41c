"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const figure = by("figure"), slider = by("slider"), play = by("play"), all = by("all");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const last = data.steps.length - 1;
  const elements = new Map();
  for (const element of figure.querySelectorAll("[data-part]")) elements.set(element.dataset.part, element);
  let now = -1, timer = 0;

  // What an element looks like at a step: its last change up to there.
  function stateOf(states, step) {
    let found = states[0];
    for (const state of states) if (state[0] <= step) found = state;
    return found[1];
  }

  function show(wanted, aloud = true) {
    const step = Math.min(Math.max(wanted, 0), last);
    if (step === now) return;
    now = step;
    for (const [part, states] of Object.entries(data.parts)) {
      const element = elements.get(part);
      for (const [name, value] of Object.entries(stateOf(states, step))) {
        if (name === "#text") element.textContent = value;
        else if (value === null) element.removeAttribute(name);
        else element.setAttribute(name, value);
      }
    }
    for (const item of by("steps").children) item.classList.toggle("now", item.id === `step-${step}`);
    const told = by(`step-${step}`);
    const words = [...told.querySelectorAll(":scope > h2, :scope > p")].map((element) => element.textContent);
    slider.value = step;
    slider.setAttribute("aria-valuetext", `${step} of ${last}: ${words[0]}`);
    by("place").textContent = `${step} of ${last}`;
    if (aloud) by("said").textContent = words.join(". ");
    by("first").disabled = by("back").disabled = step === 0;
    by("last").disabled = by("next").disabled = step === last;
    for (const button of document.querySelectorAll("[data-go]")) {
      const here = button.textContent.toLowerCase() === data.steps[step].phase;
      if (here) button.setAttribute("aria-current", "step");
      else button.removeAttribute("aria-current");
    }
    document.documentElement.dataset.step = step;
    bringIntoSight(aloud);
    if (document.documentElement.classList.contains("every")) told.scrollIntoView({ block: "nearest" });
    if (step === last) stop();
  }

  // Where the picture is wider than the page, what has just changed is kept in sight.
  function bringIntoSight(moving) {
    const lit = figure.querySelector('.halo[visibility="visible"]');
    if (!lit) return;
    const place = lit.getBoundingClientRect(), frame = figure.getBoundingClientRect();
    const over = (low, high) => (place[low] < frame[low] || place[high] > frame[high]
      ? (place[low] + place[high] - frame[low] - frame[high]) / 2 : 0);
    const left = over("left", "right"), top = over("top", "bottom");
    if (left || top) figure.scrollBy({ left, top, behavior: still.matches || !moving ? "auto" : "smooth" });
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.setAttribute("aria-pressed", "false");
    play.textContent = "Play";
  }

  function start() {
    if (now === last) show(0);
    timer = setInterval(() => show(now + 1), 2000);
    play.setAttribute("aria-pressed", "true");
    play.textContent = "Pause";
  }

  function go(step) {
    stop();
    // A button that is switched off loses the focus: the other direction takes it over.
    const active = document.activeElement;
    show(step);
    if (active && active.disabled) (active.id === "first" || active.id === "back" ? by("next") : by("back")).focus();
  }

  const keys = {
    ArrowRight: () => now + 1, PageDown: () => now + 1, ArrowLeft: () => now - 1, PageUp: () => now - 1,
    Home: () => 0, End: () => last,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === "p") {
      event.preventDefault();
      if (timer) stop(); else start();
    } else if (event.key in keys) {
      event.preventDefault();
      go(keys[event.key]());
    }
  });
  slider.addEventListener("input", () => go(Number(slider.value)));
  by("first").addEventListener("click", () => go(0));
  by("back").addEventListener("click", () => go(now - 1));
  by("next").addEventListener("click", () => go(now + 1));
  by("last").addEventListener("click", () => go(last));
  for (const button of document.querySelectorAll("[data-go]")) {
    button.addEventListener("click", () => go(Number(button.dataset.go)));
  }
  play.addEventListener("click", () => (timer ? stop() : start()));
  all.addEventListener("click", () => {
    const every = document.documentElement.classList.toggle("every");
    all.setAttribute("aria-pressed", String(every));
  });
  const named = () => (/^#\d+$/.test(location.hash) ? Number(location.hash.slice(1)) : 0);
  window.addEventListener("hashchange", () => go(named()));
  document.documentElement.classList.add("moving");
  show(named(), false);
})();
