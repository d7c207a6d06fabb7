"use strict";
// What the pages do beside being read; each works without it too.

const inWords = document.documentElement.dataset;

// A table that sorts: its titles become buttons, and a field above it filters its rows.
for (const table of document.querySelectorAll("table.sortable")) {
  for (const title of table.tHead.querySelectorAll("th")) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.append(button);
  }
  const filter = document.createElement("input");
  filter.type = "search";
  filter.className = "filter form-control d-print-none";
  filter.placeholder = inWords.filter;
  filter.setAttribute("aria-label", inWords.filter);
  const none = document.createElement("p");
  none.setAttribute("role", "status");
  filter.addEventListener("input", () => {
    const asked = filter.value.toLowerCase().split(/\s+/);
    let shown = 0;
    for (const row of table.querySelectorAll("tbody tr")) {
      const told = row.textContent.toLowerCase();
      row.hidden = !asked.every((word) => told.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    none.textContent = shown ? "" : inWords.noRow;
  });
  const box = table.closest(".scrolling") ?? table;
  box.before(filter);
  box.after(none);
}

// The other language is opened where this one is read, and asked the same.
for (const link of document.querySelectorAll(".language-switch a")) {
  link.addEventListener("click", () => {
    link.hash = window.location.hash;
    link.search = window.location.search;
  });
}

// Paper is light.
let onScreen;
window.addEventListener("beforeprint", () => {
  onScreen = document.documentElement.dataset.theme;
  document.documentElement.dataset.theme = "light";
});
window.addEventListener("afterprint", () => {
  document.documentElement.dataset.theme = onScreen;
});
