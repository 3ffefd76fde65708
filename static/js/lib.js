// Small helpers every module shares.

/** The words of the page, translated on the server. */
export function word(key) {
  return document.getElementById("ui-strings")?.dataset[key] ?? "";
}

export function meta(name) {
  return document.querySelector(`meta[name="${name}"]`)?.content ?? "";
}

// A moment as every page writes it: in the person's own zone, not in the browser's.
const inZone = (moment, language, shape) => new Intl.DateTimeFormat(language, { ...shape, timeZone: meta("time-zone") || undefined }).format(moment);

export function hour(moment) {
  return inZone(moment, document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** The day that it is, at midnight of the browser's zone, in which days are counted. */
export function currentDay() {
  const [year, month, day] = inZone(new Date(), "sv", {}).split("-"); // Swedish days are ISO days
  return new Date(year, month - 1, day);
}

/** “Fri 27 Nov”, of another year with it. */
export function dayWords(day, today = currentDay()) {
  const year = day.getFullYear() === today.getFullYear() ? {} : { year: "numeric" };
  return new Intl.DateTimeFormat(document.documentElement.lang || "en", { weekday: "short", day: "numeric", month: "short", ...year }).format(day);
}

export function csrfToken() {
  return meta("csrf-token") || document.querySelector("input[name=csrfmiddlewaretoken]")?.value || "";
}

/** A same-origin POST of a form's data, or of plain pairs. */
export function post(url, data) {
  const body = data instanceof FormData ? data : new URLSearchParams(data);
  const headers = { "X-CSRFToken": csrfToken(), "HX-Request": "true", "HX-Current-URL": location.href };
  return fetch(url, { method: "POST", body, credentials: "same-origin", headers });
}

export function debounce(fn, wait) {
  let timer;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => fn(...args), wait);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}

/** True where a key belongs to what is being typed. */
export function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], .ts-control") !== null;
}

export function isVisible(element) {
  return element.checkVisibility ? element.checkVisibility({ visibilityProperty: true }) : element.offsetParent !== null;
}

export function announce(text) {
  const region = document.getElementById("announcer");
  if (!region || !text) return;
  region.textContent = "";
  requestAnimationFrame(() => (region.textContent = text));
}

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${meta("asset-icons")}#${name}`);
  svg.append(use);
  return svg;
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Runs `start(element)` once for each match, now and after each htmx swap. */
export function each(selector, start) {
  const seen = new WeakSet();
  const scan = () => {
    for (const found of document.querySelectorAll(selector)) {
      if (seen.has(found)) continue;
      seen.add(found);
      start(found);
    }
  };
  scan();
  document.addEventListener("htmx:afterSettle", scan);
  document.addEventListener("ui:scan", scan);
}

const loading = new Map();

/** A vendored script, fetched when a page first needs it; `key` is the name of its <meta>. */
export function script(key) {
  if (!loading.has(key)) {
    loading.set(
      key,
      new Promise((resolve, reject) => {
        const tag = element("script", { src: meta(key) });
        tag.addEventListener("load", resolve);
        tag.addEventListener("error", reject);
        document.head.append(tag);
      }),
    );
  }
  return loading.get(key);
}

export function stylesheet(key) {
  const href = meta(key);
  if (document.querySelector(`link[href="${href}"]`)) return;
  // before our own sheets, so that ours win
  document.querySelector('link[rel="stylesheet"]').before(element("link", { rel: "stylesheet", href }));
}
