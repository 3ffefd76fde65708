// The template builder: names typed one after the other are sent one after the other, however fast they come.
//
// form[data-quick-add="#list"]: Enter empties the field at once and shows the name in that list, greyed, until the server has it.
// What the server did not take stays there with its reason and can be tried again.

import { element, post, word } from "./lib.js";
import { hasTyped, sent } from "./typing.js";
import { toast } from "./toasts.js";

const waiting = [];
let sending = false;

function show() {
  document.querySelectorAll(".is-waiting").forEach((row) => row.remove());
  for (const item of waiting) {
    const row = element("li", { class: `ob-row is-waiting${item.failed ? " is-failed" : ""}` }, element("span", { class: "ob-title" }, item.name));
    if (item.failed) {
      const again = element("button", { type: "button", class: "btn btn-sm" }, word("again"));
      again.addEventListener("click", () => next(true));
      row.append(again);
    }
    document.querySelector(item.list)?.append(row);
  }
}

/** Where the name was typed: what cannot be a name goes back there, to be changed. */
const field = (item) => [...document.querySelectorAll("form[data-quick-add]")].find((form) => form.action === item.url)?.elements.name;

async function next(again = false) {
  if (again) for (const item of waiting) delete item.failed;
  if (sending || !waiting.length || waiting[0].failed) return show();
  sending = true;
  show();
  const item = waiting[0];
  try {
    const answer = await post(item.url, { name: item.name });
    const html = await answer.text();
    const saved = answer.ok && !answer.redirected; // redirected: to the login
    const back = answer.status === 422 && !field(item)?.value ? item.name : "";
    if (saved || back) waiting.shift();
    else item.failed = true;
    if (saved || [409, 422].includes(answer.status)) swap(html);
    if (back && field(item)) field(item).value = back;
    else toast({ text: word("failed"), tone: "red" });
  } catch {
    item.failed = true;
    toast({ text: word("offline"), tone: "red" });
  }
  sending = false;
  next();
}

function swap(html) {
  document.querySelectorAll(".is-waiting").forEach((row) => row.remove());
  const target = document.getElementById("builder");
  window.htmx.swap(target, html, { swapStyle: "morph:outerHTML", swapDelay: 0, settleDelay: 0 }, { contextElement: target });
}

document.addEventListener(
  "submit",
  (event) => {
    const form = event.target.closest("form[data-quick-add]");
    if (!form) return;
    event.preventDefault();
    const field = form.elements.name;
    const name = field.value.trim();
    if (!name) return;
    waiting.push({ url: form.action, list: form.dataset.quickAdd, name });
    field.value = "";
    next(true);
  },
  true,
);

window.addEventListener("beforeunload", (event) => waiting.length && event.preventDefault());

// Opening another task saves what was typed in the one that is open. Where it cannot be saved it stays open and says why.
document.addEventListener("htmx:confirm", async (event) => {
  const { elt, verb, issueRequest } = event.detail;
  const form = document.querySelector("#builder form[data-save-on-leave]");
  if (verb !== "get" || !form || !elt.closest("#builder") || elt.id === "builder" || !hasTyped(form)) return;
  event.preventDefault();
  const answer = await post(form.action, new FormData(form)).catch(() => null);
  if (!answer?.ok) return form.requestSubmit();
  sent(form);
  issueRequest(true);
});
