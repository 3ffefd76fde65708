// <details data-menu>: one open at a time, closed by Esc, by a click outside and by choosing; arrows move inside.
// The list is placed against the window, so that no scrolling box cuts it off. A menu that repeats on a page has its list in
// one <template>, named by data-menu-from; it is copied when the menu opens, with {id} from data-menu-id, without the
// data-only parts that data-menu-flags does not name.

const open = () => document.querySelectorAll("details[data-menu][open]");

function close(menu, refocus = false) {
  menu.removeAttribute("open");
  if (refocus) menu.querySelector("summary").focus();
}

function place(menu) {
  const list = menu.querySelector(":scope > .menu-list, :scope > .explain-body");
  if (!list || menu.classList.contains("user-menu")) return;
  list.style.position = "fixed";
  const anchor = menu.querySelector("summary").getBoundingClientRect();
  const { width, height } = list.getBoundingClientRect();
  const start = menu.classList.contains("menu-start");
  const left = start ? anchor.left : anchor.right - width;
  const below = anchor.bottom + 4;
  const top = below + height > window.innerHeight - 8 && anchor.top - 4 - height > 8 ? anchor.top - 4 - height : below;
  list.style.inset = "auto";
  list.style.left = `${Math.max(8, Math.min(left, window.innerWidth - width - 8))}px`;
  list.style.top = `${top}px`;
}

function fill(menu) {
  const source = document.getElementById(menu.dataset.menuFrom ?? "");
  if (!source || menu.querySelector(":scope > .menu-list")) return;
  menu.insertAdjacentHTML("beforeend", source.innerHTML.replaceAll("{id}", menu.dataset.menuId));
  const flags = menu.dataset.menuFlags.split(" ");
  for (const part of menu.querySelectorAll("[data-only]")) if (!flags.includes(part.dataset.only)) part.remove();
  window.htmx.process(menu);
}

document.addEventListener(
  "toggle",
  (event) => {
    const menu = event.target;
    if (!(menu instanceof HTMLDetailsElement) || !menu.hasAttribute("data-menu") || !menu.open) return;
    for (const other of open()) if (other !== menu && !other.contains(menu)) close(other);
    fill(menu);
    place(menu);
  },
  true,
);

document.addEventListener("click", (event) => {
  for (const menu of open()) {
    const inside = menu.contains(event.target);
    const chosen = inside && !menu.hasAttribute("data-menu-stay") && event.target.closest(".menu-list :is(a, button)");
    if (!inside || chosen) close(menu);
  }
});

document.addEventListener("keydown", (event) => {
  const menu = event.target instanceof Element ? event.target.closest("details[data-menu][open]") : null;
  if (event.key === "Escape") {
    const last = menu ?? [...open()].at(-1);
    if (last) {
      event.preventDefault();
      close(last, true);
    }
    return;
  }
  if (!menu || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
  if (event.target.closest("input, textarea, select")) return;
  const items = [...menu.querySelectorAll(".menu-list :is(a, button, input, select)")].filter((item) => item.checkVisibility());
  if (!items.length) return;
  event.preventDefault();
  const here = items.indexOf(document.activeElement);
  const next = { ArrowDown: here + 1, ArrowUp: here < 0 ? items.length - 1 : here - 1, Home: 0, End: items.length - 1 }[event.key];
  items[(next + items.length) % items.length].focus();
});

// A fixed list would stay behind when the page moves.
for (const type of ["scroll", "resize"]) {
  window.addEventListener(type, (event) => {
    for (const menu of open()) if (!(event.target instanceof Node && menu.contains(event.target)) && !menu.hasAttribute("data-menu-stay")) place(menu);
  }, { capture: true, passive: true });
}
