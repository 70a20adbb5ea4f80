// SPDX-License-Identifier: Apache-2.0
/* The `polling` regression: asks four times a second and redraws everything, whether anything changed or not. */
(() => {
  "use strict";

  const PERIOD_MS = 250;
  async function refresh(live, corner) {
    const response = await fetch(live.dataset.poll, { cache: "no-store" });
    const { counts } = await response.json();
    const items = Object.entries(counts).map(([key, value]) => ({ key, label: key, value }));
    window.portalCharts.draw(corner, { items });
    for (const host of document.querySelectorAll("[data-live]")) {
      const shown = JSON.parse(document.getElementById(host.dataset.source).textContent);
      shown.items.forEach((item) => { item.value = counts[item.key]; });
      window.portalCharts.draw(host, shown);
    }
  }

  document.addEventListener("DOMContentLoaded", () => {
    const live = document.querySelector("[data-poll]");
    const corner = document.createElement("div");
    corner.className = "chart";
    corner.dataset.chart = "donut";
    live.append(corner);
    refresh(live, corner);
    setInterval(() => refresh(live, corner), PERIOD_MS);
  });
})();
