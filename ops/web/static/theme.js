// Light, dark, or as the system has it. Colours for canvases are read from the style sheet.

import { byId, say } from "./page.js";

const ORDER = ["system", "light", "dark"];
const dark = matchMedia("(prefers-color-scheme: dark)");
const listeners = [];
const known = new Map();

function apply() {
  const chosen = localStorage.getItem("theme") ?? "system";
  document.documentElement.dataset.theme = chosen;
  known.clear();
  say(byId("theme"), `Theme: ${chosen}`);
  listeners.forEach((tell) => tell());
}

/** The colour that a variable of the style sheet stands for now, as a canvas understands it. */
export function colour(name) {
  if (!known.has(name)) {
    const probe = byId("theme");
    probe.style.outlineColor = `var(${name})`;
    known.set(name, getComputedStyle(probe).outlineColor);
    probe.style.outlineColor = "";
  }
  return known.get(name);
}

/** Be told when the colours have changed. */
export const onTheme = (tell) => listeners.push(tell);

export function startTheme() {
  byId("theme").addEventListener("click", () => {
    const chosen = localStorage.getItem("theme") ?? "system";
    localStorage.setItem("theme", ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length]);
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
}
