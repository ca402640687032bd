// The plot of quality against cost and the table point at each other: a point lights its row, a row its points. The points
// count the rows in the order in which the page was written, so this runs before anything is sorted.
"use strict";
(() => {
  const rows = [...document.getElementById("board").tBodies[0].rows];
  const points = [...document.querySelectorAll("[data-row]")];
  const light = (i, on) => {
    rows[i]?.classList.toggle("lit", on);
    points.forEach((point) => { if (Number(point.dataset.row) === i) point.classList.toggle("lit", on); });
  };
  for (const [event, on] of [["pointerover", true], ["pointerout", false]]) {
    points.forEach((point) => point.addEventListener(event, () => light(Number(point.dataset.row), on)));
    rows.forEach((row, i) => row.addEventListener(event, () => light(i, on)));
  }
  points.forEach((point) => point.addEventListener("click", () => rows[Number(point.dataset.row)].scrollIntoView({ block: "center" })));
})();
