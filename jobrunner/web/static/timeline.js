// What each slot of each worker did: lanes of bars that are zoomed and moved.
import { asTable, getJson, legend, make, span, table, taskPath, throttled, word } from "./dom.js";
import { buttons } from "./panzoom.js";
import { Painter, ROW } from "./timeline_paint.js";
import { clockTicks } from "./scale.js";

const STEP = 1.5;
const LISTED = 200;
const LEGEND = ["completed", "failed", "in_progress", "cancelled", "lost"];
const moment = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "medium" });

const timelines = new WeakMap();

export function furnish(element) {
  if (!timelines.has(element)) timelines.set(element, new Timeline(element));
}

class Timeline {
  constructor(element) {
    this.element = element;
    this.lanes = [];
    this.said = make("span");
    this.names = make("div", { class: "timeline-names" });
    this.ticks = make("div", { class: "gantt-track" });
    this.canvas = make("canvas", { "aria-hidden": "true" });
    this.tip = make("div", { class: "tip", hidden: true });
    this.box = make(
      "div",
      { class: "drawing", tabindex: 0, role: "group" },
      make("div", { class: "gantt-axis", "aria-hidden": "true" }, make("span", {}, "worker")),
      make("div", { class: "gantt-axis", "aria-hidden": "true" }, this.ticks),
      this.names,
      this.canvas,
    );
    this.painter = new Painter(this.canvas);
    this.table = asTable(() => this.asTable());
    element.replaceChildren(this.tools(), this.box, this.tip, this.table);
    this.listen();
    this.fetch();
  }

  tools() {
    const acts = buttons([
      ["−", "Zoom out", () => this.zoom(STEP)],
      ["+", "Zoom in", () => this.zoom(1 / STEP)],
      ["All", "All of it", () => this.reset()],
    ]);
    const keys = LEGEND.map((status) => legend(status, status === "in_progress" ? "running" : status));
    return make("div", { class: "drawing-tools" }, this.said, ...keys, acts);
  }

  listen() {
    document.addEventListener("jobrunner:change", throttled(() => this.fetch(), 5000));
    document.addEventListener("jobrunner:theme", () => this.paint(true));
    new ResizeObserver(() => this.paint()).observe(this.canvas);
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this.grab(event));
    this.canvas.addEventListener("pointermove", (event) => this.over(event));
    this.canvas.addEventListener("pointerleave", () => (this.tip.hidden = true));
  }

  async fetch() {
    if (!this.element.isConnected || document.hidden) return;
    try {
      this.show(await getJson(this.element.dataset.timelineUrl));
    } catch (error) {
      this.said.textContent = error.message;
    }
  }

  show({ lanes, is_cut: isCut, since, until }) {
    const now = Date.now();
    this.lanes = lanes.map((lane) => ({
      ...lane,
      bars: lane.bars
        .map((bar) => ({ ...bar, from: Date.parse(bar.started_at), until: bar.ended_at ? Date.parse(bar.ended_at) : now }))
        .sort((one, other) => one.from - other.from),
    }));
    const bars = this.lanes.flatMap((lane) => lane.bars);
    const isWhole = !this.whole || (this.from === this.whole[0] && this.until === this.whole[1]);
    const first = since ? Date.parse(since) : bars.reduce((least, bar) => Math.min(least, bar.from), Infinity);
    const last = until ? Date.parse(until) : bars.reduce((most, bar) => Math.max(most, bar.until), -Infinity);
    this.whole = Number.isFinite(first) ? [first, Math.max(last, first + 1)] : [now - 1000, now];
    if (isWhole) [this.from, this.until] = this.whole;
    this.said.textContent = `${bars.length.toLocaleString("en")} attempts in ${lanes.length} lanes${isCut ? ", and more that are not shown" : ""}`;
    this.box.setAttribute("aria-label", `Timeline of ${this.said.textContent}; arrow keys move it, plus and minus zoom`);
    this.name();
    this.paint();
    this.table.refill();
  }

  name() {
    let worker = null;
    this.names.replaceChildren(
      ...this.lanes.map((lane) => {
        const isFirst = lane.worker_id !== worker;
        worker = lane.worker_id;
        const isLost = lane.status === "lost";
        const title = make("span", {}, isFirst ? (lane.host ? `${lane.host} ${lane.worker_id}` : lane.worker_id) : "");
        const name = make("div", { class: isFirst ? "first" : "", title: lane.worker_id }, title);
        if (isFirst && isLost) title.prepend(make("span", { class: "status status-lost" }, "lost"), " ");
        name.style.height = `${ROW}px`;
        return name;
      }),
    );
  }

  paint(isRecoloured = false) {
    if (isRecoloured) this.painter.recolour();
    if (this.frame || !this.whole) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.painter.paint(this.lanes, this.from, this.until);
      const end = this.from + 0.96 * (this.until - this.from);
      const ticks = clockTicks(this.from, end, 0.96 * this.canvas.clientWidth);
      this.ticks.replaceChildren(
        ...ticks.map(([at, text]) => {
          const tick = make("span", { class: "gantt-tick" }, text);
          tick.style.left = `${(100 * (at - this.from)) / (this.until - this.from)}%`;
          return tick;
        }),
      );
    });
  }

  // By a factor of the time shown, about a share of the width.
  zoom(factor, about = 0.5) {
    const length = this.until - this.from;
    const wanted = Math.min(Math.max(length * factor, 5), (this.whole[1] - this.whole[0]) * 4);
    this.from += (length - wanted) * about;
    this.until = this.from + wanted;
    this.changed();
  }

  move(share) {
    const length = (this.until - this.from) * share;
    this.from += length;
    this.until += length;
    this.changed();
  }

  reset() {
    [this.from, this.until] = this.whole;
    this.changed();
  }

  changed() {
    this.tip.hidden = true;
    this.paint();
    this.table.refill();
  }

  key(event) {
    const acts = {
      ArrowLeft: () => this.move(-0.1),
      ArrowRight: () => this.move(0.1),
      "+": () => this.zoom(1 / STEP),
      "=": () => this.zoom(1 / STEP),
      "-": () => this.zoom(STEP),
      0: () => this.reset(),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  // Sideways moves; up and down zooms where it was asked for, and else scrolls the page.
  wheel(event) {
    const isAsked = event.ctrlKey || event.metaKey || this.box === document.activeElement;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.move(event.deltaX / this.canvas.clientWidth);
    else if (isAsked) this.zoom(Math.exp(event.deltaY / 400), event.offsetX / this.canvas.clientWidth);
    else return;
    event.preventDefault();
  }

  grab(event) {
    if (event.button !== 0) return;
    let last = event.clientX;
    let isMoved = false;
    const move = (to) => {
      if (!isMoved && Math.abs(to.clientX - event.clientX) < 4) return;
      if (!isMoved) this.canvas.setPointerCapture(event.pointerId);
      isMoved = true;
      this.canvas.classList.add("dragging");
      this.move((last - to.clientX) / this.canvas.clientWidth);
      last = to.clientX;
    };
    const end = () => {
      this.canvas.removeEventListener("pointermove", move);
      this.canvas.classList.remove("dragging");
      const bar = isMoved ? null : this.painter.at(event.offsetX, event.offsetY);
      if (bar) location.assign(taskPath(bar.task_id));
    };
    this.canvas.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) this.canvas.addEventListener(name, end, { once: true });
  }

  over(event) {
    const bar = event.buttons ? null : this.painter.at(event.offsetX, event.offsetY);
    this.canvas.classList.toggle("over", Boolean(bar));
    this.tip.hidden = !bar;
    if (!bar) return;
    const length = span((bar.until - bar.from) / 1000);
    this.tip.textContent = `${bar.task_id} ${bar.name} · ${word(bar.outcome)} · ${length} · ${moment.format(bar.from)}`;
    const box = this.element.getBoundingClientRect();
    const left = Math.min(event.clientX - box.left + 12, box.width - this.tip.offsetWidth - 4);
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${event.clientY - box.top + 16}px`;
  }

  asTable() {
    const shown = this.lanes.flatMap((lane) =>
      lane.bars.filter((bar) => bar.until >= this.from && bar.from <= this.until).map((bar) => [lane, bar]),
    );
    const rows = shown.slice(0, LISTED).map(([lane, bar]) => [
      make("a", { href: taskPath(bar.task_id) }, `${bar.task_id} ${bar.name}`),
      word(bar.outcome),
      moment.format(bar.from),
      span((bar.until - bar.from) / 1000),
      `${lane.worker_id} ${lane.slot ?? ""}`,
    ]);
    const caption = `Attempts of the time shown, ${Math.min(LISTED, shown.length)} of ${shown.length}`;
    return table(caption, ["task", "outcome", "started", "ran", "worker, slot"], rows);
  }
}
