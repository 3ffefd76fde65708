// The numbers of the navigation after a change on the open page: the event `navNumbers` gives {key: [words, tone]}; what is not named has none.

import { element } from "./lib.js";

document.addEventListener("navNumbers", ({ detail }) => {
  for (const item of document.querySelectorAll("[data-nav]")) {
    const [words, tone] = detail.numbers[item.dataset.nav] ?? [];
    item.querySelector(".nav-count")?.remove();
    if (words) item.append(element("span", { class: `nav-count${tone ? ` nav-count-${tone}` : ""}` }, words));
  }
});

// The current tab is in sight where the tabs are wider than the screen; the page itself does not move.
for (const tabs of document.querySelectorAll("nav.tabs")) {
  const current = tabs.querySelector("[aria-current]");
  if (current) tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
}
