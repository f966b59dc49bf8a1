// What every page does; drawings are loaded where a page has some.
import { askForForms, askForRequests } from "./confirm.js";
import { flash } from "./dom.js";
import * as keys from "./keys.js";
import * as live from "./live.js";
import { localise } from "./times.js";

const PARTS = {
  ".spark": "./spark.js",
  ".chart": "./charts.js",
  ".graph": "./graph.js",
  ".gantt": "./gantt.js",
  ".timeline": "./timeline.js",
};

// htmx makes functions from the text of attributes; here it gets none, even without a policy.
function refused() {
  throw new Error("text is not run as a program here");
}

function setUpHtmx() {
  htmx.registerExtension("no-eval", { init: (api) => api.initSecurity(null, refused, refused) });
  document.addEventListener("htmx:config:request", (event) => {
    const { request } = event.detail.ctx;
    if (request.method === "GET") return;
    request.headers["X-CSRF-Token"] = document.querySelector('meta[name="csrf-token"]').content;
  });
  document.addEventListener("htmx:after:swap", () => furnish());
  document.addEventListener("htmx:response:error", (event) => {
    const { ctx } = event.detail;
    if (!ctx.sourceElement.matches("[data-refresh]")) flash("error", told(ctx));
    ctx.text = ""; // else htmx would read it as HTML, though it shows none of it
  });
}

// Problem details, else the status.
function told(ctx) {
  try {
    const { detail, hint } = JSON.parse(ctx.text);
    return hint ? `${detail}. ${hint}` : detail;
  } catch {
    return `The server answered ${ctx.response.status}.`;
  }
}

function furnish() {
  localise();
  labelCards();
  for (const [selector, path] of Object.entries(PARTS)) {
    const found = document.querySelectorAll(selector);
    if (found.length) import(path).then((part) => found.forEach(part.furnish), unloaded);
  }
}

function unloaded() {
  flash("error", "A part of this page could not be loaded. Load it again.");
}

// A table shown as cards has lost its roles with its display.
function labelCards() {
  for (const table of document.querySelectorAll("table.cards:not([role])")) {
    table.setAttribute("role", "table");
    const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
    const roles = { "thead, tbody": "rowgroup", tr: "row", td: "cell" };
    for (const [selector, role] of Object.entries(roles)) {
      table.querySelectorAll(selector).forEach((part) => part.setAttribute("role", role));
    }
    table.querySelectorAll("thead th").forEach((head) => head.setAttribute("role", "columnheader"));
    table.querySelectorAll("tbody th").forEach((head) => head.setAttribute("role", "rowheader"));
    for (const row of table.tBodies[0]?.rows ?? []) {
      [...row.cells].forEach((cell, at) => {
        if (heads[at] && !("label" in cell.dataset)) cell.dataset.label = heads[at];
      });
    }
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const before = button.textContent;
  navigator.clipboard?.writeText(button.dataset.copy).then(() => {
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = before), 1500);
  });
});

setUpHtmx();
askForForms();
askForRequests();
keys.start();
live.start();
furnish();
document.documentElement.dataset.ready = "";
