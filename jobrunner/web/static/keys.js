// The keyboard: `g` and a letter for a page, `/` for the filter, `?` for this list.
import { make } from "./dom.js";

const SWITCH = "jobrunner-keys";
const WAIT = 1500;

let after = 0; // until when a letter counts as the second key

function areOn() {
  try {
    return localStorage.getItem(SWITCH) !== "off";
  } catch {
    return true;
  }
}

function isTyping(target) {
  return target.isContentEditable || target.matches?.("input:not([type=checkbox]), select, textarea");
}

function pages() {
  return [...document.querySelectorAll(".nav a[data-key]")];
}

function help() {
  const rows = [
    ["/", "To the filter"],
    ["?", "This list"],
    ...pages().map((link) => [`g ${link.dataset.key}`, link.textContent]),
    ["+ − 0 arrows", "Zoom and move in a drawing that has the focus"],
  ];
  const list = make("dl", { class: "keys" });
  for (const [keys, text] of rows) {
    const shown = keys.split(" ").flatMap((key) => [make("kbd", {}, key), " "]);
    list.append(make("dt", {}, ...shown), make("dd", {}, text));
  }
  const toggle = make("input", { type: "checkbox" });
  toggle.checked = areOn();
  toggle.addEventListener("change", () => {
    try {
      localStorage.setItem(SWITCH, toggle.checked ? "on" : "off");
    } catch {
      // they stay as they are, then
    }
  });
  const close = make("button", { type: "button" }, "Close");
  const dialog = make(
    "dialog",
    { id: "help", "aria-labelledby": "help-title" },
    make("h2", { id: "help-title" }, "Keyboard shortcuts"),
    list,
    make("label", {}, toggle, "Single keys act"),
    make("div", { class: "actions" }, close),
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]") || !areOn()) return;
  const isSecond = performance.now() < after;
  after = 0;
  const page = isSecond && pages().find((link) => link.dataset.key === event.key);
  if (page) page.click();
  else if (event.key === "g") after = performance.now() + WAIT;
  else if (event.key === "?") help();
  else if (event.key === "/") focusFilter(event);
}

function focusFilter(event) {
  const field = document.querySelector("[data-filter], input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select?.();
}

export function start() {
  document.addEventListener("keydown", pressed);
  document.getElementById("keys")?.addEventListener("click", help);
}
