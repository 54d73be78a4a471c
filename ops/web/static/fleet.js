// The fleet: the tiles of the head, and the partitions.

import { byId, fit, make, say } from "./page.js";
import { count, seconds } from "./format.js";

const SLOW_RECORDS = 10000;
const OLD_S = 60;

export function show(found) {
  const picture = found.picture;
  if (!picture) return;
  const parts = picture.partitions;
  const sum = (name) => parts.reduce((total, one) => total + one[name], 0);
  const orphans = parts.filter((one) => !one.worker).length;
  const ages = parts.map((one) => one.snapshot_age_s).filter((age) => age != null);
  const stable = picture.state === "STABLE";
  const pill = byId("state");
  pill.className = `pill ${orphans ? "bad" : stable ? "good" : "warn"}`;
  say(pill, orphans && stable ? "partitions without a worker" : picture.state.toLowerCase().replace(/_/g, " "));
  tile("rate", count(sum("ticks_per_s")));
  tile("lag", count(sum("lag_records")), sum("lag_records") > SLOW_RECORDS ? "bad" : "");
  tile("workers", count(picture.members.length), picture.members.length ? "" : "bad");
  tile("partitions", orphans ? `${parts.length - orphans} of ${parts.length}` : count(parts.length), orphans ? "bad" : "");
  tile("snapshot", ages.length ? seconds(Math.max(...ages)) : "none");
  const flags = Object.values(picture.flags).reduce((total, one) => total + one, 0);
  say(byId("fleet-note"), `${count(flags)} flags raised since this page's server began`);
  fit(byId("fleet-rows"), parts, newRow, (row, one) => {
    const [number, worker, rate, lag, age, unsaved] = row.children;
    say(number, String(one.partition));
    say(worker, one.worker || "nobody");
    worker.className = one.worker ? "" : "bad";
    say(rate, count(one.ticks_per_s));
    say(lag, count(one.lag_records));
    lag.className = one.lag_records > SLOW_RECORDS ? "n bad" : "n";
    say(age, seconds(one.snapshot_age_s));
    age.className = one.snapshot_age_s > OLD_S && one.unsaved_records > 0 ? "n warn" : "n";
    say(unsaved, count(one.unsaved_records));
  });
}

/** How the page's own server is. */
export function showStatus(status) {
  say(byId("group"), status.group);
  document.title = `${status.group} · TickFleet`;
  tile("assets", count(status.assets));
  const node = byId("tile-assets");
  const full = status.assets >= status.most_assets;
  node.title = `${count(status.results)} results shown, ${count(status.left_out)} passed over` +
    (full ? `; no more than ${count(status.most_assets)} assets are followed` : "");
  problem(Object.values(status.problems)[0] ?? "");
}

/** What does not answer; empty hides it. */
export function problem(text) {
  byId("problem").hidden = !text;
  say(byId("problem"), text);
}

function tile(name, text, kind = "") {
  const node = byId(`tile-${name}`);
  say(node, text);
  node.className = kind;
}

function newRow() {
  const row = make("tr");
  row.append(make("td", { kind: "n" }), make("td"));
  for (let n = 0; n < 4; n += 1) row.append(make("td", { kind: "n" }));
  return row;
}
