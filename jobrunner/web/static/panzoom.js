// Moves and scales a group of an SVG by mouse, touch, keyboard and buttons.
import { make } from "./dom.js";

export const READABLE = 0.55;
const CLOSEST = 2.5;
const STEP = 1.25;
const SHIFT = 60;

export function buttons(all) {
  const made = all.map(([sign, label, click]) =>
    make("button", { type: "button", class: "quiet", "aria-label": label, click }, sign),
  );
  return make("span", { class: "buttons" }, ...made);
}

function between(least, value, most) {
  return Math.min(most, Math.max(least, value));
}

export class PanZoom {
  // `size` tells the width and height of what is drawn.
  constructor(svg, group, size) {
    Object.assign(this, { svg, group, size, x: 0, y: 0, scale: 1 });
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    svg.addEventListener("keydown", (event) => this.key(event));
    svg.addEventListener("pointerdown", (event) => this.grab(event));
    svg.addEventListener("focusin", (event) => this.reveal(event.target));
  }

  buttons() {
    const all = [
      ["−", "Zoom out", () => this.zoom(1 / STEP)],
      ["+", "Zoom in", () => this.zoom(STEP)],
      ["Fit", "Fit all of it", () => this.fit()],
    ];
    return buttons(all);
  }

  apply() {
    this.group.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.scale})`);
  }

  fit() {
    const { clientWidth: width, clientHeight: height } = this.svg;
    const [wide, high] = this.size();
    this.scale = Math.min(1.1, (width - 24) / wide, (height - 24) / high);
    this.x = (width - wide * this.scale) / 2;
    this.y = (height - high * this.scale) / 2;
    this.apply();
  }

  // All of it if that can be read, else a part about a point of the drawing.
  start(x, y) {
    this.fit();
    if (this.scale >= READABLE) return;
    const { clientWidth: width, clientHeight: height } = this.svg;
    const [wide, high] = this.size();
    this.scale = READABLE;
    this.x = between(width - wide * READABLE - 12, width / 2 - x * READABLE, 12);
    this.y = high * READABLE < height ? (height - high * READABLE) / 2 : height / 2 - y * READABLE;
    this.apply();
  }

  // By a factor, about a point of the picture or its middle.
  zoom(factor, x = this.svg.clientWidth / 2, y = this.svg.clientHeight / 2) {
    const scale = Math.min(CLOSEST, Math.max(0.05, this.scale * factor));
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.apply();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.apply();
  }

  // A page that is scrolled past a picture must not stop in it.
  wheel(event) {
    if (!event.ctrlKey && !event.metaKey && !this.svg.contains(document.activeElement)) return;
    event.preventDefault();
    const box = this.svg.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
  }

  key(event) {
    const acts = {
      ArrowLeft: () => this.move(SHIFT, 0),
      ArrowRight: () => this.move(-SHIFT, 0),
      ArrowUp: () => this.move(0, SHIFT),
      ArrowDown: () => this.move(0, -SHIFT),
      "+": () => this.zoom(STEP),
      "=": () => this.zoom(STEP),
      "-": () => this.zoom(1 / STEP),
      0: () => this.fit(),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  }

  grab(event) {
    if (event.button !== 0) return;
    let isMoved = false;
    const from = { x: event.clientX, y: event.clientY };
    const move = (to) => {
      if (!isMoved && Math.hypot(to.clientX - from.x, to.clientY - from.y) < 4) return;
      if (!isMoved) this.svg.setPointerCapture(event.pointerId);
      isMoved = true;
      this.svg.classList.add("dragging");
      this.move(to.clientX - from.x, to.clientY - from.y);
      from.x = to.clientX;
      from.y = to.clientY;
    };
    const end = () => {
      this.svg.removeEventListener("pointermove", move);
      this.svg.classList.remove("dragging");
      if (!isMoved) return;
      // The click that ends a move opens nothing.
      const swallow = (click) => click.preventDefault();
      this.svg.addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => this.svg.removeEventListener("click", swallow, { capture: true }));
    };
    this.svg.addEventListener("pointermove", move);
    this.svg.addEventListener("pointerup", end, { once: true });
    this.svg.addEventListener("pointercancel", end, { once: true });
  }

  // What the keyboard reaches comes into view.
  reveal(element) {
    if (element === this.svg || !element.matches(":focus-visible")) return;
    const box = this.svg.getBoundingClientRect();
    const node = element.getBoundingClientRect();
    if (node.left >= box.left && node.right <= box.right && node.top >= box.top && node.bottom <= box.bottom) return;
    this.move((box.left + box.right - node.left - node.right) / 2, (box.top + box.bottom - node.top - node.bottom) / 2);
  }
}
