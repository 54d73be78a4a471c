// The list of assets: searched and sorted by the server, so that thousands cost nothing here.

import { byId, fit, make, say } from "./page.js";
import { fixed, percent, price, count } from "./format.js";
import { spark } from "./chart.js";

const EVERY_MS = 2000;
const STEP = 50;
// What the last column shows for each order.
const MEASURES = {
  worst: ["mean error", (one) => `${fixed(one.mean_error, 2)} s.d.`],
  alarm: ["CUSUM", (one) => `${fixed((one.alarm_share ?? 0) * 100, 0)}%`],
};
const CHANGE = ["change", (one) => percent(one.change)];

let limit = STEP;
let chosen = "";
let timer = 0;
let asked = 0;

export const linkTo = (asset) => `#asset=${encodeURIComponent(asset)}`;

export function startAssets() {
  byId("assets-form").addEventListener("submit", (event) => event.preventDefault());
  byId("search").addEventListener("input", () => again(STEP));
  byId("sort").addEventListener("change", () => again(STEP));
  byId("more").addEventListener("click", () => again(limit + STEP));
  byId("assets-rows").addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row) location.hash = linkTo(row.dataset.asset);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea, canvas");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      byId("search").focus();
    } else if (["j", "k", "ArrowDown", "ArrowUp"].includes(event.key) && !typing) {
      const inList = byId("assets").contains(event.target);
      if (event.key.length > 1 && !inList) return;
      event.preventDefault();
      step(event.key === "j" || event.key === "ArrowDown" ? 1 : -1);
    }
  });
  document.addEventListener("visibilitychange", () => document.hidden || again(limit));
  again(STEP);
}

/** Mark the chosen asset in the list. */
export function choose(asset) {
  chosen = asset;
  mark();
}

function mark() {
  for (const row of byId("assets-rows").children) {
    const here = row.dataset.asset === chosen;
    row.classList.toggle("chosen", here);
    const link = row.querySelector("a");
    if (here) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function step(by) {
  const rows = [...byId("assets-rows").children];
  const at = rows.findIndex((row) => row.dataset.asset === chosen);
  const row = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (!row) return;
  location.hash = linkTo(row.dataset.asset);
  row.querySelector("a").focus();
}

function again(wanted) {
  limit = wanted;
  clearTimeout(timer);
  load();
}

async function load() {
  const sort = byId("sort").value;
  const mine = (asked += 1);
  const query = new URLSearchParams({ search: byId("search").value, sort, limit });
  try {
    const answer = await fetch(`/api/assets?${query}`);
    if (answer.ok && mine === asked) show(await answer.json(), sort);
  } catch {
    // The stream tells that the connection is lost; the list stays as it was.
  }
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(load, EVERY_MS);
}

function show(found, sort) {
  const [title, measure] = MEASURES[sort] ?? CHANGE;
  say(byId("measure"), title);
  say(byId("assets-count"), found.matching === found.followed ? count(found.followed) : `${count(found.matching)} of ${count(found.followed)}`);
  byId("more").hidden = found.assets.length >= found.matching;
  byId("assets-empty").hidden = found.assets.length > 0;
  say(byId("assets-empty"), found.followed ? "No asset has this in its name." : "Waiting for the first results.");
  fit(byId("assets-rows"), found.assets, newRow, (row, one) => {
    const direction = one.change > 0 ? "up" : one.change < 0 ? "down" : "";
    row.dataset.asset = one.asset_id;
    const [name, picture, last, move] = row.children;
    const link = name.firstElementChild;
    say(link, one.asset_id);
    link.href = linkTo(one.asset_id);
    link.title = one.flags.length ? `${one.asset_id}: ${one.flags.join(", ")}` : one.asset_id;
    link.dataset.mark = one.flags.some((flag) => flag !== "warming_up") ? "●" : "";
    spark(picture.firstElementChild, one.spark, direction === "down" ? "--bad" : direction ? "--good" : "--soft");
    say(last, price(one.price, one.scale));
    say(move, measure(one));
    move.className = title === "change" ? `n ${direction}` : one.alarm_share >= 0.8 && sort === "alarm" ? "n warn" : "n";
  });
  mark();
  // Whoever opens the page sees something at once.
  if (!location.hash && found.assets.length) location.replace(linkTo(found.assets[0].asset_id));
}

function newRow() {
  const row = make("tr");
  const name = make("td");
  name.append(make("a"));
  const picture = make("td");
  const canvas = make("canvas");
  canvas.setAttribute("aria-hidden", "true");
  picture.append(canvas);
  row.append(name, picture, make("td", { kind: "n" }), make("td", { kind: "n" }));
  return row;
}
