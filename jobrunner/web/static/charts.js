// Time series by uPlot: throughput, failure rate, waits and run times.
import { trimmed } from "./scale.js";
import { asTable, getJson, ink, legend, make, span, table, throttled } from "./dom.js";

const PLOT = new URL("vendor/uPlot.iife.min.js", import.meta.url).href;
const clock = new Intl.DateTimeFormat(undefined, { hourCycle: "h23", hour: "2-digit", minute: "2-digit" });
const moment = new Intl.DateTimeFormat("sv", { dateStyle: "short", timeStyle: "short" });

const whole = (value) => (value === null ? "–" : Math.round(value).toLocaleString("en"));
const percent = (value) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);
const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
const mean = (values) => {
  const known = values.filter((value) => value !== null);
  return known.length ? sum(known) / known.length : null;
};

// Each line: its place in a bucket, its colour, how it is written, what stands for all of it.
const KINDS = {
  throughput: {
    isStacked: true,
    shown: whole,
    lines: [
      { label: "completed", status: "completed", of: (bucket) => bucket.completed, all: sum },
      { label: "failed", status: "failed", of: (bucket) => bucket.failed, all: sum },
    ],
  },
  failures: {
    shown: percent,
    tick: (value) => `${Math.round(100 * value)} %`,
    lines: [{ label: "of those that ended", status: "failed", of: rate, all: mean }],
  },
  spans: {
    shown: (value) => (value === null ? "–" : span(value)),
    tick: trimmed,
    lines: [
      { label: "wait", status: "scheduled", of: (bucket) => bucket.wait_s ?? null, all: mean },
      { label: "run", status: "in_progress", of: (bucket) => bucket.run_s ?? null, all: mean },
    ],
  },
};
const COLOURS = { completed: "bar-completed", failed: "bar-failed", scheduled: "scheduled", in_progress: "bar-in-progress" };

function rate({ completed, failed }) {
  return completed + failed ? failed / (completed + failed) : null;
}

let library = null;

function loaded() {
  library ??= new Promise((resolve, reject) => {
    const script = make("script", { src: PLOT });
    script.addEventListener("load", resolve);
    script.addEventListener("error", reject);
    document.head.append(script);
  });
  return library;
}

const charts = new WeakMap();

export function furnish(element) {
  if (!charts.has(element)) charts.set(element, new Chart(element));
  charts.get(element).update();
}

class Chart {
  constructor(element) {
    this.element = element;
    this.kind = KINDS[element.dataset.kind];
    this.values = this.kind.lines.map(() => make("b"));
    const keys = this.kind.lines.map(({ status, label }, at) => {
      const key = legend(status, label, this.kind.isStacked ? "" : "line");
      key.append(this.values[at]);
      return key;
    });
    this.title = make("strong", {}, element.dataset.title);
    this.at = make("span", { class: "soft small" });
    this.place = make("div", { class: "plot", role: "img" });
    this.table = asTable(() => this.asTable());
    element.replaceChildren(make("figcaption", {}, this.title, this.at, ...keys), this.place, this.table);
    document.addEventListener("jobrunner:theme", () => this.draw());
    document.addEventListener("jobrunner:change", throttled(() => this.fetch(), 5000));
    new ResizeObserver(() => this.resize()).observe(this.place);
    this.fetch();
  }

  async fetch() {
    const url = this.element.dataset.seriesUrl;
    if (!url || !this.element.isConnected || document.hidden) return;
    try {
      const answer = await getJson(url);
      this.show(answer.buckets ?? answer.series ?? answer);
      if (answer.is_cut) setTimeout(() => this.fetch(), 2000); // the oldest are still being counted
    } catch (error) {
      if (!this.plot) this.place.replaceChildren(make("p", { class: "problem" }, error.message));
    }
  }

  update() {
    const text = this.element.dataset.series;
    if (text === undefined || text === this.text) return;
    this.text = text;
    this.show(JSON.parse(text));
  }

  async show(buckets) {
    this.buckets = buckets;
    const { lines } = this.kind;
    this.lines = lines.map(({ of }) => buckets.map(of));
    const drawn = this.kind.isStacked ? stacked(this.lines) : this.lines;
    this.step = buckets.length > 1 ? (Date.parse(buckets[1].at) - Date.parse(buckets[0].at)) / 1000 : 60;
    this.data = [buckets.map(({ at }) => Date.parse(at) / 1000), ...drawn];
    const totals = lines.map(({ label, all }, at) => `${label} ${this.kind.shown(all(this.lines[at]))}`);
    this.place.setAttribute("aria-label", `${this.element.dataset.title}: ${totals.join(", ")}`);
    this.point(null);
    this.table.refill();
    try {
      await loaded();
    } catch {
      this.place.replaceChildren(make("p", { class: "problem" }, "The chart could not be loaded."));
      return;
    }
    if (this.plot) this.plot.setData(this.data);
    else this.draw();
  }

  draw() {
    if (!this.data || !window.uPlot || !this.element.isConnected) return;
    this.plot?.destroy();
    this.place.replaceChildren();
    this.plot = new uPlot(this.options(), this.data, this.place);
  }

  resize() {
    this.plot?.setSize({ width: this.place.clientWidth, height: this.place.clientHeight });
  }

  options() {
    const soft = ink("ink-soft");
    const axis = { stroke: soft, grid: { stroke: ink("rule"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif" };
    const { tick = whole } = this.kind;
    return {
      padding: [10, 8, 0, 0],
      width: this.place.clientWidth,
      height: this.place.clientHeight,
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
      scales: {
        x: { range: (_plot, low, high) => [low, high + this.step] },
        y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
      },
      axes: [
        { ...axis, grid: { show: false }, space: 64, size: 26, values: (_plot, ticks) => ticks.map((value) => clock.format(value * 1000)) },
        { ...axis, size: 50, values: (_plot, ticks) => ticks.map((value) => tick(value)) },
      ],
      series: [{}, ...this.series()],
      hooks: { setCursor: [(plot) => this.point(plot.cursor.idx ?? null)] },
    };
  }

  series() {
    const bars = uPlot.paths.bars({ size: [0.82, 48], align: 1 });
    const series = this.kind.lines.map(({ status }) => {
      const colour = ink(COLOURS[status]);
      return this.kind.isStacked
        ? { fill: colour, stroke: colour, width: 0, paths: bars, points: { show: false } }
        : { stroke: colour, width: 1.75, points: { show: isLone, size: 5 }, spanGaps: true };
    });
    return this.kind.isStacked ? series.reverse() : series;
  }

  // The numbers under the pointer; of all the time where there is none.
  point(index) {
    const { lines, shown } = this.kind;
    const isOver = index !== null && index !== undefined && this.buckets?.[index];
    this.at.textContent = isOver ? moment.format(Date.parse(this.buckets[index].at)) : "";
    lines.forEach(({ all }, at) => {
      const value = isOver ? this.lines[at][index] : all(this.lines[at]);
      this.values[at].textContent = shown(value);
    });
  }

  asTable() {
    const { lines, shown } = this.kind;
    const rows = this.buckets.map(({ at }, index) => [
      moment.format(Date.parse(at)),
      ...this.lines.map((values) => shown(values[index])),
    ]);
    return table(this.element.dataset.title, ["from", ...lines.map(({ label }) => label)], rows);
  }
}

// The highest first: each bar is drawn over the one before.
function stacked(lines) {
  const total = lines[0].map(() => 0);
  return lines.map((line) => line.map((value, at) => (total[at] += value ?? 0))).reverse();
}

// One value alone makes no line.
function isLone(plot, at) {
  return plot.data[at].filter((value) => value !== null).length === 1;
}
