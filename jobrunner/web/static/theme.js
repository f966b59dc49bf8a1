// The chosen theme, before anything is painted: hence no module.
"use strict";
(() => {
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const root = document.documentElement;

  function stored() {
    try {
      const theme = localStorage.getItem("jobrunner-theme");
      return theme in NEXT ? theme : "auto";
    } catch {
      return "auto"; // storage is forbidden here
    }
  }

  function show(theme) {
    root.dataset.theme = theme;
    const word = document.querySelector("[data-theme-word]");
    if (word) word.textContent = theme;
    document.dispatchEvent(new CustomEvent("jobrunner:theme"));
  }

  show(stored());
  document.addEventListener("DOMContentLoaded", () => {
    show(stored());
    document.getElementById("theme")?.addEventListener("click", () => {
      const theme = NEXT[root.dataset.theme];
      try {
        localStorage.setItem("jobrunner-theme", theme);
      } catch {
        // it holds for this page, then
      }
      show(theme);
    });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    document.dispatchEvent(new CustomEvent("jobrunner:theme")),
  );
})();
