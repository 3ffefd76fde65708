// Single keys, never while typing, never with a modifier; <body data-shortcuts="off"> switches them off.
// In a form with data-leave-on="escape", Esc leaves the field, so that single keys work again.
// data-shortcut="c" on a link, button or field makes the key press it; data-go="c" on a navigation link answers to g, c.

import { isTyping, isVisible } from "./lib.js";
import { openPalette } from "./palette.js";

const GO_WAIT = 1200;
let goUntil = 0;
// The current row: the URL of its link and its position, so that it is found again after the list is redrawn.
let current = null;
let leavingUntil = 0; // a page is on its way: what is typed now belongs to it, and presses nothing on this one

const isOff = () => document.body.dataset.shortcuts === "off";
const rows = () => [...document.querySelectorAll("[data-rows] > *, tbody[data-rows] > tr")].filter((item) => isVisible(item) && !item.matches(".group-head"));

function press(element) {
  element.closest("details:not([open])")?.setAttribute("open", "");
  if (element.matches("input:not([type=checkbox]):not([type=radio]), textarea, select")) element.focus();
  else {
    if (element.matches("a[href]:not([data-dialog-remote], [data-dialog-open], [data-palette-fill], [hx-get])")) leavingUntil = Date.now() + 3000;
    element.click();
  }
}

function find(key) {
  const holder = document.querySelector("dialog[open]") ?? document;
  const all = [...holder.querySelectorAll(`[data-shortcut="${CSS.escape(key)}"]`)];
  return all.find(isVisible) ?? all.find((element) => element.closest("details.menu"));
}

const linkOf = (item) => item.querySelector("[data-row-link], a.row-title, a[href]");
const isCurrent = (item) => item.classList.contains("is-current");

/** Makes the row at this place the current one; beyond the last none is. */
function mark(all, index) {
  all.forEach((item, place) => item.classList.toggle("is-current", place === index));
  const link = all[index] && linkOf(all[index]);
  current = { address: link?.getAttribute("href"), index };
  all[index]?.scrollIntoView({ block: "nearest" });
  if (!all[index]?.contains(document.activeElement)) link?.focus({ preventScroll: true });
}

function move(step) {
  const all = rows();
  if (!all.length) return false;
  const present = all.findIndex(isCurrent);
  mark(all, Math.max(0, Math.min(all.length - 1, (present < 0 ? (step > 0 ? -1 : all.length) : present) + step)));
  return true;
}

// After a list is redrawn: the same row is current, or the one in its position.
function markAgain() {
  const all = rows();
  if (!current || !all.length || all.some(isCurrent)) return;
  const again = all.findIndex((item) => linkOf(item)?.getAttribute("href") === current.address);
  const inDialog = document.querySelector("dialog[open]");
  if (!inDialog && !isTyping(document.activeElement)) mark(all, again < 0 ? current.index : again);
}

document.addEventListener("htmx:afterSettle", markAgain);

// Tab or a click into another row while one is current: that other one is.
document.addEventListener("focusin", ({ target }) => {
  const all = rows();
  const here = all.findIndex((item) => item.contains(target));
  if (here >= 0 && all.some(isCurrent) && !isCurrent(all[here])) mark(all, here);
});

// data-row-tick: x and Space press it, and the row stays the current one. Space does what it always does on a button or a box.
function onRow(key, target) {
  const present = rows().find(isCurrent);
  if (!present || (key === " " && target.closest("button, summary, input, [role=button]"))) return false;
  if (key !== "e") {
    const box = present.querySelector(key === "x" ? "[data-bulk-row], [data-row-tick]" : "[data-row-tick]");
    box?.click();
    return Boolean(box);
  }
  const edit = present.querySelector("[data-row-edit]");
  edit?.click();
  return Boolean(edit);
}

// data-row-key="d" inside a row: that key presses it while the row is the current one. Where it does its work at once (a button of
// a form), the next row is current before the answer is here: d d d d does four.
function onRowKey(key) {
  markAgain(); // the key may come between the new list and its settling
  const all = rows();
  const here = all.findIndex(isCurrent);
  const target = all[here]?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  if (target.matches("form[hx-post] button")) mark(all, here + 1);
  target.click();
  return true;
}

function showHelp() {
  const help = document.getElementById("shortcut-help");
  if (!help || help.open) return;
  const list = document.createElement("dl");
  list.className = "key-list mt-3";
  // data-keys-for: the keys of a line work where the page has such an element
  for (const line of help.querySelectorAll("[data-keys-for]")) line.hidden = !document.querySelector(line.dataset.keysFor);
  const seen = new Set(["c", "e", "/", "?"]);
  for (const element of document.querySelectorAll("[data-shortcut]")) {
    const key = element.dataset.shortcut;
    const text = (element.dataset.shortcutLabel ?? [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join(" ")).trim();
    if (seen.has(key) || !text) continue;
    seen.add(key);
    const keys = document.createElement("dd");
    keys.append(Object.assign(document.createElement("kbd"), { textContent: key }));
    list.append(Object.assign(document.createElement("dt"), { textContent: text }), keys);
  }
  help.querySelector("[data-page-shortcuts]").replaceChildren(list);
  help.showModal();
}

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !event.defaultPrevented && isTyping(event.target) && event.target.closest("[data-leave-on=escape]")) {
    event.target.blur();
    return;
  }
  if (Date.now() < leavingUntil) return;
  if (isOff() || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  // Between the chips of a half-written note a letter would leave the page.
  if (event.target.closest?.("form[data-composer]")) return;
  const inDialog = document.querySelector("dialog[open]");
  const { key } = event;
  if (inDialog) return;

  if (goUntil > Date.now()) {
    goUntil = 0;
    const target = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
    if (target) {
      event.preventDefault();
      leavingUntil = Date.now() + 3000;
      location.assign(target.href);
      return;
    }
  }
  const handled =
    (key === "g" && (goUntil = Date.now() + GO_WAIT)) ||
    (key === "?" && (showHelp(), true)) ||
    (key === "j" && move(1)) ||
    (key === "k" && move(-1)) ||
    (["x", " ", "e"].includes(key) && onRow(key, event.target)) ||
    (key.length === 1 && onRowKey(key));
  if (handled) {
    event.preventDefault();
    return;
  }
  const element = key.length === 1 ? find(key) : null;
  if (element) {
    event.preventDefault();
    press(element);
  } else if (key === "/") {
    event.preventDefault();
    openPalette();
  }
});
window.addEventListener("pageshow", () => (leavingUntil = 0));
