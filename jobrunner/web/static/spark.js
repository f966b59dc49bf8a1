// Small lines beside a number.
import { draw } from "./dom.js";

const WIDTH = 100;
const HEIGHT = 24;

export function furnish(element) {
  if (element.dataset.drawn === element.dataset.values) return;
  element.dataset.drawn = element.dataset.values;
  const values = JSON.parse(element.dataset.values).map((value) => value ?? 0);
  const highest = Math.max(...values, 1e-9);
  const step = WIDTH / Math.max(1, values.length - 1);
  const points = values.map(
    (value, at) => `${(at * step).toFixed(2)},${(HEIGHT - 1 - (value / highest) * (HEIGHT - 3)).toFixed(2)}`,
  );
  const line = draw("polyline", {
    points: points.join(" "),
    fill: "none",
    stroke: "currentColor",
    "stroke-width": 1.5,
    "stroke-linejoin": "round",
    "vector-effect": "non-scaling-stroke",
  });
  const area = draw("polygon", {
    points: `0,${HEIGHT} ${points.join(" ")} ${WIDTH},${HEIGHT}`,
    fill: "currentColor",
    opacity: 0.14,
  });
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
  element.replaceChildren(draw("svg", { ...box, "aria-hidden": "true" }, area, line));
}
