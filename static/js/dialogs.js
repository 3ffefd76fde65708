// Native dialogs. data-dialog-open="id" opens one of the page; data-dialog-remote on a link fetches its page's form
// into the shared dialog. Without script both are ordinary links.

const remote = () => document.getElementById("remote-dialog");

document.addEventListener("click", (event) => {
  const closer = event.target.closest("[data-dialog-close]");
  if (closer) {
    event.preventDefault();
    closer.closest("dialog")?.close();
    return;
  }
  if (event.target instanceof HTMLDialogElement && event.target.open && isOutside(event)) {
    event.target.close();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const opener = event.target.closest("[data-dialog-open]");
  const dialog = opener && document.getElementById(opener.dataset.dialogOpen);
  if (dialog) {
    event.preventDefault();
    opener.closest("details[open]")?.removeAttribute("open");
    dialog.showModal();
    dialog.querySelector("[data-autofocus]")?.focus();
    return;
  }
  const link = event.target.closest("[data-dialog-remote]");
  if (link && remote()) {
    event.preventDefault();
    link.closest("details[open]")?.removeAttribute("open");
    openRemote(link.dataset.dialogRemote || link.href, link);
  }
});

function isOutside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

/** Shows `url` in the shared dialog; its answer is a fragment (header HX-Target: remote-dialog-body). */
export async function openRemote(url, source = document.body) {
  await window.htmx.ajax("GET", url, { target: "#remote-dialog-body", swap: "innerHTML", source });
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target?.id !== "remote-dialog-body" || remote().open) return;
  const heading = detail.target.querySelector("h1, h2");
  if (heading) {
    heading.id ||= "remote-dialog-title";
    remote().setAttribute("aria-labelledby", heading.id);
  }
  remote().showModal();
  detail.target.querySelector("[data-autofocus], input:not([type=hidden]), select, textarea")?.focus();
});

// The server closes it: HX-Trigger: {"closeDialog": true}
document.addEventListener("closeDialog", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});

document.addEventListener("close", (event) => {
  if (event.target === remote()) document.getElementById("remote-dialog-body").replaceChildren();
}, true);
