// Where the ticks of an axis of time stand, and what they say.
import { span } from "./dom.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((number) => number * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((number) => number * MINUTE),
  ...[1, 2, 3, 6, 12].map((number) => number * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((number) => number * DAY),
];

const H23 = { hourCycle: "h23" };
const long = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });
const minutes = new Intl.DateTimeFormat(undefined, { ...H23, hour: "2-digit", minute: "2-digit" });
const seconds = new Intl.DateTimeFormat(undefined, { ...H23, hour: "2-digit", minute: "2-digit", second: "2-digit" });
const parts = new Intl.DateTimeFormat(undefined, { second: "2-digit", fractionalSecondDigits: 3 });

function stepFor(length, width, room) {
  const wanted = (length * room) / Math.max(1, width);
  return STEPS.find((step) => step >= wanted) ?? STEPS.at(-1);
}

// Moments on the clock of whoever looks: [time, text].
export function clockTicks(from, until, width) {
  const step = stepFor(until - from, width, 90);
  const shift = new Date(from).getTimezoneOffset() * MINUTE;
  const form = step >= DAY ? long : step >= MINUTE ? minutes : step >= SECOND ? seconds : parts;
  const ticks = [];
  for (let at = Math.ceil((from - shift) / step) * step + shift; at <= until; at += step) {
    ticks.push([at, form.format(at)]);
  }
  return ticks;
}

// Spans since the first moment: [time, text].
export function spanTicks(from, until, width) {
  const step = stepFor(until - from, width, 80);
  const ticks = [];
  for (let at = from; at <= until; at += step) ticks.push([at, at === from ? "0" : trimmed((at - from) / 1000)]);
  return ticks;
}

// A span without the zeros at its end.
export function trimmed(length) {
  return span(length).replace(/(\.\d*?)0+ s$/, "$1 s").replace(". s", " s");
}
