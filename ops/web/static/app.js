// Starts the parts of the page, and hands them what the server sends.

import * as assets from "./assets.js";
import * as detail from "./detail.js";
import * as flags from "./flags.js";
import * as fleet from "./fleet.js";
import { byId, say } from "./page.js";
import { startTheme } from "./theme.js";

const AGAIN_MS = 3000;

let stream = null;
let retry = 0;
let boot = "";

/** Open the stream for the chosen asset; the browser opens it again when it breaks. */
function connect(asset) {
  clearTimeout(retry);
  stream?.close();
  const mine = (stream = new EventSource(`/api/events?${new URLSearchParams({ asset })}`));
  const on = (kind, take) => mine.addEventListener(kind, (event) => take(JSON.parse(event.data)));
  on("status", (status) => {
    if (boot && boot !== status.boot) {
      // Another process answers now: its numbers begin anew.
      flags.restart();
      detail.choose(asset);
    }
    boot = status.boot;
    fleet.showStatus(status);
  });
  on("fleet", fleet.show);
  on("flags", flags.show);
  on("asset", detail.show);
  mine.onerror = () => {
    byId("state").className = "pill bad";
    say(byId("state"), "reconnecting");
    fleet.problem("The page's server does not answer. What is shown is old; it is asked again.");
    // A refused answer ends an EventSource for good: then it is for us to try again.
    if (mine.readyState === EventSource.CLOSED) retry = setTimeout(() => connect(asset), AGAIN_MS);
  };
}

function choose() {
  // Other fragments only move the focus.
  if (location.hash && !location.hash.startsWith("#asset=")) return;
  const asset = new URLSearchParams(location.hash.slice(1)).get("asset") ?? "";
  assets.choose(asset);
  detail.choose(asset);
  flags.choose(asset);
  connect(asset);
}

startTheme();
detail.startDetail();
flags.startFlags();
assets.startAssets();
addEventListener("hashchange", choose);
choose();
