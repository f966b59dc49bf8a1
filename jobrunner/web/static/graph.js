// The tasks that wait for each other, laid out from left to right by dagre.
import { asTable, draw, getJson, legend, make, span, table, taskPath, throttled, word } from "./dom.js";
import { blocksOf } from "./graph_blocks.js";
import { PanZoom, READABLE } from "./panzoom.js";

const LAYOUT = new URL("layout.js", import.meta.url);
const WIDTH = 184;
const HEIGHT = 42;
const LETTERS = 25;
const LEGEND = ["blocked", "scheduled", "pending", "in_progress", "completed", "failed", "cancelled"];

const graphs = new WeakMap();

export function furnish(element) {
  if (!graphs.has(element)) graphs.set(element, new TaskGraph(element));
}

function shortened(name) {
  const letters = [...name];
  return letters.length > LETTERS ? `${letters.slice(0, LETTERS - 1).join("")}…` : name;
}

function laidOut(boxes, edges) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(LAYOUT, { type: "module" });
    worker.onerror = () => reject(new Error("The graph could not be laid out."));
    worker.onmessage = ({ data }) => {
      worker.terminate();
      resolve(data);
    };
    worker.postMessage({ boxes, edges });
  });
}

class TaskGraph {
  constructor(element) {
    this.element = element;
    this.nodes = new Map();
    this.group = draw("g");
    this.svg = draw("svg", { class: "canvas drawing", role: "group", tabindex: 0 });
    const tip = "M0 0 8 4 0 8z";
    const box = { viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" };
    const id = `arrow-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
    this.arrow = `url(#${id})`;
    this.svg.append(draw("defs", {}, draw("marker", { id, ...box }, draw("path", { d: tip, class: "arrow" }))), this.group);
    this.view = new PanZoom(this.svg, this.group, () => this.size);
    this.said = make("span");
    this.keys = make("span");
    const tools = [this.said, this.keys, this.view.buttons()];
    this.table = asTable(() => this.asTable());
    element.replaceChildren(make("div", { class: "drawing-tools" }, ...tools), this.svg, this.table);
    document.addEventListener("jobrunner:change", throttled(() => this.fetch(), 2000));
    this.fetch();
  }

  async fetch() {
    if (!this.element.isConnected || document.hidden || this.isBusy) return;
    this.isBusy = true;
    try {
      await this.show(await getJson(this.element.dataset.graphUrl));
    } catch (error) {
      this.said.textContent = error.message;
    }
    this.isBusy = false;
  }

  async show(graph) {
    const shape = JSON.stringify([graph.nodes.map(({ id }) => id), graph.edges]);
    this.graph = graph;
    if (shape !== this.shape) await this.arrange(graph);
    this.shape = shape;
    const critical = new Set(graph.critical?.length > 1 ? graph.critical : []);
    const now = new Map(graph.nodes.map((node) => [node.id, node]));
    for (const id of this.nodes.keys()) this.colour(now.get(id), critical.has(id));
    for (const block of this.blocks) block.colour(now, critical, this.element.dataset.current);
    const { nodes, is_cut: isCut } = graph;
    this.said.textContent = `${nodes.length} task${nodes.length === 1 ? "" : "s"}${isCut ? ", and more that are not shown" : ""}`;
    const present = LEGEND.filter((status) => nodes.some((node) => node.status === status));
    this.keys.replaceChildren(...present.map((status) => legend(status, word(status))));
    if (critical.size) this.keys.append(legend("lost", "critical path", "framed"));
    this.svg.setAttribute("aria-label", `Graph of ${this.said.textContent}; arrow keys move it, plus and minus zoom`);
    this.table.refill();
  }

  async arrange({ nodes, edges }) {
    this.blocks = blocksOf(nodes, edges);
    const inside = new Map(this.blocks.flatMap(({ ids, key }) => ids.map((id) => [id, key])));
    const home = (id) => inside.get(id) ?? String(id);
    const single = nodes.filter(({ id }) => !inside.has(id));
    const boxes = single.map(({ id }) => ({ key: String(id), width: WIDTH, height: HEIGHT }));
    boxes.push(...this.blocks.map(({ key, width, height }) => ({ key, width, height })));
    const placed = await laidOut(
      boxes,
      edges.map(({ parent, dependent, on_failure: onFailure }) => ({ parent: home(parent), dependent: home(dependent), onFailure })),
    );
    this.size = [Math.max(WIDTH, placed.size[0]), Math.max(HEIGHT, placed.size[1])]; // of none, too
    this.nodes = new Map(single.map((node) => [node.id, this.node(node, placed.boxes.get(String(node.id)))]));
    const blocks = this.blocks.map((block) => block.element(placed.boxes.get(block.key)));
    this.group.replaceChildren(...placed.edges.map((edge) => this.edge(edge)), ...blocks, ...this.nodes.values());
    const scale = Math.min(1.1, Math.max(READABLE, (this.svg.clientWidth - 24) / this.size[0]));
    const wanted = Math.max(this.size[1] * scale + 32, 120);
    this.svg.style.height = `${Math.min(wanted, 0.65 * innerHeight)}px`;
    const current = nodes.find(({ id }) => String(id) === this.element.dataset.current);
    const { x, y } = placed.boxes.get(home(current?.id)) ?? { x: 0, y: this.size[1] / 2 };
    this.view.start(x, y);
  }

  // From the right side of the one to the left of the other, past what stands between.
  edge({ points, onFailure, parent, dependent }) {
    const between = points.length > 3 ? points.slice(1, -1).filter(({ x }) => x > parent.x + parent.width / 2 && x < dependent.x - dependent.width / 2) : [];
    const stops = [...between, { x: dependent.x - dependent.width / 2, y: dependent.y }];
    let [x, y] = [parent.x + parent.width / 2, parent.y];
    let curve = `M${x} ${y}`;
    for (const stop of stops) {
      const middle = (x + stop.x) / 2;
      curve += `C${middle} ${y} ${middle} ${stop.y} ${stop.x} ${stop.y}`;
      ({ x, y } = stop);
    }
    const kind = onFailure === "run" ? "edge run" : "edge";
    return draw("path", { d: curve, class: kind, "marker-end": this.arrow });
  }

  node({ id, name }, { x, y }) {
    return draw(
      "a",
      { href: taskPath(id), transform: `translate(${x - WIDTH / 2} ${y - HEIGHT / 2})` },
      draw("rect", { width: WIDTH, height: HEIGHT, rx: 3 }, draw("title", {}, name)),
      draw("rect", { class: "edge-mark", width: 4, height: HEIGHT, rx: 1.5 }),
      draw("text", { x: 13, y: 17 }, shortened(name)),
      draw("text", { x: 13, y: 33, class: "word" }),
      draw("text", { x: WIDTH - 9, y: 33, class: "meta", "text-anchor": "end" }, String(id)),
    );
  }

  colour({ id, status, run_s: ran }, isCritical) {
    const node = this.nodes.get(id);
    const isCurrent = String(id) === this.element.dataset.current;
    const classes = ["node", `status-${status}`, isCurrent && "current", isCritical && "critical"];
    const time = ran === null || ran === undefined ? "" : ` · ${span(ran)}`;
    node.setAttribute("class", classes.filter(Boolean).join(" "));
    node.querySelector(".word").textContent = word(status) + time;
  }

  asTable() {
    const parents = new Map();
    for (const { parent, dependent } of this.graph.edges) {
      parents.set(dependent, [...(parents.get(dependent) ?? []), parent]);
    }
    const rows = this.graph.nodes.map(({ id, name, status, run_s: ran }) => [
      make("a", { href: taskPath(id) }, `${id} ${name}`),
      word(status),
      span(ran),
      (parents.get(id) ?? ["–"]).join(", "),
    ]);
    return table("Tasks of the graph", ["task", "status", "ran", "after"], rows);
  }
}
