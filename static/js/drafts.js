// data-draft-url on a form: what is typed is saved on the server a second later, so that nothing written is lost.
// data-draft-after: after so many milliseconds instead. data-preview: the id of the frame that shows what is typed, loaded again then.
// The server answers 204 (or 200), or 205 where nothing is left to keep; [data-draft-status] inside the form says "Draft saved 12:03".
// [data-draft-discard]: its button that throws the draft away, shown while there is one.

import { hour, post, word } from "./lib.js";

const EMPTIED = 205;
const timers = new WeakMap();
const sending = new WeakMap();

function tell(form, text) {
  const status = form.querySelector("[data-draft-status]");
  if (status) status.textContent = text;
}

function payload(form) {
  const data = new FormData(form);
  for (const [name, value] of [...data]) if (value instanceof File) data.delete(name);
  return data;
}

async function save(form) {
  timers.delete(form);
  if (!form.isConnected || form.dataset.draftDone) return;
  if (sending.has(form)) return later(form);
  sending.set(form, true);
  try {
    const answer = await post(form.dataset.draftUrl, payload(form));
    if (form.dataset.draftDone) return;
    const preview = answer.ok && document.getElementById(form.dataset.preview ?? "");
    if (preview) preview.src = preview.getAttribute("src"); // its sandbox lets nobody reload it from here
    const isKept = answer.ok && answer.status !== EMPTIED;
    tell(form, isKept ? `${word("saved")} ${hour(new Date())}` : answer.ok ? "" : word("unsaved"));
    const discard = form.querySelector("[data-draft-discard]");
    if (discard && answer.ok) discard.hidden = !isKept;
  } catch {
    tell(form, word("unsaved"));
  } finally {
    sending.delete(form);
  }
}

function later(form) {
  clearTimeout(timers.get(form));
  timers.set(form, setTimeout(() => save(form), Number(form.dataset.draftAfter ?? 1000)));
}

for (const type of ["input", "change"]) {
  document.addEventListener(type, (event) => {
    const form = event.target.form ?? event.target.closest?.("form");
    if (form?.dataset.draftUrl) later(form);
  });
}

// Once the form itself is on its way no late draft may follow it.
function stop(form) {
  if (!form?.dataset?.draftUrl) return;
  clearTimeout(timers.get(form));
  timers.delete(form);
  form.dataset.draftDone = "1";
}
document.addEventListener("submit", (event) => stop(event.target));
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  if (detail.elt.matches?.("[data-draft-discard]")) stop(detail.elt.form);
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = detail.elt?.form ?? detail.elt;
  if (form?.dataset?.draftUrl && !detail.successful) delete form.dataset.draftDone;
});
document.addEventListener("htmx:afterSettle", () => {
  for (const form of document.querySelectorAll("form[data-draft-done]")) delete form.dataset.draftDone;
});

// Leaving the page within that second still saves.
window.addEventListener("pagehide", () => {
  for (const form of document.querySelectorAll("form[data-draft-url]")) {
    if (!timers.has(form)) continue;
    navigator.sendBeacon(form.dataset.draftUrl, payload(form));
  }
});
