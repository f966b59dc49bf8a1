// Many tasks that wait for the same ones, and that the same ones wait for: one block of squares.
import { draw, span, taskPath, word } from "./dom.js";

const FROM = 13; // so many are a block; fewer are drawn one by one
const CELL = 16;
const PITCH = 20;
const PAD = 10;
const HEAD = 44;
const NARROWEST = 190;
const ORDER = ["failed", "in_progress", "blocked", "scheduled", "pending", "cancelled", "completed"];

export function blocksOf(nodes, edges) {
  const sides = new Map(nodes.map(({ id }) => [id, [[], []]]));
  for (const { parent, dependent, on_failure: rule } of edges) {
    sides.get(dependent)[0].push(`${parent} ${rule}`);
    sides.get(parent)[1].push(`${dependent} ${rule}`);
  }
  const alike = new Map();
  for (const node of nodes) {
    const key = sides.get(node.id).map((side) => side.sort().join(",")).join("|");
    if (!alike.has(key)) alike.set(key, []);
    alike.get(key).push(node);
  }
  return [...alike.values()].filter((some) => some.length >= FROM).map((some) => new Block(some));
}

class Block {
  constructor(nodes) {
    this.ids = nodes.map(({ id }) => id);
    this.key = `block ${this.ids[0]}`;
    this.columns = Math.ceil(Math.sqrt(1.7 * nodes.length));
    this.width = Math.max(NARROWEST, this.columns * PITCH - (PITCH - CELL) + 2 * PAD);
    this.height = HEAD + Math.ceil(nodes.length / this.columns) * PITCH - (PITCH - CELL) + PAD;
    const names = new Set(nodes.map(({ name }) => name));
    this.name = names.size === 1 ? `${nodes.length} × ${nodes[0].name}` : `${nodes.length} tasks alike`;
  }

  element({ x, y }) {
    this.cells = new Map(this.ids.map((id, at) => [id, this.cell(id, at)]));
    this.counts = draw("text", { x: PAD, y: 33, class: "meta" });
    const room = Math.floor((this.width - 2 * PAD) / 7);
    const letters = [...this.name];
    const title = letters.length > room ? `${letters.slice(0, room - 1).join("")}…` : this.name;
    this.group = draw(
      "g",
      { class: "block", role: "img", transform: `translate(${x - this.width / 2} ${y - this.height / 2})` },
      draw("rect", { class: "frame", width: this.width, height: this.height, rx: 3 }),
      draw("text", { x: PAD, y: 17 }, title),
      this.counts,
      ...this.cells.values(),
    );
    return this.group;
  }

  cell(id, at) {
    const place = [PAD + (at % this.columns) * PITCH, HEAD + Math.floor(at / this.columns) * PITCH];
    const open = () => location.assign(taskPath(id));
    return draw(
      "g",
      { transform: `translate(${place.join(" ")})`, click: open },
      draw("title"),
      draw("rect", { width: CELL, height: CELL, rx: 2 }),
      draw("path", { class: "cross", d: "M5 5 11 11M11 5 5 11" }),
    );
  }

  // `nodes` as they are now, by id.
  colour(nodes, critical, current) {
    const numbers = {};
    for (const id of this.ids) {
      const { name, status, run_s: ran } = nodes.get(id);
      numbers[status] = (numbers[status] ?? 0) + 1;
      const cell = this.cells.get(id);
      const classes = ["cell", `status-${status}`, String(id) === current && "current", critical.has(id) && "critical"];
      cell.setAttribute("class", classes.filter(Boolean).join(" "));
      const time = ran === null || ran === undefined ? "" : `, ${span(ran)}`;
      cell.querySelector("title").textContent = `${id} ${name}, ${word(status)}${time}`;
    }
    const told = ORDER.filter((status) => numbers[status]).map((status) => `${numbers[status]} ${word(status)}`);
    this.counts.textContent = told.slice(0, 2).join(" · ") + (told.length > 2 ? " …" : "");
    this.group.setAttribute("aria-label", `${this.name}: ${told.join(", ")}`);
  }
}
