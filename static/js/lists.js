// Lists: the address of what is shown, the form of columns, widths by dragging.

import { announce, each, element, post, word } from "./lib.js";
import { toast } from "./toasts.js";

// data-list-address: a list that opened with a view shows it in the address. Nothing is added to the history.
each("[data-list-address]", (found) => history.replaceState(history.state, "", found.dataset.listAddress));

// The open view stands in sight where the strip of views scrolls.
each("#list-views", (strip) => {
  const [nav, open] = [strip.querySelector("nav"), strip.querySelector("[aria-current]")];
  if (open && nav.scrollWidth > nav.clientWidth) nav.scrollLeft = open.offsetLeft - nav.offsetLeft - (nav.clientWidth - open.offsetWidth) / 2;
});

// form[data-columns]: rows move by dragging (sortable.js) and by their buttons; a column that is ticked joins those shown.
function buttons(list) {
  const rows = [...list.querySelectorAll(":scope > [data-id]")];
  rows.forEach((row, place) => {
    row.querySelector("[data-move=up]").disabled = place === 0;
    row.querySelector("[data-move=down]").disabled = place === rows.length - 1;
  });
}

function move(button) {
  const row = button.closest("[data-id]");
  const other = button.dataset.move === "up" ? row.previousElementSibling : row.nextElementSibling;
  if (other?.matches("[data-id]")) button.dataset.move === "up" ? other.before(row) : other.after(row);
  buttons(row.parentElement);
  (button.disabled ? row.querySelector("[data-move]:not(:disabled)") : button)?.focus();
  announce(word("moved"));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("form[data-columns] [data-move]");
  if (!button) return;
  event.preventDefault();
  move(button);
});

document.addEventListener("sorted", ({ target }) => target.matches("[data-columns-shown]") && buttons(target));

document.addEventListener("change", (event) => {
  const box = event.target.closest(".column-rest input[type=checkbox]");
  if (!box?.checked) return;
  const list = box.form.querySelector("[data-columns-shown]");
  list.append(box.closest("[data-id]"));
  buttons(list);
  box.focus();
});

document.addEventListener("input", (event) => {
  if (!event.target.matches("[data-columns-find]")) return;
  const wanted = event.target.value.trim().toLocaleLowerCase();
  for (const row of event.target.closest("fieldset").querySelectorAll("[data-id]")) {
    row.hidden = !row.querySelector("label").textContent.toLocaleLowerCase().includes(wanted);
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("[data-columns-find]")) event.preventDefault();
});

// table[data-widths-url]: the edge of a head is dragged; from the first time on every column has a width of its own.
const LEAST = 40;
const MOST = 900;
const within = (width) => Math.round(Math.max(LEAST, Math.min(MOST, width)));

const headsOf = (table) => [...table.querySelectorAll("thead th[data-column]")];

function freeze(table) {
  if (table.classList.contains("is-sized")) return;
  for (const [head, width] of headsOf(table).map((head) => [head, head.offsetWidth])) head.setAttribute("width", within(width));
  table.classList.add("is-sized", "is-chosen");
}

async function keep(table) {
  const data = new URLSearchParams();
  for (const head of headsOf(table)) if (head.checkVisibility()) data.append(`width-${head.dataset.column}`, head.getAttribute("width"));
  const answer = await post(table.dataset.widthsUrl, data).catch(() => null);
  if (!answer?.ok) toast({ text: word("failed"), tone: "red" });
}

function drag(event, head) {
  const table = head.closest("table");
  freeze(table);
  const from = event.clientX;
  const begun = Number(head.getAttribute("width"));
  const sign = getComputedStyle(table).direction === "rtl" ? -1 : 1;
  const handle = event.target;
  handle.setPointerCapture(event.pointerId);
  handle.classList.add("is-dragging");
  const onMove = (moved) => head.setAttribute("width", within(begun + sign * (moved.clientX - from)));
  const onEnd = () => {
    handle.classList.remove("is-dragging");
    handle.removeEventListener("pointermove", onMove);
    keep(table);
  };
  handle.addEventListener("pointermove", onMove);
  handle.addEventListener("pointerup", onEnd, { once: true });
  handle.addEventListener("pointercancel", onEnd, { once: true });
}

each("table[data-widths-url]", (table) => {
  for (const head of headsOf(table)) {
    const handle = element("span", { class: "column-edge", "aria-hidden": "true" });
    handle.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      drag(event, head);
    });
    head.append(handle);
  }
});
