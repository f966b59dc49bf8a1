// When the tasks of a workflow ran, one a row; the critical path stands out.
import { getJson, make, legend, span, taskPath, throttled, word } from "./dom.js";
import { spanTicks } from "./scale.js";

const charts = new WeakMap();

export function furnish(element) {
  if (!charts.has(element)) charts.set(element, new Gantt(element));
}

class Gantt {
  constructor(element) {
    this.element = element;
    this.said = make("span");
    this.rows = make("ol", { class: "gantt-rows" });
    const tools = [this.said];
    for (const status of ["completed", "failed", "in_progress"]) tools.push(legend(status, word(status)));
    element.replaceChildren(
      make("div", { class: "drawing-tools" }, ...tools),
      make("div", { class: "drawing", tabindex: 0, role: "group", "aria-label": "Gantt chart" }, this.rows),
    );
    document.addEventListener("jobrunner:change", throttled(() => this.fetch(), 2000));
    new ResizeObserver(() => this.axis()).observe(element);
    this.fetch();
  }

  async fetch() {
    if (!this.element.isConnected || document.hidden) return;
    try {
      this.show(await getJson(this.element.dataset.ganttUrl));
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  show({ nodes, critical = [] }) {
    const now = Date.now();
    const ran = nodes
      .filter((node) => node.started_at)
      .map((node) => ({ ...node, from: Date.parse(node.started_at), until: node.finished_at ? Date.parse(node.finished_at) : now }))
      .sort((one, other) => one.from - other.from || one.until - other.until);
    const waiting = nodes.filter((node) => !node.started_at);
    this.from = Math.min(...ran.map(({ from }) => from));
    this.until = Math.max(...ran.map(({ until }) => until), this.from + 1);
    const path = new Set(critical);
    this.rows.replaceChildren(this.head(), ...[...ran, ...waiting].map((node) => this.row(node, path.has(node.id))));
    this.axis();
    const length = nodes.filter(({ id }) => path.has(id)).reduce((total, { run_s: seconds }) => total + (seconds ?? 0), 0);
    this.said.textContent = ran.length
      ? `${span((this.until - this.from) / 1000)} in all${path.size ? `, ${span(length)} on the critical path (framed)` : ""}`
      : "Nothing has started yet";
  }

  head() {
    this.ticks = make("div", { class: "gantt-track" });
    return make("li", { class: "gantt-row gantt-axis", "aria-hidden": "true" }, make("span", {}, "since the start"), this.ticks);
  }

  axis() {
    if (!this.ticks || !Number.isFinite(this.from)) return;
    const ticks = spanTicks(this.from, this.until, this.ticks.clientWidth).slice(0, 40);
    this.ticks.replaceChildren(
      ...ticks
        .filter(([at]) => this.share(at) < 0.96)
        .map(([at, text]) => {
          const tick = make("span", { class: "gantt-tick" }, text);
          tick.style.left = `${100 * this.share(at)}%`;
          return tick;
        }),
    );
  }

  share(at) {
    return (at - this.from) / (this.until - this.from);
  }

  row(node, isCritical) {
    const { id, name, status, from, until } = node;
    const track = make("div", { class: "gantt-track" });
    if (from !== undefined) {
      const bar = make("div", { class: `gantt-bar status-${status}` });
      const text = make("span", { class: "gantt-span" }, span((until - from) / 1000));
      const [left, right] = [this.share(from), this.share(until)];
      bar.style.left = `${100 * left}%`;
      bar.style.width = `${100 * (right - left)}%`;
      if (right < 0.8) text.style.left = `calc(${100 * right}% + 4px)`;
      else text.style.right = `calc(${100 * (1 - left)}% + 4px)`;
      if (right < 0.8 || left > 0.2) track.append(text);
      else bar.title = text.textContent;
      track.append(bar);
    }
    const told = `${id} ${name}, ${word(status)}${from === undefined ? "" : `, ran ${span((until - from) / 1000)}`}`;
    const link = make("a", { href: taskPath(id), title: name, "aria-label": isCritical ? `${told}, on the critical path` : told }, name);
    return make("li", { class: isCritical ? "gantt-row critical" : "gantt-row" }, link, track);
  }
}
