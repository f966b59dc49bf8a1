// Elements, colours, spans and requests. Text is only ever set as text.

const SVG = "http://www.w3.org/2000/svg";

export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

export function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A colour of the style sheet as a canvas takes it; the probe resolves light-dark().
export function ink(name) {
  const probe = make("span", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

// As the command line writes it: 0.004 s, 12.3 s, 3m 20s, 2h.
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 9.9995) return `${seconds.toFixed(3)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const parts = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "m"],
    [whole % 60, "s"],
  ];
  while (!parts[0][0]) parts.shift();
  return parts
    .slice(0, 2)
    .filter(([number]) => number)
    .map(([number, unit]) => number + unit)
    .join(" ");
}

export function word(status) {
  return status.replaceAll("_", " ");
}

// The address of a task's page; ids come as numbers or as text.
export function taskPath(id) {
  return `/tasks/${encodeURIComponent(id)}`;
}

export async function getJson(url) {
  const response = await fetch(url, { headers: { Accept: "application/json" } });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return response.json();
}

export function flash(level, text) {
  const message = make("p", { class: `flash flash-${level}` }, text);
  document.getElementById("flashes")?.append(message);
}

// A function that runs at most once in so many milliseconds, and once more for calls between.
export function throttled(call, every) {
  let last = -Infinity;
  let timer = 0;
  return () => {
    if (timer) return;
    const rest = Math.max(0, last + every - performance.now());
    timer = setTimeout(() => {
      timer = 0;
      last = performance.now();
      call();
    }, rest);
  };
}

export function legend(status, label, kind = "") {
  return make("span", { class: `legend status-${status}` }, make("i", { class: kind }), label);
}

export function table(caption, heads, rows) {
  const cells = (row) => row.map((cell) => make("td", {}, cell));
  return make(
    "div",
    { class: "table-wrap", tabindex: "0", role: "region", "aria-label": caption },
    make(
      "table",
      {},
      make("caption", {}, caption),
      make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells(row)))),
    ),
  );
}

// The same facts as text: made when it is opened.
export function asTable(build) {
  const details = make("details", {}, make("summary", {}, "As a table"));
  const fill = () => {
    details.querySelector(".table-wrap")?.remove();
    if (details.open) details.append(build());
  };
  details.addEventListener("toggle", fill);
  details.refill = fill;
  return details;
}
