// What somebody is typing is theirs: no swap empties it, replaces it or takes the focus out of it.
//
// A field counts as typed in from its first change until its form is sent. A morph then leaves its value alone.

const typed = new WeakSet();

for (const type of ["input", "change"]) {
  document.addEventListener(type, ({ target }) => typed.add(target), true);
}
for (const type of ["submit", "reset"]) {
  document.addEventListener(type, ({ target }) => sent(target), true);
}

// What did not get through is still only here.
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (!detail.successful && detail.elt instanceof HTMLFormElement) for (const field of detail.elt.elements) typed.add(field);
});

/** The form is on its way: what is typed from here on is new. */
export function sent(form) {
  for (const field of form.elements) typed.delete(field);
}

export const isTypedIn = (element) => typed.has(element);
export const hasTyped = (form) => [...form.elements].some(isTypedIn);

const OF_THE_PERSON = new Set(["value", "checked", "selected"]);

export function guardMorphs() {
  if (!window.Idiomorph) return; // a page that swaps nothing
  window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) =>
    !(OF_THE_PERSON.has(name) && (typed.has(element) || typed.has(element.closest("select"))));
}
