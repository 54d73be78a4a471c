// The chosen asset: its newest numbers and four charts with one cursor.

import { Chart } from "./chart.js";
import { byId, fit, make, say } from "./page.js";
import { fixed, percent, price, time, words } from "./format.js";
import { onTheme } from "./theme.js";

const KEPT = 480;
const BACK_MS = 30000;
const KERNELS = ["A", "B", "C", "D"];
const MODES = { Standard: "good", Robust: "warn", Emergency: "bad" };
const SEVERITY = { critical: "--bad", warning: "--warn", info: "--soft" };

let points = null;
let asset = "";

const scaleOf = (data) => data.scale[data.scale.length - 1];
const charts = [
  new Chart({
    title: "Price",
    tall: true,
    times: true,
    lines: [
      { name: "price", key: (d) => d.price, colour: "--price", width: 1.2 },
      // Under the price, and wider: what shows is where they differ.
      { name: "forecast of the next", key: (d) => d.predicted_price, colour: "--forecast", width: 2.6 },
      { name: "location", key: (d) => d.location, colour: "--location", width: 1.1 },
    ],
    band: {
      name: "± scale",
      colour: "--band",
      low: (d) => d.location.map((value, n) => (value == null ? null : value - d.scale[n])),
      high: (d) => d.location.map((value, n) => (value == null ? null : value + d.scale[n])),
    },
    format: (value, data) => price(value, scaleOf(data)),
  }, point),
  new Chart({
    title: "Hölder exponent",
    lines: [{ name: "H", key: (d) => d.holder_exponent, colour: "--k3" }],
    format: (value) => fixed(value, 3),
  }, point),
  new Chart({
    title: "Weights",
    lines: KERNELS.map((name, n) => ({ name, key: (d) => d.weights.map((w) => w[n]), colour: `--k${n}` })),
    floor: 0,
    ceiling: 0.5,
    format: (value) => fixed(value, 2),
  }, point),
  new Chart({
    title: "CUSUM",
    times: true,
    lines: [
      { name: "G+", key: (d) => d.cusum_drift, colour: "--k1" },
      { name: "threshold", key: (d) => d.adaptive_threshold, colour: "--bad", dash: [5, 3], width: 1.1 },
    ],
    floor: 0,
    format: (value) => fixed(value, 2),
  }, point),
];

function point(ms) {
  charts.forEach((chart) => chart.point(ms));
}

export function startDetail() {
  byId("charts").append(...charts.map((chart) => chart.figure));
  byId("charts").hidden = true;
  onTheme(() => charts.forEach((chart) => chart.draw()));
}

/** Another asset: forget the points of the one before. */
export function choose(name) {
  asset = name;
  points = null;
  point(null);
  byId("charts").hidden = true;
  byId("numbers").replaceChildren();
  byId("asset-flags").replaceChildren();
  byId("asset-mode").hidden = true;
  byId("asset-empty").hidden = false;
  say(byId("asset-title"), name || "No asset chosen");
  say(byId("asset-time"), "");
  say(byId("asset-empty"), name ? "Waiting for a result of this asset." : "Choose an asset from the list, or follow a flag.");
}

/** New points of the chosen asset. */
export function show(found) {
  const one = found.asset;
  if (one.asset_id !== asset) return;
  points = joined(points, found.points);
  byId("charts").hidden = false;
  byId("asset-empty").hidden = true;
  const marks = found.flags
    .filter((flag) => flag.state !== "cleared")
    .map((flag) => ({ at_ms: flag.at_ms, colour: SEVERITY[flag.severity] }));
  charts.forEach((chart) => chart.show(points, marks));
  const mode = byId("asset-mode");
  mode.hidden = false;
  mode.className = `pill ${MODES[one.mode] ?? ""}`;
  say(mode, one.mode.toLowerCase());
  say(byId("asset-time"), `tick ${one.sequence.toLocaleString("en-US")} · ${time(one.at_ms)}`);
  fit(byId("asset-flags"), one.flags, () => make("span", { kind: "pill warn" }), (node, flag) => say(node, words(flag)));
  fit(byId("numbers"), numbers(one), newNumber, (node, [name, value, kind]) => {
    say(node.children[0], name);
    say(node.children[1], value);
    node.children[1].className = kind ?? "";
  });
}

/** Old points and new ones; the first of the new may be a newer state of the last of the old. */
function joined(old, fresh) {
  const apart = !old || fresh.first < old.first || fresh.first > old.first + old.at_ms.length;
  if (apart || fresh.at_ms[0] < old.at_ms[old.at_ms.length - 1] - BACK_MS) return fresh;
  const result = { first: old.first };
  const kept = fresh.first - old.first;
  const over = Math.max(kept + fresh.at_ms.length - KEPT, 0);
  for (const name of Object.keys(fresh)) {
    if (name !== "first") result[name] = [...old[name].slice(0, kept), ...fresh[name]].slice(over);
  }
  result.first += over;
  return result;
}

function numbers(one) {
  const ahead = one.predicted_price == null || one.price == null ? null : (one.predicted_price - one.price) / one.scale;
  const near = one.alarm_share >= 1 ? "bad" : one.alarm_share >= 0.8 ? "warn" : "";
  return [
    ["price", price(one.price, one.scale)],
    ["forecast", price(one.predicted_price, one.scale)],
    ["expected move", ahead == null ? "–" : `${fixed(ahead, 2)} s.d.`],
    ["mean error", one.mean_error == null ? "–" : `${fixed(one.mean_error, 2)} s.d.`],
    ["change", percent(one.change)],
    ["H", fixed(one.holder_exponent, 3)],
    ["CUSUM", `${fixed((one.alarm_share ?? 0) * 100, 0)}%`, near],
    ["kurtosis", fixed(one.kurtosis, 1)],
    ["depth", String(one.signature_depth)],
    ["partition", String(one.partition)],
  ];
}

function newNumber() {
  const node = make("div");
  node.append(make("dt"), make("dd"));
  return node;
}
