// Paints the lanes of a timeline on a canvas, and finds the bar under the pointer.
import { ink, span } from "./dom.js";

export const ROW = 22;
const PAD = 3;
const GAP_WIDTH = 64; // from which on an idle time is told, in pixels

const COLOURS = {
  completed: "bar-completed",
  cached: "bar-completed",
  failed: "bar-failed",
  timed_out: "bar-failed",
  crashed: "bar-failed",
  lost: "bar-lost",
  running: "bar-in-progress",
  in_progress: "bar-in-progress",
};

const NAME_WIDTH = 48; // from which on a bar says its name, in pixels
const NAME_INK = "#0b0c0a"; // 4.5 to 1 on each of the colours of those that are named, in both themes
const NAMED = ["completed", "cached", "failed", "timed_out", "crashed", "running"];

export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    this.lanes = [];
    this.recolour();
  }

  recolour() {
    this.colours = Object.fromEntries(Object.entries(COLOURS).map(([word, name]) => [word, ink(name)]));
    for (const name of ["rule", "surface", "ink", "ink-soft", "bar-other", "bar-lost"]) this.colours[`--${name}`] = ink(name);
    this.hatch = this.hatched();
  }

  hatched() {
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const pen = tile.getContext("2d");
    pen.strokeStyle = this.colours["--bar-lost"];
    pen.beginPath();
    pen.moveTo(0, 6);
    pen.lineTo(6, 0);
    pen.stroke();
    return tile;
  }

  paint(lanes, from, until) {
    const ratio = devicePixelRatio || 1;
    const width = this.canvas.clientWidth;
    const height = Math.max(ROW, lanes.length * ROW);
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
      this.canvas.style.height = `${height}px`;
    }
    Object.assign(this, { lanes, from, until, width });
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "11px system-ui, sans-serif";
    pen.textBaseline = "middle";
    lanes.forEach((lane, at) => this.lane(pen, lane, at * ROW, lanes[at - 1]?.worker_id !== lane.worker_id));
  }

  x(moment) {
    return ((moment - this.from) / (this.until - this.from)) * this.width;
  }

  lane(pen, lane, top, isFirst) {
    const middle = top + ROW / 2;
    if (isFirst && top) {
      pen.fillStyle = this.colours["--rule"];
      pen.fillRect(0, top, this.width, 1);
    }
    const starts = lane.bars[0]?.from ?? this.from;
    const ends = lane.lost_at ? Date.parse(lane.lost_at) : this.until;
    pen.fillStyle = this.colours["--rule"];
    pen.fillRect(this.x(starts), middle, Math.max(0, this.x(ends) - this.x(starts)), 1);
    if (lane.status === "lost") this.loss(pen, lane, top);
    this.bars(pen, lane.bars, top);
  }

  // From the last sign of life on.
  loss(pen, lane, top) {
    const last = Math.max(lane.lost_at ? Date.parse(lane.lost_at) : this.from, lane.bars.at(-1)?.until ?? this.from);
    const left = this.x(last);
    pen.fillStyle = pen.createPattern(this.hatch, "repeat");
    pen.fillRect(left, top + PAD, Math.max(0, Math.min(this.width - left, 90)), ROW - 2 * PAD);
  }

  bars(pen, bars, top) {
    let before = null;
    let filled = -1; // the pixel up to which bars of this lane are painted
    for (const bar of bars) {
      if (bar.until < this.from) {
        before = bar;
        continue;
      }
      if (bar.from > this.until) break;
      const left = this.x(bar.from);
      const right = Math.max(left + 1, this.x(bar.until));
      this.gap(pen, before, left, bar, top);
      before = bar;
      const isPlain = bar.outcome === "completed";
      if (right <= filled && isPlain) continue;
      this.bar(pen, bar, left, right, top);
      filled = Math.max(filled, Math.ceil(right) - 1);
    }
  }

  bar(pen, bar, left, right, top) {
    const isBad = bar.outcome !== "completed" && bar.outcome !== "cached" && bar.outcome !== "running";
    const pad = isBad ? PAD - 1 : PAD;
    const edge = right - left > 4 ? 0.75 : 0; // neighbours stay apart
    pen.fillStyle = this.colours[bar.outcome] ?? this.colours["--bar-other"];
    pen.fillRect(left, top + pad, right - left - edge, ROW - 2 * pad);
    if (NAMED.includes(bar.outcome)) this.named(pen, bar, Math.max(0, left), Math.min(this.width, right), top);
    if (bar.outcome !== "lost" || right - left < 6) return;
    pen.fillStyle = this.colours["--surface"];
    for (let x = left + 2; x < right - 2; x += 5) pen.fillRect(x, top + pad, 1.5, ROW - 2 * pad);
  }

  named(pen, bar, left, right, top) {
    if (right - left < NAME_WIDTH) return;
    pen.save();
    pen.beginPath();
    pen.rect(left, top, right - left - 4, ROW);
    pen.clip();
    pen.fillStyle = NAME_INK;
    pen.fillText(bar.name, left + 5, top + ROW / 2 + 1);
    pen.restore();
  }

  gap(pen, before, left, bar, top) {
    if (!before) return;
    const idle = this.x(before.until);
    if (left - idle < GAP_WIDTH) return;
    const text = span((bar.from - before.until) / 1000);
    const room = pen.measureText(text).width + 8;
    const middle = (Math.max(0, idle) + Math.min(this.width, left)) / 2;
    pen.fillStyle = this.colours["--surface"];
    pen.fillRect(middle - room / 2, top + 2, room, ROW - 4);
    pen.fillStyle = this.colours["--ink-soft"];
    pen.fillText(text, middle - room / 2 + 4, top + ROW / 2 + 1);
  }

  // The bar at a point, or the nearest one within three pixels.
  at(x, y) {
    const lane = this.lanes[Math.floor(y / ROW)];
    if (!lane) return null;
    let found = null;
    let nearest = 3;
    for (const bar of lane.bars) {
      const distance = Math.max(this.x(bar.from) - x, x - this.x(bar.until), 0);
      if (distance <= nearest) [found, nearest] = [bar, distance];
    }
    return found;
  }
}
