// The page of a task: while it runs, what it says of itself is asked for again and again.
const EVERY = 3000;

setInterval(() => {
  const isPaused = document.getElementById("live")?.dataset.state === "paused";
  if (document.hidden || isPaused || !document.querySelector("[data-poll]")) return;
  document.dispatchEvent(new CustomEvent("jobrunner:change", { detail: {} }));
}, EVERY);

// What is being written is followed at its end, unless somebody has scrolled up to read.
const held = new WeakSet();
const isLive = (element) => element instanceof HTMLElement && element.matches("[data-live-text]");

document.addEventListener(
  "scroll",
  ({ target }) => {
    if (!isLive(target)) return;
    const isAtEnd = target.scrollHeight - target.scrollTop - target.clientHeight < 8;
    if (isAtEnd) held.delete(target);
    else held.add(target);
  },
  true,
);

function toTheEnd() {
  for (const text of document.querySelectorAll("[data-live-text]")) {
    if (!held.has(text)) text.scrollTop = text.scrollHeight;
  }
}

document.addEventListener("htmx:after:swap", toTheEnd);
toTheEnd();
