// One stream of changes a tab, polling where there is none; parts of the page follow it.
import { getJson, throttled } from "./dom.js";

const EVENTS = "/api/v1/events";
const STATUS = "/api/v1/status";
const PAUSED = "jobrunner-paused";
const POLL_EVERY = 5000;
const REFRESH_EVERY = 2000;
const POLLS_BEFORE_ANOTHER_TRY = 12;
const TRIES = 3;
const WORDS = { live: "Live", polling: "Polling", offline: "Offline", paused: "Paused", off: "Live" };

let source = null;
let timer = 0;
let cursor = "";
let failures = 0;
let polls = 0;
let seen = "";

function isPaused() {
  try {
    return sessionStorage.getItem(PAUSED) !== null;
  } catch {
    return false;
  }
}

function tell(state) {
  const button = document.getElementById("live");
  if (!button) return;
  button.dataset.state = state;
  button.querySelector("[data-live-word]").textContent = WORDS[state];
}

function decide() {
  if (isPaused() || document.hidden) {
    close();
    if (isPaused()) tell("paused");
  } else if (!source && !timer) {
    listen();
  }
}

function close() {
  source?.close();
  source = null;
  clearTimeout(timer);
  timer = 0;
}

function listen() {
  source = new EventSource(cursor ? `${EVENTS}?since=${encodeURIComponent(cursor)}` : EVENTS);
  source.addEventListener("open", () => {
    failures = 0;
    tell("live");
    setTimeout(() => source && refreshAll(), REFRESH_EVERY); // what is shown may be a second older than the stream
  });
  for (const name of ["message", "change", "changes"]) source.addEventListener(name, took);
  source.addEventListener("error", () => {
    failures += 1;
    if (source?.readyState !== EventSource.CLOSED && failures < TRIES) return tell("offline");
    close();
    polls = 0;
    poll();
  });
}

function took(event) {
  cursor = event.lastEventId || cursor;
  try {
    announce(JSON.parse(event.data));
  } catch {
    announce({});
  }
}

async function poll() {
  timer = setTimeout(polled, POLL_EVERY);
  try {
    const now = await getJson(STATUS);
    tell("polling");
    const text = JSON.stringify(now);
    if (text !== seen) announce(now);
    seen = text;
  } catch {
    tell("offline");
  }
}

function polled() {
  timer = 0;
  polls += 1;
  if (polls < POLLS_BEFORE_ANOTHER_TRY) return poll();
  failures = 0;
  listen();
}

function announce(data) {
  for (const [status, number] of Object.entries(data.counts ?? data.tasks ?? {})) {
    for (const place of document.querySelectorAll(`[data-count="${CSS.escape(status)}"]`)) {
      place.textContent = Number(number).toLocaleString("en");
    }
  }
  document.dispatchEvent(new CustomEvent("jobrunner:change", { detail: data }));
}

const refreshers = new WeakMap();

function refreshAll() {
  for (const element of document.querySelectorAll("[data-refresh]")) {
    if (!refreshers.has(element)) {
      refreshers.set(element, throttled(() => refresh(element), REFRESH_EVERY));
    }
    refreshers.get(element)();
  }
}

// What is asked for by a form may be that this page's subject is no more.
let leaving = false;

function leave() {
  leaving = true;
  setTimeout(() => (leaving = false), REFRESH_EVERY); // it may have been a download
}

// A whole page may answer, then the part with the same id is taken from it.
function refresh(element) {
  if (leaving || !element.isConnected || document.hidden) return;
  if (document.querySelector("dialog[open]")) return;
  const url = element.dataset.refresh || location.pathname + location.search;
  const how = element.id
    ? { select: `#${CSS.escape(element.id)}`, swap: "outerMorph ignoreTitle:true" }
    : { swap: "innerMorph ignoreTitle:true" };
  htmx.ajax("GET", url, { source: element, target: element, push: "false", ...how });
}

export function start() {
  document.addEventListener("jobrunner:change", refreshAll);
  document.addEventListener("visibilitychange", decide);
  addEventListener("beforeunload", leave);
  addEventListener("pagehide", close);
  addEventListener("pageshow", decide);
  document.getElementById("live")?.addEventListener("click", () => {
    try {
      if (isPaused()) sessionStorage.removeItem(PAUSED);
      else sessionStorage.setItem(PAUSED, "");
    } catch {
      return;
    }
    decide();
  });
  decide();
}
