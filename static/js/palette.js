// Search and commands on Ctrl/⌘ K. The server makes the list (`?q=…&fragment=palette`); without script it is /search/.
// The list comes in steps, each of which names the next: names first, then texts, then similar names. An answer to what was typed before is dropped.
// data-palette-fill on an entry: choosing it goes on typing with this text ("Log a call …" asks with whom); on a link of a page it
// opens the palette with it.

import { debounce, isVisible, word } from "./lib.js";

const palette = document.getElementById("palette");
const input = document.getElementById("palette-input");
const results = document.getElementById("palette-results");
const status = document.getElementById("palette-status");
let asked = null;
let busy = 0;

const options = () => [...results.querySelectorAll("[role=option]:not([aria-disabled])")];

function choose(index) {
  const all = options();
  all.forEach((option) => option.setAttribute("aria-selected", "false"));
  const option = all[(index + all.length) % all.length];
  if (!option) {
    input.removeAttribute("aria-activedescendant");
    return;
  }
  option.id ||= `palette-option-${all.indexOf(option)}`;
  option.setAttribute("aria-selected", "true");
  option.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", option.id);
}

function showBusy(isBusy) {
  clearTimeout(busy);
  if (isBusy) busy = setTimeout(() => palette.classList.add("is-busy"), 150);
  else palette.classList.remove("is-busy");
  results.setAttribute("aria-busy", String(isBusy));
}

async function ask(url, signal) {
  const answer = await fetch(url, { headers: { "HX-Request": "true" }, credentials: "same-origin", signal });
  if (!answer.ok || answer.redirected) throw new Error(`palette: ${answer.status}`);
  const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
  const next = parsed.querySelector("[data-palette-next]");
  next?.remove();
  return { nodes: [...parsed.body.childNodes], next: next?.dataset.paletteNext };
}

async function fetchResults() {
  asked?.abort();
  const mine = (asked = new AbortController());
  const url = new URL(palette.dataset.searchUrl, location.origin);
  url.searchParams.set("q", input.value.trim());
  url.searchParams.set("fragment", "palette");
  showBusy(true);
  try {
    let part = await ask(url, mine.signal);
    if (mine !== asked) return;
    results.replaceChildren(...part.nodes);
    addPageCommands();
    choose(0);
    while (part.next) {
      part = await ask(part.next, mine.signal);
      if (mine !== asked) return;
      addPart(part.nodes);
    }
    sayHowMany();
    showBusy(false);
  } catch (error) {
    if (error.name === "AbortError" || mine !== asked) return;
    showBusy(false);
    if (!options().length) results.replaceChildren(Object.assign(document.createElement("div"), { className: "palette-empty", textContent: word("failed") }));
  }
}

// What comes later stands below, and leaves the choice where it is.
function addPart(nodes) {
  const hadNone = !options().length;
  results.append(...nodes);
  if (options().length) results.querySelectorAll(".palette-empty").forEach((empty) => empty.remove());
  if (hadNone) choose(0);
}

function sayHowMany() {
  const n = options().length;
  if (status) status.textContent = input.value.trim() ? (n ? `${n} ${word("results")}` : word("nothing")) : "";
}

// What this very page can do: its buttons whose words match what is typed.
function addPageCommands() {
  const typed = input.value.trim().toLowerCase();
  if (!typed) return;
  const known = new Set(options().map((option) => option.href));
  const found = [...document.querySelectorAll(".page-actions a.btn")]
    .filter((link) => link.textContent.trim().toLowerCase().includes(typed) && !known.has(link.href))
    .slice(0, 5);
  if (!found.length) return;
  results.querySelector(".palette-empty")?.remove();
  for (const link of found) {
    const option = document.createElement("a");
    option.className = "palette-item";
    option.href = link.href;
    if (link.dataset.paletteFill) option.dataset.paletteFill = link.dataset.paletteFill;
    option.setAttribute("role", "option");
    const text = [...link.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent).join(" ").trim();
    const mark = link.querySelector(".icon")?.cloneNode(true);
    const words = Object.assign(document.createElement("span"), { className: "grow", textContent: text });
    option.append(...[mark, words].filter(Boolean));
    results.append(option);
  }
}

const soon = debounce(fetchResults, 120);

export function openPalette(text = "") {
  if (!palette || palette.open) return;
  input.value = text;
  results.replaceChildren();
  if (status) status.textContent = "";
  palette.showModal();
  input.focus();
  fetchResults();
}

if (palette) {
  input.addEventListener("input", soon);
  palette.addEventListener("close", () => {
    soon.cancel();
    asked?.abort();
    showBusy(false);
  });
  results.addEventListener("click", (event) => {
    const chosen = event.target.closest("[role=option]");
    if (chosen?.dataset.paletteFill) {
      event.preventDefault();
      input.value = chosen.dataset.paletteFill;
      input.focus();
      fetchResults();
    } else if (chosen?.matches("[data-dialog-remote]")) {
      palette.close();
    }
  });
  palette.addEventListener("keydown", (event) => {
    const all = options();
    const here = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(here + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && event.target === input) {
      event.preventDefault();
      const target = all[here];
      if (target?.href && (event.ctrlKey || event.metaKey)) window.open(target.href, "_blank", "noopener");
      else if (target) target.click();
      else if (input.value.trim()) location.assign(`${palette.dataset.searchUrl}?q=${encodeURIComponent(input.value.trim())}`);
    }
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-palette-fill]");
    if (!link || palette.contains(link) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openPalette(link.dataset.paletteFill);
  });

  // The search boxes stay ordinary forms; with script they open the palette.
  for (const type of ["mousedown", "click"]) {
    document.addEventListener(type, (event) => {
      const opener = event.target.closest?.("[data-palette-open]");
      if (!opener || !isVisible(opener)) return;
      event.preventDefault();
      if (type === "click") openPalette(opener.value ?? "");
    });
  }
  document.addEventListener("input", (event) => {
    if (!event.target.matches?.("[data-palette-open]")) return;
    const typed = event.target.value;
    event.target.value = "";
    openPalette(typed);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    event.preventDefault();
    palette.open ? palette.close() : openPalette();
  });
}
