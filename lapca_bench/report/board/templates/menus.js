// The controls of a board: on a narrow screen they are a sheet; a menu closes when another opens, on Escape, and on a press
// elsewhere.
"use strict";
(() => {
  const bar = document.getElementById("c-bar"), sheet = document.getElementById("c-sheet");
  const menus = [...document.querySelectorAll(".menu")];
  const showSheet = (open) => {
    bar.classList.toggle("open", open);
    sheet.setAttribute("aria-expanded", String(open));
    sheet.textContent = open ? "Close" : "Filters and view";
  };
  sheet.addEventListener("click", () => showSheet(!bar.classList.contains("open")));
  const close = (except) => menus.forEach((menu) => { if (menu !== except) menu.open = false; });
  for (const event of ["pointerdown", "focusin"]) document.addEventListener(event, ({ target }) => close(target.closest?.(".menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = menus.find((menu) => menu.open);
    if (open) { open.open = false; open.querySelector("summary").focus(); } else if (bar.classList.contains("open")) { showSheet(false); sheet.focus(); }
  });
  // On a large screen the plot above the table is open: both are in sight.
  const plot = document.getElementById("cost");
  if (plot && plot.querySelectorAll("circle").length > 6 && innerHeight >= 1000 && innerWidth >= 1200) plot.open = true;
})();
