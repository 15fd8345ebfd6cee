"use strict";
// What the page does beyond being read. Without this script every figure is still there.

for (const table of document.querySelectorAll("table.sortable")) makeSortable(table);
for (const walk of document.querySelectorAll(".walk")) makeWalk(walk);
const map = document.getElementById("map-of-codes");
if (map) makeMap(map, JSON.parse(document.getElementById("map-data").textContent));

// A table is sorted by the buttons in its headers: least first, then largest first.
function makeSortable(table) {
  const rows = [...table.tBodies[0].rows];
  for (const [header, column] of lowestHeaders(table)) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const order = header.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const other of table.querySelectorAll("[aria-sort]")) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const keyed = rows.map((row) => [sortKey(cellAt(row, column)), row]);
      keyed.sort(([a], [b]) => compare(a, b, sign));
      table.tBodies[0].append(...keyed.map(([, row]) => row));
    });
  }
}

// The header cells with nothing below them, each with the first column that it stands over.
function lowestHeaders(table) {
  const rows = [...table.tHead.rows];
  const taken = rows.map(() => []);
  const found = [];
  rows.forEach((row, top) => {
    let column = 0;
    for (const cell of row.cells) {
      while (taken[top][column]) column += 1;
      for (let r = top; r < top + cell.rowSpan; r += 1)
        for (let c = column; c < column + cell.colSpan; c += 1) taken[r][c] = true;
      if (top + cell.rowSpan === rows.length && cell.tagName === "TH") found.push([cell, column]);
    }
  });
  return found;
}

function cellAt(row, column) {
  let start = 0;
  for (const cell of row.cells) {
    if (column < start + cell.colSpan) return cell;
    start += cell.colSpan;
  }
  return null;
}

function sortKey(cell) {
  const text = cell ? cell.textContent.trim() : "";
  const given = cell && cell.dataset.value !== undefined ? cell.dataset.value : text;
  if (given === "") return null;
  const number = Number(given.replace("\u2212", "-"));
  return Number.isNaN(number) ? text : number;
}

function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null); // what is empty comes last
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), "en", { numeric: true });
}

// One slider moves all pictures of a figure through their frames.
function makeWalk(walk) {
  const range = walk.querySelector("input");
  const output = walk.querySelector("output");
  const positions = range.dataset.positions.split("|");
  const show = () => {
    const place = Number(range.value);
    walk.style.setProperty("--at", place / (positions.length - 1));
    output.textContent = positions[place];
    range.setAttribute("aria-valuetext", positions[place]);
  };
  range.addEventListener("input", show);
  walk.hidden = false;
  show();
}

// The map: pointing or arrow keys choose a sample; the representation and single classes are chosen
// beside it. Colours are the style sheet's alone.
function makeMap(map, data) {
  const drawing = map.querySelector(".field svg");
  const marks = [...drawing.querySelectorAll(".points use")];
  const names = [...drawing.querySelectorAll(".names text")];
  const ring = drawing.querySelector(".ring");
  const card = map.querySelector(".card");
  const select = map.querySelector("select");
  let entry = data.entries[select.value];
  let chosen = -1;
  let alone = -1;

  function describe(place) {
    const label = data.labels[place] < 0 ? "no label" : data.classes[data.labels[place]];
    const error = entry.error.length ? `, squared error ${entry.error[place]}` : "";
    return `${label}, ${data.splits[place]} ${data.ids[place]}${error}`;
  }

  function choose(place, spoken) {
    chosen = place;
    ring.toggleAttribute("hidden", place < 0);
    card.hidden = place < 0;
    if (place < 0) return;
    const [x, y] = [entry.x[place], entry.y[place]];
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    const picture = card.querySelector(".thumbnail");
    const columns = Number(picture.style.getPropertyValue("--columns"));
    picture.style.setProperty("--column", place % columns);
    picture.style.setProperty("--row", Math.floor(place / columns));
    card.querySelector("p").textContent = describe(place);
    card.style.left = `${x / 10}%`;
    card.style.top = `${y / 10}%`;
    card.classList.toggle("leftward", x > 500);
    card.classList.toggle("upward", y > 500);
    if (spoken) document.getElementById("map-status").textContent = describe(place);
  }

  const shown = (place) => alone < 0 || data.labels[place] === alone;

  // The nearest mark for which distance() gives a number.
  function nearest(distance) {
    let [best, least] = [-1, Infinity];
    for (let place = 0; place < marks.length; place += 1) {
      const away = shown(place) ? distance(entry.x[place], entry.y[place], place) : Infinity;
      if (away < least) [best, least] = [place, away];
    }
    return best;
  }

  function pointAt(event) {
    const box = drawing.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 1000;
    const y = ((event.clientY - box.top) / box.height) * 1000;
    choose(nearest((a, b) => { const d = Math.hypot(a - x, b - y); return d < 40 ? d : Infinity; }), false);
  }

  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function step([dx, dy]) {
    const [x, y] = [entry.x[chosen], entry.y[chosen]];
    const next = nearest((a, b) => {
      const along = (a - x) * dx + (b - y) * dy;
      const across = Math.abs((a - x) * dy) + Math.abs((b - y) * dx);
      return along > 0 && across <= 2 * along ? along + 2 * across : Infinity;
    });
    if (next >= 0) choose(next, true);
  }

  const middle = () => nearest((a, b) => Math.hypot(a - 500, b - 500));
  drawing.addEventListener("pointermove", pointAt);
  drawing.addEventListener("pointerdown", pointAt);
  drawing.addEventListener("pointerleave", () => choose(-1, false));
  drawing.addEventListener("focus", () => { if (drawing.matches(":focus-visible")) choose(middle(), true); });
  drawing.addEventListener("blur", () => choose(-1, false));
  drawing.addEventListener("keydown", (event) => {
    if (event.key === "Escape") choose(-1, false);
    else if (event.key === "Home") choose(middle(), true);
    else if (directions[event.key] && chosen < 0) choose(middle(), true);
    else if (directions[event.key]) step(directions[event.key]);
    else return;
    event.preventDefault();
  });

  select.disabled = false;
  select.addEventListener("change", () => {
    entry = data.entries[select.value];
    marks.forEach((mark, place) => {
      mark.style.setProperty("--x", `${entry.x[place]}px`);
      mark.style.setProperty("--y", `${entry.y[place]}px`);
      mark.style.setProperty("--e", entry.share[place] / 100);
    });
    entry.names.filter(Boolean).forEach(([x, y], number) => {
      names[number].setAttribute("x", x);
      names[number].setAttribute("y", y);
    });
    document.getElementById("map-note").textContent = entry.note;
    drawing.setAttribute("aria-label", `Map of the codes of ${entry.label}; arrow keys go from sample to sample`);
    choose(-1, false);
  });

  const buttons = [...map.querySelectorAll(".by-class button")];
  buttons.forEach((button, number) => {
    button.disabled = false;
    button.addEventListener("click", () => {
      alone = alone === number ? -1 : number;
      buttons.forEach((other, place) => other.setAttribute("aria-pressed", place === alone));
      marks.forEach((mark, place) => mark.classList.toggle("dimmed", !shown(place)));
      choose(-1, false);
    });
  });
}
