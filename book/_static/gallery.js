"use strict";
// The gallery of the test's pictures: what a model shows on them at any threshold, and which of
// them answer a filter. Without it the page shows the candidate at its own threshold.

{
  const gallery = document.querySelector(".gallery");
  const form = gallery.querySelector("form.controls");
  const slider = form.querySelector("[type=range]");
  const grid = gallery.querySelector(".pictures");
  const dialog = gallery.querySelector("dialog");
  const status = gallery.querySelector(".status");
  const models = [...form.querySelectorAll("[name=model]")].map((one) => one.value);
  const stops = JSON.parse(gallery.dataset.stops);
  const own = JSON.parse(gallery.dataset.own);
  const sizes = [...form.elements.size.options].map((one) => one.value).slice(1);
  const falseKinds = ["Loc", "Dupe", "Bkg"];
  const language = document.documentElement.lang;
  const threeDigits = new Intl.NumberFormat(language, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const whole = new Intl.NumberFormat(language);

  const pictures = [...grid.children].map((figure) => ({
    figure,
    name: figure.querySelector("code").textContent,
    image: figure.querySelector("img"),
    drawing: figure.querySelector("svg"),
    counts: figure.querySelector(".counts"),
    persons: JSON.parse(figure.dataset.persons),
    alarms: JSON.parse(figure.dataset.alarms),
    suspects: JSON.parse(figure.dataset.suspects),
    slices: JSON.parse(figure.dataset.slices),
  }));

  const share = (value) =>
    Number.isFinite(value)
      ? threeDigits.format(value)
      : "—";

  const fill = (words, facts) => words.replace(/\{(\w+)\}/g, (_, name) => facts[name]);

  // What is drawn on a picture for a model at a stop. A person is missed without a trace (Miss) where
  // no box of the model is on it, not even a badly placed one.
  function boxesOf(picture, model, stop) {
    const shown = picture.alarms.filter((one) => one[0] === model && one[6] >= stop);
    const near = new Set(shown.filter((one) => falseKinds[one[7]] === "Loc").map((one) => one[8]));
    const persons = picture.persons.map((one, place) => {
      const found = one[5 + model] >= stop;
      const kind = found || near.has(place) ? "" : "Miss";
      return { at: one.slice(0, 4), size: sizes[one[4]], verdict: found ? "found" : "missed", kind };
    });
    const alarms = shown.map((one) => ({
      at: one.slice(1, 5),
      size: sizes[one[5]],
      verdict: "false",
      kind: falseKinds[one[7]],
    }));
    const doubts = picture.suspects.map((one) => ({
      at: one.slice(0, 4),
      size: sizes[one[4]],
      verdict: "suspect",
      kind: "",
    }));
    return [...persons, ...alarms, ...doubts];
  }

  function count(boxes) {
    const counts = { found: 0, missed: 0, false: 0, suspect: 0 };
    for (const box of boxes) counts[box.verdict] += 1;
    return counts;
  }

  function draw(drawing, boxes, asked) {
    drawing.replaceChildren(
      ...boxes.map((box) => {
        const rectangle = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        ["x", "y", "width", "height"].forEach((name, place) => {
          rectangle.setAttribute(name, box.at[place]);
        });
        rectangle.setAttribute("class", box.verdict + (asked(box) ? "" : " aside"));
        return rectangle;
      }),
    );
  }

  function write(place, counts) {
    for (const shown of place.querySelectorAll("[data-count]")) {
      shown.textContent = whole.format(counts[shown.dataset.count]);
    }
  }

  // Precision and recall of a model on all pictures at a stop, with the counts behind them.
  function point(model, stop) {
    const total = { found: 0, missed: 0, false: 0 };
    for (const picture of pictures) {
      const counts = count(boxesOf(picture, model, stop));
      for (const kind of Object.keys(total)) total[kind] += counts[kind];
    }
    const precision = total.found / (total.found + total.false);
    const recall = total.found / (total.found + total.missed);
    return { ...total, precision, recall };
  }

  const written = (name, value) => (["precision", "recall"].includes(name) ? share(value) : whole.format(value));

  function chosen() {
    return {
      model: models.indexOf(form.elements.model.value),
      stop: Number(slider.value),
      what: form.elements.what.value,
      size: form.elements.size.value,
      slices: [...form.elements]
        .filter((one) => one.name.startsWith("slice-") && one.value)
        .map((one) => [one.name.slice("slice-".length), one.value]),
    };
  }

  function show() {
    const { model, stop, what, size, slices } = chosen();
    const asked = (box) =>
      (!what || box.verdict === what || box.kind === what) && (!size || box.size === size);
    let boxesThatAnswer = 0;
    const ranked = pictures.map((picture) => {
      const boxes = boxesOf(picture, model, stop);
      const counts = count(boxes);
      const answers = boxes.filter(asked).length;
      draw(picture.drawing, boxes, asked);
      write(picture.counts, counts);
      const inSlices = slices.every(([column, value]) => picture.slices[column] === value);
      const shown = inSlices && (answers > 0 || !(what || size));
      picture.figure.hidden = !shown;
      boxesThatAnswer += shown ? answers : 0;
      return { picture, rank: what ? answers : counts.missed + counts.false };
    });
    ranked.sort((one, other) => other.rank - one.rank || one.picture.name.localeCompare(other.picture.name));
    grid.replaceChildren(...ranked.map((one) => one.picture.figure));
    const left = pictures.filter((picture) => !picture.figure.hidden).length;
    const facts = {
      shown: whole.format(left),
      all: whole.format(pictures.length),
      boxes: whole.format(boxesThatAnswer),
    };
    const told = left === 0 ? "none" : what || size ? "boxes" : "shown";
    status.textContent = fill(gallery.dataset[told], facts);
    showPoint(model, stop);
    remember();
  }

  function showPoint(model, stop) {
    const here = point(model, stop);
    const usual = point(model, own[model]);
    const threshold = share(stops[stop]);
    form.querySelector(".stop").textContent = threshold;
    slider.setAttribute("aria-valuetext", threshold);
    for (const shown of gallery.querySelectorAll("[data-total]")) {
      const name = shown.dataset.total;
      shown.textContent = written(name, here[name]);
      shown.nextElementSibling.textContent = fill(gallery.dataset.atOwn, {
          value: written(name, usual[name]),
      });
    }
    const side = Number(gallery.dataset.side);
    const mark = gallery.querySelector(".here");
    const known = Number.isFinite(here.precision) && Number.isFinite(here.recall);
    mark.toggleAttribute("hidden", !known);
    mark.setAttribute("class", `here model-${model}`);
    if (known) {
      mark.setAttribute("cx", side * here.recall);
      mark.setAttribute("cy", side * (1 - here.precision));
    }
  }

  // Both models on one picture, each at its own threshold but the chosen one, which keeps the slider's.
  function enlarge(picture) {
    const { model, stop } = chosen();
    dialog.querySelector(".name").textContent = picture.name;
    dialog.querySelectorAll("figure").forEach((figure, place) => {
      const boxes = boxesOf(picture, place, place === model ? stop : own[place]);
      const drawing = picture.drawing.cloneNode();
      figure.querySelector(".seen").replaceChildren(picture.image.cloneNode(), drawing);
      draw(drawing, boxes, () => true);
      write(figure, count(boxes));
    });
    dialog.showModal();
  }

  // The address says what is chosen, and chooses it when it is opened.
  function remember() {
    const { model, stop } = chosen();
    const asked = new URLSearchParams();
    asked.set("model", models[model]);
    if (stop !== own[model]) asked.set("threshold", stops[stop]);
    for (const one of form.querySelectorAll("select")) {
      if (one.value) asked.set(one.name, one.value);
    }
    history.replaceState(null, "", `?${asked}${location.hash}`);
  }

  function restore() {
    const asked = new URLSearchParams(location.search);
    const model = models.indexOf(asked.get("model"));
    if (model >= 0) form.elements.model.value = models[model];
    const stop = stops.indexOf(Number(asked.get("threshold")));
    slider.value = stop >= 0 ? stop : own[Math.max(model, 0)];
    for (const one of form.querySelectorAll("select")) {
      const value = asked.get(one.name);
      if ([...one.options].some((option) => option.value === value)) one.value = value;
    }
  }

  for (const picture of pictures) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-label", fill(gallery.dataset.enlarge, { image: picture.name }));
    button.addEventListener("click", () => enlarge(picture));
    picture.image.parentElement.append(button);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => {
    // Each model has a threshold of its own.
    if (event.target.name === "model") slider.value = own[chosen().model];
    show();
  });
  form.querySelector(".back").addEventListener("click", () => {
    slider.value = own[chosen().model];
    show();
  });
  restore();
  form.hidden = false;
  show();
}
