// Files are sent one by one, each with how far it is. `start(form)` for a form[data-upload]: choosing or dropping files sends them at
// once; without this module it is a plain form. The answer to each file is a row of the list, written by the server.

import { announce, csrfToken, element, icon } from "./lib.js";

const AT_ONCE = 2;

export function start(form) {
  const input = form.querySelector("input[type=file]");
  const list = form.querySelector("[data-upload-list]");
  const zone = form.closest("[data-drop-zone]") ?? form;
  const words = form.dataset;
  const waiting = [];
  let running = 0;

  form.classList.add("is-live");
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  // Dropping, anywhere on the tab
  let depth = 0;
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  zone.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    zone.classList.add("is-over");
  });
  zone.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (!depth) zone.classList.remove("is-over");
  });
  zone.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  zone.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    zone.classList.remove("is-over");
    take([...event.dataTransfer.files]);
  });

  window.addEventListener("beforeunload", (event) => {
    if (running || waiting.length) event.preventDefault();
  });

  function take(files) {
    for (const file of files) {
      const row = element("li", { class: "upload-row" });
      list.append(row);
      add(file, row);
    }
    list.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  function add(file, row) {
    if (file.size > Number(words.most)) return refuse(file, row, words.tooLarge, false);
    if (file.size === 0) return refuse(file, row, words.empty, false);
    const bar = element("progress", { class: "bar", max: "100", value: "0", "aria-label": file.name });
    const cancel = element("button", { type: "button", class: "btn btn-sm btn-quiet btn-icon", "aria-label": `${words.cancel}: ${file.name}` }, icon("x"));
    row.className = "upload-row";
    row.replaceChildren(icon("file-earmark"), element("span", { class: "upload-name" }, file.name), bar, cancel);
    const job = { file, row, bar, kind: form.elements.kind?.value ?? "" };
    cancel.addEventListener("click", () => {
      if (job.request) job.request.abort();
      else waiting.splice(waiting.indexOf(job), 1);
      row.remove();
    });
    waiting.push(job);
    next();
  }

  function next() {
    while (running < AT_ONCE && waiting.length) send(waiting.shift());
  }

  function send(job) {
    const data = new FormData();
    data.append("kind", job.kind);
    data.append(input.name, job.file);
    const request = (job.request = new XMLHttpRequest());
    running += 1;
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) job.bar.value = (event.loaded / event.total) * 100;
    });
    // all of it is there, and is being looked into
    request.upload.addEventListener("load", () => job.bar.removeAttribute("value"));
    request.addEventListener("load", () => settle(job, request));
    request.addEventListener("error", () => refuse(job.file, job.row, words.cut, true));
    request.addEventListener("loadend", () => {
      running -= 1;
      next();
    });
    request.open("POST", form.action);
    request.setRequestHeader("X-CSRFToken", csrfToken());
    request.setRequestHeader("HX-Request", "true");
    request.send(data);
  }

  function settle(job, request) {
    if (request.status === 401) return location.reload();
    if (request.status !== 200 && request.status !== 422) {
      return refuse(job.file, job.row, request.status === 413 ? words.tooLarge : words.failed, request.status !== 413);
    }
    const made = document.createElement("template");
    made.innerHTML = request.responseText.trim();
    const row = made.content.firstElementChild;
    job.row.replaceWith(row);
    if (row.dataset.announce) announce(row.dataset.announce);
    if (request.status === 200) document.body.dispatchEvent(new CustomEvent("documents-changed"));
  }

  function refuse(file, row, why, again) {
    row.className = "upload-row is-refused";
    row.replaceChildren(icon("exclamation-circle"), element("span", { class: "grow", role: "alert" }, `${file.name}: ${why}`));
    if (!again) return;
    const button = element("button", { type: "button", class: "btn btn-sm" }, words.again);
    button.addEventListener("click", () => add(file, row));
    row.append(button);
  }
}

// A form that htmx sends shows how far its file is: [data-upload-bar]
document.addEventListener("htmx:xhr:progress", ({ target, detail }) => {
  const bar = target.querySelector?.("[data-upload-bar]");
  if (!bar || !detail.lengthComputable) return;
  bar.hidden = false;
  bar.value = (detail.loaded / detail.total) * 100;
});
