// Forms: filters that send themselves, Ctrl+Enter, no double sending, Esc out of an inline edit, fields that follow a choice.

import { announce, debounce, word } from "./lib.js";

// data-copy on a button: copies the value of the field with this id, and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  const field = button && document.getElementById(button.dataset.copy);
  if (!field) return;
  field.select();
  await navigator.clipboard?.writeText(field.value);
  button.lastChild.textContent = word("copied");
  announce(word("copied"));
});

// data-autosubmit on a form: a change sends it at once, typing after 300 ms.
const send = (form) => form.isConnected && form.requestSubmit();
const slowly = debounce(send, 300);

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (form && event.target.matches("input[type=search], input[type=text], input:not([type])")) slowly(form);
});

document.addEventListener("change", (event) => {
  const form = event.target.form ?? event.target.closest("form");
  if (!form?.matches("[data-autosubmit]")) return;
  if (event.target.matches("[data-autosubmit-not], input[type=search], input[type=text]")) return;
  slowly.cancel();
  send(form);
});

// Empty parameters do not belong into the address. data-otherwise="name=value" stands there where nothing else does.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
  const otherwise = event.target.dataset.otherwise;
  if (otherwise && ![...event.formData].length) event.formData.append(...otherwise.split("="));
});
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "get" || !detail.elt.closest?.("form[data-autosubmit]")) return;
  for (const [name, value] of Object.entries(detail.parameters)) if (value === "") delete detail.parameters[name];
  const [name, value] = detail.elt.closest("form").dataset.otherwise?.split("=") ?? [];
  if (name && !Object.keys(detail.parameters).length) detail.parameters[name] = value;
});

document.addEventListener("keydown", (event) => {
  const form = event.target.form ?? event.target.closest?.("form");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form?.dataset.submitOn === "ctrl-enter") {
    event.preventDefault();
    form.requestSubmit();
  }
  if (event.key === "Escape") event.target.closest?.(".inline-edit")?.querySelector("[data-cancel]")?.click();
});

// A plain form is sent once; htmx forms guard themselves (hx-sync, hx-disabled-elt).
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post") || form.target) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
  // a download or an empty answer leaves the page standing
  setTimeout(() => free(form), 5000);
});

function free(form) {
  delete form.dataset.sent;
  form.querySelectorAll("button[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
}
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(free));

// data-show-when="name=value other" on a block: shown while the field of that name in the same form has one of the values
function follow(form) {
  for (const block of form.querySelectorAll("[data-show-when]")) {
    const [name, values] = block.dataset.showWhen.split("=");
    const chosen = new FormData(form).getAll(name).map(String);
    const shown = values.split(" ").some((value) => chosen.includes(value));
    block.hidden = !shown;
    if (block.matches("fieldset")) block.disabled = !shown;
  }
}
const followAll = () => document.querySelectorAll("form:has([data-show-when])").forEach(follow);
document.addEventListener("change", (event) => event.target.form?.querySelector("[data-show-when]") && follow(event.target.form));
document.addEventListener("htmx:afterSettle", followAll);
followAll();

// A page that comes back with errors begins at the first of them; one that is only a form (data-focus-first) at its first field.
if (document.activeElement === document.body && !location.hash) {
  const wrong = document.querySelector("main form [aria-invalid=true]");
  const first = document.querySelector("form[data-focus-first] :is(input:not([type=hidden], [type=checkbox], [type=radio]), select, textarea)");
  wrong?.closest("details:not([open])")?.setAttribute("open", "");
  (wrong ?? first)?.focus();
}

// select[data-browser-zone]: begins with the zone that the browser is in, where it is on offer.
for (const field of document.querySelectorAll("select[data-browser-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...field.options].some((option) => option.value === zone)) {
    field.value = zone;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}
