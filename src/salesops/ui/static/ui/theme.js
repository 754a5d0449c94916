/* Runs before the first paint, so that the page never flashes in the wrong theme. Kept tiny on purpose. */
(function () {
  "use strict";
  var root = document.documentElement;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function kept() {
    try {
      return window.localStorage.getItem("salesops-theme");
    } catch (error) {
      return null; /* storage switched off: follow the system */
    }
  }
  function apply() {
    var choice = kept();
    root.dataset.theme = choice === "light" || choice === "dark" ? choice : dark.matches ? "dark" : "light";
  }
  apply();
  dark.addEventListener("change", apply);
  root.classList.add("js");
})();
