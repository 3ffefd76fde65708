// A form with data-bulk: rows carry [data-bulk-row] checkboxes, the head [data-bulk-page], the bar [data-bulk-bar]. They stand in
// the form or name it (form="…"), so that rows may have forms of their own.
// The selection survives paging inside the form: ids picked on other pages travel as hidden inputs.

const KEY = (form) => `bulk:${form.id || form.action}`;

function picked(form) {
  try {
    return new Set(JSON.parse(sessionStorage.getItem(KEY(form)) ?? "[]"));
  } catch {
    return new Set();
  }
}

const rowsOf = (form) => [...form.elements].filter((element) => element.matches("[data-bulk-row]"));
const bulkForm = (element) => (element?.form?.matches("form[data-bulk]") ? element.form : null);

function refresh(form) {
  const set = picked(form);
  const boxes = rowsOf(form);
  for (const box of boxes) box.checked = set.has(box.value);
  const page = [...form.elements].find((element) => element.matches("[data-bulk-page]"));
  const here = boxes.filter((box) => box.checked).length;
  if (page) {
    page.checked = boxes.length > 0 && here === boxes.length;
    page.indeterminate = here > 0 && here < boxes.length;
  }
  const bar = form.querySelector("[data-bulk-bar]");
  if (!bar) return;
  bar.hidden = set.size === 0;
  const all = bar.querySelector("[data-bulk-all]");
  bar.querySelector("[data-bulk-count]").textContent = all?.checked ? all.dataset.total ?? "" : set.size;
  bar.querySelectorAll("input[data-bulk-elsewhere]").forEach((input) => input.remove());
  const shown = new Set(boxes.map((box) => box.value));
  for (const id of set) {
    if (shown.has(id)) continue;
    const input = Object.assign(document.createElement("input"), { type: "hidden", name: boxes[0]?.name ?? "ids", value: id });
    input.dataset.bulkElsewhere = "";
    bar.append(input);
  }
}

document.addEventListener("change", (event) => {
  const form = bulkForm(event.target);
  if (!form) return;
  const set = picked(form);
  const boxes = event.target.matches("[data-bulk-page]") ? rowsOf(form) : event.target.matches("[data-bulk-row]") ? [event.target] : null;
  if (boxes) {
    for (const box of boxes) event.target.checked ? set.add(box.value) : set.delete(box.value);
    const all = form.querySelector("[data-bulk-all]");
    if (all) all.checked = false;
    sessionStorage.setItem(KEY(form), JSON.stringify([...set]));
  }
  refresh(form);
});

// Shift+click takes the rows between.
let last = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-bulk-row]");
  if (box) {
    const boxes = rowsOf(box.form);
    if (event.shiftKey && last?.isConnected) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      for (const between of boxes.slice(from, to + 1)) {
        if (between === box || between.checked === box.checked) continue;
        between.checked = box.checked;
        between.dispatchEvent(new Event("change", { bubbles: true }));
      }
    }
    last = box;
  }
  const clear = event.target.closest?.("[data-bulk-clear]");
  if (clear) forget(clear.closest("form"));
});

function forget(form) {
  sessionStorage.removeItem(KEY(form));
  const all = form.querySelector("[data-bulk-all]");
  if (all) all.checked = false;
  refresh(form);
}

document.addEventListener("bulkDone", () => document.querySelectorAll("form[data-bulk]").forEach(forget));
document.addEventListener("submit", (event) => {
  if (event.target.matches("form[data-bulk]") && event.submitter && !event.submitter.hasAttribute("data-bulk-keep")) {
    queueMicrotask(() => sessionStorage.removeItem(KEY(event.target)));
  }
});

const refreshAll = () => document.querySelectorAll("form[data-bulk]").forEach(refresh);
document.addEventListener("htmx:afterSettle", refreshAll);
window.addEventListener("pageshow", refreshAll);
refreshAll();
