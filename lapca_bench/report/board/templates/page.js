// What every page does: the theme, kept between visits where the browser allows it.
"use strict";
(() => {
  const root = document.documentElement;
  const button = document.querySelector(".theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const recall = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem("theme", theme); } catch { /* storage is off: the page still works */ } };
  const current = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const show = (theme) => {
    root.dataset.theme = theme;
    button.setAttribute("aria-pressed", String(theme === "dark"));
  };
  if (recall()) show(recall()); else button.setAttribute("aria-pressed", String(current() === "dark"));
  button.addEventListener("click", () => {
    show(current() === "dark" ? "light" : "dark");
    keep(root.dataset.theme);
  });
  button.hidden = false;
})();
