// Tom Select on <select data-combobox> (or a text input for tags); data-combobox-url fetches choices as
// {"results": [{"value": …, "text": …, "sub": …}]} for ?q=…; data-combobox-create lets new words be added.

import { script, stylesheet, word } from "./lib.js";

function row(escape, { text, sub }) {
  return `<div class="option">${escape(text ?? "")}${sub ? `<span class="sub">${escape(sub)}</span>` : ""}</div>`;
}

async function load(url, query) {
  const address = new URL(url, location.origin);
  address.searchParams.set("q", query);
  const answer = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(`combobox: ${answer.status}`);
  return (await answer.json()).results;
}

// The page put the focus here, not the user: the choices stay closed until they are asked for, and cover nothing.
function focusClosed(widget) {
  const { settings } = widget;
  const mayOpen = () => (settings.openOnFocus = true);
  const stayClosed = () => {
    widget.off("load", stayClosed);
    if (settings.openOnFocus) return;
    if (!widget.control_input.value) widget.close();
    setTimeout(mayOpen); // after the focus that Tom Select gave itself when it opened
  };
  settings.openOnFocus = false;
  widget.wrapper.addEventListener("pointerdown", mayOpen, { once: true });
  widget.on("load", stayClosed);
  widget.focus();
  if (!settings.load) setTimeout(mayOpen);
}

export async function start(select) {
  stylesheet("asset-tom-select-css");
  await script("asset-tom-select");
  if (!select.isConnected || select.tomselect) return;
  const hadFocus = document.activeElement === select;
  const { comboboxUrl: url, comboboxCreate: create } = select.dataset;
  const plugins = select.multiple || select.matches("input") || !select.required ? { remove_button: { title: word("remove") } } : {};
  const widget = new window.TomSelect(select, {
    plugins,
    create: create !== undefined,
    createOnBlur: create !== undefined,
    maxOptions: 200,
    hideSelected: select.multiple,
    closeAfterSelect: !select.multiple,
    preload: url ? "focus" : false,
    valueField: "value",
    labelField: "text",
    searchField: url ? [] : ["text"],
    load: url ? (query, done) => load(url, query).then(done, () => done()) : undefined,
    score: url ? () => () => 1 : undefined,
    onType: url ? function () { this.clearOptions((option) => this.items.includes(String(option.value))); } : undefined,
    render: {
      option: (data, escape) => row(escape, data),
      no_results: () => `<div class="no-results">${word("nothing")}</div>`,
      option_create: (data, escape) => `<div class="create">${word("create")} “${escape(data.input)}”</div>`,
    },
  });
  widget.control_input.setAttribute("autocomplete", "off");
  if (hadFocus) select.closest("dialog") ? widget.focus() : focusClosed(widget);
  // the label points at the widget now; the bare select is only the value
  if (select.matches("select")) select.setAttribute("aria-hidden", "true");
}

// A morph that restored the bare select removed the widget's markup: rebuild it.
document.addEventListener("htmx:afterSettle", () => {
  for (const select of document.querySelectorAll("[data-combobox]")) {
    if (!select.tomselect || select.tomselect.wrapper.isConnected) continue;
    delete select.tomselect;
    select.classList.remove("tomselected", "ts-hidden-accessible");
    start(select);
  }
});
