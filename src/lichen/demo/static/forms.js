// SPDX-License-Identifier: Apache-2.0
/*
 * Checks forms while people fill them in, with the same limits as the server, which checks again.
 * A form opts in with data-validate; its messages come from #form-texts in the language of the page.
 */
(() => {
  "use strict";

  let texts = null;
  const locale = document.documentElement.lang || "en";
  const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 6 });
  const SPACES = /[\s\u00a0\u202f]/g;

  function readTexts() {
    const element = document.getElementById("form-texts");
    return element ? JSON.parse(element.textContent) : null;
  }

  /** Fill the {limit} of a message. */
  function message(key, limit) {
    const text = texts[key] || "";
    return limit === undefined ? text : text.replace("{limit}", numbers.format(limit));
  }

  /** Read a number typed with a point or a comma and with spaces between thousands; null when it is none. */
  function parseNumber(text) {
    const plain = text.replace(SPACES, "").replace(",", ".");
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
    const value = Number(plain);
    return Number.isFinite(value) ? value : null;
  }

  /** Nine digits whose last one is the Luhn check digit. */
  function isSiren(text) {
    const digits = text.replace(SPACES, "");
    if (!/^\d{9}$/.test(digits)) return false;
    let total = 0;
    for (let place = 0; place < 9; place += 1) {
      let digit = Number(digits[8 - place]);
      if (place % 2 === 1) {
        digit *= 2;
        if (digit > 9) digit -= 9;
      }
      total += digit;
    }
    return total % 10 === 0;
  }

  /** The problem of one control, as text; empty when there is none. */
  function problemOf(control) {
    if (control.type === "file") return fileProblem(control);
    const text = control.value.trim();
    if (control.type === "checkbox") return "";
    if (text === "") return control.required ? message("required") : "";
    switch (control.dataset.type) {
      case "siren":
        return isSiren(text) ? "" : message("siren");
      case "money":
      case "integer":
        return numberProblem(control, text, true);
      case "decimal":
        return numberProblem(control, text, false);
      default:
        return "";
    }
  }

  function numberProblem(control, text, whole) {
    const value = parseNumber(text);
    if (value === null) return message(whole ? "whole" : "number");
    if (whole && !Number.isInteger(value)) return message("whole");
    const { minimum, maximum } = control.dataset;
    if (minimum !== undefined && value < Number(minimum)) return message("minimum", Number(minimum));
    if (maximum !== undefined && value > Number(maximum)) return message("maximum", Number(maximum));
    return "";
  }

  function fileProblem(control) {
    const file = control.files[0];
    if (!file) return control.required ? message("missing") : "";
    if (file.size === 0) return message("empty");
    if (file.size > Number(control.dataset.maxBytes)) return message("too_large");
    const accepted = control.accept.split(",");
    return file.type && !accepted.includes(file.type) ? message("type") : "";
  }

  /** Show or clear the problem of a control, and return whether it is fine. */
  function check(control) {
    const field = control.closest(".field");
    const place = document.getElementById(`${control.id}-error`);
    if (!field || !place) return true;
    const problem = problemOf(control) || crossProblem(control);
    place.textContent = problem;
    field.classList.toggle("bad", problem !== "");
    if (problem) control.setAttribute("aria-invalid", "true");
    else control.removeAttribute("aria-invalid");
    return problem === "";
  }

  /** The deferred start must leave at least one month of repayment. */
  function crossProblem(control) {
    if (control.name !== "deferral_months") return "";
    const term = control.form.elements.namedItem("term_months");
    if (!term) return "";
    const [months, deferral] = [parseNumber(term.value), parseNumber(control.value)];
    return months !== null && deferral !== null && deferral >= months ? message("deferral") : "";
  }

  /** Group the thousands of an amount when the person leaves the field. */
  function group(control) {
    if (control.dataset.type !== "money") return;
    const value = parseNumber(control.value);
    if (value !== null && Number.isInteger(value)) {
      control.value = String(value).replace(/\B(?=(\d{3})+$)/g, " ");
    }
  }

  function watch(form) {
    const controls = [...form.querySelectorAll("input, select, textarea")];
    for (const control of controls) {
      group(control);
      control.addEventListener("blur", () => {
        if (control.value.trim() !== "") check(control);
        group(control);
      });
      control.addEventListener("input", () => {
        if (control.getAttribute("aria-invalid") === "true") check(control);
      });
      if (control.type === "file") control.addEventListener("change", () => check(control));
    }
    form.addEventListener("submit", (event) => {
      const wrong = controls.filter((control) => !check(control));
      const summary = form.querySelector("[data-summary]");
      if (summary) {
        summary.textContent = wrong.length ? summary.dataset.summary.replace("{count}", wrong.length) : "";
      }
      if (wrong.length) {
        event.preventDefault();
        wrong[0].focus();
      }
    });
  }

  /** Say how many characters are left below a long text. */
  function count(area) {
    const counter = document.createElement("p");
    counter.className = "counter";
    const update = () => {
      counter.textContent = `${numbers.format(area.value.length)} / ${numbers.format(area.maxLength)}`;
    };
    area.addEventListener("input", update);
    area.after(counter);
    update();
  }

  document.addEventListener("DOMContentLoaded", () => {
    texts = readTexts();
    if (texts) document.querySelectorAll("form[data-validate]").forEach(watch);
    document.querySelectorAll("textarea[data-counter]").forEach(count);
  });
})();
