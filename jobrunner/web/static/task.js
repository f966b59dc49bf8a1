// The page of a task: while it runs, what it says of itself is asked for again and again.
const EVERY = 3000;

setInterval(() => {
  const isPaused = document.getElementById("live")?.dataset.state === "paused";
  if (document.hidden || isPaused || !document.querySelector("[data-poll]")) return;
  document.dispatchEvent(new CustomEvent("jobrunner:change", { detail: {} }));
}, EVERY);
