/* SPDX-License-Identifier: Apache-2.0 */
/* Drawings of series come from the server; here they get hover and zoom. */
addEventListener("DOMContentLoaded", () => {
  const resolve = (name) => { const probe = document.createElement("i"); probe.className = `ink-${name}`; document.body.append(probe); const found = getComputedStyle(probe).color; probe.remove(); return found; };
  const lang = document.documentElement.lang;
  const number = new Intl.NumberFormat(lang, { maximumSignificantDigits: 4, notation: "compact" });
  const month = new Intl.DateTimeFormat(lang, { month: "short", year: "2-digit", timeZone: "UTC" });
  const charts = [];
  const draw = () => {
    for (const chart of charts.splice(0)) chart.destroy();
    const green = resolve("green"), soft = resolve("soft"), line = resolve("line"), plan = resolve("plan");
    for (const figure of document.querySelectorAll("figure[data-curve]")) {
      const data = JSON.parse(figure.dataset.curve);
      const series = [
        { value: (_, at) => (at == null ? "" : month.format(at * 86400e3)), label: "" },
        { label: figure.dataset.name, stroke: green, width: 2, points: { show: true, size: 6, fill: green }, value: (_, v) => (v == null ? "–" : number.format(v)) },
        { show: true, stroke: "transparent", label: "↓", value: (_, v) => (v == null ? "–" : number.format(v)), points: { show: false } },
        { show: true, stroke: "transparent", label: "↑", value: (_, v) => (v == null ? "–" : number.format(v)), points: { show: false } },
      ];
      const columns = [data.t, data.v, data.l, data.h];
      if (data.p) { series.push({ label: figure.dataset.plan, stroke: plan, dash: [6, 4], width: 2, value: (_, v) => (v == null ? "–" : number.format(v)) }); columns.push(data.p); }
      const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
      charts.push(new uPlot({
        width: figure.clientWidth, height: 240, ms: 1, series,
        scales: { x: { time: false }, y: { range: (_, low, high) => [0, high * 1.05 || 1] } },
        bands: [{ series: [3, 2], fill: green.replace("rgb(", "rgba(").replace(")", ", .18)") }],
        axes: [
          { ...axis, values: (_, days) => days.map((day) => month.format(day * 86400e3)), splits: () => data.t.filter((_, at) => (data.t.length - 1 - at) % Math.ceil(data.t.length / 6) === 0) },
          { ...axis, size: 60, values: (_, values) => values.map((value) => number.format(value)) },
        ],
      }, columns, figure));
    }
  };
  document.documentElement.classList.add("js");
  draw();
  addEventListener("theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", () => { for (const chart of charts) chart.setSize({ width: chart.root.parentElement.clientWidth, height: 240 }); });
});
