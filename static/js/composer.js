// The composer: words follow the chosen channel, chips show what is set inside them, one key writes a note or a call.

import { dayWords } from "./lib.js";
import { openPalette } from "./palette.js";

const form = (element) => element.closest?.("form[data-composer]");

function follow(composer) {
  const chosen = composer.querySelector("[name=channel]:checked");
  if (!chosen) return;
  for (const part of composer.querySelectorAll("[data-channels]")) {
    part.hidden = !part.dataset.channels.split(" ").includes(chosen.value);
  }
  const submit = composer.querySelector("[data-composer-submit]");
  if (submit && chosen.dataset.submit) submit.textContent = chosen.dataset.submit;
  const text = composer.querySelector("textarea");
  if (text && chosen.dataset.placeholder) text.placeholder = chosen.dataset.placeholder;
}

const day = (iso) => dayWords(new Date(`${iso}T00:00`));

/** “Today 14:02”, or the day in words; the field says which day is today in the user's zone. */
function moment(field) {
  const [date, time] = field.value.split("T");
  return `${date === field.dataset.today ? field.dataset.todayWord : day(date)} ${time.slice(0, 5)}`;
}

/** A chip menu: <details class="menu chip-menu"> with a <summary class="chip" data-chip="Positive">; says what its fields hold. */
function tell(chip) {
  const summary = chip.querySelector("summary");
  const holder = summary?.querySelector("[data-chip-text]");
  if (!holder) return;
  const parts = [];
  const needed = chip.querySelector("[data-chip-needed]");
  for (const field of needed && !needed.value.trim() ? [] : chip.querySelectorAll("input, select, textarea")) {
    if (field.type === "hidden" || field.hasAttribute("data-chip-not") || (["checkbox", "radio"].includes(field.type) && !field.checked)) continue;
    if (field.tagName === "SELECT") parts.push(...[...field.selectedOptions].filter((option) => option.value).map((option) => option.text.trim()));
    else if (["checkbox", "radio"].includes(field.type)) parts.push(field.value ? (field.labels?.[0]?.textContent ?? "").trim() : "");
    else if (field.type === "datetime-local" && field.value) parts.push(moment(field));
    else if (field.type === "date" && field.value) parts.push(day(field.value));
    else if (field.value) parts.push(field.dataset.chipSuffix ? `${field.value} ${field.dataset.chipSuffix}` : field.value.replace("T", " "));
  }
  const said = parts.filter(Boolean).join(" · ");
  holder.textContent = said ? `${holder.dataset.chipPrefix ?? ""}${said}` : holder.dataset.chipText;
  summary.classList.toggle("is-set", Boolean(said) && !summary.hasAttribute("data-chip-quiet"));
}

document.addEventListener("change", (event) => {
  const composer = form(event.target);
  if (!composer) return;
  if (event.target.name === "channel") {
    follow(composer);
    const more = composer.querySelector("[data-composer-more]");
    if (more) tell(more);
    if (byPointer) {
      more?.removeAttribute("open");
      composer.querySelector("textarea")?.focus();
    }
  }
  const chip = event.target.closest(".chip-menu");
  if (chip) tell(chip);
});

// A click on a kind goes on to the text; the arrow keys and first letters stay among the kinds until Tab.
let byPointer = false;
document.addEventListener("pointerdown", (event) => (byPointer = Boolean(event.target.closest?.("form[data-composer]"))), true);
document.addEventListener("keydown", (event) => {
  byPointer = false;
  const composer = event.target.closest?.("form[data-composer]");
  if (!composer || !event.target.closest(".composer-tabs") || event.ctrlKey || event.metaKey || event.altKey || !/^\p{L}$/u.test(event.key)) return;
  const all = [...composer.querySelectorAll("[name=channel]")];
  const from = all.findIndex((item) => item.checked) + 1;
  const wanted = [...all.slice(from), ...all.slice(0, from)].find((item) => item.labels?.[0]?.textContent.trim().toLowerCase().startsWith(event.key.toLowerCase()));
  event.preventDefault();
  if (!wanted) return;
  wanted.closest("details:not([open])")?.setAttribute("open", "");
  wanted.focus();
  wanted.checked = true;
  wanted.dispatchEvent(new Event("change", { bubbles: true }));
}, true);

/** An opened chip is typed into at once: its chosen or first field has the focus, else letters would be shortcuts of the page. */
function enter(chip) {
  const fields = [...chip.querySelectorAll(":scope > .menu-list :is(input:not([type=hidden]), select, textarea)")].filter((field) => field.checkVisibility());
  (fields[0]?.type === "radio" ? fields.find((field) => field.checked) ?? fields[0] : fields[0])?.focus({ preventScroll: true });
}

// Opened by hand, not left to the browser: its toggle event comes too late for the first letter.
document.addEventListener("click", (event) => {
  const chip = event.target.closest?.("form[data-composer] .chip-menu > summary")?.parentElement;
  if (!chip || chip.open) return;
  event.preventDefault();
  chip.open = true;
  enter(chip);
});

document.addEventListener("htmx:afterSettle", (event) => {
  const chip = event.target.closest?.("form[data-composer] .chip-menu[open]");
  if (chip && (document.activeElement === document.body || document.activeElement === chip.querySelector("summary"))) enter(chip);
});

// What is typed without touching a chip (a restored draft, an option list that came later) is told as well.
document.addEventListener("input", (event) => {
  const chip = form(event.target) && event.target.closest(".chip-menu");
  if (chip) tell(chip);
});

// "Log" in the phone's bar: the composer of this page, else the search for the client it is about.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-log]");
  if (!link) return;
  event.preventDefault();
  const text = document.querySelector("form[data-composer] textarea");
  if (text) {
    text.scrollIntoView({ block: "center" });
    text.focus();
  } else {
    openPalette();
  }
});

// The channel's own fields must not hide an error the server found in them.
function start() {
  for (const composer of document.querySelectorAll("form[data-composer]")) {
    follow(composer);
    composer.querySelectorAll(".chip-menu").forEach(tell);
    for (const wrong of composer.querySelectorAll("[aria-invalid=true]")) {
      wrong.closest("[data-channels]")?.removeAttribute("hidden");
      wrong.closest("details")?.setAttribute("open", "");
    }
  }
}
document.addEventListener("htmx:afterSettle", start);
start();
