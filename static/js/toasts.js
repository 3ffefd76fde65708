// Toasts stay until they are dismissed. They come with the page (Django messages) or by the event `toast`.

import { csrfToken, element, icon, word } from "./lib.js";

const ICONS = { red: "exclamation-circle", amber: "exclamation-triangle", green: "check-circle", blue: "info-circle" };

/** @param {{text: string, tone?: string, undo_url?: string, undo_text?: string}} message */
export function toast({ text, tone = "blue", undo_url: undoUrl, undo_text: undoText }) {
  const region = document.getElementById("toasts");
  if (!region || !text) return;
  const notice = element("div", { class: "notice", "data-toast": "" }, icon(ICONS[tone] ?? ICONS.blue), element("div", { class: "notice-text" }, text));
  if (undoUrl?.startsWith("/") && !undoUrl.startsWith("//")) {
    const form = element("form", { method: "post", action: undoUrl });
    form.append(element("input", { type: "hidden", name: "csrfmiddlewaretoken", value: csrfToken() }), element("button", {}, undoText || word("undo")));
    notice.append(form);
  }
  if (tone === "red") notice.dataset.stays = "";
  // what was only news gives way to the newer; an error, and what can be undone, stay until dismissed
  region.querySelectorAll("[data-toast]:not(:has(form), [data-stays])").forEach((news) => news.remove());
  const close = element("button", { type: "button", "data-toast-close": "", "aria-label": word("dismiss") }, icon("x-lg"));
  notice.append(close);
  region.append(notice);
  while (region.children.length > 3) region.firstElementChild.remove();
}

// Undo comes back to where it was asked for.
document.addEventListener("submit", ({ target }) => {
  if (!target.closest("[data-toast]") || target.elements.next) return;
  target.append(element("input", { type: "hidden", name: "next", value: location.pathname + location.search }));
});

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest("[data-toast]")?.remove();
});
