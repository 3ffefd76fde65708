// data-days on a date (or date and time) that is usually still to come: chips for the next days, and a line that understands
// "fri", "fri 14", "14 dec", "tomorrow", "in 2 weeks", "+3". The field itself stays the browser's own.

import { currentDay, dayWords, element, word } from "./lib.js";

const plus = (day, n) => new Date(day.getFullYear(), day.getMonth(), day.getDate() + n);
const iso = (day) => `${day.getFullYear()}-${String(day.getMonth() + 1).padStart(2, "0")}-${String(day.getDate()).padStart(2, "0")}`;
const starts = (names, text) => text.length > 1 && names.findIndex((name) => name.toLowerCase().startsWith(text));

function names(options, many, at) {
  return [...Array(many)].map((_one, n) => new Intl.DateTimeFormat("en", options).format(at(n)));
}
const WEEKDAYS = names({ weekday: "long" }, 7, (n) => new Date(2026, 0, 4 + n)); // from Sunday, as getDay() counts
const MONTHS = names({ month: "long" }, 12, (n) => new Date(2026, n, 1));

/** The day that words mean, seen from today; null for anything else. A day of a month or week that has passed is the next one. */
export function meant(text, today) {
  const words = text.toLowerCase().replace(/[.,]/g, " ").split(/\s+/).filter(Boolean);
  if (!words.length) return null;
  const [first, second] = words;
  if (first === "today") return today;
  if (first.length > 2 && "tomorrow".startsWith(first)) return plus(today, 1);
  const count = /^(?:in|\+)\s*(\d{1,3})\s*(d|w|m)?/.exec(words.join(" "));
  if (count) {
    const n = Number(count[1]);
    if (count[2] === "m") return new Date(today.getFullYear(), today.getMonth() + n, today.getDate());
    return plus(today, count[2] === "w" ? 7 * n : n);
  }
  const weekday = starts(WEEKDAYS, first);
  const number = Number(words.find((one) => /^\d{1,2}$/.test(one)));
  const month = words.map((one) => starts(MONTHS, one)).find((n) => n !== false && n >= 0);
  if (month !== undefined && number) {
    const day = new Date(today.getFullYear(), month, number);
    return day < today ? new Date(today.getFullYear() + 1, month, number) : day;
  }
  if (number && number <= 31 && (weekday === false || weekday < 0 || second)) {
    for (let n = 0; n < 400; n += 1) {
      const day = plus(today, n);
      if (day.getDate() === number && (weekday === false || weekday < 0 || day.getDay() === weekday)) return day;
    }
    return null;
  }
  if (weekday !== false && weekday >= 0) return plus(today, (weekday - today.getDay() + 7) % 7 || 7);
  return null;
}

export function start(field) {
  const today = currentDay();
  const hasTime = field.type === "datetime-local";
  const put = (day) => {
    field.value = hasTime ? `${iso(day)}T${field.value.split("T")[1] || "08:00"}` : iso(day);
    field.dispatchEvent(new Event("change", { bubbles: true }));
    follow();
  };
  const days = [hasTime ? null : today, plus(today, 1), plus(today, (5 - today.getDay() + 7) % 7 || 7), plus(today, (1 - today.getDay() + 7) % 7 || 7), plus(today, 14)];
  const chips = [...new Map(days.filter(Boolean).map((day) => [iso(day), day])).values()].sort((a, b) => a - b).map((day) => {
    const words = { [iso(today)]: word("today"), [iso(plus(today, 1))]: word("tomorrow") }[iso(day)] || dayWords(day, today);
    const chip = element("button", { type: "button", class: "chip", "data-day": iso(day) }, words);
    chip.addEventListener("click", () => put(day));
    return chip;
  });
  const line = element("input", { type: "text", class: "form-control day-words", placeholder: word("dayWords"), "aria-label": word("dayWordsLabel"), autocomplete: "off" });
  line.addEventListener("input", () => {
    const day = meant(line.value, today);
    if (day) put(day);
  });
  const follow = () => chips.forEach((chip) => chip.setAttribute("aria-pressed", String(chip.dataset.day === field.value.split("T")[0])));
  field.addEventListener("input", follow);
  field.after(element("div", { class: "chips day-chips" }, ...chips, line));
  follow();
}
