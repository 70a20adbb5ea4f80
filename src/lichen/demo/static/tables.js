// SPDX-License-Identifier: Apache-2.0
/*
 * Two helpers for tables:
 *   <table data-sortable>  column headings become buttons that sort the rows of this page;
 *   <div data-tabs>        each [data-tab] heading and the element after it become a tab and its panel.
 * Without this script both stay readable: an unsorted table, and all panels one after the other.
 */
(() => {
  "use strict";

  const collator = new Intl.Collator(document.documentElement.lang || "en", { numeric: true, sensitivity: "base" });

  /** What a cell is sorted by: data-value where the text is formatted, else the text. */
  function keyOf(row, column) {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    const value = text === "" ? Number.NaN : Number(text);
    return Number.isNaN(value) ? text : value;
  }

  function compare(first, second) {
    if (typeof first === "number" && typeof second === "number") return first - second;
    return collator.compare(String(first), String(second));
  }

  function sortBy(table, heading, column) {
    const descending = heading.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const keyed = [...body.rows].map((row, place) => ({ row, place, key: keyOf(row, column) }));
    keyed.sort((a, b) => (descending ? compare(b.key, a.key) : compare(a.key, b.key)) || a.place - b.place);
    body.append(...keyed.map(({ row }) => row));
  }

  function makeSortable(table) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sortBy(table, heading, column));
    });
  }

  function makeTabs(group, number) {
    const list = document.createElement("div");
    list.className = "tab-list";
    list.setAttribute("role", "tablist");
    const pairs = [...group.querySelectorAll(":scope > [data-tab]")].map((heading, place) => {
      const panel = heading.nextElementSibling;
      const tab = document.createElement("button");
      tab.type = "button";
      tab.textContent = heading.textContent;
      tab.id = `tab-${number}-${place}`;
      panel.id = `panel-${number}-${place}`;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      heading.remove();
      list.append(tab);
      return { tab, panel };
    });
    const select = (chosen, focus = false) => pairs.forEach(({ tab, panel }, place) => {
      const selected = place === chosen;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      panel.hidden = !selected;
      if (selected && focus) tab.focus();
    });
    pairs.forEach(({ tab }, place) => {
      tab.addEventListener("click", () => select(place));
      tab.addEventListener("keydown", (event) => {
        const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (move) select((place + move + pairs.length) % pairs.length, true);
      });
    });
    group.prepend(list);
    select(0);
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("table[data-sortable]").forEach(makeSortable);
    document.querySelectorAll("[data-tabs]").forEach(makeTabs);
  });
})();
