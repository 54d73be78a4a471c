// Numbers and times as text. Pure.

const minus = (text) => text.replace("-", "\u2212");

/** A count with thin groups: 12,345. */
export const count = (value) => (value == null ? "–" : Math.round(value).toLocaleString("en-US"));

/** A price with six digits, or as many decimals as its scale asks for. */
export function price(value, scale) {
  if (value == null) return "–";
  const six = 5 - Math.floor(Math.log10(Math.abs(value) || 1));
  const fine = 1 - Math.floor(Math.log10(Math.abs(scale) || Math.abs(value) || 1));
  const digits = Math.min(Math.max(six, fine, 0), 10);
  return minus(value.toLocaleString("en-US", {
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  }));
}

/** Digits after the point, fixed. */
export const fixed = (value, digits) => (value == null ? "–" : minus(value.toFixed(digits)));

/** A relative change in per cent, with its sign. */
export function percent(value) {
  if (value == null) return "–";
  const text = (Math.abs(value) * 100).toFixed(2) + "%";
  return text === "0.00%" ? text : (value > 0 ? "+" : "\u2212") + text;
}

/** Seconds, as a person would say them. */
export function seconds(value) {
  if (value == null) return "none";
  if (value < 120) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  if (value < 172800) return `${Math.round(value / 3600)} h`;
  return `${Math.round(value / 86400)} d`;
}

/** Time of day; with the date where it is not today's. */
export function time(ms) {
  const at = new Date(ms);
  const clock = at.toLocaleTimeString("en-GB");
  return at.toDateString() === new Date().toDateString() ? clock : `${at.toISOString().slice(0, 10)} ${clock}`;
}

/** RegimeChangeDetected and regime_change_detected as "regime change detected". */
export const words = (name) => name.replace(/_/g, " ").replace(/(?<=[a-z])(?=[A-Z])/g, " ").toLowerCase();
