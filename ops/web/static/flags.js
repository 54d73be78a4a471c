// Flag events as they come, filtered here; the newest first.

import { linkTo } from "./assets.js";
import { byId, fit, make, say, speak } from "./page.js";
import { count, fixed, time, words } from "./format.js";

const KEPT = 1000;
const SHOWN = 200;
const TYPES = new Set();

let events = [];
let seenTo = -1;
let held = false;
let asset = "";

export function startFlags() {
  byId("flags-form").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["flag-type", "flag-severity", "flag-asset"]) byId(id).addEventListener("change", draw);
  byId("pause").addEventListener("click", () => {
    held = !held;
    byId("pause").setAttribute("aria-pressed", String(held));
    say(byId("pause"), held ? "Go on" : "Hold");
    if (!held) draw();
  });
}

export function choose(name) {
  asset = name;
  if (byId("flag-asset").checked) draw();
}

/** Forget all events. */
export function restart() {
  events = [];
  seenTo = -1;
}

export function show(found) {
  const fresh = found.flags.filter((one) => one.number > seenTo);
  const first = seenTo < 0;
  seenTo = Math.max(seenTo, found.end);
  events = [...fresh, ...events].slice(0, KEPT);
  for (const one of fresh) {
    if (!TYPES.has(one.type)) addType(one.type);
    one.fresh = !first;
  }
  const urgent = fresh.find((one) => one.severity === "critical" && one.state !== "cleared");
  if (urgent && !first) speak(`${words(urgent.type)} ${urgent.state}, ${urgent.asset_id}`);
  if (!held) draw();
}

function addType(type) {
  TYPES.add(type);
  const option = make("option", { text: words(type) });
  option.value = type;
  const select = byId("flag-type");
  const after = [...select.options].slice(1).find((one) => one.text > option.text);
  select.insertBefore(option, after ?? null);
}

function draw() {
  const type = byId("flag-type").value;
  const severities = byId("flag-severity").value.split(",").filter(Boolean);
  const only = byId("flag-asset").checked ? asset : null;
  const chosen = events.filter((one) =>
    (!type || one.type === type) && (!severities.length || severities.includes(one.severity)) && (only === null || one.asset_id === only));
  say(byId("flags-count"), chosen.length === events.length ? count(events.length) : `${count(chosen.length)} of ${count(events.length)}`);
  byId("flags-empty").hidden = chosen.length > 0;
  say(byId("flags-empty"), events.length ? "None that the filter admits." : "No flags so far.");
  fit(byId("flags-list"), chosen.slice(0, SHOWN), newItem, update);
}

function newItem() {
  const item = make("li");
  const what = make("span");
  what.append(make("b"), " ", make("span", { kind: "soft" }));
  const where = make("span");
  where.append(make("a"));
  item.append(what, where, make("span", { kind: "soft" }), make("span", { kind: "soft" }));
  return item;
}

function update(item, one) {
  item.className = `${one.severity} ${one.state}${one.fresh ? " fresh" : ""}`;
  one.fresh = false;
  const [what, where, why, when] = item.children;
  say(what.children[0], words(one.type));
  say(what.children[1], one.state === "instant" ? "" : one.state);
  const link = where.firstElementChild;
  say(link, one.asset_id || `partition ${one.partition}`);
  if (one.asset_id) link.href = linkTo(one.asset_id);
  else link.removeAttribute("href");
  say(why, Object.entries(one.values).slice(0, 2).map(([name, value]) => `${words(name)} ${fixed(value, 2)}`).join(", "));
  say(when, time(one.at_ms));
  item.title = `${one.severity}, caused by partition ${one.partition}, offset ${one.offset}`;
}
