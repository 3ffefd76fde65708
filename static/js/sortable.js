// data-sortable-url on a list: rows ([data-id]) dragged by their .drag-handle; the order is posted as ids=…&ids=….
// data-sortable-group joins lists: the list's own data-list-id is posted as `list`, a row's data-version as `version`. data-sortable-fixed:
// rows change lists, not their order. data-sortable-ask: the dialog that a drag to this list opens, {id} for the row's. A menu does the same without dragging. A refusal (409) says why in its `text`, or names the dialog that asks (`ask`).

import { openRemote } from "./dialogs.js";
import { announce, post, script, word } from "./lib.js";
import { toast } from "./toasts.js";

export async function start(list) {
  await script("asset-sortable");
  if (!list.isConnected) return;
  window.Sortable.create(list, {
    group: list.dataset.sortableGroup || undefined,
    sort: list.dataset.sortableFixed === undefined,
    handle: list.querySelector(".drag-handle") ? ".drag-handle" : undefined,
    draggable: "[data-id]",
    animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 120,
    ghostClass: "sortable-ghost",
    dragClass: "is-dragging",
    onEnd: ({ item, from, to, oldIndex, newIndex }) => {
      if (from === to && oldIndex === newIndex) return;
      const back = () => from.insertBefore(item, from.children[oldIndex] ?? null);
      if (from !== to && to.dataset.sortableAsk) return ask(to, item, back);
      save(to, item, back);
    },
  });
}

// A drag leaves empty style attributes, which htmx would copy onto the new cards, and the page's policy refuses.
document.addEventListener("htmx:beforeSwap", () => {
  for (const row of document.querySelectorAll("[data-sortable-url] > [data-id][style]")) row.removeAttribute("style");
});

function told({ text, undo }) {
  if (text && undo) toast({ text, undo_url: undo });
}

// The card stays where it was until the dialog has what the move needs.
function ask(list, item, back) {
  back();
  const query = new URLSearchParams({ to: list.dataset.listId, was: item.dataset.version });
  openRemote(`${list.dataset.sortableAsk.replace("{id}", item.dataset.id)}&${query}`);
}

async function save(list, item, back) {
  const data = new URLSearchParams();
  for (const row of list.querySelectorAll(":scope > [data-id]")) data.append("ids", row.dataset.id);
  data.append("moved", item.dataset.id);
  if (list.dataset.listId) data.append("list", list.dataset.listId);
  if (!list.dataset.sortableUrl) {
    list.dispatchEvent(new Event("sorted", { bubbles: true })); // the form around it sends the order
    return;
  }
  if (item.dataset.version) data.append("version", item.dataset.version);
  const done = () => list.dataset.sortableDone && window.htmx.trigger(document.body, list.dataset.sortableDone);
  try {
    const answer = await post(list.dataset.sortableUrl, data);
    if (answer.status === 409) {
      back();
      const refusal = await answer.json();
      if (refusal.ask) return openRemote(refusal.ask);
      toast({ text: refusal.text, tone: "red" });
      return done();
    }
    if (!answer.ok) throw new Error(String(answer.status));
    announce(word("moved"));
    if (answer.headers.get("content-type")?.includes("json")) told(await answer.json());
    done();
  } catch {
    back();
    toast({ text: word("failed"), tone: "red" });
  }
}
