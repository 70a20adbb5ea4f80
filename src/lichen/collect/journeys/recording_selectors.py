# SPDX-License-Identifier: Apache-2.0
"""Finds elements as a recording names them, in one look of the page at itself.

One call per look, in plain page script, whatever the number of alternatives: driving each alternative by itself would
cost the browser, in the measured window, many times as much.

Kinds of selectors: https://pptr.dev/guides/page-interactions (``aria/``, ``text/``, ``xpath/``, ``pierce/``, CSS). Names follow
the order of https://www.w3.org/TR/accname-1.2/, as far as recorded elements need it: ``aria-labelledby``, ``aria-label``, the
element's own label, its content where its role takes a name from there, ``title``, ``placeholder``.
"""

from __future__ import annotations

from typing import Final

_LIBRARY: Final = r"""
const plain = (text) => (text ?? "").replace(/\s+/g, " ").trim();
const attempt = (look) => { try { return look(); } catch { return []; } };
function* deep(root) {
  for (const element of root.querySelectorAll("*")) {
    yield element;
    if (element.shadowRoot) yield* deep(element.shadowRoot);
  }
}
const ROLES = {
  ARTICLE: "article", ASIDE: "complementary", BUTTON: "button", DIALOG: "dialog", FIELDSET: "group", FIGURE: "figure",
  FOOTER: "contentinfo", FORM: "form", H1: "heading", H2: "heading", H3: "heading", H4: "heading", H5: "heading",
  H6: "heading", HEADER: "banner", HR: "separator", IMG: "image", LI: "listitem", MAIN: "main", NAV: "navigation",
  OL: "list", OPTION: "option", OUTPUT: "status", P: "paragraph", PROGRESS: "progressbar", SECTION: "region",
  TABLE: "table", TD: "cell", TEXTAREA: "textbox", TH: "columnheader", TR: "row", UL: "list",
};
const INPUTS = {
  button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio",
  range: "slider", number: "spinbutton", search: "searchbox",
};
const roleOf = (element) => {
  const own = plain(element.getAttribute("role")).split(" ")[0];
  if (own) return own === "img" ? "image" : own;
  if (element.tagName === "A") return element.hasAttribute("href") ? "link" : "";
  if (element.tagName === "SELECT") return element.multiple || element.size > 1 ? "listbox" : "combobox";
  if (element.tagName === "INPUT") return INPUTS[element.type] ?? (element.list ? "combobox" : "textbox");
  if (element.tagName === "SUMMARY") return "DisclosureTriangle";
  return ROLES[element.tagName] ?? "";
};
const FROM_CONTENT = new Set(["button", "cell", "checkbox", "columnheader", "DisclosureTriangle", "gridcell", "heading",
  "link", "menuitem", "menuitemcheckbox", "menuitemradio", "option", "radio", "row", "rowheader", "switch", "tab",
  "tooltip", "treeitem"]);
const contentOf = (node) => plain([...(node.shadowRoot ?? node).childNodes].map((child) => {
  if (child.nodeType === Node.TEXT_NODE) return child.data;
  if (child.nodeType !== Node.ELEMENT_NODE || child.getAttribute("aria-hidden") === "true") return "";
  if (["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT"].includes(child.tagName)) return "";
  if (child.tagName === "SLOT") return child.assignedNodes().map((n) => n.data ?? contentOf(n)).join(" ");
  const style = getComputedStyle(child);
  if (style.display === "none" || style.visibility === "hidden") return "";
  const text = child.tagName === "BR" ? " " : plain(child.getAttribute("aria-label")) || child.alt || contentOf(child);
  return style.display.startsWith("inline") ? text && child.textContent.match(/^\s/) ? " " + text : text : ` ${text} `;
}).join(""));
const nameOf = (element) => {
  const root = element.getRootNode();
  const labelled = plain(element.getAttribute("aria-labelledby"));
  if (labelled) {
    const found = labelled.split(" ").map((id) => root.getElementById?.(id)).filter(Boolean);
    if (found.length) return plain(found.map((e) => plain(e.getAttribute("aria-label")) || contentOf(e)).join(" "));
  }
  const stated = plain(element.getAttribute("aria-label"));
  if (stated) return stated;
  const tag = element.tagName;
  let own = "";
  if (tag === "INPUT" && ["button", "submit", "reset"].includes(element.type)) {
    own = element.value || { submit: "Submit", reset: "Reset" }[element.type] || "";
  } else if (tag === "IMG" || tag === "AREA" || (tag === "INPUT" && element.type === "image")) {
    own = element.alt;
  } else if (element.labels?.length) {
    own = [...element.labels].map(contentOf).join(" ");
  } else if (tag === "FIELDSET") {
    own = element.querySelector(":scope > legend")?.textContent;
  } else if (tag === "TABLE") {
    own = element.caption?.textContent;
  } else if (tag.toLowerCase() === "svg") {
    own = element.querySelector(":scope > title")?.textContent;
  }
  return plain(own) || (FROM_CONTENT.has(roleOf(element)) ? contentOf(element) : "")
    || plain(element.getAttribute("title")) || plain(element.getAttribute("placeholder"));
};
const KINDS = {
  aria: (root, given) => {
    let role = null, name = null;
    const rest = given.replace(/\[\s*(\w+)\s*=\s*(["'])(.*?)\2\s*\]/g, (whole, key, _, value) => {
      if (key === "role") role = value; else if (key === "name") name = plain(value); else return whole;
      return "";
    });
    name ??= plain(rest);
    role = role === "img" ? "image" : role;
    return [...deep(root)].filter((e) => (role === null || roleOf(e) === role) && (!name || nameOf(e) === name));
  },
  text: (root, given) => {
    const wanted = plain(given);
    const holds = (e) => !["SCRIPT", "STYLE"].includes(e.tagName)
      && plain(e.tagName === "INPUT" ? e.value : e.shadowRoot?.textContent || e.textContent).includes(wanted);
    const all = [...deep(root)].filter(holds);
    return all.filter((e) => !all.some((other) => other !== e && e.contains(other)));
  },
  xpath: (root, given) => {
    const path = root === document || given.startsWith(".") ? given : "." + given;
    const found = document.evaluate(path, root, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE);
    return Array.from({ length: found.snapshotLength }, (_, i) => found.snapshotItem(i))
      .filter((node) => node.nodeType === Node.ELEMENT_NODE);
  },
  pierce: (root, given) => [...deep(root)].filter((e) => e.matches(given)),
};
const query = (root, part) => attempt(() => {
  const [, kind, given] = part.match(/^(aria|text|xpath|pierce)\/(.*)$/s) ?? [];
  return kind ? KINDS[kind](root, given) : [...root.querySelectorAll(part)];
});
const follow = (chain) => chain.reduce(
  (roots, part, i) => [...new Set((i ? roots.map((e) => e.shadowRoot ?? e) : roots).flatMap((r) => query(r, part)))],
  [document]);
const visible = (element) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0 && getComputedStyle(element).visibility === "visible";
};
"""

FIND: Final = (
    "(chains) => {"
    + _LIBRARY
    + """
  for (const chain of chains) {
    const found = follow(chain).find(visible);
    if (found) return found;
  }
  return null;
}"""
)
"""The first visible element of the first chain that has one; null when there is none yet."""

COUNT: Final = (
    "({ chains, operator, count, shown, properties, attributes }) => {"
    + _LIBRARY
    + """
  const all = chains.map(follow).find((found) => found.length) ?? [];
  const fits = (e) => (shown === null || visible(e) === shown)
    && Object.entries(properties).every(([key, value]) => JSON.stringify(e[key]) === JSON.stringify(value))
    && Object.entries(attributes).every(([key, value]) => e.getAttribute(key) === value);
  const number = all.filter(fits).length;
  return { ">=": number >= count, "==": number === count, "<=": number <= count }[operator];
}"""
)
"""Whether as many elements as wanted are there."""
