// A chart of lines over time on a canvas: band, lines, vertical marks, and a cursor that several
// charts share.

import { make, say } from "./page.js";
import { colour } from "./theme.js";
import { time } from "./format.js";

const LEFT = 8;
const RIGHT = 62;
const TOP = 6;
const BOTTOM = 17; // with times under it, else 6
const FONT = "11px system-ui, sans-serif";

/** Round numbers (1, 2 or 5 times a power of ten apart) that lie in the range. */
export function ticks(low, high, wanted) {
  const raw = (high - low) / Math.max(wanted, 1) || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw * 0.6);
  const found = [];
  for (let n = Math.ceil(low / step - 1e-9); n * step <= high + step * 1e-9; n += 1) found.push(n * step);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

/** How far apart two points may be that a line joins: ten times what is usual, or 30 seconds. */
function longest(at) {
  const steps = at.slice(1).map((ms, n) => ms - at[n]).sort((a, b) => a - b);
  return Math.max(10 * (steps[steps.length >> 1] ?? 0), 30000);
}

export class Chart {
  /**
   * @param {object} spec title; lines: [{name, key, colour, dash?}] with key a function of the
   *   data giving a list, earlier lines over later ones; band: {name, low, high}; floor and
   *   ceiling: what the axis shows at least; times: whether they stand under it; tall.
   * @param {function} onCursor told the time of the point under the pointer, or null.
   */
  constructor(spec, onCursor) {
    this.spec = spec;
    this.data = { at_ms: [] };
    this.cursor = null;
    this.bottom = spec.times ? BOTTOM : 6;
    this.figure = make("figure", { kind: spec.tall ? "tall" : "" });
    const caption = make("figcaption");
    caption.append(make("b", { text: spec.title }));
    this.keys = [];
    for (const line of [...spec.lines, ...(spec.band ? [{ ...spec.band, box: true }] : [])]) {
      const key = make("span", { kind: line.box ? "key box" : "key", text: line.name });
      key.style.setProperty("--line", `var(${line.colour})`);
      caption.append(key);
      this.keys.push({ key, line });
    }
    const plot = make("div", { kind: "plot" });
    this.canvas = make("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    plot.append(this.canvas);
    this.figure.append(caption, plot);
    this.watch(onCursor);
    new ResizeObserver(() => this.draw()).observe(plot);
  }

  watch(onCursor) {
    const move = (event) => {
      const box = this.canvas.getBoundingClientRect();
      if (this.scale) onCursor(this.at(this.nearest(this.scale.fromX(event.clientX - box.left))));
    };
    this.canvas.addEventListener("pointermove", move);
    this.canvas.addEventListener("pointerdown", move);
    this.canvas.addEventListener("pointerleave", () => onCursor(null));
    this.canvas.addEventListener("blur", () => onCursor(null));
    this.canvas.addEventListener("keydown", (event) => {
      const last = this.data.at_ms.length - 1;
      const from = this.place();
      const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last, Escape: null }[event.key];
      if (to === undefined || last < 0) return;
      event.preventDefault();
      onCursor(to === null ? null : this.at(Math.min(Math.max(to, 0), last)));
    });
  }

  /** New data: at_ms and whatever the lines' keys need; marks: [{at_ms, colour}]. */
  show(data, marks) {
    this.data = data;
    this.gap_ms = longest(data.at_ms);
    this.marks = marks;
    this.draw();
  }

  /** Move the cursor to a time in milliseconds: it stays there while new points come. */
  point(ms) {
    this.cursor = ms;
    this.draw();
  }

  at(place) {
    return this.data.at_ms[place] ?? null;
  }

  /** The point at the cursor; the newest where there is no cursor. */
  place() {
    return this.cursor === null ? this.data.at_ms.length - 1 : this.nearest(this.cursor);
  }

  nearest(wanted) {
    const at = this.data.at_ms;
    let low = 0;
    let high = at.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (at[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low > 0 && wanted - at[low - 1] < at[low] - wanted ? low - 1 : low;
  }

  draw() {
    const { canvas, data } = this;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width || !height) return;
    const ratio = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = FONT;
    const lines = this.spec.lines.map((line) => ({ ...line, values: line.key(data) }));
    const band = this.spec.band && { low: this.spec.band.low(data), high: this.spec.band.high(data) };
    this.scale = this.fitted(lines, band, width, height);
    if (!this.scale) return;
    this.axes(pen, width, height);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, width - LEFT - RIGHT, height);
    pen.clip();
    if (band) this.fill(pen, band);
    this.vertical(pen, height);
    [...lines].reverse().forEach((line) => this.stroke(pen, line));
    pen.restore();
    this.tell(pen, lines, height);
  }

  fitted(lines, band, width, height) {
    const at = this.data.at_ms;
    let low = this.spec.floor ?? Infinity;
    let high = -Infinity;
    const seen = band ? [...lines.map((line) => line.values), band.low, band.high] : lines.map((line) => line.values);
    for (const values of seen) {
      for (const value of values) {
        if (value != null && value < low) low = value;
        if (value != null && value > high) high = value;
      }
    }
    if (!at.length || high === -Infinity) return null;
    if (this.spec.ceiling != null) high = Math.max(high, this.spec.ceiling);
    const room = (high - low || Math.abs(high) * 1e-4 || 1) * 0.06;
    high += room;
    if (this.spec.floor == null) low -= room;
    const [from, to] = [at[0], Math.max(at[at.length - 1], at[0] + 1000)];
    const across = (width - LEFT - RIGHT) / (to - from);
    const up = (height - TOP - this.bottom) / (high - low);
    return {
      low, high, from, to,
      x: (ms) => LEFT + (ms - from) * across,
      y: (value) => height - this.bottom - (value - low) * up,
      fromX: (x) => from + (x - LEFT) / across,
    };
  }

  axes(pen, width, height) {
    const { scale } = this;
    const axis = ticks(scale.low, scale.high, Math.max(3, Math.floor(height / 42)));
    pen.strokeStyle = colour("--rule");
    pen.fillStyle = colour("--soft");
    pen.lineWidth = 1;
    pen.textBaseline = "middle";
    pen.textAlign = "left";
    for (const value of axis.found) {
      const y = Math.round(scale.y(value)) + 0.5;
      pen.beginPath();
      pen.moveTo(LEFT, y);
      pen.lineTo(width - RIGHT, y);
      pen.stroke();
      pen.fillText(value.toFixed(Math.min(axis.digits, 10)), width - RIGHT + 6, y);
    }
    if (!this.spec.times) return;
    pen.textBaseline = "alphabetic";
    const shown = width > 520 ? 5 : 3;
    for (let n = 0; n < shown; n += 1) {
      const ms = scale.from + ((scale.to - scale.from) * n) / (shown - 1);
      pen.textAlign = n === 0 ? "left" : n === shown - 1 ? "right" : "center";
      pen.fillText(new Date(ms).toLocaleTimeString("en-GB"), scale.x(ms), height - 4);
    }
  }

  fill(pen, band) {
    const { scale, data } = this;
    const at = data.at_ms;
    pen.fillStyle = colour(this.spec.band.colour);
    for (let from = 0, n = 1; n <= at.length; n += 1) {
      if (n < at.length && band.low[n] != null && at[n] - at[n - 1] < this.gap_ms) continue;
      pen.beginPath();
      for (let m = from; m < n; m += 1) pen.lineTo(scale.x(at[m]), scale.y(band.high[m]));
      for (let m = n - 1; m >= from; m -= 1) pen.lineTo(scale.x(at[m]), scale.y(band.low[m]));
      pen.fill();
      from = n;
    }
  }

  vertical(pen, height) {
    pen.globalAlpha = 0.6;
    for (const mark of this.marks ?? []) {
      if (mark.at_ms < this.scale.from || mark.at_ms > this.scale.to) continue;
      const x = Math.round(this.scale.x(mark.at_ms)) + 0.5;
      pen.strokeStyle = colour(mark.colour);
      pen.setLineDash([2, 3]);
      pen.beginPath();
      pen.moveTo(x, TOP);
      pen.lineTo(x, height - this.bottom);
      pen.stroke();
      pen.setLineDash([]);
    }
    pen.globalAlpha = 1;
  }

  stroke(pen, line) {
    const { scale, data } = this;
    pen.strokeStyle = colour(line.colour);
    pen.lineWidth = line.width ?? 1.5;
    pen.lineJoin = "round";
    pen.setLineDash(line.dash ?? []);
    pen.beginPath();
    let drawing = false;
    line.values.forEach((value, n) => {
      const joined = drawing && data.at_ms[n] - data.at_ms[n - 1] < this.gap_ms;
      if (value != null) pen[joined ? "lineTo" : "moveTo"](scale.x(data.at_ms[n]), scale.y(value));
      drawing = value != null;
    });
    pen.stroke();
    pen.setLineDash([]);
  }

  /** The cursor's line and values in the legend; the newest values where there is no cursor. */
  tell(pen, lines, height) {
    const at = this.data.at_ms;
    const place = this.place();
    if (this.cursor !== null) {
      const x = Math.round(this.scale.x(at[place])) + 0.5;
      pen.strokeStyle = colour("--soft");
      pen.lineWidth = 1;
      pen.beginPath();
      pen.moveTo(x, TOP);
      pen.lineTo(x, height - this.bottom);
      pen.stroke();
    }
    const spoken = [];
    this.keys.forEach(({ key, line }) => {
      const found = lines.find((one) => one.name === line.name);
      const value = found ? this.spec.format(found.values[place], this.data) : null;
      say(key, value === null ? line.name : `${line.name} ${value}`);
      if (value !== null) spoken.push(`${line.name} ${value}`);
    });
    this.canvas.setAttribute("aria-label", `${this.spec.title}, ${time(at[place])}: ${spoken.join(", ")}. Arrow keys move in time.`);
  }
}

/** A tiny line of prices. */
export function spark(canvas, values, kind) {
  const known = values.filter((value) => value != null);
  const ratio = devicePixelRatio || 1;
  canvas.width = 64 * ratio;
  canvas.height = 20 * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  if (known.length < 2) return;
  const low = Math.min(...known);
  const span = Math.max(...known) - low || 1;
  pen.strokeStyle = colour(kind);
  pen.lineWidth = 1.2;
  pen.beginPath();
  known.forEach((value, n) => pen.lineTo(1 + (n * 62) / (known.length - 1), 18 - ((value - low) / span) * 16));
  pen.stroke();
}
