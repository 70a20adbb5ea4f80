/* SPDX-License-Identifier: Apache-2.0 */
/* Drawings of series come from the server; here they get hover and zoom. */
addEventListener("DOMContentLoaded", () => {
  const lang = document.documentElement.lang;
  const number = new Intl.NumberFormat(lang, { maximumSignificantDigits: 3, notation: "compact" });
  const month = new Intl.DateTimeFormat(lang, { month: "short", year: "2-digit", timeZone: "UTC" });
  const year = new Intl.DateTimeFormat(lang, { year: "numeric", timeZone: "UTC" });
  const colour = (name) => {
    const probe = document.createElement("i");
    probe.className = `ink-${name}`;
    document.body.append(probe);
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const charts = [];
  const one = (figure) => {
    const data = JSON.parse(figure.dataset.curve), scale = Number(figure.dataset.scale);
    const sized = (row) => row.map((value) => (value == null ? null : value / scale));
    const days = data.t, columns = [days, sized(data.v), sized(data.l), sized(data.h)];
    const isYearly = days.length > 1 && days[1] - days[0] > 300;
    const named = (day) => (isYearly ? year : month).format(day * 86400e3);
    const text = (value) => (value == null ? "–" : number.format(value));
    const green = colour("green"), line = colour("line");
    const axis = { stroke: colour("soft"), grid: { stroke: line, width: 1 }, ticks: { stroke: line } };
    const bound = { points: { show: false } };
    const series = [{}, { stroke: green, width: 2, points: { show: true, size: 6, fill: green } }, bound, bound];
    if (data.p) {
      series.push({ stroke: colour("plan"), dash: [6, 4], width: 2, points: { show: false } });
      columns.push(sized(data.p));
    }
    let told = figure.querySelector(".told");
    if (!told) {
      told = document.createElement("p");
      told.className = "told";
      figure.append(told);
    }
    const tell = (chart) => {
      const at = chart.cursor.idx;
      if (at == null) { told.textContent = ""; return; }
      const [value, low, high, plan] = columns.slice(1).map((row) => row[at]);
      const range = low == null ? "" : ` (${text(low)} – ${text(high)})`;
      told.textContent = `${named(days[at])}: ${text(value)}${range}${plan == null ? "" : ` · ${figure.dataset.plan} ${text(plan)}`}`;
    };
    const every = Math.ceil(days.length / 6);
    return new uPlot({
      width: figure.clientWidth, height: 230, ms: 1, series, legend: { show: false }, hooks: { setCursor: [tell] },
      scales: { x: { time: false }, y: { range: (_, low, high) => [0, high * 1.05 || 1] } },
      bands: [{ series: [3, 2], fill: green.replace("rgb(", "rgba(").replace(")", ", .18)") }],
      axes: [
        { ...axis, values: (_, shown) => shown.map(named), splits: () => days.filter((_, at) => (days.length - 1 - at) % every === 0) },
        { ...axis, size: 56, values: (_, values) => values.map(text) },
      ],
    }, columns, figure);
  };
  const draw = () => {
    for (const chart of charts.splice(0)) chart.destroy();
    for (const figure of document.querySelectorAll("figure[data-curve]")) charts.push(one(figure));
  };
  document.documentElement.classList.add("js");
  draw();
  addEventListener("theme", draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", () => { for (const chart of charts) chart.setSize({ width: chart.root.parentElement.clientWidth, height: 230 }); });
});
