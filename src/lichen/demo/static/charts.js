// SPDX-License-Identifier: Apache-2.0
/*
 * Small charts drawn as SVG from JSON that the page carries:
 *   <div data-chart="schedule|bars|donut" data-source="id of a JSON script">
 * Every chart has a name for screen readers, a legend in words, and a cursor for mouse and arrow keys.
 * window.portalCharts.draw(element, data) redraws one.
 */
(() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  const locale = document.documentElement.lang || "en";
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  const COLOURS = {
    balance: "#16302b", principal: "#0b5c4a", interest: "#d98032", fee: "#8a6bb1",
    in_review: "#3f6fc4", documents_requested: "#d98032", approved: "#4fae7f", paid: "#0b5c4a", refused: "#b3444a",
  };
  const widths = new WeakMap();
  const FALLBACK = ["#0b5c4a", "#4fae7f", "#d98032", "#3f6fc4", "#8a6bb1", "#b3444a"];

  /** Create an SVG element with attributes and children. */
  function make(name, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  function colourOf(key, place) {
    return COLOURS[key] || FALLBACK[place % FALLBACK.length];
  }

  /** Round steps (1, 2, 2.5, 5 times a power of ten) that cover 0 to `maximum` in about `wanted` parts. */
  function ticks(maximum, wanted = 4) {
    if (!(maximum > 0)) return [0, 1];
    const raw = maximum / wanted;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw);
    const values = [];
    for (let value = 0; value < maximum + step * 0.999; value += step) values.push(value);
    return values;
  }

  /** A linear scale from values to pixels. */
  function scale(low, high, from, to) {
    const ratio = high === low ? 0 : (to - from) / (high - low);
    return (value) => from + (value - low) * ratio;
  }

  function legend(entries) {
    const list = document.createElement("ul");
    list.className = "chart-legend";
    for (const { label, colour, value } of entries) {
      const item = document.createElement("li");
      const mark = make("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
      mark.append(make("rect", { width: 12, height: 12, rx: 3, fill: colour }));
      item.append(mark, value === undefined ? label : `${label}: ${value}`);
      list.append(item);
    }
    return list;
  }

  /** A tooltip that follows a place of the chart, given in parts of its width. */
  function tooltip(host) {
    const tip = document.createElement("div");
    tip.className = "chart-tip";
    tip.hidden = true;
    host.append(tip);
    return {
      show(lines, share) {
        tip.replaceChildren();
        lines.forEach((line, place) => {
          if (place) tip.append(document.createElement("br"));
          tip.append(line);
        });
        tip.hidden = false;
        const room = host.clientWidth - tip.offsetWidth;
        tip.style.left = `${Math.max(0, Math.min(room, share * host.clientWidth + 12))}px`;
        tip.style.top = "8px";
      },
      hide() {
        tip.hidden = true;
      },
    };
  }

  /** Let mouse, touch and arrow keys move over `count` places; `show(place)` and `hide()` draw the cursor. */
  function navigate(svg, frame, count, show, hide) {
    let current = -1;
    const clamp = (place) => Math.max(0, Math.min(count - 1, place));
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * frame.width;
      current = clamp(Math.floor(((x - frame.left) / (frame.right - frame.left)) * count));
      show(current);
    });
    svg.addEventListener("pointerleave", () => {
      current = -1;
      hide();
    });
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
      if (move === undefined) return;
      event.preventDefault();
      current = clamp(move === -Infinity ? 0 : move === Infinity ? count - 1 : current + move);
      show(current);
    });
  }

  function frameOf(host, height) {
    const width = Math.max(300, Math.round(widths.get(host) ?? host.clientWidth) || 600);
    return { width, height, left: 56, right: width - 8, top: 12, bottom: height - 26 };
  }

  function canvas(frame, label) {
    return make("svg", {
      viewBox: `0 0 ${frame.width} ${frame.height}`, role: "img", tabindex: "0", "aria-label": label,
    });
  }

  function valueAxis(svg, frame, steps, y) {
    for (const value of steps) {
      svg.append(
        make("line", { class: "grid", x1: frame.left, x2: frame.right, y1: y(value), y2: y(value) }),
        make("text", { x: frame.left - 8, y: y(value) + 4, "text-anchor": "end" }, compact.format(value)),
      );
    }
  }

  function headingOf(host) {
    const heading = host.parentElement && host.parentElement.querySelector("h2, h3");
    return heading ? heading.textContent : "";
  }

  /** Balance as a line over stacked monthly payments; two panels share the months. */
  function drawSchedule(host, data) {
    const count = data.balance.length;
    const frame = frameOf(host, 320);
    const split = Math.round(frame.height * 0.52);
    const upper = { ...frame, bottom: split - 14 };
    const lower = { ...frame, top: split + 10 };
    const svg = canvas(frame, headingOf(host));
    const x = scale(0, count, frame.left, frame.right);
    const balanceSteps = ticks(Math.max(...data.balance));
    const balanceY = scale(0, balanceSteps.at(-1), upper.bottom, upper.top);
    valueAxis(svg, frame, balanceSteps, balanceY);
    const points = data.balance.map((value, place) => `${x(place + 0.5).toFixed(1)},${balanceY(value).toFixed(1)}`);
    svg.append(
      make("polygon", {
        points: `${x(0.5)},${upper.bottom} ${points.join(" ")} ${x(count - 0.5)},${upper.bottom}`,
        fill: COLOURS.balance, opacity: 0.08,
      }),
      make("polyline", { points: points.join(" "), fill: "none", stroke: COLOURS.balance, "stroke-width": 2 }),
    );
    const parts = ["principal", "interest", "fee"];
    const totals = data.balance.map((_, place) => parts.reduce((sum, part) => sum + data[part][place], 0));
    const paymentSteps = ticks(Math.max(...totals), 3);
    const paymentY = scale(0, paymentSteps.at(-1), lower.bottom, lower.top);
    valueAxis(svg, frame, paymentSteps, paymentY);
    const width = Math.max(1, (x(1) - x(0)) * 0.78);
    for (let place = 0; place < count; place += 1) {
      let base = 0;
      for (const part of parts) {
        const value = data[part][place];
        if (value > 0) {
          svg.append(make("rect", {
            x: (x(place + 0.5) - width / 2).toFixed(1), width: width.toFixed(1),
            y: paymentY(base + value).toFixed(1), height: (paymentY(base) - paymentY(base + value)).toFixed(1),
            fill: COLOURS[part],
          }));
        }
        base += value;
      }
    }
    for (let month = 12; month <= count; month += count > 72 ? 24 : 12) {
      svg.append(make("text", { x: x(month - 0.5), y: frame.bottom + 18, "text-anchor": "middle" }, String(month)));
    }
    const cursor = make("line", { class: "cursor", y1: upper.top, y2: lower.bottom, visibility: "hidden" });
    svg.append(cursor);
    const labels = data.labels;
    host.append(svg, legend(["balance", ...parts].map((part) => ({ label: labels[part], colour: COLOURS[part] }))));
    const tip = tooltip(host);
    navigate(svg, frame, count, (place) => {
      const at = x(place + 0.5);
      cursor.setAttribute("x1", at);
      cursor.setAttribute("x2", at);
      cursor.setAttribute("visibility", "visible");
      const lines = [`${labels.month} ${place + 1}`];
      for (const part of ["balance", ...parts]) lines.push(`${labels[part]}: ${whole.format(data[part][place])} €`);
      tip.show(lines, at / frame.width);
    }, () => {
      cursor.setAttribute("visibility", "hidden");
      tip.hide();
    });
  }

  /** One bar for each item, with month names where the labels are months. */
  function drawBars(host, data) {
    const items = data.items;
    const frame = frameOf(host, 240);
    const svg = canvas(frame, headingOf(host));
    const steps = ticks(Math.max(...items.map((item) => item.value), 0));
    const y = scale(0, steps.at(-1), frame.bottom, frame.top);
    const x = scale(0, items.length, frame.left, frame.right);
    valueAxis(svg, frame, steps, y);
    const width = (x(1) - x(0)) * 0.7;
    const bars = items.map((item, place) => make("rect", {
      x: x(place + 0.5) - width / 2, width, y: y(item.value), height: frame.bottom - y(item.value),
      rx: 3, fill: COLOURS.principal,
    }));
    svg.append(...bars);
    items.forEach((item, place) => {
      if (frame.width < 420 && place % 2) return;
      svg.append(make("text", { x: x(place + 0.5), y: frame.bottom + 18, "text-anchor": "middle" }, monthName(item.label)));
    });
    host.append(svg);
    const tip = tooltip(host);
    const paint = (chosen) => bars.forEach((bar, place) => bar.setAttribute("opacity", chosen < 0 || chosen === place ? 1 : 0.45));
    navigate(svg, frame, items.length, (place) => {
      paint(place);
      tip.show([monthName(items[place].label, true), `${whole.format(items[place].value)} ${data.unit}`], x(place) / frame.width);
    }, () => {
      paint(-1);
      tip.hide();
    });
  }

  function monthName(label, long = false) {
    const match = /^(\d{4})-(\d{2})$/.exec(label);
    if (!match) return label;
    const day = new Date(Date.UTC(Number(match[1]), Number(match[2]) - 1, 1));
    const style = long ? { month: "long", year: "numeric" } : { month: "short" };
    return day.toLocaleDateString(locale, { ...style, timeZone: "UTC" });
  }

  /** Shares of a whole as a ring, with the total in its middle and the values in the legend. */
  function drawDonut(host, data) {
    const size = 220;
    const [outer, inner, middle] = [96, 62, size / 2];
    const total = data.items.reduce((sum, item) => sum + item.value, 0);
    const words = data.items.map((item) => `${item.label} ${item.value}`).join(", ");
    const svg = canvas({ width: size, height: size }, `${headingOf(host)}: ${words}`);
    svg.classList.add("donut");
    let angle = -Math.PI / 2;
    data.items.forEach((item, place) => {
      if (item.value <= 0) return;
      const sweep = (item.value / total) * 2 * Math.PI;
      svg.append(make("path", {
        d: ring(middle, outer, inner, angle, angle + Math.min(sweep, 2 * Math.PI - 1e-4)),
        fill: colourOf(item.key, place), stroke: "#fff", "stroke-width": 2,
      }, make("title", {}, `${item.label}: ${whole.format(item.value)}`)));
      angle += sweep;
    });
    svg.append(make("text", { class: "total", x: middle, y: middle + 9, "text-anchor": "middle" }, whole.format(total)));
    svg.style.maxWidth = `${size}px`;
    svg.style.margin = "0 auto";
    host.append(svg, legend(data.items.map((item, place) => ({
      label: item.label, colour: colourOf(item.key, place), value: whole.format(item.value),
    }))));
  }

  function ring(middle, outer, inner, from, to) {
    const point = (radius, angle) => `${(middle + radius * Math.cos(angle)).toFixed(2)} ${(middle + radius * Math.sin(angle)).toFixed(2)}`;
    const large = to - from > Math.PI ? 1 : 0;
    return `M${point(outer, from)}A${outer} ${outer} 0 ${large} 1 ${point(outer, to)}`
      + `L${point(inner, to)}A${inner} ${inner} 0 ${large} 0 ${point(inner, from)}Z`;
  }

  const KINDS = { schedule: drawSchedule, bars: drawBars, donut: drawDonut };

  function draw(host, data) {
    host.replaceChildren();
    KINDS[host.dataset.chart](host, data);
  }

  function dataOf(host) {
    return JSON.parse(document.getElementById(host.dataset.source).textContent);
  }

  /** Read every width before the first chart is drawn, so that the page is laid out once and not once a chart. */
  function drawAll(hosts) {
    hosts.forEach((host) => widths.set(host, host.clientWidth));
    hosts.forEach((host) => draw(host, dataOf(host)));
  }

  document.addEventListener("DOMContentLoaded", () => {
    const hosts = [...document.querySelectorAll("[data-chart][data-source]")];
    drawAll(hosts);
    // A chart is drawn for one width: draw again when its own really changes.
    window.addEventListener("resize", () => drawAll(hosts.filter((host) => host.clientWidth !== widths.get(host))));
  });

  window.portalCharts = { draw };
})();
