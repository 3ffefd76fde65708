// The start of every page: htmx manners, then the modules. Heavy libraries come only where a page needs them.

import { announce, csrfToken, each, word } from "./lib.js";
import { toast } from "./toasts.js";
import { guardMorphs, isTypedIn } from "./typing.js";
import "./dialogs.js";
import "./menus.js";
import "./forms.js";
import "./drafts.js";
import "./bulk.js";
import "./composer.js";
import "./palette.js";
import "./navigation.js";
import "./shortcuts.js";

// CSRF on every htmx request that changes something
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrfToken();
});

guardMorphs();

// The target says it is busy, but only when the answer takes longer than the eye notices.
const waiting = new WeakMap();
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  waiting.set(detail.xhr, setTimeout(() => detail.target?.setAttribute("aria-busy", "true"), 150));
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  clearTimeout(waiting.get(detail.xhr));
  detail.target?.removeAttribute("aria-busy");
});

// Focus survives a swap: the same element by id or name, else the element that was swapped.
let focused = null;
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const active = document.activeElement;
  focused = detail.target?.contains(active) ? { id: active.id, name: active.getAttribute("name"), target: detail.target.id } : null;
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const wanted = detail.elt?.querySelector?.("[data-autofocus]");
  if (wanted && !isTypedIn(document.activeElement)) {
    wanted.focus();
  } else if (focused && document.activeElement === document.body) {
    const holder = document.getElementById(focused.target) ?? detail.elt;
    const again = (focused.id && document.getElementById(focused.id)) || (focused.name && holder?.querySelector?.(`[name="${CSS.escape(focused.name)}"]`));
    again?.focus({ preventScroll: true });
    // gone, or now inside something closed
    if (document.activeElement === document.body && holder instanceof HTMLElement && holder.isConnected) {
      if (!holder.hasAttribute("tabindex")) holder.setAttribute("tabindex", "-1");
      holder.focus({ preventScroll: true });
    }
  }
  focused = null;
  const told = detail.elt?.matches?.("[data-announce]") ? detail.elt : detail.elt?.querySelector?.("[data-announce]");
  if (told) announce(told.dataset.announce || told.textContent.trim());
});

// The system turned dark or light while the page is open: some browsers keep inherited light-dark() colours until asked again.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  const root = document.documentElement;
  const theme = root.dataset.bsTheme;
  if (theme !== "system") return;
  root.dataset.bsTheme = "";
  void root.offsetWidth;
  root.dataset.bsTheme = theme;
});

// What went wrong is said in plain words.
document.addEventListener("htmx:responseError", ({ detail }) => {
  const known = { 403: "forbidden", 404: "missing", 410: "missing", 429: "throttled" };
  toast({ text: word(known[detail.xhr.status] ?? "failed"), tone: "red" });
});
document.addEventListener("htmx:sendError", () => toast({ text: word("offline"), tone: "red" }));
document.addEventListener("htmx:timeout", () => toast({ text: word("offline"), tone: "red" }));

// Events that answers carry in HX-Trigger
document.addEventListener("toast", ({ detail }) => toast(detail.value && typeof detail.value === "object" ? detail.value : detail));
document.addEventListener("announce", ({ detail }) => announce(detail.text ?? detail.value));

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-print]");
  if (!button) return;
  event.preventDefault();
  window.print();
});

// Only where there is something for them. The paths are written out, so that hashed file names find their way in.
each("[data-combobox]", (found) => import("./combobox.js").then((module) => module.start(found)));
each("[data-quick-add]", () => import("./builder.js"));
each("[data-days]", (found) => import("./days.js").then((module) => module.start(found)));
each("#list-views, [data-list-address], [data-widths-url], form[data-columns]", () => import("./lists.js"));
each("[data-sortable-url]", (found) => import("./sortable.js").then((module) => module.start(found)));
each("[data-upload]", (found) => import("./uploads.js").then((module) => module.start(found)));
each("[data-upload-bar]", () => import("./uploads.js"));
each("[data-chart]", (found) => import("./charts.js").then((module) => module.start(found)));
