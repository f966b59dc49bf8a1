// Moments as people read them: `3m ago`, or in their own zone.

const UNITS = [
  [86400, "d"],
  [3600, "h"],
  [60, "m"],
  [1, "s"],
];
const day = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium" }); // ISO's order
const clock = new Intl.DateTimeFormat("sv", { timeStyle: "medium" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

export function ago(at, now = Date.now()) {
  const seconds = Math.round(Math.abs(at - now) / 1000);
  if (seconds < 1) return "now";
  const [size, unit] = UNITS.find(([size]) => seconds >= size);
  const length = `${Math.floor(seconds / size)}${unit}`;
  return at > now ? `in ${length}` : `${length} ago`;
}

const FORMS = { relative: ago, local: (at) => day.format(at), clock: (at) => clock.format(at) };

export function localise() {
  for (const element of document.querySelectorAll("time[datetime]")) {
    const at = Date.parse(element.dateTime);
    if (Number.isNaN(at)) continue;
    const text = (FORMS[element.dataset.form] ?? ago)(at);
    if (element.textContent !== text) element.textContent = text;
    if (!element.title) element.title = full.format(at);
  }
}

setInterval(() => {
  if (!document.hidden) localise();
}, 5000);
