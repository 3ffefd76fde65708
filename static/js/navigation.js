// The numbers of the navigation after a change on the open page: the event `navNumbers` gives {key: [number, tone]}; what is not named has none.

import { element } from "./lib.js";

const MANY = 99; // as nav_items.html

document.addEventListener("navNumbers", ({ detail }) => {
  for (const item of document.querySelectorAll("[data-nav]")) {
    const [number, tone] = detail.numbers[item.dataset.nav] ?? [0, ""];
    item.querySelector(".nav-count")?.remove();
    if (number) item.append(element("span", { class: `nav-count${tone ? ` nav-count-${tone}` : ""}` }, number > MANY ? `${MANY}+` : String(number)));
  }
});
